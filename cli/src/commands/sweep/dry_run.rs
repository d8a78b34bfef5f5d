//! `modalflow sweep --dry-run`.

use super::Sweep;
use crate::commands::args::Options;
use crate::commands::show;
use crate::error::Result;
use crate::scenario::{self, Cell};
use crate::sweep::{CellStore, Shard};
use modalflow::experiment::Scenario;
use serde_json::json;

/// Cells that are shown in full.
const FIRST: usize = 3;

pub(super) fn dry_run(sweeps: &[Sweep], options: &Options) -> Result<u8> {
    // What is asked for is this text, and nothing else.
    let options = Options {
        quiet: false,
        ..options.clone()
    };
    for Sweep {
        job,
        grid,
        header,
        cells,
    } in sweeps
    {
        let store = CellStore::look(&cells.join(header.file_name()), header.clone())?;
        let done = store.map_or(0, |store| store.len());
        let in_shard = (0..grid.len()).filter(|&cell| header.shard.has(cell));
        let with_scenario = |index| {
            let cell = grid.cell(index);
            let scenario = grid.scenario(&cell);
            (cell, scenario)
        };
        let first: Vec<_> = in_shard.clone().take(FIRST).map(with_scenario).collect();
        let (all, count) = (grid.len(), in_shard.count());
        let json = json!({
            "name": job.name,
            "cells": all,
            "in_shard": count,
            "done": done,
            "first": first.iter().map(as_json).collect::<Vec<_>>(),
        });
        show(&options, &json, || {
            let part = match header.shard {
                Shard::WHOLE => String::new(),
                shard => format!(", {count} of them in shard {shard}"),
            };
            let first: String = first.iter().map(as_yaml).collect();
            format!("# {}: {all} cells{part}, {done} done\n{first}", job.name)
        })?;
    }
    Ok(0)
}

fn as_yaml((cell, scenario): &(Cell, Result<Scenario>)) -> String {
    let text = match scenario {
        Ok(scenario) => scenario::to_yaml(&scenario.clone().into()),
        Err(error) => format!("# invalid: {}\n", error.to_string().replace('\n', "\n# ")),
    };
    format!("--- # cell {}, repeat {}\n{text}", cell.index, cell.repeat)
}

/// The scenario of a cell, or why there is none.
fn as_json((cell, scenario): &(Cell, Result<Scenario>)) -> serde_json::Value {
    match scenario {
        Ok(scenario) => json!(scenario),
        Err(error) => json!({"cell": cell.index, "error": error.to_string()}),
    }
}
