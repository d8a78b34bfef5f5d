//! `modalflow check`.

use super::args::Options;
use super::{Prepared, prepare_all, print, print_json};
use crate::error::Result;
use crate::report::network;
use crate::scenario::{self, Grid};
use std::path::PathBuf;

/// Validates scenarios, prints them resolved, and the problem's size.
pub(super) fn check(paths: &[PathBuf], options: &Options) -> Result<u8> {
    let prepared = prepare_all(paths, options)?;
    let grids = prepared.iter().map(|prepared| {
        let sweep = prepared.loaded.file.sweep.as_ref();
        sweep.map(|_| Grid::of(&prepared.loaded)).transpose()
    });
    let grids: Vec<Option<Grid>> = grids.collect::<Result<_>>()?;
    for (i, (prepared, grid)) in prepared.iter().zip(&grids).enumerate() {
        let Prepared {
            name,
            problem,
            loaded,
            ..
        } = prepared;
        let resolved = scenario::ScenarioFile {
            scenario: problem.scenario.clone(),
            ..loaded.file.clone()
        };
        let cells = grid.as_ref().map(Grid::len);
        let size = serde_json::json!({
            "weights": problem.architecture.len(),
            "inputs": problem.moments.inputs_len(),
            "outputs": problem.moments.outputs_len(),
            "memory_bytes": problem.memory(),
            "cells": cells,
        });
        if options.json {
            print_json(&serde_json::json!({"scenario": resolved, "size": size}))?;
        } else if !options.quiet {
            let size = format!(
                "# {name} is valid: {}\n# inputs: {}, outputs: {}, memory while integrating: about {:.1} MB\n",
                network::network_line(&problem.architecture),
                problem.moments.inputs_len(),
                problem.moments.outputs_len(),
                problem.memory() as f64 / 1e6,
            ) + &cells
                .map_or(String::new(), |cells| format!("# sweep: {cells} cells\n"));
            // Several scenarios are several YAML documents.
            let separator = if i > 0 { "---\n" } else { "" };
            print(&format!(
                "{separator}{size}{}",
                scenario::to_yaml(&resolved)
            ))?;
        }
    }
    Ok(0)
}
