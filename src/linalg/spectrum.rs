//! What is computed from eigenvalues and singular values.

use super::Inverse;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Eigenvalues of an n x n matrix below n x epsilon x the largest count as zero, the usual cut-off of numerical
/// rank.
pub(super) fn eigenvalue_cutoff(eigenvalues: &DVector<f64>, n: usize) -> f64 {
    n as f64 * f64::EPSILON * eigenvalues.amax()
}

/// Moore-Penrose inverse of a symmetric positive semi-definite matrix, to numerical rank.
pub fn pseudo_inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    scaled_where_needed(matrix).0
}

/// Moore-Penrose inverse, numerical rank and largest eigenvalue of all entries of a matrix.
pub(super) fn pseudo_inverse_of(matrix: &DMatrix<f64>) -> Inverse {
    let (inverse, rank, largest) = scaled_where_needed(matrix);
    Inverse {
        matrix: inverse.into(),
        rank,
        largest,
    }
}

/// Moore-Penrose inverse, numerical rank and largest eigenvalue. Rows of very different units are no dependent
/// ones: where the matrix scaled to a diagonal of ones is of full rank, so is the matrix, and the inverse is
/// its inverse.
fn scaled_where_needed(matrix: &DMatrix<f64>) -> (DMatrix<f64>, usize, f64) {
    let (inverse, rank, largest) = unscaled(matrix);
    let full = matrix.nrows();
    if rank == full || matrix.diagonal().iter().any(|variance| *variance <= 0.0) {
        return (inverse, rank, largest);
    }
    let scale = matrix.diagonal().map(|variance| 1.0 / variance.sqrt());
    let scaled = |matrix: &DMatrix<f64>| {
        DMatrix::from_fn(full, full, |i, j| scale[i] * matrix[(i, j)] * scale[j])
    };
    match unscaled(&scaled(matrix)) {
        (correlations, rank, _) if rank == full => (scaled(&correlations), full, largest),
        _ => (inverse, rank, largest),
    }
}

/// The same of the matrix as it stands.
fn unscaled(matrix: &DMatrix<f64>) -> (DMatrix<f64>, usize, f64) {
    if matrix.is_empty() {
        return (matrix.clone(), 0, 0.0);
    }
    let eigen = SymmetricEigen::new(matrix.clone());
    let cutoff = eigenvalue_cutoff(&eigen.eigenvalues, matrix.nrows());
    let inverted = eigen
        .eigenvalues
        .map(|value| if value > cutoff { 1.0 / value } else { 0.0 });
    let rank = inverted.iter().filter(|value| **value != 0.0).count();
    let mut scaled = eigen.eigenvectors.clone();
    for (mut column, value) in scaled.column_iter_mut().zip(&inverted) {
        column *= *value;
    }
    let largest = eigen.eigenvalues.amax();
    (scaled * eigen.eigenvectors.transpose(), rank, largest)
}

/// Eigenvalues of a symmetric matrix, the largest first, and their eigenvectors as columns.
pub fn descending_eigen(matrix: DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let eigen = SymmetricEigen::new(matrix);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let values = order.iter().map(|&k| eigen.eigenvalues[k]).collect();
    (values, eigen.eigenvectors.select_columns(&order))
}

/// Largest singular value: the norm |S| of the growth rates. It equals the Frobenius norm for
/// one output.
pub fn spectral_norm(matrix: &DMatrix<f64>) -> f64 {
    if matrix.is_empty() {
        return 0.0;
    }
    matrix.singular_values().max()
}
