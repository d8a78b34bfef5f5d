//! Curvature of the loss in the report.

use super::format::{NONE, cells, name, number_to, percent, push_wrapped, table};
use modalflow::experiment::summary::Summary;
use std::fmt::Write;

/// The table of curvatures, one row a plateau.
pub(super) fn push_curvature(text: &mut String, summary: &Summary<'_>) {
    let mut rows = vec![cells([
        "Hessian at",
        "saddle",
        "|gradient|",
        "least",
        "largest",
        "stable eta",
        "escaping",
        "growth",
        "theory",
        "gap",
    ])];
    let short = |value: Option<f64>| value.map_or(NONE.into(), |value| number_to(4, value));
    rows.extend(summary.plateaus.iter().filter_map(|plateau| {
        let known = plateau.curvature.as_ref()?;
        let curvature = known.curvature;
        let escape = plateau.escape;
        let least = curvature.least_eigenvalues.first().copied().flatten();
        Some(vec![
            format!("t = {}", number_to(4, curvature.time)),
            plateau.plateau.saddle.clone(),
            short(Some(curvature.gradient_norm)),
            short(least),
            short(curvature.largest_eigenvalue),
            short(curvature.stable_learning_rate),
            name(escape.map(|escape| &escape.modality)),
            short(escape.map(|escape| escape.measured_rate)),
            short(escape.and_then(|escape| escape.predicted_rate)),
            percent(escape.and_then(|escape| escape.gap)),
        ])
    }));
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
    let short = |value: f64| number_to(4, value);
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
    let above: Vec<String> = above.map(|eta| number_to(4, eta)).collect();
    (!above.is_empty()).then(|| format!("descent is unstable at eta = {}", above.join(", ")))
}
