//! What a finished sweep leaves: table, figures, summary; a finished shard its scenario.

use super::{CELLS, CELLS_FAILED, Sweep, SweepOptions, print, print_json, warn};
use crate::commands::args::Options;
use crate::commands::run::{INTERRUPTED, provenance, relative_to};
use crate::error::Result;
use crate::figures;
use crate::output::{self, File, Staged};
use crate::plot::{self, Format};
use crate::report::sweep::{self as report, SweepSummary};
use crate::scenario;
use crate::sweep::{CellStore, Table};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// The scenario, as it is written.
pub(super) const SCENARIO: &str = "scenario.yaml";
const TABLE: &str = "sweep.csv";
const SUMMARY: &str = "summary.json";

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
    let Sweep { name, folder, .. } = sweep;
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
    let csv = output::stage(folder, TABLE, &mut |append| {
        table.write_csv(&mut |line| append(line.as_bytes()))
    })?;
    let mut summary = report::summary(name, &file_in(sweep, folder), &mut table)?;
    let names = figures.iter().map(|(name, _)| name.clone());
    let names = [SCENARIO, TABLE]
        .map(str::to_owned)
        .into_iter()
        .chain(names);
    summary.files = names.chain([SUMMARY.to_owned()]).collect();
    let seconds = context.clock.elapsed().as_secs_f64();
    summary.provenance = Some(provenance(context.started, 0.0, seconds));
    let mut json = serde_json::to_vec_pretty(&summary).unwrap_or_default();
    json.push(b'\n');
    let mut staged = vec![stage(folder, &scenario_file(sweep, folder))?, csv];
    for file in figures.iter().chain([&(SUMMARY.to_owned(), json)]) {
        staged.push(stage(folder, file)?);
    }
    let earlier = earlier_pictures(folder);
    let earlier: Vec<&str> = earlier.iter().map(String::as_str).collect();
    let written = output::publish(folder, staged, &earlier)?;
    show(&summary, folder, &written, options)?;
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
    let formats: &[Format] = match context.svg {
        true => &[Format::Png, Format::Svg],
        false => &[Format::Png],
    };
    let file = &sweep.loaded.file;
    let mut pages = Vec::new();
    for section in &file.figure {
        if !(context.go_on)() {
            return Ok(None);
        }
        let page = figures::sweep_page(&file.scenario, section, table)?;
        pages.push((section.file_stem().to_owned(), page));
    }
    Ok(Some(plot::render(&pages, formats)?))
}

fn stage(folder: &Path, (name, bytes): &File) -> Result<Staged> {
    output::stage(folder, name, &mut |append| append(bytes))
}

/// What stands in the scenario's file, with paths relative to the folder that it is written to.
fn file_in(sweep: &Sweep, folder: &Path) -> scenario::ScenarioFile {
    let file = &sweep.loaded.file;
    scenario::ScenarioFile {
        scenario: relative_to(folder, file.scenario.clone()),
        ..file.clone()
    }
}

/// The scenario's file, with the paths of its files relative to the folder it stands in.
fn scenario_file(sweep: &Sweep, folder: &Path) -> File {
    let yaml = scenario::to_yaml(&file_in(sweep, folder));
    (SCENARIO.to_owned(), yaml.into_bytes())
}

/// Whether a file of this name is written by a sweep with these figures.
pub(super) fn is_written(sweep: &Sweep, name: &str) -> bool {
    let is_picture = |stem: &str| {
        let rest = name.strip_prefix(stem);
        rest.is_some_and(|rest| PICTURES.contains(&rest))
    };
    let mut figures = sweep.loaded.file.figure.iter();
    [SCENARIO, TABLE, SUMMARY].contains(&name)
        || figures.any(|figure| is_picture(figure.file_stem()))
        || earlier_pictures(&sweep.folder)
            .iter()
            .any(|earlier| earlier == name)
}

/// Endings of pictures.
const PICTURES: [&str; 2] = [".png", ".svg"];

/// The pictures that an earlier sweep says it wrote to the folder.
fn earlier_pictures(folder: &Path) -> Vec<String> {
    let summary = std::fs::read(folder.join(SUMMARY)).unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap_or_default();
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
    let folder = &sweep.folder;
    if folder.join(TABLE).exists() {
        warn(&format!(
            "warning: {}: {TABLE}, {SUMMARY} and the figures in {} are those of an earlier call",
            sweep.name,
            folder.display()
        ));
    }
}

/// Writes the scenario of a finished shard, for `merge`, beside its cells: what stands in the
/// folder itself may be an earlier result.
pub(super) fn finish_shard(
    sweep: &Sweep,
    store: &CellStore,
    call: &SweepOptions,
    options: &Options,
) -> Result<u8> {
    let Sweep { name, folder, .. } = sweep;
    let cells = folder.join(CELLS);
    output::write_files(&cells, &[scenario_file(sweep, &cells)], &[])?;
    note_earlier_results(sweep);
    let shard = call.shard;
    if options.json {
        print_json(&serde_json::json!({
            "name": name, "shard": shard.to_string(), "cells": store.len(), "failed": store.failed(),
        }))?;
    } else if !options.quiet {
        print(&format!(
            "{name}: shard {shard} is finished, {} of {} cells, {} failed\n  when all are: modalflow merge {} --out {}\n",
            store.len(),
            sweep.grid.len(),
            store.failed(),
            folder.display(),
            options.out.display()
        ))?;
    }
    Ok(if store.failed() > 0 { CELLS_FAILED } else { 0 })
}

fn show(
    summary: &SweepSummary,
    folder: &Path,
    written: &[PathBuf],
    options: &Options,
) -> Result<()> {
    if options.json {
        return print_json(summary);
    }
    if options.quiet {
        return Ok(());
    }
    let seconds = summary
        .provenance
        .as_ref()
        .map_or(0.0, |provenance| provenance.wall_seconds);
    let names = written.iter().filter_map(|path| path.file_name()?.to_str());
    print(&format!(
        "{}\nwritten to {} in {seconds:.1} s:\n  {}\n",
        report::report(summary),
        folder.display(),
        names.collect::<Vec<_>>().join(", ")
    ))
}
