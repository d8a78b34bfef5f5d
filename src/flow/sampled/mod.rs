//! The flow of any network, by passes over its samples.
//!
//! With y^ the outputs and P samples, each sample goes forward through the layers and its
//! residual back (z the sums that arrive at the units of a space, h = phi(z)); the loss enters by the residual alone:
//!
//! ```text
//! Loss  = 1/P sum loss(y^, y)            1/2 |y - y^|^2 of a sample, or its cross-entropy (`data/loss.rs`)
//! z     = sum over the layers that end in the space of (a W^T) + 1 b^T        delta = (delta_next W_next) phi'(z)
//! dW/dt = 1/P delta^T a                  db/dt = 1/P sum delta                delta of the outputs = -dloss/dy^
//! ```
//!
//! The samples are dealt to a few *lanes*, each with a workspace of its own that holds one block at
//! a time, so that memory does not grow with their number. Lanes run in parallel; their number
//! and their blocks depend on the number of samples alone, and their sums are added in order, so
//! that no result depends on the number of threads.
//!
//! The total map of a network that is not linear is its best linear fit on the samples,
//! W = E[y^ x^T] S_xx^+; its derivative along the flow is exact, by a forward pass in the direction
//! of the rate. For a linear network it is the total map. Under cross-entropy it is the fit of the predictions p - 1/K,
//! which at each critical point of a linear network is the least-squares map of the targets.
//!
//! | file | what it computes |
//! |---|---|
//! | `mod.rs` | loss, rate, observation, Hessian products: sums over lanes |
//! | `lanes.rs` | one lane: its blocks one after the other, in all their views |
//! | `tape.rs` | one block forward and back |
//! | `tangent.rs` | the same in a direction of the weights |
//! | `dense.rs` | a layer times a block |

mod dense;
mod lanes;
mod tangent;
mod tape;

use super::Observation;
use crate::data::{BLOCK, Exposure, Loss, Moments, Samples, View};
use crate::linalg::dot;
use crate::network::{Architecture, Spaces};
use lanes::{Data, Lane, OutputSums, fit, sum_lanes};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use tangent::Tangent;
use tape::{Tape, Wiring};

/// Most lanes, and so most processor cores that work at one evaluation.
const LANES: usize = 8;

/// Multiplications of a pass from which on it is worth waking other threads.
const WORTH_THREADS: usize = 200_000;

/// Right-hand side and observation of any network, with its workspace.
#[derive(Debug, Clone)]
pub struct SampledFlow<'a> {
    wiring: Wiring<'a>,
    moments: &'a Moments,
    /// The samples held out, whose error is observed.
    held_out: Option<&'a Samples>,
    /// The views whose losses add up.
    views: Vec<View>,
    /// That of each modality alone.
    own_views: Vec<View>,
    lanes: Vec<Lane>,
    /// -dLoss/dw and the loss at the state last evaluated.
    gradient: Vec<f64>,
    /// -dLoss/dw of the output of one modality alone.
    own_gradient: Vec<f64>,
    loss: f64,
    is_finite: bool,
}

impl<'a> SampledFlow<'a> {
    /// Prepares the workspace.
    pub fn new(architecture: &'a Architecture, moments: &'a Moments) -> Self {
        let modalities = moments.modalities.len();
        let exposure = moments.exposure().cloned();
        let exposure = exposure.unwrap_or_else(|| Exposure::full(modalities));
        Self::exposed(architecture, moments, &exposure)
    }

    /// The same with another exposure than that of the moments.
    pub fn exposed(
        architecture: &'a Architecture,
        moments: &'a Moments,
        exposure: &Exposure,
    ) -> Self {
        let wiring = Wiring::new(architecture);
        let samples = moments.samples.as_deref();
        let blocks = samples.map_or(0, Samples::blocks);
        let held_out = moments.held_out.as_deref();
        let all = samples.into_iter().chain(held_out);
        let largest = all.map(Samples::largest_block).max().unwrap_or(0);
        let lanes = LANES.min(blocks);
        let map = vec![0.0; architecture.map_len()];
        let parts = samples.and_then(|samples| samples.parts.as_ref());
        let parts = vec![0.0; architecture.outputs * parts.map_or(0, |p| p.names.len())];
        let lane = |k: usize| {
            let tape = Tape::new(&wiring, largest);
            Lane {
                blocks: k * blocks / lanes..(k + 1) * blocks / lanes,
                tangent: Tangent::new(&tape),
                tape,
                inputs: Vec::new(),
                sum: vec![0.0; architecture.len()],
                losses: 0.0,
                excess: 0.0,
                outputs: OutputSums {
                    power: [0.0; 2],
                    cross: [map.clone(), map.clone()],
                    parts: [parts.clone(), parts.clone()],
                    right: 0,
                },
            }
        };
        Self {
            views: exposure.views(&moments.modalities),
            own_views: moments
                .modalities
                .iter()
                .map(|m| View::alone(m, &moments.modalities))
                .collect(),
            lanes: (0..lanes).map(lane).collect(),
            gradient: vec![0.0; architecture.len()],
            own_gradient: Vec::new(),
            loss: f64::NAN,
            is_finite: false,
            wiring,
            held_out,
            moments,
        }
    }

    /// The flow in which only some of the units that send to the outputs are active, counted through the layers that end there: the
    /// residual is what these leave, and all others follow their correlation with that, without any feedback. It has no
    /// Hessian products, and no error on samples held out.
    pub fn with_active(mut self, units: &[bool]) -> Self {
        self.wiring.activate(units);
        self.held_out = None;
        self
    }

    /// Loss and rate at the state `weights`.
    pub fn evaluate(&mut self, weights: &[f64]) {
        self.each_lane(|lane, data| lane.evaluate(data, weights));
        let count = self.count();
        sum_lanes(&self.lanes, count, &mut self.gradient);
        self.loss = self.losses() / count;
        self.is_finite = self.loss.is_finite() && weights.iter().all(|w| w.is_finite());
    }

    /// Writes -dLoss/dw of other samples than its own, no larger a block of them: a mini-batch.
    pub fn write_on(&mut self, samples: &Samples, weights: &[f64], rate: &mut [f64]) {
        if let Some(lane) = self.lanes.first_mut() {
            lane.sum.fill(0.0);
            let data = Data {
                wiring: &self.wiring,
                samples,
                views: &self.views,
            };
            lane.add(&data, 0..samples.blocks(), weights);
            sum_lanes(&self.lanes[..1], samples.len() as f64, rate);
        }
    }

    /// -dLoss/dw at the state last evaluated, without weight decay.
    pub fn write_negative_gradient(&self, rate: &mut [f64]) {
        rate.copy_from_slice(&self.gradient);
    }

    /// Whether loss and weights of the last evaluation were finite.
    pub fn is_finite(&self) -> bool {
        self.is_finite
    }

    /// The loss at the state `weights`.
    pub fn loss(&mut self, weights: &[f64]) -> f64 {
        self.each_lane(|lane, data| lane.compare(data, weights));
        self.losses() / self.count()
    }

    /// 1/2 E|y - y^_m|^2 - 1/2 E|y|^2 of the output y^_m of one modality's own stack, for late fusion without biases.
    pub fn own_excess(&mut self, m: usize, weights: &[f64]) -> f64 {
        let views = std::mem::take(&mut self.own_views);
        self.each_lane(|lane, data| {
            let blocks = lane.blocks.clone();
            lane.add_excess(data, (&views[m], blocks), weights);
        });
        self.own_views = views;
        self.excess() / self.count()
    }

    /// The same of other samples than its own.
    pub fn own_excess_on(&mut self, m: usize, samples: &Samples, weights: &[f64]) -> f64 {
        let Some(lane) = self.lanes.first_mut() else {
            return f64::NAN;
        };
        let data = Data {
            wiring: &self.wiring,
            samples,
            views: &self.views,
        };
        let blocks = 0..samples.blocks();
        lane.add_excess(&data, (&self.own_views[m], blocks), weights);
        lane.excess / samples.len() as f64
    }

    /// The rate at which that falls along the flow, without weight decay, at the state last evaluated.
    pub fn own_fall(&mut self, m: usize, weights: &[f64]) -> f64 {
        let views = std::mem::take(&mut self.own_views);
        self.each_lane(|lane, data| {
            lane.sum.fill(0.0);
            let blocks = lane.blocks.clone();
            lane.add_of(data, &views[m], blocks, weights);
        });
        self.own_views = views;
        let mut own = std::mem::take(&mut self.own_gradient);
        own.resize(self.gradient.len(), 0.0);
        sum_lanes(&self.lanes, self.count(), &mut own);
        let layers = self.wiring.architecture.rate_factors();
        let falls =
            layers.map(|(range, c)| c * dot(&own[range.clone()], &self.gradient[range.clone()]));
        let fall = falls.sum();
        self.own_gradient = own;
        fall
    }

    /// The observation at the state last evaluated, where the weights have this `rate`.
    pub fn write_observation(
        &mut self,
        weights: &[f64],
        rate: &[f64],
        observation: &mut Observation,
    ) {
        let architecture = self.wiring.architecture;
        self.each_lane(|lane, data| lane.observe(data, (weights, rate)));
        let map_len = architecture.map_len();
        let layers = &architecture.layers;
        let [loss, power] = [0, 1].map(|k| architecture.measured_len() + k);
        let parts = self.lanes.first().map_or(0, |l| l.outputs.parts[0].len());
        let accuracy = self.accuracy();
        let error = self.error(weights, rate);
        let first_after = power + 1 + parts;
        let len = first_after + usize::from(error.is_some()) + usize::from(accuracy.is_some());
        observation.values.resize(len, 0.0);
        observation.rates.resize(len, 0.0);
        let Observation { values, rates } = observation;
        for (l, layer) in layers.iter().enumerate() {
            let [w, rate] = [weights, rate].map(|state| layer.of(state).entries);
            values[map_len + l] = dot(w, w);
            rates[map_len + l] = 2.0 * dot(w, rate);
        }
        values[loss] = self.loss;
        rates[loss] = -dot(&self.gradient, rate);
        for (k, out) in [values, rates].into_iter().enumerate() {
            let lanes = self.lanes.iter();
            let sum: f64 = lanes.map(|lane| lane.outputs.power[k]).sum();
            out[power] = sum / self.count();
            self.write_fits(k, map_len, &mut out[..first_after], power + 1);
            if let Some(error) = error {
                out[first_after] = error[k];
            }
        }
        if let (Some(accuracy), Some(last)) = (accuracy, observation.values.last_mut()) {
            *last = accuracy;
        }
    }

    /// The loss of the samples held out and its derivative, where the weights have this `rate`; None where there are none.
    fn error(&mut self, weights: &[f64], rate: &[f64]) -> Option<[f64; 2]> {
        let held_out = self.held_out?;
        let lane = self.lanes.first_mut()?;
        let sums = lane.error(&self.wiring, held_out, (weights, rate));
        Some(sums.map(|sum| sum / held_out.len() as f64))
    }

    /// The fraction of the samples last observed whose class has the largest output; None where targets are no classes.
    fn accuracy(&self) -> Option<f64> {
        let is_classed = self.moments.compared_by() == Loss::CrossEntropy;
        let right: usize = self.lanes.iter().map(|lane| lane.outputs.right).sum();
        is_classed.then(|| right as f64 / self.count())
    }

    /// J V at the state `point`.
    pub fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        self.each_lane(|lane, data| lane.differentiate(data, (point, direction)));
        sum_lanes(&self.lanes, self.count(), product);
    }

    /// The best linear fits of the outputs (k = 0) or their derivatives (k = 1): by the inputs to
    /// the first `map_len` entries of `out`, by the target's parts from `first_part` on.
    fn write_fits(&mut self, k: usize, map_len: usize, out: &mut [f64], first_part: usize) {
        let Some(samples) = &self.moments.samples else {
            out.fill(f64::NAN);
            return;
        };
        let (inverse, lanes) = (self.moments.plain_inverse(), &mut self.lanes);
        let map = &mut out[..map_len];
        fit(lanes, |sums| &mut sums.cross[k], inverse, map);
        if let Some(parts) = &samples.parts {
            let out = &mut out[first_part..];
            fit(lanes, |sums| &mut sums.parts[k], &parts.inverse, out);
        }
        let (fits, parts) = out.split_at_mut(first_part);
        for out in fits[..map_len].iter_mut().chain(parts) {
            *out /= samples.len() as f64;
        }
    }

    /// Number of samples P.
    fn count(&self) -> f64 {
        let samples = self.moments.samples.as_deref();
        samples.map_or(0.0, |samples| samples.len() as f64)
    }

    fn excess(&self) -> f64 {
        self.lanes.iter().map(|lane| lane.excess).sum()
    }

    fn losses(&self) -> f64 {
        self.lanes.iter().map(|lane| lane.losses).sum()
    }

    /// Does some work for every lane, in parallel where it is enough.
    fn each_lane(&mut self, work: impl Fn(&mut Lane, &Data<'_, '_>) + Sync) {
        let Some(samples) = &self.moments.samples else {
            return;
        };
        let data = Data {
            wiring: &self.wiring,
            samples: samples.as_ref(),
            views: &self.views,
        };
        let samples = data.samples;
        if self.lanes.len() > 1 && samples.len() * self.gradient.len() >= WORTH_THREADS {
            let lanes = self.lanes.par_iter_mut();
            lanes.for_each(|lane| work(lane, &data));
        } else {
            let lanes = self.lanes.iter_mut();
            lanes.for_each(|lane| work(lane, &data));
        }
    }
}

/// Multiplications of the rate of so many weights from so many samples, about: each sample passes each weight
/// forward, back, and for its rate.
pub fn sampled_work(weights: usize, samples: u64) -> u64 {
    3 * samples * weights as u64
}

/// Bytes of the workspace of a flow from `samples` samples.
pub fn sampled_memory(architecture: &Architecture, samples: u64) -> u64 {
    /// Panels of a hidden space, in tape and tangent.
    const PANELS: u64 = 7;
    let units: usize = Spaces::of(architecture).dims().iter().sum();
    let block = samples.min(BLOCK as u64);
    let lanes = samples.div_ceil(BLOCK as u64).min(LANES as u64);
    let panels = PANELS.saturating_mul(units as u64).saturating_mul(block);
    let lane = panels.saturating_add(architecture.len() as u64);
    lane.saturating_mul(lanes * size_of::<f64>() as u64)
}
