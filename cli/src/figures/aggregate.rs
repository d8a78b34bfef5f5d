//! Runs summed up over the axes of a figure, and what became of those that it does not show.

use super::Request;
use crate::error::Result;
use crate::sweep::{Quantity, Record, Table};

/// Mean and ends of some numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    pub(super) count: u64,
    sum: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Sum {
    const NONE: Sum = Sum {
        count: 0,
        sum: 0.0,
        least: f64::INFINITY,
        most: f64::NEG_INFINITY,
    };

    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.count += 1;
            self.sum += value;
            self.least = self.least.min(value);
            self.most = self.most.max(value);
        }
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// The runs that a figure is of, and those that it cannot show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Aggregate {
    runs: u64,
    failed: u64,
    missing: u64,
    other_order: u64,
}

impl Aggregate {
    /// Counts a run; whether it can be shown, as far as its end goes.
    pub(super) fn is_shown(&mut self, record: &Record) -> bool {
        self.runs += 1;
        let is_success = record.is_success();
        self.failed += u64::from(!is_success);
        is_success
    }

    /// Counts a run without a value.
    pub(super) fn miss(&mut self) {
        self.missing += 1;
    }

    /// Counts a run whose values are not those that theory speaks of.
    pub(super) fn miss_order(&mut self) {
        self.other_order += 1;
    }

    /// How many of the runs are shown, where it is not all.
    pub(super) fn note(&self) -> Option<String> {
        let left_out = [
            (self.failed, "failed"),
            (self.missing, "without a value"),
            (self.other_order, "in another order than theory's"),
        ];
        let left_out = left_out.into_iter().filter(|(count, _)| *count > 0);
        let count: u64 = left_out.clone().map(|(count, _)| count).sum();
        let words: Vec<String> = left_out.map(|(n, words)| format!("{n} {words}")).collect();
        (count > 0).then(|| {
            format!(
                "shown: {} of {} runs; {}",
                self.runs - count,
                self.runs,
                words.join(", ")
            )
        })
    }
}

/// Sums over two axes, everything else taken together.
pub(super) struct Field {
    pub(super) columns: usize,
    pub(super) measured: Vec<Sum>,
    /// Predictions, whatever was measured.
    pub(super) theory: Vec<Sum>,
    /// Predictions of the runs in the predicted order that have both.
    pub(super) matched: Vec<Sum>,
    /// Gaps of those runs, relative to predictions that are not zero.
    pub(super) gaps: Vec<Sum>,
    pub(super) aggregate: Aggregate,
}

impl Field {
    /// `across` and `up` are places among the columns of the grid; without `up` there is one row.
    pub(super) fn of(
        request: &Request<'_>,
        table: &mut Table<'_>,
        quantity: Quantity,
        (across, up): (usize, Option<usize>),
    ) -> Result<Self> {
        let columns = request.columns[across].values.len();
        let rows = up.map_or(1, |up| request.columns[up].values.len());
        let none = vec![Sum::NONE; columns * rows];
        let mut field = Field {
            columns,
            measured: none.clone(),
            theory: none.clone(),
            matched: none.clone(),
            gaps: none,
            aggregate: Aggregate::default(),
        };
        table.each(&mut |record| {
            if request.selects(&record.cell) {
                let places = &record.cell.places;
                let row = up.map_or(0, |up| places[up]);
                field.add(record, quantity, row * columns + places[across]);
            }
        })?;
        Ok(field)
    }

    fn add(&mut self, record: &Record, quantity: Quantity, at: usize) {
        if !self.aggregate.is_shown(record) {
            return;
        }
        let measured = record.measured(quantity);
        if measured.is_none() {
            self.aggregate.miss();
        }
        self.measured[at].add(measured);
        self.theory[at].add(record.predicted(quantity));
        self.matched[at].add(record.pair(quantity).map(|(_, predicted)| predicted));
        self.gaps[at].add(record.gap(quantity));
    }

    /// How many of some sums' runs there are among the measured ones of which theory speaks.
    pub(super) fn share(&self, sums: &[Sum]) -> (u64, u64) {
        let spoken = self.measured.iter().zip(&self.theory);
        let spoken = spoken.filter(|(_, theory)| theory.count > 0);
        let measured = spoken.map(|(measured, _)| measured.count).sum();
        (sums.iter().map(|sum| sum.count).sum(), measured)
    }
}
