//! A cell's results as a row of `sweep.csv`.

use crate::scenario::{Cell, Grid, Quantity};
use modalflow::integrate::{Outcome, Work};
use serde::{Deserialize, Serialize};

/// What stands in a column.
enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<f64>),
    Count(Option<u64>),
}

use Value::{Count, Number, Text};

/// A column: its name, and what stands there in the row of a cell.
type Column = (&'static str, for<'a> fn(&'a Row, &Cell) -> Value<'a>);

/// Columns after those of the axes.
const COLUMNS: [Column; 46] = [
    ("repeat", |_, cell| Count(Some(cell.repeat))),
    ("seed", |_, cell| Count(Some(cell.seed))),
    ("outcome", |row, _| Text(Some(row.outcome.name()))),
    ("reason", |row, _| Text(row.reason.as_deref())),
    ("first", |row, _| Text(row.first.as_deref())),
    ("second", |row, _| Text(row.second.as_deref())),
    ("t_first", |row, _| Number(row.measured.t_first)),
    ("t_second", |row, _| Number(row.measured.t_second)),
    ("length", |row, _| Number(row.measured.length())),
    ("ratio", |row, _| Number(row.measured.ratio)),
    ("misattribution", |row, _| {
        Number(row.measured.misattribution)
    }),
    ("first_gain", |row, _| Number(row.measured.first_gain)),
    ("theory_first", |row, _| Text(row.theory_first.as_deref())),
    ("theory_t_first", |row, _| Number(row.theory.t_first)),
    ("theory_t_second", |row, _| Number(row.theory.t_second)),
    ("theory_length", |row, _| Number(row.theory.length())),
    ("theory_ratio", |row, _| Number(row.theory.ratio)),
    ("theory_misattribution", |row, _| {
        Number(row.theory.misattribution)
    }),
    ("theory_first_gain", |row, _| Number(row.theory.first_gain)),
    ("ratio_gap", |row, _| Number(row.ratio_gap)),
    ("t_end", |row, _| Number(row.t_end)),
    ("initial_loss", |row, _| Number(row.initial_loss)),
    ("final_loss", |row, _| Number(row.final_loss)),
    ("t_first_minimum", |row, _| {
        Number(row.generalisation.t_first_minimum)
    }),
    ("first_minimum", |row, _| {
        Number(row.generalisation.first_minimum)
    }),
    ("least_generalisation", |row, _| {
        Number(row.generalisation.least)
    }),
    ("final_generalisation", |row, _| {
        Number(row.generalisation.last)
    }),
    ("least_norm_generalisation", |row, _| {
        Number(row.generalisation.least_norm)
    }),
    ("weak", |row, _| Text(row.generalisation.weak.as_deref())),
    ("bias_ratio", |row, _| Number(row.generalisation.bias_ratio)),
    ("permanent_bias", |row, _| {
        Text(row.generalisation.verdict.as_deref())
    }),
    ("learned", |row, _| Text(row.parts.verdict.as_deref())),
    ("linear_part", |row, _| Number(row.parts.linear[0])),
    ("t_linear_part", |row, _| Number(row.parts.linear[1])),
    ("xor_part", |row, _| Number(row.parts.xor[0])),
    ("t_xor_part", |row, _| Number(row.parts.xor[1])),
    ("descent_t_first", |row, _| Number(row.descent.t_first)),
    ("descent_t_second", |row, _| Number(row.descent.t_second)),
    ("descent_ratio", |row, _| Number(row.descent.ratio)),
    ("visits", |row, _| Count(row.descent.visits)),
    ("visit_time", |row, _| Number(row.descent.visit_time)),
    ("visit_distance", |row, _| {
        Number(row.descent.visit_distance)
    }),
    ("descent_steps", |row, _| Count(row.descent.steps)),
    ("steps", |row, _| Count(row.work.map(|work| work.steps))),
    ("rhs_evaluations", |row, _| {
        Count(row.work.map(|work| work.rhs_evaluations))
    }),
    ("hessian_products", |row, _| {
        Count(row.work.map(|work| work.hessian_products))
    }),
];

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

/// A cell's results. What was not reached, or is not predicted, is None.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// How it ended.
    pub outcome: CellOutcome,
    /// Why something is missing.
    pub reason: Option<String>,
    /// Name of the modality learned first.
    pub first: Option<String>,
    /// Name of the modality learned second.
    pub second: Option<String>,
    /// Measured.
    pub measured: Values,
    /// Name of the modality that theory has first.
    pub theory_first: Option<String>,
    /// Predicted.
    pub theory: Values,
    /// (measured - theory)/|theory| of the time ratio, where the order agrees.
    pub ratio_gap: Option<f64>,
    /// Time reached.
    pub t_end: Option<f64>,
    /// Loss of the zero map.
    pub initial_loss: Option<f64>,
    /// Loss reached.
    pub final_loss: Option<f64>,
    /// Of the generalisation error, where there is one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generalisation: Generalisation,
    /// Of the target's parts, where they are known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parts: Parts,
    /// Of the descent at the first learning rate, where one is asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub descent: Descent,
    /// Of the flow.
    pub work: Option<Work>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What became of the generalisation error E_g, in units of y^2.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generalisation {
    /// When E_g has its first minimum.
    pub t_first_minimum: Option<f64>,
    /// E_g there.
    pub first_minimum: Option<f64>,
    /// The least E_g of the run.
    pub least: Option<f64>,
    /// E_g at the end.
    pub last: Option<f64>,
    /// E_g of the least-squares solution of least norm.
    pub least_norm: Option<f64>,
    /// Name of the modality that grows last from small weights.
    pub weak: Option<String>,
    /// Its share of the final map over its share of the true one.
    pub bias_ratio: Option<f64>,
    /// The verdict on permanent bias: biased, not biased, or open.
    pub verdict: Option<String>,
}

/// Which parts of the target were learned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// both, neither, or a name.
    pub verdict: Option<String>,
    /// How much of the linear part is in the outputs at the end, and when half of it was.
    pub linear: [Option<f64>; 2],
    /// The same of the exclusive or.
    pub xor: [Option<f64>; 2],
}

/// What became of a discrete descent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descent {
    /// When its first modality is learned.
    pub t_first: Option<f64>,
    /// When its second one is.
    pub t_second: Option<f64>,
    /// t_second / t_first.
    pub ratio: Option<f64>,
    /// Visits to the saddle where its first modality alone is learned.
    pub visits: Option<u64>,
    /// Their time together.
    pub visit_time: Option<f64>,
    /// The least distance from it, over the learnable loss.
    pub visit_distance: Option<f64>,
    /// Steps done.
    pub steps: Option<u64>,
}

/// What is both measured and predicted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// When the first modality is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// t_second / t_first.
    pub ratio: Option<f64>,
    /// Signed size of the mis-attribution.
    pub misattribution: Option<f64>,
    /// Share of the learnable loss that the first modality removes.
    pub first_gain: Option<f64>,
}

impl Values {
    fn length(&self) -> Option<f64> {
        Some(self.t_second? - self.t_first?)
    }

    /// A quantity that is both measured and predicted; None for others.
    pub fn get(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::Ratio => self.ratio,
            Quantity::TFirst => self.t_first,
            Quantity::TSecond => self.t_second,
            Quantity::Length => self.length(),
            Quantity::Misattribution => self.misattribution,
            Quantity::FirstGain => self.first_gain,
            _ => None,
        }
    }
}

impl Row {
    /// A cell without results.
    pub fn failed(outcome: CellOutcome, reason: &str) -> Self {
        Self {
            outcome,
            // A row is a line.
            reason: Some(reason.split_whitespace().collect::<Vec<_>>().join(" ")),
            first: None,
            second: None,
            measured: Values::default(),
            theory_first: None,
            theory: Values::default(),
            ratio_gap: None,
            t_end: None,
            initial_loss: None,
            final_loss: None,
            generalisation: Generalisation::default(),
            parts: Parts::default(),
            descent: Descent::default(),
            work: None,
        }
    }
}

impl Value<'_> {
    /// A number is the shortest decimal that reads back as the same one; what is missing is empty.
    fn text(self) -> String {
        let text = match self {
            Text(text) => text.map(str::to_owned),
            Count(count) => count.map(|count| count.to_string()),
            number => number.number().map(|number| format!("{number:?}")),
        };
        text.unwrap_or_default()
    }

    fn number(self) -> Option<f64> {
        match self {
            Text(_) => None,
            Number(number) => number.filter(|number| number.is_finite()),
            Count(count) => count.map(|count| count as f64),
        }
    }
}

/// The header of `sweep.csv`, without a line end.
pub fn header(grid: &Grid) -> String {
    let axes = grid.columns().map(|column| column.path.as_str());
    line(axes.chain(COLUMNS.map(|(name, _)| name)))
}

/// A cell's line of `sweep.csv`, without a line end.
pub fn csv_line(cell: &Cell, row: &Row) -> String {
    let axes = cell.values.iter().map(ToString::to_string);
    line(axes.chain(COLUMNS.map(|(_, value)| value(row, cell).text())))
}

/// The number in a column after those of the axes; None where there is none.
pub(super) fn number(column: &str, cell: &Cell, row: &Row) -> Option<f64> {
    let (_, value) = COLUMNS.iter().find(|(name, _)| *name == column)?;
    value(row, cell).number()
}

/// Fields as a line of CSV, quoted where they must be.
fn line(fields: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Neither memory nor the number of fields of a single row can fail here.
    let _ = writer.write_record(fields);
    let mut line = writer.into_inner().unwrap_or_default();
    line.truncate(line.trim_ascii_end().len());
    String::from_utf8_lossy(&line).into_owned()
}
