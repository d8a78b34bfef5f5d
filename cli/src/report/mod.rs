//! Results as bytes: `summary.json`, the CSV files, and the table on standard output.
//!
//! Pure functions of finished results; `output` writes what they return.

pub mod csv;
pub mod curvature;
pub mod format;
pub mod generalisation;
pub mod learned;
pub mod summary;
pub mod sweep;
pub mod text;

use modalflow::network::Architecture;

/// The kind of fusion in words.
pub fn fusion_name(architecture: &Architecture) -> String {
    match architecture.fusion() {
        Some(fusion) if fusion.depth == 1 => "linear regression".into(),
        Some(fusion) if fusion.is_early() => "early fusion".into(),
        Some(fusion) if fusion.is_late() => "late fusion".into(),
        Some(fusion) => format!("fusion at layer {}", fusion.layer),
        None => "fusion at unequal depths".into(),
    }
}
