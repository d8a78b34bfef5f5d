//! Results as bytes: `summary.json`, the CSV files, and the table on standard output.
//!
//! Pure functions of finished results; `output` writes what they return.

mod balance;
pub mod csv;
pub mod curvature;
pub mod diagnosis;
mod failure;
pub mod flow;
pub mod format;
pub mod generalisation;
pub mod learned;
pub mod network;
mod phase;
mod remedy;
pub mod summary;
pub mod sweep;
pub mod text;

pub use failure::failure;
