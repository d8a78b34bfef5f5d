//! Independent inputs with one variance of each modality, and a true map with one weight of each.

use super::modality::layout;
use super::sampling::by_input;
use super::{
    About, Content, DataSource, MOST_SAMPLES, Population, check_draws, check_true_weights,
    most_samples,
};
use crate::error::{InputError, Result};
use crate::linalg::SemiDefinite;
use crate::section::{ByModality, MOST_DIMENSIONS, MOST_INPUTS, check, within};
use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Independent inputs: all inputs of a modality have its variance and its true weight, and
/// y = sum_m weight_m (sum of the inputs of m) + noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "modalities": {"A": 20, "B": 20},
    "variance": {"A": 4.0, "B": 1.0},
    "weight": {"A": 1.0, "B": 1.0},
    "noise": 0.5,
    "samples": 100,
}]))]
pub struct IsotropicData {
    /// Input dimension of each modality.
    #[schemars(transform = within(check::closed(1, MOST_INPUTS)))]
    pub modalities: ByModality<usize>,
    /// Variance of the inputs of each modality.
    #[schemars(transform = within(check::POSITIVE))]
    pub variance: ByModality<f64>,
    /// True weight of the inputs of each modality.
    #[schemars(transform = within(check::MAGNITUDE))]
    pub weight: ByModality<f64>,
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

impl DataSource for IsotropicData {
    fn about(&self) -> About<'_> {
        let shape = [self.modalities.values().sum(), 1];
        About::population("isotropic", &self.modalities, shape, self.samples)
    }

    fn check(&self) -> Result<()> {
        let key = "data.isotropic.modalities";
        let inputs = check::dims(key, &self.modalities, MOST_INPUTS)?;
        let names = self.about().modalities;
        let (variance, weight) = ("data.isotropic.variance", "data.isotropic.weight");
        check::same_names(variance, self.variance.keys(), key, &names)?;
        check::same_names(weight, self.weight.keys(), key, &names)?;
        check::numbers(variance, &self.variance, check::POSITIVE)?;
        check_true_weights(weight, &self.weight, "weight")?;
        check_draws("data.isotropic", self.noise, (self.samples, self.mirror))?;
        let samples = self.samples.unwrap_or(0);
        if samples <= most_samples(inputs) {
            return Ok(());
        }
        Err(InputError::at(
            "data.isotropic.samples",
            format!("{samples} samples of {inputs} inputs are too many"),
            format!(
                "draw at most {}, or none for the moments of the population; or choose at most \
                 {MOST_DIMENSIONS} inputs",
                most_samples(inputs)
            ),
        ))
    }

    /// S_xx = diag(variance_m) (d x d) and W (1 x d), every entry of a modality its weight_m.
    ///
    /// With it theory is at its simplest at any dimension: |S_yxm| = variance_m |weight_m| sqrt(d_m),
    /// and the modalities are uncorrelated until finite samples correlate them by chance.
    fn content(&self, _seed: u64) -> Result<Content> {
        let modalities = layout(&self.modalities);
        let variances = by_input(&modalities, &self.variance, "data.isotropic.variance")?;
        let weights = by_input(&modalities, &self.weight, "data.isotropic.weight")?;
        Ok(Content::Population(Population {
            modalities,
            inputs: SemiDefinite::diagonal(variances),
            map: DMatrix::from_row_slice(1, weights.len(), weights.as_slice()),
            noise: self.noise,
            mirror: self.mirror,
        }))
    }
}
