//! What two integrations of one flow may differ by, and whether they do.
//!
//! Where the error of a run comes from. Each step errs by at most the tolerance eps, relative to the layer.
//! While a mode grows by a factor e it takes a few steps, whose errors add up to a few eps in ln a, a
//! its amplitude. Nothing enlarges that: a small mode grows at a rate of its own, so its relative error stays. What it does to the
//! trajectory is to shift it in time, by error/speed:
//!
//! ```text
//! dt = d(ln a) / (d ln a/dt)
//! ```
//!
//! A mode that has grown exponentially for the time t has d ln a/dt = ln(a/a_0)/t, and took steps in
//! proportion to ln(a/a_0): dt/t is a few eps whatever the initial weights. A mode that grows
//! algebraically (more than two layers), da/dt ~ a^{L-1}, is late by d(ln a)/((L-2)) of the time t it
//! waits, mostly by errors of the beginning: again dt/t is a few eps. One that does not start small crosses
//! its level at the time t to the error eps W/(dW/dt), which the sum below adds. So with C for the few,
//!
//! ```text
//! allowed |dt|/t = C eps (1 + W_m/(t dW_m/dt))                       at the crossing of modality m
//! allowed |dL|/Loss_0 = C eps (1 + max_t t |dL/dt|/Loss_0)           a shifted loss differs by its speed times dt
//! allowed |dW|/|W*| = C eps max_t (|W| + t |dW/dt|)/|W*|
//! ```
//!
//! and eps the sum of what both runs promise, their tolerances, and the bound of the reduction. A
//! trajectory that is kept less accurately between its steps does not keep the promise, and no more
//! is allowed for it.
//!
//! An absolute tolerance has no part in it. One below the initial weights adds nothing to a relative error;
//! one above them lets the integrator ignore the growth that the times are made of, and that is to be
//! found out, not allowed.

use super::problem::Problem;
use super::results::FlowRun;
use super::verify::Verification;
use crate::linalg::norm;
use crate::trajectory::Knot;
use serde::Serialize;

/// C. The shipped scenarios at rtol 1e-4, 1e-8 and 1e-10 differ by at most 1.2 eps in these measures, runs by
/// dop853, whose steps are the longest, by 5.5 eps (`tests/verification.rs` holds its problems to half of C). With an
/// absolute tolerance of 1e-5 or 1e-4, above initial weights of 1e-6, late_fusion differs by 9e3 eps and
/// more, by every method.
const FEW: f64 = 30.0;

/// Relative error that round-off leaves after ten thousand steps, whatever the tolerance.
const ROUND_OFF: f64 = 1e-12;

/// The quantity in which two runs differ most, measured by what their tolerances allow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Disagreement {
    /// `loss`, `maps`, `t_first` or `t_second`.
    pub quantity: &'static str,
    /// Size of the difference: of the loss over Loss_0, of the maps over |W*|, of a time relative to
    /// itself.
    pub gap: f64,
    /// The size that the tolerances of both runs allow.
    pub allowed: f64,
}

impl Disagreement {
    /// The difference over what is allowed: above 1 the runs disagree. A difference that is no number
    /// is infinite.
    pub fn excess(&self) -> f64 {
        let excess = self.gap / self.allowed;
        if excess.is_nan() {
            f64::INFINITY
        } else {
            excess
        }
    }
}

/// The largest of the differences of a check, each over what the runs' tolerances allow.
pub(super) fn largest(
    problem: &Problem,
    flow: &FlowRun,
    gaps: &Verification,
) -> Option<Disagreement> {
    let error = FEW * error(problem, flow, gaps.rtol);
    let extent = Extent::of(problem, flow);
    let phase = &flow.detection.phase;
    let time = |modality: &Option<_>, time: Option<f64>| {
        let (modality, time): (&crate::data::Modality, f64) = (modality.as_ref()?, time?);
        Some(error * crossing_extent(problem, flow, modality.index, time))
    };
    let [first, second] = [
        time(&phase.first, phase.t_first),
        time(&phase.second, phase.t_second),
    ];
    let candidates = [
        ("loss", Some(gaps.max_loss_gap), Some(error * extent.loss)),
        ("maps", gaps.max_map_gap, Some(error * extent.map)),
        ("t_first", gaps.t_first_gap, first),
        ("t_second", gaps.t_second_gap, second),
    ];
    let known = candidates
        .into_iter()
        .filter_map(|(quantity, gap, allowed)| {
            Some(Disagreement {
                quantity,
                gap: gap?.abs(),
                allowed: allowed?,
            })
        });
    known.max_by(|a, b| a.excess().total_cmp(&b.excess()))
}

/// eps: everything that errs, relative. `rtol` is the check's tolerance of steps.
fn error(problem: &Problem, flow: &FlowRun, rtol: f64) -> f64 {
    let tolerances = problem.tolerances;
    // Steps of units with a kink are kept to less than the trajectory's error is to be.
    let finer = rtol / tolerances.step_rtol;
    let reduction = problem.network(flow.is_reduced).reduction;
    tolerances.rtol * (1.0 + finer)
        + reduction.map_or(0.0, |reduction| reduction.error_bound)
        + ROUND_OFF
}

/// How far loss and maps move while time passes by its own size.
struct Extent {
    /// 1 + max t |dL/dt|/Loss_0.
    loss: f64,
    /// max (|W| + t |dW/dt|)/|W*|.
    map: f64,
}

impl Extent {
    fn of(problem: &Problem, flow: &FlowRun) -> Self {
        let observables = problem.observables();
        let goal = norm(problem.moments.loss.optimum.as_slice());
        let mut extent = Self {
            loss: 1.0,
            map: 1.0,
        };
        for time in flow.trajectory.scan() {
            let knot = flow.trajectory.at(time);
            let speed = observables.speed(&knot).abs() / problem.moments.zero_loss();
            extent.loss = extent.loss.max(1.0 + time * speed);
            let [map, rate] = [observables.map(&knot), observables.map_rate(&knot)].map(norm);
            extent.map = extent.map.max((map + time * rate) / goal);
        }
        extent
    }
}

/// 1 + W_m/(t dW_m/dt) at the crossing of a modality.
fn crossing_extent(problem: &Problem, flow: &FlowRun, modality: usize, time: f64) -> f64 {
    let knot: Knot = flow.trajectory.at(time);
    let block = problem.observables().block(modality);
    let [map, rate] = [&knot.values[block.clone()], &knot.rates[block]].map(norm);
    1.0 + map / (time * rate)
}
