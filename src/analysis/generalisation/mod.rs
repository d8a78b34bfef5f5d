//! Generalisation along a trajectory: early stopping, shares of the map, permanent bias.
//!
//! The flow descends the loss of the samples it is trained on; the *generalisation error*
//! E_g = 1/2 tr[(W - W_gt) S (W - W_gt)^T] (plus a floor, on a hold-out) is that of the population
//! they were drawn from, or the loss on the rows held out. It need not fall: with fewer samples
//! than inputs late fusion over-fits the modality that it learns first, and E_g passes through
//! minima, the early-stopping times. Where samples leave the map undetermined, it also depends on
//! the flow which of the maps of least loss is reached, and the modality learned second may end
//! with less of the map than is its due: *permanent* bias.
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), the section on over-parameterised networks; the
//! thresholds are this project's. Like detection, this knows nothing of theory's predictions.
//!
//! | file | what it finds |
//! |---|---|
//! | `minima.rs` | minima of E_g in time |
//! | `bias.rs` | each modality's share of a map, and the verdict |

mod bias;
mod minima;

pub use bias::{BIASED, Bias, CONVERGED, Cause, Share, Verdict};
pub use minima::{Minimum, RESOLVED};

use crate::data::Generalisation;
use crate::trajectory::{Observables, Trajectory};
use serde::Serialize;

/// A generalisation error and when it is met.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Flow time.
    pub time: f64,
    /// E_g, in units of y^2.
    pub error: f64,
}

/// The generalisation of one trajectory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generalising {
    /// What E_g is measured on: `population` or `holdout`.
    pub measured_on: &'static str,
    /// E_g at t = 0.
    pub initial: f64,
    /// Minima of E_g inside the run, in order of time.
    pub minima: Vec<Minimum>,
    /// Where E_g is least, minima too shallow to count and both ends included.
    pub least: Point,
    /// The end of the run.
    #[serde(rename = "final")]
    pub last: Point,
    /// E_g of the least-squares solution of least norm, W* = S_yx S_xx^+ of the training moments.
    pub least_norm: f64,
    /// How many times larger E_g is at the end than at its least; None where that is zero.
    pub early_stopping_gain: Option<f64>,
    /// The final E_g over that of the least-norm solution; None where that is zero.
    pub over_least_norm: Option<f64>,
    /// Each modality's share of the map, in the order of the modalities.
    pub shares: Vec<Share>,
    /// Whether the weak modality keeps less of the map than is its due.
    #[serde(rename = "permanent_bias")]
    pub bias: Bias,
}

/// The generalisation of a trajectory; None where there is neither population nor hold-out.
pub fn generalise(trajectory: &Trajectory, observables: &Observables<'_>) -> Option<Generalising> {
    let generalisation = observables.moments.generalisation.as_ref()?;
    let error = generalisation.error();
    let turns = minima::turns(trajectory, observables);
    let end = trajectory.end();
    let [first, .., last] = &turns[..] else {
        return None;
    };
    let least = turns
        .iter()
        .min_by(|a, b| a.error.total_cmp(&b.error))
        .unwrap_or(last);
    let shares = bias::shares(observables, end);
    let least_norm = error.loss(observables.moments.loss.optimum.as_slice());
    Some(Generalising {
        measured_on: match generalisation {
            Generalisation::Population(_) => "population",
            Generalisation::HoldOut(_) => "holdout",
        },
        initial: first.error,
        minima: minima::minima(&turns, trajectory.tolerance()),
        least: *least,
        last: *last,
        least_norm,
        early_stopping_gain: quotient(last.error, least.error),
        over_least_norm: quotient(last.error, least_norm),
        bias: bias::bias(observables, &shares, observables.loss_gap(end)),
        shares,
    })
}

/// a/b where that is a number.
fn quotient(a: f64, b: f64) -> Option<f64> {
    Some(a / b).filter(|quotient| quotient.is_finite())
}
