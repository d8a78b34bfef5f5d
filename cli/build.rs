//! Notes the commit and the compiler for the provenance in `summary.json`, and a digest of the
//! sources, by which a sweep knows cells of another program.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is built from: the library and the program.
const SOURCES: [&str; 6] = [
    "../src",
    "../Cargo.toml",
    "../Cargo.lock",
    "src",
    "build.rs",
    "Cargo.toml",
];

fn main() {
    // Not the index, which git writes anew whenever it is asked for the state of the tree.
    println!("cargo::rerun-if-changed=../.git/logs/HEAD");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    if let Some(commit) = commit() {
        println!("cargo::rustc-env=MODALFLOW_GIT={commit}");
    }
    if let Some(version) = printed(Command::new(rustc).arg("--version")) {
        println!("cargo::rustc-env=MODALFLOW_RUSTC={version}");
    }
    println!("cargo::rustc-env=MODALFLOW_SOURCES={:016x}", digest());
}

/// The commit, marked where the program's sources differ from it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.env("GIT_OPTIONAL_LOCKS", "0").args(arguments);
        command
    };
    let commit = printed(&mut git(&["describe", "--always"]))?;
    let status = [&["status", "--porcelain", "--"][..], &SOURCES].concat();
    let is_changed = printed(&mut git(&status)).is_some();
    Some(if is_changed {
        commit + "-dirty"
    } else {
        commit
    })
}

/// What a command prints; None where it fails or prints nothing.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// A number that changes with any source file or dependency.
fn digest() -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut files = vec![PathBuf::from("../Cargo.lock")];
    for folder in ["../src", "src"] {
        collect(Path::new(folder), &mut files);
    }
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
