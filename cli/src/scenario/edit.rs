//! The text of a scenario with other values at some keys, and what a key can hold.

use super::load::json_schema;
use super::overrides::Override;
use super::{events, messages};
use crate::error::{InputError, Result};
use serde_json::Value as Json;
use std::path::Path;

/// The text of the scenario file `path` with other values at some keys; null removes a key. Without changes it is the
/// same text; with some, its comments are gone.
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
    for (key, new) in changes {
        // Plain data always becomes YAML.
        let new = serde_yaml::to_value(new).unwrap_or_default();
        Override::set(&mut value, key, &new).map_err(in_file)?;
    }
    // What was YAML is YAML.
    Ok(serde_yaml::to_string(&value).unwrap_or_default())
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
