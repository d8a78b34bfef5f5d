//! A cell's results as a row of `sweep.csv`.

use crate::integrate::Outcome;
use crate::scenario::{Cell, Grid, Quantity};

/// Columns after those of the axes.
pub const COLUMNS: [&str; 46] = [
    "repeat",
    "seed",
    "outcome",
    "reason",
    "first",
    "second",
    "t_first",
    "t_second",
    "length",
    "ratio",
    "misattribution",
    "first_gain",
    "theory_first",
    "theory_t_first",
    "theory_t_second",
    "theory_length",
    "theory_ratio",
    "theory_misattribution",
    "theory_first_gain",
    "ratio_gap",
    "t_end",
    "initial_loss",
    "final_loss",
    "t_first_minimum",
    "first_minimum",
    "least_generalisation",
    "final_generalisation",
    "least_norm_generalisation",
    "weak",
    "bias_ratio",
    "permanent_bias",
    "learned",
    "linear_part",
    "t_linear_part",
    "xor_part",
    "t_xor_part",
    "descent_t_first",
    "descent_t_second",
    "descent_ratio",
    "visits",
    "visit_time",
    "visit_distance",
    "descent_steps",
    "steps",
    "rhs_evaluations",
    "hessian_products",
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

    fn fields(&self, cell: &Cell) -> [String; COLUMNS.len()] {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let count = |i: usize| self.work.map_or(String::new(), |work| work[i].to_string());
        let Self {
            measured,
            theory,
            generalisation,
            parts,
            descent,
            ..
        } = self;
        let whole = |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
        [
            cell.repeat.to_string(),
            cell.seed.to_string(),
            self.outcome.name().to_owned(),
            word(&self.reason),
            word(&self.first),
            word(&self.second),
            field(measured.t_first),
            field(measured.t_second),
            field(measured.length()),
            field(measured.ratio),
            field(measured.misattribution),
            field(measured.first_gain),
            word(&self.theory_first),
            field(theory.t_first),
            field(theory.t_second),
            field(theory.length()),
            field(theory.ratio),
            field(theory.misattribution),
            field(theory.first_gain),
            field(self.ratio_gap),
            field(self.t_end),
            field(self.initial_loss),
            field(self.final_loss),
            field(generalisation.t_first_minimum),
            field(generalisation.first_minimum),
            field(generalisation.least),
            field(generalisation.last),
            field(generalisation.least_norm),
            word(&generalisation.weak),
            field(generalisation.bias_ratio),
            generalisation.verdict.unwrap_or_default().to_owned(),
            word(&parts.verdict),
            field(parts.linear[0]),
            field(parts.linear[1]),
            field(parts.xor[0]),
            field(parts.xor[1]),
            field(descent.t_first),
            field(descent.t_second),
            field(descent.ratio),
            whole(descent.visits.map(|visits| visits.0)),
            field(descent.visits.map(|visits| visits.1)),
            field(descent.visits.map(|visits| visits.2)),
            whole(descent.steps),
            count(0),
            count(1),
            count(2),
        ]
    }
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
    line(axes.chain(COLUMNS))
}

/// A cell's row of `sweep.csv`, without a line end.
pub fn row(cell: &Cell, row: &Row) -> String {
    let axes = cell.values.iter().map(ToString::to_string);
    line(axes.chain(row.fields(cell)))
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
