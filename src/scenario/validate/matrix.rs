//! The matrices of data.moments.

use super::{LARGEST, number, wrong};
use crate::error::Result;
use crate::scenario::MomentsData;
use nalgebra::DMatrix;

/// Relative to the largest entry or eigenvalue: covariances typed with ten digits pass.
const ROUND_OFF: f64 = 1e-9;

/// Inputs d x d, symmetric and positive semi-definite; target map o x d; `dims` is d.
pub(super) fn check(moments: &MomentsData, dims: usize) -> Result<()> {
    let key = "data.moments.inputs";
    let rows = &moments.inputs;
    if rows.len() != dims {
        return Err(wrong(
            key,
            format!(
                "{} rows, where the modalities have {dims} inputs together",
                rows.len()
            ),
            format!("give {dims} rows of {dims} numbers, or mend data.moments.modalities"),
        ));
    }
    check_rows(key, rows, dims)?;
    check_covariance(key, rows)?;
    let key = "data.moments.target_map";
    let rows = &moments.target_map;
    if rows.is_empty() {
        return Err(wrong(
            key,
            "the map has no row",
            format!("give one row of {dims} numbers for each output"),
        ));
    }
    check_rows(key, rows, dims)?;
    if rows.iter().flatten().all(|&entry| entry == 0.0) {
        return Err(wrong(
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
            return Err(wrong(
                format!("{key}.{i}"),
                format!("row {} has {} numbers", i + 1, row.len()),
                format!("give {length} numbers, one for each input"),
            ));
        }
        for (j, &entry) in row.iter().enumerate() {
            // The key is only written out for a bad entry: there may be millions.
            if !(-LARGEST..=LARGEST).contains(&entry) {
                number(&format!("{key}.{i}.{j}"), entry, -LARGEST..=LARGEST)?;
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
        return Err(wrong(
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
        return Err(wrong(
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
    Err(wrong(
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
