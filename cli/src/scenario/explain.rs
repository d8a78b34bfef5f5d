//! Typed errors in plain words.
//!
//! serde says what it wanted in the words of Rust types; here they become the words of the
//! scenario file, with the nearest known key and the key's own description.

use super::locate::leads_to;
use crate::error::InputError;
use crate::names::nearest;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};

/// An error of deserialisation, at its key.
pub(super) fn explain(
    error: &serde_path_to_error::Error<serde_yaml::Error>,
    root: &str,
) -> InputError {
    let path = dotted(error.path());
    let path = match (root, path.is_empty()) {
        ("", _) => path,
        (_, true) => root.to_owned(),
        _ => child(root, &path),
    };
    let message = error.inner().to_string();
    missing(&path, &message)
        .or_else(|| unknown_field(&path, &message))
        .or_else(|| unknown_word(&path, &message))
        .or_else(|| mismatch(&path, &message))
        .unwrap_or_else(|| {
            InputError::at(
                path,
                message,
                "compare it with the examples in the folder scenarios/",
            )
        })
}

/// Whether a scenario can have a key of this path.
pub(super) fn is_known(path: &str) -> bool {
    let schema = super::load::json_schema();
    property(&schema, path).is_some()
}

fn dotted(path: &Path) -> String {
    let steps = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        // The variant of a word (`method: dopri5`) is no step of the file.
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    steps.collect::<Vec<_>>().join(".")
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn missing(path: &str, message: &str) -> Option<InputError> {
    let name = message.strip_prefix("missing field `")?.strip_suffix('`')?;
    let key = child(path, name);
    let meaning = meaning(&key);
    let place = if path.is_empty() {
        "at the top level".to_owned()
    } else {
        format!("under {path}")
    };
    Some(InputError::at(
        key,
        "this key is missing",
        format!("add `{name}:` {place}{meaning}"),
    ))
}

/// The name in "unknown ... `name`, expected `a` or `b`", and the known ones.
fn unknown<'m>(message: &'m str, prefix: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let rest = message.strip_prefix(prefix)?;
    let (name, list) = rest.rsplit_once("`, expected ")?;
    Some((name, list.split('`').skip(1).step_by(2).collect()))
}

fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn unknown_field(path: &str, message: &str) -> Option<InputError> {
    let (name, known) = unknown(message, "unknown field `")?;
    let here = path == name || path.ends_with(&format!(".{name}"));
    let key = if here {
        path.to_owned()
    } else {
        child(path, name)
    };
    let remedy = did_you_mean(name, &known);
    let problem = format!("unknown key {name:?}");
    Some(InputError::at(key, problem, remedy))
}

fn unknown_word(path: &str, message: &str) -> Option<InputError> {
    let (name, known) = unknown(message, "unknown variant `")?;
    Some(InputError::at(
        path,
        format!("{name:?} is not one of {}", known.join(", ")),
        did_you_mean(name, &known),
    ))
}

fn mismatch(path: &str, message: &str) -> Option<InputError> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    // From the right: the text that was found may hold any words.
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let expected = expected_words(expected);
    let whole = expected.starts_with("a whole number") && found.starts_with("floating point");
    let hint = if whole {
        ", without a decimal point or exponent"
    } else {
        ""
    };
    let wanted = choices(path).unwrap_or_else(|| expected.to_owned());
    Some(InputError::at(
        path,
        format!("expected {expected}, found {}", found_words(found)),
        format!("give {wanted}{hint}{}", meaning(path)),
    ))
}

/// "dopri5 or dop853" for a key that takes one of a few words.
fn choices(path: &str) -> Option<String> {
    let schema = super::load::json_schema();
    let options = resolve(&schema, property(&schema, path)?).get("oneOf")?;
    let words = options.as_array()?.iter();
    let words: Option<Vec<_>> = words.map(|option| option.get("const")?.as_str()).collect();
    Some(words?.join(" or "))
}

fn expected_words(expected: &str) -> &str {
    match expected {
        "usize" | "u64" => "a whole number (0 or more)",
        "f64" => "a number",
        "a string" => "text",
        "path string" => "the path of a file",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a mapping (name: value)",
        other if other.starts_with("struct ") => "a mapping (key: value)",
        other if other.contains("enum") || other.contains("variant") => "one word",
        other => other,
    }
}

fn found_words(found: &str) -> String {
    let bare = |prefix: &str| {
        let value = found.strip_prefix(prefix)?;
        Some(value.trim_matches('`').to_owned())
    };
    match found {
        "unit value" | "null" | "Option value" => "nothing (null)".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        _ => bare("string ")
            .map(|text| format!("the text {text}"))
            .or_else(|| bare("integer "))
            .or_else(|| bare("floating point "))
            .or_else(|| bare("boolean "))
            .unwrap_or_else(|| found.to_owned()),
    }
}

/// "; name: description" of a key, from the doc comments by way of the JSON schema.
fn meaning(path: &str) -> String {
    let schema = super::load::json_schema();
    let mut path = path;
    loop {
        let text = property(&schema, path)
            .and_then(|property| property.get("description"))
            .and_then(Json::as_str);
        if let Some(text) = text {
            let name = path.rsplit('.').next().unwrap_or(path);
            let words: Vec<_> = text.split_whitespace().collect();
            return format!("; {name}: {}", words.join(" ").trim_end_matches('.'));
        }
        // A modality's entry or a list's element has no description; its parent may.
        match path.rsplit_once('.') {
            Some((parent, _)) if leads_to(parent, path) => path = parent,
            _ => return String::new(),
        }
    }
}

/// The schema of the key `path`.
fn property<'s>(schema: &'s Json, path: &str) -> Option<&'s Json> {
    path.split('.').try_fold(schema, |node, step| {
        let node = resolve(schema, node);
        let field = node.get("properties").and_then(|fields| fields.get(step));
        let entry = node.get("additionalProperties").filter(|e| e.is_object());
        // One of several forms may be a mapping.
        let forms = node.get("oneOf").and_then(Json::as_array);
        let form = || {
            let mut forms = forms.into_iter().flatten();
            forms.find_map(|form| form.get("properties")?.get(step))
        };
        field.or(entry).or_else(form).or_else(|| {
            step.parse::<usize>().ok()?;
            node.get("items")
        })
    })
}

/// Follows references, and takes the side of an optional value that is not null.
fn resolve<'s>(schema: &'s Json, node: &'s Json) -> &'s Json {
    let options = node.get("anyOf").and_then(Json::as_array);
    let node = options
        .and_then(|options| options.iter().find(|option| option.get("$ref").is_some()))
        .unwrap_or(node);
    let name = node
        .get("$ref")
        .and_then(Json::as_str)
        .and_then(|reference| reference.strip_prefix("#/$defs/"));
    name.and_then(|name| schema.get("$defs")?.get(name))
        .unwrap_or(node)
}
