//! Balancedness: matrices that gradient flow conserves, as a meter of the integrator's error.
//!
//! W^{l+1 T} W^{l+1} - W^l W^{l T} is constant along the flow for consecutive layers of a stack,
//! and at the fusion W^{Lf+1 T} W^{Lf+1} - sum_m W_m^Lf W_m^Lf^T. Source: Zhang, Latham & Saxe
//! (ICML 2024), the balancing properties in the sections on deep networks.

use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// Largest Frobenius norm of the change of a balancedness matrix between two states, over the
/// larger squared norm of the weights. None where no layer follows another.
///
/// `constant_norm_squared` is that of weights which belong to the network and take no part in
/// the flow, 0 for a network that is integrated in full.
pub fn balancedness_drift(
    architecture: &Architecture,
    start: &DVector<f64>,
    end: &DVector<f64>,
    constant_norm_squared: f64,
) -> Option<f64> {
    // Scaled to entries of at most 1: squares of tiny weights would underflow.
    let largest = start.amax().max(end.amax());
    let (start, end) = (start / largest, end / largest);
    let constant = constant_norm_squared / (largest * largest);
    let scale = start.norm_squared().max(end.norm_squared()) + constant;
    junctions(architecture)
        .iter()
        .map(|junction| junction.drift(architecture, &start, &end) / scale)
        .reduce(f64::max)
}

/// A hidden space: the layers that end in it and the one that starts from it.
struct Junction {
    before: Vec<usize>,
    after: usize,
}

fn junctions(architecture: &Architecture) -> Vec<Junction> {
    let stacks = architecture.private.iter().chain([&architecture.shared]);
    let inside = stacks.flat_map(|stack| {
        stack.clone().skip(1).map(|after| Junction {
            before: vec![after - 1],
            after,
        })
    });
    let fusion = architecture.shared.clone().next().map(|after| Junction {
        before: architecture
            .private
            .iter()
            .map(|stack| stack.end - 1)
            .collect(),
        after,
    });
    inside.chain(fusion).collect()
}

impl Junction {
    /// Frobenius norm of the change, a sum of signed squares U S U^T over the columns of the
    /// layers' factors. Where they are fewer than the width, U = Q R makes it that of R S R^T.
    fn drift(&self, architecture: &Architecture, start: &DVector<f64>, end: &DVector<f64>) -> f64 {
        let mut columns = Vec::new();
        let mut signs = Vec::new();
        for (state, sign) in [(end, 1.0), (start, -1.0)] {
            let after = architecture.view(state, self.after).transpose();
            let before = self
                .before
                .iter()
                .map(|&layer| architecture.view(state, layer).into_owned());
            let factors =
                std::iter::once((after, sign)).chain(before.map(|factor| (factor, -sign)));
            for (factor, sign) in factors {
                signs.extend(vec![sign; factor.ncols()]);
                columns.extend(factor.column_iter().map(|column| column.into_owned()));
            }
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
