//! What the data say before any training, as plain data.

use super::problem::Problem;
use crate::data::{Loss, Modality, Reading};
use crate::linalg::norm;
use crate::theory;
use serde::Serialize;

/// Moments of the data in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct DataSummary {
    /// One entry a modality.
    pub modalities: Vec<ModalitySummary>,
    /// Rows of the file that the samples come from; only where they come from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Reading>,
    /// Number of outputs.
    pub outputs: usize,
    /// Loss_0, of outputs that are all zero: 1/2 tr S_yy, under cross-entropy ln K.
    pub initial_loss: f64,
    /// Loss_min, of the least-squares solution; None under cross-entropy, whose minimum need not be at finite weights.
    pub minimum_loss: Option<f64>,
    /// The least loss that the network can reach: above Loss_min where its maps have a smaller rank than
    /// that solution. None for networks that are not linear and under cross-entropy, where it is not known.
    pub reachable_loss: Option<f64>,
    /// The loss at the minimum of loss and mu/2 |w|^2 together, where weight decay lets the network rest; absent without
    /// weight decay, and where that minimum is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resting_loss: Option<f64>,
    /// Whether no weights have a smaller loss; else it is the least that was found.
    pub is_reachable_loss_proven: Option<bool>,
}

/// One modality's moments in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct ModalitySummary {
    /// The modality.
    pub name: Modality,
    /// Input dimension.
    pub dim: usize,
    /// |S_yxm|, the largest singular value: the growth rate from small weights.
    pub correlation_norm: f64,
    /// |S_yxm S_m^+|, Frobenius norm of its map at the unimodal saddle.
    pub unimodal_norm: f64,
    /// Loss at the unimodal saddle; None under cross-entropy.
    pub unimodal_loss: Option<f64>,
    /// Frobenius norm of its final map; under weight decay of that at rest, where it is known.
    pub final_norm: f64,
}

impl DataSummary {
    /// What the moments of a problem say before any training.
    pub fn of(problem: &Problem) -> Self {
        let moments = &problem.moments;
        let observables = problem.observables();
        let round_off = theory::solution_round_off(moments);
        let size = |map: &[f64], m: usize| {
            let power = observables.map_power(map, m);
            let is_zero = power.sqrt() <= round_off * observables.total_power(map).sqrt();
            if is_zero {
                0.0
            } else {
                norm(&map[observables.block(m)])
            }
        };
        let last = observables.final_map().as_slice();
        let is_squared = moments.compared_by() == Loss::Squared;
        let is_of_moments = problem.scenario.is_of_moments();
        let modality = |modality: &Modality| {
            let unimodal = moments.critical_map(&[modality.index]);
            let correlation_norm = theory::growth_rate(moments, modality.index);
            // The square of what round-off leaves of the distance from the minimum.
            let excess = moments.loss.excess(unimodal.as_slice());
            let is_minimum = excess <= round_off * f64::EPSILON * moments.initial_loss;
            ModalitySummary {
                name: modality.clone(),
                dim: modality.dim(),
                correlation_norm,
                unimodal_norm: match correlation_norm > 0.0 {
                    true => norm(&unimodal.as_slice()[observables.block(modality.index)]),
                    false => 0.0,
                },
                unimodal_loss: is_squared.then_some(match is_minimum {
                    true => moments.loss.floor,
                    false => moments.loss.floor + excess,
                }),
                final_norm: size(last, modality.index),
            }
        };
        Self {
            modalities: moments.modalities.iter().map(modality).collect(),
            rows: moments.reading.clone(),
            outputs: moments.outputs_len(),
            initial_loss: moments.zero_loss(),
            minimum_loss: is_squared.then_some(moments.loss.floor),
            resting_loss: moments
                .decayed_minimum()
                .map(|map| moments.loss.loss(map.as_slice())),
            reachable_loss: is_of_moments.then_some(moments.least.loss),
            is_reachable_loss_proven: is_of_moments.then_some(moments.least.is_proven),
        }
    }
}
