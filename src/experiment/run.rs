//! From a prepared problem to its results: pure and deterministic but for what the monitor says.

use super::compare::{
    self, Comparison, CurveComparison, DescentTheory, Distance, Escape, Orders, TheoryGap,
};
use super::problem::{Network, Problem};
use crate::analysis::ablation::{self, Ablation};
use crate::analysis::balancedness;
use crate::analysis::curvature::{CurvatureAlongRun, Slowest, Watch};
use crate::analysis::detector::{Detection, detect};
use crate::analysis::generalisation::{Generalising, generalise};
use crate::analysis::saddle_visits::{Visitor, Visits};
use crate::analysis::target_components::{self, Part};
use crate::descent::batches::Batches;
use crate::descent::optimiser::Rule;
use crate::descent::{self, Descent, Stepping};
use crate::integrate::{self, Cut, End, Method, Outcome, Segment, Verdict};
use crate::theory::{Curve, Theory};
use crate::trajectory::Recorder;
use crate::trajectory::Track;
use nalgebra::DVector;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is under way.
    pub stage: Stage,
    /// Flow time reached.
    pub time: f64,
    /// Steps done.
    pub steps: u64,
    /// Loss reached.
    pub loss: f64,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// Integration of the flow.
    Flow,
    /// Descent at this learning rate.
    Descent(f64),
    /// The flow once more, by another method.
    Verification,
}

/// How the flow is integrated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Flow or verification.
    pub stage: Stage,
    /// Method of integration.
    pub method: Method,
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Whether to integrate the reduced network where there is one.
    pub is_reduced: bool,
    /// Whether the curvature of the loss is watched along the way.
    pub watches_curvature: bool,
}

impl Plan {
    /// The plan that a problem's scenario asks for, without what does not enter measurements.
    pub fn measuring(problem: &Problem) -> Self {
        Self {
            watches_curvature: false,
            ..Self::of(problem)
        }
    }

    /// The plan that a problem's scenario asks for.
    fn of(problem: &Problem) -> Self {
        Self {
            stage: Stage::Flow,
            method: problem.method,
            rtol: problem.step_rtol(),
            atol: problem.atol,
            is_reduced: true,
            watches_curvature: true,
        }
    }
}

/// Told of the progress now and then; answers whether to go on.
pub type Monitor<'m> = dyn FnMut(&Progress) -> bool + 'm;

/// The flow's part of the results.
#[derive(Debug, Clone)]
pub struct FlowRun {
    /// The method of the integration.
    pub method: Method,
    /// Whether the reduced network was integrated.
    pub is_reduced: bool,
    /// How the integration ended; the state is that of the network integrated.
    pub end: End,
    /// The trajectory.
    pub track: Track,
    /// What happened in it.
    pub detection: Detection,
    /// Frobenius norm of the drift of the conserved balancedness matrices, over the squared norm
    /// of the weights. None for networks of depth 1, which conserve none.
    pub balancedness_drift: Option<f64>,
    /// The curvature of the loss on each of the detected plateaus; along the whole run as well
    /// where a descent is asked for. Empty in verifications.
    pub curvature: CurvatureAlongRun,
}

/// One descent's part of the results.
#[derive(Debug, Clone)]
pub struct DescentRun {
    /// The descent.
    pub descent: Descent,
    /// What happened in it.
    pub detection: Detection,
    /// Its visits to the saddles and to the minimum.
    pub visits: Vec<Visits>,
    /// Theory at this learning rate, and its gaps.
    pub theory: DescentTheory,
}

/// The theory curve's part of the results.
#[derive(Debug, Clone)]
pub struct TheoryCurve {
    /// The curve, over the flow's time.
    pub curve: Curve,
    /// How far the flow is from it.
    pub comparison: CurveComparison,
}

/// All results of a scenario.
#[derive(Debug, Clone)]
pub struct RunResult {
    /// The flow.
    pub flow: FlowRun,
    /// The parts of the target in the flow; empty where none are known.
    pub parts: Vec<Part>,
    /// The loss without each modality at the flow's end; empty for linear networks.
    pub ablations: Vec<Ablation>,
    /// Descents in the order of the scenario's learning rates.
    pub descents: Vec<DescentRun>,
    /// The flow's generalisation, where there is a population or a hold-out.
    pub generalisation: Option<Generalising>,
    /// Predictions.
    pub theory: Theory,
    /// The flow's measurements against the predictions.
    pub theory_gap: TheoryGap,
    /// The solution of theory's reduced equations; None where they have no say.
    pub theory_curve: Option<TheoryCurve>,
    /// How each plateau is left, measured against predicted.
    pub escapes: Vec<Option<Escape>>,
    /// Each descent against the flow.
    pub comparisons: Vec<Comparison>,
    /// Order of convergence of descent to the flow, from two learning rates on.
    pub orders: Option<Orders>,
}

impl FlowRun {
    /// Weights of the full network at the end.
    pub fn final_weights(&self, problem: &Problem) -> DVector<f64> {
        let reduction = problem.network(self.is_reduced).reduction;
        reduction.map_or_else(
            || self.end.state.clone(),
            |reduction| reduction.lift(&problem.weights, &self.end.state),
        )
    }
}

impl RunResult {
    /// The first outcome that is not a success; the flow's own where all are.
    pub fn outcome(&self) -> Outcome {
        let descents = self.descents.iter().map(|run| run.descent.outcome);
        std::iter::once(self.flow.end.outcome)
            .chain(descents)
            .find(|outcome| !outcome.is_success())
            .unwrap_or(self.flow.end.outcome)
    }
}

/// Integrates the flow, runs the descents, and sets everything side by side.
pub fn run(problem: &Problem, monitor: &mut Monitor<'_>) -> RunResult {
    let flow = run_flow(problem, &Plan::of(problem), monitor);
    let theory = problem.theory();
    let mut descents = Vec::new();
    let mut comparisons = Vec::new();
    let section = problem.scenario.descent.as_ref();
    for &learning_rate in section.map_or(&[][..], |s| s.learning_rate.as_slice()) {
        if flow.end.outcome == Outcome::Interrupted {
            break;
        }
        let (descent, comparison) = run_descent(problem, (&flow, &theory), learning_rate, monitor);
        let interrupted = descent.descent.outcome == Outcome::Interrupted;
        descents.push(descent);
        comparisons.push(comparison);
        if interrupted {
            break;
        }
    }
    // Adam tends to another flow, and batches to one gradient's noise.
    let has_limit = section.is_some_and(|s| s.batch.is_none() && Rule::of(s).tends_to_flow());
    RunResult {
        theory_gap: compare::with_theory(&problem.lens(), &flow.detection.phase, &theory),
        escapes: compare::escapes(&problem.lens(), &flow.detection.plateaus, &flow.track),
        orders: has_limit.then(|| compare::orders(&comparisons)).flatten(),
        generalisation: generalise(&flow.track, &problem.lens()),
        theory_curve: theory_curve(problem, &flow),
        parts: target_components::parts(&problem.lens(), &flow.track),
        ablations: ablation::ablations(
            &problem.moments,
            &problem.architecture,
            &flow.final_weights(problem),
        ),
        flow,
        descents,
        theory,
        comparisons,
    }
}

/// The theory curve over the flow's time, and what is detected in it by the same definitions.
fn theory_curve(problem: &Problem, flow: &FlowRun) -> Option<TheoryCurve> {
    let curve = problem.theory_curve(flow.track.end().time)?;
    let phase = detect(&curve.track, &problem.lens(), &problem.scenario.detector).phase;
    let comparison = compare::with_curve(
        problem.lens(),
        (&flow.track, &flow.detection.phase),
        (&curve, &phase),
    );
    Some(TheoryCurve { curve, comparison })
}

/// Integrates the flow as planned and detects what happens in it.
pub fn run_flow(problem: &Problem, plan: &Plan, monitor: &mut Monitor<'_>) -> FlowRun {
    let lens = problem.lens();
    let section = &problem.scenario.flow;
    let settings = integrate::Settings {
        method: plan.method,
        rtol: plan.rtol,
        atol: plan.atol,
        t_end: section.until.time.unwrap_or(f64::INFINITY),
        max_steps: section.max_steps,
    };
    let network = problem.network(plan.is_reduced);
    let mut flow = network.flow(&problem.moments);
    let mut recorder = Recorder::new(flow.clone(), network.weights.as_slice(), plan.rtol);
    let least_drop = problem.scenario.detector.drop * lens.learnable_loss();
    let start = recorder.track().end();
    let mut watch = plan
        .watches_curvature
        .then(|| Watch::new(flow.clone(), start, network.weights, least_drop));
    if let (Some(watch), Some(_)) = (&mut watch, &problem.scenario.descent) {
        watch.follow_largest(network.weights);
    }
    let mut converged = None;
    let mut observe = |segment: &mut dyn Segment| {
        if let Some(gap) = section.until.loss_gap
            && let Some(time) = recorder.time_of_gap(segment, gap)
            && let Some(mut cut) = Cut::new(segment, time)
        {
            recorder.record(&mut cut);
            if let Some(watch) = &mut watch {
                watch.pass(&mut cut, recorder.track());
            }
            converged = Some((time, cut.nodes()[2].state.clone()));
            return Verdict::Stop(Outcome::Converged);
        }
        recorder.record(segment);
        if let Some(watch) = &mut watch {
            watch.pass(segment, recorder.track());
        }
        let knot = recorder.track().end();
        let progress = Progress {
            stage: plan.stage,
            time: knot.time,
            steps: segment.work().steps,
            loss: lens.loss(knot),
        };
        if monitor(&progress) {
            Verdict::Continue
        } else {
            Verdict::Stop(Outcome::Interrupted)
        }
    };
    let mut end = integrate::integrate(&mut flow, network.weights.clone(), &settings, &mut observe);
    if let Some((time, state)) = converged {
        (end.time, end.state) = (time, state);
    }
    let track = recorder.finish();
    let detection = detect(&track, &lens, &problem.scenario.detector);
    let slowest = detection.plateaus.iter().map(|plateau| Slowest {
        time: plateau.slowest.time,
        tread: plateau.entry..=plateau.exit.unwrap_or(f64::INFINITY),
    });
    FlowRun {
        method: settings.method,
        curvature: watch.map_or_else(CurvatureAlongRun::default, |watch| {
            watch.finish(end.time, &end.state, slowest)
        }),
        detection,
        balancedness_drift: balancedness_drift(&network, &end.state),
        is_reduced: network.reduction.is_some(),
        end,
        track,
    }
}

/// The drift of the full network's balancedness: that of the reduced one, over the full weights.
fn balancedness_drift(network: &Network<'_>, end: &DVector<f64>) -> Option<f64> {
    let constant = network
        .reduction
        .map_or(0.0, |r| r.constant_norms_squared().iter().sum());
    balancedness::balancedness_drift(network.architecture, network.weights, end, constant)
}

/// Runs a descent at one learning rate, and sets it beside the flow and theory.
pub fn run_descent(
    problem: &Problem,
    (flow_run, theory): (&FlowRun, &Theory),
    learning_rate: f64,
    monitor: &mut Monitor<'_>,
) -> (DescentRun, Comparison) {
    let lens = problem.lens();
    let until = &problem.scenario.flow.until;
    let settings = descent::Settings {
        learning_rate,
        t_end: until.time.unwrap_or(f64::INFINITY),
        loss_gap: until.loss_gap,
        max_steps: problem.scenario.flow.max_steps,
    };
    let rule = problem
        .scenario
        .descent
        .as_ref()
        .map_or(Rule::Plain, Rule::of);
    let network = problem.network(rule.is_equivariant());
    let stepping = Stepping {
        rule,
        batches: batches(problem, &network),
    };
    let mut flow = network.flow(&problem.moments);
    let mut distance = Distance::new(lens, &flow_run.track);
    let mut visitor = Visitor::new(lens, problem.scenario.detector.share);
    let weights = network.weights.as_slice();
    let descent = descent::descend_by(
        &mut flow,
        weights,
        &settings,
        stepping,
        &mut |steps, knot| {
            distance.add(knot);
            visitor.pass(knot);
            let progress = Progress {
                stage: Stage::Descent(learning_rate),
                time: knot.time,
                steps,
                loss: lens.loss(knot),
            };
            (!monitor(&progress)).then_some(Outcome::Interrupted)
        },
    );
    let detection = detect(&descent.track, &lens, &problem.scenario.detector);
    let phases = (&detection.phase, &flow_run.detection.phase);
    let comparison = compare::with_flow(learning_rate, &distance, phases.0, phases.1);
    let predictions = problem.descent_theory(theory, learning_rate);
    let descent_run = DescentRun {
        theory: compare::descent_with_theory(&detection.phase, theory, predictions),
        visits: visitor.finish(),
        descent,
        detection,
    };
    (descent_run, comparison)
}

/// The mini-batches that a descent is to take, if any.
fn batches<'p>(problem: &'p Problem, network: &Network<'p>) -> Option<Batches<'p>> {
    let size = problem.scenario.descent.as_ref()?.batch?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let seed = problem.scenario.seed;
    Batches::new(network.architecture, &problem.moments, size, seed)
}
