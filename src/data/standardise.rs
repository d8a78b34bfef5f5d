//! Columns of mean 0 and variance 1.

use nalgebra::{DVectorViewMut, Dyn, U1};

type Column<'c> = DVectorViewMut<'c, f64, U1, Dyn>;

/// Why a column cannot be scaled to variance 1.
#[derive(Debug, PartialEq)]
pub(crate) enum Flat {
    /// All rows trained on have this value.
    Constant(f64),
    /// They differ by no more than rounding; the least and the largest value.
    Rounding(f64, f64),
}

/// Shifts and scales a column to mean 0 and variance 1 (divided by n) of the rows trained on; the rows
/// held out by the same shift and scale, so that they tell nothing to the training.
///
/// A variance of at most n eps var + (n mean eps)^2 is round-off: scikit-learn's `_is_constant_feature`,
/// after Chan, Golub & LeVeque, "Algorithms for computing the sample variance" (The American
/// Statistician 37, 1983).
pub(crate) fn standardise(mut column: Column<'_>, mut held_out: Column<'_>) -> Result<(), Flat> {
    // Compared, not computed: round-off in the mean gives a constant column a variance.
    if column.iter().all(|&x| x == column[0]) {
        return Err(Flat::Constant(column[0]));
    }
    let (least, largest) = (column.min(), column.max());
    let scale = binary_scale(column.amax());
    // Exact, and what is squared below is at most 1.
    column.apply(|x| *x = libm::scalbn(*x, -scale));
    let mean = column.mean();
    column.add_scalar_mut(-mean);
    // The mean's own round-off, left over where it is large next to the deviations.
    let rest = column.mean();
    column.add_scalar_mut(-rest);
    let rows = column.len() as f64;
    let deviation = column.norm() / rows.sqrt();
    let (variance, round_off) = (deviation * deviation, rows * f64::EPSILON);
    if variance <= round_off * variance + (round_off * mean).powi(2) {
        return Err(Flat::Rounding(least, largest));
    }
    column /= deviation;
    held_out.apply(|x| *x = ((libm::scalbn(*x, -scale) - mean) - rest) / deviation);
    Ok(())
}

/// The exponent that brings a number into the range from 1/2 to 1.
fn binary_scale(largest: f64) -> i32 {
    libm::frexp(largest).1
}

/// Takes the mean over the rows trained on from a column, and from the rows held out.
pub(crate) fn centre(mut column: Column<'_>, mut held_out: Column<'_>) {
    let mean = column.mean();
    column.add_scalar_mut(-mean);
    held_out.add_scalar_mut(-mean);
}
