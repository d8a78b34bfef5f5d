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

use super::products::{Products, copy_rows, forward_output};
use crate::linalg::{ByColumns, add_scaled, multiply, multiply_transposed, outer};
use crate::network::Stack;

/// Products at the point of differentiation, and their differentials.
#[derive(Debug, Clone)]
pub(super) struct Tangent<'a> {
    /// The products at the point.
    pub(super) at: Products<'a>,
    /// dP of each layer; empty for the first layer of a stack, where it is zero.
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

impl<'a> Tangent<'a> {
    /// Storage beside the products of any state.
    pub(super) fn new(at: Products<'a>) -> Self {
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
    pub(super) fn product(&mut self, weights: &[f64], direction: &[f64], product: &mut [f64]) {
        self.propagate_forward(weights, direction);
        self.set_residual();
        self.propagate_backward(weights, direction);
        self.set_pulls();
        for (l, layer) in self.at.architecture.layers.iter().enumerate() {
            let (backward, pull) = (&self.backward[l], &self.pull[l]);
            let out = &mut product[layer.range.clone()];
            outer(backward, layer.rows, pull, layer.cols, out);
        }
    }

    /// dP of every layer, and dW^tot.
    fn propagate_forward(&mut self, weights: &[f64], direction: &[f64]) {
        let architecture = self.at.architecture;
        for (l, layer) in architecture.layers.iter().enumerate() {
            let (w, v) = (layer.of(weights), layer.of(direction));
            let (before, after) = self.forward.split_at_mut(l + 1);
            let out = forward_output(architecture, l, after, &mut self.map);
            if architecture.is_first(l) {
                out.copy_from_slice(v.entries);
                continue;
            }
            let term = &mut self.term[..out.len()];
            multiply(v, &self.at.forward[l], out);
            multiply(w, &before[l], term);
            add_scaled(1.0, term, out);
        }
    }

    /// dG = -dW^tot S_xx.
    fn set_residual(&mut self) {
        let outputs = self.at.architecture.outputs;
        let covariance = &self.at.moments.loss.covariance;
        let change = |i: usize, k: usize| -self.map[k + i * outputs];
        covariance.apply(change, &mut self.at.inner, &mut self.residual);
    }

    /// [dB^T, B^T] of every layer.
    fn propagate_backward(&mut self, weights: &[f64], direction: &[f64]) {
        let architecture = self.at.architecture;
        for l in (0..architecture.layers.len()).rev() {
            let len = self.at.backward[l].len();
            let (before, after) = self.backward.split_at_mut(l + 1);
            let (out, unchanged) = before[l].split_at_mut(len);
            unchanged.copy_from_slice(&self.at.backward[l]);
            match architecture.next_layer(l) {
                None => out.fill(0.0),
                Some(next) if next == l + 1 => {
                    let next_layer = &architecture.layers[next];
                    let b = &self.at.backward[next];
                    let term = &mut self.term[..len];
                    multiply_transposed(next_layer.of(direction), b, out);
                    multiply_transposed(next_layer.of(weights), &after[0][..b.len()], term);
                    add_scaled(1.0, term, out);
                }
                // As for the products themselves.
                Some(fusion) => out.copy_from_slice(&after[fusion - l - 2][..len]),
            }
        }
    }

    /// [(G P^T)^T, d(G P^T)^T] of every layer.
    fn set_pulls(&mut self) {
        let architecture = self.at.architecture;
        for (l, layer) in architecture.layers.iter().enumerate() {
            let inputs = architecture.reaching(layer.stack);
            let (before, after) = self.pull.split_at_mut(l);
            let (unchanged, out) = after[0].split_at_mut(self.at.pull[l].len());
            unchanged.copy_from_slice(&self.at.pull[l]);
            let (residual, change) = match layer.stack {
                _ if architecture.is_first(l) => {
                    copy_rows(&self.residual, architecture.inputs(), inputs, out);
                    continue;
                }
                Stack::Private(m) => {
                    let first = &before[architecture.private[m].start];
                    first.split_at(first.len() / 2)
                }
                Stack::Shared => (&self.at.residual[..], &self.residual[..]),
            };
            let matrix = |p| ByColumns::new(p, layer.cols, inputs.len());
            let term = &mut self.term[..out.len()];
            multiply(matrix(&self.forward[l]), residual, out);
            multiply(matrix(&self.at.forward[l]), change, term);
            add_scaled(1.0, term, out);
        }
    }
}
