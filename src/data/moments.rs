//! A given input covariance and a given true map.

use super::modality::layout;
use super::{About, Content, DataSource, MOST_SAMPLES, Population, check_draws};
use crate::error::{InputError, Result};
use crate::section::{ByModality, MOST_DIMENSIONS, check, within};
use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeBounds;

/// Given second moments of the inputs, and a given true map from inputs to outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "modalities": {"A": 1, "B": 2},
    "inputs": [[4.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 1.0]],
    "target_map": [[1.0, 1.0, -1.0]],
}]))]
pub struct MomentsData {
    /// Input dimension of each modality; their order is that of the blocks of the matrices.
    #[schemars(transform = within(check::closed(1, MOST_DIMENSIONS)))]
    pub modalities: ByModality<usize>,
    /// Input covariance of all d inputs: d rows of d numbers, symmetric and positive semi-definite.
    #[schemars(transform = within(check::MAGNITUDE))]
    pub inputs: Vec<Vec<f64>>,
    /// True map: one row of d numbers for each output.
    #[schemars(transform = within(check::MAGNITUDE))]
    pub target_map: Vec<Vec<f64>>,
    /// Standard deviation of the noise added to every output.
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

impl DataSource for MomentsData {
    fn about(&self) -> About<'_> {
        let shape = [self.modalities.values().sum(), self.target_map.len()];
        About::population("moments", &self.modalities, shape, self.samples)
    }

    fn check(&self) -> Result<()> {
        let dims = check::dims("data.moments.modalities", &self.modalities, MOST_DIMENSIONS)?;
        check_matrices(self, dims)?;
        check_draws("data.moments", self.noise, (self.samples, self.mirror))
    }

    /// The covariance is symmetrised by averaging, so that the rounding of its decimals leaves no
    /// trace.
    fn content(&self, _seed: u64) -> Result<Content> {
        let dim = self.modalities.values().sum();
        let inputs = matrix(&self.inputs, dim, dim);
        Ok(Content::Population(Population {
            modalities: layout(&self.modalities),
            inputs: ((&inputs + inputs.transpose()) * 0.5).into(),
            map: matrix(&self.target_map, self.target_map.len(), dim),
            noise: self.noise,
            mirror: self.mirror,
        }))
    }
}

/// Relative to the largest entry or eigenvalue: covariances typed with ten digits pass.
const ROUND_OFF: f64 = 1e-9;

/// Inputs d x d, symmetric and positive semi-definite; target map o x d; `dims` is d.
fn check_matrices(moments: &MomentsData, dims: usize) -> Result<()> {
    let key = "data.moments.inputs";
    let rows = &moments.inputs;
    if rows.len() != dims {
        return Err(InputError::at(
            key,
            format!(
                "{} rows, where the modalities have {dims} inputs together",
                rows.len()
            ),
            format!("give {dims} rows of {dims} numbers, or correct data.moments.modalities"),
        ));
    }
    check_rows(key, rows, dims)?;
    check_covariance(key, rows)?;
    let key = "data.moments.target_map";
    let rows = &moments.target_map;
    if rows.is_empty() {
        return Err(InputError::at(
            key,
            "the map has no row",
            format!("give one row of {dims} numbers for each output"),
        ));
    }
    check_rows(key, rows, dims)?;
    if rows.iter().flatten().all(|&entry| entry == 0.0) {
        return Err(InputError::at(
            key,
            "every entry is 0: there is nothing to learn",
            "give at least one entry other than 0",
        ));
    }
    Ok(())
}

/// Length of each row and range of each entry.
fn check_rows(key: &str, rows: &[Vec<f64>], length: usize) -> Result<()> {
    for (i, row) in rows.iter().enumerate() {
        if row.len() != length {
            return Err(InputError::at(
                format!("{key}.{i}"),
                format!("row {} has {} numbers", i + 1, row.len()),
                format!("give {length} numbers, one for each input"),
            ));
        }
        for (j, &entry) in row.iter().enumerate() {
            // The key is only written out for a bad entry: there may be millions.
            if !check::MAGNITUDE.contains(&entry) {
                check::number(&format!("{key}.{i}.{j}"), entry, check::MAGNITUDE)?;
            }
        }
    }
    Ok(())
}

fn check_covariance(key: &str, rows: &[Vec<f64>]) -> Result<()> {
    let d = rows.len();
    let matrix = DMatrix::from_fn(d, d, |i, j| rows[i][j]);
    let largest = matrix.amax();
    if largest == 0.0 {
        return Err(InputError::at(
            key,
            "every entry is 0: the inputs never vary",
            "give the covariance of the inputs",
        ));
    }
    check_symmetry(key, &matrix, ROUND_OFF * largest)?;
    // Scaled to entries of at most 1, so that no square under- or overflows.
    let values = (matrix / largest).symmetric_eigenvalues();
    let (low, high) = (values.min(), values.max());
    if low < -ROUND_OFF * high.abs() {
        return Err(InputError::at(
            key,
            format!(
                "no covariance: its smallest eigenvalue is {:.3e}, below 0",
                low * largest
            ),
            "make it positive semi-definite: weaken the covariances or raise the variances",
        ));
    }
    Ok(())
}

fn check_symmetry(key: &str, matrix: &DMatrix<f64>, tolerance: f64) -> Result<()> {
    let mut below = (0..matrix.nrows()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let uneven = |&(i, j): &(usize, usize)| (matrix[(i, j)] - matrix[(j, i)]).abs() > tolerance;
    let Some((i, j)) = below.find(uneven) else {
        return Ok(());
    };
    Err(InputError::at(
        format!("{key}.{i}.{j}"),
        format!(
            "the matrix is not symmetric: {:?} in row {}, column {}, but {:?} across the diagonal",
            matrix[(i, j)],
            i + 1,
            j + 1,
            matrix[(j, i)]
        ),
        "give the same number in both places",
    ))
}

/// Lines of numbers as a matrix; what a line lacks is no number, and is refused with the moments.
fn matrix(lines: &[Vec<f64>], rows: usize, cols: usize) -> DMatrix<f64> {
    let entry = |i: usize, j: usize| lines.get(i)?.get(j).copied();
    DMatrix::from_fn(rows, cols, |i, j| entry(i, j).unwrap_or(f64::NAN))
}
