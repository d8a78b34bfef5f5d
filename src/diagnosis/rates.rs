//! How fast modalities are learned: growth rates, and the time ratio of late fusion, of some rows.
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), the section on the time ratio of late fusion. The growth rate of modality m
//! from small weights is |S_yxm|, the largest singular value; with the fastest one, A, learned,
//!
//! ```text
//! t_m/t_A = 1 + (|S_yxA| - |S_yxm|)/|S_yxm - S_yxA S_A^+ S_Am|
//! ```
//!
//! These are `theory::late_schedule` for rows: hundreds of parts of the rows are decomposed as little as possible.

use super::ridge::Fit;
use super::rows::{Part, cross};
use crate::data::Modality;
use crate::linalg::spectral_norm;
use crate::theory::are_opposed;
use nalgebra::DMatrix;

/// Growth rates, and the time ratio.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rates {
    /// |S_yxm| of each modality.
    pub(super) growth: Vec<f64>,
    /// t_second/t_first of late fusion; None where no second modality is ever learned.
    pub(super) late_ratio: Option<f64>,
}

impl Rates {
    /// Those of some rows.
    pub(super) fn of(part: &Part, modalities: &[Modality]) -> Self {
        let drives: Vec<DMatrix<f64>> = modalities.iter().map(|m| part.cross(m)).collect();
        let growth: Vec<f64> = drives.iter().map(spectral_norm).collect();
        let first = fastest(&growth);
        Self {
            late_ratio: late_ratio(part, modalities, &drives, first),
            growth,
        }
    }

    /// The square of each growth rate over that of the fastest modality of all rows. What noise adds to a square does not
    /// depend on what is there already, so that halves spread as samples do; a logarithm spreads too little where there is
    /// much noise.
    pub(super) fn squares(&self, all_rows: &Self) -> Vec<f64> {
        let largest = all_rows.growth[fastest(&all_rows.growth)];
        self.growth
            .iter()
            .map(|rate| (rate / largest).powi(2))
            .collect()
    }
}

/// The place of the largest rate; the first of equal ones.
pub(super) fn fastest(growth: &[f64]) -> usize {
    (0..growth.len()).fold(0, |best, m| if growth[m] > growth[best] { m } else { best })
}

fn late_ratio(
    part: &Part,
    modalities: &[Modality],
    drives: &[DMatrix<f64>],
    first: usize,
) -> Option<f64> {
    /// Penalty over the mean variance: least squares, but for round-off of dependent inputs.
    const LEAST: f64 = 1e-10;
    /// A rest of the targets' power that is round-off.
    const NOTHING: f64 = 1e-9;
    /// Of its drive at first what is left of that of a modality that lies within the one learned: the penalty leaves so much
    /// of directions of a ten-thousandth of the mean variance.
    const NO_PULL: f64 = 1e-6;
    let columns: Vec<usize> = modalities[first].range.clone().collect();
    let map = Fit::new(part, &columns).map(LEAST);
    let rest = &part.targets - part.inputs.columns_range(modalities[first].range.clone()) * map;
    if rest.norm_squared() <= NOTHING * part.targets.norm_squared() {
        return None;
    }
    let rate = spectral_norm(&drives[first]);
    let ratio = |m: usize| {
        let later = cross(&rest, &part.inputs, &modalities[m]);
        let pull = spectral_norm(&later);
        let early = spectral_norm(&drives[m]);
        // A drive that turns right round counts against the modality.
        let sign = if are_opposed(&drives[m], &later) {
            -1.0
        } else {
            1.0
        };
        (pull > NO_PULL * early).then(|| 1.0 + (rate - sign * early) / pull)
    };
    let others = (0..modalities.len()).filter(|m| *m != first);
    others.filter_map(ratio).reduce(f64::min)
}
