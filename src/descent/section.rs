//! The descent section: learning rates, mini-batches, the optimiser.

use super::learning_rates::LearningRates;
use super::optimiser::{AdamSection, Momentum, Plain, Rule};
use crate::error::{InputError, Result};
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    #[schemars(transform = within(1..))]
    pub batch: Option<u64>,
    /// Momentum mu. A step of learning rate eta then stands for the flow time eta/(1 - mu).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(0.0..1.0))]
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
        if let Some(batch) = self.batch {
            check::count("descent.batch", batch, 1..)?;
        }
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
