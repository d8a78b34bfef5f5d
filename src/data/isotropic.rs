//! Independent inputs of one variance a modality, and a true map of one weight a modality.

use super::layout;
use super::sampling::{Population, by_modality};
use crate::error::Result;
use crate::scenario::IsotropicData;
use nalgebra::{DMatrix, DVector};

/// The population with S_xx = diag(variance_m) (d x d) and W (1 x d), every entry of a modality
/// its weight_m.
///
/// With it theory is at its simplest at any dimension: |S_yxm| = variance_m |weight_m| sqrt(d_m),
/// and the modalities are uncorrelated until finite samples correlate them by chance.
///
/// # Errors
/// An input error where variance or weight name other modalities.
pub(super) fn population(isotropic: &IsotropicData) -> Result<Population> {
    let dims = &isotropic.modalities;
    let variances = by_modality(dims.keys(), &isotropic.variance, "data.isotropic.variance")?;
    let weights = by_modality(dims.keys(), &isotropic.weight, "data.isotropic.weight")?;
    let spread = |values: Vec<f64>| -> Vec<f64> {
        let blocks = dims.values().zip(values);
        blocks
            .flat_map(|(&dim, value)| std::iter::repeat_n(value, dim))
            .collect()
    };
    let weights = spread(weights);
    Ok(Population {
        modalities: layout(dims.iter().map(|(name, &dim)| (name, dim))),
        inputs: DMatrix::from_diagonal(&DVector::from_vec(spread(variances))),
        map: DMatrix::from_row_slice(1, weights.len(), &weights),
        noise: isotropic.noise,
    })
}
