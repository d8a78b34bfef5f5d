//! Equal parts of a grid, and whether some of them make up the whole.

use crate::error::{Error, Result};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of `count` equal parts of a grid: the cells whose number leaves the remainder `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shard {
    /// Which part, from 0.
    pub index: u32,
    /// Number of parts.
    pub count: u32,
}

impl Shard {
    /// The whole grid.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// The most parts that there may be.
    pub const MOST: u32 = 1_000_000;

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
            Some((index, count)) if (1..=count).contains(&index) && count <= Shard::MOST => {
                Ok(Shard {
                    index: index - 1,
                    count,
                })
            }
            _ => Err("write i/n with i from 1 to n, for example 2/8".into()),
        }
    }
}

/// The shards of one division of a sweep, all of i/n for one n, as far as they are there.
#[derive(Debug)]
pub(super) struct Division {
    count: u32,
    /// Which shards were begun.
    begun: BTreeSet<u32>,
    /// Which cells are kept.
    is_kept: Vec<bool>,
    /// The files of the shards.
    pub(super) paths: Vec<PathBuf>,
}

impl Division {
    /// A division of so many cells in so many shards, none of them there.
    pub(super) fn new(count: u32, cells: u64) -> Self {
        Self {
            count,
            begun: BTreeSet::new(),
            is_kept: vec![false; cells as usize],
            paths: Vec::new(),
        }
    }

    /// Takes in what a file holds.
    pub(super) fn add(&mut self, shard: Shard, path: &Path, cells: impl Iterator<Item = bool>) {
        self.begun.insert(shard.index);
        self.paths.push(path.to_owned());
        let kept = self.is_kept.iter_mut().zip(cells);
        kept.for_each(|(is_kept, is_here)| *is_kept |= is_here);
    }

    /// Number of cells that are not kept.
    pub(super) fn missing(&self) -> usize {
        self.is_kept.iter().filter(|is_kept| !**is_kept).count()
    }

    /// Which shards are missing, and which are not finished.
    pub(super) fn incomplete(&self) -> Error {
        let cells = (0_u64..).zip(&self.is_kept);
        let missing = cells.filter(|(_, is_kept)| !**is_kept);
        let shards = missing.map(|(cell, _)| (cell % u64::from(self.count)) as u32);
        let shards: BTreeSet<u32> = shards.collect();
        let (begun, absent): (Vec<u32>, Vec<u32>) =
            shards.iter().partition(|shard| self.begun.contains(shard));
        let named = |what: &str, shards: &[u32]| {
            let count = self.count;
            let names = shards
                .iter()
                .map(|&index| Shard { index, count }.to_string());
            let names: Vec<String> = names.collect();
            let names = modalflow::error::listed(names.iter().map(String::as_str));
            (!shards.is_empty()).then(|| format!("shards are {what}: {names}"))
        };
        let problems = [named("missing", &absent), named("not finished", &begun)];
        let problems: Vec<String> = problems.into_iter().flatten().collect();
        Error::usage(
            problems.join("; "),
            format!(
                "name their folders too, or run them: sbatch --array={} JOB, or modalflow sweep \
                 --shard i/{}; they go on where they were",
                ranges(&shards),
                self.count
            ),
        )
    }
}

/// Numbers counted from 1 as Slurm's `--array` takes them: `1,3-5`.
fn ranges(shards: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in shards.iter().map(|index| index + 1) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs = runs.into_iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_joined_to_ranges() {
        let of = |numbers: &[u32]| ranges(&numbers.iter().map(|number| number - 1).collect());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[7]), "7");
        assert_eq!(of(&[1, 2, 4, 6, 7, 8]), "1-2,4,6-8");
    }
}
