//! The tables of a diagnosis.

use super::Part;
use super::verdict::{percent, value};
use crate::report::format::{NONE, fraction, number_to, rows, short};
use modalflow::diagnosis::{Diagnosis, LayerResult, ModalityReading, RemedyResult};
use modalflow::experiment::Scenario;
use serde::Serialize;

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
    parts.extend(step_words(diagnosis).map(Part::Text));
    parts.extend(seen_words(diagnosis).map(Part::Text));
    parts.push(Part::Heading("Does it matter".to_owned()));
    parts.push(Part::Table(errors(&diagnosis.layers)));
    parts.push(Part::Table(shares(&diagnosis.layers)));
    parts.extend(reasons(&diagnosis.layers).map(Part::Text));
    parts.push(Part::Heading("Which fusion layer".to_owned()));
    if !diagnosis.recommendation.errors.is_empty() {
        parts.push(Part::Table(recommendation(diagnosis)));
    }
    parts.push(Part::Text(recommendation_words(diagnosis)));
    parts.push(Part::Heading(
        "What would change it, in late fusion".to_owned(),
    ));
    if !diagnosis.remedies.is_empty() {
        parts.push(Part::Table(remedies(&diagnosis.remedies)));
    }
    parts.extend(diagnosis.remedies_reason.clone().map(Part::Text));
    parts.push(Part::Heading("What this does not say".to_owned()));
    parts
}

fn rows_words(diagnosis: &Diagnosis) -> String {
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
        "{} rows used{dropped}; {} of them trained on, {} inputs of which {} are independent, {outputs}.",
        rows.used, rows.trained, rows.inputs, rows.rank
    )
}

/// What is odd about columns.
fn column_words(diagnosis: &Diagnosis) -> impl Iterator<Item = String> + use<'_> {
    let listed = |places: &[usize]| {
        let names: Vec<String> = places.iter().map(usize::to_string).collect();
        names.join(", ")
    };
    let constant = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.constant.is_empty());
    let constant = constant.map(move |m| {
        format!(
            "{}: inputs that do not vary (numbers {})",
            m.name,
            listed(&m.constant)
        )
    });
    let equal = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.duplicates.is_empty());
    let equal = equal.map(|m| {
        let pairs = m.duplicates.iter().map(|[a, b]| format!("{a} and {b}"));
        let pairs: Vec<String> = pairs.collect();
        format!("{}: equal inputs (numbers {})", m.name, pairs.join(", "))
    });
    let fits = diagnosis.modalities.iter().filter(|m| m.fits_alone).map(|m| {
        let why = match m.fits_any_target {
            true => format!("its rank, {}, is as large as the number of rows allows: it would fit any target", m.rank),
            false => "the targets follow from it".to_owned(),
        };
        format!("{} alone fits the rows exactly: {why}. Late fusion never learns the others.", m.name)
    });
    fits.chain(constant).chain(equal)
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

fn who_words(diagnosis: &Diagnosis) -> Vec<String> {
    let mut words = Vec::new();
    let several: Vec<String> = diagnosis
        .modalities
        .iter()
        .filter(|m| !m.modes.is_empty())
        .map(|m| {
            let modes: Vec<String> = m
                .modes
                .iter()
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
        let on = match diagnosis.resamples {
            0 => "of the population",
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
    let (Some(order), Some(preference)) = (first.confidence, superficial.confidence) else {
        let reason = first.reason.as_deref().unwrap_or("nothing is resampled");
        return format!("No confidence is told: {reason}.");
    };
    let share = |share: Option<f64>| {
        share.map_or(NONE.to_owned(), |share| format!("{:.0} %", 100.0 * share))
    };
    let verdict = match superficial.verdict {
        true => "superficial",
        false => "not superficial",
    };
    let noise = diagnosis.noise_floor.as_ref().map_or(String::new(), |floor| {
        format!(
            " Of {} permutations of the targets a share of {} shows as much as the targets themselves.",
            floor.permutations,
            number_to(2, floor.p_value)
        )
    });
    format!(
        "Of {} halves of the rows {} have {} first; another sample of as many rows would, with a confidence of {}. The \
         preference is {verdict} in {} of them, with a confidence of {}.{noise}",
        diagnosis.resamples,
        share(first.share),
        first.name,
        percent(order),
        share(superficial.share),
        percent(preference),
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

/// The sections of the scenario that its flows are made of, as they stand, defaults filled in.
fn network_words(scenario: &Scenario) -> String {
    fn json(section: &impl Serialize) -> String {
        // Plain data with text keys always serialises.
        let text = serde_json::to_string(section).unwrap_or_default();
        text.replace('"', "").replace(':', ": ").replace(',', ", ")
    }
    format!(
        "Simulated with network {}, init {}, flow {}, seed {}.",
        json(&scenario.network),
        json(&scenario.init),
        json(&scenario.flow),
        scenario.seed
    )
}

fn layer_name(layer: &LayerResult, last: Option<usize>) -> String {
    match layer.fusion_layer {
        None => "as given".to_owned(),
        Some(1) => "1 (early)".to_owned(),
        Some(l) if Some(l) == last => format!("{l} (late)"),
        Some(l) => l.to_string(),
    }
}

fn times(layers: &[LayerResult]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|layer| layer.fusion_layer);
    rows(
        layers,
        &[
            ("fusion layer", &|l| layer_name(l, last)),
            ("first", &|l| l.first.clone().unwrap_or(NONE.to_owned())),
            ("t_first", &|l| short(l.t_first)),
            ("theory", &|l| short(l.theory.t_first)),
            ("t_second", &|l| short(l.t_second)),
            ("theory", &|l| short(l.theory.t_second)),
            ("ratio", &|l| short(l.ratio)),
            ("theory", &|l| short(l.theory.ratio)),
            ("steps", &|l| span(l.steps_first, l.steps_second)),
            ("epochs", &|l| span(l.epochs_first, l.epochs_second)),
            ("largest learning rate", &|l| short(l.stable_learning_rate)),
        ],
    )
}

/// From the first modality to the second.
fn span(first: Option<f64>, second: Option<f64>) -> String {
    match (first, second) {
        (None, None) => NONE.to_owned(),
        (first, second) => format!("{} to {}", whole(first), whole(second)),
    }
}

fn whole(count: Option<f64>) -> String {
    count.map_or(NONE.to_owned(), |count| format!("{count:.0}"))
}

fn step_words(diagnosis: &Diagnosis) -> impl Iterator<Item = String> {
    let first = diagnosis.layers.first();
    let is_without =
        first.is_some_and(|layer| layer.steps_first.is_none() && layer.t_first.is_some());
    is_without
        .then(|| {
            "No steps are told: give --learning-rate, and --batch for epochs by mini-batches."
                .to_owned()
        })
        .into_iter()
}

fn seen_words(diagnosis: &Diagnosis) -> impl Iterator<Item = String> + use<> {
    let each = diagnosis.seen.iter();
    let each = each.map(|m| format!("{} in {} of {}", m.name, m.directions, m.inputs));
    let each: Vec<String> = each.collect();
    let words = format!(
        "Of many inputs the flows see the directions that learning reaches first: {}. What is explained is told of all \
         inputs.",
        each.join(", ")
    );
    (!each.is_empty()).then_some(words).into_iter()
}

fn errors(layers: &[LayerResult]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|layer| layer.fusion_layer);
    rows(
        layers,
        &[
            ("fusion layer", &|l| layer_name(l, last)),
            ("loss on the plateau", &|l| short(l.plateau_loss)),
            ("still to learn", &|l| fraction(l.plateau_left)),
            ("stop at", &|l| short(l.early_stop)),
            ("that is", &|l| when(l).to_owned()),
            ("error then", &|l| short(l.holdout_error)),
            ("at the end", &|l| short(l.final_holdout_error)),
            ("bias then", &|l| fraction(l.bias)),
        ],
    )
}

fn when(layer: &LayerResult) -> &'static str {
    match (layer.stops_before_second, layer.falls_to_the_end) {
        (None, _) => NONE,
        (Some(true), _) => "before the second",
        (_, Some(true)) => "the end",
        _ => "after the second",
    }
}

/// A row for each modality, three columns for each layer would be too wide: late fusion and early fusion.
fn shares(layers: &[LayerResult]) -> Vec<Vec<String>> {
    let last = layers.last().and_then(|layer| layer.fusion_layer);
    let each = layers
        .iter()
        .flat_map(|layer| layer.shares.iter().map(move |share| (layer, share)));
    rows(
        each,
        &[
            ("fusion layer", &|(l, _)| layer_name(l, last)),
            ("share of the outputs", &|(_, s)| s.name.clone()),
            ("at the stop", &|(_, s)| fraction(s.early_stop)),
            ("at the end", &|(_, s)| fraction(s.end)),
            ("least norm", &|(_, s)| fraction(s.least_norm)),
        ],
    )
}

/// Why something is missing, each reason once.
fn reasons(layers: &[LayerResult]) -> impl Iterator<Item = String> {
    let mut said: Vec<String> = Vec::new();
    for reason in layers.iter().flat_map(|layer| &layer.reasons) {
        if !said.contains(reason) && !reason.starts_with("no steps") {
            said.push(reason.clone());
        }
    }
    said.into_iter()
}

fn recommendation(diagnosis: &Diagnosis) -> Vec<Vec<String>> {
    rows(
        &diagnosis.recommendation.errors,
        &[
            ("fusion layer", &|e| e.fusion_layer.to_string()),
            ("error at the stop", &|e| short(e.mean)),
            ("over the best", &|e| short(e.over_best)),
            ("from", &|e| short(e.interval[0])),
            ("to", &|e| short(e.interval[1])),
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

fn recommendation_words(diagnosis: &Diagnosis) -> String {
    let found = &diagnosis.recommendation;
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

fn remedies(remedies: &[RemedyResult]) -> Vec<Vec<String>> {
    rows(
        remedies,
        &[
            ("remedy", &|r| r.remedy.to_owned()),
            ("value", &|r| value(r)),
            ("predicted ratio", &|r| short(r.predicted_ratio)),
            ("measured ratio", &|r| short(r.measured_ratio)),
            ("time to learn all", &|r| times_of(r.cost.time_factor)),
            ("least error held out", &|r| times_of(r.cost.error_factor)),
        ],
    )
}

fn times_of(factor: Option<f64>) -> String {
    factor.map_or(NONE.to_owned(), |factor| {
        format!("x {}", number_to(3, factor))
    })
}
