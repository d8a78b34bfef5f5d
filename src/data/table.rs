//! Data from the columns of a table in a text file.
//!
//! Without standardisation the columns enter as they are: the network has no intercept, so
//! that columns far from mean zero make it learn their means first.

use super::columns::{ColumnName, Columns, Selection};
use super::constant::Constant;
use super::files::csv_file::{CsvFile, Wanted};
use super::files::csv_format::{Decimal, Format, Missing, Separator};
use super::files::reading::Reading;
use super::modality::layout;
use super::origin::{Origin, Place};
use super::preparation::{COMPONENTS, FOLD, FOLDS, Folds, HOLDOUT, Preparation, Raw, Targets};
use super::{About, Content, DataSource, Sampling, default_true};
use crate::error::{InputError, Result};
use crate::section::{ByModality, check, within};
use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const KEY: &str = "data.table";

/// Columns of a table: CSV or TSV, as it is or compressed by gzip. In the columns that are used, true and
/// false count as 1 and 0. The target is exactly one of targets and label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {
        "path": "data.csv",
        "modalities": {"A": ["a1", "a2"], "B": ["b1"]},
        "targets": ["y"],
        "holdout": 0.2,
    },
    {
        "path": "cohort.csv.gz",
        "separator": ";",
        "decimal": ",",
        "missing": "drop",
        "modalities": {"clinic": ["age", "s1..s6"], "genes": ["gene_*"], "scans": "rest"},
        "ignore": ["patient"],
        "label": "species",
        "components": 0.99,
        "folds": 5,
        "fold": 2,
    },
]))]
pub struct TableData {
    /// The file, relative to the scenario file.
    #[schemars(title = "the path of a file")]
    pub path: PathBuf,
    /// What stands between the cells of a row.
    #[serde(default)]
    pub separator: Separator,
    /// The decimal sign of the numbers.
    #[serde(default)]
    pub decimal: Decimal,
    /// Whether the first line has the names of the columns. Without it they are called 1, 2, ...
    #[serde(default = "default_true")]
    pub header: bool,
    /// What happens to a row with a missing cell (one that is empty, NA, NaN or null) in a column that is
    /// used.
    #[serde(default)]
    pub missing: Missing,
    /// Input columns of each modality: a list of names, of patterns with a star (gene_*) and of ranges in
    /// the order of the header (s1..s6); or the word rest for every column with a name that is used nowhere
    /// else.
    pub modalities: ByModality<Columns>,
    /// Columns that patterns, ranges and rest leave out, such as the name of a patient.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<ColumnName>,
    /// Target columns, in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<ColumnName>,
    /// A column of categories as target: one output for each, in the order of their names, which is 1 in the
    /// rows that have it and 0 in the others, less its mean over the rows that are trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<ColumnName>,
    /// Whether every column of numbers is shifted to mean 0 and scaled to variance 1, both taken over the
    /// rows that are trained on.
    #[serde(default = "default_true")]
    pub standardise: bool,
    /// What happens to an input that does not vary over the rows that are trained on.
    #[serde(default, skip_serializing_if = "Constant::is_default")]
    pub constant: Constant,
    /// Whether the inputs of each modality are rotated to their principal components and scaled to
    /// variance 1, over the rows that are trained on and after standardise. Directions without variance are
    /// left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub whiten: bool,
    /// Fraction of the variance of each modality that is kept: its inputs become the fewest principal
    /// components that explain it, the one of the largest variance first. Without it all inputs are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(COMPONENTS))]
    pub components: Option<f64>,
    /// Fraction of the rows, drawn at random, that is kept out of training and gives the
    /// generalisation error.
    #[serde(default)]
    #[schemars(transform = within(HOLDOUT))]
    pub holdout: f64,
    /// Number of folds, parts of about equal size, into which the rows are divided at random; one of them is kept
    /// out of training and gives the generalisation error. In place of holdout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(FOLDS))]
    pub folds: Option<u64>,
    /// The fold that is kept out of training, from 1 (the default) to folds: an axis over it is a
    /// cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(FOLD))]
    pub fold: Option<u64>,
    /// Seed of the division, 0 by default; not that of the scenario, so that all cells of a sweep divide the
    /// rows alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold_seed: Option<u64>,
    /// Whether each row that is trained on comes with its negative, inputs and targets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub mirror: bool,
}

impl DataSource for TableData {
    fn about(&self) -> About<'_> {
        let names = self.modalities.keys().map(String::as_str);
        About {
            depends_on_seed: self.holdout > 0.0,
            holds_out: self.holdout > 0.0 || self.folds.is_some(),
            has_classes: self.label.is_some(),
            ..About::of("table", names.collect(), Sampling::File)
        }
    }

    fn check(&self) -> Result<()> {
        check::path("data.table.path", &self.path)?;
        check::modality_names("data.table.modalities", &self.modalities)?;
        self.preparation().check()?;
        let mut seen = Vec::new();
        let mut rest = None;
        for (name, columns) in &self.modalities {
            let key = format!("data.table.modalities.{name}");
            match columns {
                Columns::Listed(list) => check_columns(&key, list, &mut seen)?,
                Columns::Rest => check_one_rest(rest.replace(key.clone()), &key)?,
            }
        }
        let targets = [
            ("targets", !self.targets.is_empty()),
            ("label", self.label.is_some()),
        ];
        check::exactly_one(KEY, "the target", &targets)?;
        if !self.targets.is_empty() {
            check_columns("data.table.targets", &self.targets, &mut seen)?;
        }
        if !self.ignore.is_empty() {
            check_columns("data.table.ignore", &self.ignore, &mut Vec::new())?;
        }
        let label = self.label.as_slice();
        label
            .iter()
            .try_for_each(|name| check_column("data.table.label".to_owned(), name, &mut seen))
    }

    fn files_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        vec![("data.table.path".to_owned(), &mut self.path)]
    }

    fn resolve(&mut self) -> Result<()> {
        if self.separator == Separator::Auto {
            self.separator = self.open()?.separator();
        }
        Ok(())
    }

    fn content(&self, seed: u64) -> Result<Content> {
        self.preparation().content(self.read()?, seed)
    }
}

/// Where the columns stand that are used.
struct Places {
    /// Those of each modality.
    inputs: Vec<Vec<usize>>,
    targets: Vec<usize>,
    label: Option<usize>,
}

impl TableData {
    fn preparation(&self) -> Preparation {
        Preparation {
            key: KEY,
            standardise: self.standardise,
            constant: self.constant,
            whiten: self.whiten,
            components: self.components,
            holdout: self.holdout,
            folds: Folds {
                count: self.folds,
                fold: self.fold,
                seed: self.fold_seed,
            },
            mirror: self.mirror,
        }
    }

    fn open(&self) -> Result<CsvFile<'_>> {
        let format = Format {
            key: Some(KEY),
            separator: self.separator,
            decimal: self.decimal,
            header: self.header,
        };
        CsvFile::open(&self.path, "data.table.path", format)
    }

    /// The columns used, as numbers and classes.
    ///
    /// # Errors
    /// An input error where the file cannot be read as a table, lacks a column, and has a cell that is
    /// not a finite number in a column used.
    fn read(&self) -> Result<Raw> {
        let file = self.open()?;
        let Places {
            inputs,
            targets,
            label,
        } = self.places(&file)?;
        let dims = self.modalities.keys().zip(inputs.iter().map(Vec::len));
        let modalities = layout(dims);
        let numbers = [inputs.concat(), targets].concat();
        let cells = file.read(&Wanted {
            numbers: &numbers,
            label,
            missing: self.missing,
            limit: usize::MAX,
        })?;
        let dim = modalities.last().map_or(0, |modality| modality.range.end);
        let mut columns = cells.numbers.into_iter();
        let inputs = joined(cells.rows, columns.by_ref().take(dim), dim);
        let outputs = columns.len();
        Ok(Raw {
            modalities,
            inputs,
            targets: match label {
                Some(_) => Targets::Classes(cells.labels),
                None => Targets::Numbers(joined(cells.rows, columns, outputs)),
            },
            origins: numbers
                .iter()
                .map(|&place| self.origin(&file, place))
                .collect(),
            reading: Reading {
                used: cells.rows,
                dropped: cells.dropped,
                notes: note(file.separator()).into_iter().collect(),
                ..Reading::default()
            },
        })
    }

    fn origin(&self, file: &CsvFile<'_>, place: usize) -> Origin {
        Origin {
            place: Place::File(self.path.clone()),
            column: format!("column {}", file.name(place)),
        }
    }

    /// Where the columns stand that are used.
    fn places(&self, file: &CsvFile<'_>) -> Result<Places> {
        let mut selection = Selection::new(file, &self.ignore)?;
        let mut inputs = vec![Vec::new(); self.modalities.len()];
        let mut rest = None;
        for (k, (name, columns)) in self.modalities.iter().enumerate() {
            let key = format!("data.table.modalities.{name}");
            match columns {
                Columns::Listed(list) => inputs[k] = selection.take(&key, list)?,
                Columns::Rest => rest = Some((k, key)),
            }
        }
        let targets = selection.take("data.table.targets", &self.targets)?;
        let label = selection.take("data.table.label", self.label.as_slice())?;
        if let Some((k, key)) = rest {
            inputs[k] = selection.take_rest(&key)?;
        }
        Ok(Places {
            inputs,
            targets,
            label: label.first().copied(),
        })
    }
}

/// What a report says of the cells' separator: nothing of commas, which everybody expects.
fn note(separator: Separator) -> Option<String> {
    let is_common = separator == Separator::Comma;
    (!is_common).then(|| format!("columns separated by {separator}"))
}

/// Columns side by side; each is freed once it is copied, since tables have millions of rows.
fn joined(rows: usize, columns: impl Iterator<Item = Vec<f64>>, count: usize) -> DMatrix<f64> {
    let mut values = Vec::with_capacity(rows * count);
    columns.for_each(|column| values.extend_from_slice(&column));
    DMatrix::from_vec(rows, count, values)
}

fn check_one_rest(other: Option<String>, key: &str) -> Result<()> {
    let Some(other) = other else {
        return Ok(());
    };
    let problem = format!("the rest already stands at {other}");
    let remedy = "give the columns of all modalities but one by name, pattern or range";
    Err(InputError::at(key, problem, remedy))
}

/// `seen` holds the columns of the lists before this one, with their keys.
fn check_columns<'t>(
    key: &str,
    columns: &'t [ColumnName],
    seen: &mut Vec<(&'t str, String)>,
) -> Result<()> {
    if columns.is_empty() {
        let remedy = "name at least one column of the table";
        return Err(InputError::at(key, "the list of columns is empty", remedy));
    }
    let mut columns = columns.iter().enumerate();
    columns.try_for_each(|(i, column)| check_column(format!("{key}.{i}"), column, seen))
}

fn check_column<'t>(
    key: String,
    ColumnName(column): &'t ColumnName,
    seen: &mut Vec<(&'t str, String)>,
) -> Result<()> {
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
    Ok(())
}
