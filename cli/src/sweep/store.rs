//! The finished cells of a sweep: one file, and where each cell stands in it.
//!
//! The file is a journal of JSON lines. Its first line says what the cells belong to; each further
//! line is a pair, the number of a cell and what became of it. A line is written as soon as its
//! cell ends, in one call of the operating system, so that a SIGKILL costs unfinished cells only.
//! In memory there are eight bytes a cell: where its line starts.
//!
//! An embedded database (redb) was tried in its place. It saves a fifth of the code and adds
//! checksums, but takes more time and memory a cell, loses finished cells to a SIGKILL, and cannot
//! be read while a sweep writes or, without being written to, after a kill. `docs/sweeps.md` has the
//! numbers.

use super::cell::Finished;
use super::shard::{Division, Shard};
use crate::error::{Error, InputError, Result};
use crate::output::{self, Journal, Line, Merging, is_temporary};
use serde::Serialize;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// How the names of files end that say where cells ran.
const PROCESSOR: &str = "processor";

/// The first line of a store: what its cells belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Identity of the scenario and the program.
    pub sweep: String,
    /// Number of cells of the whole grid.
    pub cells: u64,
    /// The part of it that is kept here.
    pub shard: Shard,
}

impl Header {
    /// The name of the store's file.
    pub fn file_name(&self) -> String {
        let sweep = &self.sweep;
        match self.shard {
            Shard::WHOLE => format!("{sweep}.jsonl"),
            Shard { index, count } => format!("{sweep}.shard-{}-of-{count}.jsonl", index + 1),
        }
    }

    /// The name of an empty file beside the store: cells of it ran on such a processor.
    pub fn processor_file(&self, processor: &str) -> String {
        format!("{}.{processor}.{PROCESSOR}", self.file_name())
    }

    /// The processor that such a file of a store of this sweep is about.
    pub fn processor_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        let rest = name.strip_prefix(&self.sweep)?.strip_suffix(PROCESSOR)?;
        let (_, processor) = rest.strip_suffix('.')?.rsplit_once('.')?;
        Some(processor)
    }

    /// What the store at `path` holds by its name; None where that is no store of this sweep.
    pub fn of_part(&self, path: &Path) -> Option<Header> {
        let name = path.file_name()?.to_str()?;
        let part = name.strip_prefix(&self.sweep)?.strip_suffix(".jsonl")?;
        let shard = match part.strip_prefix(".shard-") {
            Some(shard) => shard.replace("-of-", "/").parse().ok()?,
            None => Shard::WHOLE,
        };
        let header = Header {
            shard,
            ..self.clone()
        };
        (header.file_name() == name).then_some(header)
    }

    /// Whether a cell may be kept here.
    fn has(&self, cell: u64) -> bool {
        cell < self.cells && self.shard.has(cell)
    }

    fn line(&self) -> Vec<u8> {
        // Plain data with text keys always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The finished cells of a sweep, or of a shard of it.
#[derive(Debug)]
pub struct CellStore {
    header: Header,
    journal: Journal,
    /// Where each cell of the grid stands: behind the header, which stands at 0.
    places: Vec<Option<NonZeroU64>>,
    outcomes: BTreeMap<&'static str, u64>,
    failed: u64,
    /// Of the file of a merge, which is removed with the store.
    _merging: Option<Merging>,
}

impl CellStore {
    /// The store in `folder`, which is begun where it is missing, to keep further cells.
    ///
    /// # Errors
    /// A usage error where another process writes to it, or is at work in the folder for another
    /// sweep; an input error where the file is damaged; a write error where the operating system
    /// refuses.
    pub fn open(folder: &Path, header: Header) -> Result<CellStore> {
        let path = folder.join(header.file_name());
        output::clear(folder);
        let mut store = CellStore::lock(folder, &path, header)?;
        let end = store.take_in()?;
        store.begin_at(end)?;
        Ok(store)
    }

    /// What the store at `path` holds, without locking it; None where nothing was begun.
    ///
    /// # Errors
    /// An input error where the file is damaged or cannot be read.
    pub fn look(path: &Path, header: Header) -> Result<Option<CellStore>> {
        let Some(journal) = Journal::open_to_read(path)? else {
            return Ok(None);
        };
        let mut store = CellStore::new(header, journal);
        Ok((store.take_in()? > 0).then_some(store))
    }

    /// Those of the stores at `paths` that make up the whole sweep: all shards of one division, each
    /// finished, whatever there is of other divisions.
    ///
    /// # Errors
    /// A usage error that names those that are missing or unfinished, of the division of which the
    /// least is missing; an input error where a file is damaged or cannot be read.
    pub fn mergeable(header: &Header, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let mut divisions = BTreeMap::new();
        for path in paths {
            if let Some(part) = CellStore::look_at_part(header, path)? {
                let (shard, places) = (part.header.shard, part.places.iter());
                let new = || Division::new(shard.count, header.cells);
                let division: &mut Division = divisions.entry(shard.count).or_insert_with(new);
                division.add(shard, path, places.map(Option::is_some));
            }
        }
        let least = divisions.into_values().min_by_key(Division::missing);
        match least {
            None => Err(Error::usage(
                "the folders hold no cells of this scenario by this program",
                "name the output folders of modalflow sweep --shard i/n, of the same program",
            )),
            Some(division) if division.missing() > 0 => Err(division.incomplete()),
            Some(division) => Ok(division.paths),
        }
    }

    /// The cells of the stores at `paths`, one store open at a time, in a new one in `folder` that
    /// lasts as long as the result.
    ///
    /// # Errors
    /// Those of [`CellStore::open`], and an input error where two stores contradict each other.
    pub fn merge(folder: &Path, header: &Header, paths: &[PathBuf]) -> Result<CellStore> {
        let path = Merging::path_in(folder, &header.sweep);
        let mut merged = CellStore::lock(folder, &path, header.clone())?;
        merged._merging = Some(Merging::new(&path));
        merged.begin_at(0)?;
        for path in paths {
            if let Some(mut part) = CellStore::look_at_part(header, path)? {
                merged.copy(&mut part)?;
            }
        }
        Ok(merged)
    }

    fn look_at_part(header: &Header, path: &Path) -> Result<Option<CellStore>> {
        match header.of_part(path) {
            Some(part) => CellStore::look(path, part),
            None => Ok(None),
        }
    }

    fn lock(folder: &Path, path: &Path, header: Header) -> Result<CellStore> {
        // Asked twice: before, so that a refused call leaves nothing behind; after, as two calls
        // may start together.
        ensure_no_other_sweep(folder, &header.sweep)?;
        let journal = Journal::open_to_write(path)?;
        ensure_no_other_sweep(folder, &header.sweep)?;
        Ok(CellStore::new(header, journal))
    }

    fn new(header: Header, journal: Journal) -> CellStore {
        CellStore {
            places: vec![None; header.cells as usize],
            header,
            journal,
            outcomes: BTreeMap::new(),
            failed: 0,
            _merging: None,
        }
    }

    /// Cuts off what stands behind the last line, and writes the header where there is none.
    fn begin_at(&mut self, end: u64) -> Result<()> {
        self.journal.cut(end)?;
        match end {
            0 => self.journal.append(&self.header.line()).map(drop),
            _ => Ok(()),
        }
    }

    /// Takes in the lines of the file; gives back where they end.
    fn take_in(&mut self) -> Result<u64> {
        let (path, mut line) = (self.journal.path().to_owned(), Line::default());
        while self.journal.advance(&mut line)? {
            match line.number {
                1 if line.text == self.header.line() => {}
                1 => return Err(foreign(&path)),
                _ => self.take_cell(&path, &line)?,
            }
        }
        // A header that a kill tore is the beginning of one.
        match line.at == 0 && !self.header.line().starts_with(&line.text) {
            true => Err(foreign(&path)),
            false => Ok(line.at),
        }
    }

    /// Takes over the cells of another store.
    fn copy(&mut self, part: &mut CellStore) -> Result<()> {
        let mut line = Line::default();
        while part.journal.advance(&mut line)? {
            if line.number > 1 {
                line.at = self.journal.append(&line.text)?;
                self.take_cell(part.journal.path(), &line)?;
            }
        }
        Ok(())
    }

    /// Takes in a line behind the header, which was read in the file `path`.
    fn take_cell(&mut self, path: &Path, line: &Line) -> Result<()> {
        let entry = serde_json::from_slice::<(u64, Finished)>(&line.text).ok();
        let entry = entry.filter(|(cell, _)| self.header.has(*cell));
        let Some((cell, finished)) = entry else {
            return Err(damaged(path, line, "this line is not a finished cell"));
        };
        let Some(earlier) = self.places[cell as usize] else {
            self.note(cell, line.at, &finished);
            return Ok(());
        };
        // On a file system without locks two calls may have run a cell, with the same result.
        match self.journal.line_at(earlier.get())?.strip_suffix(b"\n") == Some(&line.text) {
            true => Ok(()),
            false => {
                let problem = format!("cell {cell} has another result in an earlier line or file");
                Err(damaged(path, line, &problem))
            }
        }
    }

    /// Keeps a finished cell.
    ///
    /// # Errors
    /// A write error.
    pub fn keep(&mut self, cell: u64, finished: &Finished) -> Result<()> {
        // Plain data always serialises.
        let line = serde_json::to_vec(&(cell, finished)).unwrap_or_default();
        let at = self.journal.append(&line)?;
        self.note(cell, at, finished);
        Ok(())
    }

    fn note(&mut self, cell: u64, at: u64, finished: &Finished) {
        self.places[cell as usize] = NonZeroU64::new(at);
        let outcome = finished.row.outcome;
        self.failed += u64::from(!outcome.is_success());
        *self.outcomes.entry(outcome.name()).or_default() += 1;
    }

    /// What became of a cell; None where it is not kept.
    ///
    /// # Errors
    /// An input error where the file cannot be read any more, or was changed.
    pub fn get(&mut self, cell: u64) -> Result<Option<Finished>> {
        let Some(&Some(at)) = self.places.get(cell as usize) else {
            return Ok(None);
        };
        let line = self.journal.line_at(at.get())?;
        match serde_json::from_slice::<(u64, Finished)>(&line) {
            Ok((number, finished)) if number == cell => Ok(Some(finished)),
            _ => Err(changed(self.journal.path())),
        }
    }

    /// Cells of the shard that are not kept, in order.
    pub fn missing(&self) -> Vec<u32> {
        let cells = 0..self.header.cells as u32;
        cells
            .filter(|&cell| self.header.shard.has(cell.into()))
            .filter(|&cell| self.places[cell as usize].is_none())
            .collect()
    }

    /// Number of cells that are kept.
    pub fn len(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Whether no cell is kept.
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Number of kept cells that failed.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Number of kept cells by outcome, in order of the names.
    pub fn outcomes(&self) -> Vec<(String, u64)> {
        let outcomes = self.outcomes.iter();
        outcomes
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }
}

/// That no process is at work in the folder for another sweep. The shards of one sweep may be.
fn ensure_no_other_sweep(folder: &Path, sweep: &str) -> Result<()> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut others = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        !name.starts_with(sweep) && !is_temporary(&name)
    });
    match others.any(|other| Journal::is_being_written(&other.path())) {
        false => Ok(()),
        true => Err(Error::usage(
            format!(
                "another process is at work in {} for another scenario",
                folder.display()
            ),
            "wait for it, or use another folder with --out DIR",
        )),
    }
}

fn foreign(path: &Path) -> Error {
    let problem = "the file belongs to something else than its name says";
    InputError::in_file(path, Some(1), problem, "move it away").into()
}

fn damaged(path: &Path, line: &Line, problem: &str) -> Error {
    let remedy = "cut the file off before this line, or move it away: \
                  the cells that are missing then are run anew";
    InputError::in_file(path, Some(line.number), problem, remedy).into()
}

fn changed(path: &Path) -> Error {
    Error::Changed {
        problem: format!("{} was changed while it was read", path.display()),
        remedy: "make the same call again".into(),
    }
}
