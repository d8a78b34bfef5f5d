//! What is computed from eigenvalues and singular values.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Eigenvalues below n x epsilon x the largest count as zero, the usual cut-off of numerical rank.
fn rank_cutoff(eigenvalues: &DVector<f64>) -> f64 {
    eigenvalues.len() as f64 * f64::EPSILON * eigenvalues.amax()
}

/// Moore-Penrose inverse of a symmetric positive semi-definite matrix, to numerical rank.
pub fn pseudo_inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    pseudo_inverse_and_rank(matrix).0
}

/// Moore-Penrose inverse and numerical rank. Rows of very different units are no dependent ones: where the
/// matrix scaled to a diagonal of ones is of full rank, so is the matrix, and the inverse is its inverse.
pub fn pseudo_inverse_and_rank(matrix: &DMatrix<f64>) -> (DMatrix<f64>, usize) {
    let (inverse, rank) = unscaled(matrix);
    let full = matrix.nrows();
    if rank == full || matrix.diagonal().iter().any(|variance| *variance <= 0.0) {
        return (inverse, rank);
    }
    let scale = matrix.diagonal().map(|variance| 1.0 / variance.sqrt());
    let scaled = |matrix: &DMatrix<f64>| {
        DMatrix::from_fn(full, full, |i, j| scale[i] * matrix[(i, j)] * scale[j])
    };
    match unscaled(&scaled(matrix)) {
        (correlations, rank) if rank == full => (scaled(&correlations), full),
        _ => (inverse, rank),
    }
}

/// The same of the matrix as it stands.
fn unscaled(matrix: &DMatrix<f64>) -> (DMatrix<f64>, usize) {
    if matrix.is_empty() {
        return (matrix.clone(), 0);
    }
    let eigen = SymmetricEigen::new(matrix.clone());
    let cutoff = rank_cutoff(&eigen.eigenvalues);
    let inverted = eigen
        .eigenvalues
        .map(|value| if value > cutoff { 1.0 / value } else { 0.0 });
    let rank = inverted.iter().filter(|value| **value != 0.0).count();
    let mut scaled = eigen.eigenvectors.clone();
    for (mut column, value) in scaled.column_iter_mut().zip(&inverted) {
        column *= *value;
    }
    (scaled * eigen.eigenvectors.transpose(), rank)
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
