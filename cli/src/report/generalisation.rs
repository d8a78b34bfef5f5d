//! Generalisation in the report.

use super::format::{name, number, optional, push_wrapped, rows, short, table};
use modalflow::analysis::generalisation::{Bias, Cause, Generalising};
use modalflow::experiment::summary::Summary;
use std::fmt::Write;

/// The tables of errors and shares, and the verdict.
pub(super) fn push_generalisation(text: &mut String, summary: &Summary<'_>) {
    let Some(found) = summary.generalisation else {
        return;
    };
    let minima = found.minima.iter().map(|minimum| {
        let (at, prominence) = (minimum.at, Some(minimum.prominence));
        ("minimum", Some(at.time), at.error, prominence)
    });
    let points = [("start", Some(0.0), found.initial, None)]
        .into_iter()
        .chain(minima)
        .chain([
            ("end", Some(found.last.time), found.last.error, None),
            ("least-norm least squares", None, found.least_norm, None),
        ]);
    let errors = rows(
        points,
        &[
            ("generalisation error", &|(what, ..)| (*what).to_owned()),
            ("t", &|(_, time, ..)| optional(*time)),
            ("error", &|(_, _, error, _)| number(*error)),
            ("prominence", &|(.., p)| p.map_or(String::new(), number)),
        ],
    );
    let _ = write!(text, "\n{}", table(&errors));
    push_stopping(text, found);
    let shares = rows(
        &found.shares,
        &[
            ("share of the map", &|share| share.modality.name.clone()),
            ("end", &|share| short(share.last)),
            ("least norm", &|share| short(share.least_norm)),
            ("true", &|share| short(share.truth)),
        ],
    );
    let _ = write!(text, "\n{}", table(&shares));
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
            short(ratio)
        );
    }
    if let Some(gain) = found.early_stopping_gain {
        if found.over_least_norm.is_some() {
            line.push_str(" and ");
        }
        let _ = write!(
            line,
            "{} times the least error along the flow, at t = {}",
            short(gain),
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
