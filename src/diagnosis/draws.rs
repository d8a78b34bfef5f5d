//! What other draws of the initial weights do: times by theory from the actual weights, which takes milliseconds a draw.
//!
//! Deep networks wait for their layers to align, and how long depends on the draw: one draw tells neither the time ratio
//! nor, often, which modality is learned first. So the times of several draws stand beside the run of one.

use super::clock::{Ongoing, Tick};
use super::layers::Shared;
use super::resampling::quantile;
use crate::data::Moments;
use crate::experiment::Scenario;
use crate::network::InitScheme;
use crate::theory::{Balancing, FromWeights};
use rayon::prelude::*;
use serde::Serialize;

/// Number of draws.
pub(super) const DRAWS: u64 = 32;

/// Draws agree where this share of them says the same.
pub const AGREE: f64 = 0.9;

/// Whether a time ratio is that of modalities that are learned together, the second later by less than half a per cent.
pub fn are_together(ratio: f64) -> bool {
    ratio < 1.005
}

/// How a number spreads over the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// What 10 % of the draws stay below.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// What 90 % of the draws stay below.
    pub high: f64,
}

/// What other draws of the initial weights do, by theory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draws {
    /// The draws whose times are known: of the scenario's seed and the next ones.
    pub draws: usize,
    /// In which share of them each modality is learned first; empty where all are learned together.
    pub first: Vec<FirstShare>,
    /// The time ratio; null where no second modality is ever learned, and for several outputs, of which theory waits for modes
    /// that the measured time does not.
    pub ratio: Option<Spread>,
    /// In which share of them no second modality is ever learned; null for several outputs, of which theory may not know when
    /// the second modality is.
    pub never: Option<f64>,
}

/// How often a modality is learned first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstShare {
    /// The modality.
    pub name: String,
    /// The share of the draws.
    pub share: f64,
}

/// What theory tells of one draw.
pub(super) struct Drawn {
    /// When each modality is learned; None where that is not known.
    pub(super) times: Option<FromWeights>,
    /// What would balance them.
    pub(super) balance: Option<Balancing>,
}

impl Spread {
    /// Of some values; None where there are none.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            low: quantile(values, 0.1)?,
            median: quantile(values, 0.5)?,
            high: quantile(values, 0.9)?,
        })
    }

    /// Whether nine of ten lie within a factor of 1.2 of the median.
    pub(super) fn is_narrow(&self) -> bool {
        const FACTOR: f64 = 1.2;
        self.high <= FACTOR * self.median && self.median <= FACTOR * self.low
    }
}

/// The network of a scenario after a change, from several draws of its initial weights; none where they are not drawn.
pub(super) fn drawn(
    shared: &Shared,
    change: &(dyn Fn(&mut Scenario) + Sync),
    tick: &Tick<'_>,
) -> Ongoing<Vec<Drawn>> {
    (0..shared.draws())
        .into_par_iter()
        .map(|draw| {
            let problem = shared.problem(|scenario| {
                change(scenario);
                scenario.seed = scenario.seed.wrapping_add(draw);
            })?;
            let theory = problem.theory();
            let balance = problem.balance(&theory);
            tick()?;
            Ok(Drawn {
                balance: balance.and_then(|balance| balance.from_weights),
                times: theory.from_weights,
            })
        })
        .collect()
}

/// How the time ratio spreads, where theory's is the measured one.
pub(super) fn ratio(drawn: &[Drawn], moments: &Moments) -> Option<Spread> {
    let times = drawn.iter().filter_map(|drawn| drawn.times.as_ref());
    let ratios: Vec<f64> = times.filter_map(|found| found.ratio).collect();
    Spread::of(&ratios).filter(|_| moments.outputs_len() == 1)
}

/// How many draws there are by a scheme of initial weights: those that are not drawn, or that have the same times however
/// they are drawn, have none.
pub(super) fn count(scheme: &InitScheme) -> u64 {
    match scheme {
        InitScheme::Gaussian(_) | InitScheme::GaussianNorm(_) => DRAWS,
        InitScheme::Aligned(_) | InitScheme::LambdaBalanced(_) | InitScheme::File(_) => 0,
    }
}

impl Draws {
    /// Of these moments; None where the times of most are not known.
    pub(super) fn of(drawn: &[Drawn], moments: &Moments) -> Option<Self> {
        let times: Vec<&FromWeights> = drawn.iter().filter_map(|d| d.times.as_ref()).collect();
        let share = |is: &dyn Fn(&FromWeights) -> bool| {
            times.iter().filter(|found| is(found)).count() as f64 / times.len() as f64
        };
        let has_order = times.iter().any(|found| found.first.is_some());
        let names = moments.modalities.iter().map(|m| m.name.as_str());
        let first = names.filter(|_| has_order).map(|name| FirstShare {
            name: name.to_owned(),
            share: share(&|found| found.first.as_ref().is_some_and(|first| first.name == name)),
        });
        let are_known = !times.is_empty() && 2 * times.len() > drawn.len();
        are_known.then(|| Self {
            draws: times.len(),
            first: first.collect(),
            ratio: ratio(drawn, moments),
            never: (moments.outputs_len() == 1).then(|| share(&|found| found.ratio.is_none())),
        })
    }

    /// In which share of the draws the modality of a name is learned first; None where all are learned together.
    pub fn share_of(&self, name: &str) -> Option<f64> {
        let mut first = self.first.iter();
        Some(first.find(|first| first.name == name)?.share)
    }
}
