//! The rows of a finished sweep, one after the other.

use super::cell::{DrawnTrajectory, Finished};
use super::entry::Need;
use super::quantity::Quantity;
use super::row::{self, Row};
use super::store::CellStore;
use crate::error::Result;
use crate::scenario::{Cell, Grid};
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
        self.row.measured.get(quantity.key())?.number()
    }

    /// What theory predicts of it.
    pub fn predicted(&self, quantity: Quantity) -> Option<f64> {
        self.row.theory.get(quantity.key())?.number()
    }

    /// What the actual initial weights predict of a measured quantity, in the quantity `weights`, where the modalities
    /// were learned in their order.
    pub fn from_weights(&self, quantity: Quantity, weights: Quantity) -> Option<f64> {
        let measured = &self.row.measured;
        self.measured(quantity)?;
        let first = measured.get("weights_first");
        let is_first = first.is_none() || first == measured.get("first");
        let is_second = !quantity.needs(Need::Second) || measured.contains_key("weights_ratio_gap");
        self.measured(weights).filter(|_| is_first && is_second)
    }

    /// (measured - predicted)/|predicted| of such a pair.
    pub fn gap_by_weights(&self, quantity: Quantity, weights: Quantity) -> Option<f64> {
        relative_gap(
            self.measured(quantity),
            self.from_weights(quantity, weights),
        )
    }

    /// Whether the modality learned first is the predicted one.
    pub fn first_agrees(&self) -> Option<bool> {
        let Row {
            measured, theory, ..
        } = &self.row;
        Some(measured.get("first")? == theory.get("first")?)
    }

    /// Both, where the modalities were learned in the predicted order, or no order is predicted: those of
    /// another order are other quantities.
    pub fn pair(&self, quantity: Quantity) -> Option<(f64, f64)> {
        let has_gap = self.row.measured.contains_key("ratio_gap");
        let is_second_right = !quantity.needs(Need::Second) || has_gap;
        let is_comparable = match self.first_agrees() {
            Some(agrees) => agrees && is_second_right,
            // Early fusion: theory predicts a ratio, and no order.
            None => quantity.needs(Need::Second) && has_gap,
        };
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

    /// Every kept row in order.
    pub fn records(&mut self) -> impl Iterator<Item = Result<Record>> {
        (0..self.grid.len()).filter_map(|index| self.record(index).transpose())
    }

    /// Shows every kept row in order.
    ///
    /// # Errors
    /// As for [`Table::record`].
    pub fn each(&mut self, look: &mut dyn FnMut(&Record)) -> Result<()> {
        self.records().try_for_each(|record| {
            look(&record?);
            Ok(())
        })
    }

    /// `sweep.csv`, given to `write` piece by piece, and each row to `look` beside it.
    ///
    /// # Errors
    /// An error where the store cannot be read, and whatever `write` fails with.
    pub fn write_csv(
        &mut self,
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
        look: &mut dyn FnMut(&Record),
    ) -> Result<()> {
        write(row::header(self.grid).as_bytes())?;
        self.records().try_for_each(|record| {
            let record = record?;
            look(&record);
            write(row::csv_line(&record.cell, &record.row).as_bytes())
        })
    }
}
