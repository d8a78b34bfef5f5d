//! Learning rates that differ by modality, and weight decay: dW/dt = -c (dLoss/dW + mu W).

use super::{Architecture, Spaces};
use crate::data::Penalty;
use std::ops::Range;

impl Architecture {
    /// The same network with a factor on the learning rate of each modality's private layers, and of the biases
    /// of the hidden units that belong to it alone.
    pub fn with_rate_factors(mut self, factors: &[f64]) -> Self {
        let spaces = Spaces::of(&self);
        for (stack, &factor) in self.private.iter().zip(factors) {
            for layer in &mut self.layers[stack.clone()] {
                layer.rate_factor = factor;
            }
        }
        for (space, bias) in self.biases.iter_mut().enumerate() {
            let is_hidden = space < spaces.dims().len();
            let ending: Vec<usize> = spaces.ending_in(is_hidden.then_some(space)).collect();
            if let ([only], true) = (&ending[..], is_hidden) {
                bias.rate_factor = self.layers[*only].rate_factor;
            }
        }
        self
    }

    /// Entries of the state of each layer, and then of the biases of each space, with the factor on their learning
    /// rate.
    pub fn rate_factors(&self) -> impl Iterator<Item = (&Range<usize>, f64)> {
        let layers = self.layers.iter().map(|l| (&l.range, l.rate_factor));
        layers.chain(self.biases.iter().map(|b| (&b.range, b.rate_factor)))
    }

    /// The factor on the learning rate of the private layers of modality `m`.
    pub fn stack_rate_factor(&self, m: usize) -> f64 {
        self.layers[self.private[m].start].rate_factor
    }

    /// Multiplies the private layers of each modality in a flat state by a factor.
    pub fn scale_stacks(&self, factors: &[f64], state: &mut [f64]) {
        for (stack, factor) in self.private.iter().zip(factors) {
            for layer in &self.layers[stack.clone()] {
                let entries = &mut state[layer.range.clone()];
                entries.iter_mut().for_each(|entry| *entry *= factor);
            }
        }
    }

    /// Adds what weight decay does to the rate of weights: -mu w.
    pub fn add_decay(&self, weights: &[f64], rate: &mut [f64]) {
        if self.weight_decay > 0.0 {
            for (rate, weight) in rate.iter_mut().zip(weights) {
                *rate -= self.weight_decay * weight;
            }
        }
    }

    /// What weight decay costs by the total maps. None without it, and where that is not known: for several outputs, for
    /// networks that are not linear, where a modality is frozen, and for shared layers behind stacks of unequal depths.
    pub fn penalty(&self) -> Option<Penalty> {
        let is_known = self.is_linear()
            && self.outputs == 1
            && (self.shared.is_empty() || self.fusion().is_some())
            && self.layers.iter().all(|layer| layer.rate_factor > 0.0);
        (is_known && self.weight_decay > 0.0).then(|| Penalty {
            decay: self.weight_decay,
            private: self.private.iter().map(ExactSizeIterator::len).collect(),
            shared: self.shared.len(),
        })
    }

    /// Whether every layer learns at the same rate.
    pub fn has_one_rate(&self) -> bool {
        self.rate_factors().all(|(_, factor)| factor == 1.0)
    }
}
