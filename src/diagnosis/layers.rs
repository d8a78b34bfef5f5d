//! What each fusion layer does: its flow, measured, with theory beside it.
//!
//! Every flow is that of the scenario with another fusion layer, by `crate::experiment`. Steps of descent at a learning
//! rate eta are t/eta, and an epoch is n/b of them for batches of b of n rows.

use super::directions::{self, Directions, Seen};
use super::draws::{self, Draws};
use super::stopping::{Descending, StepTimes, Stopping};
use crate::analysis::detector::Phase;
use crate::data::{Content, Modality, Moments};
use crate::error::Result;
use crate::experiment::problem::Problem;
use crate::experiment::results::FlowRun;
use crate::experiment::{Outline, Scenario};
use crate::integrate::Outcome;
use crate::network::NetworkSection;
use crate::theory::Theory;
use serde::Serialize;
use std::sync::Arc;

/// A flow that theory expects to be over ends at this many times the time at which it expects the second modality: the
/// loss gap asked for mostly comes before.
const PATIENCE: f64 = 20.0;

/// What one fusion layer does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerResult {
    /// What is learned when.
    #[serde(flatten)]
    pub learned: LayerPhase,
    /// What theory expects from the same initial weights.
    pub theory: LayerTheory,
    /// What theory expects from other draws of the initial weights; null where they are not drawn, or their times not known.
    pub draws: Option<Draws>,
    /// The same times in steps and epochs.
    #[serde(flatten)]
    pub steps: StepTimes,
    /// The largest learning rate at which plain descent along the whole flow is stable.
    pub stable_learning_rate: Option<f64>,
    /// Whether it matters.
    #[serde(flatten)]
    pub stopping: Stopping,
    /// When the flow ended.
    pub t_end: f64,
    /// How the flow ended.
    pub outcome: Outcome,
    /// Whether the time that the scenario gives ended it before a second modality was learned.
    pub is_cut_short: bool,
    /// Why something is missing.
    pub reasons: Vec<String>,
}

/// What a fusion layer learns when.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerPhase {
    /// The fusion layer, from 1 (early) to the depth (late); null where the private stacks differ in depth.
    pub fusion_layer: Option<usize>,
    /// The modality learned first.
    pub first: Option<String>,
    /// The modality learned second.
    pub second: Option<String>,
    /// When the first is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// t_second/t_first.
    pub ratio: Option<f64>,
}

impl LayerPhase {
    pub(super) fn of(fusion_layer: Option<usize>, phase: &Phase) -> Self {
        Self {
            fusion_layer,
            first: name(&phase.first),
            second: name(&phase.second),
            t_first: phase.t_first,
            t_second: phase.t_second,
            ratio: phase.ratio,
        }
    }
}

fn name(modality: &Option<Modality>) -> Option<String> {
    modality.as_ref().map(|m| m.name.clone())
}

/// What theory expects of a fusion layer, from the actual initial weights where they are known to decide, else by the
/// published formulas.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LayerTheory {
    /// The modality learned first; null where all are learned together.
    pub first: Option<String>,
    /// The modality learned second.
    pub second: Option<String>,
    /// When the first modality is learned.
    pub t_first: Option<f64>,
    /// When the second is.
    pub t_second: Option<f64>,
    /// t_second/t_first.
    pub ratio: Option<f64>,
    /// Why one of these numbers is missing.
    pub reason: Option<&'static str>,
}

impl LayerTheory {
    pub(super) fn of(theory: &Theory) -> Self {
        let formulas = Self {
            first: name(&theory.first),
            second: name(&theory.second),
            t_first: theory.t_first,
            t_second: theory.t_second,
            ratio: theory.ratio,
            reason: theory.without_times,
        };
        let mut told = theory.from_weights.as_ref().map_or(formulas, |found| Self {
            first: name(&found.first),
            second: name(&found.second),
            t_first: found.t_first,
            t_second: found.t_second,
            ratio: found.ratio,
            reason: found.unknown.or(Some("no second modality is ever learned")),
        });
        let is_whole = told.t_first.and(told.t_second).and(told.ratio).is_some();
        told.reason = match told.reason {
            _ if is_whole => None,
            None => Some("theory knows no times of such a network"),
            known => known,
        };
        told
    }

    /// What is missing beside a measured phase, and why.
    pub(super) fn reasons(&self, learned: &LayerPhase) -> impl Iterator<Item = String> {
        let missing = self.reason.map(|reason| format!("theory: {reason}"));
        let orders = [
            (&self.first, &learned.first, "first"),
            (&self.second, &learned.second, "second"),
        ];
        let mut others = orders.into_iter().filter_map(|(expected, measured, place)| {
            let (expected, measured) = (expected.as_ref()?, measured.as_ref()?);
            (expected != measured).then(|| {
                format!("theory has {expected} {place}, where the run has {measured}: these are not times of the same modality")
            })
        });
        missing.into_iter().chain(others.next())
    }

    /// When everything should be over.
    fn end(&self) -> Option<f64> {
        Some(PATIENCE * self.t_second.or(self.t_first)?)
    }
}

/// Data that several networks learn.
pub(super) struct Shared {
    scenario: Scenario,
    content: Arc<Content>,
    moments: Moments,
    directions: Directions,
    memory: u64,
}

impl Shared {
    /// The data `content` of a scenario, in few directions where they have many, decomposed once.
    pub(super) fn new(scenario: &Scenario, content: Arc<Content>, memory: u64) -> Result<Self> {
        let (content, directions) = directions::few(content, &scenario.init);
        let mut scenario = scenario.clone();
        scenario.descent = None;
        let outline = Outline::with_content(scenario.clone(), Arc::clone(&content), memory)?;
        Ok(Self {
            moments: outline.moments()?,
            scenario,
            content,
            directions,
            memory,
        })
    }

    /// Modalities that the flows see in few directions.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.directions.seen()
    }

    /// Gives every hidden layer a width.
    pub(super) fn narrow(&mut self, width: usize) {
        self.scenario.network.width = Some(width);
    }

    /// The data that the flows see.
    pub(super) fn content(&self) -> &Arc<Content> {
        &self.content
    }

    /// The scenario.
    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The seed of the scenario.
    pub(super) fn seed(&self) -> u64 {
        self.scenario.seed
    }

    /// A network whose units are not linear, on these rows of the same data.
    pub(super) fn with_samples(
        &self,
        network: &NetworkSection,
        content: Arc<Content>,
    ) -> Result<Self> {
        let mut scenario = self.scenario.clone();
        scenario.network = network.clone();
        let outline = Outline::with_content(scenario.clone(), Arc::clone(&content), self.memory)?;
        Ok(Self {
            moments: outline.moments()?,
            scenario,
            content,
            directions: self.directions.clone(),
            memory: self.memory,
        })
    }

    /// How many draws of the initial weights are told of.
    pub(super) fn draws(&self) -> u64 {
        draws::count(&self.scenario.init.scheme)
    }

    /// The second moments.
    pub(super) fn moments(&self) -> &Moments {
        &self.moments
    }

    /// The problem of the scenario after a change to it.
    pub(super) fn problem(&self, change: impl FnOnce(&mut Scenario)) -> Result<Problem> {
        let mut scenario = self.scenario.clone();
        change(&mut scenario);
        let content = Arc::clone(&self.content);
        let outline = Outline::with_content(scenario.clone(), content, self.memory)?;
        let directions = &self.directions;
        let weights = directions.weights(&scenario, &self.moments, outline.architecture())?;
        match weights {
            None => outline.prepare_with(self.moments.clone()),
            Some(weights) => outline.prepare_from(self.moments.clone(), weights),
        }
    }
}

/// A problem whose flow has an end, and theory of it.
pub(super) struct Prepared {
    pub(super) problem: Problem,
    pub(super) theory: Theory,
    /// Whether the scenario gives its end.
    is_time_given: bool,
}

impl Prepared {
    /// With an end by theory where the scenario has none.
    pub(super) fn new(mut problem: Problem) -> Self {
        let theory = problem.theory();
        let until = &mut problem.scenario.flow.until;
        let is_time_given = until.time.is_some();
        until.time = until.time.or_else(|| LayerTheory::of(&theory).end());
        Self {
            problem,
            theory,
            is_time_given,
        }
    }
}

/// What the flow of a fusion layer shows.
pub(super) fn layer(
    fusion_layer: Option<usize>,
    (prepared, flow): (&Prepared, &FlowRun),
    draws: Option<Draws>,
    descending: Descending,
) -> LayerResult {
    let Prepared {
        problem, theory, ..
    } = prepared;
    let phase = &flow.detection.phase;
    let stopping = Stopping::of((problem, flow), descending);
    let (learned, theory) = (LayerPhase::of(fusion_layer, phase), LayerTheory::of(theory));
    let mut reasons = reasons(phase, &stopping, descending);
    reasons.extend(theory.reasons(&learned));
    LayerResult {
        learned,
        theory,
        draws,
        steps: StepTimes::of(phase, descending),
        stable_learning_rate: flow
            .curvature
            .stability
            .and_then(|s| s.stable_learning_rate),
        t_end: flow.trajectory.end().time,
        outcome: flow.end.outcome,
        is_cut_short: prepared.is_time_given
            && flow.end.outcome == Outcome::TimeReached
            && phase.t_second.is_none(),
        reasons,
        stopping,
    }
}

/// Why something of a fusion layer is missing.
fn reasons(phase: &Phase, stopping: &Stopping, descending: Descending) -> Vec<String> {
    let mut reasons: Vec<String> = phase.reason.iter().cloned().collect();
    let without_stop =
        "no early stop: there is nothing to measure the error on but what is trained on";
    reasons.extend(stopping.reason(phase, without_stop).map(str::to_owned));
    if descending.learning_rate.is_none() {
        reasons.push(
            "no steps: no learning rate is given, or steps of Adam, which stand for no time".into(),
        );
    } else if descending.steps_an_epoch.is_none() {
        reasons.push("no epochs: a population has none".into());
    }
    reasons
}
