//! The flow integrated as planned, and what is recorded of it on the way.

use super::problem::{Network, Problem};
use super::results::FlowRun;
use super::run::{Monitor, Plan, Progress, Stage};
use crate::analysis::balancedness;
use crate::analysis::curvature::{CurvatureAlongRun, CurvatureMonitor, Slowest};
use crate::analysis::detector::detect;
use crate::analysis::rest::{Asked, Rest, RestMonitor};
use crate::descent::DescentSection;
use crate::flow::Flow;
use crate::flow::reduction::Reduction;
use crate::integrate::{self, Branches, End, Outcome, Segment, TruncatedSegment, Verdict};
use crate::trajectory::{Observables, Recorder, Trajectory};
use nalgebra::DVector;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The flow of a problem while it is integrated: what it has come to can be seen from another thread.
#[derive(Debug)]
pub struct Integration<'p> {
    problem: &'p Problem,
    plan: Plan,
    snapshot: Mutex<Option<Snapshot>>,
}

/// What an integration has come to.
#[derive(Debug, Clone)]
struct Snapshot {
    trajectory: Trajectory,
    /// As if it had been interrupted there.
    end: End,
}

/// Time between two snapshots: they copy the trajectory and the weights.
const INTERVAL: Duration = Duration::from_millis(200);

impl<'p> Integration<'p> {
    /// At t = 0.
    pub fn new(problem: &'p Problem, plan: Plan) -> Self {
        Self {
            problem,
            plan,
            snapshot: Mutex::new(None),
        }
    }

    /// Integrates to the end, or until the monitor stops it, and detects what happens on the way.
    pub fn run(&self, monitor: &mut Monitor<'_>) -> FlowRun {
        let (problem, plan) = (self.problem, &self.plan);
        let network = problem.network(plan.is_reduced);
        let mut flow = network.flow(&problem.moments);
        let mut observer = Observer::new(self, &network, &flow);
        let mut end = integrate::integrate(
            &mut flow,
            network.weights.clone(),
            &settings(problem, plan),
            &mut |segment| observer.see(segment, monitor),
        );
        if let Some((time, state)) = observer.converged {
            (end.time, end.state) = (time, state);
        }
        let trajectory = observer.recorder.finish();
        // Lanczos on every plateau may take longer than somebody waits.
        self.keep(
            &trajectory,
            End {
                outcome: Outcome::Interrupted,
                ..end.clone()
            },
        );
        let run = self.finish(trajectory, end, observer.rested, observer.watch);
        FlowRun {
            branches: observer.branches,
            ..run
        }
    }

    /// As if it had been interrupted at the last snapshot; None where it has not taken a step.
    pub fn so_far(&self) -> Option<FlowRun> {
        let snapshot = self.snapshot().clone();
        let Snapshot { trajectory, end } = snapshot?;
        Some(self.finish(trajectory, end, None, None))
    }

    fn snapshot(&self) -> MutexGuard<'_, Option<Snapshot>> {
        let snapshot = self.snapshot.lock();
        snapshot.unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, trajectory: &Trajectory, end: End) {
        *self.snapshot() = Some(Snapshot {
            trajectory: trajectory.clone(),
            end,
        });
    }

    /// What happened up to the end. Who interrupted it waits for no Lanczos process on every plateau,
    /// and no products of whole layers.
    fn finish(
        &self,
        trajectory: Trajectory,
        end: End,
        rest: Option<Rest>,
        watch: Option<CurvatureMonitor<'_>>,
    ) -> FlowRun {
        let is_patient = end.outcome != Outcome::Interrupted;
        let problem = self.problem;
        let network = problem.network(self.plan.is_reduced);
        let detection = detect(
            &trajectory,
            &problem.observables(),
            &problem.scenario.detector,
        );
        let slowest = detection.plateaus.iter().map(|plateau| Slowest {
            time: plateau.time,
            plateau: plateau.entry..=plateau.exit.unwrap_or(f64::INFINITY),
        });
        let watch = watch.filter(|_| is_patient);
        let curvature = watch.map(|watch| watch.finish(end.time, &end.state, slowest));
        let drift = match is_patient {
            true => drift(&network, &end),
            false => (None, None),
        };
        FlowRun {
            method: self.plan.method,
            curvature: curvature.map_or_else(CurvatureAlongRun::default, |curvature| {
                let section = problem.scenario.descent.as_ref();
                curvature
                    .with_stability_factor(section.map_or(Some(1.0), DescentSection::stability))
            }),
            detection,
            balancedness_drift: drift.0,
            balancedness_drift_own: drift.1,
            rest,
            branches: None,
            is_reduced: network.reduction.is_some(),
            end,
            trajectory,
        }
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
struct Observer<'i, 'p> {
    integration: &'i Integration<'p>,
    observables: Observables<'p>,
    stage: Stage,
    loss_gap: Option<f64>,
    recorder: Recorder<'p>,
    /// When the last snapshot was taken.
    kept: Option<Instant>,
    watch: Option<CurvatureMonitor<'p>>,
    rest: RestMonitor<'p>,
    branches: Option<Branches>,
    /// What shows that it rests, where it does.
    rested: Option<Rest>,
    /// Where the loss gap was met.
    converged: Option<(f64, DVector<f64>)>,
}

impl<'i, 'p> Observer<'i, 'p> {
    fn new(integration: &'i Integration<'p>, network: &Network<'p>, flow: &Flow<'p>) -> Self {
        let &Integration { problem, plan, .. } = integration;
        let observables = problem.observables();
        let least_drop = problem.scenario.detector.drop * observables.learnable_loss();
        let recorder = Recorder::new(
            flow.clone(),
            network.weights.as_slice(),
            plan.tolerances.step_rtol,
        );
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
            never_turns: problem.never_turns(),
            is_exact: network.reduction.is_some_and(Reduction::has_modes),
        };
        Self {
            observables,
            stage: plan.stage,
            loss_gap,
            rest: RestMonitor::new(flow.clone(), network.weights, asked),
            branches: None,
            rested: None,
            integration,
            recorder,
            kept: None,
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
        let trajectory = self.recorder.trajectory();
        let knot = trajectory.end();
        let progress = Progress {
            stage: self.stage,
            time: knot.time,
            steps: segment.work().steps,
            loss: self.observables.loss(knot),
        };
        if !monitor(&progress) {
            return Verdict::Stop(Outcome::Interrupted);
        }
        if !trajectory.is_kept() {
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
        self.branches = Branches::after(self.branches, segment);
        self.keep(segment);
        if let Some(watch) = &mut self.watch {
            watch.pass(segment, self.recorder.trajectory());
        }
    }

    /// Keeps a snapshot, where the last one is old.
    fn keep(&mut self, segment: &dyn Segment) {
        let now = Instant::now();
        if self.kept.is_some_and(|kept| now < kept + INTERVAL) {
            return;
        }
        self.kept = Some(now);
        let [.., last] = segment.nodes();
        let end = End {
            outcome: Outcome::Interrupted,
            time: last.time,
            state: last.state.clone(),
            work: segment.work(),
        };
        self.integration.keep(self.recorder.trajectory(), end);
    }
}

/// The drift of the full network's balancedness, that of the reduced one, over the full weights; and the
/// largest over a conserved matrix.
fn drift(network: &Network<'_>, end: &End) -> (Option<f64>, Option<f64>) {
    let &Network {
        architecture,
        weights,
        reduction,
        ..
    } = network;
    let constant = reduction.map_or(0.0, |r| r.constant_norms_squared().iter().sum());
    (
        balancedness::balancedness_drift(architecture, weights, &end.state, (end.time, constant)),
        balancedness::drift_over_own(architecture, (weights, &end.state), end.time),
    )
}
