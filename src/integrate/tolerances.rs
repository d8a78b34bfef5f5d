//! Tolerances of an integration: the one place that knows their defaults and how they depend on each
//! other.

use super::{FlowSection, MethodChoice};
use crate::network::Activation;

/// The finest relative tolerance of a step: a thousand times the round-off of a number.
const FINEST: f64 = 1e-13;

/// Tolerances of one integration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// Relative tolerance of the trajectory, `flow.rtol`.
    pub rtol: f64,
    /// Relative tolerance that the error estimates of steps are kept to.
    pub step_rtol: f64,
    /// Absolute tolerance of a step, in the units of the weights.
    pub atol: f64,
}

impl Tolerances {
    /// Those of a flow section for a network of these units whose initial layers have root-mean-squares
    /// of `smallest` or more.
    ///
    /// The default absolute tolerance is the relative one of steps times `smallest`: a tolerance above the
    /// initial weights lets the integrator ignore their growth.
    pub fn of(flow: &FlowSection, activation: Activation, smallest: f64) -> Self {
        let rtol = Self::rtol_of(flow, activation);
        let step_rtol = match flow.method {
            // Its estimate sees jumps of the rate in full.
            MethodChoice::Chebyshev => rtol,
            _ => step_tolerance(activation, rtol),
        };
        Self {
            rtol,
            step_rtol,
            atol: flow.atol.unwrap_or(step_rtol * smallest),
        }
    }

    /// The relative tolerance of a network of these units: 1e-8, and 1e-4 where they have a kink.
    pub fn rtol_of(flow: &FlowSection, activation: Activation) -> f64 {
        flow.rtol.unwrap_or(match activation.is_smooth() {
            true => 1e-8,
            false => 1e-4,
        })
    }

    /// Those of a finer integration, by a factor below 1.
    pub fn finer(self, factor: f64) -> Self {
        let step_rtol = (factor * self.step_rtol).max(FINEST);
        Self {
            step_rtol,
            atol: self.atol * step_rtol / self.step_rtol,
            ..self
        }
    }
}

/// The relative tolerance that a step's error estimate is kept to, so that the trajectory's error
/// stays about `rtol`.
///
/// Where a step of Dormand and Prince's pair of order 5(4) meets a jump of the rate at the share
/// theta of its length h, its error is (sum of b_i with c_i > theta) - (1 - theta) and its estimate
/// the same sum of b_i - b^_i, both times h and the jump: 0.26 against 0.003 for theta between 0.3
/// and 0.8. So the estimate misses up to a factor of a hundred, and no less is taken off the
/// tolerance of networks whose units have a kink. The pair of order 8(5,3) misses less; the same factor
/// serves (`tests/nonlinear.rs` measures both).
pub fn step_tolerance(activation: Activation, rtol: f64) -> f64 {
    const MISSED: f64 = 100.0;
    if activation.is_smooth() {
        rtol
    } else {
        (rtol / MISSED).max(FINEST)
    }
}
