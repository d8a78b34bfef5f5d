//! XOR data: y = x_A + XOR(x_B), what a linear map can learn and what it cannot.
//!
//! XOR of two inputs of -1 or 1 is 1 where they differ and -1 where they are equal: -x_1 x_2. It is
//! uncorrelated with x_B, so that no linear map of B explains any of it. Source of the task: Zhang,
//! Latham & Saxe (ICML 2024), section on nonlinear networks.

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

/// y = x_A + XOR(x_B): x_A is Gaussian, and x_B has two inputs, each -1 or 1. XOR(x_B) is 1 where the
/// two differ and -1 where they are equal. Each x_A is paired with all four x_B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"sigma": 0.5, "samples": 8192}]))]
pub struct XorData {
    /// Standard deviation of x_A.
    #[schemars(transform = within(check::POSITIVE))]
    pub sigma: f64,
    /// Number of samples, a multiple of 4.
    #[schemars(transform = within(check::closed(4, MOST_SAMPLES)))]
    pub samples: u64,
    /// Whether half of the x_A are drawn, and each comes with its negative: the inputs are then as they are with all signs
    /// turned, and so is the linear part of the target; XOR keeps its sign. samples is then a multiple of 8.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub mirror: bool,
}

impl DataSource for XorData {
    fn about(&self) -> About<'_> {
        About {
            shape: Some([3, 1]),
            holds_samples: true,
            ..About::of("xor", vec!["A", "B"], Sampling::Drawn(self.samples))
        }
    }

    fn check(&self) -> Result<()> {
        check::number("data.xor.sigma", self.sigma, check::POSITIVE)?;
        check::count("data.xor.samples", self.samples, 4..=MOST_SAMPLES)?;
        if self.mirror && !self.samples.is_multiple_of(8) {
            return Err(InputError::at(
                "data.xor.samples",
                format!("{} is not a multiple of 8", self.samples),
                "every x_A is paired with the four x_B, and with its negative (mirror): give a multiple of 8",
            ));
        }
        match self.samples % 4 {
            0 => Ok(()),
            _ => Err(InputError::at(
                "data.xor.samples",
                format!("{} is not a multiple of 4", self.samples),
                "every x_A is paired with the four x_B: give a multiple of 4, for example 8192",
            )),
        }
    }

    /// Modality A has one input, B two; the two parts of the target add up to it.
    ///
    /// Every x_A is drawn once and paired with all four x_B: these are balanced, and uncorrelated with
    /// x_A, to the last digit.
    fn content(&self, seed: u64) -> Result<Content> {
        let mut rng = stream(seed, Purpose::Samples);
        let len = self.samples as usize;
        let mut inputs = DMatrix::zeros(len, 3);
        let mut parts = DMatrix::zeros(len, 2);
        let mut x = 0.0;
        for row in 0..len {
            let [left, right] = CORNERS[row % CORNERS.len()];
            let number = row / CORNERS.len();
            if row % CORNERS.len() == 0 && self.mirror && number % 2 == 1 {
                x = -x;
            } else if row % CORNERS.len() == 0 {
                x = self.sigma * rng.sample::<f64, _>(StandardNormal);
            }
            inputs.row_mut(row).copy_from_slice(&[x, left, right]);
            parts.row_mut(row).copy_from_slice(&[x, -left * right]);
        }
        let rows = Rows {
            modalities: layout([("A", 1), ("B", 2)]),
            inputs,
            targets: DMatrix::from_column_slice(len, 1, parts.column_sum().as_slice()),
            parts: Some((&PARTS, parts)),
            reading: None,
            loss: Loss::Squared,
        };
        Ok(Content::of_rows(rows, None))
    }
}

/// The four values of x_B.
const CORNERS: [[f64; 2]; 4] = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];

/// Names of the two parts of the target.
const PARTS: [&str; 2] = ["linear", "xor"];
