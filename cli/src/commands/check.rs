//! `modalflow check`.

use super::args::Options;
use super::job::{Prepared, prepare_all};
use super::show;
use crate::error::Result;
use crate::report::network;
use crate::scenario::{self, Grid};
use serde_json::json;
use std::path::PathBuf;

/// Validates scenarios, prints them resolved, and the problem's size.
pub(super) fn check(paths: &[PathBuf], options: &Options) -> Result<u8> {
    let prepared = prepare_all(paths, options)?;
    let grids = prepared.iter().map(|Prepared { job, .. }| {
        let sweep = job.loaded.file.sweep.as_ref();
        sweep.map(|_| Grid::of(&job.loaded)).transpose()
    });
    let grids: Vec<Option<Grid>> = grids.collect::<Result<_>>()?;
    for (i, (Prepared { job, problem, .. }, grid)) in prepared.iter().zip(&grids).enumerate() {
        let resolved = scenario::ScenarioFile {
            scenario: problem.scenario.clone(),
            ..job.loaded.file.clone()
        };
        let cells = grid.as_ref().map(Grid::len);
        let (inputs, outputs) = (problem.moments.inputs_len(), problem.moments.outputs_len());
        let size = json!({
            "weights": problem.architecture.len(),
            "inputs": inputs,
            "outputs": outputs,
            "memory_bytes": problem.memory(),
            "cells": cells,
        });
        show(
            options,
            &json!({"scenario": resolved, "size": size}),
            || {
                // Several scenarios are several YAML documents.
                let separator = if i > 0 { "---\n" } else { "" };
                let sweep =
                    cells.map_or(String::new(), |cells| format!("# sweep: {cells} cells\n"));
                format!(
                    "{separator}# {} is valid: {}\n# inputs: {inputs}, outputs: {outputs}, \
                 memory while integrating: about {:.1} MB\n{sweep}{}",
                    job.name,
                    network::network_line(&problem.architecture),
                    problem.memory() as f64 / 1e6,
                    scenario::to_yaml(&resolved)
                )
            },
        )?;
    }
    Ok(0)
}
