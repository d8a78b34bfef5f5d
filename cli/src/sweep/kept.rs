//! The finished cells of a sweep: where each stands in its journal.

use super::cell::{Finished, Trajectory};
use super::row::{self, CellOutcome};
use super::shard::{Shard, refuse_gaps};
use crate::error::{Error, InputError, Result};
use crate::output::{Journal, JournalReader};
use crate::scenario::{Cell, Grid};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The first line of a journal: what its cells belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Identity of the scenario and the program.
    pub sweep: String,
    /// Number of cells of the whole grid.
    pub cells: u64,
    /// The part of it that is kept here.
    pub shard: Shard,
}

impl Header {
    fn line(&self) -> String {
        // Plain data with text keys always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A further line: a finished cell.
#[derive(Serialize, Deserialize)]
struct Entry {
    cell: u64,
    outcome: String,
    /// Its row of `sweep.csv`.
    row: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trajectory: Option<Trajectory>,
}

/// The name of a journal.
pub fn journal_name(header: &Header) -> String {
    match header.shard {
        Shard::WHOLE => format!("{}.jsonl", header.sweep),
        Shard { index, count } => format!("{}.shard-{}-of-{count}.jsonl", header.sweep, index + 1),
    }
}

/// No cell.
const NOWHERE: Place = Place {
    at: u64::MAX,
    journal: 0,
};

/// Where a cell stands.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    at: u64,
    journal: u32,
}

/// Finished cells, in one journal that grows or in several that are read.
#[derive(Debug)]
pub struct Kept {
    header: Header,
    growing: Option<Journal>,
    journals: Vec<JournalReader>,
    places: Vec<Place>,
    outcomes: Vec<(String, u64)>,
    failed: u64,
}

impl Kept {
    /// The cells of the journal in `folder`, which is begun where it is not there.
    ///
    /// # Errors
    /// Those of [`Journal::open`], and an input error where the journal is damaged or two lines
    /// of it contradict each other.
    pub fn open(folder: &Path, header: Header) -> Result<Kept> {
        let journal = Journal::open(&folder.join(journal_name(&header)), &header.line())?;
        let reader = journal.reader()?;
        let mut kept = Kept::empty(header);
        kept.add(reader)?;
        kept.growing = Some(journal);
        Ok(kept)
    }

    /// What the journal in `folder` holds, without beginning or locking it.
    ///
    /// # Errors
    /// An input error where the journal is damaged.
    pub fn look(folder: &Path, header: Header) -> Result<Kept> {
        let path = folder.join(journal_name(&header));
        let mut kept = Kept::empty(header);
        if path.exists() {
            kept.add(JournalReader::open(&path)?)?;
        }
        Ok(kept)
    }

    /// The cells of all shards, from their journals.
    ///
    /// # Errors
    /// An input error where a journal is damaged or belongs to another sweep; a usage error
    /// where shards are missing, not finished, or of several divisions.
    pub fn merge(header: Header, paths: &[PathBuf]) -> Result<Kept> {
        let mut kept = Kept::empty(header);
        let mut shards = Vec::new();
        for path in paths {
            let shard = kept.add(JournalReader::open(path)?)?;
            shards.extend(shard.map(|shard| (shard, path.clone())));
        }
        let is_kept = |cell| kept.places[cell as usize] != NOWHERE;
        refuse_gaps(kept.header.cells, is_kept, &shards)?;
        Ok(kept)
    }

    fn empty(header: Header) -> Kept {
        Kept {
            places: vec![NOWHERE; header.cells as usize],
            header,
            growing: None,
            journals: Vec::new(),
            outcomes: Vec::new(),
            failed: 0,
        }
    }

    /// Takes in a journal's lines, one at a time; gives back the shard that they are of. A journal
    /// whose header was not written to its end holds no cells, and is of none.
    fn add(&mut self, mut reader: JournalReader) -> Result<Option<Shard>> {
        let Some(line) = reader.header()? else {
            return Ok(None);
        };
        let found: Result<Header, _> = serde_json::from_str(&line);
        let found =
            found.map_err(|_| damaged(reader.path(), Some(1), "its first line is not a header"))?;
        if (&found.sweep, found.cells) != (&self.header.sweep, self.header.cells) {
            let problem = "it belongs to another scenario or program";
            return Err(damaged(reader.path(), Some(1), problem));
        }
        let (mut place, mut number) = (reader.place(), 1);
        while let Some(line) = reader.next_line()? {
            number += 1;
            let entry: Result<Entry, _> = serde_json::from_str(&line);
            let entry = entry
                .ok()
                .filter(|entry| entry.cell < self.header.cells && found.shard.has(entry.cell));
            let Some(entry) = entry else {
                return Err(damaged(reader.path(), Some(number), NO_CELL));
            };
            match self.places[entry.cell as usize] {
                NOWHERE => self.note(&entry, place),
                earlier => self.compare(earlier, &reader, (&line, number), entry.cell)?,
            }
            place = reader.place();
        }
        self.journals.push(reader);
        Ok(Some(found.shard))
    }

    fn note(&mut self, entry: &Entry, at: u64) {
        let journal = self.journals.len() as u32;
        self.places[entry.cell as usize] = Place { at, journal };
        self.count(&entry.outcome);
    }

    /// That a line which holds a cell once more says the same as the earlier one, as where two
    /// calls wrote to one journal on a file system without locks.
    fn compare(
        &self,
        earlier: Place,
        reader: &JournalReader,
        (line, number): (&str, usize),
        cell: u64,
    ) -> Result<()> {
        let other = self.journals.get(earlier.journal as usize);
        let other = other.map_or(reader.path(), |other| other.path());
        let mut other = JournalReader::open(other)?;
        let other_number = other.lines_before(earlier.at)? + 1;
        if other.line_at(earlier.at)? == line {
            return Ok(());
        }
        let problem = format!(
            "cell {cell} has another result in {}, line {other_number}",
            other.path().display()
        );
        let remedy = "move one of the two files away: its cells are run anew";
        Err(InputError::in_file(reader.path(), Some(number), problem, remedy).into())
    }

    fn count(&mut self, outcome: &str) {
        self.failed += u64::from(!CellOutcome::is_success_named(outcome));
        match self.outcomes.iter_mut().find(|(name, _)| name == outcome) {
            Some((_, count)) => *count += 1,
            None => self.outcomes.push((outcome.to_owned(), 1)),
        }
    }

    /// Keeps a finished cell.
    ///
    /// # Errors
    /// A write error.
    pub fn keep(&mut self, grid: &Grid, cell: &Cell, finished: &Finished) -> Result<()> {
        let entry = Entry {
            cell: cell.index,
            outcome: finished.row.outcome.name().to_owned(),
            row: row::row(cell, &finished.row),
            trajectory: finished.trajectory.clone(),
        };
        debug_assert!(cell.index < grid.len());
        let line = serde_json::to_string(&entry).unwrap_or_default();
        if let Some(journal) = &mut self.growing {
            let at = journal.append(&line)?;
            self.places[cell.index as usize] = Place { at, journal: 0 };
            self.count(&entry.outcome);
        }
        Ok(())
    }

    /// Cells of the shard that are not kept, in order.
    pub fn missing(&self) -> Vec<u32> {
        let cells = 0..self.header.cells as u32;
        cells
            .filter(|&cell| self.header.shard.has(cell.into()))
            .filter(|&cell| self.places[cell as usize] == NOWHERE)
            .collect()
    }

    /// Number of cells that are kept.
    pub fn len(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
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
        let mut outcomes = self.outcomes.clone();
        outcomes.sort();
        outcomes
    }

    /// The row of a kept cell; None where it is not kept.
    ///
    /// # Errors
    /// An input error where the journal cannot be read any more.
    pub fn row(&mut self, cell: u64) -> Result<Option<String>> {
        Ok(self.entry(cell)?.map(|entry| entry.row))
    }

    /// The trajectory of a kept cell, where one was kept.
    ///
    /// # Errors
    /// An input error where the journal cannot be read any more.
    pub fn trajectory(&mut self, cell: u64) -> Result<Option<Trajectory>> {
        Ok(self.entry(cell)?.and_then(|entry| entry.trajectory))
    }

    fn entry(&mut self, cell: u64) -> Result<Option<Entry>> {
        let Some(&place) = self.places.get(cell as usize).filter(|p| **p != NOWHERE) else {
            return Ok(None);
        };
        let reader = &mut self.journals[place.journal as usize];
        let line = reader.line_at(place.at)?;
        match serde_json::from_str(&line) {
            Ok(entry) => Ok(Some(entry)),
            Err(_) => Err(damaged(reader.path(), None, NO_CELL)),
        }
    }

    /// The error of a kept row that is none.
    pub(super) fn unreadable_row(&self, cell: u64) -> Error {
        let place = self.places[cell as usize];
        let problem = format!("the row of cell {cell} has other columns than the table");
        damaged(self.journals[place.journal as usize].path(), None, &problem)
    }

    /// Whether what was no text was cut off the journal's end, as a loss of power leaves it.
    pub fn was_cut_back(&self) -> bool {
        self.growing.as_ref().is_some_and(Journal::was_cut_back)
    }
}

const NO_CELL: &str = "this line is not a finished cell";

fn damaged(path: &Path, line: Option<usize>, problem: &str) -> Error {
    let problem = format!("the journal cannot be used: {problem}");
    InputError::in_file(path, line, problem, "move it away: its cells are run anew").into()
}
