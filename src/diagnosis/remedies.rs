//! What would change it: the remedies with the values that balance, each predicted and run.

use super::clock::{Clock, FLOW_PARTS, Ongoing};
use super::draws::{self, AGREE, Drawn, Spread};
use super::layers::{LayerResult, LayerTheory, Prepared, Shared};
use super::stopping::generalising;
use crate::experiment::Scenario;
use crate::experiment::run::Plan;
use crate::integrate::Until;
use crate::remedy::{ModulateSection, RemedySection};
use crate::section::ByModality;
use crate::theory::{Balance, Balancing};
use rayon::prelude::*;
use serde::Serialize;

/// A remedy with the value that makes the predicted time ratio 1, and what a run with it did. Where nearly all draws of the
/// initial weights have a value for the same modalities, it is the median of theirs; else that of the scenario's own draw.
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
    /// What theory expects of it from other draws of the initial weights; null where it does not know.
    pub draws: Option<RemedyDraws>,
    /// What it costs.
    pub cost: Cost,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// What theory expects of a remedy from several draws of the initial weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemedyDraws {
    /// The share of the draws that have a value for the modalities of this one.
    pub agree: f64,
    /// Their values.
    pub values: ByModality<Spread>,
    /// The time ratio with the value above from all draws; null for several outputs.
    pub ratio: Option<Spread>,
    /// Whether the value can be advised: nine of ten draws have one for the same modalities, and with it nine of ten
    /// ratios stay below a bound that is nearer to 1 than without it. Where draws have no ratios, their values from 10 to
    /// 90 % lie within a factor of 1.2 of the median.
    pub holds: bool,
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
    /// The time of the second modality, over that without it: above 1 training takes longer.
    pub time_factor: Option<f64>,
    /// The least error along the flow on rows that are not trained on, over that without it: above 1 it is larger. Null where
    /// one of them is round-off, as of a single row that is met exactly on the way.
    pub error_factor: Option<f64>,
}

impl Cost {
    /// From times of the second modality and least errors, each with the remedy and without it.
    pub(super) fn of(times: [Option<f64>; 2], errors: [Option<f64>; 2]) -> Self {
        const ROUND_OFF: f64 = 1e-9;
        let over = |[with, without]: [Option<f64>; 2]| Some(with? / without?);
        let is_sound = |factor: &f64| (ROUND_OFF..1.0 / ROUND_OFF).contains(factor);
        Self {
            time_factor: over(times),
            error_factor: over(errors).filter(is_sound),
        }
    }
}

/// Times and error of a run.
#[derive(Debug, Clone, Copy)]
struct Measured {
    t_second: Option<f64>,
    ratio: Option<f64>,
    error: Option<f64>,
}

impl RemedyResult {
    /// The section of a scenario that asks for it.
    pub(super) fn section(&self) -> RemedySection {
        match &self.value {
            RemedyValue::ByModality(values) => section(self.remedy, values.clone()),
            RemedyValue::Strength(alpha) => modulation(*alpha),
        }
    }
}

/// A network whose remedies are tried.
pub(super) struct Subject<'s> {
    pub(super) clock: &'s Clock<'s>,
    pub(super) shared: &'s Shared,
    /// What makes it of the scenario's.
    pub(super) change: &'s (dyn Fn(&mut Scenario) + Sync),
    /// What it does without remedies.
    pub(super) plain: &'s LayerResult,
    /// When its runs end.
    pub(super) until: Until,
    /// Modalities that are left as they are, since they add nothing to the others.
    pub(super) idle: &'s [&'s str],
}

/// A remedy to be tried.
pub(super) struct Candidate {
    remedy: &'static str,
    value: RemedyValue,
    section: RemedySection,
    draws: Option<RemedyDraws>,
}

impl Subject<'_> {
    /// Runs remedies.
    pub(super) fn run(&self, candidates: Vec<Candidate>) -> Ongoing<Vec<RemedyResult>> {
        let candidates = candidates.into_par_iter().with_max_len(1);
        let run = |candidate| {
            let found = self.run_one(candidate)?;
            self.clock.tick(FLOW_PARTS)?;
            Ok(found)
        };
        candidates.map(run).collect()
    }

    fn run_one(&self, candidate: Candidate) -> Ongoing<RemedyResult> {
        let Candidate {
            remedy,
            value,
            section,
            draws,
        } = candidate;
        let change = |scenario: &mut Scenario| {
            (self.change)(scenario);
            scenario.remedy = section.clone();
        };
        let mut prepared = Prepared::new(self.shared.problem(change)?);
        // Where theory has no times, those of the network without the remedy are as good.
        let own = &mut prepared.problem.scenario.flow.until;
        let time = own.time.or(self.until.time);
        *own = Until { time, ..self.until };
        let found = self.measured(&prepared)?;
        let theory = LayerTheory::of(&prepared.theory);
        let cost = Cost::of(
            [found.t_second, self.plain.learned.t_second],
            [found.error, self.plain.stopping.holdout_error],
        );
        Ok(RemedyResult {
            remedy,
            value,
            predicted_ratio: theory.ratio,
            measured_ratio: found.ratio,
            draws: match draws {
                None => None,
                Some(draws) => Some(self.drawn(draws, &change)?),
            },
            reason: self.reason(remedy, &theory, (&found, cost)),
            cost,
        })
    }

    /// Why a ratio is missing, or a modality.
    fn reason(
        &self,
        remedy: &'static str,
        theory: &LayerTheory,
        (found, cost): (&Measured, Cost),
    ) -> Option<String> {
        let by_theory = match remedy {
            _ if theory.ratio.is_some() => None,
            "modulate" => Some(
                "theory knows the strength from which the first modality is no longer ahead in score, and no ratio",
            ),
            _ => theory.reason,
        };
        let by_run = match (found.ratio, found.t_second) {
            (Some(_), _) => None,
            (None, None) => Some("no second modality is learned by the end of the run"),
            (None, Some(_)) => {
                Some("the run has no ratio: the time of the first modality is not known")
            }
        };
        let without = self.plain.learned.t_second.is_none();
        let by_plain = without.then_some(
            "without it no second modality is learned, so that its times are not compared",
        );
        let idle = (!self.idle.is_empty()).then(|| {
            format!(
                "{} left as it is: it adds nothing to the others",
                self.idle.join(", ")
            )
        });
        let by_errors = cost.error_factor.is_none();
        let by_errors = by_errors.then_some("errors on rows held out are missing, or round-off");
        let each = [by_theory, by_run, by_plain, by_errors]
            .into_iter()
            .flatten();
        let each = each.map(str::to_owned);
        let each: Vec<String> = each.chain(idle).collect();
        (!each.is_empty()).then(|| each.join("; "))
    }

    fn measured(&self, prepared: &Prepared) -> Ongoing<Measured> {
        let plan = Plan::measuring(&prepared.problem);
        let flow = self.clock.flow(&prepared.problem, &plan)?;
        let phase = &flow.detection.phase;
        Ok(Measured {
            t_second: phase.t_second,
            ratio: phase.ratio,
            error: generalising(&prepared.problem, &flow).map(|found| found.least.error),
        })
    }

    /// With the ratios of all draws with the remedy.
    fn drawn(
        &self,
        draws: RemedyDraws,
        change: &(dyn Fn(&mut Scenario) + Sync),
    ) -> Ongoing<RemedyDraws> {
        let drawn = draws::drawn(self.shared, change, &|| self.clock.tick(0))?;
        let ratio = draws::ratio(&drawn, self.shared.moments());
        let plain = self.plain.draws.as_ref().and_then(|draws| draws.ratio);
        let is_nearer = match ratio.zip(plain) {
            Some((with, without)) => with.high < without.high,
            // Without ratios by how far the values lie from the one taken.
            None => draws.values.values().all(Spread::is_narrow),
        };
        Ok(RemedyDraws {
            ratio,
            holds: draws.agree >= AGREE && is_nearer,
            ..draws
        })
    }
}

/// The remedies of a network that theory knows a value of, by several draws of it; `idle` modalities are left as they are.
pub(super) fn candidates(late: &Prepared, drawn: &[Drawn], idle: &[&str]) -> Vec<Candidate> {
    let balance = late.problem.balance(&late.theory);
    balance.map_or_else(Vec::new, |balance| values(&balance, drawn, idle))
}

/// Values of a remedy by modality.
type Values = fn(&Balancing) -> &ByModality<f64>;

/// The values from the actual initial weights where they are known, else by the formulas.
fn values(balance: &Balance, drawn: &[Drawn], idle: &[&str]) -> Vec<Candidate> {
    let own = balance.from_weights.as_ref().unwrap_or(&balance.formula);
    let by_modality: [(_, Values); 3] = [
        ("rate", |found| &found.rate),
        ("auxiliary", |found| &found.auxiliary),
        ("keep", |found| &found.keep),
    ];
    // Others are kept less to wait for the slowest, which an idle one may be.
    let are_all = idle.is_empty();
    let by_modality = by_modality
        .into_iter()
        .filter(|(remedy, _)| are_all || *remedy != "keep");
    let by_modality = by_modality.filter_map(|(remedy, of)| {
        let of_draws = drawn.iter().filter_map(|d| d.balance.as_ref());
        let of_draws: Vec<&ByModality<f64>> = of_draws.map(of).collect();
        let (mut values, mut draws) = chosen(of(own), &of_draws);
        values.retain(|name, _| !idle.contains(&name.as_str()));
        if let Some(draws) = &mut draws {
            draws
                .values
                .retain(|name, _| !idle.contains(&name.as_str()));
        }
        let section = section(remedy, values.clone());
        (!values.is_empty()).then_some(Candidate {
            remedy,
            value: RemedyValue::ByModality(values),
            section,
            draws,
        })
    });
    let strength = balance.modulate.filter(|alpha| *alpha > 0.0);
    let modulate = strength.map(|alpha| Candidate {
        remedy: "modulate",
        value: RemedyValue::Strength(alpha),
        section: modulation(alpha),
        draws: None,
    });
    by_modality.chain(modulate).collect()
}

fn modulation(alpha: f64) -> RemedySection {
    RemedySection {
        modulate: Some(ModulateSection { alpha }),
        ..RemedySection::default()
    }
}

fn section(remedy: &str, values: ByModality<f64>) -> RemedySection {
    let mut section = RemedySection::default();
    match remedy {
        "rate" => section.rate = values,
        "auxiliary" => section.auxiliary = values,
        _ => section.keep = values,
    }
    section
}

/// The values to take: the medians of the draws where nearly all have values for the same modalities, else the own ones;
/// and what the draws say of these modalities, without the ratio.
fn chosen(
    own: &ByModality<f64>,
    of_draws: &[&ByModality<f64>],
) -> (ByModality<f64>, Option<RemedyDraws>) {
    let is_same = |a: &ByModality<f64>, b: &ByModality<f64>| a.keys().eq(b.keys());
    let like = |one: &ByModality<f64>| of_draws.iter().filter(|o| is_same(o, one)).count();
    let Some(most) = of_draws.iter().copied().max_by_key(|one| like(one)) else {
        return (own.clone(), None);
    };
    let share = |one: &ByModality<f64>| like(one) as f64 / of_draws.len() as f64;
    let agreed = share(most) >= AGREE;
    let kind = if agreed { most } else { own };
    let spread = |name: &String| {
        let alike = of_draws.iter().filter(|o| is_same(o, kind));
        let values: Vec<f64> = alike.map(|values| values[name]).collect();
        Some((name.clone(), Spread::of(&values)?))
    };
    let values: ByModality<Spread> = kind.keys().filter_map(spread).collect();
    let medians = values
        .iter()
        .map(|(name, spread)| (name.clone(), spread.median));
    let taken = match agreed {
        true => medians.collect(),
        false => own.clone(),
    };
    let draws = RemedyDraws {
        agree: share(kind),
        values,
        ratio: None,
        holds: false,
    };
    (taken, Some(draws))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, value: f64) -> ByModality<f64> {
        ByModality::from_iter([(name.to_owned(), value)])
    }

    /// Of ten draws nine speed up B, by 1.1 to 1.9: the median is 1.5.
    #[test]
    fn draws_that_agree_give_their_median() {
        let mut draws: Vec<_> = (1..10)
            .map(|k| values("B", 1.0 + 0.1 * f64::from(k)))
            .collect();
        draws.push(values("A", 3.0));
        let of_draws: Vec<_> = draws.iter().collect();
        let (taken, told) = chosen(&values("A", 3.0), &of_draws);
        let told = told.expect("draws");
        assert_eq!((taken.len(), told.agree), (1, 0.9));
        assert!((taken["B"] - 1.5).abs() < 1e-12, "{taken:?}");
        // One more that speeds up A, and the own value is taken.
        draws.push(values("A", 3.0));
        let of_draws: Vec<_> = draws.iter().collect();
        let (taken, told) = chosen(&values("A", 3.0), &of_draws);
        assert_eq!((taken["A"], told.expect("draws").agree), (3.0, 2.0 / 11.0));
    }
}
