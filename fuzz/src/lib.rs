//! What the targets have in common: a folder for the files that they make, and what must hold of
//! whatever is read.
//!
//! An input is refused with one clear error, or it is read and what follows works. Everything else is a
//! finding: a panic, an abort, a wait of seconds, memory that the input does not need.

use modalflow::error::InputError;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow_cli::error::Error;
use modalflow_cli::scenario::{Grid, Loaded, to_yaml};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Memory that a problem may ask for, in bytes: an input of some kilobytes makes no large problem.
const MEMORY: u64 = 1 << 30;

/// Writes a file into a folder of this process, below `fuzz/target/`; its path.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/inputs");
    let folder = target.join(std::process::id().to_string());
    let path = folder.join(name);
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, bytes))
        .expect("room for a small file");
    path
}

/// A scenario of small linear networks with one source of data, and initial weights as `init` says.
pub fn scenario(data: &Value, init: &Value) -> Scenario {
    let text = json!({
        "data": data,
        "network": {"depth": 2, "fusion_layer": 1, "width": 3},
        "init": init,
        "flow": {"until": {"time": 1.0}},
    });
    serde_json::from_value(text).expect("a scenario")
}

/// Reads what a data section names and prepares a run, or refuses it.
pub fn prepare(data: &Value) {
    prepare_from(data, &json!({"gaussian": {"std": 1e-3}}));
}

/// The same with other initial weights.
pub fn prepare_from(data: &Value, init: &Value) {
    let scenario = scenario(data, init);
    let prepared = scenario
        .check()
        .and_then(|()| Problem::prepare_within(&scenario, MEMORY));
    match prepared {
        Ok(problem) => assert!(problem.weights.iter().all(|weight| weight.is_finite())),
        Err(error) => expect_clear(&error),
    }
}

/// Reads a scenario file. What is read reads back as written, and its grid has cells.
pub fn load(text: &str, overrides: &[String]) {
    let path = Path::new("fuzz.yaml");
    let loaded = match Loaded::parse(path, text.to_owned(), overrides) {
        Ok(loaded) => loaded,
        Err(error) => return expect_clear_error(&error),
    };
    let written = to_yaml(&loaded.file);
    match Loaded::parse(path, written.clone(), &[]) {
        Ok(again) => assert_eq!(again.file, loaded.file, "{written}"),
        Err(error) => panic!("{error}\n{written}"),
    }
    if loaded.file.sweep.is_none() {
        return;
    }
    match Grid::of(&loaded) {
        Err(error) => expect_clear_error(&error),
        Ok(grid) => {
            for index in [0, grid.len() - 1] {
                let cell = grid.scenario(&grid.cell(index));
                cell.map(drop)
                    .unwrap_or_else(|error| expect_clear_error(&error));
            }
        }
    }
}

fn expect_clear_error(error: &Error) {
    match error {
        Error::Input(error) => expect_clear(error),
        other => assert_eq!(other.exit_code(), 2, "{other}"),
    }
}

/// An error says where, what, and what to do.
fn expect_clear(error: &InputError) {
    assert!(error.file.is_some() || error.key.is_some(), "{error}");
    assert!(
        !error.problem.is_empty() && !error.remedy.to_string().is_empty(),
        "{error}"
    );
}

/// Reads one array of a file as inputs and targets, then each of `names`, and as labels.
pub fn arrays(path: &Path, names: &[&str]) {
    let alone = path.display().to_string();
    let named = names.iter().map(|name| format!("{alone}#{name}"));
    for array in named.chain([alone.clone()]) {
        let inputs = json!({"A": array, "B": array});
        prepare(&json!({"arrays": {"modalities": inputs, "target": array, "standardise": false}}));
        let extra = json!({"modalities": inputs, "label": array, "whiten": true, "mirror": true, "holdout": 0.5});
        prepare(&json!({ "arrays": extra }));
    }
}
