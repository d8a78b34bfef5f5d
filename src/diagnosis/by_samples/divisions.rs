//! What units that are not linear do on divisions of the rows, each with initial weights of its own.

use super::{Leg, Sampled, SampledLayer};
use crate::diagnosis::clock::{Clock, Ongoing};
use crate::diagnosis::draws::{FirstShare, Spread};
use crate::diagnosis::layers::{LayerPhase, Shared};
use crate::diagnosis::stopping::{Descending, Stopping};
use crate::integrate::Outcome;
use serde::Serialize;

/// A fusion layer over divisions of the rows. Ranges go from 10 to 90 % of the divisions that have the value; null where none
/// has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverDivisions {
    /// Number of divisions.
    pub divisions: usize,
    /// In which share of them each modality is learned first.
    pub first: Vec<FirstShare>,
    /// The time ratio.
    pub ratio: Option<Spread>,
    /// In which share of them no second modality is learned by the flow's end.
    pub never: f64,
    /// The part of what a linear map can learn that is left on the plateau.
    pub plateau_left: Option<Spread>,
    /// In which share of them the flow ended at its most steps while the error on the rows left out still fell.
    pub cut_short: f64,
    /// When the error on the rows left out is least.
    pub early_stop: Option<Spread>,
    /// In which share of those that learn a second modality that is before it.
    pub stops_before_second: Option<f64>,
    /// The bias then.
    pub bias: Option<Spread>,
    /// Each modality's share of the outputs' power.
    pub shares: Vec<ShareSpread>,
}

/// How the share of one modality spreads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareSpread {
    /// The modality.
    pub name: String,
    /// At the early stop.
    pub early_stop: Option<Spread>,
    /// At the end of the flow.
    pub end: Option<Spread>,
}

/// What the flow of one fusion layer shows on one division.
pub(in crate::diagnosis) struct Divided {
    learned: LayerPhase,
    stopping: Stopping,
    is_cut_short: bool,
}

impl Divided {
    /// What the flow shows on the rows left out.
    pub(in crate::diagnosis) fn stopping(&self) -> &Stopping {
        &self.stopping
    }

    /// Whether the flow ended at the most steps that can be afforded, while the error still fell.
    pub(in crate::diagnosis) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }
}

impl Sampled {
    /// The flow of every fusion layer on a division, as far as it went on all rows.
    pub(in crate::diagnosis) fn divided(
        &self,
        division: &Shared,
        layers: &[(SampledLayer, Leg)],
        clock: &Clock<'_>,
    ) -> Ongoing<Vec<Divided>> {
        let sampled = self.on(division)?;
        let of_layer = |(_, leg): &(SampledLayer, Leg)| {
            let problem = sampled.problem(*leg, |_| {})?;
            let flow = sampled.flow(&problem, clock)?;
            let stopping = Stopping::of((&problem, &flow), Descending::default());
            Ok(Divided {
                learned: LayerPhase::of(leg.fusion, &flow.detection.phase),
                is_cut_short: flow.end.outcome == Outcome::StepLimit
                    && stopping.falls_to_the_end == Some(true),
                stopping,
            })
        };
        layers.iter().map(of_layer).collect()
    }
}

impl OverDivisions {
    /// What one fusion layer shows on several divisions, where there are modalities of these names.
    pub(in crate::diagnosis) fn of(divided: &[&Divided], names: &[&str]) -> Self {
        let spread = |value: &dyn Fn(&Divided) -> Option<f64>| {
            let values: Vec<f64> = divided.iter().filter_map(|d| value(d)).collect();
            Spread::of(&values)
        };
        let share = |is: &dyn Fn(&Divided) -> bool| {
            divided.iter().filter(|d| is(d)).count() as f64 / divided.len() as f64
        };
        let stops: Vec<bool> = divided
            .iter()
            .filter_map(|d| d.stopping.stops_before_second)
            .collect();
        let before = stops.iter().filter(|is_before| **is_before).count();
        let first = names.iter().map(|name| FirstShare {
            name: (*name).to_owned(),
            share: share(&|d| d.learned.first.as_deref() == Some(name)),
        });
        let shares = names.iter().enumerate().map(|(m, name)| ShareSpread {
            name: (*name).to_owned(),
            early_stop: spread(&|d| d.stopping.shares.get(m)?.early_stop),
            end: spread(&|d| d.stopping.shares.get(m)?.end),
        });
        Self {
            divisions: divided.len(),
            first: first.collect(),
            ratio: spread(&|d| d.learned.ratio),
            never: share(&|d| d.learned.t_second.is_none()),
            cut_short: share(&Divided::is_cut_short),
            plateau_left: spread(&|d| d.stopping.plateau_left),
            early_stop: spread(&|d| d.stopping.early_stop),
            stops_before_second: (!stops.is_empty()).then(|| before as f64 / stops.len() as f64),
            bias: spread(&|d| d.stopping.bias),
            shares: shares.collect(),
        }
    }
}
