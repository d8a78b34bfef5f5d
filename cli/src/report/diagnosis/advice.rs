//! What to do, the last sentence of the verdict.

use super::verdict::{alone_matters, late, range, share};
use crate::report::format::short;
use modalflow::diagnosis::{
    AGREE, Diagnosis, Recommendation, RemedyDraws, RemedyResult, RemedyValue,
};

/// Which layer to fuse at, and what to speed up.
pub(super) fn advice(diagnosis: &Diagnosis) -> String {
    let layer = layer_words(&diagnosis.recommendation);
    // What is said of other units follows in a sentence of its own.
    let layer = match diagnosis.by_samples {
        Some(_) => format!("Of linear units: {layer}"),
        None => capitalised(&layer),
    };
    let first = late(diagnosis).and_then(|late| late.learned.first.as_deref());
    let is_idle = diagnosis.layers.iter().any(|layer| layer.is_cut_short)
        || alone_matters(diagnosis, first).is_some();
    let mut remedies = diagnosis.remedies.iter();
    let remedy = remedies.find(|remedy| remedy.remedy == "rate" && !is_idle);
    let plain = late(diagnosis).and_then(|late| late.learned.ratio);
    let words = remedy.map_or(String::new(), |remedy| rate_words(remedy, plain));
    format!("{layer}.{words}")
}

/// Which layer to fuse at, in a clause.
pub(super) fn layer_words(found: &Recommendation) -> String {
    match found.fusion_layer {
        Some(layer) => format!("fuse at layer {layer}"),
        None if found.errors.is_empty() => {
            format!("no fusion layer is recommended, since {}", found.reason)
        }
        None => {
            let worse = found.errors.iter().filter(|error| error.is_worse);
            let worse: Vec<String> = worse.map(|e| e.fusion_layer.to_string()).collect();
            match &worse[..] {
                [] => "for the error on rows left out the fusion layer makes no difference that this number of rows can \
                       show"
                    .to_owned(),
                layers => format!(
                    "do not fuse at layer {}, whose error on rows left out is larger; between the others this number of rows \
                     shows no difference",
                    layers.join(" or ")
                ),
            }
        }
    }
}

/// A clause as a sentence begins.
pub(super) fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// What a learning rate does, where it can be advised, or why it cannot; `plain` is the time ratio of the run without.
fn rate_words(remedy: &RemedyResult, plain: Option<f64>) -> String {
    let value = value(remedy.remedy, &remedy.value);
    let run = short(remedy.measured_ratio);
    if let (Some(with), Some(without)) = (remedy.measured_ratio, plain)
        && with > without
    {
        return format!(
            " No learning rate is advised: a run with that of {value}, which theory has balance, has a time ratio of {run}, \
             further from 1 than without."
        );
    }
    match &remedy.draws {
        None if remedy.measured_ratio.is_none() => String::new(),
        None => format!(
            " To balance late fusion multiply the learning rate of {value} (a run with it: time ratio {run})."
        ),
        Some(draws) => match draws.ratio {
            Some(left) if draws.holds && remedy.measured_ratio.is_some() => format!(
                " To balance late fusion multiply the learning rate of {value}, which leaves a time ratio of {} over the \
                 draws ({run} in the run).",
                range(left)
            ),
            None if draws.holds && remedy.measured_ratio.is_some() => format!(
                " To balance late fusion multiply the learning rate of {value} ({} over the draws; a run with it: time ratio \
                 {run}).",
                factors(draws)
            ),
            _ if draws.agree < AGREE => format!(
                " No learning rate is advised: which modality is to be sped up depends on the draw of the initial weights \
                 (in {} of them it is {}).",
                share(draws.agree),
                draws.values.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
            Some(left) if !draws.holds => format!(
                " No learning rate is advised: multiplying that of {value} leaves a time ratio of {} over the draws, no \
                 better than without.",
                range(left)
            ),
            None if !draws.holds => format!(
                " No learning rate is advised, since the factor that balances ranges from {} over the draws.",
                factors(draws)
            ),
            _ => String::new(),
        },
    }
}

/// The factors that balance, over the draws.
fn factors(draws: &RemedyDraws) -> String {
    let ranges = draws.values.values().map(|spread| range(*spread));
    ranges.collect::<Vec<_>>().join(", ")
}

/// The value of a remedy in words.
pub(super) fn value(remedy: &str, value: &RemedyValue) -> String {
    match value {
        RemedyValue::Strength(alpha) => short(*alpha),
        RemedyValue::ByModality(values) => {
            let each = values.iter().map(|(name, value)| match remedy {
                "rate" => format!("{name} by {}", short(*value)),
                _ => format!("{name}: {}", short(*value)),
            });
            each.collect::<Vec<_>>().join(", ")
        }
    }
}
