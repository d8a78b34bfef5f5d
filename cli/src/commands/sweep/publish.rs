//! What a finished sweep leaves: table, figures, summary; a finished shard its scenario.

use super::{CELLS_FAILED, Sweep};
use crate::commands::args::Options;
use crate::commands::{INTERRUPTED, folder, listed, render, show, summary_file, warn};
use crate::error::Result;
use crate::figures;
use crate::output::{self, File};
use crate::report::summary::Provenance;
use crate::report::sweep::{self as report, SweepSummary};
use crate::scenario;
use crate::sweep::{CellStore, Table};
use serde_json::json;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// The scenario, as it is written.
pub(super) const SCENARIO: &str = "scenario.yaml";
const TABLE: &str = folder::SWEEP_TABLE;
const SUMMARY: &str = folder::SUMMARY;

/// What the files of a finished sweep are made of, beside its cells.
pub(super) struct PublishContext<'a> {
    pub(super) svg: bool,
    pub(super) clock: Instant,
    pub(super) started: SystemTime,
    /// Asked between figures.
    pub(super) go_on: &'a dyn Fn() -> bool,
}

/// Writes table, figures and summary of a finished sweep.
pub(super) fn finish(
    sweep: &Sweep,
    store: &mut CellStore,
    options: &Options,
    context: &PublishContext<'_>,
) -> Result<u8> {
    let (name, folder) = (&sweep.job.name, &sweep.job.folder);
    let mut table = Table {
        grid: &sweep.grid,
        store,
    };
    let Some(figures) = figures(sweep, &mut table, context)? else {
        warn(&format!(
            "warning: {name}: interrupted; all cells are kept: the same call draws them"
        ));
        return Ok(INTERRUPTED);
    };
    let scenario = sweep
        .job
        .file_in(folder, sweep.job.loaded.file.scenario.clone());
    let mut summary = SweepSummary::new(name, scenario, &table);
    let csv = output::stage(folder, TABLE, &mut |append| {
        table.write_csv(append, &mut |record| summary.add(&sweep.grid, record))
    })?;
    summary.finish();
    let names = figures.iter().map(|(name, _)| name.as_str());
    let names = [SCENARIO, TABLE].into_iter().chain(names).chain([SUMMARY]);
    summary.files = names.map(str::to_owned).collect();
    let seconds = context.clock.elapsed().as_secs_f64();
    summary.provenance = Some(Provenance::new(context.started, 0.0, seconds));
    let mut staged = vec![stage(folder, &scenario_file(sweep, folder))?, csv];
    for file in figures.iter().chain([&summary_file(&summary)]) {
        staged.push(stage(folder, file)?);
    }
    let earlier = earlier_pictures(folder);
    let earlier: Vec<&str> = earlier.iter().map(String::as_str).collect();
    let written = output::publish(folder, staged, &earlier)?;
    show(options, &summary, || {
        let (report, folder) = (report::report(&summary), folder.display());
        let names = listed(&written);
        format!("{report}\nwritten to {folder} in {seconds:.1} s:\n  {names}\n")
    })?;
    if store.failed() > 0 {
        warn(&format!(
            "warning: {name}: {} of {} cells failed",
            store.failed(),
            sweep.grid.len()
        ));
        return Ok(CELLS_FAILED);
    }
    Ok(0)
}

/// All figures; None where they are not waited for.
fn figures(
    sweep: &Sweep,
    table: &mut Table<'_>,
    context: &PublishContext<'_>,
) -> Result<Option<Vec<File>>> {
    let file = &sweep.job.loaded.file;
    let mut pages = Vec::new();
    for section in &file.figure {
        if !(context.go_on)() {
            return Ok(None);
        }
        let page = figures::sweep_page(&file.scenario, section, table)?;
        pages.push((section.file_stem().to_owned(), page));
    }
    let name = &sweep.job.name;
    Ok(Some(render(name, &pages, context.svg)?))
}

fn stage(folder: &Path, (name, bytes): &File) -> Result<output::Staged> {
    output::stage(folder, name, &mut |append| append(bytes))
}

/// The scenario's file, with the paths of its files relative to the folder it stands in.
fn scenario_file(sweep: &Sweep, folder: &Path) -> File {
    let file = sweep
        .job
        .file_in(folder, sweep.job.loaded.file.scenario.clone());
    (SCENARIO.to_owned(), scenario::to_yaml(&file).into_bytes())
}

/// Whether a file of this name is written by a sweep with these figures.
pub(super) fn is_written(sweep: &Sweep, name: &str) -> bool {
    let is_picture = |stem: &str| {
        let rest = name.strip_prefix(stem);
        rest.is_some_and(|rest| PICTURES.contains(&rest))
    };
    let mut figures = sweep.job.loaded.file.figure.iter();
    [SCENARIO, TABLE, SUMMARY].contains(&name)
        || figures.any(|figure| is_picture(figure.file_stem()))
        || earlier_pictures(&sweep.job.folder)
            .iter()
            .any(|earlier| earlier == name)
}

/// Endings of pictures.
const PICTURES: [&str; 2] = [".png", ".svg"];

/// The pictures that an earlier sweep says it wrote to the folder.
fn earlier_pictures(folder: &Path) -> Vec<String> {
    let summary = folder::summary_in(folder);
    let names = summary["files"].as_array().into_iter().flatten();
    let names = names.filter_map(|name| name.as_str());
    // What stands elsewhere, whatever the summary says, is not the sweep's.
    let is_own = |name: &&str| {
        PICTURES.iter().any(|ending| name.ends_with(ending)) && !name.contains(['/', '\\'])
    };
    names.filter(is_own).map(str::to_owned).collect()
}

/// Says of an unfinished sweep that the results beside its cells are not its own.
pub(super) fn note_earlier_results(sweep: &Sweep) {
    let folder = &sweep.job.folder;
    if folder.join(TABLE).exists() {
        warn(&format!(
            "warning: {}: {TABLE}, {SUMMARY} and the figures in {} are those of an earlier call",
            sweep.job.name,
            folder.display()
        ));
    }
}

/// Writes the scenario of a finished shard, for `merge`, beside its cells: what stands in the
/// folder itself may be an earlier result.
pub(super) fn finish_shard(sweep: &Sweep, store: &CellStore, options: &Options) -> Result<u8> {
    let (cells, shard) = (&sweep.cells, sweep.header.shard.to_string());
    output::write_files(cells, &[scenario_file(sweep, cells)], &[])?;
    note_earlier_results(sweep);
    let (name, done, failed) = (&sweep.job.name, store.len(), store.failed());
    let json = json!({"name": name, "shard": shard, "cells": done, "failed": failed});
    show(options, &json, || {
        format!(
            "{name}: shard {shard} is finished, {done} of {} cells, {failed} failed\n  \
             when all are: modalflow merge {} --out {}\n",
            sweep.grid.len(),
            sweep.job.folder.display(),
            options.out.display()
        )
    })?;
    Ok(if failed > 0 { CELLS_FAILED } else { 0 })
}
