//! `modalflow sweep` and `modalflow merge`.

use super::run::{INTERRUPTED, provenance, relative_to, watch_interrupts};
use super::{print, print_json, say};
use crate::cli::Options;
use crate::error::{Error, Result};
use crate::figures;
use crate::output::{self, Staged};
use crate::plot::Format;
use crate::progress::SweepBar;
use crate::report::sweep::{self as report, SweepSummary};
use crate::scenario::{self, Cell, Grid, Loaded};
use crate::sweep::{self, Header, Kept, Plan, Shard, Table};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

/// Exit code of a sweep with failed cells.
const CELLS_FAILED: u8 = 4;

/// Where an output folder keeps its journals.
const CELLS: &str = "cells";

/// What a call of `sweep` asks for beside the scenarios.
pub(super) struct Call {
    pub(super) plan: Plan,
    pub(super) shard: Shard,
    pub(super) svg: bool,
}

/// A sweep ready to run.
struct Sweep {
    name: String,
    loaded: Loaded,
    grid: Grid,
    header: Header,
    folder: PathBuf,
}

/// As many threads as the processor runs at a time.
pub(super) fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Sweep {
    fn of(loaded: Loaded, shard: Shard, out: &Path) -> Result<Self> {
        let grid = Grid::of(&loaded)?;
        let identity = sweep::identity(&loaded.scenario);
        let header = Header {
            sweep: identity.map_err(|error| loaded.source.locate(error))?,
            cells: grid.len(),
            shard,
        };
        let name = loaded.scenario.name.clone().unwrap_or_default();
        Ok(Self {
            folder: out.join(&name),
            name,
            loaded,
            grid,
            header,
        })
    }

    fn wants_trajectory(&self, cell: &Cell) -> bool {
        let columns: Vec<_> = self.grid.columns().collect();
        let mut figures = self.loaded.scenario.figure.iter();
        cell.repeat == 0
            && figures.any(|figure| {
                let of_time = figure.curves.is_some() || figure.portrait.is_some();
                of_time && figure.selects(&columns, &cell.values)
            })
    }
}

/// Loads all of them before anything runs, so that a mistake in the last one shows at once.
fn load(paths: &[PathBuf], shard: Shard, options: &Options) -> Result<Vec<Sweep>> {
    let load = |path: &PathBuf| Sweep::of(Loaded::read(path, &options.set)?, shard, &options.out);
    let sweeps: Vec<Sweep> = paths.iter().map(load).collect::<Result<_>>()?;
    let mut names = BTreeSet::new();
    match sweeps.iter().find(|sweep| !names.insert(&sweep.name)) {
        None => Ok(sweeps),
        Some(twice) => Err(super::named_twice(&twice.name)),
    }
}

pub(super) fn dry_run(paths: &[PathBuf], call: &Call, options: &Options) -> Result<u8> {
    const FIRST: u64 = 3;
    for sweep in load(paths, call.shard, options)? {
        let Sweep { name, grid, .. } = &sweep;
        let kept = Kept::look(&sweep.folder.join(CELLS), sweep.header.clone())?;
        let in_shard = (0..grid.len()).filter(|&cell| call.shard.has(cell));
        let first: Vec<Cell> = in_shard
            .clone()
            .take(FIRST as usize)
            .map(|i| grid.cell(i))
            .collect();
        if options.json {
            let scenarios: Vec<_> = first
                .iter()
                .filter_map(|cell| grid.scenario(cell).ok())
                .collect();
            print_json(&serde_json::json!({
                "name": name, "cells": grid.len(), "in_shard": in_shard.count(), "done": kept.len(), "first": scenarios,
            }))?;
            continue;
        }
        let count = in_shard.count();
        let mut text = format!("# {name}: {} cells", grid.len());
        if call.shard != Shard::WHOLE {
            text += &format!(", {count} of them in shard {}", call.shard);
        }
        text += &format!(", {} done\n", kept.len());
        for cell in &first {
            text += &format!("--- # cell {}, repeat {}\n", cell.index, cell.repeat);
            text += &match grid.scenario(cell) {
                Ok(scenario) => scenario::to_yaml(&scenario),
                Err(error) => format!("# invalid: {}\n", error.to_string().replace('\n', "\n# ")),
            };
        }
        print(&text)?;
    }
    Ok(0)
}

pub(super) fn sweep_scenarios(paths: &[PathBuf], call: &Call, options: &Options) -> Result<u8> {
    let sweeps = load(paths, call.shard, options)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    watch_interrupts(&interrupted);
    let folders: Vec<PathBuf> = sweeps.iter().map(|sweep| sweep.folder.clone()).collect();
    output::prepare_folders(&folders)?;
    let mut exit_code = 0;
    for (i, sweep) in sweeps.iter().enumerate() {
        if i > 0 && !options.quiet && !options.json {
            print("\n")?;
        }
        match sweep_one(sweep, call, options, &interrupted)? {
            0 => {}
            INTERRUPTED => return Ok(INTERRUPTED),
            code => exit_code = code,
        }
    }
    Ok(exit_code)
}

fn sweep_one(
    sweep: &Sweep,
    call: &Call,
    options: &Options,
    interrupted: &AtomicBool,
) -> Result<u8> {
    let Sweep { name, grid, .. } = sweep;
    let (clock, started) = (Instant::now(), SystemTime::now());
    let journals = sweep.folder.join(CELLS);
    let mut kept = Kept::open(&journals, sweep.header.clone())?;
    note_other_cells(sweep, &journals);
    let missing = kept.missing().len() as u64;
    if !kept.is_empty() && missing > 0 {
        say(&format!(
            "{name}: {} cells are done, {missing} are left",
            kept.len()
        ));
    }
    let mut bar = SweepBar::new(name, missing, options.quiet);
    let work = |cell: &Cell, go_on: &dyn Fn() -> bool| match grid.scenario(cell) {
        Ok(scenario) => sweep::run_cell(&scenario, sweep.wants_trajectory(cell), go_on),
        Err(error) => Some(sweep::invalid(&error)),
    };
    let go_on = || !interrupted.load(Ordering::Relaxed);
    let mut monitor = |progress| bar.show(progress);
    sweep::run_cells(grid, &mut kept, &call.plan, &work, &go_on, &mut monitor)?;
    bar.finish();
    let left = kept.missing().len();
    if left > 0 {
        let why = if go_on() {
            "a cell failed"
        } else {
            "interrupted"
        };
        say(&format!(
            "warning: {name}: {why}; {} cells are kept, {left} are left: the same call goes on with them",
            kept.len()
        ));
        return Ok(if go_on() { CELLS_FAILED } else { INTERRUPTED });
    }
    let times = (clock, started);
    if call.shard == Shard::WHOLE {
        finish(sweep, &mut kept, call.svg, options, times)
    } else {
        finish_shard(sweep, &kept, call.shard, options)
    }
}

/// Cells that an earlier call kept of what is not this sweep any more.
fn note_other_cells(sweep: &Sweep, journals: &Path) {
    let entries = std::fs::read_dir(journals).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let others: Vec<String> = names
        .filter(|name| name.ends_with(".jsonl") && !name.starts_with(&sweep.header.sweep))
        .collect();
    if !others.is_empty() {
        say(&format!(
            "{}: cells of another version of the scenario or of the program are left alone, in {}: {}",
            sweep.name,
            journals.display(),
            crate::names::listed(others.iter().map(String::as_str))
        ));
    }
}

fn finish_shard(sweep: &Sweep, kept: &Kept, shard: Shard, options: &Options) -> Result<u8> {
    let yaml = scenario_file(sweep, &sweep.folder);
    output::write_files(&sweep.folder, &[yaml], &[])?;
    if options.json {
        print_json(&serde_json::json!({
            "name": sweep.name, "shard": shard.to_string(), "cells": kept.len(), "failed": kept.failed(),
        }))?;
    } else if !options.quiet {
        print(&format!(
            "{}: shard {shard} is finished, {} of {} cells, {} failed\n  when all are: modalflow merge {}\n",
            sweep.name,
            kept.len(),
            sweep.grid.len(),
            kept.failed(),
            sweep.folder.display()
        ))?;
    }
    Ok(if kept.failed() > 0 { CELLS_FAILED } else { 0 })
}

/// `scenario.yaml`, with the paths of its files relative to the folder it stands in.
fn scenario_file(sweep: &Sweep, folder: &Path) -> output::File {
    let scenario = relative_to(folder, sweep.loaded.scenario.clone());
    (
        "scenario.yaml".to_owned(),
        scenario::to_yaml(&scenario).into_bytes(),
    )
}

/// Writes table, figures and summary of a finished sweep.
fn finish(
    sweep: &Sweep,
    kept: &mut Kept,
    svg: bool,
    options: &Options,
    (clock, started): (Instant, SystemTime),
) -> Result<u8> {
    let Sweep { name, folder, .. } = sweep;
    let mut table = Table {
        grid: &sweep.grid,
        kept,
    };
    let csv = output::stage(folder, "sweep.csv", &mut |append| {
        table.write_csv(&mut |line| append(line.as_bytes()))
    })?;
    let mut summary = report::summary(
        name,
        &relative_to(folder, sweep.loaded.scenario.clone()),
        &mut table,
    )?;
    let formats: &[Format] = if svg {
        &[Format::Png, Format::Svg]
    } else {
        &[Format::Png]
    };
    let mut files = vec![scenario_file(sweep, folder)];
    for section in &sweep.loaded.scenario.figure {
        let scenario = &sweep.loaded.scenario;
        files.extend(figures::sweep_figure(
            scenario, section, &mut table, formats,
        )?);
    }
    summary.provenance = Some(provenance(started, 0.0, clock.elapsed().as_secs_f64()));
    let mut json = serde_json::to_vec_pretty(&summary).unwrap_or_default();
    json.push(b'\n');
    files.push(("summary.json".into(), json));
    let staged = files
        .iter()
        .map(|(name, bytes)| output::stage(folder, name, &mut |append| append(bytes)));
    let mut staged = staged.collect::<Result<Vec<Staged>>>()?;
    staged.insert(1, csv);
    let written = output::publish(folder, staged, &[])?;
    show(&summary, folder, &written, options)?;
    if kept.failed() > 0 {
        say(&format!(
            "warning: {name}: {} of {} cells failed",
            kept.failed(),
            sweep.grid.len()
        ));
        return Ok(CELLS_FAILED);
    }
    Ok(0)
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

pub(super) fn merge(folders: &[PathBuf], svg: bool, options: &Options) -> Result<u8> {
    let times = (Instant::now(), SystemTime::now());
    let sweep = merged_sweep(folders, options)?;
    let mut paths = BTreeSet::new();
    for folder in folders {
        let found = journals_of(&sweep, folder)?;
        paths.extend(found);
    }
    let paths: Vec<PathBuf> = paths.into_iter().collect();
    let mut kept = Kept::merge(sweep.header.clone(), &paths)?;
    output::prepare_folders(std::slice::from_ref(&sweep.folder))?;
    finish(&sweep, &mut kept, svg, options, times)
}

/// The sweep whose scenario stands in the first folder.
fn merged_sweep(folders: &[PathBuf], options: &Options) -> Result<Sweep> {
    if !options.set.is_empty() {
        return Err(Error::Usage {
            problem: "merge takes no --set: the cells are those that were run".into(),
            remedy: "set it in modalflow sweep".into(),
        });
    }
    let path = folders
        .iter()
        .map(|folder| folder.join("scenario.yaml"))
        .find(|path| path.exists());
    let Some(path) = path else {
        return Err(Error::Usage {
            problem: format!("there is no scenario.yaml in {}", folders[0].display()),
            remedy: "name output folders of modalflow sweep --shard i/n; a shard writes it when it is finished".into(),
        });
    };
    Sweep::of(Loaded::read(&path, &[])?, Shard::WHOLE, &options.out)
}

/// The journals of a sweep in an output folder.
fn journals_of(sweep: &Sweep, folder: &Path) -> Result<Vec<PathBuf>> {
    let journals = folder.join(CELLS);
    let entries = std::fs::read_dir(&journals).map_err(|error| Error::Usage {
        problem: format!("there are no cells in {}: {error}", journals.display()),
        remedy: "name output folders of modalflow sweep --shard i/n".into(),
    })?;
    let paths = entries.flatten().map(|entry| entry.path());
    let paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    let is_own = |path: &&PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&sweep.header.sweep))
    };
    let own: Vec<PathBuf> = paths.iter().filter(is_own).cloned().collect();
    if own.is_empty() && !paths.is_empty() {
        return Err(Error::Usage {
            problem: format!(
                "the cells in {} are of another scenario or program",
                journals.display()
            ),
            remedy: "merge shards of one scenario, with the program that ran them".into(),
        });
    }
    // One file is one file, by whatever path.
    Ok(own
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect())
}
