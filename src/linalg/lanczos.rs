//! The Lanczos process: an orthonormal basis of a Krylov space of a symmetric matrix.
//!
//! The basis V = [v_1 ... v_m] of the space of b, J b, ..., J^{m-1} b makes T = V^T J V a small
//! tridiagonal matrix:
//!
//! ```text
//! J V  =  V T + beta_m v_{m+1} e_m^T
//! ```
//!
//! J is known by its products with vectors alone. Every new vector is orthogonalised against all
//! others, twice, because the modes of a plateau differ by many orders of magnitude: the plain
//! three-term recurrence loses orthogonality as soon as an eigenvalue converges. Source: G. H.
//! Golub & C. F. Van Loan, "Matrix Computations", section on practical Lanczos procedures.

use crate::linalg::dot;
use nalgebra::{DMatrix, SymmetricEigen};

/// A Krylov basis with its storage, and the eigenvectors of its T.
#[derive(Debug)]
pub struct Lanczos {
    /// Length of a vector.
    len: usize,
    /// Most vectors.
    capacity: usize,
    /// v_1 ... v_{m+1}, one after the other.
    vectors: Vec<f64>,
    /// Diagonal of T.
    alpha: Vec<f64>,
    /// Below the diagonal of T; the last one leads out of the basis.
    beta: Vec<f64>,
    /// Eigenvalues of T.
    values: Vec<f64>,
    /// Eigenvectors of T, by columns.
    eigenvectors: DMatrix<f64>,
}

impl Lanczos {
    /// Storage for vectors of length `len` and bases of up to `capacity` of them.
    pub fn new(len: usize, capacity: usize) -> Self {
        let capacity = capacity.min(len);
        Self {
            len,
            capacity,
            // Untouched pages of zeros take no memory.
            vectors: vec![0.0; len * (capacity + 1)],
            alpha: Vec::with_capacity(capacity),
            beta: Vec::with_capacity(capacity),
            values: Vec::with_capacity(capacity),
            eigenvectors: DMatrix::zeros(0, 0),
        }
    }

    /// Number of vectors m of the basis.
    pub fn dimension(&self) -> usize {
        self.alpha.len()
    }

    /// Whether no further vector can be added: the storage is full, or the space is the whole one.
    pub fn is_full(&self) -> bool {
        self.dimension() == self.capacity
    }

    /// Whether the basis spans the whole space.
    pub fn is_whole(&self) -> bool {
        self.dimension() == self.len
    }

    /// beta_m, by which J leads out of the basis; None before the first product.
    pub fn leak(&self) -> Option<f64> {
        self.beta.last().copied()
    }

    /// Starts anew from the vector b; gives back its Euclidean norm. A zero vector has no basis.
    pub fn start(&mut self, b: &[f64]) -> f64 {
        self.alpha.clear();
        self.beta.clear();
        self.values.clear();
        // Squares of tiny entries underflow.
        let largest = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        let norm = b.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt();
        let size = largest * norm;
        for (v, x) in self.vectors.iter_mut().zip(b) {
            *v = x / size;
        }
        size
    }

    /// Adds a vector by one product; `product` writes J v. Says whether the product was finite.
    pub fn extend(&mut self, product: &mut dyn FnMut(&[f64], &mut [f64])) -> bool {
        let m = self.dimension();
        let (basis, rest) = self.vectors.split_at_mut((m + 1) * self.len);
        let next = &mut rest[..self.len];
        product(&basis[m * self.len..], next);
        let mut alpha = 0.0;
        for _ in 0..2 {
            for (i, v) in basis.chunks_exact(self.len).enumerate() {
                let overlap = dot(v, next);
                if i == m {
                    alpha += overlap;
                }
                for (next, v) in next.iter_mut().zip(v) {
                    *next -= overlap * v;
                }
            }
        }
        let beta = dot(next, next).sqrt();
        if beta > 0.0 {
            for next in next.iter_mut() {
                *next /= beta;
            }
        }
        self.alpha.push(alpha);
        self.beta.push(beta);
        alpha.is_finite() && beta.is_finite()
    }

    /// Computes eigenvalues and eigenvectors of T, which must be finite.
    pub fn diagonalise(&mut self) {
        let m = self.dimension();
        let mut tridiagonal = DMatrix::zeros(m, m);
        for i in 0..m {
            tridiagonal[(i, i)] = self.alpha[i];
            if i + 1 < m {
                tridiagonal[(i, i + 1)] = self.beta[i];
                tridiagonal[(i + 1, i)] = self.beta[i];
            }
        }
        let eigen = SymmetricEigen::new(tridiagonal);
        self.values.clear();
        self.values.extend(eigen.eigenvalues.iter());
        self.eigenvectors = eigen.eigenvectors;
    }

    /// Eigenvalues of T (Ritz values of J) at the last [`Lanczos::diagonalise`], in no order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Entry `i` of the eigenvector of T of eigenvalue `k`.
    pub fn eigenvector(&self, i: usize, k: usize) -> f64 {
        self.eigenvectors[(i, k)]
    }

    /// v_1 ... v_m.
    pub fn basis(&self) -> impl Iterator<Item = &[f64]> {
        self.vectors
            .chunks_exact(self.len.max(1))
            .take(self.dimension())
    }

    /// v_{m+1}, the direction in which J leads out of the basis.
    pub fn outside(&self) -> &[f64] {
        let m = self.dimension();
        &self.vectors[m * self.len..(m + 1) * self.len]
    }
}
