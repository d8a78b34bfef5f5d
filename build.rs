//! Notes the commit and the compiler for the provenance in `summary.json`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/index");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    export(
        "MODALFLOW_GIT",
        Command::new("git").args(["describe", "--always", "--dirty"]),
    );
    export("MODALFLOW_RUSTC", Command::new(rustc).arg("--version"));
}

/// Exports what a command prints as an environment variable of the build; nothing where it fails.
fn export(variable: &str, command: &mut Command) {
    let Ok(output) = command.output() else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && !text.trim().is_empty() {
        println!("cargo::rustc-env={variable}={}", text.trim());
    }
}
