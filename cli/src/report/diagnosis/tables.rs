//! The tables of a diagnosis.

use super::Part;
use super::advice::value;
use super::by_samples;
use super::verdict::{percents, range, share};
use super::words::{
    column_words, draws_words, network_words, reasons, recommendation_words, remedy_reasons,
    rows_words, seen_words, step_words, who_words,
};
use crate::report::format::{NONE, fraction, number_to, rows, short};
use modalflow::diagnosis::{
    Diagnosis, FirstShare, LayerError, LayerResult, ModalityReading, Recommendation, RemedyResult,
    Stopping,
};
use modalflow::experiment::Scenario;

/// What the values of remedies are.
const REMEDIES: &str = "rate: the factor on a modality's learning rate. auxiliary: the weight of a loss on its own output. keep: the \
    probability that a sample keeps it. modulate: the strength of gradient modulation.";

/// What a bias is relative to.
const BIAS: &str = "Bias is how much less than in the solution of least norm the others have of the outputs' power, beside the modality that \
    is first at that fusion layer.";

/// Everything below the verdict.
pub(super) fn parts(diagnosis: &Diagnosis, scenario: &Scenario) -> Vec<Part> {
    let mut parts = vec![Part::Heading("The rows".to_owned())];
    parts.push(Part::Text(rows_words(diagnosis)));
    parts.extend(column_words(diagnosis).map(Part::Text));
    parts.push(Part::Heading("Who is learned first, and why".to_owned()));
    parts.push(Part::Table(modalities(diagnosis)));
    parts.extend(who_words(diagnosis).into_iter().map(Part::Text));
    if !diagnosis.scalings.is_empty() {
        parts.push(Part::Table(scalings(diagnosis)));
    }
    parts.push(Part::Heading("How long each fusion layer takes".to_owned()));
    parts.push(Part::Text(network_words(scenario)));
    parts.push(Part::Table(times(&diagnosis.layers)));
    if diagnosis.layers.iter().any(|layer| layer.draws.is_some()) {
        parts.push(Part::Table(draws(&diagnosis.layers)));
        parts.push(Part::Text(draws_words(scenario)));
    }
    parts.extend(step_words(diagnosis).map(Part::Text));
    parts.extend(seen_words(diagnosis).map(Part::Text));
    parts.push(Part::Heading("Does it matter".to_owned()));
    let each = diagnosis.layers.iter();
    let stopped: Vec<_> = each
        .map(|l| (l.learned.fusion_layer, &l.stopping, l.t_end))
        .collect();
    parts.push(Part::Table(errors(&stopped)));
    parts.push(Part::Table(shares(&stopped)));
    parts.push(Part::Text(BIAS.to_owned()));
    let missing = diagnosis.layers.iter();
    let missing = missing.map(|layer| (layer.learned.fusion_layer, layer.reasons.as_slice()));
    parts.extend(reasons(missing).map(Part::Text));
    parts.push(Part::Heading("Which fusion layer".to_owned()));
    parts.extend(recommendation(&diagnosis.recommendation));
    parts.push(Part::Heading(
        "What would change it, in late fusion".to_owned(),
    ));
    if !diagnosis.remedies.is_empty() {
        parts.push(Part::Table(remedies(&diagnosis.remedies)));
        parts.push(Part::Text(REMEDIES.to_owned()));
    }
    let each = diagnosis.remedies.iter();
    let each = each.map(|r| (r.remedy, r.reason.as_deref()));
    parts.extend(remedy_reasons(each).map(Part::Text));
    let reason = diagnosis.remedies_reason.as_ref();
    parts.extend(reason.map(|reason| Part::Text(format!("No remedies: {reason}."))));
    parts.extend(by_samples::parts(diagnosis));
    parts.push(Part::Heading("What this does not say".to_owned()));
    parts
}

fn modalities(diagnosis: &Diagnosis) -> Vec<Vec<String>> {
    let floors = diagnosis
        .noise_floor
        .as_ref()
        .map(|floor| &floor.modalities);
    let floor = |m: &ModalityReading| floors.and_then(|f| f.iter().find(|f| f.name == m.name));
    rows(
        &diagnosis.modalities,
        &[
            ("modality", &|m| m.name.clone()),
            ("inputs", &|m| m.inputs.to_string()),
            ("rank", &|m| m.rank.to_string()),
            ("growth rate", &|m| short(m.growth_rate)),
            ("noise below", &|m| short(floor(m).map(|f| f.growth_rate))),
            ("explains alone", &|m| fraction(m.explained_alone)),
            ("noise below", &|m| {
                fraction(floor(m).map(|f| f.explained_alone))
            }),
            ("adds to the others", &|m| fraction(m.explained_unique)),
        ],
    )
}

fn scalings(diagnosis: &Diagnosis) -> Vec<Vec<String>> {
    rows(
        &diagnosis.scalings,
        &[
            ("with other inputs", &|s| match s.scaling {
                "whiten" => "whitened modalities".to_owned(),
                _ => "standardised columns".to_owned(),
            }),
            ("first", &|s| s.first.clone()),
            ("growth rates", &|s| {
                let rates: Vec<String> = s.growth_rates.iter().map(|rate| short(*rate)).collect();
                rates.join(", ")
            }),
            ("late ratio", &|s| short(s.late_ratio)),
        ],
    )
}

pub(super) fn layer_name(layer: Option<usize>, last: Option<usize>) -> String {
    match layer {
        None => "as given".to_owned(),
        Some(1) => "1 (early)".to_owned(),
        Some(l) if Some(l) == last => format!("{l} (late)"),
        Some(l) => l.to_string(),
    }
}

fn times(layers: &[LayerResult]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|layer| layer.learned.fusion_layer);
    rows(
        layers,
        &[
            ("fusion layer", &|l| {
                layer_name(l.learned.fusion_layer, last)
            }),
            ("first", &|l| {
                l.learned.first.clone().unwrap_or(NONE.to_owned())
            }),
            ("t_first", &|l| short(l.learned.t_first)),
            ("theory", &|l| short(l.theory.t_first)),
            ("t_second", &|l| short(l.learned.t_second)),
            ("theory", &|l| short(l.theory.t_second)),
            ("ratio", &|l| short(l.learned.ratio)),
            ("theory", &|l| short(l.theory.ratio)),
            ("steps", &|l| {
                span(l.steps.steps_first, l.steps.steps_second)
            }),
            ("epochs", &|l| {
                span(l.steps.epochs_first, l.steps.epochs_second)
            }),
            ("largest learning rate", &|l| short(l.stable_learning_rate)),
        ],
    )
}

/// What other draws of the initial weights do.
fn draws(layers: &[LayerResult]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|layer| layer.learned.fusion_layer);
    let known = layers.iter().filter_map(|l| Some((l, l.draws.as_ref()?)));
    rows(
        known,
        &[
            ("fusion layer", &|(l, _)| {
                layer_name(l.learned.fusion_layer, last)
            }),
            ("draws", &|(_, d)| d.draws.to_string()),
            ("learned first from", &|(_, d)| first_of(&d.first)),
            ("ratio, 10 %", &|(_, d)| short(d.ratio.map(|r| r.low))),
            ("median", &|(_, d)| short(d.ratio.map(|r| r.median))),
            ("90 %", &|(_, d)| short(d.ratio.map(|r| r.high))),
            ("no second from", &|(_, d)| {
                d.never.map_or(NONE.to_owned(), share)
            }),
        ],
    )
}

pub(super) fn first_of(first: &[FirstShare]) -> String {
    let each = first.iter().filter(|first| first.share > 0.0);
    let each: Vec<String> = each
        .map(|first| format!("{} {}", first.name, share(first.share)))
        .collect();
    match (first.is_empty(), each.is_empty()) {
        (true, _) => "all together".to_owned(),
        (false, true) => "none".to_owned(),
        (false, false) => each.join(", "),
    }
}

/// From the first modality to the second.
pub(super) fn span(first: Option<f64>, second: Option<f64>) -> String {
    match (first, second) {
        (None, None) => NONE.to_owned(),
        (Some(_), None) => format!("{} to never", whole(first)),
        (None, Some(_)) => format!("to {}", whole(second)),
        (Some(_), Some(_)) => format!("{} to {}", whole(first), whole(second)),
    }
}

fn whole(count: Option<f64>) -> String {
    count.map_or(NONE.to_owned(), |count| format!("{count:.0}"))
}

/// A number to three significant digits, also a large one.
pub(super) fn rough(value: Option<f64>) -> String {
    value.map_or(NONE.to_owned(), |value| {
        if value == 0.0 {
            return number_to(3, value);
        }
        let unit = 10_f64.powf(value.abs().log10().floor() - 2.0);
        number_to(3, (value / unit).round() * unit)
    })
}

/// A fusion layer, what its flow shows, and when that ended.
pub(super) type Stopped<'d> = (Option<usize>, &'d Stopping, f64);

pub(super) fn errors(layers: &[Stopped<'_>]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|(layer, ..)| *layer);
    rows(
        layers,
        &[
            ("fusion layer", &|(l, ..)| layer_name(*l, last)),
            ("loss on the plateau", &|(_, s, _)| rough(s.plateau_loss)),
            ("still to learn", &|(_, s, _)| fraction(s.plateau_left)),
            ("stop at", &|(_, s, _)| rough(s.early_stop)),
            ("in steps", &|(_, s, _)| whole(s.early_stop_steps)),
            ("that is", &|(_, s, _)| when(s).to_owned()),
            ("error then", &|(_, s, _)| short(s.holdout_error)),
            ("at the end", &|(_, s, _)| short(s.final_holdout_error)),
            ("which is at", &|(.., end)| rough(Some(*end))),
            ("bias then", &|(_, s, _)| fraction(s.bias)),
        ],
    )
}

fn when(stopping: &Stopping) -> &'static str {
    let is_early = stopping.stops_before_second;
    match (stopping.early_stop, stopping.falls_to_the_end, is_early) {
        (None, ..) => NONE,
        _ if stopping.is_before_all() => "before anything",
        (_, Some(true), _) => "the end",
        (.., Some(true)) => "before the second",
        (.., Some(false)) => "after the second",
        (.., None) => "along the way",
    }
}

/// A row for each modality of each layer.
pub(super) fn shares(layers: &[Stopped<'_>]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|(layer, ..)| *layer);
    let each = layers
        .iter()
        .flat_map(|(layer, stopping, _)| stopping.shares.iter().map(move |s| (layer, s)));
    rows(
        each,
        &[
            ("fusion layer", &|(l, _)| layer_name(**l, last)),
            ("share of the outputs", &|(_, s)| s.name.clone()),
            ("at the stop", &|(_, s)| fraction(s.early_stop)),
            ("at the end", &|(_, s)| fraction(s.end)),
            ("least norm", &|(_, s)| fraction(s.least_norm)),
        ],
    )
}

/// Which fusion layer, with the errors where there are any.
pub(super) fn recommendation(found: &Recommendation) -> Vec<Part> {
    let errors = (!found.errors.is_empty()).then(|| Part::Table(compared(found)));
    let words = Part::Text(recommendation_words(found));
    errors.into_iter().chain([words]).collect()
}

fn compared(found: &Recommendation) -> Vec<Vec<String>> {
    rows(
        &found.errors,
        &[
            ("fusion layer", &|e| e.fusion_layer.to_string()),
            ("error at the stop", &|e| short(e.mean)),
            ("over the best", &|e| match is_best(e) {
                true => "best".to_owned(),
                false => short(e.over_best),
            }),
            ("from", &|e| {
                short(Some(e.interval[0]).filter(|_| !is_best(e)))
            }),
            ("to", &|e| {
                short(Some(e.interval[1]).filter(|_| !is_best(e)))
            }),
            ("bias then", &|e| e.bias.map_or(NONE.to_owned(), percents)),
            ("", &|e| {
                if e.is_worse {
                    "worse".to_owned()
                } else {
                    String::new()
                }
            }),
        ],
    )
}

/// Whether it is the layer that the others are compared with.
fn is_best(error: &LayerError) -> bool {
    error.over_best == 0.0 && error.interval == [0.0; 2]
}

fn remedies(remedies: &[RemedyResult]) -> Vec<Vec<String>> {
    rows(
        remedies,
        &[
            ("remedy", &|r| r.remedy.to_owned()),
            ("value", &|r| value(r.remedy, &r.value)),
            ("predicted ratio", &|r| short(r.predicted_ratio)),
            ("measured ratio", &|r| short(r.measured_ratio)),
            ("ratio over draws", &|r| {
                let left = r.draws.as_ref().and_then(|draws| draws.ratio);
                left.map_or(NONE.to_owned(), range)
            }),
            ("time of the second", &|r| times_of(r.cost.time_factor)),
            ("least error held out", &|r| times_of(r.cost.error_factor)),
        ],
    )
}

pub(super) fn times_of(factor: Option<f64>) -> String {
    factor.map_or(NONE.to_owned(), |factor| {
        format!("x {}", number_to(3, factor))
    })
}
