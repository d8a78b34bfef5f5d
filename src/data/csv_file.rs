//! CSV files with a header: numbers by column, errors by file, line and column.

use crate::error::{InputError, Result, listed};
use csv::{ErrorKind, StringRecord};
use nalgebra::DMatrix;
use std::fs;
use std::path::Path;

/// A CSV file that has been read, and its header.
pub(super) struct CsvFile<'p> {
    path: &'p Path,
    bytes: Vec<u8>,
    header: StringRecord,
}

impl<'p> CsvFile<'p> {
    /// Reads the file that the scenario's `key` names.
    ///
    /// # Errors
    /// An input error where the file cannot be read, is not text, or has no header.
    pub fn open(path: &'p Path, key: &str) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| InputError::unreadable(path, key, &error))?;
        if let Err(error) = std::str::from_utf8(&bytes) {
            return Err(InputError::in_file(
                path,
                Some(line_at(&bytes, error.valid_up_to())),
                "not a text file in UTF-8",
                "save the table as CSV in UTF-8",
            ));
        }
        let header = reader(&bytes).headers().cloned();
        let header = header.map_err(|error| not_csv(path, &bytes, &error))?;
        if header.is_empty() {
            return Err(InputError::in_file(
                path,
                None,
                "the file is empty",
                "write a header with the names of the columns, then rows of numbers",
            ));
        }
        Ok(Self {
            path,
            bytes,
            header,
        })
    }

    /// Names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    /// The cells of the columns named, n x columns, of at most `limit` rows from the first on.
    ///
    /// # Errors
    /// An input error where a column is missing or there twice, a cell in one is not a finite
    /// number, a row has another length than the header, or there are no rows.
    pub fn numbers(&self, columns: &[&str], limit: usize) -> Result<DMatrix<f64>> {
        let places: Vec<usize> = columns
            .iter()
            .map(|name| self.place(name))
            .collect::<Result<_>>()?;
        let mut cells = Vec::new();
        for record in reader(&self.bytes).records().take(limit) {
            let record = record.map_err(|error| not_csv(self.path, &self.bytes, &error))?;
            for (name, &place) in columns.iter().zip(&places) {
                let text = record.get(place).unwrap_or_default();
                let value = number(text).map_err(|problem| {
                    let at = record.position();
                    let line = at.map(|at| line_at(&self.bytes, at.byte() as usize));
                    let remedy = "fill in a finite number, or remove the row";
                    self.in_column(name, line, problem, remedy)
                })?;
                cells.push(value);
            }
        }
        if cells.is_empty() {
            let remedy = "add rows of numbers below the header";
            let problem = "a header, but no rows";
            return Err(InputError::in_file(self.path, None, problem, remedy));
        }
        let rows = cells.len() / places.len();
        Ok(DMatrix::from_row_slice(rows, places.len(), &cells))
    }

    /// Where a column stands in the header.
    fn place(&self, name: &str) -> Result<usize> {
        let mut found = (0..self.header.len()).filter(|&j| self.header.get(j) == Some(name));
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(self.in_column(
                name,
                Some(1),
                "more than one column has this name",
                "rename all but one",
            )),
            (None, _) => Err(self.missing(name)),
        }
    }

    fn missing(&self, name: &str) -> InputError {
        let list = listed(&self.header);
        let separated = self.header.len() == 1 && list.contains([';', '\t', '|']);
        let remedy = if separated {
            format!("separate the columns by commas; the header reads: {list}")
        } else {
            format!("the file's columns are: {list}")
        };
        self.in_column(name, Some(1), "no such column", remedy)
            .with_unknown(name, &self.header)
    }

    /// An error in a column, at a line where it is known.
    pub fn in_column(
        &self,
        name: &str,
        line: Option<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> InputError {
        InputError::in_file(self.path, line, problem, remedy).with_key(format!("column {name}"))
    }
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes)
}

fn number(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("{text:?} is not a finite number")),
        Err(_) if text.is_empty() => Err("the cell is empty".to_owned()),
        Err(_) => Err(format!("{text:?} is not a number")),
    }
}

fn not_csv(path: &Path, bytes: &[u8], error: &csv::Error) -> InputError {
    let line = error
        .position()
        .map(|at| line_at(bytes, at.byte() as usize));
    let (problem, remedy) = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => (
            format!("{len} cells where the header has {expected_len}"),
            "give every row as many cells as the header",
        ),
        _ => (format!("not a CSV table: {error}"), "save the table as CSV"),
    };
    InputError::in_file(path, line, problem, remedy)
}

/// The line, counted from 1, of the record that starts at `byte` or after line ends there. The
/// csv crate's own count is one short after CRLF line ends and before blank lines.
fn line_at(bytes: &[u8], byte: usize) -> usize {
    let (before, after) = bytes.split_at(byte.min(bytes.len()));
    let blank = after.iter().take_while(|c| matches!(c, b'\r' | b'\n'));
    1 + before.iter().chain(blank).filter(|&&c| c == b'\n').count()
}
