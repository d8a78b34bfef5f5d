//! Learning rates that differ by modality, as other inputs.
//!
//! With the factor c_m on the learning rate of the n_m private layers of modality m, dW/dt = -c_m dLoss/dW is the
//! gradient flow, without factors, of the same network in the coordinates V with other inputs:
//!
//! ```text
//! V = W/sqrt(c_m)        x_m' = c_m^{n_m/2} x_m        so that W_m x_m = V_m x_m',  W_m = c_m^{n_m/2} V_m
//! ```
//!
//! Steps of descent are the same in both. Times, their order, outputs and losses do not change. Stacks of equal norm
//! u0 are of unequal norms u0/sqrt(c_m) there: what the formulas for equal norms ask for is the rate c_m |S_yxm| at
//! which a stack of this u0 grows, and with it the inputs c_m x_m.
//!
//! A frozen modality of late fusion, c_m = 0, has the inputs zero, and is never learned. Where layers are shared it has no
//! such coordinates: what its fixed layers give drives the shared ones.

use crate::data::Moments;
use crate::network::{Architecture, Fusion};
use nalgebra::DVector;
use std::borrow::Cow;

/// A problem in the coordinates in which its flow has no factors.
#[derive(Debug, Clone)]
pub struct GradientCoordinates<'p> {
    /// The moments of the inputs x'.
    pub moments: Cow<'p, Moments>,
    /// The network, without factors.
    pub architecture: Cow<'p, Architecture>,
    /// V, flat; of a frozen modality its W.
    pub weights: Cow<'p, DVector<f64>>,
}

impl<'p> GradientCoordinates<'p> {
    /// Those of a problem with the weights W, flat; the problem itself where it has no factors.
    pub fn of(
        moments: &'p Moments,
        architecture: &'p Architecture,
        weights: &'p DVector<f64>,
    ) -> Self {
        let factor = |m| gain(architecture, m);
        Self::with(
            rescaled(moments, architecture, factor),
            architecture,
            weights,
        )
    }

    /// The same with the inputs c_m x_m, for the formulas that take all stacks for equal in norm. Two layers of late
    /// fusion have these inputs anyway.
    pub(super) fn of_equal_norms(
        moments: &'p Moments,
        architecture: &'p Architecture,
        weights: &'p DVector<f64>,
    ) -> Self {
        let factor = |m| architecture.stack_rate_factor(m);
        Self::with(
            rescaled(moments, architecture, factor),
            architecture,
            weights,
        )
    }

    /// Moments, network and weights.
    pub fn parts(&self) -> (&Moments, &Architecture, &DVector<f64>) {
        (&self.moments, &self.architecture, &self.weights)
    }

    fn with(
        moments: Cow<'p, Moments>,
        architecture: &'p Architecture,
        weights: &'p DVector<f64>,
    ) -> Self {
        if architecture.has_one_rate() {
            return Self {
                moments,
                architecture: Cow::Borrowed(architecture),
                weights: Cow::Borrowed(weights),
            };
        }
        let mut scaled = weights.clone();
        for layer in &architecture.layers {
            if layer.rate_factor > 0.0 {
                let mut entries = scaled.rows_range_mut(layer.range.clone());
                entries /= layer.rate_factor.sqrt();
            }
        }
        let ones = vec![1.0; architecture.modalities.len()];
        Self {
            moments,
            architecture: Cow::Owned(architecture.clone().with_rate_factors(&ones)),
            weights: Cow::Owned(scaled),
        }
    }
}

/// What is assumed of factors, where there are any.
pub(super) fn words(architecture: &Architecture) -> Option<&'static str> {
    let words = "learning rates that differ by modality: growth rates are |S_yxm| times the factor of the modality";
    (!architecture.has_one_rate()).then_some(words)
}

/// Why theory has nothing to say of a network with frozen layers before shared ones; None for other networks.
pub fn frozen_before_shared(architecture: &Architecture) -> Option<&'static str> {
    let is_frozen = |m: usize| architecture.stack_rate_factor(m) == 0.0;
    let has_frozen = (0..architecture.modalities.len()).any(is_frozen);
    (has_frozen && !architecture.shared.is_empty())
        .then_some("the fixed layers of a frozen modality drive the shared layers: no prediction")
}

/// Whether the published formulas of the time ratio hold with the factors of a network.
///
/// # Errors
/// Why they do not.
pub(super) fn are_formulas_known(
    architecture: &Architecture,
    fusion: Fusion,
) -> Result<(), &'static str> {
    let modalities = 0..architecture.modalities.len();
    let moving = modalities.filter(|&m| architecture.stack_rate_factor(m) > 0.0);
    if moving.count() < 2 {
        return Err("no second modality is ever learned: its learning rate is 0");
    }
    match architecture.has_one_rate() || fusion.is_late() || fusion.is_early() {
        true => Ok(()),
        false => Err(
            "the time ratio of intermediate fusion is known for one learning rate of all layers only",
        ),
    }
}

/// c_m^{n_m/2}, by which the map of modality m is larger than that of V.
pub(super) fn gain(architecture: &Architecture, m: usize) -> f64 {
    let layers = architecture.fusion_layer(m) as f64;
    architecture.stack_rate_factor(m).powf(0.5 * layers)
}

/// The moments of the inputs x_m times `factor(m)`, where there are factors.
fn rescaled<'p>(
    moments: &'p Moments,
    architecture: &Architecture,
    factor: impl Fn(usize) -> f64,
) -> Cow<'p, Moments> {
    if architecture.has_one_rate() {
        return Cow::Borrowed(moments);
    }
    let factors: Vec<f64> = (0..moments.modalities.len()).map(factor).collect();
    Cow::Owned(moments.rescaled(&factors))
}
