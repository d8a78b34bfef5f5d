//! The report on standard output: one screen, figures to six digits.

use super::balance::push_balance;
use super::curvature::{push_curvature, push_stability};
use super::flow::push_flow;
use super::format::{fraction, number, optional, percent, push_wrapped, rows, table};
use super::generalisation::push_generalisation;
use super::learned::push_visits;
use super::network::network_line;
use super::phase;
use super::remedy::push_remedies;
use super::summary::RunSummary;
use indexmap::IndexMap;
use modalflow::analysis::detector::Crossing;
use modalflow::data::Modality;
use modalflow::experiment::data_summary::DataSummary;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::summary::{ModeSummary, Summary, TheorySummary};
use modalflow::theory::Theory;
use std::fmt::Write;

/// The table of the data's moments.
pub fn data_table(data: &DataSummary) -> String {
    let rows = rows(
        &data.modalities,
        &[
            ("modality", &|m| m.name.name.clone()),
            ("inputs", &|m| m.dim.to_string()),
            ("|S_yx|", &|m| number(m.correlation_norm)),
            ("alone |W|", &|m| number(m.unimodal_norm)),
            ("loss there", &|m| optional(m.unimodal_loss)),
            ("final |W|", &|m| number(m.final_norm)),
        ],
    );
    let first = number(data.initial_loss);
    let losses = match data.minimum_loss {
        Some(last) => {
            let last = number(last);
            format!("loss from {first} (nothing learned) to {last} (least squares)")
        }
        None => format!(
            "cross-entropy from {first} (equal probabilities); maps are fits of the probabilities less 1/{}",
            data.outputs
        ),
    };
    let mut text = format!("{}  {losses}\n", table(&rows));
    push_rows(&mut text, data);
    push_reachable(&mut text, data);
    push_resting(&mut text, data);
    text
}

/// How many rows of the file are used, and how it was read.
fn push_rows(text: &mut String, data: &DataSummary) {
    let Some(rows) = &data.rows else {
        return;
    };
    let mut line = format!("{} rows used", rows.used);
    if rows.dropped > 0 {
        line += &format!(", {} with missing cells left out", rows.dropped);
    }
    for note in &rows.notes {
        line += &format!("; {note}");
    }
    push_wrapped(text, &line);
}

/// The loss where weight decay lets the network rest, where that is known.
fn push_resting(text: &mut String, data: &DataSummary) {
    if let Some(loss) = data.resting_loss {
        push_wrapped(
            text,
            &format!(
                "weight decay lets it rest at the loss {}: the loss gap, M_* and the other saddles, levels and final norms \
                 are those under weight decay",
                number(loss)
            ),
        );
    }
}

/// The least loss of the network, where a layer is too narrow for the least-squares solution.
fn push_reachable(text: &mut String, data: &DataSummary) {
    let least = data.minimum_loss;
    let Some(loss) = data.reachable_loss.filter(|loss| Some(*loss) > least) else {
        return;
    };
    let found = match data.is_reachable_loss_proven {
        Some(true) => "the least loss that this network can reach is",
        _ => "the least loss found that this network can reach is",
    };
    push_wrapped(
        text,
        &format!(
            "{found} {}: narrow layers or aligned weights keep its maps below the rank of the least-squares solution. \
             The loss gap, M_* and final norms refer to it",
            number(loss)
        ),
    );
}

/// The predictions alone.
pub fn theory_report(
    title: &str,
    problem: &Problem,
    data: &DataSummary,
    summary: &TheorySummary<'_>,
) -> String {
    let theory = summary.theory;
    let mut text = format!(
        "{title}: {}\n\n{}\n",
        network_line(&problem.architecture),
        data_table(data)
    );
    push_remedies(&mut text, &problem.scenario);
    text.push_str(&phase::predicted_table(summary));
    push_schedule(&mut text, problem, theory);
    push_preference(
        &mut text,
        "predicted to be learned first",
        theory
            .first
            .as_ref()
            .filter(|_| theory.superficial_preference == Some(true)),
    );
    push_remarks(&mut text, theory);
    push_balance(&mut text, summary);
    text
}

/// The modality that the network prefers although another one contributes more.
fn push_preference(text: &mut String, place: &str, preferred: Option<&Modality>) {
    if let Some(modality) = preferred {
        let name = &modality.name;
        let _ = writeln!(
            text,
            "  superficial preference: {name}, {place}, contributes less than another modality"
        );
    }
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
    if let Some(utilities) = &theory.utilities {
        let told = utilities.iter().map(|found| {
            let (name, utility) = (&found.modality, number(found.utility));
            let share = 100.0 * found.agreement;
            format!("{name} {utility} ({share:.0} % of the starts)")
        });
        let told: Vec<String> = told.collect();
        push_wrapped(
            text,
            &format!(
                "utility of each modality, the largest |E[y phi(u x)]| of a unit vector u: {}",
                told.join(", ")
            ),
        );
    }
    push_wrapped(
        text,
        &format!("theory assumes: {}", theory.assumptions.join("; ")),
    );
}

/// The theory curve's distance from the flow.
fn push_curve(text: &mut String, summary: &Summary<'_>) {
    let Some(curve) = &summary.theory.curve else {
        return;
    };
    let wanted = summary.theory.theory.from_weights.as_ref();
    let wanted = wanted.and_then(|found| found.t_second);
    let is_cut = curve.t_second.is_none() && wanted.is_some_and(|time| time > summary.flow.t_end);
    let second = match is_cut {
        true => "after the end of the run".to_owned(),
        false => optional(curve.t_second),
    };
    let line = format!(
        "theory curve from {}: t_first {}, t_second {} (gaps {}, {}); loss gap {} at t = {}, map gap {}",
        curve.start.words(),
        optional(curve.t_first),
        second,
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
    push_remedies(&mut text, &problem.scenario);
    push_flow(&mut text, summary);
    let first = summary.phase.first.as_ref();
    let has_saddle = first.is_none_or(|first| problem.architecture.has_saddle(&[first.index]));
    let phase = phase::measured_table(summary.phase, &summary.theory, has_saddle);
    let _ = write!(text, "\n{phase}");
    if let Some(reason) = &summary.phase.reason {
        push_wrapped(&mut text, &format!("note: {reason}"));
    }
    push_preference(
        &mut text,
        "learned first",
        first.filter(|_| summary.superficial_preference == Some(true)),
    );
    push_remarks(&mut text, summary.theory.theory);
    push_curve(&mut text, summary);
    push_crossings(&mut text, summary);
    push_modes(&mut text, summary);
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
    let t_first = summary.phase.t_first;
    let over_first = |crossing: &Crossing| Some(crossing.t_learned? / t_first?);
    let theory = &summary.theory.theory;
    let schedule = theory.schedule.as_ref();
    let from_weights = theory.from_weights.as_ref();
    let by_weights = |m: usize| {
        let found = from_weights?;
        Some((*found.times.get_index(m)?.1)? / found.t_first?)
    };
    let mut rows = rows(
        summary.crossings.iter().enumerate(),
        &[
            ("modality", &|(_, c)| c.modality.name.clone()),
            ("learned at", &|(_, c)| optional(c.t_learned)),
            ("divided by t_first", &|(_, c)| optional(over_first(c))),
            ("theory", &|(m, _)| {
                optional(schedule.and_then(|times| times[*m]))
            }),
            ("from weights", &|(m, _)| optional(by_weights(*m))),
        ],
    );
    if from_weights.is_none() {
        rows.iter_mut().for_each(|row| row.truncate(4));
    }
    let _ = write!(text, "\n{}", table(&rows));
}

/// The staircase of modes, of several outputs.
fn push_modes(text: &mut String, summary: &Summary<'_>) {
    /// A table of more rows would push everything else off the screen; summary.json has all.
    const MOST: usize = 12;
    if summary.modes.is_empty() {
        return;
    }
    let mut modes: Vec<&ModeSummary<'_>> = summary.modes.iter().collect();
    let time = |mode: &ModeSummary<'_>| mode.crossing.t_learned.unwrap_or(f64::INFINITY);
    modes.sort_by(|a, b| time(a).total_cmp(&time(b)));
    let rows = rows(
        modes.iter().take(MOST),
        &[
            ("mode", &|mode| mode.crossing.name()),
            ("learned at", &|mode| optional(mode.crossing.t_learned)),
            ("theory", &|mode| optional(mode.theory_t)),
            ("gap", &|mode| percent(mode.gap)),
        ],
    );
    let _ = write!(text, "\n{}", table(&rows));
    if modes.len() > MOST {
        let _ = writeln!(
            text,
            "  and {} more modes in summary.json",
            modes.len() - MOST
        );
    }
}

fn push_plateaus(text: &mut String, summary: &Summary<'_>) {
    let mut rows = rows(
        summary.plateaus.iter().map(|summary| summary.plateau),
        &[
            ("plateau", &|p| p.kind.name().to_owned()),
            ("saddle", &|p| p.saddle.clone()),
            ("entry", &|p| number(p.entry)),
            ("exit", &|p| optional(p.exit)),
            ("length", &|p| optional(p.length)),
            ("loss", &|p| number(p.loss)),
        ],
    );
    for modality in &summary.data.modalities {
        rows[0].push(format!("power {}", modality.name.name));
    }
    for (row, summary) in rows[1..].iter_mut().zip(&summary.plateaus) {
        row.extend(summary.plateau.power.values().map(|power| fraction(*power)));
    }
    let _ = write!(text, "\n{}", table(&rows));
}

/// Why theory's word on descents is missing, each reason with its learning rates.
fn push_reasons(text: &mut String, summary: &Summary<'_>) {
    let mut reasons: IndexMap<&str, Vec<String>> = IndexMap::new();
    for run in summary.descent {
        if let Some(reason) = run.theory.reason {
            let rates = reasons.entry(reason).or_default();
            rates.push(number(run.descent.learning_rate));
        }
    }
    for (reason, rates) in reasons {
        push_wrapped(
            text,
            &format!(
                "note: no prediction at eta = {}: {reason}",
                rates.join(", ")
            ),
        );
    }
}

fn push_descents(text: &mut String, summary: &Summary<'_>) {
    if summary.descent.is_empty() {
        return;
    }
    push_stability(text, summary);
    let rows = rows(
        summary.descent.iter().zip(&summary.comparison),
        &[
            ("descent, eta", &|(run, _)| {
                number(run.descent.learning_rate)
            }),
            ("steps", &|(run, _)| run.descent.steps.to_string()),
            ("outcome", &|(run, _)| match run.descent.period_two {
                true => format!("{}, period two", run.descent.outcome.name()),
                false => run.descent.outcome.name().to_owned(),
            }),
            ("t_first", &|(run, _)| optional(run.phase.t_first)),
            ("gap", &|(_, to_flow)| percent(to_flow.t_first_gap)),
            ("time ratio", &|(run, _)| optional(run.phase.ratio)),
            ("theory", &|(run, _)| optional(run.theory.ratio)),
            ("gap", &|(run, _)| percent(run.theory.ratio_gap)),
            ("loss gap", &|(_, to_flow)| number(to_flow.max_loss_gap)),
            ("at t", &|(_, to_flow)| number(to_flow.max_loss_gap_time)),
            ("map gap", &|(_, to_flow)| optional(to_flow.max_map_gap)),
        ],
    );
    text.push_str(&table(&rows));
    push_reasons(text, summary);
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
