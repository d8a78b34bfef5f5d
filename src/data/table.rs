//! Data from the columns of a CSV file.
//!
//! Without standardisation the columns enter as they are: the network has no intercept, so
//! that columns far from mean zero make it learn their means first.

use super::{Generalisation, Moments, layout};
use crate::error::{InputError, Result};
use crate::names::{did_you_mean, listed};
use crate::random::{Purpose, stream};
use crate::scenario::TableData;
use csv::{ErrorKind, StringRecord};
use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use std::fs;
use std::io;
use std::path::Path;

/// The empirical second moments of the rows trained on. With a hold-out, the generalisation
/// error is the loss on the rows held out.
///
/// # Errors
/// An input error where the file cannot be read as a table, lacks a column, has a cell that is not
/// a finite number in a column used, and where standardisation or the hold-out is impossible.
pub(super) fn moments(table: &TableData, seed: u64) -> Result<Moments> {
    let (training, holdout) = rows(table, seed)?;
    let mut moments = second_moments(table, &training)?;
    if !holdout.is_empty() {
        let held_out = second_moments(table, &holdout)?;
        moments.generalisation = Some(Generalisation::HoldOut(held_out.loss));
    }
    Ok(moments)
}

/// The rows trained on: inputs (n x d) and targets (n x o).
///
/// # Errors
/// As for [`moments`].
pub(super) fn samples(table: &TableData, seed: u64) -> Result<(DMatrix<f64>, DMatrix<f64>)> {
    let (training, _) = rows(table, seed)?;
    let dim = training.ncols() - table.targets.len();
    let targets = training.columns_range(dim..).into_owned();
    Ok((training.columns_range(..dim).into_owned(), targets))
}

/// The rows trained on and held out, n x (d + o).
fn rows(table: &TableData, seed: u64) -> Result<(DMatrix<f64>, DMatrix<f64>)> {
    let values = read(table)?;
    let (train, held_out) = split(table, values.nrows(), seed)?;
    let mut training = values.select_rows(&train);
    let mut holdout = values.select_rows(&held_out);
    if table.standardise {
        standardise(table, &mut training, &mut holdout)?;
    }
    Ok((training, holdout))
}

/// Names of the columns used, in the order of the joined input, then the targets.
fn columns(table: &TableData) -> impl Iterator<Item = &String> {
    table.modalities.values().flatten().chain(&table.targets)
}

/// Means over `rows` (n x (d + o)) of the products of columns.
fn second_moments(table: &TableData, rows: &DMatrix<f64>) -> Result<Moments> {
    let outputs = table.targets.len();
    let dim = rows.ncols() - outputs;
    let mut products = rows.transpose() * rows / rows.nrows() as f64;
    // Symmetric to the last digit, which the product is not.
    products.fill_upper_triangle_with_lower_triangle();
    Moments::checked(
        layout(
            table
                .modalities
                .iter()
                .map(|(name, used)| (name, used.len())),
        ),
        products.view((0, 0), (dim, dim)).into_owned(),
        products.view((dim, 0), (outputs, dim)).into_owned(),
        products.view((dim, dim), (outputs, outputs)).trace(),
    )
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
        )
        .into());
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
    training: &mut DMatrix<f64>,
    holdout: &mut DMatrix<f64>,
) -> Result<()> {
    for (j, name) in columns(table).enumerate() {
        let mut column = training.column_mut(j);
        // Compared, not computed: round-off in the mean gives a constant column a variance.
        if column.iter().all(|&x| x == column[0]) {
            return Err(in_column(
                &table.path,
                None,
                name,
                format!(
                    "all {} rows trained on have the value {}",
                    column.len(),
                    column[0]
                ),
                "a constant cannot be scaled to variance 1: leave the column out, or set \
                 data.table.standardise: false",
            )
            .into());
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

/// The cells of the columns used, n x (d + o).
fn read(table: &TableData) -> Result<DMatrix<f64>> {
    let path = table.path.as_path();
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        InputError::in_file(
            path,
            Some(line_at(&bytes, error.valid_up_to())),
            "not a text file in UTF-8",
            "save the table as CSV in UTF-8",
        )
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| not_csv(path, &bytes, &error))?
        .clone();
    let places = places(table, &header)?;
    let mut cells = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| not_csv(path, &bytes, &error))?;
        for (name, &place) in columns(table).zip(&places) {
            let text = record.get(place).unwrap_or_default();
            let value = number(text).map_err(|problem| {
                let line = record
                    .position()
                    .map(|at| line_at(&bytes, at.byte() as usize));
                let remedy = "fill in a finite number, or remove the row";
                in_column(path, line, name, problem, remedy)
            })?;
            cells.push(value);
        }
    }
    if cells.is_empty() {
        let remedy = "add rows of numbers below the header";
        return Err(InputError::in_file(path, None, "a header, but no rows", remedy).into());
    }
    let rows = cells.len() / places.len();
    Ok(DMatrix::from_row_slice(rows, places.len(), &cells))
}

/// Where each column used stands in the header.
fn places(table: &TableData, header: &StringRecord) -> Result<Vec<usize>> {
    if header.is_empty() {
        return Err(InputError::in_file(
            &table.path,
            None,
            "the file is empty",
            "write a header with the names of the columns, then rows of numbers",
        )
        .into());
    }
    columns(table)
        .map(|name| {
            let mut found = (0..header.len()).filter(|&j| header.get(j) == Some(name));
            match (found.next(), found.next()) {
                (Some(place), None) => Ok(place),
                (Some(_), Some(_)) => Err(in_column(
                    &table.path,
                    Some(1),
                    name,
                    "more than one column has this name".to_owned(),
                    "rename all but one",
                )
                .into()),
                (None, _) => Err(missing_column(&table.path, name, header).into()),
            }
        })
        .collect()
}

fn missing_column(path: &Path, name: &str, header: &StringRecord) -> InputError {
    let nearest = did_you_mean(name, header);
    let list = listed(header);
    let separated = header.len() == 1 && list.contains([';', '\t', '|']);
    let remedy = if separated {
        format!("separate the columns by commas; the header reads: {list}")
    } else {
        format!("the file's columns are: {list}")
    };
    let problem = format!("no such column{nearest}");
    in_column(path, Some(1), name, problem, remedy)
}

fn number(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("{text:?} is not a finite number")),
        Err(_) if text.is_empty() => Err("the cell is empty".to_owned()),
        Err(_) => Err(format!("{text:?} is not a number")),
    }
}

fn in_column(
    path: &Path,
    line: Option<usize>,
    column: &str,
    problem: String,
    remedy: impl Into<String>,
) -> InputError {
    InputError {
        key: Some(format!("column {column}")),
        ..InputError::in_file(path, line, problem, remedy)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> InputError {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => {
            "check data.table.path: it is relative to the scenario file's folder"
        }
        io::ErrorKind::IsADirectory => "give a CSV file in data.table.path, not a folder",
        _ => "check the file's permissions",
    };
    let problem = format!("cannot read the table: {error}");
    InputError::in_file(path, None, problem, remedy)
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
