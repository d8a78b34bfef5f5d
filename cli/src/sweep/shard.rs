//! Equal parts of a grid, and whether some of them make up the whole.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
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

/// All shards of one division are there, each once and finished.
pub(super) fn refuse_gaps(
    cells: u64,
    is_kept: impl Fn(u64) -> bool,
    shards: &[(Shard, PathBuf)],
) -> Result<()> {
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
        let names = modalflow::error::listed(missing.iter().map(String::as_str));
        return refuse(
            format!("shards are missing: {names}"),
            "name their folders too, or run them: modalflow sweep --shard i/n",
        );
    }
    let unfinished = |(shard, _): &&(Shard, PathBuf)| {
        let mut own = (0..cells).filter(|&cell| shard.has(cell));
        own.any(|cell| !is_kept(cell))
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
                modalflow::error::listed(open.iter().map(String::as_str))
            ),
            "run them again with modalflow sweep --shard i/n: they go on where they were",
        ),
    }
}
