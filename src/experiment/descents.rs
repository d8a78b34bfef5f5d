//! The descents of a problem: run, and set beside the flow and theory.

use super::compare;
use super::distance::{self, Comparison, Distance, Orders};
use super::predictions::BySteps;
use super::problem::Problem;
use super::results::{DescentRun, FlowRun};
use super::run::{Monitor, Progress, Stage};
use super::stages::Leg;
use crate::analysis::detector::{Detection, Phase, Plateau, detect, phase_at_levels};
use crate::analysis::saddle_visits::Visitor;
use crate::descent::batches::Batches;
use crate::descent::optimiser::{Plain, Rule};
use crate::descent::{self, Descent, DescentSection, LaterStage, Stepping};
use crate::integrate::Outcome;
use crate::theory::Theory;
use crate::trajectory::Knot;

/// Orders of convergence to the flow.
pub(super) fn orders(problem: &Problem, descents: &[DescentRun]) -> Option<Orders> {
    let section = problem.scenario.descent.as_ref()?;
    let comparisons: Vec<Comparison> = descents.iter().map(|run| run.comparison).collect();
    distance::orders(&comparisons).filter(|_| section.tends_to_flow())
}

/// Runs a descent at one learning rate, and sets it beside the flow and theory.
pub fn run_descent(
    problem: &Problem,
    (flow_run, theory): (&FlowRun, &Theory),
    learning_rate: f64,
    monitor: &mut Monitor<'_>,
) -> DescentRun {
    let observables = problem.observables();
    let settings = settings(problem, flow_run, learning_rate);
    let section = problem.scenario.descent.as_ref();
    let rule = section.map_or_else(|| Box::new(Plain) as Box<dyn Rule>, DescentSection::rule);
    let network = problem.network(rule.is_equivariant());
    let mut legs = problem.legs(network);
    let later = legs.drain(1..).map(|leg| LaterStage {
        from: leg.from,
        flow: leg.flow,
        moments: leg.moments,
    });
    let later = later.collect();
    let first = legs.swap_remove(0);
    let stepping = Stepping {
        rule,
        batches: batches(problem, &first),
    };
    let mut flow = first.flow;
    let mut distance = Distance::new(observables, &flow_run.trajectory);
    let mut visitor = Visitor::new(observables, problem.scenario.detector.share);
    let weights = network.weights.as_slice();
    let mut see = |steps, knot: &Knot, loss| {
        distance.add(knot);
        visitor.pass(knot);
        let progress = Progress {
            stage: Stage::Descent(learning_rate),
            time: knot.time,
            steps,
            loss,
        };
        (!monitor(&progress)).then_some(Outcome::Interrupted)
    };
    let descent =
        descent::descend_in_stages(&mut flow, weights, &settings, stepping, later, &mut see);
    let (phase, plateaus) = detect_in_descent(problem, &descent, &flow_run.detection);
    let flow_phase = &flow_run.detection.phase;
    let comparison = distance::with_flow(learning_rate, &distance, &phase, flow_phase);
    let curvature = flow_run.curvature.stability.as_ref();
    let limit = curvature.and_then(|stability| stability.stable_learning_rate);
    let predictions = if descent.outcome == Outcome::Diverged {
        BySteps::none("descent diverged")
    } else if limit.is_some_and(|limit| learning_rate > limit) {
        BySteps::none("descent is unstable at such a learning rate")
    } else {
        problem.descent_theory(theory, learning_rate)
    };
    DescentRun {
        theory: compare::descent_with_theory(&phase, theory, predictions),
        visits: visitor.finish(),
        descent,
        plateaus,
        phase,
        comparison,
    }
}

fn settings(problem: &Problem, flow_run: &FlowRun, learning_rate: f64) -> descent::Settings {
    let until = &problem.scenario.flow.until;
    // Where the flow rests, waiting for a loss gap that it never meets means nothing for descent.
    let rests = flow_run.rest.is_some();
    let longest = if rests {
        flow_run.end.time
    } else {
        f64::INFINITY
    };
    descent::Settings {
        learning_rate,
        t_end: until.time.unwrap_or(longest),
        until: *until,
        max_steps: problem.scenario.flow.max_steps,
    }
}

/// The phase and the plateaus of a descent. Mini-batches make plateaus of their own: their descents have
/// none, and learn at the flow's levels.
fn detect_in_descent(
    problem: &Problem,
    descent: &Descent,
    flow: &Detection,
) -> (Phase, Option<Vec<Plateau>>) {
    let observables = problem.observables();
    let section = problem.scenario.descent.as_ref();
    if section.is_some_and(|section| section.batch.is_some()) {
        return (
            phase_at_levels(&descent.trajectory, &observables, flow),
            None,
        );
    }
    let thresholds = &problem.scenario.detector;
    let detection = detect(&descent.trajectory, &observables, thresholds);
    (detection.phase, Some(detection.plateaus))
}

/// The mini-batches that a descent is to take, if any.
fn batches<'p>(problem: &'p Problem, first: &Leg<'p>) -> Option<Batches<'p>> {
    let size = problem.scenario.descent.as_ref()?.batch?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let seed = problem.scenario.seed;
    let batches = Batches::new(first.network.architecture, first.moments, size, seed)?;
    Some(batches.modulated(first.network.modulation))
}
