//! A given input covariance and a given true map.

use super::layout;
use super::sampling::Population;
use crate::error::{InputError, Result};
use crate::scenario::MomentsData;
use nalgebra::DMatrix;

/// The population of the moments given. The covariance is symmetrised by averaging, so that the
/// rounding of its decimals leaves no trace.
///
/// # Errors
/// An input error where a matrix does not have the shape that the modalities ask for.
pub(super) fn population(given: &MomentsData) -> Result<Population> {
    let modalities = layout(given.modalities.iter().map(|(name, &dim)| (name, dim)));
    let dim = given.modalities.values().sum();
    let inputs = matrix(&given.inputs, dim, dim, "data.moments.inputs")?;
    let outputs = given.target_map.len();
    let map = matrix(&given.target_map, outputs, dim, "data.moments.target_map")?;
    Ok(Population {
        modalities,
        inputs: (&inputs + inputs.transpose()) * 0.5,
        map,
        noise: given.noise,
    })
}

fn matrix(lines: &[Vec<f64>], rows: usize, cols: usize, key: &'static str) -> Result<DMatrix<f64>> {
    if lines.len() != rows {
        return Err(InputError::at(
            key,
            format!(
                "{} rows where the modalities have {rows} inputs",
                lines.len()
            ),
            format!("give {rows} rows of {cols} numbers"),
        )
        .into());
    }
    if let Some((i, line)) = lines
        .iter()
        .enumerate()
        .find(|(_, line)| line.len() != cols)
    {
        return Err(InputError::at(
            format!("{key}[{i}]"),
            format!(
                "{} numbers where the modalities have {cols} inputs",
                line.len()
            ),
            format!("give {cols} numbers in every row"),
        )
        .into());
    }
    Ok(DMatrix::from_row_iterator(
        rows,
        cols,
        lines.iter().flatten().copied(),
    ))
}
