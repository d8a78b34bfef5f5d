//! Gradient modulation (`remedy.modulate`): the aligned network whose flow has the times of the actual one.
//!
//! Modulation changes nothing but the pace of a stack: its factor c_m multiplies the whole gradient of stack m
//! (`crate::flow::modulation`). While the weights are small each stack goes through the states that it would go through
//! without it, at other times, so that the aligned weights of the plain flow (`effective_weights.rs`) serve here too. How long
//! a drop takes is another matter: the factor falls with the loss of the stack that is ahead, by orders of magnitude where
//! much is learned. So the curve is the flow of a network of one unit a layer, of rank one and balanced by construction, with
//! the rule as it stands. From aligned weights it is the flow itself.
//!
//! Source: derived here.

use super::curve::{CurveStart, curve_start};
use super::effective_weights::of_one_unit;
use super::{FromWeights, InitialScale};
use crate::data::Moments;
use crate::network::Architecture;
use nalgebra::DVector;

/// A network of one unit a layer.
#[derive(Debug, Clone)]
pub struct OneUnit {
    /// Its layers, with the learning rates of the actual ones.
    pub architecture: Architecture,
    /// Its initial weights.
    pub weights: DVector<f64>,
    /// What they are taken from.
    pub start: CurveStart,
}

/// The network of one unit a layer that stands for one of late fusion and one output under modulation. `times` are those of the
/// plain flow from the actual weights, which networks of three layers and more start from.
///
/// # Errors
/// Why there is none.
pub fn one_unit(
    moments: &Moments,
    architecture: &Architecture,
    (weights, scale, times): (&DVector<f64>, InitialScale, Option<&FromWeights>),
) -> Result<OneUnit, &'static str> {
    const UNKNOWN: &str = "times under modulation are known where a balanced start of rank one stands for the weights";
    if !architecture.is_linear() {
        return Err("times under modulation are known for linear networks");
    }
    if moments.outputs_len() > 1 {
        return Err("times under modulation are known for one output");
    }
    let known = curve_start(moments, architecture, (weights, scale, times));
    let (state, start) = known.ok_or(UNKNOWN)?;
    let small = of_one_unit(moments, architecture).ok_or(UNKNOWN)?;
    let factors: Vec<f64> = (0..moments.modalities.len())
        .map(|m| architecture.stack_rate_factor(m))
        .collect();
    let small = small.with_rate_factors(&factors);
    // The start is in the coordinates in which all layers learn at one rate.
    let roots: Vec<f64> = factors.iter().map(|factor| factor.sqrt()).collect();
    let mut weights = state.weights(&small);
    small.scale_stacks(&roots, weights.as_mut_slice());
    let is_live = weights.iter().any(|weight| *weight != 0.0);
    is_live.then_some(()).ok_or(UNKNOWN)?;
    Ok(OneUnit {
        architecture: small,
        weights,
        start,
    })
}
