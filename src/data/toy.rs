//! Toy data: one scalar input of each modality, one scalar target.

use super::modality::layout;
use super::sampling::by_input;
use super::{
    About, Content, DataSource, MOST_SAMPLES, Population, check_draws, check_true_weights,
};
use crate::error::Result;
use crate::section::{ByModality, check, within};
use nalgebra::{DMatrix, DVector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One scalar input of each modality: x_m has the standard deviation sigma_m, every pair of inputs
/// has the correlation rho, and y = sum_m target_m x_m + noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "sigma": {"A": 2.0, "B": 1.0},
    "target": {"A": 1.0, "B": 1.0},
    "rho": 0.5,
}]))]
pub struct ToyData {
    /// Correlation coefficient of every pair of inputs; -1/(M-1) or more for M modalities.
    #[serde(default)]
    #[schemars(transform = within(check::closed(-1.0, 1.0)))]
    pub rho: f64,
    /// Standard deviation of the input of each modality; one modality or more.
    #[schemars(transform = within(check::POSITIVE))]
    pub sigma: ByModality<f64>,
    /// True weight of each modality; the same modalities as sigma.
    #[schemars(transform = within(check::MAGNITUDE))]
    pub target: ByModality<f64>,
    /// Standard deviation of the noise added to the target.
    #[serde(default)]
    #[schemars(transform = within(check::closed(0.0, check::LARGEST)))]
    pub noise: f64,
    /// Number of samples that are drawn. Without it the moments of the population are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::closed(1, MOST_SAMPLES)))]
    pub samples: Option<u64>,
    /// Whether half of the samples are drawn, and each comes with its negative, input and target. samples is then even.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub mirror: bool,
}

impl DataSource for ToyData {
    fn about(&self) -> About<'_> {
        About::population("toy", &self.sigma, [self.sigma.len(), 1], self.samples)
    }

    fn check(&self) -> Result<()> {
        check::modality_names("data.toy.sigma", &self.sigma)?;
        let names = self.about().modalities;
        let (sigma, target) = ("data.toy.sigma", "data.toy.target");
        check::same_names(target, self.target.keys(), sigma, &names)?;
        check::numbers(sigma, &self.sigma, check::POSITIVE)?;
        check_true_weights(target, &self.target, "target")?;
        // Below it the covariance has a negative eigenvalue.
        let lowest = -1.0 / (names.len() as f64 - 1.0);
        check::number("data.toy.rho", self.rho, lowest..=1.0)?;
        check_draws("data.toy", self.noise, (self.samples, self.mirror))
    }

    /// S_ij = rho sigma_i sigma_j for every pair i /= j, S_ii = sigma_i^2, and W (1 x M) the targets.
    ///
    /// Source: ICML 2024 paper, the two-input examples of the sections on the unimodal phase.
    fn content(&self, _seed: u64) -> Result<Content> {
        let modalities = layout(self.sigma.keys().map(|name| (name, 1)));
        let sigma = DVector::from_iterator(self.sigma.len(), self.sigma.values().copied());
        let map = by_input(&modalities, &self.target, "data.toy.target")?;
        let inputs = DMatrix::from_fn(sigma.len(), sigma.len(), |i, j| {
            let correlation = if i == j { 1.0 } else { self.rho };
            correlation * (sigma[i] * sigma[j])
        });
        Ok(Content::Population(Population {
            modalities,
            inputs: inputs.into(),
            map: DMatrix::from_row_slice(1, map.len(), map.as_slice()),
            noise: self.noise,
            mirror: self.mirror,
        }))
    }
}
