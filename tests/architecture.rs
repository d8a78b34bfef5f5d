//! The order of the modules and who may use what, read off the source files.

use std::fs;
use std::path::{Path, PathBuf};

/// Data flow down this list: a module uses only those above it, or on its own line.
const ORDER: &[&[&str]] = &[
    &["error", "names", "random", "kernels"],
    &["scenario"],
    &["data"],
    &["network"],
    &["weights_file"],
    &["init"],
    &["track", "lanczos"],
    &["flow"],
    &["reduction"],
    &["integrate", "invariants"],
    &["observe", "method", "optimiser", "batches"],
    &[
        "curvature",
        "descent",
        "detect",
        "generalise",
        "parts",
        "visits",
    ],
    &["theory"],
    &["compare"],
    &["memory"],
    &["problem"],
    &["ablation"],
    &["run"],
    &["verify"],
    &["output"],
    &["sweep"],
    &["report", "plot", "progress"],
    &["figures"],
    &["cli"],
    &["app"],
    &["lib", "main"],
];

/// Pairs that must not know each other although their order would allow it.
const BLIND: &[(&str, &str)] = &[
    ("theory", "detect"),
    ("theory", "run"),
    ("theory", "observe"),
    ("theory", "curvature"),
    ("detect", "descent"),
    ("theory", "generalise"),
    ("report", "plot"),
    ("plot", "report"),
    ("plot", "run"),
    ("figures", "problem"),
];

/// The one arrow against the order: the file of a scenario composes the sections of figures, which stand
/// beside what draws them.
const COMPOSES: (&str, &str) = ("scenario", "figures");

/// What only some files may speak of.
const ONLY: &[(&str, &str)] = &[
    ("ode_solvers::", "src/integrate/runge_kutta.rs"),
    ("plotters::", "src/plot/"),
    ("serde_yaml::", "src/scenario/"),
    ("tempfile::", "src/output/"),
    ("fs::write", "src/output/"),
    ("OpenOptions", "src/output/"),
    ("indicatif::", "src/progress.rs"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}

/// Code without comments and without the file's own tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("UTF-8");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn module(path: &Path) -> String {
    let first = path
        .components()
        .nth(1)
        .expect("below src")
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

fn rank(module: &str) -> usize {
    ORDER
        .iter()
        .position(|row| row.contains(&module))
        .unwrap_or_else(|| panic!("{module} has no place in the order of modules"))
}

/// Modules of the crate that a file uses.
fn uses(code: &str) -> Vec<String> {
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let files = sources(Path::new("src"));
    assert!(files.len() > 30);
    for file in files {
        let code = code(&file);
        let own = module(&file);
        for used in uses(&code) {
            if used == own || used.is_empty() || (own.as_str(), used.as_str()) == COMPOSES {
                continue;
            }
            assert!(rank(&used) < rank(&own), "{} uses {used}", file.display());
            let blind = BLIND.contains(&(own.as_str(), used.as_str()));
            assert!(!blind, "{} must not know {used}", file.display());
        }
    }
}

#[test]
fn dependencies_stay_behind_their_one_user() {
    for file in sources(Path::new("src")) {
        let code = code(&file);
        for (word, allowed) in ONLY {
            let here = file.to_string_lossy().replace('\\', "/");
            assert!(
                !code.contains(word) || here.starts_with(allowed),
                "{here} speaks of {word}"
            );
        }
    }
}
