//! Notes the commit and the compiler for the provenance in `summary.json`, and a digest of the
//! sources, by which a sweep knows cells of another program.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/index");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    export(
        "MODALFLOW_GIT",
        Command::new("git").args(["describe", "--always", "--dirty"]),
    );
    export("MODALFLOW_RUSTC", Command::new(rustc).arg("--version"));
    println!("cargo::rustc-env=MODALFLOW_SOURCES={:016x}", digest());
}

/// Exports what a command prints as an environment variable of the build; nothing where it fails.
fn export(variable: &str, command: &mut Command) {
    let Ok(output) = command.output() else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && !text.trim().is_empty() {
        println!("cargo::rustc-env={variable}={}", text.trim());
    }
}

/// A number that changes with any source file or dependency.
fn digest() -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut files = vec![PathBuf::from("Cargo.lock")];
    collect(Path::new("src"), &mut files);
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(&file).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
