//! The flow of a linear network, from the second moments of the data.
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
//! A product of two hidden layers is never formed, and nothing is allocated per call.

mod products;
mod tangent;

use super::Observation;
use crate::data::{ByProducts, Moments};
use crate::linalg::{ByColumns, add_scaled, dot, multiply_transposed, outer};
use crate::network::{Architecture, Stack};
use nalgebra::DMatrixView;
use products::Products;
pub use products::linear_work;
use tangent::Tangent;

/// Right-hand side and observation of a linear network, with its workspace.
#[derive(Debug, Clone)]
pub struct MomentFlow<'a> {
    products: Products<'a>,
    tangent: Tangent<'a>,
    /// Squared norms that belong to the layers but take no part in the flow, for the observation.
    pub(super) constant_norms: Option<&'a [f64]>,
    /// B B^T of one layer, o x o, and one column of (G P^T) P, o.
    gram: Vec<f64>,
    column: Vec<f64>,
    /// Rate of the map of one modality's own stack, in a map of zeros.
    own_rate: Vec<f64>,
    by_products: ByProducts<'a>,
    /// Whether the by-products are of other moments than drive the flow, whose G is not that of the gradient.
    is_observed_by_others: bool,
}

impl<'a> MomentFlow<'a> {
    /// Prepares the workspace for an architecture and its data.
    pub fn new(architecture: &'a Architecture, moments: &'a Moments) -> Self {
        let outputs = architecture.outputs;
        let products = Products::new(architecture, moments);
        Self {
            tangent: Tangent::new(products.clone()),
            products,
            constant_norms: None,
            gram: vec![0.0; outputs * outputs],
            column: vec![0.0; outputs],
            own_rate: Vec::new(),
            by_products: ByProducts::new(moments),
            is_observed_by_others: false,
        }
    }

    /// Keeps the by-products of other moments of the same inputs and outputs than drive the flow.
    pub fn observe_by(&mut self, moments: &'a Moments) {
        self.by_products = ByProducts::new(moments);
        self.is_observed_by_others = true;
    }

    /// -dLoss/dW at the state last evaluated, without weight decay.
    pub fn write_negative_gradient(&self, rate: &mut [f64]) {
        let Products { backward, pull, .. } = &self.products;
        for (l, layer) in self.products.architecture.layers.iter().enumerate() {
            let out = &mut rate[layer.range.clone()];
            outer(&backward[l], layer.rows, &pull[l], layer.cols, out);
        }
    }

    /// Whether the residual of the last evaluation was finite. Every weight that is not makes it
    /// so, and it is small enough to look at each time.
    pub fn is_finite(&self) -> bool {
        self.products.residual.iter().all(|entry| entry.is_finite())
    }

    /// The loss at the state `weights`.
    pub fn loss(&mut self, weights: &[f64]) -> f64 {
        self.products.propagate_forward(weights);
        self.products.moments.loss.loss(&self.products.map)
    }

    /// Total map, layer norms and by-products at the state last evaluated, with the derivatives of map and norms
    /// along the flow, whose layers have these `factors` on their learning rates.
    ///
    /// The rates need no further pass over the weights: a layer moves the map by
    /// B B^T (G P^T) P, and its squared norm by 2 <G, W> over the modalities that pass it, which
    /// is the same number for each layer of a stack (balancedness).
    pub fn write_observation(
        &mut self,
        weights: &[f64],
        factors: &[f64],
        observation: &mut Observation,
    ) {
        let map_len = self.products.map.len();
        let &Architecture {
            ref layers,
            outputs,
            weight_decay: decay,
            ..
        } = self.products.architecture;
        let measured = self.products.architecture.measured_len();
        let len = measured + self.by_products.len();
        observation.values.resize(len, 0.0);
        observation.rates.resize(len, 0.0);
        observation.rates[measured..].fill(0.0);
        let kept = &mut observation.values[measured..];
        let Products { map, residual, .. } = &self.products;
        let known = (!self.is_observed_by_others).then_some(&residual[..]);
        self.by_products.write(map, known, kept);
        observation.values[..map_len].copy_from_slice(&self.products.map);
        observation.rates[..map_len].fill(0.0);
        for (l, layer) in layers.iter().enumerate() {
            let w = &weights[layer.range.clone()];
            let constant = self.constant_norms.map_or(0.0, |norms| norms[l]);
            let norm_squared = dot(w, w) + constant;
            let growth = self.map_along_residual(layer.stack) - decay * norm_squared;
            observation.values[map_len + l] = norm_squared;
            observation.rates[map_len + l] = 2.0 * factors[l] * growth;
            self.add_map_rate(l, factors[l], &mut observation.rates[..map_len]);
            if decay > 0.0 {
                let reached = self.products.architecture.reaching(layer.stack);
                let entries = reached.start * outputs..reached.end * outputs;
                let map = &self.products.map[entries.clone()];
                add_scaled(-decay * factors[l], map, &mut observation.rates[entries]);
            }
        }
    }

    /// The by-products' derivatives along the flow, from that of the map.
    pub fn write_by_product_rates(&mut self, observation: &mut Observation) {
        let rates = &mut observation.rates;
        let measured = rates.len() - self.by_products.len();
        let (measured, kept) = rates.split_at_mut(measured);
        let map = &measured[..self.products.map.len()];
        self.by_products.write_rates(map, kept);
    }

    /// 1/2 E|y - W_m x_m|^2 - 1/2 E|y|^2 of the output of one modality's own stack, at the state last evaluated.
    pub fn own_excess(&self, m: usize, _weights: &[f64]) -> f64 {
        let &Products {
            architecture,
            moments,
            ref map,
            ..
        } = &self.products;
        let block = &map[architecture.map_block(m)];
        let inputs = architecture.modalities[m].range.clone();
        let view = DMatrixView::from_slice(block, architecture.outputs, inputs.len());
        let cross = &moments.cross.as_slice()[architecture.map_block(m)];
        0.5 * moments.inputs.power(view, inputs) - dot(cross, block)
    }

    /// The rate at which that falls along the flow, for late fusion without weight decay: <S_yxm - W_m S_m, dW_m/dt>.
    pub fn own_fall(&mut self, m: usize, _weights: &[f64]) -> f64 {
        let &Architecture {
            ref layers,
            ref private,
            outputs,
            ..
        } = self.products.architecture;
        let mut rate = std::mem::take(&mut self.own_rate);
        rate.clear();
        rate.resize(self.products.map.len(), 0.0);
        for l in private[m].clone() {
            self.add_map_rate(l, layers[l].rate_factor, &mut rate);
        }
        let Products { moments, map, .. } = &self.products;
        let block = self.products.architecture.map_block(m);
        let own = |p: usize| if block.contains(&p) { map[p] } else { 0.0 };
        let along = moments.inputs.inner_product(outputs, own, |p| rate[p]);
        let fall = dot(&moments.cross.as_slice()[block.clone()], &rate[block]) - along;
        self.own_rate = rate;
        fall
    }

    /// Fills the workspace for the state `weights`: all products, nothing written out. Serves
    /// both rate and observation of one state.
    pub fn evaluate(&mut self, weights: &[f64]) {
        self.products.evaluate(weights);
    }

    /// Makes the state last evaluated the point of [`MomentFlow::jacobian_product`].
    pub fn linearise(&mut self) {
        self.tangent.at.copy_from(&self.products);
    }

    /// J V = -H V: the derivative of the rate in the direction V at the point set by
    /// [`MomentFlow::linearise`], which the caller hands over again (all of length
    /// [`Architecture::len`]). H is the Hessian of the loss, so J is symmetric.
    pub fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        self.tangent.product(point, direction, product);
    }

    /// <G, W> over the inputs that reach a stack.
    fn map_along_residual(&self, stack: Stack) -> f64 {
        let (outputs, inputs) = (
            self.products.architecture.outputs,
            self.products.architecture.inputs(),
        );
        let products = self.products.architecture.reaching(stack).map(|i| {
            let column = &self.products.map[i * outputs..(i + 1) * outputs];
            let residual = self.products.residual[i..].iter().step_by(inputs);
            column.iter().zip(residual).map(|(w, g)| w * g).sum::<f64>()
        });
        products.sum()
    }

    /// Adds c B B^T (G P^T) P of one layer, whose learning rate has the factor c, to the map's rate.
    fn add_map_rate(&mut self, l: usize, factor: f64, rate: &mut [f64]) {
        let layer = &self.products.architecture.layers[l];
        let outputs = self.products.architecture.outputs;
        let is_first = self.products.architecture.is_first(l);
        let backward = &self.products.backward[l];
        let matrix = ByColumns::new(backward, layer.rows, outputs);
        multiply_transposed(matrix, backward, &mut self.gram);
        for (c, input) in self.products.architecture.reaching(layer.stack).enumerate() {
            let pulls = self.products.pull[l].chunks_exact(layer.cols);
            for (entry, pulled) in self.column.iter_mut().zip(pulls) {
                *entry = if is_first {
                    pulled[c]
                } else {
                    let forward = &self.products.forward[l];
                    dot(pulled, &forward[c * layer.cols..(c + 1) * layer.cols])
                };
            }
            for (p, row) in self.gram.chunks_exact(outputs).enumerate() {
                rate[p + input * outputs] += factor * dot(row, &self.column);
            }
        }
    }
}
