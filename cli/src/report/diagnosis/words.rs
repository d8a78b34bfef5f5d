//! What a diagnosis says between its tables.

use super::verdict::{percent, share};
use crate::report::format::{NONE, fraction, number_to};
use modalflow::diagnosis::{Diagnosis, NoiseFloor, Recommendation, RowCount};
use modalflow::error;
use modalflow::experiment::Scenario;
use serde::Serialize;

pub(super) fn rows_words(diagnosis: &Diagnosis) -> String {
    let outputs = match diagnosis.outputs {
        1 => "one output".to_owned(),
        outputs => format!("{outputs} outputs"),
    };
    let Some(rows) = diagnosis.rows else {
        return format!("A population, {outputs}.");
    };
    let dropped = match rows.dropped {
        0 => String::new(),
        dropped => format!(", {dropped} with missing cells left out"),
    };
    format!(
        "{} rows used{dropped}; {} of them trained on, {}, {outputs}.",
        rows.used,
        rows.trained,
        input_words(rows)
    )
}

/// How many inputs there are, and in how many directions they vary.
fn input_words(rows: RowCount) -> String {
    let RowCount { inputs, rank, .. } = rows;
    match rank == inputs {
        true => format!("{inputs} inputs, all independent"),
        false => {
            format!("{inputs} inputs, which vary in {rank} independent directions on these rows")
        }
    }
}

/// What is odd about columns.
pub(super) fn column_words(diagnosis: &Diagnosis) -> impl Iterator<Item = String> + use<'_> {
    let left_out = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.left_out.is_empty());
    let left_out = left_out.map(|m| {
        format!(
            "{}: {} {} left out, without variance on the rows trained on: {}.",
            m.name,
            m.left_out.len(),
            if m.left_out.len() == 1 {
                "input is"
            } else {
                "inputs are"
            },
            error::listed(m.left_out.iter().map(String::as_str))
        )
    });
    let constant = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.constant.is_empty());
    let constant = constant.map(|m| {
        let names = m.constant.iter().map(String::as_str);
        format!(
            "{}: inputs that do not vary: {}.",
            m.name,
            error::listed(names)
        )
    });
    let equal = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.duplicates.is_empty());
    let equal = equal.map(|m| {
        let pairs = m.duplicates.iter().map(|d| match d.of_modality == m.name {
            true => format!("{} repeats {}", d.input, d.of),
            false => format!("{} repeats {} of {}", d.input, d.of, d.of_modality),
        });
        let pairs: Vec<String> = pairs.collect();
        format!(
            "{}: equal inputs: {}.",
            m.name,
            error::listed(pairs.iter().map(String::as_str))
        )
    });
    let fits = diagnosis.modalities.iter().filter(|m| m.fits_alone).map(|m| {
        let why = match m.fits_any_target {
            true => format!("its rank, {}, is as large as the number of rows allows: it would fit any target", m.rank),
            false => "the targets follow from it".to_owned(),
        };
        format!("{} alone fits the rows exactly: {why}. Late fusion need not learn the others.", m.name)
    });
    fits.chain(left_out).chain(constant).chain(equal)
}

/// Smaller rates, over the largest, are round-off: classes sum to a constant.
const ROUND_OFF: f64 = 1e-6;

pub(super) fn who_words(diagnosis: &Diagnosis) -> Vec<String> {
    let mut words = Vec::new();
    let several: Vec<String> = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.modes.is_empty())
        .map(|m| {
            let modes: Vec<String> = m
                .modes
                .iter()
                .filter(|rate| **rate > ROUND_OFF * m.growth_rate)
                .take(6)
                .map(|rate| number_to(3, *rate))
                .collect();
            format!("{} {}", m.name, modes.join(", "))
        })
        .collect();
    if !several.is_empty() {
        words.push(format!(
            "Growth rates mode by mode, the six largest: {}.",
            several.join("; ")
        ));
    }
    let explained = diagnosis.explained_joint.map_or(String::new(), |joint| {
        let on = match (diagnosis.resamples, diagnosis.rows) {
            (0, None) => "of the population",
            (0, Some(_)) => "of these rows, fitted to them",
            _ => "on rows that were not fitted to",
        };
        format!(
            "Together they explain {} of the targets' power {on}. ",
            fraction(Some(joint))
        )
    });
    words.push(format!("{explained}{}", ratio_words(diagnosis)));
    words.push(confidence_words(diagnosis));
    words
}

fn ratio_words(diagnosis: &Diagnosis) -> String {
    let late = &diagnosis.late_ratio;
    let Some(ratio) = late.ratio else {
        return "By the formula late fusion never learns a second modality.".to_owned();
    };
    let interval = late.interval.map_or(String::new(), |[low, high]| {
        format!(
            " ({} to {}, from 10 to 90 %)",
            number_to(3, low),
            number_to(3, high)
        )
    });
    format!(
        "The time ratio of late fusion by the formula is {}{interval}.",
        number_to(3, ratio)
    )
}

fn confidence_words(diagnosis: &Diagnosis) -> String {
    let (first, superficial) = (&diagnosis.first, &diagnosis.superficial);
    let Some(order) = first.confidence else {
        let reason = first.reason.as_deref().unwrap_or("nothing is resampled");
        return format!("No confidence is told: {reason}.");
    };
    let share = |of: Option<f64>| of.map_or(NONE.to_owned(), share);
    let verdict = match superficial.verdict {
        Some(true) => "explains less alone than another one",
        _ => "also explains the most alone",
    };
    let open = superficial.reason.as_ref();
    let open = open.map_or(String::new(), |reason| {
        format!("Whether that lead is superficial is not told: {reason}.")
    });
    let preference = superficial.confidence.map_or(open, |sure| {
        format!(
            "In {} of them the modality that grows fastest {verdict}, by their spread so with a confidence of {}.",
            share(superficial.share),
            percent(sure)
        )
    });
    let noise = diagnosis
        .noise_floor
        .as_ref()
        .map_or(String::new(), noise_words);
    let halves = diagnosis.resamples as f64;
    let limit = match order >= (halves + 0.5) / (halves + 1.0) {
        true => format!(", the most that {halves} halves can show"),
        false => String::new(),
    };
    format!(
        "{} is first in {} of {} halves of the rows. By their spread about all rows that is no accident of \
         the sample with a confidence of {}{limit}. {preference}{noise}",
        first.name,
        share(first.share),
        diagnosis.resamples,
        percent(order),
    )
}

fn noise_words(floor: &NoiseFloor) -> String {
    // The targets as they are count as one more.
    let count = (floor.p_value * (floor.permutations + 1) as f64).round() as usize;
    let show = match count.saturating_sub(1) {
        0 => "none shows".to_owned(),
        1 => "one shows".to_owned(),
        several => format!("{several} show"),
    };
    format!(
        " Of {} permutations of the targets {show} as much as the targets themselves (p = {}).",
        floor.permutations,
        number_to(2, floor.p_value)
    )
}

/// The sections of the scenario that its flows are made of, as they stand, defaults filled in.
pub(super) fn network_words(scenario: &Scenario) -> String {
    fn json(section: &impl Serialize) -> String {
        // Plain data with text keys always serialises.
        let text = serde_json::to_string(section).unwrap_or_default();
        text.replace('"', "").replace(':', ": ").replace(',', ", ")
    }
    format!(
        "Simulated with network {}, init {}, flow {}, seed {}. Times are learning rate times steps of descent.",
        json(&scenario.network.without_activation()),
        json(&scenario.init),
        json(&scenario.flow),
        scenario.seed
    )
}

/// What draws are.
pub(super) fn draws_words(scenario: &Scenario) -> String {
    format!(
        "The draws are those of the seeds from {} on; their times are by theory from the actual weights, on the same \
         data. The flows are those of the first.",
        scenario.seed
    )
}

pub(super) fn step_words(diagnosis: &Diagnosis) -> impl Iterator<Item = String> {
    let first = diagnosis.layers.first();
    let is_without = first
        .is_some_and(|layer| layer.steps.steps_first.is_none() && layer.learned.t_first.is_some());
    is_without
        .then(|| {
            "No steps are told: give --learning-rate, and --batch for epochs by mini-batches."
                .to_owned()
        })
        .into_iter()
}

pub(super) fn seen_words(diagnosis: &Diagnosis) -> impl Iterator<Item = String> + use<> {
    let each = diagnosis.seen.iter();
    let each = each.map(|m| format!("{} in {} of {}", m.name, m.directions, m.inputs));
    let each: Vec<String> = each.collect();
    let words = format!(
        "Of many inputs the flows see the directions that learning reaches first: {}. What is explained, and the formula, \
         is told of all inputs; theory beside the flows, of these directions.",
        each.join(", ")
    );
    (!each.is_empty()).then_some(words).into_iter()
}

/// Each reason once, with whatever it is of, in the order in which they come.
fn grouped<T>(each: impl Iterator<Item = (T, String)>) -> Vec<(String, Vec<T>)> {
    let mut said: Vec<(String, Vec<T>)> = Vec::new();
    for (of, reason) in each {
        match said.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, others)) => others.push(of),
            None => said.push((reason, vec![of])),
        }
    }
    said
}

/// Why something of remedies is missing, each reason once, with the remedies that it is of.
pub(super) fn remedy_reasons<'d>(
    remedies: impl Iterator<Item = (&'d str, Option<&'d str>)>,
) -> impl Iterator<Item = String> {
    let each = remedies.filter_map(|(remedy, reason)| Some((remedy, reason?.to_owned())));
    let said = grouped(each).into_iter();
    said.map(|(reason, of)| format!("{}: {reason}.", of.join(", ")))
}

/// Why something is missing, each reason once, with the fusion layers that it is of.
pub(super) fn reasons<'d>(
    layers: impl Iterator<Item = (Option<usize>, &'d [String])>,
) -> impl Iterator<Item = String> {
    let layers: Vec<_> = layers.collect();
    let count = layers.len();
    let each = layers.into_iter().flat_map(|(layer, reasons)| {
        let number = layer.map_or(String::new(), |l| l.to_string());
        let told = reasons.iter().filter(|r| !r.starts_with("no steps"));
        told.map(move |reason| (number.clone(), reason.clone()))
    });
    grouped(each)
        .into_iter()
        .map(move |(reason, of)| match of.len() == count {
            true => format!("All fusion layers: {reason}."),
            false => format!(
                "Fusion layer{} {}: {reason}.",
                if of.len() == 1 { "" } else { "s" },
                of.join(", ")
            ),
        })
}

pub(super) fn recommendation_words(found: &Recommendation) -> String {
    match (found.fusion_layer, found.divisions) {
        (None, 0) => format!("No recommendation: {}.", found.reason),
        (None, n) => format!(
            "No recommendation, from {n} divisions of the rows: {}.",
            found.reason
        ),
        (Some(layer), n) => format!(
            "Layer {layer}, from {n} divisions of the rows: {}.",
            found.reason
        ),
    }
}
