//! The unimodal phase in the report: measured, by the published formulas, and from the actual initial weights.

use super::format::{NONE, name, number, optional, percent, rows, table};
use modalflow::analysis::detector::Phase;
use modalflow::data::Modality;
use modalflow::experiment::compare::{TheoryGap, relative_gap};
use modalflow::experiment::summary::TheorySummary;
use modalflow::theory::{FromWeights, Theory};

/// A row of the table of the unimodal phase, as text.
struct PhaseRow {
    label: String,
    measured: String,
    /// By the published formulas, and the gap to them.
    theory: [String; 2],
    /// From the actual initial weights, and the gap.
    weights: [String; 2],
}

impl PhaseRow {
    /// Numbers: what was measured, and of each theory its value and the gap.
    fn of(
        label: &str,
        measured: Option<f64>,
        theory: [Option<f64>; 2],
        weights: [Option<f64>; 2],
    ) -> Self {
        let pair = |[value, gap]: [Option<f64>; 2]| [optional(value), percent(gap)];
        Self {
            label: label.to_owned(),
            measured: optional(measured),
            theory: pair(theory),
            weights: pair(weights),
        }
    }

    /// Names: measured, by the formulas and from the weights, and whether the formulas' is right.
    fn named(
        label: &str,
        measured: &Option<Modality>,
        [theory, weights]: [Option<&Modality>; 2],
        gap: &str,
    ) -> Self {
        Self {
            label: label.to_owned(),
            measured: name(measured.as_ref()),
            theory: [name(theory), gap.to_owned()],
            weights: [name(weights), String::new()],
        }
    }
}

/// Of each quantity what was measured, the predictions, and the gaps between them.
fn phase_rows(phase: &Phase, summary: &TheorySummary<'_>, between: &str) -> Vec<PhaseRow> {
    let (theory, gap) = (summary.theory, summary.gap.unwrap_or_default());
    let length = theory.length();
    let length_gap = relative_gap(phase.length.filter(|_| gap.same_order), length);
    let agrees = match gap.first_agrees {
        Some(true) => "agrees",
        Some(false) => "differs",
        None => NONE,
    };
    let from_weights = theory.from_weights.as_ref();
    let by_weights = from_weights.and_then(FromWeights::length);
    // The ratio has a gap where both modalities are the predicted ones.
    let is_same = gap.weights.ratio.is_some();
    let by_weights_gap = relative_gap(phase.length.filter(|_| is_same), by_weights);
    let [first, second] = [
        from_weights.and_then(|found| found.first.as_ref()),
        from_weights.and_then(|found| found.second.as_ref()),
    ];
    let weights = |value: fn(&FromWeights) -> Option<f64>, gap| [from_weights.and_then(value), gap];
    let nothing = [None; 2];
    vec![
        PhaseRow::named(
            "learned first",
            &phase.first,
            [theory.first.as_ref(), first],
            agrees,
        ),
        PhaseRow::named(
            "learned second",
            &phase.second,
            [theory.second.as_ref(), second],
            "",
        ),
        PhaseRow::of(
            "t_first",
            phase.t_first,
            [theory.t_first, gap.t_first],
            weights(|found| found.t_first, gap.weights.t_first),
        ),
        PhaseRow::of(
            "t_second",
            phase.t_second,
            [theory.t_second, gap.t_second],
            weights(|found| found.t_second, gap.weights.t_second),
        ),
        PhaseRow::of(
            between,
            phase.length,
            [length, length_gap],
            [by_weights, by_weights_gap],
        ),
        ratio_row(phase, theory, &gap),
        PhaseRow::of(
            "misattribution",
            phase.misattribution,
            [theory.misattribution, gap.misattribution],
            nothing,
        ),
    ]
}

/// The row of the time ratio.
fn ratio_row(phase: &Phase, theory: &Theory, gap: &TheoryGap) -> PhaseRow {
    let by_weights = theory.from_weights.as_ref();
    let by_weights = by_weights.and_then(|found| found.ratio);
    PhaseRow {
        label: "time ratio".to_owned(),
        measured: ratio(phase.ratio),
        theory: [ratio(theory.ratio), percent(gap.ratio)],
        weights: [ratio(by_weights), percent(gap.weights.ratio)],
    }
}

/// A time ratio; one too near to 1 for six digits by what it has above that.
fn ratio(value: Option<f64>) -> String {
    match value {
        Some(ratio) if ratio != 1.0 && number(ratio) == "1" => format!("1{:+.1e}", ratio - 1.0),
        ratio => optional(ratio),
    }
}

/// What was measured beside the predictions.
pub(super) fn measured_table(
    phase: &Phase,
    summary: &TheorySummary<'_>,
    has_saddle: bool,
) -> String {
    // Without a unimodal saddle there is no such phase, but still two times.
    let between = match has_saddle {
        true => "unimodal phase",
        false => "t_second - t_first",
    };
    let rows = rows(
        phase_rows(phase, summary, between),
        &[
            ("", &|row| row.label.clone()),
            ("measured", &|row| row.measured.clone()),
            ("theory", &|row| row.theory[0].clone()),
            ("gap", &|row| row.theory[1].clone()),
            ("from weights", &|row| row.weights[0].clone()),
            ("gap", &|row| row.weights[1].clone()),
        ],
    );
    table(&with_weights(rows, summary, 4))
}

/// The rows, without the columns from `first` on where nothing is known from the actual weights.
fn with_weights(
    mut rows: Vec<Vec<String>>,
    summary: &TheorySummary<'_>,
    first: usize,
) -> Vec<Vec<String>> {
    if summary.from_weights.is_none() {
        rows.iter_mut().for_each(|row| row.truncate(first));
    }
    rows
}

/// The predictions alone.
pub(super) fn predicted_table(summary: &TheorySummary<'_>) -> String {
    let mut predicted = phase_rows(&Phase::default(), summary, "");
    // A phase is measured; of its length theory says what it says of the two times.
    predicted.retain(|row| !row.label.is_empty());
    let rows = rows(
        predicted,
        &[
            ("", &|row| row.label.clone()),
            ("theory", &|row| row.theory[0].clone()),
            ("from weights", &|row| row.weights[0].clone()),
        ],
    );
    table(&with_weights(rows, summary, 2))
}
