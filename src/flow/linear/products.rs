//! The thin products of one state, each associated from its small end.

use crate::data::Moments;
use crate::linalg::{ByColumns, multiply, multiply_transposed};
use crate::network::{Architecture, Layer, Stack};
use std::ops::Range;

/// The thin products of one state.
#[derive(Debug, Clone)]
pub(super) struct Products<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) moments: &'a Moments,
    /// P of each layer; empty for the first layer of a stack, where it is the identity.
    pub(super) forward: Vec<Vec<f64>>,
    /// B^T of each layer.
    pub(super) backward: Vec<Vec<f64>>,
    /// (G P^T)^T of each layer.
    pub(super) pull: Vec<Vec<f64>>,
    /// Total map W, o x d.
    pub(super) map: Vec<f64>,
    /// G^T, d x o.
    pub(super) residual: Vec<f64>,
    /// Workspace of a product with S_xx.
    pub(super) inner: Vec<f64>,
}

impl<'a> Products<'a> {
    pub(super) fn new(architecture: &'a Architecture, moments: &'a Moments) -> Self {
        let outputs = architecture.outputs;
        let layers = architecture.layers.iter();
        let forward = |(l, layer): (usize, &Layer)| match architecture.is_first(l) {
            true => Vec::new(),
            false => vec![0.0; layer.cols * architecture.reaching(layer.stack).len()],
        };
        Self {
            forward: layers.clone().enumerate().map(forward).collect(),
            backward: layers
                .clone()
                .map(|l| vec![0.0; l.rows * outputs])
                .collect(),
            pull: layers.map(|l| vec![0.0; l.cols * outputs]).collect(),
            map: vec![0.0; architecture.map_len()],
            residual: vec![0.0; architecture.map_len()],
            inner: vec![0.0; outputs * moments.loss.covariance.inner_len()],
            architecture,
            moments,
        }
    }

    /// Takes over the products of another state of the same network, without allocating.
    pub(super) fn copy_from(&mut self, other: &Self) {
        let copy = |to: &mut [Vec<f64>], from: &[Vec<f64>]| {
            for (to, from) in to.iter_mut().zip(from) {
                to.copy_from_slice(from);
            }
        };
        copy(&mut self.forward, &other.forward);
        copy(&mut self.backward, &other.backward);
        copy(&mut self.pull, &other.pull);
        self.map.copy_from_slice(&other.map);
        self.residual.copy_from_slice(&other.residual);
    }

    /// All products of the state `weights`.
    pub(super) fn evaluate(&mut self, weights: &[f64]) {
        self.propagate_forward(weights);
        self.set_residual();
        self.propagate_backward(weights);
        self.set_pulls();
    }

    /// P of every layer, and the total map.
    pub(super) fn propagate_forward(&mut self, weights: &[f64]) {
        let architecture = self.architecture;
        for (l, layer) in architecture.layers.iter().enumerate() {
            let w = layer.of(weights);
            let (before, after) = self.forward.split_at_mut(l + 1);
            let out = forward_output(architecture, l, after, &mut self.map);
            if architecture.is_first(l) {
                out.copy_from_slice(w.entries);
            } else {
                multiply(w, &before[l], out);
            }
        }
    }

    /// G = (W* - W) S_xx, equal to S_yx - W S_xx and exact near the minimum.
    fn set_residual(&mut self) {
        let outputs = self.architecture.outputs;
        let optimum = self.moments.loss.optimum.as_slice();
        let left = |i: usize, k: usize| optimum[k + i * outputs] - self.map[k + i * outputs];
        let covariance = &self.moments.loss.covariance;
        covariance.apply(left, &mut self.inner, &mut self.residual);
    }

    /// B^T of every layer.
    fn propagate_backward(&mut self, weights: &[f64]) {
        let architecture = self.architecture;
        for l in (0..architecture.layers.len()).rev() {
            let (before, after) = self.backward.split_at_mut(l + 1);
            let out = &mut before[l];
            match architecture.next_layer(l) {
                None => set_identity(out, architecture.outputs),
                Some(next) if next == l + 1 => {
                    let w = architecture.layers[next].of(weights);
                    multiply_transposed(w, &after[0], out);
                }
                // All private stacks end in the same space, so that the product behind them is
                // that of the last one.
                Some(fusion) => out.copy_from_slice(&after[fusion - l - 2]),
            }
        }
    }

    /// (G P^T)^T of every layer.
    fn set_pulls(&mut self) {
        let architecture = self.architecture;
        for (l, layer) in architecture.layers.iter().enumerate() {
            let inputs = architecture.reaching(layer.stack);
            let (before, after) = self.pull.split_at_mut(l);
            let residual = match layer.stack {
                _ if architecture.is_first(l) => {
                    copy_rows(&self.residual, architecture.inputs(), inputs, &mut after[0]);
                    continue;
                }
                Stack::Private(m) => &before[architecture.private[m].start],
                Stack::Shared => &self.residual,
            };
            let forward = ByColumns::new(&self.forward[l], layer.cols, inputs.len());
            multiply(forward, residual, &mut after[0]);
        }
    }
}

/// Multiplications of an evaluation and of the rate that is written from it, where a product of S_xx with a vector
/// takes `product` of them.
pub fn linear_work(architecture: &Architecture, product: usize) -> u64 {
    let outputs = architecture.outputs as u64;
    let layers = architecture.layers.iter().enumerate().map(|(l, layer)| {
        let inputs = match architecture.is_first(l) {
            true => 0,
            false => architecture.reaching(layer.stack).len() as u64,
        };
        let (rows, cols) = (layer.rows as u64, layer.cols as u64);
        // Forward; back and the rate; the pull.
        rows * cols * (inputs + 2 * outputs) + cols * outputs * inputs
    });
    layers.sum::<u64>() + outputs * product as u64
}

/// Where the forward product behind layer `l` goes, `after` being the products behind it: to the
/// next layer, or to the total map. Where private stacks end, it is the modality's columns of that:
/// the stacks end side by side.
pub(super) fn forward_output<'p>(
    architecture: &Architecture,
    l: usize,
    after: &'p mut [Vec<f64>],
    map: &'p mut [f64],
) -> &'p mut [f64] {
    let layer = &architecture.layers[l];
    let out = match architecture.next_layer(l) {
        Some(next) => &mut after[next - l - 1],
        None => map,
    };
    if !architecture.is_last_private(l) {
        return out;
    }
    let Range { start, end } = architecture.reaching(layer.stack);
    &mut out[start * layer.rows..end * layer.rows]
}

/// Copies some rows of a matrix of `height` rows, stored by columns.
pub(super) fn copy_rows(matrix: &[f64], height: usize, rows: Range<usize>, out: &mut [f64]) {
    let columns = matrix.chunks_exact(height);
    for (column, out) in columns.zip(out.chunks_exact_mut(rows.len())) {
        out.copy_from_slice(&column[rows.clone()]);
    }
}

fn set_identity(matrix: &mut [f64], n: usize) {
    matrix.fill(0.0);
    for entry in matrix.iter_mut().step_by(n + 1) {
        *entry = 1.0;
    }
}
