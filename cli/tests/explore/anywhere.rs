//! Wherever the controls stand there is a picture, or a fault that says why not.

use super::{question, session, state, view};
use modalflow_cli::explore::{Changes, Control, Form, LESSONS, Session, State};
use serde_json::json;
use std::cell::Cell;
use std::time::Duration;

/// A place on a control's slider, or one of its words, as the changes that the page makes.
fn moved(control: &Control, place: f64) -> Changes {
    match &control.form {
        Form::Choice { options, .. } => {
            let chosen = (place * options.len() as f64) as usize;
            options[chosen.min(options.len() - 1)].1.clone()
        }
        Form::Number {
            least,
            most,
            log,
            whole,
            caps,
            also,
            ..
        } => {
            let value = match log {
                true => least * (most / least).powf(place),
                false => least + (most - least) * place,
            };
            let value = if *whole {
                json!(value.round() as i64)
            } else {
                json!(value)
            };
            let keys = [control.key.as_str()].into_iter().chain(*caps);
            let own = keys.map(|key| (key.to_owned(), value.clone()));
            own.chain(also.clone()).collect()
        }
    }
}

/// Numbers from 0 to below 1, by Steele, Lea & Flood's SplitMix64 (2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        (self.roll() * count as f64) as usize
    }
}

/// Moves controls at random, from a lesson with or without samples on, a few at a time, until so many states were asked for; `look`
/// is told of each.
fn wander(states: usize, look: &mut dyn FnMut(usize)) {
    let (session, mut dice) = (session(None), Dice(1));
    let mut asked = 0;
    while asked < states {
        let mut start = vec![("network.width", json!(3)), ("output.samples", json!(20))];
        if dice.roll() < 0.5 {
            start.push(("data.toy.samples", json!(20)));
        }
        let mut at = state(LESSONS[dice.below(LESSONS.len())].text, &start);
        for _ in 0..8 {
            // A run ends after so many looks at it, whatever the time they take.
            let looks = Cell::new(0);
            let go_on = || {
                looks.set(looks.get() + 1);
                looks.get() < 2000
            };
            asked += 1;
            look(asked);
            let Some(view) = session.view(question(at), &go_on) else {
                break;
            };
            assert!(view.fault.is_some() != view.shown.is_some());
            let (Some(controls), Some(text)) = (view.controls, view.text) else {
                break;
            };
            // The ends are as likely as all that is between them.
            let place = (2.0 * dice.roll() - 0.5).clamp(0.0, 1.0);
            let set = moved(&controls[dice.below(controls.len())], place);
            at = State { text, set };
        }
    }
}

#[test]
fn no_state_ends_in_a_panic() {
    wander(600, &mut |_| ());
}

/// Megabytes that this process holds.
#[cfg(target_os = "linux")]
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.expect("a number") / 1024.0
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "minutes: make states"]
fn ten_thousand_states_end_in_no_panic_and_leave_memory_as_it_was() {
    let mut held = Vec::new();
    wander(10_000, &mut |asked| {
        if asked % 1000 == 0 {
            held.push(resident());
        }
    });
    println!("MB after each 1,000 states: {held:.1?}");
    // What a state leaves behind would add up; what the largest of them took is the allocator's.
    let (early, late) = (&held[..5], &held[5..]);
    let most = |held: &[f64]| held.iter().copied().fold(0.0, f64::max);
    assert!(most(late) < 1.1 * most(early) + 5.0, "{held:?}");
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
