//! Which method of integration a scenario's word stands for.
//!
//! `auto` compares two estimates of the work, in evaluations of the right-hand side. An explicit
//! method takes a number of steps that the accuracy asks for, and on a plateau as many as its
//! stability does: each at most 3.3/lambda long, lambda being the curvature along the valley of the
//! modalities that are learned. The exponential method, of lower order, takes more steps for the
//! accuracy and none for stability. So the explicit method is chosen for short runs at small
//! tolerances and where a modality's drive turns round, and the exponential one for everything else. The constants are those measured on
//! the shipped scenarios; `docs/method.md` has the table.

use crate::data::{Moments, spectral_norm};
use crate::init;
use crate::integrate::{Method, Pair};
use crate::network::Architecture;
use crate::scenario::{self, Activation, FlowSection};
use nalgebra::DVector;

/// Length of the stability interval of Dormand and Prince's pair of order 5(4) along the negative
/// real axis (E. Hairer & G. Wanner, "Solving Ordinary Differential Equations II" (1996), section
/// IV.2).
const STABILITY: f64 = 3.3;

/// Initial weights below this are beside the round-off of what is learned, 1e-16, too small for a
/// Krylov space that holds both: the exponential method then takes ever shorter steps.
const SMALLEST: f64 = 1e-18;

/// Evaluations that explicit steps may take where exponential ones would be cheaper, but wrong.
const MOST_EVALUATIONS: f64 = 1e7;

/// Whether what drives a modality turns round (by more than a right angle) when the fastest one is
/// learned: what has grown of it then shrinks, while the modes that are to grow are tiny beside it.
/// Exponential steps measure their errors by the layer and lose those modes; explicit ones keep
/// every weight to its own tolerance.
pub fn drive_turns_round(moments: &Moments) -> bool {
    let count = moments.modalities.len();
    let cross = |m: usize| moments.block(&moments.cross, m);
    let rates: Vec<f64> = (0..count).map(|m| spectral_norm(&cross(m))).collect();
    let Some(first) = (0..count).max_by(|&a, &b| rates[a].total_cmp(&rates[b])) else {
        return false;
    };
    let residual = moments.residual(&[first]);
    // The first modality's own residual is zero but for round-off.
    (0..count)
        .filter(|&m| m != first)
        .any(|m| cross(m).dot(&moments.block(&residual, m)) < 0.0)
}

/// The method of a run from the given initial weights (flat).
pub fn method(
    flow: &FlowSection,
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> Method {
    match flow.method {
        scenario::Method::Exponential => Method::Exponential,
        scenario::Method::Dopri5 => Method::RungeKutta(Pair::Dopri5),
        scenario::Method::Dop853 => Method::RungeKutta(Pair::Dop853),
        // Exponential steps take the rate for smooth.
        scenario::Method::Auto if !architecture.activation.is_smooth() => {
            Method::RungeKutta(Pair::Dopri5)
        }
        scenario::Method::Auto => {
            // Where only a loss gap ends the run nobody knows when.
            let time = flow.until.time.unwrap_or(f64::INFINITY);
            let problem = (moments, architecture, weights);
            let explicit = explicit_evaluations((flow.rtol, time), problem);
            let smallest = init::smallest_layer_rms(architecture, weights);
            let turns = drive_turns_round(moments) && explicit < MOST_EVALUATIONS;
            if smallest < SMALLEST || turns || explicit < exponential_evaluations(flow.rtol) {
                Method::RungeKutta(Pair::Dopri5)
            } else {
                Method::Exponential
            }
        }
    }
}

/// The relative tolerance that a step's error estimate is kept to, so that the trajectory's error
/// stays about `rtol`.
///
/// Where a step of Dormand and Prince's pair of order 5(4) meets a jump of the rate at the share
/// theta of its length h, its error is (sum of b_i with c_i > theta) - (1 - theta) and its estimate
/// the same sum of b_i - b^_i, both times h and the jump: 0.26 against 0.003 for theta between 0.3
/// and 0.8. So the estimate misses up to a factor of a hundred, and no less is taken off the
/// tolerance of networks whose units have a kink.
pub fn step_tolerance(activation: Activation, rtol: f64) -> f64 {
    const MISSED: f64 = 100.0;
    const FINEST: f64 = 1e-13;
    if activation.is_smooth() {
        rtol
    } else {
        (rtol / MISSED).max(FINEST)
    }
}

/// About how many evaluations the explicit method of order 5 needs at a relative tolerance and up
/// to a time.
pub fn explicit_evaluations(
    (rtol, time): (f64, f64),
    (moments, architecture, weights): (&Moments, &Architecture, &DVector<f64>),
) -> f64 {
    let curvature = curvature(moments, architecture, weights);
    let stability = time * curvature / STABILITY;
    let accuracy = 7.5 * rtol.powf(-0.2);
    6.0 * (accuracy + stability)
}

/// About how many evaluations the exponential method needs, its Hessian products counted as two.
pub fn exponential_evaluations(rtol: f64) -> f64 {
    13.0 * 6.0 * rtol.powf(-0.25)
}

/// The largest curvature of the loss: at its minimum, where the layers of each stack are balanced,
/// L |S_m| |W_m*|^{2 - 2/L}; or at the initial weights, where they are larger than that, at most
/// |S_m| sum_l prod_{k != l} |W^k|^2.
fn curvature(moments: &Moments, architecture: &Architecture, weights: &DVector<f64>) -> f64 {
    let curvature = |m: usize| {
        let block = |matrix| spectral_norm(&moments.block(matrix, m));
        let range = moments.modalities[m].range.clone();
        let variance = moments.inputs.view_range(range.clone(), range).into_owned();
        let depth = architecture.depth(m) as f64;
        let at_minimum = depth * block(&moments.loss.optimum).powf(2.0 - 2.0 / depth);
        let layers = architecture.private[m].clone();
        let squares: Vec<f64> = layers
            .chain(architecture.shared.clone())
            .map(|l| architecture.view(weights, l).norm_squared())
            .collect();
        let others = |l: usize| -> f64 {
            let others = squares.iter().enumerate().filter(|(k, _)| *k != l);
            others.map(|(_, square)| square).product()
        };
        let at_start: f64 = (0..squares.len()).map(others).sum();
        spectral_norm(&variance) * at_minimum.max(at_start)
    };
    (0..moments.modalities.len())
        .map(curvature)
        .fold(0.0, f64::max)
}
