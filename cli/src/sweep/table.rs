//! The rows of a finished sweep, one after the other.

use super::cell::{DrawnTrajectory, Finished};
use super::row::{self, Row};
use super::store::CellStore;
use crate::error::Result;
use crate::scenario::{Cell, Grid, Quantity};
use modalflow::experiment::compare::relative_gap;

/// The rows of a sweep, read one at a time.
#[derive(Debug)]
pub struct Table<'a> {
    /// The grid.
    pub grid: &'a Grid,
    /// Its finished cells.
    pub store: &'a mut CellStore,
}

/// A finished cell that was read back.
#[derive(Debug, Clone)]
pub struct Record {
    /// The cell.
    pub cell: Cell,
    /// Its results.
    pub row: Row,
    /// Its trajectory, where one was kept.
    pub trajectory: Option<DrawnTrajectory>,
}

impl Record {
    /// Whether the cell ended as it was asked to.
    pub fn is_success(&self) -> bool {
        self.row.outcome.is_success()
    }

    /// What was measured of a quantity.
    pub fn measured(&self, quantity: Quantity) -> Option<f64> {
        row::number(quantity.name(), &self.cell, &self.row)
    }

    /// What theory predicts of it.
    pub fn predicted(&self, quantity: Quantity) -> Option<f64> {
        let column = format!("theory_{}", quantity.name());
        row::number(&column, &self.cell, &self.row)
    }

    /// Both, where the modalities were learned in the predicted order: those of another order are
    /// other quantities.
    pub fn pair(&self, quantity: Quantity) -> Option<(f64, f64)> {
        let Row {
            first,
            theory_first,
            ..
        } = &self.row;
        let has_gap = self.measured(Quantity::RatioGap).is_some();
        let is_second_right = !quantity.is_of_second() || has_gap;
        let is_comparable = first.is_some() && first == theory_first && is_second_right;
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
    /// A cell with what became of it; None where it is not kept.
    ///
    /// # Errors
    /// An error where the store cannot be read.
    pub fn record(&mut self, index: u64) -> Result<Option<Record>> {
        let finished = self.store.get(index)?;
        Ok(finished.map(|Finished { row, trajectory }| Record {
            cell: self.grid.cell(index),
            row,
            trajectory,
        }))
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
    /// An error where the store cannot be read, and whatever `write` fails with.
    pub fn write_csv(&mut self, write: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        write(&(row::header(self.grid) + "\n"))?;
        for index in 0..self.grid.len() {
            if let Some(record) = self.record(index)? {
                write(&(row::csv_line(&record.cell, &record.row) + "\n"))?;
            }
        }
        Ok(())
    }
}
