//! What would change it: the remedies with the values that balance, each predicted and run.

use super::layers::{LayerResult, LayerTheory, Prepared, Shared, generalising};
use crate::error::Result;
use crate::experiment::Scenario;
use crate::experiment::run::{Plan, run_flow};
use crate::integrate::Until;
use crate::remedy::{ModulateSection, RemedySection};
use crate::section::ByModality;
use crate::theory::Balance;
use rayon::prelude::*;
use serde::Serialize;

/// A remedy with the value that makes the predicted time ratio 1, and what a run with it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemedyResult {
    /// `rate`, `auxiliary`, `keep` or `modulate`.
    pub remedy: &'static str,
    /// Its value, by modality; of `modulate` the strength.
    pub value: RemedyValue,
    /// The time ratio that theory expects with it; null where it makes no prediction.
    pub predicted_ratio: Option<f64>,
    /// The time ratio of the run with it; null where no second modality was learned.
    pub measured_ratio: Option<f64>,
    /// What it costs.
    pub cost: Cost,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// The value of a remedy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RemedyValue {
    /// One for each modality that is named.
    ByModality(ByModality<f64>),
    /// One for all.
    Strength(f64),
}

/// What a remedy costs, beside the same network without it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Cost {
    /// The time at which all modalities are learned, over that without it: above 1 training takes longer.
    pub time_factor: Option<f64>,
    /// The least error along the flow on rows that are not trained on, over that without it: above 1 it is larger.
    pub error_factor: Option<f64>,
}

/// Times and error of a run.
#[derive(Debug, Clone, Copy)]
struct Measured {
    t_second: Option<f64>,
    ratio: Option<f64>,
    error: Option<f64>,
}

/// Remedies run on the data; `plain` is what the network does without them. Runs end as `until` says.
pub(super) fn run(
    shared: &Shared,
    candidates: Vec<Candidate>,
    plain: &LayerResult,
    (change, until): (&(dyn Fn(&mut Scenario) + Sync), &Until),
    tick: &(dyn Fn() + Sync),
) -> Result<Vec<RemedyResult>> {
    candidates
        .into_par_iter()
        .map(|(remedy, value, section)| {
            let problem = shared.problem(|scenario| {
                change(scenario);
                scenario.remedy = section;
            })?;
            let mut prepared = Prepared::new(problem);
            // Where theory has no times, those of the network without the remedy are as good.
            let own = &mut prepared.problem.scenario.flow.until;
            let time = own.time.or(until.time);
            *own = Until {
                time,
                ..until.clone()
            };
            let found = measured(&prepared);
            tick();
            let over = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
            Ok(RemedyResult {
                remedy,
                value,
                predicted_ratio: LayerTheory::of(&prepared.theory).ratio,
                measured_ratio: found.ratio,
                cost: Cost {
                    time_factor: over(found.t_second, plain.t_second),
                    error_factor: over(found.error, plain.holdout_error),
                },
                reason: (remedy == "modulate").then(|| {
                    "theory knows the strength from which the first modality is no longer ahead in score, and no ratio".into()
                }),
            })
        })
        .collect()
}

fn measured(prepared: &Prepared) -> Measured {
    let plan = Plan::measuring(&prepared.problem);
    let flow = run_flow(&prepared.problem, &plan, &mut |_| true);
    let phase = &flow.detection.phase;
    Measured {
        t_second: phase.t_second,
        ratio: phase.ratio,
        error: generalising(&prepared.problem, &flow).map(|found| found.least.error),
    }
}

/// A remedy with its value, and the section of a scenario that says so.
pub(super) type Candidate = (&'static str, RemedyValue, RemedySection);

/// The remedies of a network that theory knows a value of.
pub(super) fn candidates(late: &Prepared) -> Vec<Candidate> {
    let balance = late.problem.balance(&late.theory);
    balance.as_ref().map_or_else(Vec::new, values)
}

/// The values from the actual initial weights where they are known, else by the formulas.
fn values(balance: &Balance) -> Vec<Candidate> {
    let found = balance.from_weights.as_ref().unwrap_or(&balance.formula);
    let section = RemedySection::default;
    let by_modality = [
        (
            "rate",
            &found.rate,
            RemedySection {
                rate: found.rate.clone(),
                ..section()
            },
        ),
        (
            "auxiliary",
            &found.auxiliary,
            RemedySection {
                auxiliary: found.auxiliary.clone(),
                ..section()
            },
        ),
        (
            "keep",
            &found.keep,
            RemedySection {
                keep: found.keep.clone(),
                ..section()
            },
        ),
    ];
    let by_modality = by_modality
        .into_iter()
        .filter(|(_, values, _)| !values.is_empty());
    let by_modality = by_modality
        .map(|(name, values, section)| (name, RemedyValue::ByModality(values.clone()), section));
    let modulate = balance.modulate.filter(|alpha| *alpha > 0.0).map(|alpha| {
        let modulate = Some(ModulateSection { alpha });
        (
            "modulate",
            RemedyValue::Strength(alpha),
            RemedySection {
                modulate,
                ..section()
            },
        )
    });
    by_modality.chain(modulate).collect()
}
