//! Adam: running means m and s of g and g^2, w += eta m^/(sqrt(s^) + epsilon).

use super::{Optimiser, Rule};
use crate::error::Result;
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Constants of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"beta1": 0.9}]))]
pub struct AdamSection {
    /// Decay of the running mean of the gradient.
    #[schemars(transform = within(check::half_open(0.0, 1.0)))]
    pub beta1: f64,
    /// Decay of the running mean of its square.
    #[schemars(transform = within(check::half_open(0.0, 1.0)))]
    pub beta2: f64,
    /// Number that is added to the root of the mean square.
    #[schemars(transform = within(check::POSITIVE))]
    pub epsilon: f64,
}

impl Default for AdamSection {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl Rule for AdamSection {
    fn check(&self) -> Result<()> {
        check::number("descent.adam.beta1", self.beta1, 0.0..1.0)?;
        check::number("descent.adam.beta2", self.beta2, 0.0..1.0)?;
        check::number("descent.adam.epsilon", self.epsilon, check::POSITIVE)
    }

    fn label(&self) -> String {
        "Adam".to_owned()
    }

    fn stability(&self) -> Option<f64> {
        None
    }

    fn tends_to_flow(&self) -> bool {
        false
    }

    fn is_equivariant(&self) -> bool {
        false
    }

    fn start(&self, len: usize) -> Box<dyn Optimiser> {
        Box::new(Means {
            constants: *self,
            first: vec![0.0; len],
            second: vec![0.0; len],
            powers: [1.0; 2],
        })
    }
}

#[derive(Debug)]
struct Means {
    constants: AdamSection,
    /// m and s.
    first: Vec<f64>,
    second: Vec<f64>,
    /// beta1 and beta2 to the number of steps.
    powers: [f64; 2],
}

impl Optimiser for Means {
    fn begin_step(&mut self) {
        let AdamSection { beta1, beta2, .. } = self.constants;
        self.powers = [self.powers[0] * beta1, self.powers[1] * beta2];
    }

    fn step(&mut self, start: usize, eta: f64, g: &[f64], weights: &mut [f64]) {
        let AdamSection {
            beta1,
            beta2,
            epsilon,
        } = self.constants;
        let [bias1, bias2] = self.powers.map(|power| 1.0 - power);
        let first = self.first[start..].iter_mut();
        let means = first.zip(&mut self.second[start..]);
        for ((weight, (m, s)), g) in weights.iter_mut().zip(means).zip(g) {
            *m = beta1 * *m + (1.0 - beta1) * g;
            *s = beta2 * *s + (1.0 - beta2) * g * g;
            *weight += eta * (*m / bias1) / ((*s / bias2).sqrt() + epsilon);
        }
    }
}
