//! The flow integrated as planned, and what is recorded of it on the way.

use super::problem::{Network, Problem};
use super::results::FlowRun;
use super::run::{Monitor, Plan, Progress, Stage};
use super::stages::Leg;
use crate::analysis::balancedness;
use crate::analysis::curvature::{CurvatureAlongRun, CurvatureMonitor, Slowest};
use crate::analysis::detector::detect;
use crate::analysis::rest::{Asked, Rest, RestMonitor};
use crate::descent::DescentSection;
use crate::flow::Flow;
use crate::flow::reduction::Reduction;
use crate::integrate::{
    self, Branches, End, Outcome, Segment, TruncatedSegment, Until, Verdict, Work,
};
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
        let mut legs = problem.legs(network);
        let mut observer = Observer::new(self, &network, &legs[0].flow);
        let mut end = End {
            outcome: Outcome::TimeReached,
            time: 0.0,
            state: network.weights.clone(),
            work: Work::default(),
        };
        let mut drift = (None, None);
        for leg in &mut legs {
            observer.enter(leg, &end);
            let start = end;
            end = observer.pass(leg, &start, monitor);
            // Nobody who interrupts it waits for products of whole layers.
            if end.outcome != Outcome::Interrupted {
                drift = larger(drift, drifts(&leg.network, &start, &end));
            }
            if end.outcome != Outcome::TimeReached {
                break;
            }
        }
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
        let run = self.finish((trajectory, end), observer.rested, observer.watch, drift);
        FlowRun {
            branches: observer.branches,
            ..run
        }
    }

    /// As if it had been interrupted at the last snapshot; None where it has not taken a step.
    pub fn so_far(&self) -> Option<FlowRun> {
        let snapshot = self.snapshot().clone();
        let Snapshot { trajectory, end } = snapshot?;
        Some(self.finish((trajectory, end), None, None, (None, None)))
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

    /// What happened up to the end. Who interrupted it waits for no Lanczos process on every plateau.
    fn finish(
        &self,
        (trajectory, end): (Trajectory, End),
        rest: Option<Rest>,
        watch: Option<CurvatureMonitor<'_>>,
        drift: Drift,
    ) -> FlowRun {
        let is_patient = end.outcome != Outcome::Interrupted;
        let problem = self.problem;
        let detection = detect(
            &trajectory,
            &problem.observables(),
            &problem.scenario.detector,
        );
        let slowest = detection.plateaus.iter().map(|plateau| Slowest {
            time: plateau.time,
            plateau: plateau.entry..=plateau.exit.unwrap_or(f64::INFINITY),
        });
        let slowest = slowest.filter(|_| self.plan.watches_curvature);
        let watch = watch.filter(|_| is_patient);
        let curvature = watch.map(|watch| watch.finish(end.time, &end.state, slowest));
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
            is_reduced: problem.network(self.plan.is_reduced).reduction.is_some(),
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
/// goal is met, and where it rests.
struct Observer<'i, 'p> {
    integration: &'i Integration<'p>,
    observables: Observables<'p>,
    stage: Stage,
    /// What ends the run before its time.
    until: Until,
    recorder: Recorder<'p>,
    /// When the last snapshot was taken.
    kept: Option<Instant>,
    watch: Option<CurvatureMonitor<'p>>,
    branches: Option<Branches>,
    /// In the last stage, what looks whether it rests.
    rest: Option<RestMonitor<'p>>,
    asked: Asked,
    /// What the stages before this one took.
    before: Work,
    /// What shows that it rests, where it does.
    rested: Option<Rest>,
    /// Where the goal was met.
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
        let mut watch = (plan.watches_curvature || plan.follows_sharpness)
            .then(|| CurvatureMonitor::new(flow.clone(), start, network.weights, least_drop));
        if let Some(watch) = watch.as_mut().filter(|_| plan.follows_sharpness) {
            watch.follow_largest(network.weights);
        }
        let until = problem.scenario.flow.until;
        let asked = Asked {
            rtol: plan.tolerances.step_rtol,
            loss_gap: problem.asked_gap(),
            never_turns: problem.never_turns(),
            is_exact: network.reduction.is_some_and(Reduction::has_modes),
        };
        Self {
            observables,
            stage: plan.stage,
            until,
            branches: None,
            rest: None,
            asked,
            before: Work::default(),
            rested: None,
            integration,
            recorder,
            kept: None,
            watch,
            converged: None,
        }
    }

    /// Goes on with a stage, from where the one before it ended. What may end the run counts in the last one.
    fn enter(&mut self, leg: &Leg<'p>, start: &End) {
        let &End { time, work, .. } = start;
        self.before = work;
        if time > 0.0 {
            self.recorder
                .enter(leg.flow.clone(), start.state.as_slice());
            if let Some(watch) = &mut self.watch {
                watch.enter(leg.flow.clone(), time, &start.state);
            }
        }
        self.rest = leg
            .until
            .is_none()
            .then(|| RestMonitor::new(leg.flow.clone(), &start.state, self.asked).since(time));
    }

    /// Integrates a stage.
    fn pass(&mut self, leg: &mut Leg<'p>, start: &End, monitor: &mut Monitor<'_>) -> End {
        let &Integration { problem, plan, .. } = self.integration;
        let mut settings = settings(problem, &plan);
        settings.t_end = leg.until.unwrap_or(settings.t_end);
        let taken = start.work.steps + start.work.rejected_steps;
        settings.max_steps = settings.max_steps.saturating_sub(taken);
        if settings.max_steps == 0 {
            return End {
                outcome: Outcome::StepLimit,
                ..start.clone()
            };
        }
        let from = (start.time, start.state.clone());
        let mut see = |segment: &mut dyn Segment| self.see(segment, monitor);
        let end = integrate::integrate_from(&mut leg.flow, from, &settings, &mut see);
        End {
            work: start.work + end.work,
            ..end
        }
    }

    fn see(&mut self, segment: &mut dyn Segment, monitor: &mut Monitor<'_>) -> Verdict {
        if self.until.has_goal()
            && self.rest.is_some()
            && let Some(time) = self.recorder.time_of_end(segment, &self.until)
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
            steps: self.before.steps + segment.work().steps,
            loss: self.observables.loss(knot),
        };
        if !monitor(&progress) {
            return Verdict::Stop(Outcome::Interrupted);
        }
        if !trajectory.is_kept() {
            return Verdict::Stop(Outcome::TrajectoryLimit);
        }
        let rest = self.rest.as_mut();
        self.rested = rest.and_then(|rest| rest.pass(segment, knot));
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
            work: self.before + segment.work(),
        };
        self.integration.keep(self.recorder.trajectory(), end);
    }
}

/// Drift of the balancedness matrices over the weights, and the largest over a conserved matrix.
type Drift = (Option<f64>, Option<f64>);

/// The drift of the full network's balancedness in a stage, that of the reduced one, over the full weights; and the
/// largest over a conserved matrix.
fn drifts(network: &Network<'_>, start: &End, end: &End) -> Drift {
    let &Network {
        architecture,
        reduction,
        ..
    } = network;
    let constant = reduction.map_or(0.0, |r| r.constant_norms_squared().iter().sum());
    let (states, time) = ((&start.state, &end.state), end.time - start.time);
    (
        balancedness::balancedness_drift(architecture, states.0, states.1, (time, constant)),
        balancedness::drift_over_own(architecture, states, time),
    )
}

/// The larger ones: with other learning rates other matrices are conserved, from stage to stage.
fn larger(a: Drift, b: Drift) -> Drift {
    let larger = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
    (larger(a.0, b.0), larger(a.1, b.1))
}
