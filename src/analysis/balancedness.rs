//! Balancedness: matrices that gradient flow conserves, as a meter of the integrator's error.
//!
//! W^{l+1 T} W^{l+1} - W^l W^{l T} is constant along the flow for consecutive layers of a stack,
//! and at the fusion W^{Lf+1 T} W^{Lf+1} - sum_m W_m^Lf W_m^Lf^T. Source: Zhang, Latham & Saxe
//! (ICML 2024), the balancing properties in the sections on deep networks.
//!
//! With factors c on the learning rates each layer's product is taken over its own c; a frozen layer leaves no such
//! law around it. Weight decay mu makes the matrices fade as e^{-2 mu c t}, where all layers around a space have
//! the same c.
//!
//! A bias is one more input of a unit, whose activity is 1: b b^T joins W^l W^{l T}. Where hidden
//! units are rectified (relu, leaky_relu), rescaling a unit's inputs and outputs against each other
//! changes nothing, rotating units does: only the matrices' diagonals are conserved. Other
//! activations conserve nothing of the kind.

use crate::network::{Architecture, Spaces};
use nalgebra::{DMatrix, DVector};
use std::ops::Range;

/// Largest Frobenius norm of the change of a balancedness matrix between two states, over the
/// larger squared norm of the weights. None where no layer follows another, or nothing is conserved.
///
/// `time` is what has passed between them, and `constant_norm_squared` that of weights which belong to the network and take no part in
/// the flow, 0 for a network that is integrated in full.
pub fn balancedness_drift(
    architecture: &Architecture,
    start: &DVector<f64>,
    end: &DVector<f64>,
    (time, constant_norm_squared): (f64, f64),
) -> Option<f64> {
    // Scaled to entries of at most 1: squares of tiny weights would underflow.
    let largest = start.amax().max(end.amax());
    let (start, end) = (start / largest, end / largest);
    let constant = constant_norm_squared / (largest * largest);
    let scale = start.norm_squared().max(end.norm_squared()) + constant;
    junctions(architecture)
        .iter()
        .map(|junction| junction.drift(architecture, (&start, &end), time) / scale)
        .reduce(f64::max)
}

/// How far one conserved matrix has drifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The layer that starts from the hidden space of the matrix.
    pub after: usize,
    /// Frobenius norm of its change, in units of weight squared.
    pub change: f64,
    /// Frobenius norm of the matrix at the start; that of balanced weights is 0.
    pub own: f64,
    /// Squared norm of the layers around the space at the start.
    pub weights: f64,
}

/// The drift of every conserved matrix between two states, `time` apart.
pub fn drifts(
    architecture: &Architecture,
    (start, end): (&DVector<f64>, &DVector<f64>),
    time: f64,
) -> Vec<Drift> {
    let zero = DVector::zeros(start.len());
    // Squares of tiny weights underflow: each state is scaled to entries of at most 1.
    let (first, largest) = (start.amax(), start.amax().max(end.amax()));
    let (own, scaled) = (start / first, [start / largest, end / largest]);
    let drift = |junction: &Junction| {
        let around = junction.before.iter().chain([&junction.after]);
        let squares = around.map(|&l| architecture.view(&own, l).norm_squared());
        Drift {
            after: junction.after,
            change: largest
                * largest
                * junction.drift(architecture, (&scaled[0], &scaled[1]), time),
            own: first * first * junction.drift(architecture, (&zero, &own), 0.0),
            weights: first * first * squares.sum::<f64>(),
        }
    };
    junctions(architecture).iter().map(drift).collect()
}

/// Largest drift of a conserved matrix over its own size at the start. None where nothing is conserved.
///
/// What has shrunk grows again out of these matrices: where their drift is not small beside themselves,
/// nothing that grows out of what was swallowed can be trusted. Those of balanced weights vanish, and
/// their drift is taken over the squared norm of the initial layers.
pub fn drift_over_own(
    architecture: &Architecture,
    (start, end): (&DVector<f64>, &DVector<f64>),
    time: f64,
) -> Option<f64> {
    /// A share of the layers' squared norm that round-off leaves of a matrix that vanishes.
    const VANISHES: f64 = 1e-12;
    let drifts = drifts(architecture, (start, end), time);
    let over = drifts.iter().map(|drift| {
        let is_balanced = drift.own <= VANISHES * drift.weights;
        let size = if is_balanced {
            drift.weights
        } else {
            drift.own
        };
        if drift.change > 0.0 {
            drift.change / size
        } else {
            0.0
        }
    });
    over.reduce(f64::max)
}

/// A hidden space: the layers that end in it and the one that starts from it.
struct Junction {
    before: Vec<usize>,
    bias: Option<Range<usize>>,
    after: usize,
}

fn junctions(architecture: &Architecture) -> Vec<Junction> {
    if !architecture.activation.is_homogeneous() {
        return Vec::new();
    }
    let spaces = Spaces::of(architecture);
    let junction = |after: usize| {
        let space = spaces.input(after)?;
        let bias = architecture.biases.get(space);
        let before: Vec<usize> = spaces.ending_in(Some(space)).collect();
        let mut factors = before.iter().map(|&l| architecture.layers[l].rate_factor);
        let own = architecture.layers[after].rate_factor;
        let is_frozen = own == 0.0 || factors.clone().any(|c| c == 0.0);
        let fades_as_one = architecture.weight_decay == 0.0 || factors.all(|c| c == own);
        (fades_as_one && !is_frozen).then_some(())?;
        Some(Junction {
            before,
            bias: bias.map(|bias| bias.range.clone()),
            after,
        })
    };
    (0..architecture.layers.len())
        .filter_map(junction)
        .collect()
}

impl Junction {
    /// Frobenius norm of the change, a sum of signed squares U S U^T over the columns of the
    /// layers' factors, or the norm of its diagonal where only that is conserved. Where they are fewer than the width, U = Q R makes it that of R S R^T.
    fn drift(
        &self,
        architecture: &Architecture,
        (start, end): (&DVector<f64>, &DVector<f64>),
        time: f64,
    ) -> f64 {
        let mut columns = Vec::new();
        let mut signs = Vec::new();
        let own = architecture.layers[self.after].rate_factor;
        let faded = (-architecture.weight_decay * own * time).exp();
        for (state, sign, share) in [(end, 1.0, 1.0), (start, -1.0, faded)] {
            let weighted = |l: usize| {
                let factor = share / architecture.layers[l].rate_factor.sqrt();
                architecture.view(state, l) * factor
            };
            let after = weighted(self.after).transpose();
            let before = self.before.iter().map(|&layer| weighted(layer));
            let factors =
                std::iter::once((after, sign)).chain(before.map(|factor| (factor, -sign)));
            for (factor, sign) in factors {
                signs.extend(vec![sign; factor.ncols()]);
                columns.extend(factor.column_iter().map(|column| column.into_owned()));
            }
            if let Some(bias) = &self.bias {
                signs.push(-sign);
                let factor = share / own.sqrt();
                columns.push(state.rows_range(bias.clone()) * factor);
            }
        }
        if !architecture.activation.is_linear() {
            let squares = columns.iter().zip(signs);
            let squares = squares.map(|(column, sign)| column.component_mul(column) * sign);
            return squares.sum::<DVector<f64>>().norm();
        }
        let mut factor = DMatrix::from_columns(&columns);
        if factor.nrows() > factor.ncols() {
            factor = factor.qr().r();
        }
        let mut signed = factor.clone();
        for (mut column, sign) in signed.column_iter_mut().zip(signs) {
            column *= sign;
        }
        (signed * factor.transpose()).norm()
    }
}
