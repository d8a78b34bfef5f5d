//! Curvature of the loss in `summary.json` and in the report.

use super::format::{NONE, cells, name, number_to, percent, push_wrapped, table};
use super::summary::{PlateauSummary, Summary};
use modalflow::analysis::curvature::{Curvature, Eigenvalue, Stability};
use modalflow::descent::optimiser::Rule;
use modalflow::experiment::compare::Escape;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::RunResult;
use modalflow::theory;
use serde::Serialize;
use std::fmt::Write;

/// Eigenvalues of the loss's Hessian where a tread is slowest. Each distinct one is listed once.
#[derive(Debug, Clone, Serialize)]
pub struct CurvatureSummary {
    /// When.
    pub time: f64,
    /// Euclidean norm of the gradient.
    pub gradient_norm: f64,
    /// The least eigenvalues, rising; null where one is not converged.
    pub least_eigenvalues: Vec<Option<f64>>,
    /// Norms of their residuals: an eigenvalue is no further away than this.
    pub least_residuals: Vec<f64>,
    /// The largest eigenvalue lambda_max; null where it is not converged.
    pub largest_eigenvalue: Option<f64>,
    /// Norm of its residual.
    pub largest_residual: f64,
    /// 2/lambda_max, times 1 + mu with momentum: descent with smaller learning rates is stable here.
    /// Null for Adam and for mini-batches, which have no such rate.
    pub stable_learning_rate: Option<f64>,
    /// Whether theory's saddle has a direction of negative curvature; null where it is none.
    pub is_strict: Option<bool>,
    /// Products of the Hessian with a vector that it took.
    pub hessian_products: u64,
}

impl CurvatureSummary {
    fn of(curvature: &Curvature, is_strict: Option<bool>, stability: Option<f64>) -> Self {
        let spectrum = &curvature.spectrum;
        Self {
            time: curvature.time,
            gradient_norm: spectrum.gradient_norm,
            least_eigenvalues: spectrum.least.iter().map(Eigenvalue::converged).collect(),
            least_residuals: spectrum.least.iter().map(|e| e.residual).collect(),
            largest_eigenvalue: spectrum.largest.converged(),
            largest_residual: spectrum.largest.residual,
            stable_learning_rate: scaled(spectrum.stable_learning_rate(), stability),
            is_strict,
            hessian_products: spectrum.products,
        }
    }
}

/// Growth of the map of the modality that is learned next.
#[derive(Debug, Clone, Serialize)]
pub struct EscapeSummary {
    /// The modality.
    pub modality: String,
    /// When it is measured.
    pub time: f64,
    /// d ln|W_m|/dt.
    pub measured_rate: f64,
    /// Theory's.
    pub predicted_rate: Option<f64>,
    /// (measured - predicted)/|predicted|.
    pub gap: Option<f64>,
    /// Why there is no prediction.
    pub reason: Option<&'static str>,
}

impl EscapeSummary {
    fn of(problem: &Problem, escape: &Escape) -> Self {
        Self {
            modality: problem.moments.modalities[escape.modality].name.clone(),
            time: escape.time,
            measured_rate: escape.measured_rate,
            predicted_rate: escape.predicted_rate,
            gap: escape.gap,
            reason: escape.reason,
        }
    }
}

/// The largest curvature along the flow.
#[derive(Debug, Clone, Serialize)]
pub struct StabilitySummary {
    /// The largest eigenvalue of the Hessian that the flow met.
    pub largest_eigenvalue: f64,
    /// Norm of its residual.
    pub residual: f64,
    /// When it was met.
    pub time: f64,
    /// 2/lambda_max, times 1 + mu with momentum: descent with smaller learning rates is stable along the
    /// whole flow. Null for Adam and for mini-batches, which have no such rate.
    pub stable_learning_rate: Option<f64>,
    /// Products of the Hessian with a vector that following it took.
    pub hessian_products: u64,
}

impl StabilitySummary {
    pub(super) fn of(stability: &Stability, factor: Option<f64>) -> Self {
        Self {
            largest_eigenvalue: stability.largest_eigenvalue,
            residual: stability.residual,
            time: stability.time,
            stable_learning_rate: scaled(stability.stable_learning_rate(), factor),
            hessian_products: stability.products,
        }
    }
}

fn scaled(limit: Option<f64>, factor: Option<f64>) -> Option<f64> {
    Some(limit? * factor?)
}

/// The largest stable learning rate of the scenario's descents over 2/lambda_max. None where there is
/// no such rate: for Adam, and for mini-batches, each of which has another Hessian.
pub(super) fn stability_factor(problem: &Problem) -> Option<f64> {
    match &problem.scenario.descent {
        None => Some(1.0),
        Some(section) if section.batch.is_some() => None,
        Some(section) => Rule::of(section).stability(),
    }
}

/// Adds what is known of the flow's curvature to the summaries of its plateaus.
pub(super) fn add_curvature(
    plateaus: &mut [PlateauSummary],
    problem: &Problem,
    result: &RunResult,
) {
    let flow = &result.flow;
    let stability = stability_factor(problem);
    let treads = flow.detection.plateaus.iter().zip(&flow.curvature.treads);
    for ((summary, (plateau, curvature)), escape) in
        plateaus.iter_mut().zip(treads).zip(&result.escapes)
    {
        let is_strict = plateau.learned.as_deref().and_then(|learned| {
            theory::is_strict_saddle(&problem.moments, &problem.architecture, learned)
        });
        let curvature = curvature.as_ref();
        summary.curvature = curvature.map(|c| CurvatureSummary::of(c, is_strict, stability));
        summary.escape = escape.as_ref().map(|e| EscapeSummary::of(problem, e));
    }
}

/// The table of curvatures, one row a tread.
pub(super) fn push_curvature(text: &mut String, summary: &Summary) {
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
        let curvature = plateau.curvature.as_ref()?;
        let escape = plateau.escape.as_ref();
        let least = curvature.least_eigenvalues.first().copied().flatten();
        Some(vec![
            format!("t = {}", number_to(4, curvature.time)),
            plateau.saddle.clone(),
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
    // Treads of one flickering stretch share the point that was looked at.
    rows.dedup();
    if rows.len() == 1 {
        return;
    }
    let _ = write!(text, "\n{}", table(&rows));
    let flat = summary.plateaus.iter().filter(|plateau| {
        let curvature = plateau.curvature.as_ref();
        curvature.and_then(|curvature| curvature.is_strict) == Some(false)
    });
    let mut flat: Vec<&str> = flat.map(|plateau| plateau.saddle.as_str()).collect();
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
pub(super) fn push_stability(text: &mut String, summary: &Summary) {
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
    let rates = summary.descent.iter().map(|descent| descent.learning_rate);
    if let Some(warning) = warning(limit, rates) {
        let _ = writeln!(text, "  warning: {warning}");
    }
}

/// What to know of learning rates that are too large for the flow's curvature.
pub(super) fn stability_warning(problem: &Problem, result: &RunResult) -> Option<String> {
    let stability = result.flow.curvature.stability.as_ref()?;
    let limit = StabilitySummary::of(stability, stability_factor(problem)).stable_learning_rate?;
    warning(
        limit,
        result.descents.iter().map(|run| run.descent.learning_rate),
    )
}

fn warning(limit: f64, rates: impl Iterator<Item = f64>) -> Option<String> {
    let above = rates.filter(|eta| *eta > limit);
    let above: Vec<String> = above.map(|eta| number_to(4, eta)).collect();
    (!above.is_empty()).then(|| format!("descent is unstable at eta = {}", above.join(", ")))
}
