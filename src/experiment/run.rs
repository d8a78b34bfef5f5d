//! From a prepared problem to its results: pure and deterministic but for what the monitor says.

use super::compare;
use super::descents;
use super::distance;
use super::integration::Integration;
use super::problem::Problem;
use super::results::{FlowRun, Learned, PredictedPart, RunResult, TheoryCurve};
use crate::analysis::detector::detect;
use crate::analysis::generalisation::generalise;
use crate::analysis::{ablation, target_components};
use crate::integrate::{Method, Outcome, Tolerances};
use crate::theory::Theory;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is under way.
    pub stage: Stage,
    /// Flow time reached.
    pub time: f64,
    /// Steps done.
    pub steps: u64,
    /// Loss reached; not a number before there is one.
    pub loss: f64,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// Predictions, as far as they follow samples.
    Theory,
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
    /// Whether the largest curvature of all is followed, which limits the learning rate.
    pub follows_sharpness: bool,
}

impl Plan {
    /// The plan that a problem's scenario asks for, without what does not enter measurements.
    pub fn measuring(problem: &Problem) -> Self {
        Self {
            watches_curvature: false,
            follows_sharpness: false,
            ..Self::of(problem)
        }
    }

    /// The same with the largest curvature along the way.
    pub fn with_sharpness(problem: &Problem) -> Self {
        Self {
            follows_sharpness: true,
            ..Self::measuring(problem)
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
            follows_sharpness: problem.scenario.descent.is_some(),
        }
    }
}

/// Told of the progress now and then; answers whether to go on.
pub type Monitor<'m> = dyn FnMut(&Progress) -> bool + 'm;

/// Integrates the flow, runs the descents, and sets everything side by side.
pub fn run(problem: &Problem, monitor: &mut Monitor<'_>) -> RunResult {
    let theory = predicted(problem, monitor);
    let flow = run_flow(problem, &Plan::of(problem), monitor);
    let result = Mutex::new(first(problem, theory, flow));
    complete(problem, &result, monitor);
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Theory for as long as the monitor goes on.
fn predicted(problem: &Problem, monitor: &mut Monitor<'_>) -> Theory {
    let progress = Progress {
        stage: Stage::Theory,
        time: 0.0,
        steps: 0,
        loss: f64::NAN,
    };
    let monitor = RefCell::new(monitor);
    problem.theory_while(&|| (monitor.borrow_mut())(&progress))
}

/// Integrates the flow as planned and detects what happens in it.
pub fn run_flow(problem: &Problem, plan: &Plan, monitor: &mut Monitor<'_>) -> FlowRun {
    Integration::new(problem, *plan).run(monitor)
}

/// A run that another thread can look at: not every part of it asks its monitor, and what is complete
/// need not wait for the rest.
#[derive(Debug)]
pub struct Running<'p> {
    problem: &'p Problem,
    flow: OnceLock<(Theory, Integration<'p>)>,
    result: OnceLock<Mutex<RunResult>>,
}

impl<'p> Running<'p> {
    /// A run that has not begun.
    pub fn new(problem: &'p Problem) -> Self {
        Self {
            problem,
            flow: OnceLock::new(),
            result: OnceLock::new(),
        }
    }

    /// What [`run`] does.
    pub fn run(&self, monitor: &mut Monitor<'_>) {
        let problem = self.problem;
        let begin = || {
            (
                predicted(problem, monitor),
                Integration::new(problem, Plan::of(problem)),
            )
        };
        let (theory, flow) = self.flow.get_or_init(begin);
        let result = first(problem, theory.clone(), flow.run(monitor));
        let result = self.result.get_or_init(|| Mutex::new(result));
        complete(problem, result, monitor);
    }

    /// The results, from the end of the flow on; as long as they are held, none is added.
    pub fn result(&self) -> Option<MutexGuard<'_, RunResult>> {
        Some(lock(self.result.get()?))
    }

    /// The results as if the flow had been interrupted by now; None where it has not come to
    /// anything.
    pub fn interrupted_flow(&self) -> Option<RunResult> {
        let (theory, flow) = self.flow.get()?;
        Some(first(self.problem, theory.clone(), flow.so_far()?))
    }
}

fn lock(result: &Mutex<RunResult>) -> MutexGuard<'_, RunResult> {
    result.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Theory and the flow: the first part of a run's results.
pub fn first(problem: &Problem, theory: Theory, flow: FlowRun) -> RunResult {
    RunResult {
        is_complete: false,
        theory_gap: compare::with_theory(&problem.observables(), &flow.detection.phase, &theory),
        flow: Arc::new(flow),
        theory,
        descents: Vec::new(),
        orders: None,
        escapes: Vec::new(),
        generalisation: None,
        theory_curve: None,
        learned: None,
    }
}

/// Adds the other parts to the first one, each as soon as it is there.
fn complete(problem: &Problem, results: &Mutex<RunResult>, monitor: &mut Monitor<'_>) {
    let shared = || lock(results);
    let (flow, theory) = {
        let results = shared();
        (Arc::clone(&results.flow), results.theory.clone())
    };
    if flow.end.outcome == Outcome::Interrupted {
        return;
    }
    let section = problem.scenario.descent.as_ref();
    for &learning_rate in section.map_or(&[][..], |s| s.learning_rate.as_slice()) {
        let run = descents::run_descent(problem, (&flow, &theory), learning_rate, monitor);
        let outcome = run.descent.outcome;
        shared().descents.push(run);
        if outcome == Outcome::Interrupted {
            return;
        }
    }
    let orders = descents::orders(problem, &shared().descents);
    shared().orders = orders;
    let observables = problem.observables();
    let mut escapes = compare::escapes(&observables, &flow.detection.plateaus, &flow.trajectory);
    for escape in &mut escapes {
        // What is predicted is the last stage's.
        escape.take_if(|escape| escape.time < problem.last_stage_start());
    }
    shared().escapes = escapes;
    let generalisation = generalise(&flow.trajectory, &observables);
    shared().generalisation = generalisation;
    match theory_curve(problem, &theory, &flow) {
        Ok(curve) => shared().theory_curve = Some(curve),
        Err(reason) => {
            let reason = reason.map(str::to_owned);
            shared().theory.assumptions.extend(reason);
        }
    }
    let learned = learned(problem, &flow, &theory);
    shared().learned = learned;
    shared().is_complete = true;
}

fn learned(problem: &Problem, flow: &FlowRun, theory: &Theory) -> Option<Learned> {
    if problem.scenario.is_of_moments() {
        return None;
    }
    let parts = target_components::parts(&problem.observables(), &flow.trajectory);
    let weights = flow.final_weights(problem);
    let verdict = (!parts.is_empty()).then(|| target_components::verdict(&parts));
    let found = theory.from_weights.as_ref();
    let predicted = parts.iter().enumerate().map(|(modality, part)| {
        let t_half = found.and_then(|found| found.time(modality));
        PredictedPart {
            name: part.name,
            gap: compare::relative_gap(part.t_half, t_half),
            t_half,
        }
    });
    Some(Learned {
        verdict,
        predicted: predicted.collect(),
        parts,
        ablations: ablation::ablations(&problem.moments, &problem.architecture, &weights),
    })
}

/// The theory curve over the flow's time, and what is detected in it by the same definitions.
///
/// # Errors
/// Why there is no curve, where the times of the initial weights are known.
fn theory_curve(
    problem: &Problem,
    theory: &Theory,
    flow: &FlowRun,
) -> Result<TheoryCurve, Option<&'static str>> {
    let t_end = flow.trajectory.end().time;
    // Elsewhere the reduced equations hold for no weights.
    let holds = problem.moments.outputs_len() == 1
        && problem.scenario.is_of_moments()
        && !problem.changes();
    let none = theory.from_weights.as_ref().filter(|_| holds).map(
        |_| "no theory curve: no aligned weights are found that have the times of the initial ones",
    );
    let curve = problem.theory_curve(theory, t_end).ok_or(none)?;
    let phase = detect(
        &curve.trajectory,
        &problem.observables(),
        &problem.scenario.detector,
    )
    .phase;
    let comparison = distance::with_curve(
        problem.observables(),
        (&flow.trajectory, &flow.detection.phase),
        (&curve, &phase),
    );
    Ok(TheoryCurve { curve, comparison })
}
