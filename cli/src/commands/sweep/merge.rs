//! `modalflow merge`.

use super::Sweep;
use super::publish::{PublishContext, SCENARIO, finish};
use crate::commands::args::Options;
use crate::commands::folder;
use crate::commands::job::Job;
use crate::commands::warn;
use crate::error::{Error, Result};
use crate::output;
use crate::scenario::Loaded;
use crate::sweep::{CellStore, Shard};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// What to name.
const NAME_FOLDERS: &str = "name output folders of modalflow sweep --shard i/n: OUT/NAME";

pub(in crate::commands) fn merge(folders: &[PathBuf], svg: bool, options: &Options) -> Result<u8> {
    let context = PublishContext {
        svg,
        clock: Instant::now(),
        started: SystemTime::now(),
        go_on: &|| true,
    };
    let sweep = merged_sweep(folders, options)?;
    sweep.ensure_inputs_are_kept()?;
    folder::ensure_no_run(&sweep.job.folder)?;
    let mut paths = BTreeSet::new();
    for folder in folders {
        let found = stores_of(&sweep, folder)?;
        paths.extend(found);
    }
    let paths: Vec<PathBuf> = paths.into_iter().collect();
    let paths = CellStore::mergeable(&sweep.header, &paths)?;
    note_processors(&sweep, folders);
    output::prepare_folders(std::slice::from_ref(&sweep.job.folder))?;
    let mut store = CellStore::merge(&sweep.cells, &sweep.header, &paths)?;
    finish(&sweep, &mut store, options, &context)
}

/// Says where shards ran on unlike processors, whose last digits may differ.
fn note_processors(sweep: &Sweep, folders: &[PathBuf]) {
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(Sweep::cells_in(folder)));
    let names = entries
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| entry.file_name().into_string().ok());
    let processors: BTreeSet<String> = names
        .filter_map(|name| sweep.header.processor_of(&name).map(str::to_owned))
        .collect();
    if processors.len() > 1 {
        warn(&format!(
            "warning: {}: the shards ran on unlike processors ({}): last digits may differ from those of one call",
            sweep.job.name,
            modalflow::error::listed(processors.iter().map(String::as_str))
        ));
    }
}

/// The sweep whose scenario stands in the first folder that has one: beside a shard's cells, or
/// beside the results of the whole.
fn merged_sweep(folders: &[PathBuf], options: &Options) -> Result<Sweep> {
    if !options.set.is_empty() {
        return Err(Error::usage(
            "merge takes no --set: it joins cells that have already run",
            "set it in modalflow sweep",
        ));
    }
    let mut paths = folders.iter().flat_map(|folder| {
        [
            Sweep::cells_in(folder).join(SCENARIO),
            folder.join(SCENARIO),
        ]
    });
    let Some(path) = paths.find(|path| path.exists()) else {
        let problem = format!("there is no finished shard in {}", folders[0].display());
        return Err(match shards_below(&folders[0]) {
            Some(below) => Error::usage(problem, format!("did you mean {}?", below.display())),
            None => Error::usage(problem, NAME_FOLDERS),
        });
    };
    let loaded = Loaded::read(&path, &[])?;
    Sweep::of(Job::of(loaded, &options.out), Shard::WHOLE)
}

/// The first folder of cells one level below a folder, as below --out.
fn shards_below(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let below = entries.map(|entry| entry.path());
    below.filter(|path| Sweep::cells_in(path).is_dir()).min()
}

/// The stores of a sweep in an output folder.
fn stores_of(sweep: &Sweep, folder: &Path) -> Result<Vec<PathBuf>> {
    let cells = Sweep::cells_in(folder);
    let entries = std::fs::read_dir(&cells).map_err(|error| {
        Error::usage(
            format!("there are no cells in {}: {error}", cells.display()),
            NAME_FOLDERS,
        )
    })?;
    let paths = entries.flatten().map(|entry| entry.path());
    let (own, others): (Vec<PathBuf>, Vec<PathBuf>) = paths
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .partition(|path| sweep.header.of_part(path).is_some());
    if own.is_empty() && !others.is_empty() {
        return Err(Error::usage(
            format!(
                "the cells in {} are of another scenario or program",
                cells.display()
            ),
            "merge shards of one scenario, with the program that ran them",
        ));
    }
    // One file is one file, by whatever path.
    Ok(own
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect())
}
