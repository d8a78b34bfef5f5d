//! The report on standard output: one screen, figures to six digits.

use super::curvature::{push_curvature, push_stability};
use super::flow::push_flow;
use super::format::{NONE, cells, name, number, optional, percent, push_wrapped, table};
use super::generalisation::push_generalisation;
use super::learned::push_visits;
use super::network::network_line;
use super::summary::RunSummary;
use modalflow::analysis::detector::Phase;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::summary::{DataSummary, Summary, TheorySummary};
use modalflow::theory::Theory;
use std::fmt::Write;

/// The table of the data's moments.
pub fn data_table(data: &DataSummary) -> String {
    let mut rows = vec![cells([
        "modality",
        "inputs",
        "|S_yx|",
        "alone |W|",
        "loss there",
        "final |W|",
    ])];
    rows.extend(data.modalities.iter().map(|m| {
        vec![
            m.name.name.clone(),
            m.dim.to_string(),
            number(m.correlation_norm),
            number(m.unimodal_norm),
            number(m.unimodal_loss),
            number(m.final_norm),
        ]
    }));
    let (first, last) = (number(data.initial_loss), number(data.minimum_loss));
    format!(
        "{}  loss from {first} (nothing learned) to {last} (least squares)\n",
        table(&rows)
    )
}

/// The predictions, and beside them what was measured.
fn phase_table(phase: &Phase, summary: &TheorySummary<'_>, has_saddle: bool) -> String {
    let (theory, gap) = (summary.theory, summary.gap.unwrap_or_default());
    let length = theory.t_first.and_then(|first| match theory.t_second {
        Some(second) => Some(second - first),
        None => Some(first * (theory.ratio? - 1.0)),
    });
    let length_gap = modalflow::experiment::compare::relative_gap(phase.length, length);
    let agrees = match gap.first_agrees {
        Some(true) => "agrees",
        Some(false) => "differs",
        None => NONE,
    };
    let row = |label: &str, measured, predicted, gap| {
        vec![
            label.to_owned(),
            optional(measured),
            optional(predicted),
            percent(gap),
        ]
    };
    // Without a unimodal saddle there is no such phase, but still two times.
    let between = match has_saddle {
        true => "unimodal phase",
        false => "t_second - t_first",
    };
    table(&[
        cells(["", "measured", "theory", "gap"]),
        vec![
            "learned first".into(),
            name(phase.first.as_ref()),
            name(theory.first.as_ref()),
            agrees.into(),
        ],
        vec![
            "learned second".into(),
            name(phase.second.as_ref()),
            name(theory.second.as_ref()),
        ],
        row("t_first", phase.t_first, theory.t_first, gap.t_first),
        row("t_second", phase.t_second, theory.t_second, gap.t_second),
        row(between, phase.length, length, length_gap),
        row("time ratio", phase.ratio, theory.ratio, gap.ratio),
        row(
            "misattribution",
            phase.misattribution,
            theory.misattribution,
            gap.misattribution,
        ),
    ])
}

/// The predictions alone.
pub fn theory_report(
    title: &str,
    problem: &Problem,
    data: &DataSummary,
    theory: &Theory,
) -> String {
    let mut text = format!(
        "{title}: {}\n\n{}\n",
        network_line(&problem.architecture),
        data_table(data)
    );
    text.push_str(&table(&[
        cells(["", "theory"]),
        vec!["learned first".into(), name(theory.first.as_ref())],
        vec!["learned second".into(), name(theory.second.as_ref())],
        vec!["t_first".into(), optional(theory.t_first)],
        vec!["t_second".into(), optional(theory.t_second)],
        vec!["time ratio".into(), optional(theory.ratio)],
        vec!["misattribution".into(), optional(theory.misattribution)],
    ]));
    push_schedule(&mut text, problem, theory);
    push_remarks(&mut text, theory);
    text
}

fn push_schedule(text: &mut String, problem: &Problem, theory: &Theory) {
    let Some(schedule) = theory
        .schedule
        .as_ref()
        .filter(|schedule| schedule.len() > 2)
    else {
        return;
    };
    let times = problem.moments.modalities.iter().zip(schedule);
    let times = times.map(|(modality, time)| format!("{} {}", modality.name, optional(*time)));
    let _ = writeln!(
        text,
        "  theory's times divided by that of the first modality: {}",
        times.collect::<Vec<_>>().join(", ")
    );
}

fn push_remarks(text: &mut String, theory: &Theory) {
    if theory.superficial_preference == Some(true) {
        text.push_str(
            "  superficial preference: the modality learned first contributes less than another\n",
        );
    }
    push_wrapped(
        text,
        &format!("theory assumes: {}", theory.assumptions.join("; ")),
    );
}

/// The theory curve's distance from the flow.
fn push_curve(text: &mut String, theory: &TheorySummary<'_>) {
    let Some(curve) = &theory.curve else {
        return;
    };
    let line = format!(
        "theory curve from {}: t_first {}, t_second {} (gaps {}, {}); loss gap {} at t = {}, map gap {}",
        curve.start.words(),
        optional(curve.t_first),
        optional(curve.t_second),
        percent(curve.t_first_gap),
        percent(curve.t_second_gap),
        number(curve.max_loss_gap),
        number(curve.max_loss_gap_time),
        optional(curve.max_map_gap),
    );
    push_wrapped(text, &line);
}

/// The whole report of a run.
pub fn report(problem: &Problem, run: &RunSummary<'_>) -> String {
    let summary = &run.results;
    let mut text = format!("{}: {}\n", run.name, network_line(&problem.architecture));
    if let Some(description) = &run.scenario.scenario.description {
        let _ = writeln!(text, "{description}");
    }
    let _ = write!(text, "\n{}", data_table(&summary.data));
    push_flow(&mut text, summary);
    let first = summary.phase.first.as_ref();
    let has_saddle = first.is_none_or(|first| problem.architecture.has_saddle(&[first.index]));
    let phase = phase_table(summary.phase, &summary.theory, has_saddle);
    let _ = write!(text, "\n{phase}");
    if let Some(reason) = &summary.phase.reason {
        push_wrapped(&mut text, &format!("note: {reason}"));
    }
    push_remarks(&mut text, summary.theory.theory);
    push_curve(&mut text, &summary.theory);
    push_crossings(&mut text, summary);
    push_plateaus(&mut text, summary);
    push_generalisation(&mut text, summary);
    push_curvature(&mut text, summary);
    push_descents(&mut text, summary);
    text
}

fn push_crossings(text: &mut String, summary: &Summary<'_>) {
    if summary.crossings.len() <= 2 {
        return;
    }
    let mut rows = vec![cells([
        "half-height times",
        "of its norm alone",
        "of its final value",
        "divided by t_first",
        "theory",
    ])];
    for (m, crossing) in summary.crossings.iter().enumerate() {
        let is_first = Some(&crossing.modality) == summary.phase.first.as_ref();
        let over_first = match is_first {
            true => summary.phase.t_first.map(|_| 1.0),
            false => summary
                .phase
                .t_first
                .and_then(|first| Some(crossing.t_half_final? / first)),
        };
        let theory = summary
            .theory
            .theory
            .schedule
            .as_ref()
            .and_then(|schedule| schedule[m]);
        let numbers = [
            crossing.t_half_unimodal,
            crossing.t_half_final,
            over_first,
            theory,
        ];
        let mut row = vec![crossing.modality.name.clone()];
        row.extend(numbers.map(optional));
        rows.push(row);
    }
    let _ = write!(text, "\n{}", table(&rows));
}

fn push_plateaus(text: &mut String, summary: &Summary<'_>) {
    let mut rows = vec![cells([
        "plateau", "saddle", "entry", "exit", "length", "loss",
    ])];
    rows.extend(summary.plateaus.iter().map(|summary| {
        let p = summary.plateau;
        let numbers = [Some(p.entry), p.exit, p.length, Some(p.loss)].map(optional);
        let mut row = vec![p.kind.name().to_owned(), p.saddle.clone()];
        row.extend(numbers);
        row
    }));
    let _ = write!(text, "\n{}", table(&rows));
}

fn push_descents(text: &mut String, summary: &Summary<'_>) {
    if summary.descent.is_empty() {
        return;
    }
    push_stability(text, summary);
    let mut rows = vec![cells([
        "descent, eta",
        "steps",
        "outcome",
        "t_first",
        "gap",
        "time ratio",
        "theory",
        "gap",
        "loss gap",
        "at t",
        "map gap",
    ])];
    for (descent, comparison) in summary.descent.iter().zip(&summary.comparison) {
        rows.push(vec![
            number(descent.descent.learning_rate),
            descent.descent.steps.to_string(),
            descent.descent.outcome.name().to_owned(),
            optional(descent.phase.t_first),
            percent(comparison.t_first_gap),
            optional(descent.phase.ratio),
            optional(descent.theory.ratio),
            percent(descent.theory.ratio_gap),
            number(comparison.max_loss_gap),
            number(comparison.max_loss_gap_time),
            optional(comparison.max_map_gap),
        ]);
    }
    text.push_str(&table(&rows));
    push_visits(text, summary.descent);
    // The second crossing's gap and the largest gaps of the curves are in summary.json: the first
    // may change its sign with the rate, the others saturate.
    let order = summary
        .convergence_order
        .as_ref()
        .and_then(|orders| orders.t_first);
    if let Some(order) = order {
        let _ = writeln!(
            text,
            "  t_first converges to the flow's with order {order:.3} in the learning rate (1 for small rates)"
        );
    }
}
