//! The detector section: the thresholds of plateaus.

use crate::error::Result;
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thresholds of the plateau detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"dip": 0.2}]))]
pub struct DetectorSection {
    /// Fraction of a drop of the loss at which a plateau is entered and left.
    #[schemars(transform = within(check::between(0.0, 0.5)))]
    pub share: f64,
    /// A minimum of the speed is a plateau if it is lower than this fraction of the lower one of the
    /// two neighbouring peaks.
    #[schemars(transform = within(check::between(0.0, 1.0)))]
    pub dip: f64,
    /// A drop counts if it removes at least this fraction of the learnable loss.
    #[schemars(transform = within(check::between(0.0, 1.0)))]
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
