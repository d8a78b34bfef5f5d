//! Linear algebra that nalgebra does not have, and streams of random numbers.
//!
//! | file | what it has |
//! |---|---|
//! | `products.rs` | products of thin matrices without allocation |
//! | `lanczos.rs` | Krylov bases of a symmetric matrix |
//! | `semi_definite/` | symmetric positive semi-definite matrices, whole, diagonal, or as a thin factor |
//! | `spectrum.rs` | pseudo-inverse, spectral norm |
//! | `random.rs` | a stream of random numbers for every purpose |

mod lanczos;
mod products;
pub mod random;
mod semi_definite;
mod spectrum;

/// Entries up to which a matrix is written out in results.
pub const MOST_WRITTEN: usize = 64;

/// A matrix stored by columns, as rows; None where it is too large to be read.
pub fn written_rows(matrix: &[f64], rows: usize) -> Option<Vec<Vec<f64>>> {
    let row = |k: usize| matrix.iter().skip(k).step_by(rows).copied().collect();
    (matrix.len() <= MOST_WRITTEN).then(|| (0..rows).map(row).collect())
}

pub use lanczos::*;
pub use products::*;
pub use semi_definite::{Inverse, SemiDefinite, Size, thin_rank};
pub use spectrum::{descending_eigen, pseudo_inverse, spectral_norm};
