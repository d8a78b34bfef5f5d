//! What keeps a problem from being run, and what the user should know before trusting a run.

use super::Scenario;
use super::problem::Problem;
use super::results::FlowRun;
use crate::data::Moments;
use crate::error::{InputError, Result};
use crate::flow::Flow;
use crate::flow::reduction::Reduction;
use crate::integrate::auto_method::{self, LearnedTurn};
use crate::integrate::{Method, MethodChoice, Tolerances};
use crate::network::Architecture;
use nalgebra::DVector;

/// A loss that would end a run is one that the network can reach.
pub(super) fn ensure_loss_is_reached(scenario: &Scenario, moments: &Moments) -> Result<()> {
    let least = moments.least.loss;
    match scenario.flow.until.loss {
        Some(loss) if scenario.is_of_moments() && loss < least => Err(InputError::at(
            "flow.until.loss",
            format!("{loss} is below {least:.6}, the least loss that this network can reach"),
            "give a larger loss, or loss_gap, the fraction of the learnable loss that is left",
        )),
        _ => Ok(()),
    }
}

/// A mini-batch is less than all samples.
pub(super) fn ensure_batch_fits(samples: u64, batch: Option<u64>) -> Result<()> {
    match batch {
        Some(batch) if batch > samples => Err(InputError::at(
            "descent.batch",
            format!("{batch} is more than the {samples} samples there are"),
            "choose a smaller batch, or leave it out for all samples at each step",
        )),
        _ => Ok(()),
    }
}

/// Products of tiny weights underflow to zero, and the flow would never leave the origin. `smallest`
/// is the least root-mean-square of a layer. Gives back the size of the rate of all weights at the start, the largest
/// of all stages.
pub(super) fn ensure_live_start<'s>(
    stages: impl Iterator<Item = (&'s Architecture, &'s Moments)>,
    weights: &DVector<f64>,
    smallest: f64,
) -> Result<Vec<f64>> {
    let mut rate = vec![0.0; weights.len()];
    let mut one = rate.clone();
    let mut deepest = 0;
    let mut is_linear = true;
    for (architecture, moments) in stages {
        Flow::new(architecture, moments).rate(weights.as_slice(), &mut one);
        for (rate, one) in rate.iter_mut().zip(&one) {
            if one.is_nan() || one.abs() > *rate {
                *rate = one.abs();
            }
        }
        deepest = architecture.deepest();
        is_linear = architecture.is_linear();
    }
    const SCALE: &str = "choose a scale whose product over the layers is between 1e-300 and 1e150";
    let is_dead = rate.iter().all(|entry| entry.abs() < f64::MIN_POSITIVE);
    // The gradient is at least of the order of the layers' product where a unit is active.
    let product = smallest.powi(deepest as i32);
    let (problem, remedy) = if rate.iter().any(|entry| !entry.is_finite()) {
        (
            "the initial weights are so large that the gradient overflows",
            SCALE,
        )
    } else if is_dead && !is_linear && product > 1e-150 {
        (
            "no hidden unit is active on any sample, so that the gradient is zero",
            "choose a larger width or another seed",
        )
    } else if is_dead {
        (
            "the initial weights are so small that the gradient underflows to zero",
            SCALE,
        )
    } else {
        return Ok(rate);
    };
    Err(InputError::at("init", problem, remedy))
}

/// Above this tolerance steps on a plateau are as rough as the minima of the speed that the
/// detector looks for.
const COARSEST: f64 = 1e-3;

/// From this tolerance on the steps of networks with kinks become a burden: their number grows as its
/// inverse where samples stay at a kink.
const TIGHT: f64 = 1e-5;

/// What the user should know before trusting the run. `smallest` is the least root-mean-square of an
/// initial layer, `rate` the rate of all weights at the start.
pub(super) fn warnings(problem: &Problem, smallest: f64, rate: &[f64]) -> Vec<String> {
    let warnings = [
        of_data(problem),
        of_tolerances(problem, smallest),
        of_method(problem),
        super::immobile::warnings(problem, rate),
        of_turns(problem, smallest),
    ];
    warnings.concat()
}

/// Where inputs, by this name, depend on each other.
pub(crate) fn dependence(moments: &Moments, inputs: &str) -> Option<String> {
    let (rank, count) = (moments.rank(), moments.inputs_len());
    (rank < count).then(|| {
        format!(
            "the {inputs} are linearly dependent ({rank} of {count} are independent): many maps have the least loss, and \
             final norms are those of the one of least norm"
        )
    })
}

fn of_data(
    Problem {
        scenario, moments, ..
    }: &Problem,
) -> Vec<String> {
    let reading = moments.reading.as_ref();
    let mut warnings = reading.map_or(Vec::new(), |reading| reading.warnings.clone());
    warnings.extend(dependence(moments, "inputs"));
    if scenario.data.get().about().holds_out && moments.generalisation.is_none() {
        let reason = "the rows held out are not used: the generalisation error is computed under squared loss only";
        warnings.push(reason.to_owned());
    }
    warnings
}

/// A learned modality that must turn grows out of what had faded beside it.
fn of_turns(problem: &Problem, smallest: f64) -> Vec<String> {
    /// Share of learned weights below which round-off has a say in what is left of a mode.
    const FADED: f64 = 1e-12;
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    let has_modes = problem.reduction.as_ref().is_some_and(Reduction::has_modes);
    if !problem.scenario.is_of_moments() || has_modes {
        return has_modes_instead(problem, has_modes);
    }
    // A mode of the size of the initial weights fades as much as the other one grows.
    let share = smallest * smallest;
    let is_lost = share < FADED;
    let is_rough = problem.method == Method::Exponential && share < problem.tolerances.rtol;
    let turns = auto_method::learned_turns(moments, architecture);
    let warning = |turn: LearnedTurn| {
        let (name, by) = (&turn.modality.name, &turn.by.name);
        let cause = if is_lost {
            format!(
                "beside what is learned it is about {share:.0e} by then, near round-off or below it"
            )
        } else {
            "exponential steps keep it to their tolerance only: compare with flow.method: dopri5"
                .to_owned()
        };
        format!(
            "the map of {name} must turn round when {by} is learned, after {name} was learned itself. It turns \
             out of a mode that has faded, and {cause}: when it turns cannot be known"
        )
    };
    match is_lost || is_rough {
        true => turns.into_iter().map(warning).collect(),
        false => Vec::new(),
    }
}

/// What is said where another method than that of the scenario is taken for the sake of the modes.
fn has_modes_instead(problem: &Problem, has_modes: bool) -> Vec<String> {
    let wanted = problem.scenario.flow.method == MethodChoice::Exponential;
    if !(has_modes && wanted) {
        return Vec::new();
    }
    vec![
        "flow.method: exponential is replaced by dopri5: growing and decaying modes are integrated as weights of \
         their own, which exponential steps would mix (flow.reduction: off keeps the method)"
            .to_owned(),
    ]
}

/// What a run shows of what it cannot know: a map that turned, in weights whose conserved matrices did not
/// keep themselves.
pub(super) fn after(problem: &Problem, flow: &FlowRun) -> Option<String> {
    /// Drift over its own size from which on a conserved matrix says nothing.
    const MOST: f64 = 0.1;
    let drift = flow.balancedness_drift_own.filter(|drift| *drift > MOST)?;
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    let turns = || !auto_method::learned_turns(moments, architecture).is_empty();
    (problem.scenario.is_of_moments() && turns()).then(|| {
        format!(
            "conserved matrices drifted by {drift:.1e} of their own size, and a modality grows out of what had \
             faded before: whether and when it is learned then is not known"
        )
    })
}

fn of_method(problem: &Problem) -> Vec<String> {
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    let is_exponential = problem.method == Method::Exponential;
    if !is_exponential || !auto_method::drive_turns_round(moments, architecture) {
        return Vec::new();
    }
    vec![
        "the drive of a modality turns round when another one is learned. Exponential steps may then lose the \
         modes that grow later: compare with flow.method: dopri5 (--verify)"
            .to_owned(),
    ]
}

fn of_tolerances(problem: &Problem, smallest: f64) -> Vec<String> {
    let mut warnings = Vec::new();
    let Tolerances {
        rtol,
        step_rtol,
        atol,
    } = problem.tolerances;
    let until = &problem.scenario.flow.until;
    if step_rtol > COARSEST {
        warnings.push(format!(
            "flow.rtol = {rtol:e} is coarse: the errors of the integrator may look like plateaus of the loss"
        ));
    }
    if !problem.architecture.activation.is_smooth() && rtol <= TIGHT {
        warnings.push(format!(
            "flow.rtol = {rtol:e} is tight for units with a kink, where the rate jumps: there may be very many \
             steps; 1e-4 is enough for most purposes"
        ));
    }
    if until.time.is_none() && until.loss_gap.is_some_and(|gap| gap < rtol * rtol) {
        warnings.push(format!(
            "flow.until.loss_gap is below what rtol = {rtol:e} resolves, and the run may never reach it: give \
             until.time as well"
        ));
    }
    if atol > smallest {
        let default = step_rtol * smallest;
        warnings.push(format!(
            "flow.atol = {atol:e} is above the initial weights (root-mean-square {smallest:.1e}): times may \
             be wrong; leave it out for the default of {default:.1e}"
        ));
    }
    warnings
}
