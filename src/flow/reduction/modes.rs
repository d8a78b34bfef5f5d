//! Growing and decaying modes of two layers as weights of their own.
//!
//! With one output a scalar modality of two layers, p = W_m^1 and q = W_m^2^T, obeys dp/dt = g q and
//! dq/dt = g p with g = [(W* - W) S_xx]_m. So p + q keeps its direction and grows like e^G, p - q fades like
//! e^-G, and
//!
//! ```text
//! W_m = q.p = alpha^2 - beta^2        alpha = |p + q|/2,  beta = |p - q|/2        dG/dt = g
//! ```
//!
//! That is the flow of a network of two units, one with both weights alpha, one with beta and -beta; by
//! symmetry it stays so in every bit under explicit steps, which treat all entries alike. Beside a learned
//! alpha of 1 a beta of 1e-24 keeps all its digits, whereas the stored p and q of the full network lose it
//! below 1e-16. A modality whose map must change its sign comes back through beta. Layer norms are
//! |p|^2 = alpha^2 + beta^2 + (|p0|^2 - |q0|^2)/2, and that of q with the opposite sign. Source: A. M. Saxe, J. L.
//! McClelland & S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
//! networks" (ICLR 2014), hyperbolic coordinates of two layers.

use super::{Lift, ROUND_OFF, Reduction};
use crate::network::Architecture;
use nalgebra::DVector;

/// A mode below this share of the other one is the round-off of aligned weights, which have none.
const ALIGNED: f64 = 64.0 * f64::EPSILON;

/// Whether the modes of a network are known: two layers, late fusion, scalar inputs, one output.
pub(super) fn has_modes(architecture: &Architecture) -> bool {
    let fusion = architecture.fusion();
    let is_two_layer = fusion.is_some_and(|fusion| fusion.is_late() && fusion.depth == 2);
    let is_scalar = architecture.modalities.iter().all(|m| m.dim() == 1);
    architecture.is_linear()
        && architecture.weight_decay == 0.0
        && is_two_layer
        && is_scalar
        && architecture.outputs == 1
}

/// The network of the modes of a network that has them.
pub(super) fn reduction(full: &Architecture, weights: &DVector<f64>) -> Reduction {
    let mut architecture = full.clone();
    let mut modes = Vec::new();
    let mut constant_norms_squared = vec![0.0; full.layers.len()];
    for layers in &full.private {
        let (first, second) = (layers.start, layers.start + 1);
        let [grows, fades] = halves(full, weights, first).map(|half| half.norm());
        let cleared = |mode: f64, other: f64| if mode <= ALIGNED * other { 0.0 } else { mode };
        let (alpha, beta) = (cleared(grows, fades), cleared(fades, grows));
        let [p, q] = [first, second].map(|l| full.view(weights, l).norm_squared());
        constant_norms_squared[first] = 0.5 * (p - q);
        constant_norms_squared[second] = 0.5 * (q - p);
        for (l, entries) in [(first, [alpha, beta]), (second, [alpha, -beta])] {
            let layer = &mut architecture.layers[l];
            (layer.rows, layer.cols) = if l == first { (2, 1) } else { (1, 2) };
            layer.range = modes.len()..modes.len() + 2;
            modes.extend(entries);
        }
    }
    Reduction {
        architecture,
        weights: DVector::from_vec(modes),
        path_length: 1,
        error_bound: ROUND_OFF,
        lift: Lift::Modes(Box::new(full.clone())),
        constant_norms_squared,
    }
}

/// (p + q)/2 and (p - q)/2 of the modality whose first layer is `first`.
fn halves(architecture: &Architecture, weights: &DVector<f64>, first: usize) -> [DVector<f64>; 2] {
    let p = architecture.view(weights, first).column(0).into_owned();
    let q = architecture.view(weights, first + 1).row(0).transpose();
    [(&p + &q) * 0.5, (&p - &q) * 0.5]
}

/// The full state that belongs to the modes `now`, which were `start` at the full initial weights.
pub(super) fn lift(
    full: &Architecture,
    full_start: &DVector<f64>,
    (start, now): (&DVector<f64>, &DVector<f64>),
) -> DVector<f64> {
    let mut state = full_start.clone();
    for (m, layers) in full.private.iter().enumerate() {
        let [grows, fades] = halves(full, full_start, layers.start);
        // Of four entries the first two are alpha and beta.
        let factor = |k: usize| match start[4 * m + k] {
            0.0 => 0.0,
            first => now[4 * m + k] / first,
        };
        let (grown, faded) = (grows * factor(0), fades * factor(1));
        let (p, q) = (&grown + &faded, &grown - &faded);
        for (l, half) in [(layers.start, p), (layers.start + 1, q)] {
            state
                .rows_range_mut(full.layers[l].range.clone())
                .copy_from(&half);
        }
    }
    state
}
