//! Linear algebra that nalgebra does not have, and streams of random numbers.
//!
//! | file | what it has |
//! |---|---|
//! | `products.rs` | products of thin matrices without allocation |
//! | `lanczos.rs` | Krylov bases of a symmetric matrix |
//! | `spectrum.rs` | pseudo-inverse, spectral norm |
//! | `random.rs` | a stream of random numbers for every purpose |

mod lanczos;
mod products;
pub mod random;
mod spectrum;

pub use lanczos::*;
pub use products::*;
pub use spectrum::{pseudo_inverse, pseudo_inverse_and_rank, spectral_norm};
