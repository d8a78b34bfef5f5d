//! Curvature of the loss in the report.

use super::format::{name, percent, push_wrapped, rows, short, table};
use modalflow::experiment::summary::Summary;
use std::fmt::Write;

/// The table of curvatures, one row a plateau.
pub(super) fn push_curvature(text: &mut String, summary: &Summary<'_>) {
    let known = summary.plateaus.iter().filter_map(|plateau| {
        let curvature = plateau.curvature.as_ref()?.curvature;
        Some((plateau, curvature, plateau.escape))
    });
    let mut rows = rows(
        known,
        &[
            ("Hessian at", &|(_, at, _)| {
                format!("t = {}", short(at.time))
            }),
            ("saddle", &|(plateau, ..)| plateau.plateau.saddle.clone()),
            ("|gradient|", &|(_, at, _)| short(at.gradient_norm)),
            ("least", &|(_, at, _)| {
                short(at.least_eigenvalues.first().copied().flatten())
            }),
            ("largest", &|(_, at, _)| short(at.largest_eigenvalue)),
            ("stable eta", &|(_, at, _)| short(at.stable_learning_rate)),
            ("escaping", &|(.., escape)| {
                name(escape.map(|escape| &escape.modality))
            }),
            ("growth", &|(.., escape)| {
                short(escape.map(|escape| escape.measured_rate))
            }),
            ("theory", &|(.., escape)| {
                short(escape.and_then(|escape| escape.predicted_rate))
            }),
            ("gap", &|(.., escape)| {
                percent(escape.and_then(|escape| escape.gap))
            }),
        ],
    );
    // Snapshots of one flickering stretch share the point that was looked at.
    rows.dedup();
    if rows.len() == 1 {
        return;
    }
    let _ = write!(text, "\n{}", table(&rows));
    let flat = summary.plateaus.iter().filter(|plateau| {
        let curvature = plateau.curvature.as_ref();
        curvature.and_then(|curvature| curvature.is_strict) == Some(false)
    });
    let mut flat: Vec<&str> = flat
        .map(|plateau| plateau.plateau.saddle.as_str())
        .collect();
    flat.dedup();
    if !flat.is_empty() {
        push_wrapped(
            text,
            &format!(
                "note: flat by theory: {}. The smaller the weights, the closer to 0 is the least eigenvalue, and \
                 the escape is algebraic in time: neither a small gradient nor the lack of negative curvature \
                 shows that nothing is left to learn",
                flat.join(", ")
            ),
        );
    }
}

/// How large a learning rate may be, and which of the given ones are larger.
pub(super) fn push_stability(text: &mut String, summary: &Summary<'_>) {
    text.push('\n');
    let Some(stability) = &summary.stability else {
        return;
    };
    let (largest, time) = (short(stability.largest_eigenvalue), short(stability.time));
    let _ = write!(
        text,
        "  largest Hessian eigenvalue along the flow {largest} (t = {time})"
    );
    let Some(limit) = stability.stable_learning_rate else {
        text.push('\n');
        return;
    };
    let _ = writeln!(text, ": descent is stable below eta = {}", short(limit));
    if let Some(warning) = warning(summary) {
        let _ = writeln!(text, "  warning: {warning}");
    }
}

/// What to know of learning rates that are too large for the flow's curvature.
pub fn warning(summary: &Summary<'_>) -> Option<String> {
    let limit = summary.stability.as_ref()?.stable_learning_rate?;
    let rates = summary.descent.iter().map(|run| run.descent.learning_rate);
    let above = rates.filter(|eta| *eta > limit);
    let above: Vec<String> = above.map(short).collect();
    (!above.is_empty()).then(|| format!("descent is unstable at eta = {}", above.join(", ")))
}
