//! The report of a sweep: what ended how, and how far theory is from what was measured.

use super::format::{NONE, number, push_wrapped, rows, table};
use super::summary::Provenance;
use crate::scenario::{AxisValue, Grid, ScenarioFile};
use crate::sweep::{Quantity, Record, Table};
use indexmap::IndexMap;
use serde::Serialize;
use std::fmt::Write;

/// Failed cells that are written out.
const MOST_FAILURES: usize = 10;

/// The content of a sweep's `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct SweepSummary {
    /// Name of the sweep.
    pub name: String,
    /// The scenario with every default filled in.
    pub scenario: ScenarioFile,
    /// Number of cells, repeats included.
    pub cells: u64,
    /// Number of cells by outcome.
    pub outcomes: IndexMap<String, u64>,
    /// The first failed cells.
    pub failures: Vec<Failure>,
    /// Measured against predicted, one entry for every quantity that theory has a word on.
    pub gaps: Vec<GapSummary>,
    /// Cells where theory names the modality learned first, and those where it is right.
    pub first: Agreement,
    /// Names of the files that were written, this one included.
    pub files: Vec<String>,
    /// Where the numbers come from; the only part that differs between equal sweeps.
    pub provenance: Option<Provenance>,
}

/// A failed cell.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Its number, from 0.
    pub cell: u64,
    /// What it varies.
    pub values: IndexMap<String, String>,
    /// How it ended.
    pub outcome: String,
    /// Why.
    pub reason: String,
}

/// How often a prediction holds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Agreement {
    /// Cells with prediction and measurement.
    pub compared: u64,
    /// Cells where they agree.
    pub agree: u64,
}

/// Relative gaps (measured - theory)/|theory| of a quantity over the cells.
#[derive(Debug, Clone, Serialize)]
pub struct GapSummary {
    /// The quantity, or what the actual initial weights say of it.
    pub quantity: Quantity,
    /// What is measured.
    #[serde(skip)]
    measured: Quantity,
    /// Cells with both.
    pub compared: u64,
    /// Mean size of the gap.
    pub mean: Option<f64>,
    /// The gap of the largest size.
    pub largest: Option<f64>,
    /// What that cell varies, with its repeat.
    pub at: IndexMap<String, String>,
}

impl SweepSummary {
    /// The summary of a finished sweep, before its cells are taken in.
    pub fn new(name: &str, scenario: ScenarioFile, table: &Table<'_>) -> Self {
        let predicted = Quantity::all().filter(|quantity| quantity.is_predicted());
        Self {
            name: name.to_owned(),
            scenario,
            cells: table.grid.len(),
            outcomes: table.store.outcomes().into_iter().collect(),
            failures: Vec::new(),
            gaps: predicted.flat_map(GapSummary::both).collect(),
            first: Agreement::default(),
            files: Vec::new(),
            provenance: None,
        }
    }

    /// Takes in a cell.
    pub fn add(&mut self, grid: &Grid, record: &Record) {
        if record.is_success() {
            if let Some(agrees) = record.first_agrees() {
                self.first.compared += 1;
                self.first.agree += u64::from(agrees);
            }
            self.gaps.iter_mut().for_each(|gap| gap.add(grid, record));
        } else if self.failures.len() < MOST_FAILURES {
            self.failures.push(Failure {
                cell: record.cell.index,
                values: values(grid, record),
                outcome: record.row.outcome.name().to_owned(),
                reason: record.row.reason.clone().unwrap_or_default(),
            });
        }
    }

    /// After the last cell: from sums to means, of what has been compared.
    pub fn finish(&mut self) {
        self.gaps.retain(|gap| gap.compared > 0);
        for gap in &mut self.gaps {
            gap.mean = gap.mean.map(|sum| sum / gap.compared as f64);
        }
    }
}

fn values(grid: &Grid, record: &Record) -> IndexMap<String, String> {
    let paths = grid.columns().map(|column| column.path.clone());
    let shown = |value: &AxisValue| match value {
        AxisValue::Absent => "none".to_owned(),
        value => value.to_string(),
    };
    let values = record.cell.values.iter().map(shown);
    paths.zip(values).collect()
}

impl GapSummary {
    /// By the formulas, and by the actual initial weights where these have a word on the quantity.
    fn both(measured: Quantity) -> impl Iterator<Item = Self> {
        let sources = [Some(measured), measured.by_weights()];
        let sources = sources.into_iter().flatten();
        sources.map(move |quantity| Self::new(quantity, measured))
    }

    fn new(quantity: Quantity, measured: Quantity) -> Self {
        Self {
            quantity,
            measured,
            compared: 0,
            mean: None,
            largest: None,
            at: IndexMap::new(),
        }
    }

    fn add(&mut self, grid: &Grid, record: &Record) {
        let gap = match self.quantity == self.measured {
            true => record.gap(self.quantity),
            false => record.gap_by_weights(self.measured, self.quantity),
        };
        let Some(gap) = gap else {
            return;
        };
        self.compared += 1;
        self.mean = Some(self.mean.unwrap_or(0.0) + gap.abs());
        if self.largest.is_none_or(|largest| gap.abs() > largest.abs()) {
            self.largest = Some(gap);
            self.at = values(grid, record);
            self.at
                .insert("repeat".into(), record.cell.repeat.to_string());
        }
    }
}

/// The report on standard output.
pub fn report(summary: &SweepSummary) -> String {
    let SweepSummary { name, cells, .. } = summary;
    let mut text = format!("{name}: {cells} cells\n");
    if let Some(description) = &summary.scenario.scenario.description {
        let _ = writeln!(text, "{description}");
    }
    let outcomes = summary.outcomes.iter();
    let outcomes: Vec<String> = outcomes
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let _ = writeln!(text, "  {}", outcomes.join(", "));
    for failure in &summary.failures {
        let place = place(&failure.values);
        let note = format!(
            "cell {}{place}: {} ({})",
            failure.cell, failure.outcome, failure.reason
        );
        push_wrapped(&mut text, &note);
    }
    if summary.first.compared > 0 {
        let Agreement { compared, agree } = summary.first;
        let _ = writeln!(
            text,
            "\n  learned first: as predicted in {agree} of {compared} cells"
        );
    }
    if !summary.gaps.is_empty() {
        text.push('\n');
        text.push_str(&gap_table(&summary.gaps));
    }
    text
}

fn gap_table(gaps: &[GapSummary]) -> String {
    let percent = |gap: Option<f64>| {
        gap.map_or(NONE.to_owned(), |gap| {
            format!("{} %", number(round(100.0 * gap)))
        })
    };
    table(&rows(
        gaps,
        &[
            ("against theory", &|gap| gap.quantity.key().to_owned()),
            ("cells", &|gap| gap.compared.to_string()),
            ("mean |gap|", &|gap| percent(gap.mean)),
            ("largest gap", &|gap| percent(gap.largest)),
            ("at", &|gap| place(&gap.at).trim_start().to_owned()),
        ],
    ))
}

/// Three digits.
fn round(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// ` data.toy.rho = 0.9, repeat = 2`, or nothing.
fn place(values: &IndexMap<String, String>) -> String {
    let pairs: Vec<String> = values
        .iter()
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!(" {}", pairs.join(", "))
    }
}
