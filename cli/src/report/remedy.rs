//! What is done against unimodal bias, in words.

use super::format::{number, push_wrapped};
use modalflow::experiment::Scenario;
use modalflow::section::ByModality;

/// Adds a line on the remedies and the weight decay of a scenario, where it has any.
pub(super) fn push_remedies(text: &mut String, scenario: &Scenario) {
    let remedy = &scenario.remedy;
    let mut words = Vec::new();
    let mut add = |values: &ByModality<f64>, say: &dyn Fn(&str, String) -> String| {
        words.extend(values.iter().map(|(m, value)| say(m, number(*value))));
    };
    add(&remedy.rate, &|m, c| {
        format!("learning rate of {m} times {c}")
    });
    add(&remedy.auxiliary, &|m, weight| {
        format!("a loss on the output of {m} alone of weight {weight}")
    });
    add(&remedy.keep, &|m, q| {
        format!("{m} kept with probability {q}")
    });
    if let Some(modulate) = remedy.modulation() {
        words.push(format!(
            "the gradient of the modality that is ahead modulated with α = {}",
            number(modulate.alpha)
        ));
    }
    if !remedy.schedule.is_empty() {
        words.push(format!("a schedule of {} stages", remedy.schedule.len()));
    }
    if scenario.flow.weight_decay > 0.0 {
        words.push(format!(
            "weight decay {}",
            number(scenario.flow.weight_decay)
        ));
    }
    if !words.is_empty() {
        push_wrapped(text, &format!("remedies: {}", words.join("; ")));
    }
}
