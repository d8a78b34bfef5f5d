//! The flow section: method, tolerances, the end of a run.

use crate::error::{InputError, Result};
use crate::network::Activation;
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// Integration of the gradient flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"until": {"time": 40.0, "loss_gap": 1e-6}}]))]
pub struct FlowSection {
    /// Integration method.
    #[serde(default)]
    pub method: MethodChoice,
    /// Relative tolerance. Default: 1e-8, and 1e-4 for units with a kink (relu and leaky_relu). The
    /// steps of networks with such units are kept to a hundredth of it, because their error
    /// estimates miss a part of each jump of the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::closed(1e-13, 0.1)))]
    pub rtol: Option<f64>,
    /// Absolute tolerance of a step. Default: the relative tolerance of the step times the smallest
    /// root mean square of an initial layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::POSITIVE))]
    pub atol: Option<f64>,
    /// Weight decay mu: mu/2 |W|^2 is added to the loss that the weights descend, which is no part of the loss that is
    /// reported.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(transform = within(check::NOT_NEGATIVE))]
    pub weight_decay: f64,
    /// Whether a smaller network with the same trajectory is integrated where there is one.
    #[serde(default)]
    pub reduction: ReductionChoice,
    /// Largest number of accepted and rejected steps; a run that needs more ends with `step_limit`.
    #[serde(default = "default_max_steps")]
    #[schemars(transform = within(check::at_least(1)))]
    pub max_steps: u64,
    /// When the run ends: at the first condition that is met. At least one is given.
    pub until: Until,
}

/// Integration method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MethodChoice {
    /// Exponential or dopri5, whichever is estimated to need less work (docs/method.md).
    #[default]
    Auto,
    /// Exponential Rosenbrock, order 4(3): its cost does not grow with the length of plateaus.
    Exponential,
    /// Explicit Runge-Kutta of Dormand and Prince, order 5(4).
    Dopri5,
    /// Explicit Runge-Kutta of Dormand and Prince, order 8(5,3).
    Dop853,
    /// Runge-Kutta-Chebyshev, order 2: long steps where a coarse tolerance is enough (rtol 1e-1 or 1e-2, units with a kink).
    Chebyshev,
}

/// Whether to reduce the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReductionChoice {
    /// If the reduced network is clearly smaller and its error is below the tolerance.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// Flow time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::POSITIVE))]
    pub time: Option<f64>,
    /// Fraction of the learnable loss that is left, (Loss - Loss_least)/(Loss_0 - Loss_least), where
    /// Loss_least is the least loss that the network can reach. For networks that are not linear:
    /// Loss/Loss_0, and so under cross-entropy. Under weight decay, where its minimum is known: that of what the weights descend. A run that rests before
    /// ends with `stalled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::between(0.0, 1.0)))]
    pub loss_gap: Option<f64>,
    /// The loss itself, weight decay apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::POSITIVE))]
    pub loss: Option<f64>,
    /// Fraction of the samples whose class has the largest output; under cross-entropy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(ACCURACY))]
    pub accuracy: Option<f64>,
}

/// Range of `accuracy`.
const ACCURACY: (Bound<f64>, Bound<f64>) = (Bound::Excluded(0.0), Bound::Included(1.0));

fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

fn default_max_steps() -> u64 {
    10_000_000
}

impl FlowSection {
    /// Checks the section, for a network of these units.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self, activation: Activation) -> Result<()> {
        check::number("flow.rtol", self.rtol, 1e-13..=0.1)?;
        check::number("flow.atol", self.atol, check::POSITIVE)?;
        check::number("flow.weight_decay", self.weight_decay, check::NOT_NEGATIVE)?;
        check::count("flow.max_steps", self.max_steps, 1..)?;
        self.until.check()?;
        if self.weight_decay > 0.0 && self.until.time.is_none() {
            return Err(InputError::at(
                "flow.until.time",
                "this key is missing: weights that decay may fade before they come to their minimum",
                "add until: {time: ...}, the time at which the run ends",
            ));
        }
        if !activation.is_smooth() && self.method == MethodChoice::Exponential {
            return Err(InputError::at(
                "flow.method",
                format!(
                    "exponential steps need a smooth activation, and {} has a kink",
                    activation.name()
                ),
                "choose auto, dopri5 or dop853",
            ));
        }
        Ok(())
    }
}

impl Until {
    fn check(&self) -> Result<()> {
        if self.time.is_none() && !self.has_goal() {
            return Err(InputError::at(
                "flow.until",
                "neither time nor loss_gap is given, nor loss or accuracy: the run would have no end",
                "give time, loss_gap, or both, for example until: {time: 40.0, loss_gap: 1.0e-6}",
            ));
        }
        check::number("flow.until.time", self.time, check::POSITIVE)?;
        let range = check::between(0.0, 1.0);
        check::number("flow.until.loss_gap", self.loss_gap, range)?;
        check::number("flow.until.loss", self.loss, check::POSITIVE)?;
        check::number("flow.until.accuracy", self.accuracy, ACCURACY)
    }

    /// Whether something else than the time may end the run.
    pub fn has_goal(&self) -> bool {
        self.loss_gap.is_some() || self.loss.is_some() || self.accuracy.is_some()
    }
}
