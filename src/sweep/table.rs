//! The rows of a finished sweep, one after the other.

use super::kept::Kept;
use super::row::{self, COLUMNS};
use crate::error::Result;
use crate::scenario::{Cell, Grid};

/// The rows of a sweep, read one at a time.
#[derive(Debug)]
pub struct Table<'a> {
    /// The grid.
    pub grid: &'a Grid,
    /// Its finished cells.
    pub kept: &'a mut Kept,
}

/// A row that was read back.
#[derive(Debug, Clone)]
pub struct Record {
    /// The cell.
    pub cell: Cell,
    fields: csv::StringRecord,
}

impl Record {
    /// The text in a column of [`COLUMNS`]; empty where there is none.
    pub fn text(&self, column: &str) -> &str {
        let place = COLUMNS.iter().position(|name| *name == column);
        let place = place.map(|place| place + self.cell.values.len());
        place
            .and_then(|place| self.fields.get(place))
            .unwrap_or_default()
    }

    /// The number in a column of [`COLUMNS`]; None where there is none.
    pub fn number(&self, column: &str) -> Option<f64> {
        self.text(column).parse().ok()
    }

    /// Whether the cell ended as it was asked to.
    pub fn is_success(&self) -> bool {
        matches!(self.text("outcome"), "converged" | "time_reached")
    }
}

impl Table<'_> {
    /// Shows every kept row in order.
    ///
    /// # Errors
    /// An input error where the journal cannot be read.
    pub fn each(&mut self, look: &mut dyn FnMut(&Record)) -> Result<()> {
        for index in 0..self.grid.len() {
            let Some(text) = self.kept.row(index)? else {
                continue;
            };
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
            let mut fields = csv::StringRecord::new();
            // The row was written by the same library; an unreadable one shows no values.
            let _ = reader.read_record(&mut fields);
            look(&Record {
                cell: self.grid.cell(index),
                fields,
            });
        }
        Ok(())
    }

    /// `sweep.csv`, given to `write` piece by piece.
    ///
    /// # Errors
    /// An input error where the journal cannot be read, and whatever `write` fails with.
    pub fn write_csv(&mut self, write: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        write(&(row::header(self.grid) + "\n"))?;
        for index in 0..self.grid.len() {
            if let Some(text) = self.kept.row(index)? {
                write(&(text + "\n"))?;
            }
        }
        Ok(())
    }
}
