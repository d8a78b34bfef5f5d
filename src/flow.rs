//! The gradient flow of a multimodal deep linear network: dW/dt = -dLoss/dW.
//!
//! With the residual correlation G = S_yx - W S_xx (o x d, column blocks G_m):
//!
//! ```text
//! dW^l/dt   = (W^L ... W^{l+1})^T [ sum_m G_m (W_m^Lf ... W_m^1)^T ] (W^{l-1} ... W^{Lf+1})^T    l >  Lf
//! dW_m^l/dt = (W^L ... W^{Lf+1} W_m^Lf ... W_m^{l+1})^T  G_m  (W_m^{l-1} ... W_m^1)^T            l <= Lf
//! ```
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), section on multimodal deep linear networks.
//!
//! Inputs and outputs are few next to the widths, so every product is associated from its small
//! end. For each layer the workspace keeps
//!
//! - `forward`: the product of the layers before it, P (cols x inputs);
//! - `backward`: the product of the layers after it, transposed, B^T (rows x o);
//! - `pull`: (G P^T)^T (cols x o), so that the layer's rate is `backward * pull^T`.
//!
//! A product of two hidden layers is never formed, and nothing is allocated per call. Flow and
//! descent share this file, so that they can differ by their discretisation of time alone.

use crate::data::Moments;
use crate::kernels::{dot, multiply, multiply_transposed, outer};
use crate::network::{Architecture, Stack};
use crate::track::Knot;

/// Right-hand side and observables of one problem, with its workspace.
#[derive(Debug, Clone)]
pub struct Flow<'a> {
    architecture: &'a Architecture,
    moments: &'a Moments,
    /// P of each layer; unused for the first layer of a stack, where it is the identity.
    forward: Vec<Vec<f64>>,
    /// B^T of each layer.
    backward: Vec<Vec<f64>>,
    /// (G P^T)^T of each layer.
    pull: Vec<Vec<f64>>,
    /// Total map W, o x d.
    map: Vec<f64>,
    /// G^T, d x o.
    residual: Vec<f64>,
    /// B B^T of one layer, o x o, and one column of (G P^T) P, o.
    gram: Vec<f64>,
    column: Vec<f64>,
}

/// What is observed of a state: total map and layer norms, with their time derivatives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observables {
    /// Total map W (o x d, by columns), then the squared Frobenius norm of every layer.
    pub values: Vec<f64>,
    /// Their derivatives along the flow.
    pub rates: Vec<f64>,
}

impl Observables {
    /// These observables as a knot of a track.
    pub fn knot(&self, time: f64) -> Knot {
        Knot {
            time,
            values: self.values.clone(),
            rates: self.rates.clone(),
        }
    }
}

impl<'a> Flow<'a> {
    /// Prepares the workspace for an architecture and its data.
    pub fn new(architecture: &'a Architecture, moments: &'a Moments) -> Self {
        let outputs = architecture.outputs;
        let inputs = architecture.inputs();
        let layers = &architecture.layers;
        let reaching = |stack| match stack {
            Stack::Private(m) => architecture.modalities[m].dim(),
            Stack::Shared => inputs,
        };
        Self {
            architecture,
            moments,
            forward: layers
                .iter()
                .map(|l| vec![0.0; l.cols * reaching(l.stack)])
                .collect(),
            backward: layers.iter().map(|l| vec![0.0; l.rows * outputs]).collect(),
            pull: layers.iter().map(|l| vec![0.0; l.cols * outputs]).collect(),
            map: vec![0.0; outputs * inputs],
            residual: vec![0.0; inputs * outputs],
            gram: vec![0.0; outputs * outputs],
            column: vec![0.0; outputs],
        }
    }

    /// The architecture whose weights flow.
    pub fn architecture(&self) -> &'a Architecture {
        self.architecture
    }

    /// The data that drive it.
    pub fn moments(&self) -> &'a Moments {
        self.moments
    }

    /// dW/dt = -dLoss/dW at the state `weights`, written to `rate` (both of length
    /// [`Architecture::len`]).
    pub fn rate(&mut self, weights: &[f64], rate: &mut [f64]) {
        self.evaluate(weights);
        self.write_rate(rate);
    }

    /// The rate dW/dt at the state last evaluated.
    pub fn write_rate(&self, rate: &mut [f64]) {
        for (l, layer) in self.architecture.layers.iter().enumerate() {
            let out = &mut rate[layer.range.clone()];
            outer(
                &self.backward[l],
                layer.rows,
                &self.pull[l],
                layer.cols,
                out,
            );
        }
    }

    /// Whether the residual of the last evaluation was finite. Every weight that is not makes it
    /// so, and it is small enough to look at each time.
    pub fn is_finite(&self) -> bool {
        self.residual.iter().all(|entry| entry.is_finite())
    }

    /// The loss at the state `weights`.
    pub fn loss(&mut self, weights: &[f64]) -> f64 {
        self.propagate_forward(weights);
        self.moments.loss.loss(&self.map)
    }

    /// Total map and layer norms at the state `weights`, with their derivatives along the flow.
    ///
    /// The rates need no further pass over the weights: a layer moves the map by
    /// B B^T (G P^T) P, and its squared norm by 2 <G, W> over the modalities that pass it, which
    /// is the same number for each layer of a stack (balancedness).
    pub fn observe(&mut self, weights: &[f64], observables: &mut Observables) {
        self.evaluate(weights);
        self.write_observables(weights, observables);
    }

    /// The observables at the state last evaluated, which the caller hands over again.
    pub fn write_observables(&mut self, weights: &[f64], observables: &mut Observables) {
        let map_len = self.map.len();
        let layers = &self.architecture.layers;
        observables.values.resize(map_len + layers.len(), 0.0);
        observables.rates.resize(map_len + layers.len(), 0.0);
        observables.values[..map_len].copy_from_slice(&self.map);
        observables.rates[..map_len].fill(0.0);
        for (l, layer) in layers.iter().enumerate() {
            let w = &weights[layer.range.clone()];
            observables.values[map_len + l] = dot(w, w);
            observables.rates[map_len + l] = 2.0 * self.map_along_residual(layer.stack);
            self.add_map_rate(l, &mut observables.rates[..map_len]);
        }
    }

    /// Fills the workspace for the state `weights`: all products, nothing written out. Serves
    /// both rate and observables of one state.
    pub fn evaluate(&mut self, weights: &[f64]) {
        self.propagate_forward(weights);
        self.set_residual();
        self.propagate_backward(weights);
        self.set_pulls();
    }

    /// P of every layer, and the total map.
    fn propagate_forward(&mut self, weights: &[f64]) {
        let architecture = self.architecture;
        for (m, stack) in architecture.private.iter().enumerate() {
            let block = &architecture.modalities[m].range;
            for l in stack.clone() {
                let layer = &architecture.layers[l];
                let w = &weights[layer.range.clone()];
                let (before, after) = self.forward.split_at_mut(l + 1);
                let out = if l + 1 < stack.end {
                    &mut after[0][..]
                } else {
                    // The stacks end side by side: in the fusion space, or in the total map.
                    let joined = after.get_mut(architecture.shared.start - l - 1);
                    let joined = joined.unwrap_or(&mut self.map);
                    &mut joined[block.start * layer.rows..block.end * layer.rows]
                };
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
    fn set_residual(&mut self) {
        let outputs = self.architecture.outputs;
        let inputs = self.architecture.inputs();
        let optimum = self.moments.loss.optimum.as_slice();
        let covariance = self.moments.loss.covariance.as_slice();
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
    fn propagate_backward(&mut self, weights: &[f64]) {
        let architecture = self.architecture;
        let outputs = architecture.outputs;
        for l in architecture.shared.clone().rev() {
            self.step_backward(weights, l, l + 1 == architecture.shared.end);
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
                self.step_backward(weights, l, false);
            }
        }
    }

    /// B^T of layer `l` from that of the layer above it.
    fn step_backward(&mut self, weights: &[f64], l: usize, is_output: bool) {
        if is_output {
            set_identity(&mut self.backward[l], self.architecture.outputs);
            return;
        }
        let above = &self.architecture.layers[l + 1];
        let (before, after) = self.backward.split_at_mut(l + 1);
        let w = &weights[above.range.clone()];
        multiply_transposed(w, above.rows, &after[0], above.cols, &mut before[l]);
    }

    /// (G P^T)^T of every layer.
    fn set_pulls(&mut self) {
        let architecture = self.architecture;
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

    /// <G, W> over the inputs that reach a stack.
    fn map_along_residual(&self, stack: Stack) -> f64 {
        let (outputs, inputs) = (self.architecture.outputs, self.architecture.inputs());
        let block = match stack {
            Stack::Private(m) => self.architecture.modalities[m].range.clone(),
            Stack::Shared => 0..inputs,
        };
        let products = block.map(|i| {
            let column = &self.map[i * outputs..(i + 1) * outputs];
            let residual = self.residual[i..].iter().step_by(inputs);
            column.iter().zip(residual).map(|(w, g)| w * g).sum::<f64>()
        });
        products.sum()
    }

    /// Adds B B^T (G P^T) P of one layer to the map's rate.
    fn add_map_rate(&mut self, l: usize, rate: &mut [f64]) {
        let layer = &self.architecture.layers[l];
        let outputs = self.architecture.outputs;
        let (block, first) = match layer.stack {
            Stack::Private(m) => (
                self.architecture.modalities[m].range.clone(),
                self.architecture.private[m].start == l,
            ),
            Stack::Shared => (0..self.architecture.inputs(), false),
        };
        let backward = &self.backward[l];
        multiply_transposed(backward, layer.rows, backward, outputs, &mut self.gram);
        for (c, input) in block.enumerate() {
            for (k, pulled) in self.pull[l].chunks_exact(layer.cols).enumerate() {
                self.column[k] = if first {
                    pulled[c]
                } else {
                    dot(
                        pulled,
                        &self.forward[l][c * layer.cols..(c + 1) * layer.cols],
                    )
                };
            }
            for (p, row) in self.gram.chunks_exact(outputs).enumerate() {
                rate[p + input * outputs] += dot(row, &self.column);
            }
        }
    }
}

fn set_identity(matrix: &mut [f64], n: usize) {
    matrix.fill(0.0);
    for entry in matrix.iter_mut().step_by(n + 1) {
        *entry = 1.0;
    }
}
