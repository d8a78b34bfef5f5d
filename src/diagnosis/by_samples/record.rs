//! What is told of units that are not linear, as plain data.

use super::{OverDivisions, SampledRemedy};
use crate::diagnosis::Recommendation;
use crate::diagnosis::layers::{LayerPhase, LayerTheory};
use crate::diagnosis::stopping::{StepTimes, Stopping};
use crate::experiment::compare::WeightsGap;
use crate::integrate::Outcome;
use serde::Serialize;

/// The keys of a diagnosis that stay those of the linear network, whatever the units.
pub(super) const OF_LINEAR_UNITS: [&str; 7] = [
    "first",
    "superficial",
    "late_ratio",
    "scalings",
    "layers",
    "recommendation",
    "remedies",
];

/// What units that are not linear do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BySamples {
    /// The activation; `linear` for linear units with biases.
    pub activation: &'static str,
    /// Whether units have biases.
    pub biases: bool,
    /// Rows trained on: all of them, or as many as can be afforded.
    pub rows: usize,
    /// Width of the hidden layers; null where each has its own.
    pub width: Option<usize>,
    /// The method of the flows.
    pub method: &'static str,
    /// Its relative tolerance.
    pub rtol: f64,
    /// Most steps of a flow.
    pub most_steps: u64,
    /// Each fusion layer.
    pub layers: Vec<SampledLayer>,
    /// Which fusion layer, by flows of these units on divisions of the rows.
    pub recommendation: Recommendation,
    /// What the remedies of the linear network do to late fusion of these units.
    pub remedies: Vec<SampledRemedy>,
    /// Why there are none.
    pub remedies_reason: Option<String>,
    /// The keys of the diagnosis that are of the linear network all the same.
    pub of_linear_units: [&'static str; 7],
}

/// What one fusion layer does with units that are not linear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledLayer {
    /// What is learned when.
    #[serde(flatten)]
    pub learned: LayerPhase,
    /// What theory expects of the linear network from the same initial weights on the same rows.
    pub linear_theory: LayerTheory,
    /// (measured - linear theory)/linear theory; null where they are not of the same modalities.
    pub gaps: WeightsGap,
    /// The same times in steps and epochs.
    #[serde(flatten)]
    pub steps: StepTimes,
    /// Whether it matters. Errors are those of the outputs; shares, and what is left on the plateau, are of their best linear
    /// fit and of what a linear map can learn.
    #[serde(flatten)]
    pub stopping: Stopping,
    /// The same over divisions of the rows; null where there are none.
    pub divisions: Option<OverDivisions>,
    /// When the flow ended.
    pub t_end: f64,
    /// How the flow ended.
    pub outcome: Outcome,
    /// Why something is missing.
    pub reasons: Vec<String>,
}
