//! From a cell's scenario to its row: the run without what a single run shows beside it.

use super::row::{CellOutcome, Descent, Generalisation, Parts, Row, Values};
use crate::error::{Error, InputError};
use crate::machine;
use modalflow::analysis::generalisation::generalise;
use modalflow::analysis::target_components;
use modalflow::data::Modality;
use modalflow::experiment::Scenario;
use modalflow::experiment::compare;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::{DescentRun, FlowRun};
use modalflow::experiment::run::{self, Progress};
use modalflow::integrate::Outcome;
use modalflow::theory::{self, Theory};
use modalflow::trajectory::Observables;
use modalflow::trajectory::Trajectory;
use serde::{Deserialize, Serialize};

/// A finished cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    /// Its row.
    pub row: Row,
    /// Its trajectory, where a figure wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<DrawnTrajectory>,
}

/// A trajectory at times that resolve it for the eye.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawnTrajectory {
    /// Times.
    pub times: Vec<f64>,
    /// The loss at each.
    pub losses: Vec<f64>,
    /// The generalisation error at each; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generalisation: Vec<f64>,
    /// The total maps of scalar inputs with one output at each; empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<Vec<f64>>,
}

/// Runs a cell; None where `go_on` ended it.
pub fn run_cell(
    scenario: &Scenario,
    wants_trajectory: bool,
    go_on: &dyn Fn() -> bool,
) -> Option<Finished> {
    let problem = match Problem::prepare_within(scenario, machine::memory()) {
        Ok(problem) => problem,
        Err(error) => return Some(invalid(&error.into())),
    };
    let mut monitor = |_: &Progress| go_on();
    let flow = run::run_flow(&problem, &run::Plan::measuring(&problem), &mut monitor);
    if flow.end.outcome == Outcome::Interrupted {
        return None;
    }
    let theory = problem.theory();
    let mut row = row(&problem, &flow, &theory);
    let rates = problem.scenario.descent.as_ref();
    if let Some(&rate) = rates.and_then(|section| section.learning_rate.as_slice().first()) {
        let descent = run::run_descent(&problem, (&flow, &theory), rate, &mut monitor);
        let outcome = descent.descent.outcome;
        if outcome == Outcome::Interrupted {
            return None;
        }
        if flow.end.outcome.is_success() && !outcome.is_success() {
            row.outcome = CellOutcome::Run(outcome);
        }
        row.descent = descended(&descent);
    }
    // Figures show successful runs only, whose numbers are all finite.
    let is_drawn = wants_trajectory && row.outcome.is_success();
    Some(Finished {
        row,
        trajectory: is_drawn.then(|| trajectory(&problem.observables(), &flow.trajectory)),
    })
}

/// A cell whose scenario cannot be run. Its reason names no file: where the scenario stands
/// must not change the results.
pub fn invalid(error: &Error) -> Finished {
    let reason = match error {
        Error::Input(InputError {
            key: Some(key),
            problem,
            ..
        }) => format!("{key}: {problem}"),
        Error::Input(error) => error.problem.clone(),
        error => error.to_string(),
    };
    Finished {
        row: Row::failed(CellOutcome::Invalid, &reason),
        trajectory: None,
    }
}

fn row(problem: &Problem, flow: &FlowRun, theory: &Theory) -> Row {
    let observables = problem.observables();
    let phase = &flow.detection.phase;
    let name = |modality: &Option<Modality>| Some(modality.as_ref()?.name.clone());
    let end = flow.trajectory.end();
    Row {
        outcome: CellOutcome::Run(flow.end.outcome),
        reason: phase.reason.clone(),
        first: name(&phase.first),
        second: name(&phase.second),
        measured: Values {
            t_first: phase.t_first,
            t_second: phase.t_second,
            ratio: phase.ratio,
            misattribution: phase.misattribution,
            first_gain: measured_gain(problem, flow),
        },
        theory_first: name(&theory.first),
        theory: predicted(problem, theory),
        ratio_gap: compare::with_theory(&observables, phase, theory).ratio,
        t_end: Some(flow.end.time),
        initial_loss: Some(problem.moments.initial_loss),
        final_loss: Some(observables.loss(end)),
        generalisation: generalisation(problem, flow),
        parts: learned_parts(&observables, &flow.trajectory),
        descent: Descent::default(),
        work: Some(flow.end.work),
    }
}

fn generalisation(problem: &Problem, flow: &FlowRun) -> Generalisation {
    let Some(found) = generalise(&flow.trajectory, &problem.observables()) else {
        return Generalisation::default();
    };
    let first = found.minima.first();
    Generalisation {
        t_first_minimum: first.map(|minimum| minimum.at.time),
        first_minimum: first.map(|minimum| minimum.at.error),
        least: Some(found.least.error),
        last: Some(found.last.error),
        least_norm: Some(found.least_norm),
        weak: found.bias.weak.map(|weak| weak.name),
        bias_ratio: found.bias.ratio,
        verdict: Some(found.bias.verdict.name().to_owned()),
    }
}

fn learned_parts(observables: &Observables<'_>, trajectory: &Trajectory) -> Parts {
    let parts = target_components::parts(observables, trajectory);
    let part = |name: &str| {
        let part = parts.iter().find(|part| part.name == name);
        [
            part.map(|part| part.last),
            part.and_then(|part| part.t_half),
        ]
    };
    Parts {
        verdict: (!parts.is_empty()).then(|| target_components::verdict(&parts)),
        linear: part("linear"),
        xor: part("xor"),
    }
}

fn descended(run: &DescentRun) -> Descent {
    let phase = &run.phase;
    let alone = phase.first.clone().map(|first| vec![first]);
    let mut visits = run.visits.iter();
    let visits = alone.and_then(|alone| visits.find(|visits| visits.learned == alone));
    Descent {
        t_first: phase.t_first,
        t_second: phase.t_second,
        ratio: phase.ratio,
        visits: visits.map(|visits| visits.count),
        visit_time: visits.map(|visits| visits.duration),
        visit_distance: visits.map(|visits| visits.least_distance),
        steps: Some(run.descent.steps),
    }
}

/// What theory predicts of a problem.
pub fn predicted(problem: &Problem, theory: &Theory) -> Values {
    let moments = &problem.moments;
    let first = theory.first.as_ref().map(|first| first.index);
    Values {
        t_first: theory.t_first,
        t_second: theory.t_second,
        ratio: theory.ratio,
        misattribution: theory.misattribution,
        // The loss falls by half of what a modality alone explains.
        first_gain: first
            .filter(|&m| problem.architecture.has_saddle(&[m]))
            .map(|m| 0.5 * theory::contribution(moments, m) / moments.learnable_loss()),
    }
}

/// The share of the learnable loss that is gone on the plateau where the first modality alone is
/// learned.
fn measured_gain(problem: &Problem, flow: &FlowRun) -> Option<f64> {
    let first = flow.detection.phase.first.as_ref()?.index;
    let mut plateaus = flow.detection.plateaus.iter();
    let alone = plateaus.find(|plateau| plateau.is_of(&[first]))?;
    let moments = &problem.moments;
    Some((moments.initial_loss - alone.loss) / moments.learnable_loss())
}

fn trajectory(observables: &Observables<'_>, trajectory: &Trajectory) -> DrawnTrajectory {
    let times = drawn_times(trajectory);
    let knots: Vec<_> = times.iter().map(|time| trajectory.at(*time)).collect();
    let is_scalar = observables.map_len() == observables.architecture.modalities.len();
    DrawnTrajectory {
        losses: knots.iter().map(|knot| observables.loss(knot)).collect(),
        generalisation: knots
            .iter()
            .filter_map(|knot| observables.generalisation(knot))
            .collect(),
        maps: match is_scalar {
            true => knots
                .iter()
                .map(|knot| observables.map(knot).to_vec())
                .collect(),
            false => Vec::new(),
        },
        times,
    }
}

/// Some of the trajectory's knots, which resolve the drops, with equidistant times and times at equal
/// ratios, which resolve a linear and a logarithmic axis.
fn drawn_times(trajectory: &Trajectory) -> Vec<f64> {
    const POINTS: usize = 200;
    const DECADES: f64 = 6.0;
    let end = trajectory.end().time;
    let share = |i: usize| i as f64 / POINTS as f64;
    let even = (0..=POINTS).map(|i| end * share(i));
    let ratios = (0..=POINTS).map(|i| end * 10f64.powf(-DECADES * share(i)));
    let stride = trajectory.knots().len().div_ceil(POINTS).max(1);
    let knots = trajectory
        .knots()
        .iter()
        .step_by(stride)
        .map(|knot| knot.time);
    let mut times: Vec<f64> = even.chain(ratios).chain(knots).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}
