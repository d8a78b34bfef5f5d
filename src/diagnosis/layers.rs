//! What each fusion layer does: its flow, measured, with theory beside it.
//!
//! Every flow is that of the scenario with another fusion layer, by `crate::experiment`. Steps of descent at a learning
//! rate eta are t/eta, and an epoch is n/b of them for batches of b of n rows.

use super::directions::{self, Directions, Seen};
use super::draws::{self, Draws};
use crate::analysis::detector::Phase;
use crate::analysis::generalisation::{Generalising, generalise};
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
    /// t_first in steps of descent.
    pub steps_first: Option<f64>,
    /// t_second in steps of descent.
    pub steps_second: Option<f64>,
    /// t_first in passes over the rows.
    pub epochs_first: Option<f64>,
    /// t_second in passes over the rows.
    pub epochs_second: Option<f64>,
    /// The largest learning rate at which plain descent along the whole flow is stable.
    pub stable_learning_rate: Option<f64>,
    /// The loss on the plateau on which the first modality alone is learned.
    pub plateau_loss: Option<f64>,
    /// The part of the learnable loss that is left there.
    pub plateau_left: Option<f64>,
    /// When the error on rows that are not trained on is least.
    pub early_stop: Option<f64>,
    /// The same in steps of descent.
    pub early_stop_steps: Option<f64>,
    /// Whether that is before the second modality is learned: who stops there locks the bias in.
    pub stops_before_second: Option<bool>,
    /// Whether the error still falls where the flow ends, so that there is no need to stop early.
    pub falls_to_the_end: Option<bool>,
    /// The error then.
    pub holdout_error: Option<f64>,
    /// The error where the flow ends.
    pub final_holdout_error: Option<f64>,
    /// Each modality's share of the outputs' power.
    pub shares: Vec<PowerShare>,
    /// How much less of the outputs' power the modalities other than the first have at the early stop than in the
    /// least-norm solution: 0 for as much, 1 for nothing.
    pub bias: Option<f64>,
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
        let name = |modality: &Option<Modality>| modality.as_ref().map(|m| m.name.clone());
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

/// What theory expects of a fusion layer, from the actual initial weights where they are known to decide, else by the
/// published formulas.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LayerTheory {
    /// When the first modality is learned.
    pub t_first: Option<f64>,
    /// When the second is.
    pub t_second: Option<f64>,
    /// t_second/t_first.
    pub ratio: Option<f64>,
}

/// The share of one modality in the power of the outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerShare {
    /// The modality.
    pub name: String,
    /// Where the error on rows that are not trained on is least.
    pub early_stop: Option<f64>,
    /// At the end of the flow.
    pub end: Option<f64>,
    /// Of the least-squares solution of least norm.
    pub least_norm: Option<f64>,
}

/// How descent counts time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Descending {
    /// Its learning rate.
    pub(super) learning_rate: Option<f64>,
    /// Steps of an epoch.
    pub(super) steps_an_epoch: Option<f64>,
}

impl LayerTheory {
    pub(super) fn of(theory: &Theory) -> Self {
        let formulas = Self {
            t_first: theory.t_first,
            t_second: theory.t_second,
            ratio: theory.ratio,
        };
        theory.from_weights.as_ref().map_or(formulas, |found| Self {
            t_first: found.t_first,
            t_second: found.t_second,
            ratio: found.ratio,
        })
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

/// The error of a flow on rows that are not trained on.
pub(super) fn generalising(problem: &Problem, flow: &FlowRun) -> Option<Generalising> {
    generalise(&flow.trajectory, &problem.observables())
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
    let found = generalising(problem, flow);
    let steps = |time: Option<f64>| Some(time? / descending.learning_rate?);
    let epochs = |time: Option<f64>| Some(steps(time)? / descending.steps_an_epoch?);
    let plateau = plateau_loss(flow);
    let stop = found.as_ref().map(|found| found.least);
    let end = flow.trajectory.end().time;
    let stop_time = stop.map(|stop| stop.time);
    let shares = shares(problem, flow, stop_time);
    LayerResult {
        learned: LayerPhase::of(fusion_layer, phase),
        theory: LayerTheory::of(theory),
        draws,
        steps_first: steps(phase.t_first),
        steps_second: steps(phase.t_second),
        epochs_first: epochs(phase.t_first),
        epochs_second: epochs(phase.t_second),
        stable_learning_rate: flow
            .curvature
            .stability
            .and_then(|s| s.stable_learning_rate),
        plateau_loss: plateau,
        plateau_left: plateau.map(|loss| {
            let moments = &problem.moments;
            (loss - moments.least.loss) / moments.learnable_loss()
        }),
        early_stop: stop_time,
        early_stop_steps: steps(stop_time),
        stops_before_second: stop_time
            .map(|time| phase.t_second.is_none_or(|second| time < second)),
        falls_to_the_end: stop_time.map(|time| time >= end),
        holdout_error: stop.map(|stop| stop.error),
        final_holdout_error: found.as_ref().map(|found| found.last.error),
        bias: bias(phase, &shares),
        shares,
        t_end: end,
        outcome: flow.end.outcome,
        is_cut_short: prepared.is_time_given
            && flow.end.outcome == Outcome::TimeReached
            && phase.t_second.is_none(),
        reasons: reasons(phase, stop_time, descending),
    }
}

fn reasons(phase: &Phase, stop: Option<f64>, descending: Descending) -> Vec<String> {
    let mut reasons: Vec<String> = phase.reason.iter().cloned().collect();
    if stop.is_none() {
        reasons
            .push("no early stop: there are no rows or population to measure the error on".into());
    }
    if descending.learning_rate.is_none() {
        reasons.push(
            "no steps: no learning rate is given, or steps of Adam, which stand for no time".into(),
        );
    } else if descending.steps_an_epoch.is_none() {
        reasons.push("no epochs: a population has none".into());
    }
    reasons
}

/// The loss where the first modality alone is learned.
fn plateau_loss(flow: &FlowRun) -> Option<f64> {
    let first = flow.detection.phase.first.as_ref()?.index;
    let mut plateaus = flow.detection.plateaus.iter();
    let plateau = plateaus.find(|plateau| plateau.is_of(&[first]))?;
    Some(plateau.loss)
}

/// Shares of the outputs' power at the early stop, at the end, and of least norm.
fn shares(problem: &Problem, flow: &FlowRun, stop: Option<f64>) -> Vec<PowerShare> {
    let observables = problem.observables();
    let share = |map: &[f64], m: usize| {
        let share = observables.map_power(map, m) / observables.total_power(map);
        share.is_finite().then_some(share)
    };
    let stop = stop.map(|time| flow.trajectory.at(time));
    let stop = stop.as_ref().map(|knot| observables.map(knot));
    let end = observables.map(flow.trajectory.end());
    let least_norm = problem.moments.loss.optimum.as_slice();
    let modalities = problem.moments.modalities.iter();
    modalities
        .map(|modality| PowerShare {
            name: modality.name.clone(),
            early_stop: stop.and_then(|map| share(map, modality.index)),
            end: share(end, modality.index),
            least_norm: share(least_norm, modality.index),
        })
        .collect()
}

fn bias(phase: &Phase, shares: &[PowerShare]) -> Option<f64> {
    let first = &shares[phase.first.as_ref()?.index];
    let bias = 1.0 - (1.0 - first.early_stop?) / (1.0 - first.least_norm?);
    bias.is_finite().then_some(bias)
}
