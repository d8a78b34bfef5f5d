//! The finished cells of a sweep: where each stands in its journal.

use super::cell::{Finished, Trajectory};
use super::row;
use crate::error::{Error, InputError, Result};
use crate::output::{Journal, JournalReader};
use crate::scenario::{Cell, Grid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of `count` equal parts of a grid: the cells whose number leaves the remainder `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Which part, from 0.
    pub index: u32,
    /// Number of parts.
    pub count: u32,
}

impl Shard {
    /// The whole grid.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// Whether a cell belongs to it.
    pub fn has(self, cell: u64) -> bool {
        cell % u64::from(self.count) == u64::from(self.index)
    }
}

/// As it is typed, counted from 1: 2/8.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some((index.trim().parse().ok()?, count.trim().parse().ok()?))
        });
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) && count <= 1_000_000 => {
                Ok(Shard {
                    index: index - 1,
                    count,
                })
            }
            _ => Err("write i/n with i from 1 to n, for example 2/8".into()),
        }
    }
}

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
    /// Those of [`Journal::open`], and an input error where the journal is damaged.
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
    /// where shards are missing, not finished, or hold the same cells.
    pub fn merge(header: Header, paths: &[PathBuf]) -> Result<Kept> {
        let mut kept = Kept::empty(header);
        let mut shards = Vec::new();
        for path in paths {
            let mut reader = JournalReader::open(path)?;
            let shard = read_header(&mut reader)?.shard;
            kept.add(reader)?;
            shards.push((shard, path.clone()));
        }
        refuse_gaps(&kept, &shards)?;
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

    /// Takes in a journal's lines, one at a time.
    fn add(&mut self, mut reader: JournalReader) -> Result<()> {
        let found = read_header(&mut reader)?;
        if (&found.sweep, found.cells) != (&self.header.sweep, self.header.cells) {
            return Err(damaged(
                &reader,
                "it belongs to another scenario or program",
            ));
        }
        let mut place = reader.place();
        while let Some(line) = reader.next_line()? {
            let entry: Result<Entry, _> = serde_json::from_str(&line);
            let entry = entry
                .ok()
                .filter(|entry| entry.cell < self.header.cells && found.shard.has(entry.cell));
            let Some(entry) = entry else {
                return Err(damaged(&reader, "a line of it is not a finished cell"));
            };
            self.note(&entry, place)?;
            place = reader.place();
        }
        self.journals.push(reader);
        Ok(())
    }

    fn note(&mut self, entry: &Entry, at: u64) -> Result<()> {
        let journal = self.journals.len() as u32;
        let place = &mut self.places[entry.cell as usize];
        if *place != NOWHERE {
            let other = self.journals.get(place.journal as usize);
            let other = other.map_or(String::new(), |other| other.path().display().to_string());
            return Err(Error::Usage {
                problem: format!("two journals hold cell {}, one of them {other}", entry.cell),
                remedy: "merge the shards of one division, each once: all of i/n for one n".into(),
            });
        }
        *place = Place { at, journal };
        self.count(&entry.outcome);
        Ok(())
    }

    fn count(&mut self, outcome: &str) {
        self.failed += u64::from(!matches!(outcome, "converged" | "time_reached"));
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
            Err(_) => Err(damaged(reader, "a line of it is not a finished cell")),
        }
    }
}

fn read_header(reader: &mut JournalReader) -> Result<Header> {
    let line = reader.header()?;
    serde_json::from_str(&line).map_err(|_| damaged(reader, "its first line is not a header"))
}

fn damaged(reader: &JournalReader, problem: &str) -> Error {
    let remedy = "move it away: its cells are run anew";
    InputError::in_file(
        reader.path(),
        None,
        format!("the journal cannot be used: {problem}"),
        remedy,
    )
    .into()
}

/// All shards of one division are there, each once and finished.
fn refuse_gaps(kept: &Kept, shards: &[(Shard, PathBuf)]) -> Result<()> {
    let refuse = |problem: String, remedy: &str| {
        Err(Error::Usage {
            problem,
            remedy: remedy.to_owned(),
        })
    };
    let Some((first, _)) = shards.first() else {
        return refuse(
            "the folders hold no cells of this scenario by this program".into(),
            "name the output folders of modalflow sweep --shard i/n, of the same program",
        );
    };
    if let Some((other, path)) = shards.iter().find(|(shard, _)| shard.count != first.count) {
        return refuse(
            format!(
                "shard {other} in {} overlaps with shard {first}",
                path.display()
            ),
            "merge the shards of one division: all of i/n for one n",
        );
    }
    let is_there = |index: u32| shards.iter().any(|(shard, _)| shard.index == index);
    let count = first.count;
    let missing: Vec<String> = (0..count)
        .filter(|&index| !is_there(index))
        .map(|index| Shard { index, count }.to_string())
        .collect();
    if !missing.is_empty() {
        let names = crate::names::listed(missing.iter().map(String::as_str));
        return refuse(
            format!("shards are missing: {names}"),
            "name their folders too, or run them: modalflow sweep --shard i/n",
        );
    }
    let unfinished = |(shard, _): &&(Shard, PathBuf)| {
        let cells = 0..kept.header.cells;
        cells
            .filter(|&cell| shard.has(cell))
            .any(|cell| kept.places[cell as usize] == NOWHERE)
    };
    let open: Vec<String> = shards
        .iter()
        .filter(unfinished)
        .map(|(shard, _)| shard.to_string())
        .collect();
    match open.is_empty() {
        true => Ok(()),
        false => refuse(
            format!(
                "shards are not finished: {}",
                crate::names::listed(open.iter().map(String::as_str))
            ),
            "run them again with modalflow sweep --shard i/n: they go on where they were",
        ),
    }
}
