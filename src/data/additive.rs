//! Targets that are a sum over the modalities, of which a linear map can learn a part.
//!
//! y = g_A(x_A) + g_B(x_B) + p z_A z_B. Each g_m is a sum of two uncorrelated parts of power 1, one that a linear map of
//! x_m can learn and one that none can,
//!
//! ```text
//! g_m = size (sqrt(linear) z_m + sqrt(1 - linear) e_m)
//! one Gaussian input          z = x/sigma          e = (|z| - sqrt(2/pi))/sqrt(1 - 2/pi)
//! k inputs of -sigma, sigma   z = x_1/sigma        e = the product of all x_i/sigma: XOR of k bits
//! ```
//!
//! The even function |z| is what a pair of rectified units makes of one input; XOR is the task of Zhang, Latham & Saxe
//! (ICML 2024), section on nonlinear networks, there with two bits.

use super::modality::layout;
use super::rows::Rows;
use super::{About, Content, DataSource, Loss, MOST_SAMPLES, Sampling};
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::section::{check, within};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_2_PI;

/// y = g_A(x_A) + g_B(x_B) + product z_A z_B, samples drawn. Each g_m has a part that a linear map can learn, z_m, and one
/// that none can.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "A": {"size": 2.0, "linear": 1.0},
    "B": {"bits": 3, "linear": 0.2},
    "samples": 512,
}]))]
pub struct AdditiveData {
    /// What the target has of modality A.
    #[serde(default, rename = "A")]
    pub a: AdditivePart,
    /// What the target has of modality B.
    #[serde(default, rename = "B")]
    pub b: AdditivePart,
    /// Weight of the product z_A z_B, which no modality can learn alone.
    #[serde(default)]
    #[schemars(transform = within(check::MAGNITUDE))]
    pub product: f64,
    /// Correlation coefficient of x_A and x_B, where both are Gaussian.
    #[serde(default)]
    #[schemars(transform = within(check::closed(-1.0, 1.0)))]
    pub rho: f64,
    /// Number of samples.
    #[serde(default = "some_samples")]
    #[schemars(transform = within(check::closed(1, MOST_SAMPLES)))]
    pub samples: u64,
}

/// What a target has of one modality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"size": 2.0, "linear": 0.5}]))]
pub struct AdditivePart {
    /// The root of its power.
    #[serde(default = "one")]
    #[schemars(transform = within(check::POSITIVE))]
    pub size: f64,
    /// Share of the power that a linear map can learn.
    #[serde(default = "one")]
    #[schemars(transform = within(check::closed(0.0, 1.0)))]
    pub linear: f64,
    /// Standard deviation of each of its inputs.
    #[serde(default = "one")]
    #[schemars(transform = within(check::POSITIVE))]
    pub sigma: f64,
    /// Number of inputs of two values, of which XOR is taken; 0 is one Gaussian input.
    #[serde(default)]
    #[schemars(transform = within(BITS))]
    pub bits: u64,
}

impl Default for AdditivePart {
    /// One Gaussian input, learned by a linear map.
    fn default() -> Self {
        Self {
            size: 1.0,
            linear: 1.0,
            sigma: 1.0,
            bits: 0,
        }
    }
}

/// Numbers of inputs of two values.
const BITS: std::ops::RangeInclusive<u64> = 0..=8;

fn one() -> f64 {
    1.0
}

fn some_samples() -> u64 {
    512
}

/// Names of the parts of the target: of the modalities, and of both together.
const PARTS: [&str; 3] = ["A", "B", "product"];

impl AdditiveData {
    fn modalities(&self) -> [(&'static str, &AdditivePart); 2] {
        [("A", &self.a), ("B", &self.b)]
    }
}

impl AdditivePart {
    fn inputs(&self) -> usize {
        self.bits.max(1) as usize
    }

    fn check(&self, key: &str) -> Result<()> {
        check::number(&format!("{key}.size"), self.size, check::POSITIVE)?;
        check::number(&format!("{key}.linear"), self.linear, 0.0..=1.0)?;
        check::number(&format!("{key}.sigma"), self.sigma, check::POSITIVE)?;
        check::count(&format!("{key}.bits"), self.bits, BITS)?;
        match self.bits {
            1 => Err(InputError::at(
                format!("{key}.bits"),
                "one input of two values has no XOR",
                "give 2 or more, or 0 for one Gaussian input",
            )),
            _ => Ok(()),
        }
    }

    /// The inputs in units of their standard deviation, from a Gaussian number where there is one input.
    fn draw(&self, gaussian: f64, random: &mut impl rand::Rng) -> Vec<f64> {
        let bit = |_| if random.random::<bool>() { 1.0 } else { -1.0 };
        match self.bits {
            0 => vec![gaussian],
            bits => (0..bits).map(bit).collect(),
        }
    }

    /// g_m.
    fn target(&self, z: &[f64]) -> f64 {
        let hidden = match self.bits {
            0 => (z[0].abs() - FRAC_2_PI.sqrt()) / (1.0 - FRAC_2_PI).sqrt(),
            _ => z.iter().product(),
        };
        self.size * (self.linear.sqrt() * z[0] + (1.0 - self.linear).sqrt() * hidden)
    }
}

impl DataSource for AdditiveData {
    fn about(&self) -> About<'_> {
        About {
            shape: Some([self.a.inputs() + self.b.inputs(), 1]),
            holds_samples: true,
            ..About::of("additive", vec!["A", "B"], Sampling::Drawn(self.samples))
        }
    }

    fn check(&self) -> Result<()> {
        for (name, part) in self.modalities() {
            part.check(&format!("data.additive.{name}"))?;
        }
        check::number("data.additive.product", self.product, check::MAGNITUDE)?;
        check::number("data.additive.rho", self.rho, -1.0..=1.0)?;
        check::count("data.additive.samples", self.samples, 1..=MOST_SAMPLES)?;
        if self.rho != 0.0 && self.a.bits + self.b.bits > 0 {
            return Err(InputError::at(
                "data.additive.rho",
                "inputs of two values are drawn independently",
                "leave rho out, or give both modalities one Gaussian input (bits: 0)",
            ));
        }
        Ok(())
    }

    /// Both modalities' inputs side by side; the parts of the target add up to it.
    fn content(&self, seed: u64) -> Result<Content> {
        let mut random = stream(seed, Purpose::Samples);
        let len = self.samples as usize;
        let [a, b] = [self.a.inputs(), self.b.inputs()];
        let count = if self.product == 0.0 { 2 } else { 3 };
        let mut inputs = DMatrix::zeros(len, a + b);
        let mut parts = DMatrix::zeros(len, count);
        for row in 0..len {
            let first: f64 = random.sample(StandardNormal);
            let other: f64 = random.sample(StandardNormal);
            let second = self.rho * first + (1.0 - self.rho * self.rho).sqrt() * other;
            let z_a = self.a.draw(first, &mut random);
            let z_b = self.b.draw(second, &mut random);
            let known = [
                self.a.target(&z_a),
                self.b.target(&z_b),
                self.product * z_a[0] * z_b[0],
            ];
            parts.row_mut(row).copy_from_slice(&known[..count]);
            let scaled = z_a.iter().map(|z| z * self.a.sigma);
            let scaled = scaled.chain(z_b.iter().map(|z| z * self.b.sigma));
            for (column, value) in scaled.enumerate() {
                inputs[(row, column)] = value;
            }
        }
        let rows = Rows {
            modalities: layout([("A", a), ("B", b)]),
            inputs,
            targets: DMatrix::from_column_slice(len, 1, parts.column_sum().as_slice()),
            parts: Some((&PARTS[..count], parts)),
            reading: None,
            loss: Loss::Squared,
        };
        Ok(Content::of_rows(rows, None))
    }
}
