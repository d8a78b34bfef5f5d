//! Why a value is no scenario, in plain words.
//!
//! serde finds the place where a value does not fit the types. What is wrong there, with the
//! nearest known key and the key's own description, is read off the schema of the types. An
//! alternative is a mapping with one of several keys, which the schema has as `oneOf`.

use super::events::below;
use crate::error::InputError;
use crate::error::nearest;
use serde_json::Value as Json;
use serde_path_to_error::{Error as PathError, Segment};
use serde_yaml::{Mapping, Value};

/// Why a value is not what the schema describes at the key `at`, or as a whole where that is empty.
pub(super) fn explain(
    value: &Value,
    (schema, at): (&Json, &str),
    error: &PathError<serde_yaml::Error>,
) -> InputError {
    let words = error.inner().to_string();
    let root = Place::root(schema);
    let (mut place, mut value) = (root.below(at).unwrap_or(root), value);
    for segment in error.path() {
        let step = match segment {
            Segment::Map { key } => key.clone(),
            Segment::Seq { index } => index.to_string(),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        let Some(next) = place.below(&step) else {
            return place.unknown_key(&step, &words);
        };
        if let Some(error) = value.as_mapping().and_then(|map| place.wrong_choice(map)) {
            return error;
        }
        (place, value) = (next, child(value, &step).unwrap_or(&Value::Null));
    }
    place.wrong(value, &words)
}

/// Whether a scenario can have a key of this path.
pub(super) fn is_known(schema: &Json, path: &str) -> bool {
    place(schema, path).is_some()
}

fn place<'s>(schema: &'s Json, path: &str) -> Option<Place<'s>> {
    let mut steps = path.split('.');
    steps.try_fold(Place::root(schema), |place, step| place.below(step))
}

/// Whether the key of this path names a file.
pub(super) fn names_file(schema: &Json, path: &str) -> bool {
    place(schema, path).is_some_and(|place| title(place.schema) == Some("the path of a file"))
}

/// The schemas of what the key of this path can hold, and what it is about: `name: description`.
pub(super) fn described<'s>(schema: &'s Json, path: &str) -> Option<(Vec<&'s Json>, String)> {
    let place = place(schema, path)?;
    let meaning = place.meaning.trim_start_matches("; ").to_owned();
    Some((place.forms().collect(), meaning))
}

/// What stands at a key of a mapping or at a place of a list.
pub(super) fn child<'v>(value: &'v Value, step: &str) -> Option<&'v Value> {
    value
        .get(step)
        .or_else(|| value.get(step.parse::<usize>().ok()?))
}

/// A key that stands without a value.
pub(super) fn without_value(key: String) -> InputError {
    let remedy = "give it one ({} stands for the defaults), or take the key out";
    InputError::at(key, "this key has no value", remedy)
}

/// A place in a scenario, and the schema of what belongs there.
struct Place<'s> {
    root: &'s Json,
    path: String,
    schema: &'s Json,
    /// "; name: description" of the place, or of the nearest one above it that is described.
    meaning: String,
}

impl<'s> Place<'s> {
    fn root(schema: &'s Json) -> Self {
        Place {
            root: schema,
            path: String::new(),
            schema,
            meaning: String::new(),
        }
    }

    /// The place of a key or of a list's element.
    fn below(&self, step: &str) -> Option<Place<'s>> {
        let inside = |form: &'s Json| {
            if let Some(property) = form.get("properties").and_then(|all| all.get(step)) {
                // An alternative is described beside its key.
                let text = description(property).or_else(|| description(form));
                return Some((property, text));
            }
            let entry = form.get("additionalProperties").filter(|e| e.is_object());
            let element = || form.get("items").filter(|_| step.parse::<usize>().is_ok());
            Some((entry.or_else(element)?, None))
        };
        let (schema, text) = self.forms().find_map(inside)?;
        let meaning = text.map(|text| format!("; {step}: {text}"));
        Some(Place {
            root: self.root,
            path: below(&self.path, step),
            schema: resolved(self.root, schema),
            meaning: meaning.unwrap_or_else(|| self.meaning.clone()),
        })
    }

    /// What the place can hold: one form, or several to choose from.
    fn forms(&self) -> impl Iterator<Item = &'s Json> {
        let several = list(self.schema, "oneOf").chain(list(self.schema, "anyOf"));
        std::iter::once(self.schema).chain(several)
    }

    /// Words among which one is chosen, and keys, of which one is given with its value.
    fn names(&self) -> Vec<&'s str> {
        list(self.schema, "oneOf").filter_map(name).collect()
    }

    fn keys(&self) -> Vec<&'s str> {
        list(self.schema, "oneOf").filter_map(key).collect()
    }

    /// What is wrong with a value here.
    fn wrong(&self, value: &Value, serde_words: &str) -> InputError {
        let is_mapping = self.kind() == "object";
        let empty = Mapping::new();
        match value {
            Value::Mapping(map) if is_mapping || !self.keys().is_empty() => {
                self.wrong_mapping(map, serde_words)
            }
            // serde takes it for an empty one.
            Value::Null if is_mapping => self.wrong_mapping(&empty, serde_words),
            Value::String(word) if self.kind() == "word" => self.wrong_word(word),
            _ => self.mismatch(value),
        }
    }

    fn wrong_mapping(&self, map: &Mapping, serde_words: &str) -> InputError {
        let mut names = map.keys().filter_map(Value::as_str);
        if let Some(name) = names.find(|name| self.below(name).is_none()) {
            return self.unknown_key(name, serde_words);
        }
        let keys = self.keys();
        let required = list(self.schema, "required").filter_map(Json::as_str);
        let sole = keys.first().copied().filter(|_| keys.len() == 1);
        if let Some(name) = required.chain(sole).find(|name| !map.contains_key(*name)) {
            return self.missing_key(name);
        }
        self.wrong_choice(map).unwrap_or_else(|| {
            let remedy = "compare it with the examples in the folder scenarios/";
            InputError::at(self.path.as_str(), serde_words, remedy)
        })
    }

    /// What is wrong where not exactly one of several keys is given.
    fn wrong_choice(&self, map: &Mapping) -> Option<InputError> {
        let (keys, path) = (self.keys(), self.path.as_str());
        let present = keys.iter().filter(|key| map.contains_key(**key));
        let is_empty = |key: &&str| map.get(*key).is_some_and(Value::is_null);
        let (empty, given): (Vec<&str>, Vec<&str>) = present.partition(|key| is_empty(key));
        let (problem, remedy) = match (given.as_slice(), empty.first()) {
            _ if keys.len() < 2 => return None,
            ([_], None) => return None,
            ([_], Some(key)) => return Some(without_value(below(path, key))),
            ([], _) => (
                format!("{} is missing", title(self.schema).unwrap_or("a key")),
                format!("give one of {} under {path}", keys.join(", ")),
            ),
            ([.., last], _) => (
                format!(
                    "{} are given, of which only one can be",
                    given.join(" and ")
                ),
                format!("keep one; from the command line, --set {path}.{last}=null removes {last}"),
            ),
        };
        Some(InputError::at(path, problem, remedy))
    }

    fn wrong_word(&self, word: &str) -> InputError {
        let names = self.names();
        let lacking = list(self.schema, "oneOf").find(|choice| key(choice) == Some(word));
        let (problem, remedy) = match lacking.and_then(description) {
            None => (
                format!("{word:?} is not one of {}", written(&names).join(", ")),
                did_you_mean(word, &names),
            ),
            Some(text) => (
                format!("{word} stands without its value"),
                format!("give {}; {word}: {text}", self.expected()),
            ),
        };
        InputError::at(self.path.as_str(), problem, remedy)
    }

    fn unknown_key(&self, name: &str, serde_words: &str) -> InputError {
        let keys = self
            .forms()
            .filter_map(|form| form.get("properties")?.as_object());
        let mut known: Vec<&str> = keys
            .flat_map(|keys| keys.keys().map(String::as_str))
            .collect();
        // serde names them in the order of their declaration, which a schema loses.
        known.sort_by_key(|key| {
            let place = serde_words.find(&format!("`{key}`"));
            place.unwrap_or(usize::MAX)
        });
        let problem = format!("unknown key {name:?}");
        if let Some((key, value)) = name.split_once('=') {
            let remedy = colon_remedy(key, value);
            return InputError::at(below(&self.path, name), problem, remedy);
        }
        let mut remedy = did_you_mean(name, &known);
        if nearest(name, known.iter().copied()).is_none()
            && let Some(others) = self.others_with(name)
        {
            remedy += &format!("; {name} belongs under {others}");
        }
        InputError::at(below(&self.path, name), problem, remedy)
    }

    /// What could stand in place of this one that has a key of this name.
    fn others_with(&self, name: &str) -> Option<String> {
        let (above, own) = self.path.rsplit_once('.')?;
        let above = place(self.root, above)?;
        let has =
            |key: &&str| *key != own && above.below(key).is_some_and(|at| at.below(name).is_some());
        let others = above.keys().into_iter().filter(has);
        let others: Vec<String> = others.map(|key| below(&above.path, key)).collect();
        (!others.is_empty()).then(|| others.join(" or "))
    }

    fn missing_key(&self, name: &str) -> InputError {
        let meaning = self
            .below(name)
            .map(|place| place.meaning)
            .unwrap_or_default();
        let place = match self.path.as_str() {
            "" => "at the top level".to_owned(),
            path => format!("under {path}"),
        };
        let remedy = format!("add `{name}:` {place}{meaning}");
        InputError::at(below(&self.path, name), "this key is missing", remedy)
    }

    fn mismatch(&self, value: &Value) -> InputError {
        let expected = self.expected();
        let wanted = match expected {
            "one word" => written(&self.names()).join(" or "),
            _ => expected.to_owned(),
        };
        let has_fraction = matches!(value, Value::Number(number) if number.is_f64());
        let hint = if has_fraction && self.kind() == "integer" {
            ", without a decimal point or exponent"
        } else {
            ""
        };
        let problem = format!("expected {expected}, found {}", found(value));
        let remedy = format!("give {wanted}{hint}{}", self.meaning);
        InputError::at(self.path.as_str(), problem, remedy)
    }

    /// The type of what belongs here; "word" where it is chosen among words, "any" where it can
    /// have several types.
    fn kind(&self) -> &'s str {
        let of = self.schema.get("type");
        let of = of.and_then(|of| of.as_str().or_else(|| of.get(0)?.as_str()));
        match of {
            Some(of) => of,
            None if self.names().is_empty() => "any",
            None if self.keys().len() < self.names().len() => "word",
            None => "object",
        }
    }

    /// What belongs here, in words.
    fn expected(&self) -> &'s str {
        let is_map = self
            .schema
            .get("additionalProperties")
            .is_some_and(Json::is_object);
        match (self.kind(), title(self.schema)) {
            ("string", title) => title.unwrap_or("text"),
            ("integer", _) => "a whole number (0 or more)",
            ("number", _) => "a number",
            ("boolean", _) => "true or false",
            ("array", _) => "a list",
            ("object", _) if is_map => "a mapping (name: value)",
            ("object", _) => "a mapping (key: value)",
            (_, title) => title.unwrap_or("one word"),
        }
    }
}

fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {}?", in_quotes(near)),
        None => format!("known here: {}", written(known).join(", ")),
    }
}

/// Words as they are written in YAML.
fn written(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| in_quotes(word)).collect()
}

/// A value as it is written in YAML: a single sign in quotes.
fn in_quotes(value: &str) -> String {
    match value.as_bytes() {
        [sign] if sign.is_ascii_punctuation() && *sign != b'"' => format!("{value:?}"),
        _ => value.to_owned(),
    }
}

/// What to do about an equals sign between a key and its value.
pub(super) fn colon_remedy(key: &str, value: &str) -> String {
    let (key, value) = (key.trim(), in_quotes(value.trim()));
    format!("a colon and a blank stand between key and value: `{key}: {value}`")
}

/// What was found, in words.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the text {text:?}"),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Tagged(tagged) => found(&tagged.value),
    }
}

/// The schema behind references, and behind the choice between a value and null.
fn resolved<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    let mut options = list(schema, "anyOf");
    let named = options
        .find(|option| option.get("$ref").is_some())
        .unwrap_or(schema);
    let name = named.get("$ref").and_then(Json::as_str);
    let name = name.and_then(|reference| reference.strip_prefix("#/$defs/"));
    name.and_then(|name| root.get("$defs")?.get(name))
        .unwrap_or(schema)
}

/// A schema's list of a keyword; empty where it has none.
fn list<'s>(schema: &'s Json, keyword: &str) -> impl Iterator<Item = &'s Json> + use<'s> {
    schema
        .get(keyword)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
}

/// The key of an alternative that is a mapping.
fn key(choice: &Json) -> Option<&str> {
    let keys = choice.get("properties")?.as_object()?;
    keys.keys().next().map(String::as_str)
}

/// The word or the key of an alternative.
fn name(choice: &Json) -> Option<&str> {
    let word = choice.get("const").and_then(Json::as_str);
    word.or_else(|| key(choice))
}

fn title(schema: &Json) -> Option<&str> {
    schema.get("title").and_then(Json::as_str)
}

/// A description on one line.
fn description(schema: &Json) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    let words: Vec<_> = text.split_whitespace().collect();
    Some(words.join(" ").trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests;
