//! What stands in a scenario file: a scenario, and beside it its sweep and its figures.

use super::SweepSection;
use crate::error::Result;
use crate::figures::{self, FigureSection};
use modalflow::experiment::Scenario;
use schemars::JsonSchema;
use serde::Serialize;

/// A scenario with what the program adds to it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScenarioFile {
    /// What defines a run.
    #[serde(flatten)]
    pub scenario: Scenario,
    /// A grid over this scenario, for `modalflow sweep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepSection>,
    /// The figures of the sweep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub figure: Vec<FigureSection>,
}

impl ScenarioFile {
    /// Checks the scenario, its sweep and its figures.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self) -> Result<()> {
        self.scenario.check()?;
        if let Some(section) = &self.sweep {
            section.check()?;
        }
        figures::check(self)
    }
}

impl From<Scenario> for ScenarioFile {
    fn from(scenario: Scenario) -> Self {
        Self {
            scenario,
            sweep: None,
            figure: Vec::new(),
        }
    }
}
