//! From a cell's scenario to its row: the run without what a single run shows beside it.

use super::findings::Findings;
use super::machine::memory;
use super::quantities;
use super::row::{CellOutcome, Row};
use crate::error::{Error, InputError};
use modalflow::experiment::Scenario;
use modalflow::experiment::descents;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::{self, Progress};
use modalflow::integrate::Outcome;
use modalflow::trajectory::{Observables, Trajectory};
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
    let problem = Problem::prepare_within(scenario, memory());
    run_problem(problem, wants_trajectory, go_on)
}

/// The same of a scenario that was made ready, or could not be.
pub fn run_problem(
    problem: Result<Problem, InputError>,
    wants_trajectory: bool,
    go_on: &dyn Fn() -> bool,
) -> Option<Finished> {
    let problem = match problem {
        Ok(problem) => problem,
        Err(error) => return Some(invalid(&error.into())),
    };
    let mut monitor = |_: &Progress| go_on();
    let flow = run::run_flow(&problem, &run::Plan::measuring(&problem), &mut monitor);
    if flow.end.outcome == Outcome::Interrupted {
        return None;
    }
    let theory = problem.theory_while(go_on);
    if !go_on() {
        return None;
    }
    let rates = problem.scenario.descent.as_ref();
    let rate = rates.and_then(|section| section.learning_rate.as_slice().first());
    let descent =
        rate.map(|&rate| descents::run_descent(&problem, (&flow, &theory), rate, &mut monitor));
    if descent
        .as_ref()
        .is_some_and(|run| run.descent.outcome == Outcome::Interrupted)
    {
        return None;
    }
    let outcome = flow.outcome_with(&descent);
    let found = Findings::of(&problem, &flow, &theory, descent.as_ref());
    // Figures show successful runs only, whose numbers are all finite.
    let is_drawn = wants_trajectory && outcome.is_success();
    Some(Finished {
        row: Row {
            outcome: CellOutcome::Run(outcome),
            reason: found.phase.reason.clone(),
            measured: quantities::measured(&found),
            theory: quantities::predicted(&problem, &theory),
        },
        trajectory: is_drawn.then(|| DrawnTrajectory::of(&problem.observables(), &flow.trajectory)),
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

impl DrawnTrajectory {
    /// What is drawn of a trajectory.
    pub fn of(observables: &Observables<'_>, trajectory: &Trajectory) -> Self {
        let times = drawn_times(trajectory);
        let knots: Vec<_> = times.iter().map(|time| trajectory.at(*time)).collect();
        let is_scalar = observables.map_len() == observables.architecture.modalities.len();
        Self {
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
