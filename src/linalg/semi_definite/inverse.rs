//! What an eigendecomposition tells of a semi-definite matrix.

use super::{Form, SemiDefinite, gram};
use crate::linalg::spectrum::{eigenvalue_cutoff, pseudo_inverse_of};
use nalgebra::{DVector, SymmetricEigen};
use std::ops::Range;

/// What an eigendecomposition of a semi-definite matrix S (d x d) tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inverse {
    /// S^+, the Moore-Penrose inverse to numerical rank.
    pub matrix: SemiDefinite,
    /// Numerical rank.
    pub rank: usize,
    /// The largest eigenvalue of S.
    pub largest: f64,
}

impl SemiDefinite {
    /// S_B - S_BA S_A^+ S_AB: what the inputs A, `others`, leave unexplained of the range B, `own`.
    pub fn unexplained(&self, own: Range<usize>, others: &[usize]) -> Self {
        if others.is_empty() {
            return self.block(own);
        }
        let inverse = || self.select(others).pseudo_inverse().matrix;
        match &*self.0 {
            Form::Whole(entries) => {
                let own: Vec<usize> = own.collect();
                let block = |rows: &[usize], columns: &[usize]| {
                    entries.select_rows(rows).select_columns(columns)
                };
                let explained = inverse().after(&block(&own, others));
                (block(&own, &own) - explained * block(others, &own)).into()
            }
            Form::Diagonal(_) => self.block(own),
            // C_B (1 - P) C_B^T with the projection P = C_A^T S_A^+ C_A
            Form::Factor { columns, .. } => {
                let theirs = columns.select_rows(others);
                let explained = inverse().after(&theirs.transpose()) * theirs;
                let own = columns.rows_range(own);
                Self::of_factor(own - own * explained)
            }
        }
    }

    /// Moore-Penrose inverse, numerical rank and largest eigenvalue.
    pub fn pseudo_inverse(&self) -> Inverse {
        match &*self.0 {
            Form::Whole(entries) => pseudo_inverse_of(entries),
            Form::Diagonal(entries) => {
                let inverted = |value: f64| if value > 0.0 { 1.0 / value } else { 0.0 };
                Inverse {
                    matrix: Self::diagonal(entries.map(inverted)),
                    rank: entries.iter().filter(|value| **value > 0.0).count(),
                    largest: entries.iter().copied().fold(0.0, f64::max),
                }
            }
            Form::Factor { columns, .. } => {
                let SymmetricEigen {
                    eigenvalues: values,
                    eigenvectors: vectors,
                } = SymmetricEigen::new(gram(columns));
                let cutoff = eigenvalue_cutoff(&values, columns.nrows());
                let kept = (0..values.len()).filter(|&k| values[k] > cutoff);
                let kept: Vec<usize> = kept.collect();
                let mut vectors = vectors.select_columns(&kept);
                for (mut vector, &k) in vectors.column_iter_mut().zip(&kept) {
                    vector /= values[k];
                }
                Inverse {
                    matrix: match kept.is_empty() {
                        true => Self::diagonal(DVector::zeros(columns.nrows())),
                        false => Self::of_thin(columns * vectors),
                    },
                    rank: kept.len(),
                    largest: values.iter().copied().fold(0.0, f64::max),
                }
            }
        }
    }
}
