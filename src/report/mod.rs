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

use crate::network::Architecture;

/// The name of a critical point: M_0, M_A, M_AB, M_* for all modalities, `other` for none.
/// Names of more than one letter are joined by +.
pub fn saddle_name(architecture: &Architecture, learned: Option<&[usize]>) -> String {
    let Some(learned) = learned else {
        return "other".into();
    };
    if learned.len() == architecture.modalities.len() {
        return "M_*".into();
    }
    if learned.is_empty() {
        return "M_0".into();
    }
    let names: Vec<&str> = learned
        .iter()
        .map(|&m| architecture.modalities[m].name.as_str())
        .collect();
    let short = names.iter().all(|name| name.chars().count() == 1);
    format!("M_{}", names.join(if short { "" } else { "+" }))
}

/// The kind of fusion in words.
pub fn fusion_name(architecture: &Architecture) -> String {
    match architecture.uniform_depth() {
        Some((1, 1)) => "linear regression".into(),
        Some((_, 1)) => "early fusion".into(),
        Some((depth, fusion)) if depth == fusion => "late fusion".into(),
        Some((_, fusion)) => format!("fusion at layer {fusion}"),
        None => "fusion at unequal depths".into(),
    }
}
