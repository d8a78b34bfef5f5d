//! `modalflow sweep --dry-run`.

use super::{CELLS, Sweep, SweepOptions, load, print, print_json};
use crate::commands::args::Options;
use crate::error::Result;
use crate::scenario::{self, Cell};
use crate::sweep::{CellStore, Shard};
use modalflow::experiment::Scenario;

/// Cells that are shown in full.
const FIRST: usize = 3;

pub(in crate::commands) fn dry_run(
    paths: &[std::path::PathBuf],
    call: &SweepOptions,
    options: &Options,
) -> Result<u8> {
    for sweep in load(paths, call.shard, options)? {
        let Sweep { name, grid, .. } = &sweep;
        let path = sweep.folder.join(CELLS).join(sweep.header.file_name());
        let store = CellStore::look(&path, sweep.header.clone())?;
        let done = store.map_or(0, |store| store.len());
        let in_shard = (0..grid.len()).filter(|&cell| call.shard.has(cell));
        let first = in_shard.clone().take(FIRST).map(|index| grid.cell(index));
        let first: Vec<(Cell, Result<Scenario>)> = first
            .map(|cell| {
                let scenario = grid.scenario(&cell);
                (cell, scenario)
            })
            .collect();
        let count = in_shard.count();
        if options.json {
            print_json(&serde_json::json!({
                "name": name,
                "cells": grid.len(),
                "in_shard": count,
                "done": done,
                "first": first.iter().map(as_json).collect::<Vec<_>>(),
            }))?;
            continue;
        }
        let mut text = format!("# {name}: {} cells", grid.len());
        if call.shard != Shard::WHOLE {
            text += &format!(", {count} of them in shard {}", call.shard);
        }
        text += &format!(", {done} done\n");
        for (cell, scenario) in &first {
            text += &format!("--- # cell {}, repeat {}\n", cell.index, cell.repeat);
            text += &match scenario {
                Ok(scenario) => scenario::to_yaml(&scenario.clone().into()),
                Err(error) => format!("# invalid: {}\n", error.to_string().replace('\n', "\n# ")),
            };
        }
        print(&text)?;
    }
    Ok(0)
}

/// The scenario of a cell, or why there is none.
fn as_json((cell, scenario): &(Cell, Result<Scenario>)) -> serde_json::Value {
    match scenario {
        Ok(scenario) => serde_json::json!(scenario),
        Err(error) => serde_json::json!({"cell": cell.index, "error": error.to_string()}),
    }
}
