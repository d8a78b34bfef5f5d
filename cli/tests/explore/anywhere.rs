//! Wherever the controls stand there is a picture, or a fault that says why not.

use super::wander::{moved, wander};
use super::{session, state, view};
use modalflow_cli::explore::{LESSONS, Session, State};
use serde_json::json;
use std::time::Duration;

#[test]
fn no_state_ends_in_a_panic() {
    wander(&session(None), 1, 600);
}

/// No control of a lesson leads to a state that is refused: what a network cannot have has no control.
#[test]
fn no_control_of_a_lesson_ends_in_a_fault() {
    // Each run is cut short at once: whether it begins is what is asked.
    let session = Session::new(None, &[], Duration::ZERO).expect("a scenario");
    for lesson in LESSONS {
        let narrow = [("network.width", json!(10))];
        for set in [&[][..], &narrow] {
            let start = view(&session, state(lesson.text, set));
            let text = start.text.expect("a scenario");
            for control in start.controls.expect("controls") {
                for place in [0.0, 0.4, 1.0] {
                    let set = moved(&control, place);
                    let fault = view(
                        &session,
                        State {
                            text: text.clone(),
                            set,
                        },
                    )
                    .fault;
                    assert_eq!(fault, None, "{}: {} at {place}", lesson.name, control.key);
                }
            }
        }
    }
}

/// What is not of lessons has its controls too, where it can be moved.
#[test]
fn controls_are_there_where_the_scenario_has_room_for_them() {
    let keys = |text: &str| {
        let file = view(&session(None), state(text, &[]));
        let controls = file.controls.unwrap_or_else(|| panic!("{:?}", file.fault));
        controls
            .into_iter()
            .map(|control| control.key)
            .collect::<Vec<_>>()
    };
    let text = |data: &str, network: &str, more: &str| {
        format!(
            "data: {data}\nnetwork: {{depth: 2, {network}, width: 3}}\ninit: {{gaussian: {{std: 0.1}}}}\n\
             flow: {{until: {{time: 0.1}}}}\n{more}"
        )
    };
    let additive =
        |bits: usize| format!("{{additive: {{B: {{bits: {bits}, linear: 0.2}}, samples: 8}}}}");
    let toy = "{toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}";
    let gaussian = keys(&text(
        &additive(0),
        "fusion_layer: 2, activation: {leaky_relu: 0.2}",
        "",
    ));
    for key in [
        "data.additive.B.linear",
        "data.additive.A.size",
        "data.additive.product",
        "data.additive.rho",
        "data.additive.samples",
        "network.activation",
        "network.activation.leaky_relu",
        "remedy.modulate.alpha",
    ] {
        assert!(gaussian.iter().any(|own| own == key), "{key} {gaussian:?}");
    }
    let has = |keys: &[String], part: &str| keys.iter().any(|key| key.starts_with(part));
    assert!(!has(
        &keys(&text(&additive(3), "fusion_layer: 2", "")),
        "data.additive.rho"
    ));
    let early = keys(&text(toy, "fusion_layer: 1", ""));
    assert!(
        !has(&early, "remedy.auxiliary")
            && !has(&early, "remedy.modulate")
            && has(&early, "remedy.keep")
    );
    let modulated = keys(&text(
        toy,
        "fusion_layer: 2",
        "remedy: {modulate: {alpha: 0.3}}",
    ));
    assert!(has(&modulated, "remedy.modulate.alpha") && !has(&modulated, "remedy.keep"));
    assert!(!has(&modulated, "flow.weight_decay"));
    let kept = keys(&text(toy, "fusion_layer: 2", "remedy: {keep: {B: 0.5}}"));
    assert!(has(&kept, "remedy.auxiliary.B") && !has(&kept, "remedy.modulate"));
}
