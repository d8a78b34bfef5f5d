//! Toy data: one scalar input a modality, one scalar target.

use super::layout;
use super::sampling::{Population, by_modality};
use crate::error::Result;
use crate::scenario::ToyData;
use nalgebra::{DMatrix, DVector};

/// The population of toy data: S_ij = rho sigma_i sigma_j for every pair i /= j, S_ii = sigma_i^2,
/// and W (1 x M) the targets.
///
/// Source: ICML 2024 paper, the two-input examples of the sections on the unimodal phase.
///
/// # Errors
/// An input error where sigma and target name different modalities.
pub(super) fn population(toy: &ToyData) -> Result<Population> {
    let sigma = DVector::from_iterator(toy.sigma.len(), toy.sigma.values().copied());
    let map = by_modality(toy.sigma.keys(), &toy.target, "data.toy.target")?;
    let inputs = DMatrix::from_fn(sigma.len(), sigma.len(), |i, j| {
        let correlation = if i == j { 1.0 } else { toy.rho };
        correlation * (sigma[i] * sigma[j])
    });
    Ok(Population {
        modalities: layout(toy.sigma.keys().map(|name| (name, 1))),
        inputs,
        map: DMatrix::from_row_slice(1, map.len(), &map),
        noise: toy.noise,
    })
}
