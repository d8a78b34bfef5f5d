//! The thin products of one state, each associated from its small end.

use crate::data::Moments;
use crate::linalg::{multiply, multiply_transposed};
use crate::network::{Architecture, Stack};

/// The thin products of one state.
#[derive(Debug, Clone)]
pub(super) struct Products {
    /// P of each layer; unused for the first layer of a stack, where it is the identity.
    pub(super) forward: Vec<Vec<f64>>,
    /// B^T of each layer.
    pub(super) backward: Vec<Vec<f64>>,
    /// (G P^T)^T of each layer.
    pub(super) pull: Vec<Vec<f64>>,
    /// Total map W, o x d.
    pub(super) map: Vec<f64>,
    /// G^T, d x o.
    pub(super) residual: Vec<f64>,
}

impl Products {
    pub(super) fn new(architecture: &Architecture) -> Self {
        let outputs = architecture.outputs;
        let inputs = architecture.inputs();
        let layers = &architecture.layers;
        let reaching = |stack| match stack {
            Stack::Private(m) => architecture.modalities[m].dim(),
            Stack::Shared => inputs,
        };
        Self {
            forward: layers
                .iter()
                .map(|l| vec![0.0; l.cols * reaching(l.stack)])
                .collect(),
            backward: layers.iter().map(|l| vec![0.0; l.rows * outputs]).collect(),
            pull: layers.iter().map(|l| vec![0.0; l.cols * outputs]).collect(),
            map: vec![0.0; outputs * inputs],
            residual: vec![0.0; inputs * outputs],
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
    pub(super) fn evaluate(
        &mut self,
        architecture: &Architecture,
        moments: &Moments,
        weights: &[f64],
    ) {
        self.propagate_forward(architecture, weights);
        self.set_residual(architecture, moments);
        self.propagate_backward(architecture, weights);
        self.set_pulls(architecture);
    }

    /// P of every layer, and the total map.
    pub(super) fn propagate_forward(&mut self, architecture: &Architecture, weights: &[f64]) {
        for (m, stack) in architecture.private.iter().enumerate() {
            for l in stack.clone() {
                let layer = &architecture.layers[l];
                let w = &weights[layer.range.clone()];
                let (before, after) = self.forward.split_at_mut(l + 1);
                let out = private_output(architecture, (m, l), after, &mut self.map);
                if l == stack.start {
                    out.copy_from_slice(w);
                } else {
                    multiply(w, layer.rows, &before[l], layer.cols, out);
                }
            }
        }
        for l in architecture.shared.clone() {
            let layer = &architecture.layers[l];
            let (before, after) = self.forward.split_at_mut(l + 1);
            let out = after.first_mut().unwrap_or(&mut self.map);
            let w = &weights[layer.range.clone()];
            multiply(w, layer.rows, &before[l], layer.cols, out);
        }
    }

    /// G = (W* - W) S_xx, equal to S_yx - W S_xx and exact near the minimum.
    fn set_residual(&mut self, architecture: &Architecture, moments: &Moments) {
        let outputs = architecture.outputs;
        let inputs = architecture.inputs();
        let optimum = moments.loss.optimum.as_slice();
        let covariance = moments.loss.covariance.as_slice();
        for k in 0..outputs {
            let residual = &mut self.residual[k * inputs..(k + 1) * inputs];
            for (out, covariance) in residual.iter_mut().zip(covariance.chunks_exact(inputs)) {
                *out = (0..inputs)
                    .map(|i| (optimum[k + i * outputs] - self.map[k + i * outputs]) * covariance[i])
                    .sum();
            }
        }
    }

    /// B^T of every layer.
    fn propagate_backward(&mut self, architecture: &Architecture, weights: &[f64]) {
        let outputs = architecture.outputs;
        for l in architecture.shared.clone().rev() {
            self.step_backward(architecture, weights, l, l + 1 == architecture.shared.end);
        }
        let first_top = architecture.private[0].end - 1;
        if let Some(fusion) = architecture.shared.clone().next() {
            let layer = &architecture.layers[fusion];
            let (before, after) = self.backward.split_at_mut(fusion);
            let w = &weights[layer.range.clone()];
            multiply_transposed(w, layer.rows, &after[0], layer.cols, &mut before[first_top]);
        } else {
            set_identity(&mut self.backward[first_top], outputs);
        }
        for stack in &architecture.private {
            // All stacks end in the same space, so the product behind them is the same.
            let top = stack.end - 1;
            let (before, after) = self.backward.split_at_mut(top);
            if top != first_top {
                after[0].copy_from_slice(&before[first_top]);
            }
            for l in stack.clone().rev().skip(1) {
                self.step_backward(architecture, weights, l, false);
            }
        }
    }

    /// B^T of layer `l` from that of the layer above it.
    fn step_backward(
        &mut self,
        architecture: &Architecture,
        weights: &[f64],
        l: usize,
        is_output: bool,
    ) {
        if is_output {
            set_identity(&mut self.backward[l], architecture.outputs);
            return;
        }
        let above = &architecture.layers[l + 1];
        let (before, after) = self.backward.split_at_mut(l + 1);
        let w = &weights[above.range.clone()];
        multiply_transposed(w, above.rows, &after[0], above.cols, &mut before[l]);
    }

    /// (G P^T)^T of every layer.
    fn set_pulls(&mut self, architecture: &Architecture) {
        let inputs = architecture.inputs();
        for (m, stack) in architecture.private.iter().enumerate() {
            let block = &architecture.modalities[m].range;
            let (first, rest) = self.pull[stack.clone()].split_at_mut(1);
            for (k, column) in first[0].chunks_exact_mut(block.len()).enumerate() {
                let start = k * inputs + block.start;
                column.copy_from_slice(&self.residual[start..start + block.len()]);
            }
            for (pull, l) in rest.iter_mut().zip(stack.start + 1..) {
                let cols = architecture.layers[l].cols;
                multiply(&self.forward[l], cols, &first[0], block.len(), pull);
            }
        }
        for l in architecture.shared.clone() {
            let cols = architecture.layers[l].cols;
            multiply(
                &self.forward[l],
                cols,
                &self.residual,
                inputs,
                &mut self.pull[l],
            );
        }
    }
}

/// Where the forward product behind private layer `l` of modality `m` goes: to the next layer of
/// its stack, `after` being the products behind layer `l`; behind the last one, to the modality's
/// columns of the fusion space or of the total map, where the stacks end side by side.
pub(super) fn private_output<'p>(
    architecture: &Architecture,
    (m, l): (usize, usize),
    after: &'p mut [Vec<f64>],
    map: &'p mut Vec<f64>,
) -> &'p mut [f64] {
    if l + 1 < architecture.private[m].end {
        return &mut after[0];
    }
    let (block, rows) = (
        &architecture.modalities[m].range,
        architecture.layers[l].rows,
    );
    let joined = after.get_mut(architecture.shared.start - l - 1);
    &mut joined.unwrap_or(map)[block.start * rows..block.end * rows]
}

fn set_identity(matrix: &mut [f64], n: usize) {
    matrix.fill(0.0);
    for entry in matrix.iter_mut().step_by(n + 1) {
        *entry = 1.0;
    }
}
