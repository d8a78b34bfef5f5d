//! Generalisation in the report.

use super::format::{NONE, cells, name, number, number_to, optional, push_wrapped, table};
use modalflow::analysis::generalisation::{Bias, Cause, Generalising};
use modalflow::experiment::summary::Summary;
use std::fmt::Write;

/// The tables of errors and shares, and the verdict.
pub(super) fn push_generalisation(text: &mut String, summary: &Summary<'_>) {
    let Some(found) = summary.generalisation else {
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
        row(
            "minimum",
            Some(minimum.at.time),
            minimum.at.error,
            prominence,
        );
    }
    row("end", Some(found.last.time), found.last.error, None);
    row("least-norm least squares", None, found.least_norm, None);
    let _ = write!(text, "\n{}", table(&rows));
    push_stopping(text, found);
    let mut rows = vec![cells(["share of the map", "end", "least norm", "true"])];
    rows.extend(found.shares.iter().map(|share| {
        let shares = [share.last, share.least_norm, share.truth].map(short);
        [vec![share.modality.name.clone()], shares.to_vec()].concat()
    }));
    let _ = write!(text, "\n{}", table(&rows));
    push_wrapped(
        text,
        &format!("permanent bias: {}", verdict_words(&found.bias)),
    );
}

/// What stopping early would gain, and how the end compares with least squares.
fn push_stopping(text: &mut String, found: &Generalising) {
    let on = match found.measured_on {
        "holdout" => "the rows held out",
        _ => "the population, without its noise",
    };
    let mut line = format!("measured on {on}: the error at the end is ");
    if let Some(ratio) = found.over_least_norm {
        let _ = write!(
            line,
            "{} times that of the least-norm solution",
            times(ratio)
        );
    }
    if let Some(gain) = found.early_stopping_gain {
        if found.over_least_norm.is_some() {
            line.push_str(" and ");
        }
        let _ = write!(
            line,
            "{} times the least error along the flow, at t = {}",
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

fn verdict_words(bias: &Bias) -> String {
    if let Some(reason) = &bias.reason {
        return format!("open ({reason})");
    }
    let name = name(bias.weak.as_ref());
    let numbers = format!(
        "{name} ends with {} of its true share: {} by the samples times {} by the flow",
        short(bias.ratio),
        short(bias.by_samples),
        short(bias.by_flow),
    );
    let threshold = number(bias.threshold);
    match bias.cause {
        Some(Cause::Flow) => format!("yes, by the flow ({numbers}; below {threshold})"),
        Some(Cause::Samples) => {
            format!("yes, by least squares on few samples ({numbers}; below {threshold})")
        }
        Some(_) => format!("yes, by least squares and the flow ({numbers}; below {threshold})"),
        None => format!("no ({numbers}; not below {threshold})"),
    }
}
