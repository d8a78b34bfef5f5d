//! The detector section: the thresholds of plateaus.

use crate::error::Result;
use crate::section::check;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thresholds of the plateau detector (definitions: [`super`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorSection {
    /// Share of a drop of the loss at which a plateau is entered and left, between 0 and 0.5.
    pub share: f64,
    /// A minimum of the speed is a plateau when it lies below this share of the lower
    /// neighbouring peak, between 0 and 1.
    pub dip: f64,
    /// A drop counts when it removes at least this share of the learnable loss, between 0 and 1.
    pub drop: f64,
}

impl Default for DetectorSection {
    fn default() -> Self {
        Self {
            share: 0.05,
            dip: 0.1,
            drop: 1e-3,
        }
    }
}

impl DetectorSection {
    /// Checks the thresholds.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self) -> Result<()> {
        check::number("detector.share", self.share, check::between(0.0, 0.5))?;
        check::number("detector.dip", self.dip, check::between(0.0, 1.0))?;
        check::number("detector.drop", self.drop, check::between(0.0, 1.0))
    }
}
