//! The verdict: who is learned first and why, whether it matters, and what to do.

use crate::report::format::{number_to, short};
use modalflow::diagnosis::{Diagnosis, LayerResult, RemedyResult, RemedyValue};

/// Three sentences.
pub(super) fn sentences(diagnosis: &Diagnosis) -> Vec<String> {
    if let Some(floor) = diagnosis
        .noise_floor
        .as_ref()
        .filter(|floor| floor.is_all_noise)
    {
        let rows = diagnosis.rows.map_or(0, |rows| rows.used);
        return vec![
            format!(
                "There is nothing here: on {rows} rows these inputs tell no more of the targets than they do of permuted \
                 targets (p = {}).",
                number_to(2, floor.p_value)
            ),
            format!(
                "A network would learn {} first, but that is the order of noise.",
                diagnosis.first.name
            ),
            "Which fusion layer is best, and what would change it, is not told; more rows or other inputs might show \
             something."
                .to_owned(),
        ];
    }
    vec![who(diagnosis), matters(diagnosis), advice(diagnosis)]
}

fn sure(confidence: Option<f64>) -> String {
    confidence.map_or(String::new(), |confidence| {
        format!(" (confidence {})", percent(confidence))
    })
}

/// A confidence, never rounded to certainty.
pub(super) fn percent(fraction: f64) -> String {
    match fraction {
        f if f > 0.99 => format!("{:.1} %", (1000.0 * f).floor() / 10.0),
        f => format!("{:.0} %", 100.0 * f),
    }
}

fn who(diagnosis: &Diagnosis) -> String {
    let first = &diagnosis.first;
    let alone = diagnosis.modalities.iter().filter(|m| m.fits_alone);
    let alone: Vec<&str> = alone.map(|m| m.name.as_str()).collect();
    let fits = match &alone[..] {
        [] => String::new(),
        names => format!(
            "{} alone {} every row that it is trained on exactly, so that late fusion need not learn the others; ",
            names.join(" and "),
            if names.len() > 1 { "each fit" } else { "fits" }
        ),
    };
    let superficial = &diagnosis.superficial;
    let alone = match superficial.verdict {
        true => "although another modality alone explains more",
        false => "and it also explains the most alone",
    };
    let preference = match (&superficial.reason, first.confidence) {
        (Some(reason), Some(_)) => {
            format!("; whether another one explains more alone cannot be told: {reason}")
        }
        _ => format!(", {alone}{}", sure(superficial.confidence)),
    };
    let does = match trained_as_said(diagnosis) {
        true => "is learned first",
        false => "grows fastest from small weights",
    };
    format!(
        "{fits}{} {does}{}{preference}.",
        first.name,
        sure(first.confidence)
    )
}

/// Whether the network of the last layer learned the modality of the largest growth rate first, if any. Its own initial
/// weights and depths may have another one.
fn trained_as_said(diagnosis: &Diagnosis) -> bool {
    let trained = late(diagnosis).and_then(|late| late.first.as_ref());
    trained.is_none_or(|trained| *trained == diagnosis.first.name)
}

fn late(diagnosis: &Diagnosis) -> Option<&LayerResult> {
    diagnosis.layers.last()
}

fn matters(diagnosis: &Diagnosis) -> String {
    let Some(late) = late(diagnosis) else {
        return "No network was trained.".to_owned();
    };
    let wait = match (late.ratio, &late.second) {
        (Some(ratio), Some(second)) => {
            let left = late.plateau_left.map_or(String::new(), |left| {
                format!(
                    ", with {} of what can be learned still to learn",
                    percent(left)
                )
            });
            let first = late.first.as_deref().unwrap_or("the first");
            let ratio = short(ratio);
            match trained_as_said(diagnosis) {
                true => {
                    format!("Late fusion learns {second} {ratio} times as late as {first}{left}")
                }
                false => format!(
                    "The network that was trained learns {first} first all the same, by its own initial weights and depths, \
                     and {second} {ratio} times as late{left}"
                ),
            }
        }
        _ => "Late fusion learns no second modality".to_owned(),
    };
    let stop = match (late.stops_before_second, late.falls_to_the_end) {
        (Some(true), _) => {
            "; the error on rows held out is least before that, so that stopping early locks the bias in"
        }
        (Some(false), Some(true)) => {
            "; the error on rows held out falls to the end, so that patience is all it takes"
        }
        (Some(false), _) => {
            "; the error on rows held out is least after that, so that stopping early does no harm"
        }
        (None, _) => "",
    };
    format!("{wait}{stop}.")
}

fn advice(diagnosis: &Diagnosis) -> String {
    let layer = match diagnosis.recommendation.fusion_layer {
        Some(layer) => format!("Fuse at layer {layer}"),
        None if diagnosis.recommendation.errors.is_empty() => format!(
            "No fusion layer is recommended: {}",
            diagnosis.recommendation.reason
        ),
        None => {
            let worse = diagnosis
                .recommendation
                .errors
                .iter()
                .filter(|error| error.is_worse);
            let worse: Vec<String> = worse.map(|e| e.fusion_layer.to_string()).collect();
            match &worse[..] {
                [] => "For the error on rows left out the fusion layer makes no difference that this number of rows can \
                       show"
                    .to_owned(),
                layers => format!(
                    "Do not fuse at layer {}, whose error on rows left out is larger; between the others this number of rows \
                     shows no difference",
                    layers.join(" or ")
                ),
            }
        }
    };
    let remedy = diagnosis
        .remedies
        .iter()
        .find(|remedy| remedy.remedy == "rate");
    let remedy = remedy.map_or(String::new(), |remedy| {
        format!(
            "; to balance late fusion multiply the learning rate of {} (a run with it: time ratio {})",
            value(remedy),
            short(remedy.measured_ratio)
        )
    });
    format!("{layer}{remedy}.")
}

/// The value of a remedy in words.
pub(super) fn value(remedy: &RemedyResult) -> String {
    match &remedy.value {
        RemedyValue::Strength(alpha) => short(*alpha),
        RemedyValue::ByModality(values) => {
            let each = values.iter().map(|(name, value)| match remedy.remedy {
                "rate" => format!("{name} by {}", short(*value)),
                _ => format!("{name}: {}", short(*value)),
            });
            each.collect::<Vec<_>>().join(", ")
        }
    }
}
