//! Which method of integration a scenario's word stands for.
//!
//! `auto` compares two estimates of the work, in evaluations of the right-hand side. An explicit
//! method takes a number of steps that the accuracy asks for, and on a plateau as many as its
//! stability does: each at most 3.3/lambda long, lambda being the curvature along the valley of the
//! modalities that are learned. The exponential method, of lower order, takes more steps for the
//! accuracy and none for stability. So the explicit method is chosen for short runs at small
//! tolerances and where a modality's drive turns round, and the exponential one for everything
//! else. The estimates' constants are those measured on the shipped scenarios; `docs/method.md` has the
//! table.

use super::{FlowSection, MethodChoice, Tolerances};
use crate::data::{Modality, Moments};
use crate::integrate::{Method, Pair};
use crate::linalg::spectral_norm;
use crate::network::Architecture;
use nalgebra::DVector;

/// Length of the stability interval of Dormand and Prince's pair of order 5(4) along the negative
/// real axis (E. Hairer & G. Wanner, "Solving Ordinary Differential Equations II" (1996), section
/// IV.2).
const STABILITY: f64 = 3.3;

/// Initial weights below this are beside the round-off of what is learned, 1e-16, too small for a
/// Krylov space that holds both: the exponential method then takes ever shorter steps.
const SMALLEST: f64 = 1e-18;

/// Evaluations that explicit steps may take where exponential ones would be cheaper but inaccurate:
/// a few minutes of a network of a hundred units.
pub const MOST_EVALUATIONS: f64 = 1e7;

/// Whether what drives a modality turns round (by more than a right angle) when another one is
/// learned before it: what has grown of it then shrinks, while the modes that are to grow are tiny
/// beside it. Exponential steps measure their errors by the layer and lose those modes; explicit ones
/// keep every weight to its own tolerance.
///
/// The modalities are taken in the order of what drives them at each saddle.
pub fn drive_turns_round(moments: &Moments, architecture: &Architecture) -> bool {
    let count = moments.modalities.len();
    let mut learned: Vec<usize> = Vec::new();
    let mut residual = moments.cross.clone();
    while learned.len() + 1 < count {
        let waiting = (0..count).filter(|m| !learned.contains(m));
        let rated = waiting.map(|m| (m, spectral_norm(&moments.block(&residual, m))));
        let Some((next, _)) = rated.max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return false;
        };
        learned.push(next);
        let turned = moments.residual(&learned);
        let turns = |m: usize| {
            let [before, after] = [&residual, &turned].map(|drives| moments.block(drives, m));
            // What should be zero is left as round-off.
            before.dot(&after) < -1e-12 * before.norm_squared()
        };
        // Without a saddle there is no plateau on which anything shrinks.
        let has_saddle = architecture.has_saddle(&learned);
        if has_saddle && (0..count).any(|m| !learned.contains(&m) && turns(m)) {
            return true;
        }
        residual = turned;
    }
    false
}

/// A modality whose map must turn after it was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedTurn {
    /// The modality that turns.
    pub modality: Modality,
    /// The modality that makes it turn when it is learned.
    pub by: Modality,
}

/// Modalities whose maps turn round (by more than a right angle) when another one is learned after
/// them, from each saddle M_S to the next: what they grow out of then is what had faded when they were
/// learned. A scalar modality changes its sign.
///
/// The modalities are taken in the order of what drives them at each saddle.
pub fn learned_turns(moments: &Moments, architecture: &Architecture) -> Vec<LearnedTurn> {
    let count = moments.modalities.len();
    let mut turns = Vec::new();
    let mut learned: Vec<usize> = Vec::new();
    let mut map = moments.critical_map(&learned);
    while learned.len() < count {
        let residual = &moments.cross - moments.inputs.after(&map);
        let waiting = (0..count).filter(|m| !learned.contains(m));
        let rated = waiting.map(|m| (m, spectral_norm(&moments.block(&residual, m))));
        let Some((next, _)) = rated.max_by(|a, b| a.1.total_cmp(&b.1)) else {
            break;
        };
        let mut after = learned.clone();
        after.push(next);
        after.sort_unstable();
        let turned = moments.critical_map(&after);
        // A single private layer turns like any number.
        let held = |m: &&usize| architecture.fusion_layer(**m) >= 2;
        for &m in learned.iter().filter(held) {
            let [before, after] = [&map, &turned].map(|maps| moments.block(maps, m));
            if before.dot(&after) < -1e-12 * before.norm_squared() {
                turns.push(LearnedTurn {
                    modality: moments.modalities[m].clone(),
                    by: moments.modalities[next].clone(),
                });
            }
        }
        (learned, map) = (after, turned);
    }
    turns
}

/// The method of a run from the given initial weights (flat), whose layers have root-mean-squares of
/// `smallest` or more.
pub fn method(
    flow: &FlowSection,
    problem: (&Moments, &Architecture, &DVector<f64>),
    smallest: f64,
) -> Method {
    let (moments, architecture, _) = problem;
    match flow.method {
        MethodChoice::Exponential => Method::Exponential,
        MethodChoice::Dopri5 => Method::RungeKutta(Pair::Dopri5),
        MethodChoice::Dop853 => Method::RungeKutta(Pair::Dop853),
        MethodChoice::Chebyshev => Method::Chebyshev,
        // Exponential steps take the rate for smooth.
        MethodChoice::Auto if !architecture.activation.is_smooth() => {
            Method::RungeKutta(Pair::Dopri5)
        }
        MethodChoice::Auto => {
            // Where only a loss gap ends the run nobody knows when.
            let time = flow.until.time.unwrap_or(f64::INFINITY);
            let rtol = Tolerances::rtol_of(flow, architecture.activation);
            let explicit = explicit_evaluations((rtol, time), problem);
            // Until a loss gap two layers take the logarithm of their weights, deeper ones a power.
            let is_affordable = match flow.until.time {
                Some(_) => explicit < MOST_EVALUATIONS,
                None => architecture.deepest() <= 2,
            };
            let turns = is_affordable
                && (drive_turns_round(moments, architecture)
                    || !learned_turns(moments, architecture).is_empty());
            if smallest < SMALLEST || turns || explicit < exponential_evaluations(rtol) {
                Method::RungeKutta(Pair::Dopri5)
            } else {
                Method::Exponential
            }
        }
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
        let fastest = architecture.stack_rate_factor(m).max(1.0);
        fastest * moments.largest_variance(m) * at_minimum.max(at_start)
    };
    (0..moments.modalities.len())
        .map(curvature)
        .fold(0.0, f64::max)
}
