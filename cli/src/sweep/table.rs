//! The rows of a finished sweep, one after the other.

use super::kept::Kept;
use super::row::{self, CellOutcome};
use crate::error::Result;
use crate::scenario::{Cell, Grid, Quantity};
use modalflow::experiment::compare::relative_gap;

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
    /// The text in a column after those of the axes; empty where there is none.
    pub fn text(&self, column: &str) -> &str {
        let place = row::place(column).map(|place| place + self.cell.values.len());
        place
            .and_then(|place| self.fields.get(place))
            .unwrap_or_default()
    }

    /// The number in a column after those of the axes; None where there is none.
    pub fn number(&self, column: &str) -> Option<f64> {
        self.text(column).parse().ok()
    }

    /// Whether the cell ended as it was asked to.
    pub fn is_success(&self) -> bool {
        CellOutcome::is_success_named(self.text("outcome"))
    }

    /// What was measured of a quantity.
    pub fn measured(&self, quantity: Quantity) -> Option<f64> {
        self.number(quantity.name())
    }

    /// What theory predicts of it.
    pub fn predicted(&self, quantity: Quantity) -> Option<f64> {
        self.number(&format!("theory_{}", quantity.name()))
    }

    /// Both, where the modalities were learned in the predicted order: those of another order are
    /// other quantities.
    pub fn pair(&self, quantity: Quantity) -> Option<(f64, f64)> {
        let [first, predicted] = ["first", "theory_first"].map(|column| self.text(column));
        let is_second_right = !quantity.is_of_second() || self.number("ratio_gap").is_some();
        let is_comparable = !first.is_empty() && first == predicted && is_second_right;
        let pair = self.measured(quantity).zip(self.predicted(quantity));
        pair.filter(|_| is_comparable)
    }

    /// (measured - theory)/|theory| of such a pair.
    pub fn gap(&self, quantity: Quantity) -> Option<f64> {
        /// Predictions below this are round-off of zero, and no scale for a gap.
        const SMALLEST: f64 = 1e-9;
        let (measured, predicted) = self.pair(quantity)?;
        let predicted = Some(predicted).filter(|value| value.abs() > SMALLEST);
        relative_gap(Some(measured), predicted)
    }
}

impl Table<'_> {
    /// The row of a cell; None where it is not kept.
    ///
    /// # Errors
    /// An input error where the journal cannot be read, or the row has other columns.
    pub fn record(&mut self, index: u64) -> Result<Option<Record>> {
        let Some(text) = self.kept.row(index)? else {
            return Ok(None);
        };
        let cell = self.grid.cell(index);
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
        let mut fields = csv::StringRecord::new();
        let is_read = reader.read_record(&mut fields).unwrap_or(false);
        if !is_read || fields.len() != cell.values.len() + row::columns_len() {
            return Err(self.kept.unreadable_row(index));
        }
        Ok(Some(Record { cell, fields }))
    }

    /// Shows every kept row in order.
    ///
    /// # Errors
    /// As for [`Table::record`].
    pub fn each(&mut self, look: &mut dyn FnMut(&Record)) -> Result<()> {
        for index in 0..self.grid.len() {
            if let Some(record) = self.record(index)? {
                look(&record);
            }
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
