//! Balancedness: matrices that gradient flow conserves, as a meter of the integrator's error.
//!
//! W^{l+1 T} W^{l+1} - W^l W^{l T} is constant along the flow for consecutive layers of a stack,
//! and at the fusion W^{Lf+1 T} W^{Lf+1} - sum_m W_m^Lf W_m^Lf^T. Source: Zhang, Latham & Saxe
//! (ICML 2024), the balancing properties in the sections on deep networks.

use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// Columns of a hidden x hidden matrix formed at a time: its memory stays small at any width.
const COLUMNS: usize = 128;

/// Largest Frobenius norm of the change of a balancedness matrix between two states, over the
/// larger squared norm of the weights. None where no layer follows another.
pub fn balancedness_drift(
    architecture: &Architecture,
    start: &DVector<f64>,
    end: &DVector<f64>,
) -> Option<f64> {
    let scale = start.norm_squared().max(end.norm_squared());
    junctions(architecture)
        .iter()
        .map(|junction| junction.drift(architecture, start, end) / scale)
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
    fn drift(&self, architecture: &Architecture, start: &DVector<f64>, end: &DVector<f64>) -> f64 {
        let width = architecture.layers[self.after].cols;
        let mut squared = 0.0;
        for first in (0..width).step_by(COLUMNS) {
            let count = COLUMNS.min(width - first);
            let change = self.columns(architecture, end, first, count)
                - self.columns(architecture, start, first, count);
            squared += change.norm_squared();
        }
        squared.sqrt()
    }

    /// Columns first..first + count of the balancedness matrix at a state.
    fn columns(
        &self,
        architecture: &Architecture,
        state: &DVector<f64>,
        first: usize,
        count: usize,
    ) -> DMatrix<f64> {
        let after = architecture.view(state, self.after);
        let mut columns = after.transpose() * after.columns(first, count);
        for &layer in &self.before {
            let before = architecture.view(state, layer);
            columns.gemm(-1.0, &before, &before.rows(first, count).transpose(), 1.0);
        }
        columns
    }
}
