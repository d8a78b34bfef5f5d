//! What was learned beyond total maps, and the visits of descents to saddles, in the report.

use super::format::{number, optional, percent, rows, table};
use modalflow::experiment::results::{DescentRun, Learned};
use std::fmt::Write;

/// What a network that is not linear learned.
pub(super) fn push_learned(text: &mut String, learned: Option<&Learned>) {
    let Some(learned) = learned else { return };
    let ablation = learned.ablations.iter();
    let ablation = ablation.map(|a| format!("{} without {}", number(a.loss), a.modality.name));
    let losses: Vec<String> = ablation.collect();
    if !losses.is_empty() {
        let _ = writeln!(text, "  loss at the end {}", losses.join(", "));
    }
    if let Some(verdict) = &learned.verdict {
        let pairs = learned.parts.iter().zip(&learned.predicted);
        let parts = pairs.map(|(part, found)| {
            let (last, time) = (number(part.last), optional(part.t_half));
            let predicted = found.t_half.map_or_else(String::new, |time| {
                format!(
                    ", from weights {}, gap {}",
                    number(time),
                    percent(found.gap)
                )
            });
            format!("{} {last} (half at t = {time}{predicted})", part.name)
        });
        let parts: Vec<String> = parts.collect();
        let _ = writeln!(
            text,
            "  learned: {verdict}; share of each part: {}",
            parts.join(", ")
        );
    }
}

/// How near the descents came to the saddles that lie between start and minimum.
pub(super) fn push_visits(text: &mut String, descents: &[DescentRun]) {
    let between = descents.iter().flat_map(|descent| {
        let all = descent.visits.iter().map(|v| v.learned.len()).max();
        let is_between = move |count: usize| count > 0 && Some(count) < all;
        let visits = descent.visits.iter();
        let between = visits.filter(move |v| is_between(v.learned.len()));
        between.map(move |visits| (descent.descent.learning_rate, visits))
    });
    let rows = rows(
        between,
        &[
            ("descent, eta", &|(rate, _)| number(*rate)),
            ("saddle", &|(_, visits)| visits.saddle.clone()),
            ("visits", &|(_, visits)| visits.count.to_string()),
            ("duration", &|(_, visits)| number(visits.duration)),
            ("nearest", &|(_, visits)| number(visits.least_distance)),
            ("at t", &|(_, visits)| number(visits.time)),
        ],
    );
    if rows.len() > 1 {
        let _ = write!(text, "\n{}", table(&rows));
    }
}
