//! Alternatives as enums get the messages that alternatives as optional keys have.

use super::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct File {
    /// Where data come from.
    #[serde(with = "modalflow::section::one_key")]
    #[schemars(with = "Source")]
    data: Source,
    #[serde(with = "modalflow::section::one_key", default)]
    #[schemars(with = "Unit")]
    unit: Unit,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "a source of data")]
enum Source {
    /// Scalars.
    Toy(Toy),
    /// Columns of a file.
    Table(Vec<u64>),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Toy {
    sigma: f64,
}

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "linear or {leaky_relu: 0.1}")]
enum Unit {
    /// z.
    #[default]
    Linear,
    /// z, or its slope times z.
    LeakyRelu(f64),
}

fn message(text: &str) -> String {
    let value: Value = serde_yaml::from_str(text).expect("YAML");
    let schema = schemars::schema_for!(File).to_value();
    match serde_path_to_error::deserialize::<_, File>(&value) {
        Ok(_) => "none".to_owned(),
        Err(error) => explain(&value, (&schema, ""), &error)
            .to_string()
            .replace("\n  help", ""),
    }
}

#[test]
fn one_of_several_keys() {
    for (text, expected) in [
        ("data: {toy: {sigma: 1}}", "none"),
        (
            "{}",
            "data: this key is missing: add `data:` at the top level; data: Where data come from",
        ),
        (
            "data: {}",
            "data: a source of data is missing: give one of toy, table under data",
        ),
        (
            "data: ",
            "data: a source of data is missing: give one of toy, table under data",
        ),
        (
            "data: {toy: }",
            "data: a source of data is missing: give one of toy, table under data",
        ),
        (
            "data: {table: [x], toy: {}}",
            "data: toy and table are given, of which only one can be: \
             keep one; from the command line, --set data.table=null removes table",
        ),
        (
            "data: {table: , toy: {sigma: 1}}",
            "data.table: this key has no value: \
             give it one ({} stands for the defaults), or take the key out",
        ),
        (
            "data: {toi: {sigma: 1}}",
            "data.toi: unknown key \"toi\": did you mean toy?",
        ),
        (
            "data: {toy: {sgima: 1}}",
            "data.toy.sgima: unknown key \"sgima\": did you mean sigma?",
        ),
        (
            "data: {toy: {}}",
            "data.toy.sigma: this key is missing: add `sigma:` under data.toy; toy: Scalars",
        ),
        (
            "data: 3",
            "data: expected a mapping (key: value), found 3: \
             give a mapping (key: value); data: Where data come from",
        ),
        (
            "data: toy",
            "data: expected a mapping (key: value), found the text \"toy\": \
             give a mapping (key: value); data: Where data come from",
        ),
        (
            "data: {table: [1, a]}",
            "data.table.1: expected a whole number (0 or more), found the text \"a\": \
             give a whole number (0 or more); table: Columns of a file",
        ),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn a_word_or_a_key() {
    for (unit, expected) in [
        ("linear", "none"),
        ("{leaky_relu: 1}", "none"),
        (
            "linaer",
            "unit: \"linaer\" is not one of linear, leaky_relu: did you mean linear?",
        ),
        (
            "3",
            "unit: expected linear or {leaky_relu: 0.1}, found 3: give linear or {leaky_relu: 0.1}",
        ),
        (
            "leaky_relu",
            "unit: leaky_relu stands without its value: \
             give linear or {leaky_relu: 0.1}; leaky_relu: z, or its slope times z",
        ),
        (
            "{leaky: 1}",
            "unit.leaky: unknown key \"leaky\": did you mean leaky_relu?",
        ),
        (
            "{}",
            "unit.leaky_relu: this key is missing: \
             add `leaky_relu:` under unit; leaky_relu: z, or its slope times z",
        ),
    ] {
        assert_eq!(
            message(&format!("{{data: {{table: []}}, unit: {unit}}}")),
            expected
        );
    }
}
