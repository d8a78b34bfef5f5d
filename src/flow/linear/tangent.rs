//! The gradient's derivative in a direction V: J V = -H V with the Hessian H of the loss.
//!
//! Forward-mode differentiation through the products of [`super::products`], so that it is exact
//! and costs about two evaluations of the gradient:
//!
//! ```text
//! dP_{l+1} = V_l P_l + W_l dP_l          dB_{l-1}^T = V_l^T B_l^T + W_l^T dB_l^T
//! dG       = -dW^tot S_xx                d(G P^T)^T = dP G^T + P dG^T
//! (J V)_l  = dB_l^T (G P_l^T) + B_l^T d(G P_l^T)
//! ```
//!
//! J is symmetric: the flow is the gradient of a function.

use super::products::{Products, private_output};
use crate::data::Moments;
use crate::linalg::{multiply, multiply_transposed, outer};
use crate::network::Architecture;

/// Products at the point of differentiation, and their differentials.
#[derive(Debug, Clone)]
pub(super) struct Tangent {
    /// The products at the point.
    pub(super) at: Products,
    /// dP of each layer; unused for the first layer of a stack, where it is zero.
    forward: Vec<Vec<f64>>,
    /// [dB^T, B^T] of each layer, rows x 2o.
    backward: Vec<Vec<f64>>,
    /// [(G P^T)^T, d(G P^T)^T] of each layer, cols x 2o.
    pull: Vec<Vec<f64>>,
    /// dW^tot, o x d.
    map: Vec<f64>,
    /// dG^T, d x o.
    residual: Vec<f64>,
    /// The second term of a sum.
    term: Vec<f64>,
}

impl Tangent {
    pub(super) fn new(architecture: &Architecture) -> Self {
        let at = Products::new(architecture);
        let twice = |parts: &[Vec<f64>]| parts.iter().map(|p| vec![0.0; 2 * p.len()]).collect();
        let longest = |parts: &[Vec<f64>]| parts.iter().map(Vec::len).max().unwrap_or(0);
        let term = longest(&at.forward)
            .max(longest(&at.backward))
            .max(longest(&at.pull))
            .max(at.map.len());
        Self {
            forward: at.forward.clone(),
            backward: twice(&at.backward),
            pull: twice(&at.pull),
            map: at.map.clone(),
            residual: at.residual.clone(),
            term: vec![0.0; term],
            at,
        }
    }

    /// Writes J V for the direction V at the point `weights`, whose products are in `at`.
    pub(super) fn product(
        &mut self,
        (architecture, moments): (&Architecture, &Moments),
        weights: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) {
        self.propagate_forward(architecture, weights, direction);
        self.set_residual(architecture, moments);
        self.propagate_backward(architecture, weights, direction);
        self.set_pulls(architecture);
        for (l, layer) in architecture.layers.iter().enumerate() {
            let (backward, pull) = (&self.backward[l], &self.pull[l]);
            let out = &mut product[layer.range.clone()];
            outer(backward, layer.rows, pull, layer.cols, out);
        }
    }

    /// dP of every layer, and dW^tot.
    fn propagate_forward(
        &mut self,
        architecture: &Architecture,
        weights: &[f64],
        direction: &[f64],
    ) {
        for (m, stack) in architecture.private.iter().enumerate() {
            for l in stack.clone() {
                let layer = &architecture.layers[l];
                let v = &direction[layer.range.clone()];
                let (before, after) = self.forward.split_at_mut(l + 1);
                let out = private_output(architecture, (m, l), after, &mut self.map);
                if l == stack.start {
                    out.copy_from_slice(v);
                    continue;
                }
                let w = &weights[layer.range.clone()];
                let (p, term) = (&self.at.forward[l], &mut self.term[..out.len()]);
                multiply(v, layer.rows, p, layer.cols, out);
                multiply(w, layer.rows, &before[l], layer.cols, term);
                add(term, out);
            }
        }
        for l in architecture.shared.clone() {
            let layer = &architecture.layers[l];
            let (before, after) = self.forward.split_at_mut(l + 1);
            let out = after.first_mut().unwrap_or(&mut self.map);
            let (v, w) = (
                &direction[layer.range.clone()],
                &weights[layer.range.clone()],
            );
            let term = &mut self.term[..out.len()];
            multiply(v, layer.rows, &self.at.forward[l], layer.cols, out);
            multiply(w, layer.rows, &before[l], layer.cols, term);
            add(term, out);
        }
    }

    /// dG = -dW^tot S_xx.
    fn set_residual(&mut self, architecture: &Architecture, moments: &Moments) {
        let (outputs, inputs) = (architecture.outputs, architecture.inputs());
        let covariance = moments.loss.covariance.as_slice();
        for (k, residual) in self.residual.chunks_exact_mut(inputs).enumerate() {
            for (out, covariance) in residual.iter_mut().zip(covariance.chunks_exact(inputs)) {
                let map = self.map.iter().skip(k).step_by(outputs);
                *out = -map.zip(covariance).map(|(m, c)| m * c).sum::<f64>();
            }
        }
    }

    /// [dB^T, B^T] of every layer.
    fn propagate_backward(
        &mut self,
        architecture: &Architecture,
        weights: &[f64],
        direction: &[f64],
    ) {
        let (private, shared) = (&architecture.private, &architecture.shared);
        for l in shared.clone().rev() {
            let above = (l + 1 < shared.end).then_some(l + 1);
            self.step_backward(architecture, (weights, direction), l, above);
        }
        for stack in private {
            let fusion = shared.clone().next();
            for l in stack.clone().rev() {
                let above = if l + 1 < stack.end {
                    Some(l + 1)
                } else {
                    fusion
                };
                self.step_backward(architecture, (weights, direction), l, above);
            }
        }
    }

    /// [dB^T, B^T] of layer `l` from those of the layer `above` it, if there is one.
    fn step_backward(
        &mut self,
        architecture: &Architecture,
        (weights, direction): (&[f64], &[f64]),
        l: usize,
        above: Option<usize>,
    ) {
        let len = self.at.backward[l].len();
        if let Some(above) = above {
            let layer = &architecture.layers[above];
            let (v, w) = (
                &direction[layer.range.clone()],
                &weights[layer.range.clone()],
            );
            let (before, after) = self.backward.split_at_mut(above);
            let out = &mut before[l][..len];
            let term = &mut self.term[..len];
            let b = &self.at.backward[above];
            multiply_transposed(v, layer.rows, b, layer.cols, out);
            multiply_transposed(w, layer.rows, &after[0][..b.len()], layer.cols, term);
            add(term, out);
        } else {
            self.backward[l][..len].fill(0.0);
        }
        self.backward[l][len..].copy_from_slice(&self.at.backward[l]);
    }

    /// [(G P^T)^T, d(G P^T)^T] of every layer.
    fn set_pulls(&mut self, architecture: &Architecture) {
        let inputs = architecture.inputs();
        for (m, stack) in architecture.private.iter().enumerate() {
            let block = &architecture.modalities[m].range;
            let (first, rest) = self.pull[stack.clone()].split_at_mut(1);
            let (pull, d_pull) = first[0].split_at_mut(self.at.pull[stack.start].len());
            pull.copy_from_slice(&self.at.pull[stack.start]);
            for (k, column) in d_pull.chunks_exact_mut(block.len()).enumerate() {
                let start = k * inputs + block.start;
                column.copy_from_slice(&self.residual[start..start + block.len()]);
            }
            for (out, l) in rest.iter_mut().zip(stack.start + 1..) {
                let cols = architecture.layers[l].cols;
                let (out, d_out) = out.split_at_mut(self.at.pull[l].len());
                out.copy_from_slice(&self.at.pull[l]);
                let term = &mut self.term[..d_out.len()];
                multiply(&self.forward[l], cols, pull, block.len(), d_out);
                multiply(&self.at.forward[l], cols, d_pull, block.len(), term);
                add(term, d_out);
            }
        }
        for l in architecture.shared.clone() {
            let cols = architecture.layers[l].cols;
            let (out, d_out) = self.pull[l].split_at_mut(self.at.pull[l].len());
            out.copy_from_slice(&self.at.pull[l]);
            let term = &mut self.term[..d_out.len()];
            multiply(&self.forward[l], cols, &self.at.residual, inputs, d_out);
            multiply(&self.at.forward[l], cols, &self.residual, inputs, term);
            add(term, d_out);
        }
    }
}

/// sum += term.
fn add(term: &[f64], sum: &mut [f64]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}
