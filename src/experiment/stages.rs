//! The stages of a run before the last one: `remedy.schedule`.
//!
//! A stage is a gradient flow of the same network, with moments and learning rates of its own. A reduction rests on the
//! initial weights alone and serves all stages. Everything is observed by the moments of the last one.

use super::problem::{Network, Problem};
use crate::data::Moments;
use crate::flow::Flow;
use crate::flow::reduction::Reduction;
use crate::network::Architecture;
use crate::remedy;

/// A stage before the last one.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Flow time at which it ends.
    pub until: f64,
    /// The moments that drive it.
    pub moments: Moments,
    /// The network with its learning rates.
    pub architecture: Architecture,
    /// The reduced network, likewise.
    pub reduced: Option<Architecture>,
}

impl Stage {
    /// The stages of a schedule, from the moments of the data themselves.
    pub(super) fn all(
        stages: &[remedy::Stage],
        moments: &Moments,
        architecture: &Architecture,
    ) -> Vec<Self> {
        let stage = |stage: &remedy::Stage| Self {
            until: stage.until,
            moments: moments.clone().exposed(&stage.exposure),
            architecture: architecture.clone().with_rate_factors(&stage.rate_factors),
            reduced: None,
        };
        stages.iter().map(stage).collect()
    }

    /// Takes over the reduction of the network of the last stage.
    pub(super) fn reduce(&mut self, reduction: Option<&Reduction>) {
        let factors = (0..self.architecture.modalities.len())
            .map(|m| self.architecture.stack_rate_factor(m))
            .collect::<Vec<_>>();
        let reduced = reduction.map(|reduction| reduction.architecture.clone());
        self.reduced = reduced.map(|reduced| reduced.with_rate_factors(&factors));
    }

    /// The network of this stage, in place of that of the last one.
    pub(super) fn network<'a>(&'a self, last: &Network<'a>) -> Network<'a> {
        let reduced = self.reduced.as_ref().filter(|_| last.reduction.is_some());
        Network {
            architecture: reduced.unwrap_or(&self.architecture),
            ..*last
        }
    }
}

/// A stage of a run of one network.
#[derive(Debug)]
pub(super) struct Leg<'a> {
    /// The network with its learning rates.
    pub network: Network<'a>,
    /// The moments that drive it.
    pub moments: &'a Moments,
    /// Its flow, observed by the moments of the last stage.
    pub flow: Flow<'a>,
    /// When it begins.
    pub from: f64,
    /// When it ends; None for the last one.
    pub until: Option<f64>,
}

impl Problem {
    /// When the last stage begins.
    pub(super) fn last_stage_start(&self) -> f64 {
        self.earlier_stages.last().map_or(0.0, |stage| stage.until)
    }

    /// The stages of a run of a network, at least one; given is the network of the last one.
    pub(super) fn legs<'a>(&'a self, last: Network<'a>) -> Vec<Leg<'a>> {
        let mut from = 0.0;
        let earlier = self.earlier_stages.iter().map(|stage| {
            let network = stage.network(&last);
            Leg {
                flow: network.flow(&stage.moments).observed_by(&self.moments),
                network,
                moments: &stage.moments,
                from: std::mem::replace(&mut from, stage.until),
                until: Some(stage.until),
            }
        });
        let last = Leg {
            flow: last.flow(&self.moments),
            network: last,
            moments: &self.moments,
            from: self.last_stage_start(),
            until: None,
        };
        earlier.chain([last]).collect()
    }
}
