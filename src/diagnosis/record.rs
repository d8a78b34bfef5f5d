//! What a diagnosis tells, as plain data.

use super::{
    BySamples, LayerResult, ModalityReading, NoiseFloor, OtherScaling, Recommendation,
    RemedyResult, Seen,
};
use serde::Serialize;

/// The modality learned first from small weights: that of the largest growth rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct First {
    /// Its name.
    pub name: String,
    /// How sure that is; null with the reason where nothing is resampled.
    pub confidence: Option<f64>,
    /// The share of resamples in which it is the first.
    pub share: Option<f64>,
    /// The share of draws of the initial weights from which late fusion learns it first; null where theory does not know.
    pub of_draws: Option<f64>,
    /// How sure it is that it is learned first on another sample of rows from another draw of the initial weights: both
    /// confidences multiplied.
    pub with_draws: Option<f64>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// Whether the modality learned first explains less than another one, each alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Superficial {
    /// Whether it does; null where that cannot be told.
    pub verdict: Option<bool>,
    /// How sure that is; null with the verdict, and where nothing is resampled.
    pub confidence: Option<f64>,
    /// The share of resamples with this verdict; null likewise.
    pub share: Option<f64>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// The time ratio of late fusion by the published formula.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LateRatio {
    /// t_second/t_first; null where no second modality is ever learned.
    pub ratio: Option<f64>,
    /// From 10 to 90 %; null where nothing is resampled.
    pub interval: Option<[f64; 2]>,
    /// The share of resamples in which no second modality is ever learned; null likewise.
    pub never: Option<f64>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// Rows of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowCount {
    /// Those used, those held out included.
    pub used: usize,
    /// Those left out for missing cells.
    pub dropped: usize,
    /// Those trained on.
    pub trained: usize,
    /// Independent inputs of all modalities together, and inputs.
    pub rank: usize,
    /// Inputs of all modalities together.
    pub inputs: usize,
}

/// Everything that a diagnosis tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Rows; null for a population.
    pub rows: Option<RowCount>,
    /// Number of outputs.
    pub outputs: usize,
    /// Number of resamples.
    pub resamples: usize,
    /// The modalities.
    pub modalities: Vec<ModalityReading>,
    /// The power that all explain together, on rows that were not fitted to.
    pub explained_joint: Option<f64>,
    /// Why nothing that is explained is told.
    pub explained_reason: Option<String>,
    /// The modality learned first.
    pub first: First,
    /// Whether it explains less than another one.
    pub superficial: Superficial,
    /// The time ratio of late fusion.
    pub late_ratio: LateRatio,
    /// What other scalings of the inputs would change.
    pub scalings: Vec<OtherScaling>,
    /// Modalities of many inputs, of which the flows see few directions.
    pub seen: Vec<Seen>,
    /// What each fusion layer does.
    pub layers: Vec<LayerResult>,
    /// Which fusion layer.
    pub recommendation: Recommendation,
    /// What would change it.
    pub remedies: Vec<RemedyResult>,
    /// Why there are none.
    pub remedies_reason: Option<String>,
    /// What each fusion layer does with units that are not linear; null where they are.
    pub by_samples: Option<BySamples>,
    /// What permuted targets seem to show; null where nothing is resampled.
    pub noise_floor: Option<NoiseFloor>,
}
