//! Generalisation in `summary.json` and in the report.

use super::format::{NONE, cells, number, number_to, optional, push_wrapped, table};
use super::summary::Summary;
use modalflow::analysis::generalisation::{
    BIASED, Bias, Cause, Generalising, Minimum, Point, Share, Verdict,
};
use modalflow::data::Generalisation;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::RunResult;
use serde::Serialize;
use std::fmt::Write;

/// The generalisation error E_g along the flow, and what became of each modality. Errors are in
/// units of y^2 and, against a population, do not count its noise.
#[derive(Debug, Clone, Serialize)]
pub struct GeneralisationSummary {
    /// What E_g is measured on: `population` or `holdout`.
    pub measured_on: &'static str,
    /// E_g at t = 0.
    pub initial: f64,
    /// Minima of E_g inside the run, in order of time: early-stopping times.
    pub minima: Vec<MinimumSummary>,
    /// Where E_g is least along the run, its ends included.
    pub least: PointSummary,
    /// The end of the run.
    #[serde(rename = "final")]
    pub last: PointSummary,
    /// E_g of the least-squares solution of least norm.
    pub least_norm: f64,
    /// final / least: what stopping at the least would have gained; null where the least is 0.
    pub early_stopping_gain: Option<f64>,
    /// final / least_norm; null where the latter is 0.
    pub over_least_norm: Option<f64>,
    /// Each modality's share of the map, |W_m|^2/|W|^2.
    pub shares: Vec<ShareSummary>,
    /// Whether the weak modality keeps less of the map than is its due.
    pub permanent_bias: BiasSummary,
}

/// A generalisation error and when it is met.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PointSummary {
    /// Flow time.
    pub time: f64,
    /// E_g there.
    pub error: f64,
}

/// A minimum of the generalisation error.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MinimumSummary {
    /// Flow time.
    pub time: f64,
    /// E_g there.
    pub error: f64,
    /// How far E_g rises from it on the lower side before it falls below it or the run ends.
    pub prominence: f64,
}

/// One modality's share of the map.
#[derive(Debug, Clone, Serialize)]
pub struct ShareSummary {
    /// The modality.
    pub modality: String,
    /// At the end of the run.
    #[serde(rename = "final")]
    pub last: Option<f64>,
    /// In the least-squares solution of least norm.
    pub least_norm: Option<f64>,
    /// In the true map; null on a hold-out, which has none.
    pub truth: Option<f64>,
}

/// The verdict on permanent bias.
#[derive(Debug, Clone, Serialize)]
pub struct BiasSummary {
    /// `biased`, `not_biased`, or `open`.
    pub verdict: &'static str,
    /// The weak modality: the smallest |S_yxm| in the population; null where that is not known.
    pub modality: Option<String>,
    /// Its final share of the map.
    pub share: Option<f64>,
    /// Its share of the true map.
    pub true_share: Option<f64>,
    /// share / true_share = by_samples x by_flow; biased below the threshold.
    pub ratio: Option<f64>,
    /// Its share of the least-norm solution over its true share: what finite samples do.
    pub by_samples: Option<f64>,
    /// Its final share over its share of the least-norm solution: what the flow adds.
    pub by_flow: Option<f64>,
    /// The ratio below which the modality counts as biased against.
    pub threshold: f64,
    /// Which factor is below the threshold where the verdict is `biased`: `flow`, `samples`, or
    /// `both` (also where only the two together are).
    pub cause: Option<&'static str>,
    /// Why the verdict is open.
    pub reason: Option<String>,
}

/// The section of a run; None where there is neither population nor hold-out.
pub(super) fn generalisation_summary(
    problem: &Problem,
    result: &RunResult,
) -> Option<GeneralisationSummary> {
    let found = result.generalisation.as_ref()?;
    let measured_on = match problem.moments.generalisation.as_ref()? {
        Generalisation::Population(_) => "population",
        Generalisation::HoldOut(_) => "holdout",
    };
    let point = |Point { time, error }: Point| PointSummary { time, error };
    let minimum = |minimum: &Minimum| MinimumSummary {
        time: minimum.at.time,
        error: minimum.at.error,
        prominence: minimum.prominence,
    };
    let named = problem.moments.modalities.iter().zip(&found.shares);
    Some(GeneralisationSummary {
        measured_on,
        initial: found.initial,
        minima: found.minima.iter().map(minimum).collect(),
        least: point(found.least),
        last: point(found.last),
        least_norm: found.least_norm,
        early_stopping_gain: found.early_stopping_gain(),
        over_least_norm: found.over_least_norm(),
        shares: named
            .map(|(modality, share)| ShareSummary {
                modality: modality.name.clone(),
                last: share.last,
                least_norm: share.least_norm,
                truth: share.truth,
            })
            .collect(),
        permanent_bias: bias_summary(problem, found),
    })
}

fn bias_summary(problem: &Problem, found: &Generalising) -> BiasSummary {
    let Bias {
        weak,
        ratio,
        by_samples,
        by_flow,
        ref verdict,
    } = found.bias;
    let share: Option<Share> = weak.map(|m| found.shares[m]);
    let (verdict, cause, reason) = match verdict {
        Verdict::Biased(cause) => ("biased", Some(cause_word(*cause)), None),
        Verdict::NotBiased => ("not_biased", None, None),
        Verdict::Open(reason) => ("open", None, Some(reason.clone())),
    };
    BiasSummary {
        verdict,
        modality: weak.map(|m| problem.moments.modalities[m].name.clone()),
        share: share.and_then(|share| share.last),
        true_share: share.and_then(|share| share.truth),
        ratio,
        by_samples,
        by_flow,
        threshold: BIASED,
        cause,
        reason,
    }
}

fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Flow => "flow",
        Cause::Samples => "samples",
        Cause::Both => "both",
    }
}

/// The tables of errors and shares, and the verdict.
pub(super) fn push_generalisation(text: &mut String, summary: &Summary) {
    let Some(found) = &summary.generalisation else {
        return;
    };
    let mut rows = vec![cells(["generalisation error", "t", "error", "prominence"])];
    let mut row = |what: &str, time: Option<f64>, error: f64, prominence: Option<f64>| {
        let prominence = prominence.map_or(String::new(), number);
        rows.push(vec![what.into(), optional(time), number(error), prominence]);
    };
    row("start", Some(0.0), found.initial, None);
    for minimum in &found.minima {
        let prominence = Some(minimum.prominence);
        row("minimum", Some(minimum.time), minimum.error, prominence);
    }
    row("end", Some(found.last.time), found.last.error, None);
    row("least-norm least squares", None, found.least_norm, None);
    let _ = write!(text, "\n{}", table(&rows));
    push_stopping(text, found);
    let mut rows = vec![cells(["share of the map", "end", "least norm", "true"])];
    rows.extend(found.shares.iter().map(|share| {
        let shares = [share.last, share.least_norm, share.truth].map(short);
        [vec![share.modality.clone()], shares.to_vec()].concat()
    }));
    let _ = write!(text, "\n{}", table(&rows));
    push_wrapped(
        text,
        &format!("permanent bias: {}", verdict_words(&found.permanent_bias)),
    );
}

/// What stopping early would gain, and how the end compares with least squares.
fn push_stopping(text: &mut String, found: &GeneralisationSummary) {
    let on = match found.measured_on {
        "holdout" => "the rows held out",
        _ => "the population, noise not counted",
    };
    let mut line = format!("measured on {on}: the end has ");
    if let Some(ratio) = found.over_least_norm {
        let _ = write!(
            line,
            "{} times the least-norm solution's error",
            times(ratio)
        );
    }
    if let Some(gain) = found.early_stopping_gain {
        if found.over_least_norm.is_some() {
            line.push_str(" and ");
        }
        let _ = write!(
            line,
            "{} times the least along the flow, at t = {}",
            times(gain),
            number(found.least.time)
        );
    }
    if found
        .over_least_norm
        .or(found.early_stopping_gain)
        .is_some()
    {
        push_wrapped(text, &line);
    }
}

fn times(ratio: f64) -> String {
    number_to(4, ratio)
}

fn short(value: Option<f64>) -> String {
    value.map_or(NONE.into(), |value| number_to(4, value))
}

fn verdict_words(bias: &BiasSummary) -> String {
    if let Some(reason) = &bias.reason {
        return format!("open ({reason})");
    }
    let name = bias.modality.as_deref().unwrap_or(NONE);
    let numbers = format!(
        "{name} keeps {} of its true share, {} by samples x {} by the flow",
        short(bias.ratio),
        short(bias.by_samples),
        short(bias.by_flow),
    );
    let threshold = number(bias.threshold);
    match bias.cause {
        Some("flow") => format!("yes, by the flow ({numbers}; below {threshold})"),
        Some("samples") => {
            format!("yes, by least squares on few samples ({numbers}; below {threshold})")
        }
        Some(_) => format!("yes, by least squares and the flow ({numbers}; below {threshold})"),
        None => format!("no ({numbers}; not below {threshold})"),
    }
}
