//! What is said of networks whose units are not linear.

use super::Part;
use super::tables::layer_name;
use super::words::reasons;
use crate::report::format::{NONE, number_to, percent, rows, short};
use modalflow::diagnosis::{BySamples, Diagnosis, SampledLayer};
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
        Part::Table(table(&found.layers)),
    ];
    let each = found.layers.iter();
    let missing = each.map(|layer| (layer.learned.fusion_layer, layer.reasons.as_slice()));
    parts.extend(reasons(missing).map(Part::Text));
    parts.push(Part::Text(LIMITS.to_owned()));
    parts
}

/// What is not told of them.
const LIMITS: &str = "For these units the error on rows held out, early stopping, shares, other draws of the weights, a \
    recommendation and remedies are not told: what this page says of them is of linear units.";

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
        "A flow for each fusion layer, on {} rows with one draw of the weights{width}, of at most {} steps. Theory is that \
         of the linear network from the same weights on the same rows. A flow ends where the loss is that of the best linear \
         map of all modalities, but for 2 % of what such a map learns, or at half of that where no second modality is \
         learned by then.{restricted}{seen}",
        found.rows, found.most_steps
    )
}

fn table(layers: &[SampledLayer]) -> Vec<Vec<String>> {
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
            ("linear theory", &|l| short(l.linear_theory.t_first)),
            ("gap", &|l| percent(l.gaps.t_first)),
            ("t_second", &|l| short(l.learned.t_second)),
            ("linear theory", &|l| short(l.linear_theory.t_second)),
            ("gap", &|l| percent(l.gaps.t_second)),
            ("ratio", &|l| short(l.learned.ratio)),
            ("linear theory", &|l| short(l.linear_theory.ratio)),
            ("gap", &|l| percent(l.gaps.ratio)),
        ],
    )
}

/// The verdict on late fusion; None for linear networks.
pub(super) fn sentence(diagnosis: &Diagnosis) -> Option<String> {
    let found = diagnosis.by_samples.as_ref()?;
    let late = found.layers.last()?;
    let units = units(found);
    let end = match late.outcome {
        Outcome::StepLimit => format!("in the {} steps that can be afforded", found.most_steps),
        _ => "by its end".to_owned(),
    };
    Some(
        match (
            &late.learned.first,
            &late.learned.second,
            late.learned.ratio,
        ) {
            (Some(first), Some(second), Some(ratio)) => {
                let theory = late.linear_theory.ratio.map_or(String::new(), |ratio| {
                    format!(
                        " (linear theory from the same weights: {})",
                        number_to(3, ratio)
                    )
                });
                format!(
                    "With {units}, in a run of late fusion by samples, {second} is learned {} times as late as {first}{theory}.",
                    number_to(3, ratio)
                )
            }
            (Some(first), _, _) => format!(
                "With {units}, in a run of late fusion by samples, {first} is learned first, and no second modality {end}."
            ),
            _ => format!(
                "With {units}, in a run of late fusion by samples, no modality is learned {end}."
            ),
        },
    )
}
