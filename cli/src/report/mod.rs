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
    match architecture.fusion() {
        Some(fusion) if fusion.depth == 1 => "linear regression".into(),
        Some(fusion) if fusion.is_early() => "early fusion".into(),
        Some(fusion) if fusion.is_late() => "late fusion".into(),
        Some(fusion) => format!("fusion at layer {}", fusion.layer),
        None => "fusion at unequal depths".into(),
    }
}
