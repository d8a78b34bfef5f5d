//! What each modality contributes to a network's outputs: the loss with its inputs at zero.

use crate::data::{Modality, Moments};
use crate::flow::{Flow, moments_suffice};
use crate::network::Architecture;
use nalgebra::DVector;
use serde::Serialize;
use std::sync::Arc;

/// A modality left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ablation {
    /// The modality.
    pub modality: Modality,
    /// The loss without its inputs.
    pub loss: f64,
}

/// The loss without each modality in turn, at the given weights of the full network. Empty for
/// linear networks, whose total maps say as much, and where the samples are not kept.
pub fn ablations(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> Vec<Ablation> {
    let Some(samples) = &moments.samples else {
        return Vec::new();
    };
    if moments_suffice(architecture, moments) {
        return Vec::new();
    }
    let modalities = moments.modalities.iter();
    let ablation = |modality: &Modality| {
        let mut moments = moments.clone();
        moments.samples = Some(Arc::new(samples.without(modality.range.clone())));
        let loss = Flow::new(architecture, &moments).loss(weights.as_slice());
        Ablation {
            modality: modality.clone(),
            loss,
        }
    };
    modalities.map(ablation).collect()
}
