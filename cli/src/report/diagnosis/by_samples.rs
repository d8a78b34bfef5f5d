//! What is said of networks whose units are not linear.

use super::Part;
use super::advice::{capitalised, layer_words, value};
use super::tables::{self, Stopped, errors, first_of, layer_name, rough, shares, span, times_of};
use super::verdict::{idle_words, percents, range, share, stop_words, wait_words};
use super::words::{reasons, remedy_reasons};
use crate::report::format::{NONE, fraction, number_to, rows};
use modalflow::diagnosis::{
    BySamples, Diagnosis, LayerPhase, OverDivisions, SampledLayer, SampledRemedy, Spread,
};
use modalflow::integrate::Outcome;

/// The units in a word or two.
pub(super) fn units(found: &BySamples) -> String {
    let biases = if found.biases { " with biases" } else { "" };
    format!("{} units{biases}", found.activation)
}

/// The section of a page.
pub(super) fn parts(diagnosis: &Diagnosis) -> Vec<Part> {
    let Some(found) = &diagnosis.by_samples else {
        return Vec::new();
    };
    let mut parts = vec![
        Part::Heading(format!("The same with {}, by samples", units(found))),
        Part::Text(setting(diagnosis, found)),
        Part::Table(times(&found.layers)),
    ];
    if found.layers.iter().any(|l| l.steps.steps_first.is_some()) {
        parts.push(Part::Table(steps(&found.layers)));
    }
    let each = found.layers.iter();
    let stopped: Vec<Stopped<'_>> = each
        .map(|l| (l.learned.fusion_layer, &l.stopping, l.t_end))
        .collect();
    parts.push(Part::Table(errors(&stopped)));
    parts.push(Part::Table(shares(&stopped)));
    parts.push(Part::Text(MEASURES.to_owned()));
    let each = found.layers.iter();
    let missing = each.map(|layer| (layer.learned.fusion_layer, layer.reasons.as_slice()));
    parts.extend(reasons(missing).map(Part::Text));
    let divided: Vec<_> = found
        .layers
        .iter()
        .filter_map(|l| Some((l.learned.fusion_layer, l.divisions.as_ref()?)))
        .collect();
    if let Some((_, first)) = divided.first() {
        parts.push(Part::Text(format!(
            "The same over {} divisions of the rows, each with weights of its own; ranges go from 10 to 90 % of them:",
            first.divisions
        )));
        parts.push(Part::Table(over_divisions(&divided)));
    }
    parts.extend(tables::recommendation(&found.recommendation));
    if !found.remedies.is_empty() {
        parts.push(Part::Text(REMEDIES.to_owned()));
        parts.push(Part::Table(remedies(&found.remedies)));
        let each = found.remedies.iter();
        let reasons = each.map(|r| (r.remedy, r.reason.as_deref()));
        parts.extend(remedy_reasons(reasons).map(Part::Text));
    }
    let remedies_reason = found.remedies_reason.as_ref();
    parts.extend(remedies_reason.map(|reason| Part::Text(format!("No remedies: {reason}."))));
    parts.push(Part::Text(LIMITS.to_owned()));
    parts
}

/// What is measured of the outputs, and what of their fit.
const MEASURES: &str = "Errors are those of the outputs of these units on the rows held out. Shares, bias, and what is still to \
    learn are told of the best linear fit of the outputs, beside the least-squares solution.";

/// Whose values the remedies have.
const REMEDIES: &str = "Remedies of late fusion, with the values that balance linear units; runs of these units with them:";

/// What is not told of them.
const LIMITS: &str = "What the rows tell before anything is trained, 32 draws of the weights, and the values of the remedies are of \
    linear units: of others theory knows none of these, and each draw would be a run.";

fn setting(diagnosis: &Diagnosis, found: &BySamples) -> String {
    let width = found
        .width
        .map_or(String::new(), |width| format!(" and width {width}"));
    let trained = diagnosis.rows.map_or(found.rows, |rows| rows.trained);
    let restricted = match found.rows < trained {
        true => format!(
            " These are as many of the {trained} rows trained on as can be afforded, drawn by the seed: all would take too \
             long."
        ),
        false => String::new(),
    };
    let seen = match diagnosis.seen.is_empty() {
        true => "",
        false => {
            " Of many inputs they see the same few directions as the linear flows, so that what only bent units find in \
                  the others is missed."
        }
    };
    format!(
        "A flow for each fusion layer, on {} rows with one draw of the weights{width}, of at most {} steps of the method \
         {} at a relative tolerance of {}. Theory is that of the linear network from the same weights on the same rows. \
         A flow ends where the loss is that of the best linear \
         map of all modalities, but for 2 % of what such a map learns, or at half of that where no second modality is \
         learned by then.{restricted}{seen}",
        found.rows, found.most_steps, found.method, found.rtol
    )
}

fn times(layers: &[SampledLayer]) -> Vec<Vec<String>> {
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
            ("t_first", &|l| rough(l.learned.t_first)),
            ("linear theory", &|l| rough(l.linear_theory.t_first)),
            ("gap", &|l| gap(l.gaps.t_first)),
            ("t_second", &|l| rough(l.learned.t_second)),
            ("linear theory", &|l| rough(l.linear_theory.t_second)),
            ("gap", &|l| gap(l.gaps.t_second)),
            ("ratio", &|l| rough(l.learned.ratio)),
            ("linear theory", &|l| rough(l.linear_theory.ratio)),
            ("gap", &|l| gap(l.gaps.ratio)),
        ],
    )
}

/// A gap in percent, of flows at a coarse tolerance.
fn gap(gap: Option<f64>) -> String {
    gap.map_or(NONE.to_owned(), |gap| format!("{:+.0} %", 100.0 * gap))
}

fn steps(layers: &[SampledLayer]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|layer| layer.learned.fusion_layer);
    rows(
        layers,
        &[
            ("fusion layer", &|l| {
                layer_name(l.learned.fusion_layer, last)
            }),
            ("steps", &|l| {
                span(l.steps.steps_first, l.steps.steps_second)
            }),
            ("epochs", &|l| {
                span(l.steps.epochs_first, l.steps.epochs_second)
            }),
        ],
    )
}

fn over_divisions(layers: &[(Option<usize>, &OverDivisions)]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|(layer, _)| *layer);
    let spread = |of: Option<Spread>| of.map_or(NONE.to_owned(), range);
    let of_fractions = |of: Option<Spread>| of.map_or(NONE.to_owned(), percents);
    rows(
        layers,
        &[
            ("fusion layer", &|(l, _)| layer_name(*l, last)),
            ("learned first from", &|(_, d)| first_of(&d.first)),
            ("no second from", &|(_, d)| share(d.never)),
            ("cut short", &|(_, d)| share(d.cut_short)),
            ("ratio", &|(_, d)| spread(d.ratio)),
            ("still to learn", &|(_, d)| of_fractions(d.plateau_left)),
            ("stop at", &|(_, d)| spread(d.early_stop)),
            ("before the second from", &|(_, d)| {
                d.stops_before_second.map_or(NONE.to_owned(), share)
            }),
            ("bias then", &|(_, d)| of_fractions(d.bias)),
        ],
    )
}

fn remedies(remedies: &[SampledRemedy]) -> Vec<Vec<String>> {
    rows(
        remedies,
        &[
            ("remedy", &|r| r.remedy.to_owned()),
            ("value", &|r| value(r.remedy, &r.value)),
            ("measured ratio", &|r| rough(r.measured_ratio)),
            ("time of the second", &|r| times_of(r.cost.time_factor)),
            ("least error held out", &|r| times_of(r.cost.error_factor)),
            ("bias then", &|r| fraction(r.bias)),
        ],
    )
}

/// The verdict on late fusion; None for linear networks.
pub(super) fn sentence(diagnosis: &Diagnosis) -> Option<String> {
    let found = diagnosis.by_samples.as_ref()?;
    let late = found.layers.last()?;
    let learned = learned_words(diagnosis, found, late);
    let stop = match late.learned.first {
        Some(_) => stop_words(diagnosis, &late.learned, &late.stopping),
        None => String::new(),
    };
    let rate = rate_words(found, late).unwrap_or_default();
    Some(format!(
        "With {}, in a run of late fusion by samples, {learned}{stop}. {}.{rate}",
        units(found),
        capitalised(&layer_words(&found.recommendation))
    ))
}

/// What the run of late fusion learned.
fn learned_words(diagnosis: &Diagnosis, found: &BySamples, late: &SampledLayer) -> String {
    let end = match late.outcome {
        Outcome::StepLimit => format!("in the {} steps that can be afforded", found.most_steps),
        _ => "by its end".to_owned(),
    };
    let LayerPhase {
        first,
        second,
        ratio,
        ..
    } = &late.learned;
    let theory = &late.linear_theory;
    match (first, second, ratio) {
        (Some(first), Some(second), Some(ratio)) => {
            let linear = match (theory.ratio, &theory.first) {
                (Some(ratio), _) if late.gaps.ratio.is_some() => {
                    format!(" (linear theory: {})", number_to(3, ratio))
                }
                (_, Some(other)) if other != first => format!(" (linear theory has {other} first)"),
                _ => String::new(),
            };
            let idle = idle_words(diagnosis, &late.learned, second);
            format!("{}{idle}{linear}", wait_words(first, second, *ratio))
        }
        (Some(first), _, _) => {
            format!("{first} is learned first, and no second modality {end}")
        }
        _ => format!("no modality is learned {end}"),
    }
}

/// What the learning rates that balance linear units do to these.
fn rate_words(found: &BySamples, late: &SampledLayer) -> Option<String> {
    let rate = found.remedies.iter().find(|r| r.remedy == "rate")?;
    let (with, without) = (rate.measured_ratio?, late.learned.ratio?);
    let error = rate.cost.error_factor.map_or(String::new(), |factor| {
        format!(
            ", and the least error {} times as large",
            number_to(3, factor)
        )
    });
    let change = match with < without {
        true => "",
        false => ", no nearer to 1",
    };
    Some(format!(
        " With the learning rate that balances linear units ({}) the time ratio is {}{change}{error}.",
        value(rate.remedy, &rate.value),
        number_to(3, with)
    ))
}
