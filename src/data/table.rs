//! Data from the columns of a CSV file.
//!
//! Without standardisation the columns enter as they are: the network has no intercept, so
//! that columns far from mean zero make it learn their means first.

use super::csv_file::CsvFile;
use super::rows::Rows;
use super::second_moments::layout;
use super::{About, Content, DataSource, Sampling};
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::section::{ByModality, check, within};
use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Columns of a CSV file with a header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "path": "data.csv",
    "modalities": {"A": ["a1", "a2"], "B": ["b1"]},
    "targets": ["y"],
    "holdout": 0.2,
}]))]
pub struct TableData {
    /// The file, relative to the scenario file.
    #[schemars(title = "the path of a file")]
    pub path: PathBuf,
    /// Input columns of each modality.
    pub modalities: ByModality<Vec<String>>,
    /// Target columns.
    pub targets: Vec<String>,
    /// Whether every column is shifted to mean 0 and scaled to variance 1, both taken over the rows
    /// that are trained on.
    #[serde(default = "default_true")]
    pub standardise: bool,
    /// Fraction of the rows, drawn at random, that is kept out of training and gives the
    /// generalisation error.
    #[serde(default)]
    #[schemars(transform = within(check::closed(0.0, 0.9)))]
    pub holdout: f64,
}

fn default_true() -> bool {
    true
}

impl DataSource for TableData {
    fn about(&self) -> About<'_> {
        let names = self.modalities.keys().map(String::as_str);
        let holds_out = self.holdout > 0.0;
        About {
            depends_on_seed: holds_out,
            holds_out,
            ..About::of("table", names.collect(), Sampling::File)
        }
    }

    fn check(&self) -> Result<()> {
        check::path("data.table.path", &self.path)?;
        check::modality_names("data.table.modalities", &self.modalities)?;
        check::number("data.table.holdout", self.holdout, 0.0..=0.9)?;
        let mut seen = Vec::new();
        for (name, columns) in &self.modalities {
            let key = format!("data.table.modalities.{name}");
            check_columns(&key, columns, &mut seen)?;
        }
        check_columns("data.table.targets", &self.targets, &mut seen)
    }

    fn files_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        vec![("data.table.path", &mut self.path)]
    }

    fn content(&self, seed: u64) -> Result<Content> {
        let (training, holdout) = rows(self, seed)?;
        Ok(Content::of_rows(training, holdout))
    }
}

/// `seen` holds the columns of the lists before this one, with their keys.
fn check_columns<'t>(
    key: &str,
    columns: &'t [String],
    seen: &mut Vec<(&'t str, String)>,
) -> Result<()> {
    if columns.is_empty() {
        let remedy = "name at least one column of the table";
        return Err(InputError::at(key, "the list of columns is empty", remedy));
    }
    for (i, column) in columns.iter().enumerate() {
        let key = format!("{key}.{i}");
        if column.trim().is_empty() {
            let remedy = "give the column's name as in the table's first line";
            return Err(InputError::at(
                key,
                "the name of the column is empty",
                remedy,
            ));
        }
        if let Some((_, first)) = seen.iter().find(|(name, _)| name == column) {
            return Err(InputError::at(
                key,
                format!("the column {column:?} already stands at {first}"),
                "use each column once, either as an input of one modality or as a target",
            ));
        }
        seen.push((column, key));
    }
    Ok(())
}

/// The rows trained on, and those held out, where there are any.
///
/// # Errors
/// An input error where the file cannot be read as a table, lacks a column, has a cell that is not
/// a finite number in a column used, and where standardisation or the hold-out is impossible.
fn rows(table: &TableData, seed: u64) -> Result<(Rows, Option<Rows>)> {
    let file = CsvFile::open(&table.path, "data.table.path")?;
    let values = file.numbers(&columns(table), usize::MAX)?;
    let (train, held_out) = split(table, values.nrows(), seed)?;
    let mut training = values.select_rows(&train);
    let mut holdout = values.select_rows(&held_out);
    if table.standardise {
        standardise(table, &file, &mut training, &mut holdout)?;
    }
    let dim = values.ncols() - table.targets.len();
    let used = table.modalities.iter();
    let modalities = layout(used.map(|(name, columns)| (name, columns.len())));
    let rows = |values: DMatrix<f64>| Rows {
        modalities: modalities.clone(),
        inputs: values.columns_range(..dim).into_owned(),
        targets: values.columns_range(dim..).into_owned(),
        parts: None,
    };
    let holdout = (!held_out.is_empty()).then(|| rows(holdout));
    Ok((rows(training), holdout))
}

/// Names of the columns used, in the order of the joined input, then the targets.
fn columns(table: &TableData) -> Vec<&str> {
    let inputs = table.modalities.values().flatten();
    inputs.chain(&table.targets).map(String::as_str).collect()
}

/// Row numbers trained on and held out, each in the order of the file.
fn split(table: &TableData, rows: usize, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    let held = (table.holdout * rows as f64).round() as usize;
    if held >= rows || (held == 0 && table.holdout > 0.0) {
        return Err(InputError::at(
            "data.table.holdout",
            format!(
                "a share of {} holds out {held} of the table's {rows} rows",
                table.holdout
            ),
            "choose a share that leaves at least one row on either side, or 0 for no hold-out",
        ));
    }
    let mut shuffled: Vec<usize> = (0..rows).collect();
    shuffled.shuffle(&mut stream(seed, Purpose::HoldOut));
    let mut train = shuffled.split_off(held);
    train.sort_unstable();
    shuffled.sort_unstable();
    Ok((train, shuffled))
}

/// Shifts and scales every column to mean 0 and variance 1 (divided by n) of the training rows;
/// the hold-out by the same shift and scale, so that it tells nothing to the training.
fn standardise(
    table: &TableData,
    file: &CsvFile<'_>,
    training: &mut DMatrix<f64>,
    holdout: &mut DMatrix<f64>,
) -> Result<()> {
    for (j, name) in columns(table).into_iter().enumerate() {
        let mut column = training.column_mut(j);
        // Compared, not computed: round-off in the mean gives a constant column a variance.
        if column.iter().all(|&x| x == column[0]) {
            let (rows, value) = (column.len(), column[0]);
            let problem = format!("all {rows} rows trained on have the value {value}");
            let remedy = "a constant cannot be scaled to variance 1: leave the column out, or set \
                 data.table.standardise: false";
            return Err(file.in_column(name, None, problem, remedy));
        }
        let mean = column.mean();
        column.add_scalar_mut(-mean);
        // The mean's own round-off, left over where it is large next to the deviations.
        let rest = column.mean();
        column.add_scalar_mut(-rest);
        let deviation = column.norm() / (column.len() as f64).sqrt();
        column /= deviation;
        let mut held_out = holdout.column_mut(j);
        held_out.apply(|x| *x = ((*x - mean) - rest) / deviation);
    }
    Ok(())
}
