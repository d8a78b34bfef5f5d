//! The order of the rooms and who may use what, read off the source files and the manifests.

use std::fs;
use std::path::{Path, PathBuf};

/// Data flow down this list in the library: a room uses only those above it, or on its own line.
const LIBRARY: &[&[&str]] = &[
    &["error"],
    &["section"],
    &["linalg"],
    &["data"],
    &["network"],
    &["remedy"],
    &["flow"],
    &["integrate"],
    &["trajectory"],
    &["theory"],
    &["descent"],
    &["analysis"],
    &["experiment"],
    &["diagnosis"],
    &["lib"],
];

/// The same in the program.
const PROGRAM: &[&[&str]] = &[
    &["error"],
    &["output"],
    &["scenario"],
    &["sweep"],
    &["report", "plot"],
    &["figures"],
    &["explore"],
    &["commands"],
    &["lib", "main"],
];

/// Pairs that must not know each other although their order would allow it.
const BLIND: &[(&str, &str)] = &[
    ("analysis", "theory"),
    ("report", "plot"),
    ("plot", "report"),
    ("plot", "sweep"),
    ("figures", "commands"),
    ("explore", "commands"),
];

/// A figure's section stands beside its drawing, and the scenario file composes both: the one arrow up.
const UPWARDS: (&str, &str) = ("scenario", "figures");

/// What only some files may speak of.
const ONLY: &[(&str, &str)] = &[
    ("ode_solvers::", "src/integrate/runge_kutta.rs"),
    ("flate2::", "src/data/files/"),
    ("safetensors::", "src/data/files/"),
    ("plotters::", "cli/src/plot/"),
    ("serde_yaml::", "cli/src/scenario/"),
    ("fs::write", "cli/src/output/"),
    ("OpenOptions", "cli/src/output/"),
    ("httparse::", "cli/src/explore/http.rs"),
    ("TcpListener", "cli/src/explore/server.rs"),
    ("indicatif::", "cli/src/commands/progress.rs"),
    ("sysinfo::", "cli/src/sweep/machine.rs"),
];

/// Everything that the library stands on: the science and its data formats.
const DEPENDENCIES: [&str; 15] = [
    "csv",
    "flate2",
    "gauss-quad",
    "indexmap",
    "libm",
    "nalgebra",
    "npyz",
    "ode_solvers",
    "rand",
    "rand_distr",
    "rayon",
    "safetensors",
    "schemars",
    "serde",
    "zip",
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

/// The room that a file below `root` belongs to.
fn room(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).expect("below the root");
    let first = below.components().next().expect("a name");
    let first = first.as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

/// Rooms of the crate that a file uses.
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

fn check_order(root: &str, order: &[&[&str]]) {
    let root = Path::new(root);
    let rank = |room: &str| {
        let place = order.iter().position(|row| row.contains(&room));
        place.unwrap_or_else(|| panic!("{room} has no place in the order of rooms"))
    };
    let files = sources(root);
    assert!(files.len() > 30);
    for file in files {
        let own = room(root, &file);
        for used in uses(&code(&file)) {
            if used == own || used.is_empty() {
                continue;
            }
            let is_upward = (own.as_str(), used.as_str()) == UPWARDS;
            let is_in_order = rank(&used) < rank(&own) || is_upward;
            assert!(is_in_order, "{} uses {used}", file.display());
            let blind = BLIND.contains(&(own.as_str(), used.as_str()));
            assert!(!blind, "{} must not know {used}", file.display());
        }
    }
}

#[test]
fn rooms_use_only_what_stands_above_them() {
    check_order("src", LIBRARY);
    check_order("cli/src", PROGRAM);
}

/// Theory is drawn along runs but knows nothing of what is measured in them.
#[test]
fn theory_never_sees_runs() {
    for file in sources(Path::new("src/theory")) {
        let code = code(&file);
        for word in ["Observables", "Recorder", "Detection"] {
            assert!(!code.contains(word), "{} speaks of {word}", file.display());
        }
    }
}

#[test]
fn dependencies_stay_behind_their_one_user() {
    let files = [Path::new("src"), Path::new("cli/src")].map(sources);
    for file in files.concat() {
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

/// A new dependency of the library is everybody's: it is written down here first.
#[test]
fn the_library_stands_on_these_crates() {
    let manifest = fs::read_to_string("Cargo.toml").expect("the manifest");
    let section = manifest
        .split("\n[dependencies]\n")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("a section of dependencies");
    let names: Vec<&str> = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, DEPENDENCIES);
}
