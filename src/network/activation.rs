//! The activation of hidden units: its name in scenarios, its properties, its derivatives.

use crate::error::Result;
use crate::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_2_SQRT_PI;

/// What a hidden unit does to the sum z that arrives at it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "linear, relu, tanh, erf or {leaky_relu: 0.1}")]
pub enum Activation {
    /// z.
    #[default]
    Linear,
    /// max(z, 0).
    Relu,
    /// z where z > 0, and elsewhere this slope, from 0 to 1, times z.
    LeakyRelu(#[schemars(transform = within(check::closed(0.0, 1.0)))] f64),
    /// tanh z.
    Tanh,
    /// The error function of z, 2/sqrt(pi) int_0^z exp(-s^2) ds.
    Erf,
}

impl Activation {
    /// Whether it does nothing.
    pub fn is_linear(&self) -> bool {
        *self == Activation::Linear
    }

    /// Whether it can be differentiated everywhere.
    pub fn is_smooth(&self) -> bool {
        !matches!(self, Activation::Relu | Activation::LeakyRelu(_))
    }

    /// Its word in scenarios and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::LeakyRelu(_) => "leaky_relu",
            Activation::Tanh => "tanh",
            Activation::Erf => "erf",
        }
    }

    /// Its slope below 0, where it has one of its own.
    pub fn slope(&self) -> Option<f64> {
        match self {
            Activation::LeakyRelu(slope) => Some(*slope),
            _ => None,
        }
    }

    /// Whether phi(c z) = c phi(z) for every c > 0. The flow of such units conserves the balancedness
    /// of the layers at each unit, and that of linear ones the whole matrices.
    pub fn is_homogeneous(&self) -> bool {
        matches!(
            self,
            Activation::Linear | Activation::Relu | Activation::LeakyRelu(_)
        )
    }

    /// Checks its number, where it has one.
    ///
    /// # Errors
    /// An input error where the number is out of range.
    pub fn check(&self) -> Result<()> {
        check::number("network.activation.leaky_relu", self.slope(), 0.0..=1.0)
    }

    /// Replaces every z by phi(z) and writes phi'(z) to `slope`, and phi''(z) to `curve` unless that is
    /// empty. Where phi has a kink, phi' is the limit from below (of relu: 0) and phi'' is zero.
    pub fn apply(self, z: &mut [f64], slope: &mut [f64], curve: &mut [f64]) {
        match self {
            Activation::Linear => {
                slope.fill(1.0);
                curve.fill(0.0);
            }
            Activation::Relu => rectify(0.0, z, slope, curve),
            Activation::LeakyRelu(leak) => rectify(leak, z, slope, curve),
            Activation::Tanh => smooth(z, slope, curve, |z| {
                let phi = z.tanh();
                let slope = 1.0 - phi * phi;
                (phi, slope, -2.0 * phi * slope)
            }),
            Activation::Erf => smooth(z, slope, curve, |z| {
                let slope = FRAC_2_SQRT_PI * (-z * z).exp();
                (libm::erf(z), slope, -2.0 * z * slope)
            }),
        }
    }
}

fn rectify(leak: f64, z: &mut [f64], slope: &mut [f64], curve: &mut [f64]) {
    for (z, slope) in z.iter_mut().zip(slope) {
        // What is no number stays none.
        *slope = if *z > 0.0 { 1.0 } else { leak };
        *z = if *z > 0.0 { *z } else { leak * *z };
    }
    curve.fill(0.0);
}

fn smooth(
    z: &mut [f64],
    slope: &mut [f64],
    curve: &mut [f64],
    phi: impl Fn(f64) -> (f64, f64, f64),
) {
    if curve.is_empty() {
        for (z, slope) in z.iter_mut().zip(slope) {
            (*z, *slope, _) = phi(*z);
        }
        return;
    }
    for ((z, slope), curve) in z.iter_mut().zip(slope).zip(curve) {
        (*z, *slope, *curve) = phi(*z);
    }
}
