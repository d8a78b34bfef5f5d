//! A cell's results, and its row of `sweep.csv`.

use super::quantities::{self, OTHERS, PHASE};
use crate::scenario::{Cell, Grid};
use modalflow::integrate::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellOutcome {
    /// Its values make no scenario, or its data or weights cannot be used.
    Invalid,
    /// The program failed.
    Panicked,
    /// It was integrated.
    #[serde(untagged)]
    Run(Outcome),
}

impl CellOutcome {
    /// Whether it ended as it was asked to.
    pub fn is_success(self) -> bool {
        matches!(self, CellOutcome::Run(outcome) if outcome.is_success())
    }

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            CellOutcome::Run(outcome) => outcome.name(),
            CellOutcome::Invalid => "invalid",
            CellOutcome::Panicked => "panicked",
        }
    }
}

/// A cell's results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// How it ended.
    pub outcome: CellOutcome,
    /// Why something is missing.
    pub reason: Option<String>,
    /// What was measured.
    pub measured: Values,
    /// What theory predicts.
    pub theory: Values,
}

/// Values of quantities by key, without those that were not reached or are not predicted.
pub type Values = BTreeMap<String, Value>;

/// A value of a quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// A finite number.
    Number(f64),
    /// A name.
    Text(String),
}

/// A number as a value; None where it is missing or not finite.
pub fn number(number: impl Into<Option<f64>>) -> Option<Value> {
    let number = number.into().filter(|number| number.is_finite());
    number.map(Value::Number)
}

/// A count as a value.
pub(super) fn count(count: u64) -> Option<Value> {
    Some(Value::Count(count))
}

/// A name as a value; None where it is missing.
pub(super) fn text(text: Option<&str>) -> Option<Value> {
    text.map(|text| Value::Text(text.to_owned()))
}

impl Row {
    /// A cell without results.
    pub fn failed(outcome: CellOutcome, reason: &str) -> Self {
        Self {
            outcome,
            // A row is a line.
            reason: Some(reason.split_whitespace().collect::<Vec<_>>().join(" ")),
            measured: Values::new(),
            theory: Values::new(),
        }
    }
}

impl Value {
    /// The number; None of a name.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Count(count) => Some(*count as f64),
            Value::Number(number) => Some(*number),
            Value::Text(_) => None,
        }
    }

    /// A number is the shortest decimal that reads back as the same one.
    fn text(&self) -> String {
        match self {
            Value::Count(count) => count.to_string(),
            Value::Number(number) => format!("{number:?}"),
            Value::Text(text) => text.clone(),
        }
    }
}

/// The header of `sweep.csv`, with its line end.
pub fn header(grid: &Grid) -> String {
    let axes = grid.columns().map(|column| column.path.clone());
    let cell = ["repeat", "seed", "outcome", "reason"].map(str::to_owned);
    let columns = columns(&str::to_owned, &|key| format!("theory_{key}"));
    line(axes.chain(cell).chain(columns))
}

/// A cell's line of `sweep.csv`, with its line end.
pub fn csv_line(cell: &Cell, row: &Row) -> String {
    let axes = cell.values.iter().map(ToString::to_string);
    let cell = [
        cell.repeat.to_string(),
        cell.seed.to_string(),
        row.outcome.name().to_owned(),
        row.reason.clone().unwrap_or_default(),
    ];
    // What is missing is empty.
    let text = |value: Option<&Value>| value.map(Value::text).unwrap_or_default();
    let columns = columns(&|key| text(row.measured.get(key)), &|key| {
        text(row.theory.get(key))
    });
    line(axes.chain(cell).chain(columns))
}

/// What stands in the columns of quantities: the unimodal phase, all predictions, everything else.
fn columns(measured: &dyn Fn(&str) -> String, predicted: &dyn Fn(&str) -> String) -> Vec<String> {
    let predictions = quantities::all().filter(|entry| entry.predicted.is_some());
    let phase = PHASE.iter().map(|entry| measured(entry.key));
    let columns = phase.chain(predictions.map(|entry| predicted(entry.key)));
    columns
        .chain(OTHERS.iter().map(|entry| measured(entry.key)))
        .collect()
}

/// Fields as a line of CSV, quoted where they must be.
fn line(fields: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Neither memory nor the number of fields of a single row can fail here.
    let _ = writer.write_record(fields);
    let line = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&line).into_owned()
}
