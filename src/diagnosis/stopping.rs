//! Whether a bias matters: the plateau, the error on rows held out along a flow, and whose the outputs are.
//!
//! Flows of linear units and of others are measured alike. The map of units that are not linear is the best linear fit of
//! their outputs, but the error is that of the outputs themselves.

use crate::analysis::detector::Phase;
use crate::analysis::generalisation::{Generalising, generalise};
use crate::experiment::problem::Problem;
use crate::experiment::results::FlowRun;
use serde::Serialize;

/// An error that is lower by less than this part is no lower.
const NOTHING: f64 = 1e-3;

/// Times in steps and epochs of descent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct StepTimes {
    /// t_first in steps of descent.
    pub steps_first: Option<f64>,
    /// t_second in steps of descent.
    pub steps_second: Option<f64>,
    /// t_first in passes over the rows.
    pub epochs_first: Option<f64>,
    /// t_second in passes over the rows.
    pub epochs_second: Option<f64>,
}

/// What a flow shows of the bias, of the error on rows that are not trained on, and of the time to stop.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Stopping {
    /// The loss on the plateau on which the first modality alone is learned.
    pub plateau_loss: Option<f64>,
    /// The part of the learnable loss that is left there.
    pub plateau_left: Option<f64>,
    /// When the error on rows that are not trained on is least.
    pub early_stop: Option<f64>,
    /// The same in steps of descent.
    pub early_stop_steps: Option<f64>,
    /// Whether that is before the second modality is learned: who stops there locks the bias in. Null where none is.
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
    /// least-norm solution: 0 for as much, 1 for nothing. Null where nothing is learned by then.
    pub bias: Option<f64>,
}

/// The share of one modality in the power of the outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerShare {
    /// The modality.
    pub name: String,
    /// Where the error on rows that are not trained on is least; null where it is no lower there than at first.
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

impl Descending {
    /// A time in steps.
    fn steps(self, time: Option<f64>) -> Option<f64> {
        Some(time? / self.learning_rate?)
    }

    /// A time in epochs.
    fn epochs(self, time: Option<f64>) -> Option<f64> {
        Some(self.steps(time)? / self.steps_an_epoch?)
    }
}

impl StepTimes {
    /// Those of a phase.
    pub(super) fn of(phase: &Phase, descending: Descending) -> Self {
        Self {
            steps_first: descending.steps(phase.t_first),
            steps_second: descending.steps(phase.t_second),
            epochs_first: descending.epochs(phase.t_first),
            epochs_second: descending.epochs(phase.t_second),
        }
    }
}

impl Stopping {
    /// What a flow shows.
    pub(super) fn of((problem, flow): (&Problem, &FlowRun), descending: Descending) -> Self {
        let phase = &flow.detection.phase;
        let found = generalising(problem, flow);
        let plateau = plateau_loss(flow);
        let stop = found.as_ref().map(|found| found.least);
        let stop_time = stop.map(|stop| stop.time);
        let useful = found.as_ref().map(|found| (found.least, found.initial));
        let useful = useful.filter(|(stop, first)| stop.error < (1.0 - NOTHING) * first);
        let shares = shares(problem, flow, useful.map(|(stop, _)| stop.time));
        Self {
            plateau_loss: plateau,
            plateau_left: plateau.map(|loss| {
                let moments = &problem.moments;
                (loss - moments.least.loss) / moments.learnable_loss()
            }),
            early_stop: stop_time,
            early_stop_steps: descending.steps(stop_time),
            stops_before_second: stop_time
                .zip(phase.t_second)
                .map(|(time, second)| time < second),
            falls_to_the_end: stop_time.map(|time| time >= flow.trajectory.end().time),
            holdout_error: stop.map(|stop| stop.error),
            final_holdout_error: found.as_ref().map(|found| found.last.error),
            bias: bias(phase, &shares),
            shares,
        }
    }
}

impl Stopping {
    /// Whether nothing that is learned lowers the error on rows that are not trained on.
    pub fn is_before_all(&self) -> bool {
        self.early_stop.is_some() && self.shares.iter().all(|share| share.early_stop.is_none())
    }

    /// Why there are no shares at the stop, or no bias; `without_stop` says why there is no stop.
    pub(super) fn reason(&self, phase: &Phase, without_stop: &'static str) -> Option<&'static str> {
        match (self.early_stop, &phase.first) {
            (None, _) => Some(without_stop),
            (Some(_), _) if self.is_before_all() => {
                Some("no shares and no bias at the stop: the error is no lower there than at first")
            }
            (Some(_), None) => Some("no bias: no modality is learned first"),
            (Some(_), Some(_)) if self.bias.is_none() => {
                Some("no bias: the least-norm solution gives the others no share of the outputs")
            }
            _ => None,
        }
    }
}

/// The error of a flow on rows that are not trained on.
pub(super) fn generalising(problem: &Problem, flow: &FlowRun) -> Option<Generalising> {
    generalise(&flow.trajectory, &problem.observables())
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
