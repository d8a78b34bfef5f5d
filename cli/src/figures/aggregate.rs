//! Runs summed up over the axes of a figure, and what became of those that it does not show.

use super::Request;
use crate::error::Result;
use crate::sweep::{Quantity, Record, Table};

/// Mean and ends of some numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) count: u64,
    sum: f64,
    /// The least and the greatest of them.
    pub(super) ends: Option<(f64, f64)>,
}

impl Sum {
    #[cfg(test)]
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sum = Self::default();
        values.iter().for_each(|value| sum.add(Some(*value)));
        sum
    }

    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.count += 1;
            self.sum += value;
            let (least, most) = self.ends.unwrap_or((value, value));
            self.ends = Some((least.min(value), most.max(value)));
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
    /// Those without a value.
    pub(super) missing: u64,
    /// Those whose values are not the ones that theory speaks of.
    pub(super) other_order: u64,
}

impl Aggregate {
    /// Counts a run; whether it can be shown, as far as its end goes.
    pub(super) fn is_shown(&mut self, record: &Record) -> bool {
        self.runs += 1;
        let is_success = record.is_success();
        self.failed += u64::from(!is_success);
        is_success
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
        let (shown, runs, words) = (self.runs - count, self.runs, words.join(", "));
        (count > 0).then(|| format!("shown: {shown} of {runs} runs; {words}"))
    }
}

/// The runs of one cell of a field.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) measured: Sum,
    /// Predictions, whatever was measured.
    pub(super) theory: Sum,
    /// Predictions by the actual initial weights, of the runs in their order that have both.
    pub(super) from_weights: Sum,
    /// Predictions of the runs in the predicted order that have both.
    pub(super) matched: Sum,
    /// Gaps of those runs, relative to predictions that are not zero.
    pub(super) gap: Sum,
}

/// Sums over two axes, everything else taken together.
pub(super) struct Field {
    pub(super) columns: usize,
    /// Row by row.
    pub(super) cells: Vec<Sums>,
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
        let mut field = Field {
            columns,
            cells: vec![Sums::default(); columns * rows],
            aggregate: Aggregate::default(),
        };
        let weights = quantity.by_weights();
        request.each(table, &mut field.aggregate, |record, aggregate| {
            let row = up.map_or(0, |up| record.cell.places[up]);
            let sums = &mut field.cells[row * columns + record.cell.places[across]];
            let measured = record.measured(quantity);
            aggregate.missing += u64::from(measured.is_none());
            sums.measured.add(measured);
            sums.theory.add(record.predicted(quantity));
            let from_weights = weights.and_then(|weights| record.from_weights(quantity, weights));
            sums.from_weights.add(from_weights);
            sums.matched
                .add(record.pair(quantity).map(|(_, predicted)| predicted));
            sums.gap.add(record.gap(quantity));
        })?;
        Ok(field)
    }

    /// The same with its cells in another order, given by their places.
    pub(super) fn in_order(self, order: impl Iterator<Item = usize>) -> Self {
        let cells = order.map(|place| self.cells[place]).collect();
        Self { cells, ..self }
    }

    /// How many of some sums' runs there are among the measured ones of which theory speaks.
    pub(super) fn share(&self, sum: impl Fn(&Sums) -> Sum) -> (u64, u64) {
        let spoken = self.cells.iter().filter(|sums| sums.theory.count > 0);
        let measured = spoken.map(|sums| sums.measured.count).sum();
        (
            self.cells.iter().map(|sums| sum(sums).count).sum(),
            measured,
        )
    }
}
