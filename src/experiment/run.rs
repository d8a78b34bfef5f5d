//! From a prepared problem to its results: pure and deterministic but for what the monitor says.

use super::compare;
use super::descents;
use super::problem::{Network, Problem};
use super::results::{FlowRun, Learned, RunResult, TheoryCurve};
use crate::analysis::curvature::{CurvatureAlongRun, CurvatureMonitor, Slowest};
use crate::analysis::detector::detect;
use crate::analysis::generalisation::generalise;
use crate::analysis::rest::{Asked, Rest, RestMonitor};
use crate::analysis::{ablation, balancedness, target_components};
use crate::descent::DescentSection;
use crate::flow::Flow;
use crate::flow::reduction::Reduction;
use crate::integrate::{self, Method, Outcome, Segment, Tolerances, TruncatedSegment, Verdict};
use crate::trajectory::{Observables, Recorder};
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
    /// Its tolerances.
    pub tolerances: Tolerances,
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
            tolerances: problem.tolerances,
            is_reduced: true,
            watches_curvature: true,
        }
    }
}

/// Told of the progress now and then; answers whether to go on.
pub type Monitor<'m> = dyn FnMut(&Progress) -> bool + 'm;

/// Integrates the flow, runs the descents, and sets everything side by side.
pub fn run(problem: &Problem, monitor: &mut Monitor<'_>) -> RunResult {
    let flow = run_flow(problem, &Plan::of(problem), monitor);
    let theory = problem.theory();
    let descents = descents::run_descents(problem, (&flow, &theory), monitor);
    RunResult {
        theory_gap: compare::with_theory(&problem.observables(), &flow.detection.phase, &theory),
        escapes: compare::escapes(
            &problem.observables(),
            &flow.detection.plateaus,
            &flow.trajectory,
        ),
        orders: descents::orders(problem, &descents),
        generalisation: generalise(&flow.trajectory, &problem.observables()),
        theory_curve: theory_curve(problem, &flow),
        learned: learned(problem, &flow),
        flow,
        descents,
        theory,
    }
}

fn learned(problem: &Problem, flow: &FlowRun) -> Option<Learned> {
    if problem.architecture.is_linear() {
        return None;
    }
    let parts = target_components::parts(&problem.observables(), &flow.trajectory);
    let weights = flow.final_weights(problem);
    Some(Learned {
        verdict: (!parts.is_empty()).then(|| target_components::verdict(&parts)),
        parts,
        ablations: ablation::ablations(&problem.moments, &problem.architecture, &weights),
    })
}

/// The theory curve over the flow's time, and what is detected in it by the same definitions.
fn theory_curve(problem: &Problem, flow: &FlowRun) -> Option<TheoryCurve> {
    let curve = problem.theory_curve(flow.trajectory.end().time)?;
    let phase = detect(
        &curve.trajectory,
        &problem.observables(),
        &problem.scenario.detector,
    )
    .phase;
    let comparison = compare::with_curve(
        problem.observables(),
        (&flow.trajectory, &flow.detection.phase),
        (&curve, &phase),
    );
    Some(TheoryCurve { curve, comparison })
}

/// Integrates the flow as planned and detects what happens in it.
pub fn run_flow(problem: &Problem, plan: &Plan, monitor: &mut Monitor<'_>) -> FlowRun {
    let settings = settings(problem, plan);
    let network = problem.network(plan.is_reduced);
    let mut flow = network.flow(&problem.moments);
    let mut observer = Observer::new(problem, plan, &network, &flow);
    let mut end = integrate::integrate(
        &mut flow,
        network.weights.clone(),
        &settings,
        &mut |segment| observer.see(segment, monitor),
    );
    if let Some((time, state)) = observer.converged {
        (end.time, end.state) = (time, state);
    }
    let rest = observer.rested;
    let trajectory = observer.recorder.finish();
    let detection = detect(
        &trajectory,
        &problem.observables(),
        &problem.scenario.detector,
    );
    let slowest = detection.plateaus.iter().map(|plateau| Slowest {
        time: plateau.time,
        plateau: plateau.entry..=plateau.exit.unwrap_or(f64::INFINITY),
    });
    let watched = observer.watch;
    let curvature = watched.map(|watch| watch.finish(end.time, &end.state, slowest));
    FlowRun {
        method: settings.method,
        curvature: curvature.map_or_else(CurvatureAlongRun::default, |curvature| {
            let section = problem.scenario.descent.as_ref();
            curvature.with_stability_factor(section.map_or(Some(1.0), DescentSection::stability))
        }),
        detection,
        balancedness_drift: balancedness_drift(&network, &end.state),
        balancedness_drift_own: balancedness::drift_over_own(
            network.architecture,
            network.weights,
            &end.state,
        ),
        rest,
        is_reduced: network.reduction.is_some(),
        end,
        trajectory,
    }
}

fn settings(problem: &Problem, plan: &Plan) -> integrate::Settings {
    let section = &problem.scenario.flow;
    integrate::Settings {
        method: plan.method,
        rtol: plan.tolerances.step_rtol,
        atol: plan.tolerances.atol,
        t_end: section.until.time.unwrap_or(f64::INFINITY),
        max_steps: section.max_steps,
    }
}

/// Sees the segments of an integration: records them, watches the curvature, ends the run where its
/// loss gap is met, and where it rests.
struct Observer<'p> {
    observables: Observables<'p>,
    stage: Stage,
    loss_gap: Option<f64>,
    recorder: Recorder<'p>,
    watch: Option<CurvatureMonitor<'p>>,
    rest: RestMonitor<'p>,
    /// What shows that it rests, where it does.
    rested: Option<Rest>,
    /// Where the loss gap was met.
    converged: Option<(f64, DVector<f64>)>,
}

impl<'p> Observer<'p> {
    fn new(problem: &'p Problem, plan: &Plan, network: &Network<'p>, flow: &Flow<'p>) -> Self {
        let observables = problem.observables();
        let recorder = Recorder::new(
            flow.clone(),
            network.weights.as_slice(),
            plan.tolerances.step_rtol,
        );
        let least_drop = problem.scenario.detector.drop * observables.learnable_loss();
        let start = recorder.trajectory().end();
        let mut watch = plan
            .watches_curvature
            .then(|| CurvatureMonitor::new(flow.clone(), start, network.weights, least_drop));
        if let (Some(watch), Some(_)) = (&mut watch, &problem.scenario.descent) {
            watch.follow_largest(network.weights);
        }
        let loss_gap = problem.scenario.flow.until.loss_gap;
        let asked = Asked {
            rtol: plan.tolerances.step_rtol,
            loss_gap,
            is_aligned: problem.scenario.init.is_aligned(),
            is_exact: network.reduction.is_some_and(Reduction::has_modes),
        };
        Self {
            observables,
            stage: plan.stage,
            loss_gap,
            rest: RestMonitor::new(flow.clone(), network.weights, asked),
            rested: None,
            recorder,
            watch,
            converged: None,
        }
    }

    fn see(&mut self, segment: &mut dyn Segment, monitor: &mut Monitor<'_>) -> Verdict {
        if let Some(gap) = self.loss_gap
            && let Some(time) = self.recorder.time_of_gap(segment, gap)
            && let Some(mut truncated) = TruncatedSegment::new(segment, time)
        {
            self.take(&mut truncated);
            self.converged = Some((time, truncated.nodes()[2].state.clone()));
            return Verdict::Stop(Outcome::Converged);
        }
        self.take(segment);
        let knot = self.recorder.trajectory().end();
        let progress = Progress {
            stage: self.stage,
            time: knot.time,
            steps: segment.work().steps,
            loss: self.observables.loss(knot),
        };
        if !monitor(&progress) {
            return Verdict::Stop(Outcome::Interrupted);
        }
        if !self.recorder.trajectory().is_kept() {
            return Verdict::Stop(Outcome::TrajectoryLimit);
        }
        self.rested = self.rest.pass(segment, knot);
        match self.rested {
            Some(_) => Verdict::Stop(Outcome::Stalled),
            None => Verdict::Continue,
        }
    }

    fn take(&mut self, segment: &mut dyn Segment) {
        self.recorder.record(segment);
        if let Some(watch) = &mut self.watch {
            watch.pass(segment, self.recorder.trajectory());
        }
    }
}

/// The drift of the full network's balancedness: that of the reduced one, over the full weights.
fn balancedness_drift(network: &Network<'_>, end: &DVector<f64>) -> Option<f64> {
    let constant = network
        .reduction
        .map_or(0.0, |r| r.constant_norms_squared().iter().sum());
    balancedness::balancedness_drift(network.architecture, network.weights, end, constant)
}
