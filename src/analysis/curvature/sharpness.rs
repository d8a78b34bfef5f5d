//! The largest eigenvalue of the Hessian along a run, which limits the learning rate of descent.
//!
//! Near a state, descent multiplies the mode of eigenvalue lambda by 1 - eta lambda a step: it is
//! stable for eta < 2/lambda_max. The eigenvalue is computed anew whenever the weights have moved
//! by a small share, from the last eigenvector, so that a few products suffice.

use super::{ROUND_OFF, noise};
use crate::flow::Flow;
use crate::integrate::Segment;
use crate::linalg::Lanczos;
use nalgebra::DVector;
use serde::Serialize;

/// Share by which the weights may move between two evaluations. lambda_max is about quadratic in
/// them, so that it changes by some percent in between; at a maximum by the square of that.
const MOVE: f64 = 0.02;

/// Residual at which an eigenvalue is good enough, as a share of it: its own error is about the
/// square.
const TOLERANCE: f64 = 1e-3;

/// Most products of one evaluation.
const LARGEST_DIMENSION: usize = 30;

/// Share of a pseudo-random vector that each evaluation starts with: a mode of another symmetry
/// than the last largest one may overtake it.
const NOISE: f64 = 0.1;

/// The largest curvature that a run met.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sharpness {
    /// The largest eigenvalue lambda_max of the Hessian along the run.
    pub largest_eigenvalue: f64,
    /// Norm of its residual.
    pub residual: f64,
    /// When it was met.
    pub time: f64,
    /// Learning rate 2/lambda_max below which plain descent along the whole run is stable; None where
    /// the loss nowhere curves upwards, and where the eigenvalue is known from below only.
    pub stable_learning_rate: Option<f64>,
    /// Products of the Hessian with a vector that all evaluations took.
    #[serde(rename = "hessian_products")]
    pub products: u64,
}

/// 2/lambda_max, where the eigenvalue is positive and its residual small beside it.
fn stable_learning_rate(largest: f64, residual: f64) -> Option<f64> {
    /// Share of the eigenvalue up to which its residual may stand beside it.
    const CONVERGED: f64 = 1e-2;
    (largest > 0.0 && residual <= CONVERGED * largest).then(|| 2.0 / largest)
}

/// Follows the largest eigenvalue along a run.
#[derive(Debug)]
pub struct SharpnessTracker<'a> {
    flow: Flow<'a>,
    lanczos: Lanczos,
    /// Where the eigenvalue was last computed.
    last: DVector<f64>,
    /// Its eigenvector, of norm 1.
    direction: Vec<f64>,
    noise: Vec<f64>,
    /// The rate, then the starting vector.
    start: Vec<f64>,
    /// The size of the weights at the end of learning, estimated.
    scale: f64,
    most: Option<Sharpness>,
    products: u64,
}

impl<'a> SharpnessTracker<'a> {
    /// Starts at the initial weights of a run.
    pub fn new(flow: Flow<'a>, weights: &DVector<f64>) -> Self {
        let architecture = flow.architecture();
        let depths = (0..architecture.modalities.len()).map(|m| architecture.depth(m));
        let depth = depths.max().unwrap_or(1) as f64;
        // Balanced layers of a map of this norm.
        let scale = flow.moments().loss.optimum.norm().powf(1.0 / depth);
        let noise = noise(weights.len());
        let mut sharpest = Self {
            flow,
            lanczos: Lanczos::new(weights.len(), LARGEST_DIMENSION),
            last: weights.clone(),
            direction: noise.clone(),
            start: noise.clone(),
            noise,
            scale,
            most: None,
            products: 0,
        };
        sharpest.evaluate(0.0, weights);
        sharpest
    }

    /// Goes on with another flow of the same network, from a state on.
    pub fn enter(&mut self, flow: Flow<'a>, time: f64, state: &DVector<f64>) {
        self.evaluate(time, state);
        self.flow = flow;
        self.evaluate(time, state);
    }

    /// Takes in a segment of the run.
    pub fn pass(&mut self, segment: &dyn Segment) {
        for node in &segment.nodes()[1..] {
            let (mut moved, mut size) = (0.0, 0.0);
            for (now, last) in node.state.iter().zip(self.last.iter()) {
                moved += (now - last) * (now - last);
                size += now * now;
            }
            if moved.sqrt() > MOVE * size.sqrt().max(self.scale) {
                self.evaluate(node.time, node.state);
            }
        }
    }

    /// The largest of all, the run's last state included. None where the Hessian was nowhere
    /// finite.
    pub fn finish(mut self, time: f64, state: &DVector<f64>) -> Option<Sharpness> {
        self.evaluate(time, state);
        let products = self.products;
        self.most.map(|most| Sharpness { products, ..most })
    }

    /// The largest eigenvalue at a state.
    fn evaluate(&mut self, time: f64, state: &DVector<f64>) {
        self.last.copy_from(state);
        self.flow.gradient_rate(state.as_slice(), &mut self.start);
        if !self.flow.is_finite() {
            return;
        }
        self.flow.linearise();
        let vectors = self.direction.iter().zip(&self.noise);
        for (start, (direction, noise)) in self.start.iter_mut().zip(vectors) {
            *start = direction + NOISE * noise;
        }
        self.lanczos.start(&self.start);
        let Some((value, residual)) = self.converge(state.as_slice()) else {
            return;
        };
        let most = self
            .most
            .map_or(f64::NEG_INFINITY, |m| m.largest_eigenvalue);
        if value > most {
            self.most = Some(Sharpness {
                largest_eigenvalue: value,
                residual,
                time,
                stable_learning_rate: stable_learning_rate(value, residual),
                products: 0,
            });
        }
    }

    /// Extends the basis until its largest Ritz value is good enough; gives back value and residual
    /// and keeps the vector. None where a product is not finite.
    fn converge(&mut self, point: &[f64]) -> Option<(f64, f64)> {
        let Self { flow, lanczos, .. } = self;
        loop {
            self.products += 1;
            if !lanczos.extend(&mut |v, product| flow.jacobian_product(point, v, product)) {
                return None;
            }
            let m = lanczos.dimension();
            // Two modes and the noise at the least.
            if m < 3 && !lanczos.is_full() {
                continue;
            }
            lanczos.diagonalise();
            let values = lanczos.values();
            let size = values.iter().fold(0.0, |m: f64, value| m.max(value.abs()));
            let least = (0..m).min_by(|&a, &b| values[a].total_cmp(&values[b]))?;
            let value = -values[least];
            let residual = match lanczos.is_whole() {
                true => 0.0,
                false => lanczos.leak()? * lanczos.eigenvector(m - 1, least).abs(),
            };
            let good = residual <= (TOLERANCE * value).max(ROUND_OFF * size);
            if good || lanczos.is_full() {
                self.direction.fill(0.0);
                for (i, v) in lanczos.basis().enumerate() {
                    let share = lanczos.eigenvector(i, least);
                    for (direction, v) in self.direction.iter_mut().zip(v) {
                        *direction += share * v;
                    }
                }
                return Some((value, residual));
            }
        }
    }
}
