//! The output section: at which times a trajectory is written.

use crate::error::Result;
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

const ROWS: RangeInclusive<u64> = 2..=1_000_000;

/// What is written beside the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"samples": 200, "spacing": "log", "weights": true}]))]
pub struct OutputSection {
    /// Number of rows of trajectory.csv.
    #[schemars(transform = within(ROWS))]
    pub samples: usize,
    /// Spacing of the rows in time.
    pub spacing: Spacing,
    /// Whether initial_weights.npz and final_weights.npz are written.
    pub weights: bool,
}

impl Default for OutputSection {
    fn default() -> Self {
        Self {
            samples: 500,
            spacing: Spacing::Linear,
            weights: false,
        }
    }
}

/// Spacing of numbers in a row: of times, or of the values of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Spacing {
    /// Equal differences between neighbours.
    #[default]
    Linear,
    /// Equal ratios between neighbours. Times are 0, then the last six decades before the end.
    Log,
}

impl OutputSection {
    /// Checks the number of rows.
    ///
    /// # Errors
    /// An input error where it is out of range.
    pub fn check(&self) -> Result<()> {
        check::count("output.samples", self.samples as u64, ROWS)
    }
}

/// `samples` times from 0 to `end` inclusive.
pub fn sample_times(end: f64, samples: usize, spacing: Spacing) -> Vec<f64> {
    // A trajectory of the kind studied here changes over this many decades at the most.
    const DECADES: f64 = 6.0;
    let last = (samples - 1) as f64;
    let time = |i: usize| match (spacing, i) {
        (_, 0) => 0.0,
        (_, i) if i + 1 == samples => end,
        (Spacing::Linear, i) => end * (i as f64 / last),
        (Spacing::Log, i) => end * 10f64.powf(-DECADES * (last - i as f64) / (last - 1.0)),
    };
    (0..samples).map(time).collect()
}
