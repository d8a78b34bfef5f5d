//! `modalflow sweep` and `modalflow merge`.
//!
//! | file | what it does |
//! |---|---|
//! | `mod.rs` | loads and runs sweeps |
//! | `publish.rs` | writes what is finished |
//! | `dry_run.rs` | shows what would run |
//! | `slurm.rs` | prints a job script |
//! | `merge.rs` | joins shards |

mod dry_run;
mod merge;
mod publish;
mod slurm;

pub(super) use merge::merge;

use super::args::{Options, SweepArgs};
use super::job::{Job, work_on};
use super::progress::Bar;
use super::{INTERRUPTED, folder, interrupt, warn};
use crate::error::{Error, Result};
use crate::output;
use crate::scenario::{Cell, Grid};
use crate::sweep::{self, CellOutcome, CellStore, Finished, Header, Plan, Shard};
use publish::{PublishContext, finish, finish_shard, note_earlier_results};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

/// Exit code of a sweep with failed cells.
const CELLS_FAILED: u8 = 4;

/// A sweep ready to run.
struct Sweep {
    job: Job,
    grid: Grid,
    header: Header,
    /// Where its finished cells are kept.
    cells: PathBuf,
}

impl Sweep {
    /// Where an output folder keeps its finished cells.
    fn cells_in(folder: &Path) -> PathBuf {
        folder.join(folder::CELLS)
    }

    fn of(job: Job, shard: Shard) -> Result<Self> {
        let grid = Grid::of(&job.loaded)?;
        let identity = sweep::identity(&job.loaded);
        let header = Header {
            sweep: identity.map_err(|error| job.loaded.source.locate(error))?,
            cells: grid.len(),
            shard,
        };
        Ok(Self {
            cells: Self::cells_in(&job.folder),
            job,
            grid,
            header,
        })
    }

    /// Loads all of them before anything runs, so that a mistake in the last one shows at once.
    fn load(call: &SweepArgs, options: &Options) -> Result<Vec<Sweep>> {
        let sweep = |job: Job| {
            ensure_axes_are_not_set(&job, &options.set)?;
            Sweep::of(job, call.shard)
        };
        let jobs = Job::load(&call.scenarios.scenarios, options)?;
        jobs.into_iter().map(sweep).collect()
    }

    /// None of the files that a sweep writes or removes may be one that it starts from.
    fn ensure_inputs_are_kept(&self) -> Result<()> {
        let is_written = |name: &str| publish::is_written(self, name);
        self.job.ensure_inputs_stay(&is_written)
    }

    fn wants_trajectory(&self, cell: &Cell) -> bool {
        let columns: Vec<_> = self.grid.columns().collect();
        let mut figures = self.job.loaded.file.figure.iter();
        cell.repeat == 0
            && figures
                .any(|figure| figure.needs_trajectories() && figure.selects(&columns, &cell.values))
    }

    /// A cell's results; None where it was told to stop, or is invalid only because a file that the
    /// scenario names is not what it was when the sweep began.
    fn run(&self, cell: &Cell, go_on: &dyn Fn() -> bool) -> Option<Finished> {
        let finished = match self.grid.scenario(cell) {
            Ok(scenario) => sweep::run_cell(&scenario, self.wants_trajectory(cell), go_on)?,
            Err(error) => return Some(sweep::invalid(&error)),
        };
        let is_invalid = finished.row.outcome == CellOutcome::Invalid;
        (!is_invalid || self.has_its_files()).then_some(finished)
    }

    /// Whether the files that the scenario names are not what they were: what cannot be read for
    /// another reason than its absence has not changed.
    fn has_changed_files(&self) -> bool {
        let is_absent = |path: &Path| path.try_exists().is_ok_and(|exists| !exists);
        match sweep::identity(&self.job.loaded) {
            Ok(now) => now != self.header.sweep,
            Err(_) => self.job.input_files().iter().any(|path| is_absent(path)),
        }
    }

    /// Whether the files that the scenario names can be read, and are what they were.
    fn has_its_files(&self) -> bool {
        self.job.input_files().is_empty()
            || sweep::identity(&self.job.loaded).is_ok_and(|now| now == self.header.sweep)
    }
}

/// A value set from the command line would be overwritten by those of an axis over the same key.
fn ensure_axes_are_not_set(job: &Job, set: &[String]) -> Result<()> {
    let Some(section) = &job.loaded.file.sweep else {
        return Ok(());
    };
    let changed = set.iter().filter_map(|typed| typed.split_once('='));
    for (path, value) in changed {
        let path = path.trim();
        let parts = section.parts();
        let mut parts = parts.iter();
        if let Some((key, _)) = parts.find(|(_, part)| part.path.as_deref() == Some(path)) {
            return Err(Error::usage(
                format!("--set {path}={value} has no effect: {path} is an axis of the sweep"),
                format!(
                    "set the axis: --set '{key}={{path: {path}, values: [{}]}}'",
                    value.trim()
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn sweep_scenarios(call: &SweepArgs, options: &Options) -> Result<u8> {
    let sweeps = Sweep::load(call, options)?;
    if call.dry_run {
        return dry_run::dry_run(&sweeps, options);
    }
    for sweep in &sweeps {
        sweep.ensure_inputs_are_kept()?;
        folder::ensure_no_run(&sweep.job.folder)?;
    }
    if let Some(count) = call.slurm {
        return slurm::print_script(&sweeps, count, call, options);
    }
    work_on(
        &sweeps,
        |sweep| &sweep.job,
        options,
        |sweep| sweep_one(sweep, call, options),
    )
}

fn sweep_one(sweep: &Sweep, call: &SweepArgs, options: &Options) -> Result<u8> {
    interrupt::ask_first(format!(
        "warning: {}: interrupted; all finished cells are kept: the same call goes on with the others",
        sweep.job.name
    ));
    let go_on = || !interrupt::is_asked();
    let context = PublishContext {
        svg: call.svg,
        clock: Instant::now(),
        started: SystemTime::now(),
        go_on: &go_on,
    };
    let mut store = CellStore::open(&sweep.cells, sweep.header.clone())?;
    note_kept(sweep, &store, options);
    if call.shard != Shard::WHOLE && !store.missing().is_empty() {
        let name = sweep.header.processor_file(&sweep::processor());
        output::write_files(&sweep.cells, &[(name, Vec::new())], &[])?;
    }
    run_missing(sweep, &mut store, call, options, &go_on)?;
    if !store.missing().is_empty() {
        note_unfinished(sweep, &store, go_on());
        return Ok(if go_on() { CELLS_FAILED } else { INTERRUPTED });
    }
    match call.shard {
        Shard::WHOLE => finish(sweep, &mut store, options, &context),
        _ => finish_shard(sweep, &store, options),
    }
}

/// As many threads as the processor runs at a time.
fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn run_missing(
    sweep: &Sweep,
    store: &mut CellStore,
    call: &SweepArgs,
    options: &Options,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<()> {
    let plan = Plan {
        jobs: call.jobs.map_or_else(all_cores, usize::from),
        fail_fast: call.fail_fast,
    };
    let missing = store.missing().len() as u64;
    let mut bar = Bar::of_sweep(&sweep.job.name, missing, options.quiet);
    let lost_file = AtomicBool::new(false);
    let work = |cell: &Cell, go_on: &dyn Fn() -> bool| {
        let finished = sweep.run(cell, go_on);
        if finished.is_none() && go_on() {
            lost_file.store(true, Ordering::Relaxed);
        }
        finished
    };
    let go_on = || go_on() && !lost_file.load(Ordering::Relaxed);
    let mut monitor = |progress| bar.show_sweep(progress);
    sweep::run_cells(&sweep.grid, store, &plan, &work, &go_on, &mut monitor)?;
    drop(bar);
    match lost_file.into_inner() || !sweep.has_its_files() {
        true => Err(files_changed(sweep)),
        false => Ok(()),
    }
}

/// Says what earlier calls left: cells of this sweep, and of what is not this sweep any more.
fn note_kept(sweep: &Sweep, store: &CellStore, options: &Options) {
    let Sweep { job, cells, .. } = sweep;
    let (name, missing) = (&job.name, store.missing().len());
    if options.quiet {
        return;
    }
    if !store.is_empty() && missing > 0 {
        warn(&format!(
            "{name}: {} cells are done, {missing} are left",
            store.len()
        ));
    }
    let entries = std::fs::read_dir(cells).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let others: Vec<String> = names
        .filter(|name| name.ends_with(".jsonl") && !name.starts_with(&sweep.header.sweep))
        .collect();
    if !others.is_empty() {
        warn(&format!(
            "{name}: cells of another version of the scenario or of the program are left alone, in {}: {}",
            cells.display(),
            modalflow::error::listed(others.iter().map(String::as_str))
        ));
    }
}

fn note_unfinished(sweep: &Sweep, store: &CellStore, has_failed: bool) {
    let why = match has_failed {
        true => "a cell failed",
        false => "interrupted",
    };
    warn(&format!(
        "warning: {}: {why}; {} cells are kept, {} are left: the same call goes on with them",
        sweep.job.name,
        store.len(),
        store.missing().len()
    ));
    note_earlier_results(sweep);
}

/// Cells that were run while a file changed may be of either content; those before a file could
/// not be read for a while are good.
fn files_changed(sweep: &Sweep) -> Error {
    let files = sweep.job.input_files();
    let files: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let files = files.join(" or ");
    let store = sweep.cells.join(sweep.header.file_name());
    let (what, remedy) = match sweep.has_changed_files() {
        false => (
            "could not be read for a while",
            "make the same call again: it goes on".to_owned(),
        ),
        true => (
            "changed while the sweep ran",
            format!(
                "remove {}, whose cells may be of either content, and sweep again",
                store.display()
            ),
        ),
    };
    Error::Changed {
        problem: format!("{files} {what}"),
        remedy,
    }
}
