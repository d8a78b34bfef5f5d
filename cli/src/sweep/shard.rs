//! Equal parts of a grid, and whether some of them make up the whole.

use crate::error::{Error, Result};
use serde::Serialize;
use std::fmt;
use std::path::Path;
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

/// That shards, each with the file where it was found, are all those of one division, and that no
/// cell of them is missing.
pub(super) fn ensure_complete(found: &[(Shard, &Path)], missing: &[u64]) -> Result<()> {
    let Some((first, _)) = found.first() else {
        return Err(Error::usage(
            "the folders hold no cells of this scenario by this program",
            "name the output folders of modalflow sweep --shard i/n, of the same program",
        ));
    };
    let count = first.count;
    if let Some((shard, path)) = found.iter().find(|(shard, _)| shard.count != count) {
        return Err(Error::usage(
            format!(
                "shard {shard} in {} overlaps with shard {first}",
                path.display()
            ),
            "merge the shards of one division: all of i/n for one n",
        ));
    }
    let is_there = |index: u32| found.iter().any(|(shard, _)| shard.index == index);
    let absent = (0..count).filter(|&index| !is_there(index));
    ensure_none(
        absent.map(|index| Shard { index, count }),
        "shards are missing",
        "name their folders too, or run them: modalflow sweep --shard i/n",
    )?;
    let shards = (0..count).map(|index| Shard { index, count });
    ensure_none(
        shards.filter(|shard| missing.iter().any(|&cell| shard.has(cell))),
        "shards are not finished",
        "run them again with modalflow sweep --shard i/n: they go on where they were",
    )
}

fn ensure_none(shards: impl Iterator<Item = Shard>, problem: &str, remedy: &str) -> Result<()> {
    let shards: Vec<String> = shards.map(|shard| shard.to_string()).collect();
    match shards.is_empty() {
        true => Ok(()),
        false => Err(Error::usage(
            format!(
                "{problem}: {}",
                modalflow::error::listed(shards.iter().map(String::as_str))
            ),
            remedy,
        )),
    }
}
