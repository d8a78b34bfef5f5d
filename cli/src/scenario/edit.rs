//! The text of a scenario with other values at some keys, and what a key can hold.

use super::load::json_schema;
use super::overrides::Override;
use super::{events, messages};
use crate::error::{InputError, Result};
use serde_json::Value as Json;
use serde_yaml::Value;
use std::path::Path;

/// The text of the scenario file `path` with other values at some keys; null removes a key. Where all of them stand in the text as
/// plain values, they are changed in place, and comments stay; else the text is written anew without them.
///
/// # Errors
/// An input error where the text is no YAML, or has no place for a key.
pub fn edited(path: &Path, text: String, changes: &[(String, Json)]) -> Result<String> {
    if changes.is_empty() {
        return Ok(text);
    }
    let in_file = |error| InputError {
        file: Some(path.to_owned()),
        ..error
    };
    let mut value = events::parse(&text).map_err(in_file)?;
    let mut kept = Some(text);
    for (key, new) in changes {
        // Plain data always becomes YAML.
        let new = serde_yaml::to_value(new).unwrap_or_default();
        Override::set(&mut value, key, &new).map_err(in_file)?;
        kept = kept.and_then(|text| in_place(&text, key, &new, &value));
    }
    // What was YAML is YAML.
    Ok(kept.unwrap_or_else(|| serde_yaml::to_string(&value).unwrap_or_default()))
}

/// The text with a new number or word where the key's own stands; None where that does not make it the scenario that is wanted.
fn in_place(text: &str, key: &str, new: &Value, wanted: &Value) -> Option<String> {
    let is_plain = new.is_number() || new.is_string();
    let written = serde_yaml::to_string(new).ok().filter(|_| is_plain)?;
    let before = events::line_of(text, key)?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let line = text[start..].lines().next()?;
    let name = key.rsplit('.').next()?;
    line.match_indices(name).find_map(|(at, _)| {
        let after = at + name.len() + 1;
        let rest = line.get(after..).filter(|_| line[..after].ends_with(':'))?;
        let old = rest.split([',', '}', '#']).next()?.trim();
        let from = start + after + rest.find(old)?;
        let mut changed = text.to_owned();
        changed.replace_range(from..from + old.len(), written.trim_end());
        (events::parse(&changed).as_ref() == Ok(wanted)).then_some(changed)
    })
}

/// What a key can hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// The least number, where there is one; it may be excluded.
    pub least: Option<f64>,
    /// The greatest number, likewise.
    pub most: Option<f64>,
    /// The words among which one is chosen.
    pub words: Vec<String>,
    /// What it is: `name: description`.
    pub meaning: String,
}

/// What the key of a dotted path can hold, by the schema; None where there is no such key.
pub fn room_of(path: &str) -> Option<Room> {
    let (forms, meaning) = messages::described(json_schema(), path)?;
    let end = |names: [&str; 2]| {
        let mut ends = forms
            .iter()
            .flat_map(|form| names.map(|name| form.get(name)));
        ends.find_map(|end| end?.as_f64())
    };
    let words = forms.iter().filter_map(|form| form.get("const")?.as_str());
    Some(Room {
        least: end(["minimum", "exclusiveMinimum"]),
        most: end(["maximum", "exclusiveMaximum"]),
        words: words.map(str::to_owned).collect(),
        meaning,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_gets_other_values_where_its_keys_stand() {
        let path = Path::new("file.yaml");
        let edit = |changes: &[(&str, Json)]| {
            let changes = changes.iter();
            let changes: Vec<_> = changes
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect();
            edited(
                path,
                "# why\nseed: 1\ndata: {toy: {rho: 0.0}}\n".to_owned(),
                &changes,
            )
        };
        assert_eq!(edit(&[]).expect("as it was").lines().next(), Some("# why"));
        // What stands there is changed where it stands.
        let text = edit(&[("seed", json!(7)), ("data.toy.rho", json!(-0.25))]);
        let wanted = "# why\nseed: 7\ndata: {toy: {rho: -0.25}}\n";
        assert_eq!(text.expect("fits"), wanted);
        let text = edit(&[("data.toy.rho", json!(0.5)), ("remedy.rate.B", json!(4))]);
        let wanted = "seed: 1\ndata:\n  toy:\n    rho: 0.5\nremedy:\n  rate:\n    B: 4\n";
        assert_eq!(text.expect("fits"), wanted);
        let text = edit(&[("data", json!(null)), ("remedy.rate", json!(null))]);
        assert_eq!(text.expect("fits"), "seed: 1\n");
        let error = edit(&[("seed.more", json!(1))]).expect_err("a number has no keys");
        assert!(
            error.to_string().contains("seed is a single value"),
            "{error}"
        );
    }

    /// Of names that stand twice in a line the right one is changed, whatever follows it; a value that is no plain one, or is used
    /// elsewhere too, makes a text that is written anew.
    #[test]
    fn values_are_changed_in_place_where_that_gives_the_wanted_scenario() {
        let edit = |text: &str, key: &str, new: Json| {
            edited(
                Path::new("file.yaml"),
                text.to_owned(),
                &[(key.to_owned(), new)],
            )
            .expect("fits")
        };
        for (text, key, new, wanted) in [
            (
                "a: {A: 1, B: 2} # A: 3",
                "a.A",
                json!(1e-6),
                "a: {A: 1e-6, B: 2} # A: 3",
            ),
            (
                "{x: {A: 1.0}, y: {A: 1.0}} # two",
                "y.A",
                json!(2.5),
                "{x: {A: 1.0}, y: {A: 2.5}} # two",
            ),
            (
                "a:   1 # one\r\nb: 2\r\n",
                "a",
                json!(3),
                "a:   3 # one\r\nb: 2\r\n",
            ),
            ("a: linear # units", "a", json!("relu"), "a: relu # units"),
            ("a: {b: 1} # why", "a", json!("relu"), "a: relu\n"),
            ("a: &x 1 # why\nb: *x", "a", json!(2), "a: 2\nb: 1\n"),
            ("a: 1 # why\nb: 2", "a", json!(null), "b: 2\n"),
            ("aa: 1 # why\na: 2", "a", json!(3), "aa: 1 # why\na: 3"),
        ] {
            assert_eq!(edit(text, key, new), wanted, "{text}");
        }
    }

    #[test]
    fn a_key_has_the_range_of_the_schema() {
        let rho = room_of("data.toy.rho").expect("a key");
        assert_eq!((rho.least, rho.most), (Some(-1.0), Some(1.0)));
        assert!(
            rho.meaning.starts_with("rho: Correlation"),
            "{}",
            rho.meaning
        );
        let sigma = room_of("data.toy.sigma.A").expect("a key");
        assert_eq!(sigma.least, Some(0.0));
        let rate = room_of("descent.learning_rate").expect("a key");
        assert_eq!(rate.least, Some(0.0));
        let units = room_of("network.activation").expect("a key");
        assert_eq!(units.words, ["linear", "relu", "tanh", "erf"]);
        assert_eq!(room_of("data.toy.nothing"), None);
    }
}
