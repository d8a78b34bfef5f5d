//! Samples that cannot be used as they are, or may not be what they seem: too large, too many, codes for missing values.

use super::origin::Origin;
use super::{Modality, most_samples};
use crate::error::{InputError, Remedy, Result};
use crate::section::{MOST_DIMENSIONS, MOST_INPUTS};
use nalgebra::{DMatrix, DVectorView};

/// From here on a number is pointed out as a code for a missing value: half of the largest double. The
/// usual codes are 1e308 and the largest double itself.
const CODE: f64 = f64::MAX / 2.0;

/// Largest magnitude of numbers that are not standardised: sums of squares stay finite.
const MOST_SQUARED: f64 = 1e150;

/// Warnings of numbers that some programs write for missing values, one for each column that has them.
pub(super) fn codes(values: &DMatrix<f64>, origins: &[Origin]) -> Vec<String> {
    let warning = |(column, origin): (DVectorView<'_, f64>, &Origin)| {
        let of_code = |value: &&f64| value.abs() >= CODE;
        let first = column.iter().find(of_code)?;
        let count = column.iter().filter(of_code).count();
        let values = if count == 1 { "value" } else { "values" };
        Some(format!(
            "{} of {} has {count} {values} as large as {first:e}, which some programs write where a value is \
             missing: if it is no measurement, leave such rows out",
            origin.column, origin.place
        ))
    };
    values
        .column_iter()
        .zip(origins)
        .filter_map(warning)
        .collect()
}

/// Makes sure that the squares of numbers that are taken as they are do not overflow.
pub(super) fn ensure_squares(values: &DMatrix<f64>, origins: &[Origin], key: &str) -> Result<()> {
    for (column, origin) in values.column_iter().zip(origins) {
        let largest = column.amax();
        if largest > MOST_SQUARED {
            let problem = format!(
                "a value of magnitude {largest:e}: its square is larger than numbers can be"
            );
            let remedy = Remedy::from("rescale the column or ")
                .set(format!("{key}.standardise"), "true")
                .text("; if the value stands for a missing one, leave the row out");
            return Err(origin.refuse(problem, remedy));
        }
    }
    Ok(())
}

/// Makes sure that the second moments of so many rows of these inputs can be decomposed in seconds.
pub(super) fn ensure_few(modalities: &[Modality], rows: usize, key: &str) -> Result<()> {
    let inputs = modalities.last().map_or(0, |modality| modality.range.end);
    let most = most_samples(inputs);
    if rows as u64 <= most {
        return Ok(());
    }
    let limit = match most {
        0 => format!("there can be {MOST_INPUTS}"),
        _ => format!(
            "more than {MOST_DIMENSIONS} need at least twice as many inputs as rows, and there are {rows} rows"
        ),
    };
    let problem = format!("the modalities have {inputs} inputs together: {limit}");
    let remedy = format!(
        "keep the principal components that matter, with {key}.components: 0.99, or fewer columns"
    );
    Err(InputError::at(format!("{key}.modalities"), problem, remedy))
}
