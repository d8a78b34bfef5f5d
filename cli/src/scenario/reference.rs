//! The reference of scenarios, docs/scenario.md: one walk over the JSON Schema, with a heading, the
//! examples and a table of keys for each section.

use super::events::below;
use super::load::json_schema;
use serde_json::{Value, json};
use std::collections::HashMap;

const INTRODUCTION: &str = include_str!("reference.md");

/// The page, in Markdown.
pub fn reference() -> String {
    let schema = json_schema();
    let mut page = Page {
        definitions: &schema["$defs"],
        headings: HashMap::new(),
        pending: Vec::new(),
        text: INTRODUCTION.to_owned(),
    };
    page.keys("", schema);
    page.sections();
    page.text
}

struct Page<'s> {
    definitions: &'s Value,
    /// Under which heading each type is described.
    headings: HashMap<&'s str, String>,
    /// Headings and types of the sections that the table at hand links to for the first time.
    pending: Vec<(String, &'s Value)>,
    text: String,
}

impl<'s> Page<'s> {
    fn sections(&mut self) {
        for (path, schema) in std::mem::take(&mut self.pending) {
            self.section(&path, schema);
        }
    }

    /// A type under its path: what it is, its examples, its keys or words.
    fn section(&mut self, path: &str, schema: &'s Value) {
        let level = "#".repeat(2 + path.matches('.').count());
        self.text += &format!("\n{level} {path}\n\n{}\n", description(schema));
        for example in schema["examples"].as_array().into_iter().flatten() {
            let yaml = serde_yaml::to_string(&nested(path, example)).unwrap_or_default();
            self.text += &format!("\n```yaml\n{yaml}```\n");
        }
        let choices = schema["oneOf"].as_array();
        if let Some(choices) = choices {
            self.choices(path, choices);
        }
        if choices.is_none() || schema["properties"].is_object() {
            self.keys(path, schema);
        }
        self.sections();
    }

    /// Required keys come first.
    fn keys(&mut self, path: &str, schema: &'s Value) {
        self.text += "\n| key | type | default | range | what it is |\n|---|---|---|---|---|\n";
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut keys: Vec<_> = properties(schema).collect();
        keys.sort_by_key(|(name, _)| !required.contains(&json!(name)));
        for (name, schema) in keys {
            let default = match required.contains(&json!(name)) {
                true => "required".to_owned(),
                false => default(&schema["default"]),
            };
            let kind = self.kind(&below(path, name), schema, false);
            let (range, text) = (self.range(schema), description(schema));
            self.text += &format!("| `{name}` | {kind} | {default} | {range} | {text} |\n");
        }
    }

    /// Words of which one is chosen, or keys of which one is given.
    fn choices(&mut self, path: &str, choices: &'s [Value]) {
        self.text += "\n| one of | what it is |\n|---|---|\n";
        for choice in choices {
            let text = description(choice);
            if let Some(word) = choice["const"].as_str() {
                let word = word.replace('|', "\\|");
                self.text += &format!("| `{word}` | {text} |\n");
            }
            for (name, schema) in properties(choice) {
                let kind = self.kind(&below(path, name), schema, false);
                self.text += &format!("| `{name}`: {kind} | {text} |\n");
            }
        }
    }

    /// What the value of a key is. A type with keys or words of its own is a link to its section.
    fn kind(&mut self, path: &str, schema: &'s Value, plural: bool) -> String {
        let s = if plural { "s" } else { "" };
        if schema["items"].is_object() {
            let each = self.kind(&format!("{path}[]"), &schema["items"], true);
            return format!("list{s} of {each}");
        }
        if schema["additionalProperties"].is_object() {
            let each = self.kind(path, &schema["additionalProperties"], true);
            return format!("{each} by name");
        }
        if let Some((name, target)) = self.target(schema) {
            let is_section = target["properties"].is_object() || target["oneOf"].is_array();
            return match is_section {
                true => self.link(path, name, target),
                false => self.kind(path, target, plural),
            };
        }
        match schema["title"].as_str() {
            Some(title) if plural => format!("values ({title})"),
            Some(title) => title.to_owned(),
            None => type_word(&schema["type"]).to_owned() + s,
        }
    }

    fn link(&mut self, path: &str, name: &'s str, schema: &'s Value) -> String {
        let heading = self.headings.entry(name).or_insert_with(|| {
            self.pending.push((path.to_owned(), schema));
            path.to_owned()
        });
        format!("[{heading}](#{})", heading.replace(['.', '[', ']'], ""))
    }

    /// The range of a number, or of the numbers in a list or mapping.
    fn range(&self, schema: &Value) -> String {
        let inner = ["additionalProperties", "items"].map(|key| &schema[key]);
        if let Some(inner) = inner.into_iter().find(|inner| inner.is_object()) {
            return self.range(inner);
        }
        let target = self.target(schema);
        let number = target.map_or(schema, |(_, target)| &target["anyOf"][0]);
        let words = [
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        ];
        let ends = words.iter().filter_map(|(key, word)| {
            let end = number[*key].as_f64()?;
            Some(format!("{word} {}", short(end)))
        });
        ends.collect::<Vec<_>>().join(", ")
    }

    /// The name of the type that a schema refers to, and the type.
    fn target<'t>(&self, schema: &'t Value) -> Option<(&'t str, &'s Value)> {
        let reference = schema.get("$ref").or(schema["anyOf"][0].get("$ref"))?;
        let name = reference.as_str()?.strip_prefix("#/$defs/")?;
        Some((name, &self.definitions[name]))
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// An example in its place in the file.
fn nested(path: &str, example: &Value) -> Value {
    let steps = path.rsplit('.');
    steps.fold(example.clone(), |inner, step| {
        match step.strip_suffix("[]") {
            Some(list) => json!({ list: [inner] }),
            None => json!({ step: inner }),
        }
    })
}

fn type_word(kind: &Value) -> &'static str {
    match kind.as_str().or(kind[0].as_str()) {
        Some("boolean") => "true or false",
        Some("integer") => "whole number",
        Some("number") => "number",
        _ => "text",
    }
}

fn default(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::Number(number) => short(number.as_f64().unwrap_or_default()),
        Value::String(word) => format!("`{word}`"),
        other => format!("`{other}`"),
    }
}

/// A number without needless zeros.
fn short(number: f64) -> String {
    match number.abs() {
        0.0 | 1e-3..1e9 => number.to_string(),
        _ => format!("{number:e}"),
    }
}

/// The description, on one line and fit for a cell of a table.
fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('\n', " ").replace('|', "\\|")
}
