//! A run repeated by another method: an independent check of integrator and reduction.
//!
//! The check uses the full network and the other kind of method, explicit for exponential and the
//! reverse, at a tenth of the tolerance. Where that would take too long it keeps the reduced
//! network, and where even that is too long, the exponential method at a tenth of its tolerance;
//! the report names what was used. Its absolute tolerance is below the initial weights whatever the
//! run's is. `agreement.rs` judges the differences.

use super::agreement::{self, Disagreement};
use super::compare::relative_gap;
use super::distance::Distance;
use super::problem::Problem;
use super::results::FlowRun;
use super::run::{Monitor, Plan, Stage, run_flow};
use crate::integrate::auto_method;
use crate::integrate::{Method, Outcome, Pair};
use crate::network;
use serde::Serialize;

/// How far two integrations of one flow are apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// Method of the second integration.
    pub method: &'static str,
    /// Whether it, too, used the reduced network.
    pub reduced: bool,
    /// Its relative tolerance.
    pub rtol: f64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Time it reached; up to this the two are compared.
    pub t_end: f64,
    /// Its accepted steps.
    pub steps: u64,
    /// Largest difference of the loss at the same time, over Loss_0.
    pub max_loss_gap: f64,
    /// When that is.
    pub max_loss_gap_time: f64,
    /// Largest Frobenius norm of the difference of the total maps, over |W*|.
    pub max_map_gap: Option<f64>,
    /// Relative difference of the first crossing's time.
    pub t_first_gap: Option<f64>,
    /// Relative difference of the second crossing's time.
    pub t_second_gap: Option<f64>,
    /// Whether it came as far as the run; else it judges nothing.
    #[serde(skip)]
    pub is_complete: bool,
    /// Whether the two differ by no more than their tolerances allow; None where the check did not come
    /// to its end.
    pub agrees: Option<bool>,
    /// The difference that is the largest beside what is allowed; None where the check did not come to
    /// its end.
    pub largest: Option<Disagreement>,
}

/// Weights times evaluations that a check may cost: minutes.
const AFFORDABLE: f64 = 3e11;

/// Share of the run's tolerance at which it is checked.
const FINER: f64 = 0.1;

/// Integrates the flow of `problem` once more and compares it with `flow`.
pub fn verify(problem: &Problem, flow: &FlowRun, monitor: &mut Monitor<'_>) -> Verification {
    let plan = plan(problem, flow);
    let check = run_flow(problem, &plan, monitor);
    let mut distance = Distance::new(problem.observables(), &flow.trajectory);
    for knot in check.trajectory.knots() {
        distance.add(knot);
    }
    let (phase, checked) = (&flow.detection.phase, &check.detection.phase);
    let same = phase.first == checked.first && phase.second == checked.second;
    let mut verification = Verification {
        method: plan.method.name(),
        reduced: check.is_reduced,
        rtol: plan.tolerances.step_rtol,
        outcome: check.end.outcome,
        t_end: check.end.time,
        steps: check.end.work.steps,
        max_loss_gap: distance.max_loss_gap,
        max_loss_gap_time: distance.max_loss_gap_time,
        max_map_gap: distance.max_map_gap,
        t_first_gap: relative_gap(phase.t_first.filter(|_| same), checked.t_first),
        t_second_gap: relative_gap(phase.t_second.filter(|_| same), checked.t_second),
        is_complete: covers(&check, flow),
        agrees: None,
        largest: None,
    };
    if verification.is_complete {
        let largest = agreement::largest(problem, flow, &verification);
        verification.agrees = largest.map(|largest| largest.excess() <= 1.0);
        verification.largest = largest;
    }
    verification
}

/// Whether a check has come as far as the run: to the same time, or to the same kind of end before it.
fn covers(check: &FlowRun, flow: &FlowRun) -> bool {
    /// Round-off of a time.
    const WHOLE: f64 = 1.0 - 1e-9;
    let (outcome, asked) = (check.end.outcome, flow.end.outcome);
    outcome.is_success() && (outcome == asked || check.end.time >= WHOLE * flow.end.time)
}

fn plan(problem: &Problem, flow: &FlowRun) -> Plan {
    let mut tolerances = problem.tolerances.finer(FINER);
    // A run whose absolute tolerance hides the initial weights is not checked by another one like it.
    let smallest = network::smallest_layer_rms(&problem.architecture, &problem.weights);
    tolerances.atol = tolerances.atol.min(tolerances.step_rtol * smallest);
    let rtol = tolerances.step_rtol;
    let finer = |method, is_reduced| Plan {
        stage: Stage::Verification,
        method,
        tolerances,
        is_reduced,
        watches_curvature: false,
        follows_sharpness: false,
    };
    let (other, evaluations) = match flow.method {
        Method::Exponential => {
            let parts = (&problem.moments, &problem.architecture, &problem.weights);
            let evaluations = auto_method::explicit_evaluations((rtol, flow.end.time), parts);
            (Method::RungeKutta(Pair::Dopri5), evaluations)
        }
        Method::Chebyshev => return finer(Method::RungeKutta(Pair::Dopri5), false),
        Method::RungeKutta(pair) if !takes_exponential(problem) => {
            let other = match pair {
                Pair::Dopri5 => Pair::Dop853,
                Pair::Dop853 => Pair::Dopri5,
            };
            // There is no other network, and no other kind of method, to choose.
            return finer(Method::RungeKutta(other), false);
        }
        Method::RungeKutta(_) => (
            Method::Exponential,
            auto_method::exponential_evaluations(rtol),
        ),
    };
    let weights = |is_reduced| problem.network(is_reduced).weights.len() as f64;
    let affordable = |evaluations, is_reduced| evaluations * weights(is_reduced) < AFFORDABLE;
    let finest = auto_method::exponential_evaluations(rtol);
    match () {
        () if affordable(evaluations, false) => finer(other, false),
        () if affordable(evaluations, true) => finer(other, true),
        () => finer(Method::Exponential, !affordable(finest, false)),
    }
}

/// Whether exponential steps apply: the rate is smooth, and its Jacobian symmetric.
fn takes_exponential(problem: &Problem) -> bool {
    problem.architecture.activation.is_smooth() && problem.scenario.remedy.modulation().is_none()
}
