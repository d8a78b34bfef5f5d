//! The descent section, and how it turns gradients into steps: the rules, and the continuous time that a
//! step stands for.
//!
//! With g(n) = -dLoss/dw at step n, of all samples or of a mini-batch, and the learning rate eta:
//!
//! | rule | step | in the limit eta -> 0 |
//! |---|---|---|
//! | plain | w += eta g | the gradient flow at t = eta n |
//! | momentum mu | v = mu v + g, w += eta v | the gradient flow at t = eta n/(1 - mu): v settles on g/(1 - mu) within some 1/(1 - mu) steps |
//! | Adam | m, s = running means of g and g^2, w += eta m^/(sqrt(s^) + epsilon) | no gradient flow: dw/dt = g/(\|g\| + epsilon) at t = eta n, weight by weight, a flow of the gradient's signs wherever \|g\| is above epsilon |
//!
//! A mini-batch adds noise to g whose mean is zero; what it adds to the trajectory is of order
//! sqrt(eta/batch) within an epoch, and less over whole epochs, in which the batches' means add up to g.
//!
//! Sources: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
//! Comput. Math. Math. Phys. 4 (1964); D. P. Kingma & J. Ba, "Adam: a method for stochastic
//! optimization", ICLR 2015; both as PyTorch's SGD and Adam have them.
//!
//! | file | rule |
//! |---|---|
//! | `plain.rs` | gradient descent |
//! | `momentum.rs` | with momentum |
//! | `adam.rs` | Adam |

mod adam;
mod momentum;
mod plain;

pub use adam::AdamSection;
pub use momentum::Momentum;
pub use plain::Plain;

use super::learning_rates::LearningRates;
use crate::error::{InputError, Result};
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// Discrete gradient descent with plain steps, momentum or Adam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"learning_rate": [0.04, 0.02], "momentum": 0.9}]))]
pub struct DescentSection {
    /// Learning rate, or a list of learning rates: one descent for each.
    pub learning_rate: LearningRates,
    /// Number of samples in a mini-batch. Without it every step uses all samples. Each epoch is a
    /// permutation of the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::at_least(1)))]
    pub batch: Option<u64>,
    /// Momentum mu. A step of learning rate eta then stands for the flow time eta/(1 - mu).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::half_open(0.0, 1.0)))]
    pub momentum: Option<f64>,
    /// Adam in place of plain steps; `adam: {}` takes the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adam: Option<AdamSection>,
}

impl DescentSection {
    /// How gradients become steps.
    pub fn rule(&self) -> Box<dyn Rule> {
        let momentum = self
            .momentum
            .map(|mu| Box::new(Momentum(mu)) as Box<dyn Rule>);
        let adam = self.adam.map(|adam| Box::new(adam) as Box<dyn Rule>);
        adam.or(momentum).unwrap_or_else(|| Box::new(Plain))
    }

    /// The momentum of these steps, 0 for plain ones, where theory's formulas of descent are of them: on all samples, and
    /// without Adam.
    pub fn heavy_ball(&self) -> Option<f64> {
        self.rule().heavy_ball().filter(|_| self.batch.is_none())
    }

    /// Whether the steps tend to the gradient flow as the learning rate tends to 0, in an order of its
    /// own: batches tend to one gradient's noise first.
    pub fn tends_to_flow(&self) -> bool {
        self.batch.is_none() && self.rule().tends_to_flow()
    }

    /// The largest stable learning rate over that of plain descent, 2/lambda_max. None where there is
    /// no such rate, and for mini-batches, each of which has another Hessian.
    pub fn stability(&self) -> Option<f64> {
        self.rule().stability().filter(|_| self.batch.is_none())
    }

    /// Checks the section; `time` is the time at which the run ends.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self, time: Option<f64>) -> Result<()> {
        self.rule().check()?;
        if self.adam.is_some() && self.momentum.is_some() {
            return Err(InputError::at(
                "descent.adam",
                "momentum and adam are both given, of which only one can be",
                "keep one; beta1 is Adam's own momentum",
            ));
        }
        check::count("descent.batch", self.batch, 1..)?;
        self.check_rates(time)
    }

    /// A descent has to take a step before the run ends.
    fn check_rates(&self, time: Option<f64>) -> Result<()> {
        let key = "descent.learning_rate";
        let rule = self.rule();
        let check = |key: &str, rate: f64| {
            check::number(key, rate, check::POSITIVE)?;
            let step = rule.time_step(rate);
            match time {
                Some(time) if step > time * (1.0 + 1e-12) => Err(InputError::at(
                    key,
                    format!(
                        "a step of {step:?} is longer than the run, flow.until.time = {time:?}: none would be taken"
                    ),
                    "choose a smaller learning rate, or a later time",
                )),
                _ => Ok(()),
            }
        };
        let rates = match &self.learning_rate {
            LearningRates::One(rate) => return check(key, *rate),
            LearningRates::Many(rates) => rates,
        };
        if rates.is_empty() {
            let remedy = "give at least one learning rate, or leave descent out";
            return Err(InputError::at(
                key,
                "the list of learning rates is empty",
                remedy,
            ));
        }
        for (i, &rate) in rates.iter().enumerate() {
            check(&format!("{key}.{i}"), rate)?;
        }
        match (1..rates.len()).find(|&i| rates[..i].contains(&rates[i])) {
            None => Ok(()),
            Some(i) => Err(InputError::at(
                format!("{key}.{i}"),
                format!("{:?} stands twice in the list", rates[i]),
                "keep one of the two",
            )),
        }
    }
}

/// How gradients become steps, and what that means for the trajectory.
pub trait Rule: Debug {
    /// Checks its constants.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// What it is called in figures.
    fn label(&self) -> String;

    /// The time that a step of learning rate `eta` stands for.
    fn time_step(&self, eta: f64) -> f64 {
        eta
    }

    /// The largest stable learning rate over that of plain descent, 2/lambda_max; None where there
    /// is no such rate.
    fn stability(&self) -> Option<f64>;

    /// The momentum mu of v = mu v + g, w += eta v where the rule is that, 0 for plain steps; theory's formulas of descent
    /// are of such steps.
    fn heavy_ball(&self) -> Option<f64> {
        None
    }

    /// Whether it tends to the gradient flow as the learning rate tends to 0.
    fn tends_to_flow(&self) -> bool {
        true
    }

    /// Whether it treats the weights of a rotated network alike, as a reduction asks for.
    fn is_equivariant(&self) -> bool {
        true
    }

    /// The rule before its first step of `len` weights.
    fn start(&self, len: usize) -> Box<dyn Optimiser>;
}

/// A rule at work, with what it remembers.
pub trait Optimiser: Debug {
    /// Starts a step.
    fn begin_step(&mut self) {}

    /// Moves the weights from the entry `start` of the state on by their part of the step of learning rate `eta`,
    /// `g` being minus their gradient.
    fn step(&mut self, start: usize, eta: f64, g: &[f64], weights: &mut [f64]);
}
