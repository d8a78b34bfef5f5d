//! A cell's results as a row of `sweep.csv`.

use crate::scenario::{Cell, Grid, Quantity};
use modalflow::integrate::Outcome;

/// A column: its name, and what stands there in the row of a cell.
type Column = (&'static str, fn(&Row, &Cell) -> String);

/// Columns after those of the axes.
const COLUMNS: [Column; 46] = [
    ("repeat", |_, cell| cell.repeat.to_string()),
    ("seed", |_, cell| cell.seed.to_string()),
    ("outcome", |row, _| row.outcome.name().to_owned()),
    ("reason", |row, _| word(&row.reason)),
    ("first", |row, _| word(&row.first)),
    ("second", |row, _| word(&row.second)),
    ("t_first", |row, _| field(row.measured.t_first)),
    ("t_second", |row, _| field(row.measured.t_second)),
    ("length", |row, _| field(row.measured.length())),
    ("ratio", |row, _| field(row.measured.ratio)),
    ("misattribution", |row, _| {
        field(row.measured.misattribution)
    }),
    ("first_gain", |row, _| field(row.measured.first_gain)),
    ("theory_first", |row, _| word(&row.theory_first)),
    ("theory_t_first", |row, _| field(row.theory.t_first)),
    ("theory_t_second", |row, _| field(row.theory.t_second)),
    ("theory_length", |row, _| field(row.theory.length())),
    ("theory_ratio", |row, _| field(row.theory.ratio)),
    ("theory_misattribution", |row, _| {
        field(row.theory.misattribution)
    }),
    ("theory_first_gain", |row, _| field(row.theory.first_gain)),
    ("ratio_gap", |row, _| field(row.ratio_gap)),
    ("t_end", |row, _| field(row.t_end)),
    ("initial_loss", |row, _| field(row.initial_loss)),
    ("final_loss", |row, _| field(row.final_loss)),
    ("t_first_minimum", |row, _| {
        field(row.generalisation.t_first_minimum)
    }),
    ("first_minimum", |row, _| {
        field(row.generalisation.first_minimum)
    }),
    ("least_generalisation", |row, _| {
        field(row.generalisation.least)
    }),
    ("final_generalisation", |row, _| {
        field(row.generalisation.last)
    }),
    ("least_norm_generalisation", |row, _| {
        field(row.generalisation.least_norm)
    }),
    ("weak", |row, _| word(&row.generalisation.weak)),
    ("bias_ratio", |row, _| field(row.generalisation.bias_ratio)),
    ("permanent_bias", |row, _| {
        row.generalisation.verdict.unwrap_or_default().to_owned()
    }),
    ("learned", |row, _| word(&row.parts.verdict)),
    ("linear_part", |row, _| field(row.parts.linear[0])),
    ("t_linear_part", |row, _| field(row.parts.linear[1])),
    ("xor_part", |row, _| field(row.parts.xor[0])),
    ("t_xor_part", |row, _| field(row.parts.xor[1])),
    ("descent_t_first", |row, _| field(row.descent.t_first)),
    ("descent_t_second", |row, _| field(row.descent.t_second)),
    ("descent_ratio", |row, _| field(row.descent.ratio)),
    ("visits", |row, _| {
        whole(row.descent.visits.map(|visits| visits.0))
    }),
    ("visit_time", |row, _| {
        field(row.descent.visits.map(|visits| visits.1))
    }),
    ("visit_distance", |row, _| {
        field(row.descent.visits.map(|visits| visits.2))
    }),
    ("descent_steps", |row, _| whole(row.descent.steps)),
    ("steps", |row, _| work(row, 0)),
    ("rhs_evaluations", |row, _| work(row, 1)),
    ("hessian_products", |row, _| work(row, 2)),
];

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellOutcome {
    /// It was integrated.
    Run(Outcome),
    /// Its values make no scenario, or its data or weights cannot be used.
    Invalid,
    /// The program failed.
    Panicked,
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

    /// Whether an outcome of this name is a success.
    pub(super) fn is_success_named(name: &str) -> bool {
        const RUNS: [Outcome; 2] = [Outcome::Converged, Outcome::TimeReached];
        let mut runs = RUNS.into_iter().map(CellOutcome::Run);
        runs.any(|outcome| outcome.is_success() && outcome.name() == name)
    }
}

/// A cell's results. What was not reached, or is not predicted, is None.
#[derive(Debug, Clone, PartialEq)]
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
    pub generalisation: Generalisation,
    /// Of the target's parts, where they are known.
    pub parts: Parts,
    /// Of the descent at the first learning rate, where one is asked for.
    pub descent: Descent,
    /// Accepted steps, evaluations of the right-hand side, products of the Hessian.
    pub work: Option<[u64; 3]>,
}

/// What became of the generalisation error E_g, in units of y^2.
#[derive(Debug, Clone, PartialEq, Default)]
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
    pub verdict: Option<&'static str>,
}

/// Which parts of the target were learned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parts {
    /// both, neither, or a name.
    pub verdict: Option<String>,
    /// How much of the linear part is in the outputs at the end, and when half of it was.
    pub linear: [Option<f64>; 2],
    /// The same of the exclusive or.
    pub xor: [Option<f64>; 2],
}

/// What became of a discrete descent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Descent {
    /// When its first modality is learned.
    pub t_first: Option<f64>,
    /// When its second one is.
    pub t_second: Option<f64>,
    /// t_second / t_first.
    pub ratio: Option<f64>,
    /// Visits to the saddle where its first modality alone is learned, their time together, and
    /// the least distance from it, over the learnable loss.
    pub visits: Option<(u64, f64, f64)>,
    /// Steps done.
    pub steps: Option<u64>,
}

/// What is both measured and predicted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
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

fn word(word: &Option<String>) -> String {
    word.clone().unwrap_or_default()
}

fn whole(count: Option<u64>) -> String {
    count.map_or(String::new(), |count| count.to_string())
}

fn work(row: &Row, kind: usize) -> String {
    whole(row.work.map(|work| work[kind]))
}

/// The shortest decimal that reads back as the same number; empty where there is none.
fn field(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or(String::new(), |value| format!("{value:?}"))
}

/// The header of `sweep.csv`, without a line end.
pub fn header(grid: &Grid) -> String {
    let axes = grid.columns().map(|column| column.path.as_str());
    line(axes.chain(COLUMNS.map(|(name, _)| name)))
}

/// A cell's row of `sweep.csv`, without a line end.
pub fn row(cell: &Cell, row: &Row) -> String {
    let axes = cell.values.iter().map(ToString::to_string);
    line(axes.chain(COLUMNS.map(|(_, text)| text(row, cell))))
}

/// Number of columns after those of the axes.
pub(super) fn columns_len() -> usize {
    COLUMNS.len()
}

/// Where a column stands after those of the axes.
pub(super) fn place(column: &str) -> Option<usize> {
    COLUMNS.iter().position(|(name, _)| *name == column)
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
