//! Random walks over the states of a page, as a person at its controls takes them.

use modalflow_cli::explore::{Changes, Control, Form, LESSONS, Question, Session, State};
use serde_json::json;
use std::cell::Cell;

/// A place on a control's slider, or one of its words, as the changes that the page makes.
pub fn moved(control: &Control, place: f64) -> Changes {
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

/// Moves controls at random, from a lesson with or without samples on, a few at a time, until so many states were asked for.
pub fn wander(session: &Session, seed: u64, states: usize) {
    let (mut dice, mut asked) = (Dice(seed), 0);
    while asked < states {
        let mut start = vec![("network.width", json!(3)), ("output.samples", json!(20))];
        if dice.roll() < 0.5 {
            start.push(("data.toy.samples", json!(20)));
        }
        let mut at = State {
            text: LESSONS[dice.below(LESSONS.len())].text.to_owned(),
            set: start
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        };
        for _ in 0..8 {
            // A run ends after so many looks at it, whatever the time they take.
            let looks = Cell::new(0);
            let go_on = || {
                looks.set(looks.get() + 1);
                looks.get() < 2000
            };
            asked += 1;
            let question = Question {
                state: at,
                ..Question::default()
            };
            let Some(view) = session.view(question, &go_on) else {
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
