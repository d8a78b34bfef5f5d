//! What earlier calls left in an output folder.

use crate::error::{Error, Result};
use crate::scenario::ScenarioFile;
use serde_json::Value;
use std::path::Path;

/// The summary that stands in every folder of results.
pub(super) const SUMMARY: &str = "summary.json";
/// The table of a sweep.
pub(super) const SWEEP_TABLE: &str = "sweep.csv";
/// The table of a run.
pub(super) const RUN_TABLE: &str = "trajectory.csv";
/// Where a sweep keeps its cells.
pub(super) const CELLS: &str = "cells";

/// The summary in a folder; null where there is none that can be read.
pub(super) fn summary_in(folder: &Path) -> Value {
    let summary = std::fs::read(folder.join(SUMMARY)).unwrap_or_default();
    serde_json::from_slice(&summary).unwrap_or_default()
}

/// Whether a folder has the complete results of a run of this scenario, as it is written there.
pub(super) fn has_complete_run(folder: &Path, scenario: &ScenarioFile) -> bool {
    let summary = summary_in(folder);
    let is_same = serde_json::to_value(scenario).is_ok_and(|own| own == summary["scenario"]);
    is_same && summary["interrupted"] != true && folder.join(RUN_TABLE).exists()
}

/// A run beside the results of a sweep would pass for one of them.
///
/// # Errors
/// A usage error that names what belongs to a sweep.
pub(super) fn ensure_no_sweep(folder: &Path) -> Result<()> {
    ensure_none(folder, &[CELLS, SWEEP_TABLE], "a sweep", "run")
}

/// A sweep beside the results of a run would replace its summary.
///
/// # Errors
/// A usage error that names what belongs to a run.
pub(super) fn ensure_no_run(folder: &Path) -> Result<()> {
    ensure_none(folder, &[RUN_TABLE], "a run", "sweep")
}

fn ensure_none(folder: &Path, names: &[&str], other: &str, own: &str) -> Result<()> {
    match names.iter().find(|name| folder.join(name).exists()) {
        None => Ok(()),
        Some(name) => Err(Error::usage(
            format!(
                "the folder {} holds the results of {other}: {name}",
                folder.display()
            ),
            format!(
                "give the {own} another name with --set name=NAME, or another folder with --out"
            ),
        )),
    }
}
