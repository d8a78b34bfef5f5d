//! Mini-batches: the gradient of a few samples at a time.
//!
//! Each epoch is a permutation of all samples, cut into batches; the last one of an epoch may be
//! smaller. The order depends on the seed alone, and so do the modalities that are dropped from each sample where
//! modality dropout asks for it.

use crate::data::{Exposure, Moments, Samples};
use crate::flow::{Modulation, SampledFlow};
use crate::linalg::random::{Purpose, stream};
use crate::network::Architecture;
use rand::RngExt;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom;
use std::ops::Range;
use std::sync::Arc;

/// Samples of a descent, a few at a time.
#[derive(Debug)]
pub struct Batches<'a> {
    flow: SampledFlow<'a>,
    samples: Arc<Samples>,
    size: usize,
    batch: Samples,
    /// This epoch's order, and how much of it is used up.
    order: Vec<usize>,
    used: usize,
    rng: ChaCha12Rng,
    /// Inputs that are dropped at random together, and the probability that they are kept.
    dropping: Vec<(Range<usize>, f64)>,
    dropping_rng: ChaCha12Rng,
    architecture: &'a Architecture,
    modulation: Option<Modulation>,
}

impl<'a> Batches<'a> {
    /// Batches of `size` samples. None where the samples are not kept.
    pub fn new(
        architecture: &'a Architecture,
        moments: &'a Moments,
        size: usize,
        seed: u64,
    ) -> Option<Self> {
        let samples = Arc::clone(moments.samples.as_ref()?);
        let order: Vec<usize> = (0..samples.len()).collect();
        let (flow, dropping) = flow_and_dropping(architecture, moments);
        Some(Self {
            flow,
            dropping,
            dropping_rng: stream(seed, Purpose::Dropping),
            size: size.min(order.len()),
            batch: samples.batch(),
            used: order.len(),
            order,
            rng: stream(seed, Purpose::Batches),
            samples,
            architecture,
            modulation: None,
        })
    }

    /// The same with the gradient of the stack that is ahead on a batch slowed.
    pub fn modulated(mut self, modulation: Option<Modulation>) -> Self {
        self.modulation = modulation;
        self
    }

    /// Goes on with the same samples, in the order begun, by the learning rates and the exposure of another stage.
    pub fn enter(&mut self, architecture: &'a Architecture, moments: &'a Moments) {
        (self.flow, self.dropping) = flow_and_dropping(architecture, moments);
    }

    /// Batches of an epoch.
    pub fn in_epoch(&self) -> usize {
        self.order.len().div_ceil(self.size)
    }

    /// Writes -dLoss/dw of the next batch.
    pub fn write_next(&mut self, weights: &[f64], out: &mut [f64]) {
        if self.used == self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.used = 0;
        }
        let end = (self.used + self.size).min(self.order.len());
        self.batch
            .gather(&self.samples, &self.order[self.used..end]);
        self.used = end;
        for row in 0..self.batch.len() {
            for (inputs, keep) in &self.dropping {
                if !self.dropping_rng.random_bool(*keep) {
                    self.batch.drop_inputs(row, inputs.clone());
                }
            }
        }
        self.flow.write_on(&self.batch, weights, out);
        if let Some(modulation) = self.modulation {
            let excess = [0, 1].map(|m| self.flow.own_excess_on(m, &self.batch, weights));
            let factors = modulation.factors(excess[1] - excess[0]);
            self.architecture.scale_stacks(&factors, out);
        }
    }
}

/// The flow of samples of which nothing is dropped by itself, and the inputs that are to be dropped at random, with the
/// probability that they are kept.
fn flow_and_dropping<'a>(
    architecture: &'a Architecture,
    moments: &'a Moments,
) -> (SampledFlow<'a>, Vec<(Range<usize>, f64)>) {
    let exposure = moments.exposure();
    let auxiliary = exposure.map_or_else(
        || Exposure::full(moments.modalities.len()),
        Exposure::without_dropping,
    );
    let chances = exposure.iter().flat_map(|exposure| &exposure.keep);
    let dropping = chances.zip(&moments.modalities).filter(|(q, _)| **q < 1.0);
    (
        SampledFlow::exposed(architecture, moments, &auxiliary),
        dropping.map(|(q, m)| (m.range.clone(), *q)).collect(),
    )
}
