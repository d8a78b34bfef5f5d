//! How often a right-hand side that is smooth by parts changed its branch.

use super::Segment;
use crate::flow::Branch;
use serde::Serialize;

/// Branches of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Branches {
    /// The branch at the end.
    #[serde(skip)]
    now: Branch,
    /// Changes from one to another.
    pub switches: u64,
    /// Time spent on the surface between two of them: sliding.
    pub sliding_time: f64,
}

impl Branches {
    /// Takes in the next segment; None as long as nothing has branches.
    pub fn after(log: Option<Self>, segment: &dyn Segment) -> Option<Self> {
        let now = segment.branch()?;
        let [start, _, end] = segment.nodes();
        let slid = match now {
            Branch::Level => end.time - start.time,
            Branch::Ahead(_) => 0.0,
        };
        let (switches, sliding_time) = log.map_or((0, 0.0), |log| {
            (log.switches + u64::from(log.now != now), log.sliding_time)
        });
        Some(Self {
            now,
            switches,
            sliding_time: sliding_time + slid,
        })
    }
}
