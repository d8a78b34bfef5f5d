//! The published formulas between the values of an axis, as plain points.

use super::entry::Need;
use super::quantity::Quantity;
use crate::scenario::{AxisValue, Grid};
use modalflow::error::Result;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::integrate::ReductionChoice;
use rayon::prelude::*;

/// A line of theory for each series, with the cells as points on it.
#[derive(Debug)]
pub struct TheoryLine<'a> {
    /// The grid.
    pub grid: &'a Grid,
    /// What is predicted.
    pub quantity: Quantity,
    /// Values of all columns; those across and of the series are replaced.
    pub values: Vec<AxisValue>,
    /// The place of the column across.
    pub across: usize,
    /// The place of the column of the series, and its values.
    pub series: Option<(usize, &'a [AxisValue])>,
    /// Whether the points in between have equal ratios.
    pub log: bool,
}

impl TheoryLine<'_> {
    /// A dense line through the values `xs` of one series, no number where theory has no word; None
    /// where a prediction at one of them depends on what a cell draws at random: no line is that of
    /// all cells then.
    pub fn points(&self, row: usize, xs: &[f64]) -> Option<Vec<(f64, Option<f64>)>> {
        const BETWEEN: usize = 16;
        let mut scenarios = xs.iter().filter_map(|x| self.scenario(row, *x));
        // Aligned weights have random directions of hidden units, which change nothing.
        let draws = |scenario: Scenario| {
            let weights = self.quantity.needs(Need::Weights) && !scenario.init.is_aligned();
            weights || scenario.data.get().about().depends_on_seed
        };
        if scenarios.any(draws) {
            return None;
        }
        let mut sorted = xs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let between = |pair: &[f64]| -> Vec<f64> {
            let (from, to) = (pair[0], pair[1]);
            let fraction = |i: usize| i as f64 / BETWEEN as f64;
            let value = |i: usize| match self.log {
                true => from * (to / from).powf(fraction(i)),
                false => from + (to - from) * fraction(i),
            };
            (0..BETWEEN).map(value).collect()
        };
        let dense = sorted.windows(2).flat_map(between);
        let dense: Vec<f64> = dense.chain(sorted.last().copied()).collect();
        let points = dense.into_par_iter().map(|x| (x, self.at(row, x)));
        // Between the cells' values the key may take none; at one, theory has no word.
        let points = points.filter(|(x, y)| y.is_some() || xs.contains(x));
        Some(points.collect())
    }

    /// None where the key takes no such value, a depth of 2.5 say, or theory has no word.
    fn at(&self, row: usize, x: f64) -> Option<f64> {
        let problem = unreduced(self.scenario(row, x)?).ok()?;
        self.quantity.predicted(&problem, &problem.formulas())
    }

    fn scenario(&self, row: usize, x: f64) -> Option<Scenario> {
        let mut values = self.values.clone();
        values[self.across] = AxisValue::number(x);
        if let Some((place, series)) = self.series {
            values[place] = series[row].clone();
        }
        self.grid.scenario_with(&values).ok()
    }
}

/// The problem of a scenario of which the formulas alone are asked: there is no flow to make cheaper.
pub(super) fn unreduced(mut scenario: Scenario) -> Result<Problem> {
    scenario.flow.reduction = ReductionChoice::Off;
    Problem::prepare(&scenario)
}
