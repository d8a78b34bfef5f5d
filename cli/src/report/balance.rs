//! What would balance the modalities.

use super::format::{number, push_wrapped, rows, table};
use modalflow::experiment::summary::TheorySummary;
use modalflow::theory::{Balance, Balancing, Effect};
use std::fmt::Write;

/// A remedy, and its values by the formulas and from the weights.
struct Remedy {
    name: String,
    values: [Option<String>; 2],
}

/// The value of each remedy that makes the predicted time ratio 1, and what remedies cannot do.
pub(super) fn push_balance(text: &mut String, summary: &TheorySummary<'_>) {
    let Some(balance) = &summary.balance else {
        return;
    };
    let remedies = remedies(balance);
    if !remedies.is_empty() {
        let mut rows = rows(
            remedies,
            &[
                ("time ratio 1 by", &|r| r.name.clone()),
                ("theory", &|r| shown(&r.values[0])),
                ("from weights", &|r| shown(&r.values[1])),
            ],
        );
        if balance.from_weights.is_none() {
            rows.iter_mut().for_each(|row| row.truncate(2));
        }
        let _ = write!(text, "\n{}", table(&rows));
    }
    push_notes(text, balance);
}

fn shown(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "-".to_owned())
}

fn remedies(balance: &Balance) -> Vec<Remedy> {
    type Values = fn(&Balancing) -> &modalflow::section::ByModality<f64>;
    let kinds: [(&str, Values); 3] = [
        ("rate", |found| &found.rate),
        ("auxiliary", |found| &found.auxiliary),
        ("keep", |found| &found.keep),
    ];
    let mut remedies: Vec<Remedy> = Vec::new();
    for (kind, values) in kinds {
        let sources = [Some(&balance.formula), balance.from_weights.as_ref()];
        for (source, found) in sources.into_iter().enumerate() {
            let Some(values) = found.map(values).filter(|values| !values.is_empty()) else {
                continue;
            };
            // Several values balance all modalities together, none of them does by itself.
            let modalities: Vec<&str> = values.keys().map(String::as_str).collect();
            let name = format!("{kind} {}", modalities.join(", "));
            let numbers: Vec<String> = values.values().map(|value| number(*value)).collect();
            let place = remedies.iter().position(|remedy| remedy.name == name);
            let place = place.unwrap_or_else(|| {
                remedies.push(Remedy {
                    name,
                    values: Default::default(),
                });
                remedies.len() - 1
            });
            remedies[place].values[source] = Some(numbers.join(", "));
        }
    }
    remedies
}

fn push_notes(text: &mut String, balance: &Balance) {
    let limit = balance.equal_limit.map(number);
    let effect = match (balance.equal, limit) {
        (Some(Effect::Shortens), Some(limit)) => format!("bring the time ratio down at most to {limit}"),
        (Some(Effect::Lengthens), Some(limit)) => format!("bring the time ratio up at most to {limit}"),
        (Some(Effect::Leaves), Some(limit)) => format!("leave the time ratio at {limit}"),
        (Some(Effect::Diverges), _) => {
            "lengthen the phase without bound: between weak and strong ones the drive of the second modality turns round, \
             and there it is never learned"
                .to_owned()
        }
        _ => String::new(),
    };
    if !effect.is_empty() {
        let note = format!(
            "equal auxiliary losses, or equal probabilities of keeping a modality, {effect}"
        );
        push_wrapped(text, &note);
    }
    /// Equally fast modalities: neither is ahead, whatever the strength.
    const NONE_AHEAD: f64 = 1e-9;
    if let Some(alpha) = balance.modulate.filter(|alpha| *alpha > NONE_AHEAD) {
        let note = format!(
            "modulation: the first modality stays ahead in score for alpha below {}, in the limit of small weights; slowed, it \
             may be learned second from smaller values on",
            number(alpha)
        );
        push_wrapped(text, &note);
    }
    if let Some(limits) = balance.weight_decay {
        let note = format!(
            "weight decay above {} keeps the second modality out for ever, above {} both",
            number(limits.keeps_second),
            number(limits.keeps_any)
        );
        push_wrapped(text, &note);
        if let Some([from, to]) = limits.loses_first {
            let note = format!(
                "weight decay from {} to {} keeps the first modality out instead, once the second is learned",
                number(from),
                number(to)
            );
            push_wrapped(text, &note);
        }
    }
}
