//! Theory between the values of an axis.

use super::sweep::Request;
use crate::scenario::{AxisValue, Column, Grid, LinesFigure, Quantity};
use crate::sweep::predicted;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::integrate::ReductionChoice;

/// A line of theory for each series, with the cells as points on it.
pub(super) struct TheoryLine<'a> {
    grid: &'a Grid,
    quantity: Quantity,
    /// Values of all columns, those across and up apart.
    values: Vec<AxisValue>,
    across: usize,
    series: Option<(usize, &'a [AxisValue])>,
    log: bool,
}

impl<'a> TheoryLine<'a> {
    /// None where theory has no word on the quantity, or an axis apart from x and series varies:
    /// then the cells at one x are of several problems.
    pub(super) fn of(
        request: &Request<'a>,
        grid: &'a Grid,
        figure: &LinesFigure,
        (across, up): (usize, Option<usize>),
    ) -> Option<Self> {
        let mut cells = (0..grid.len()).map(|index| grid.cell(index));
        let values = cells.find(|cell| request.selects(cell))?.values;
        // Linked columns move with x, and are free as well.
        let is_free = |(place, column): (usize, &&Column)| {
            let is_fixed = Some(place) == up || place == across;
            !is_fixed
                && column.values.len() > 1
                && !request.section.select.contains_key(&column.path)
        };
        let has_free = request.columns.iter().enumerate().any(is_free);
        (figure.y.is_predicted() && !has_free).then_some(Self {
            grid,
            quantity: figure.y,
            values,
            across,
            series: up.map(|up| (up, &request.columns[up].values[..])),
            log: figure.log_x,
        })
    }

    /// A dense line through the values `xs` of one series, no number where theory has no word; None
    /// where a prediction at one of them depends on what a cell draws at random: no line is that of
    /// all cells then.
    pub(super) fn points(&self, row: usize, xs: &[f64]) -> Option<Vec<(f64, f64)>> {
        const BETWEEN: usize = 16;
        let scenarios = xs.iter().filter_map(|x| self.scenario(row, *x));
        let mut drawn = scenarios.map(|scenario| depends_on_draws(&scenario, self.quantity));
        if drawn.any(|drawn| drawn) {
            return None;
        }
        let mut sorted = xs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let between = |pair: &[f64]| -> Vec<f64> {
            let (from, to) = (pair[0], pair[1]);
            let share = |i: usize| i as f64 / BETWEEN as f64;
            let value = |i: usize| match self.log {
                true => from * (to / from).powf(share(i)),
                false => from + (to - from) * share(i),
            };
            (0..BETWEEN).map(value).collect()
        };
        let dense = sorted
            .windows(2)
            .flat_map(between)
            .chain(sorted.last().copied());
        let point = |x: f64| match self.at(row, x) {
            Some(y) => Some((x, y)),
            // Between the cells' values the key may take none; at one, theory has no word.
            None => xs.contains(&x).then_some((x, f64::NAN)),
        };
        Some(dense.filter_map(point).collect())
    }

    /// None where the key takes no such value, a depth of 2.5 say, or theory has no word.
    fn at(&self, row: usize, x: f64) -> Option<f64> {
        let mut scenario = self.scenario(row, x)?;
        scenario.flow.reduction = ReductionChoice::Off;
        let problem = Problem::prepare(&scenario).ok()?;
        predicted(&problem, &problem.theory()).get(self.quantity)
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

/// Whether a prediction depends on random data or random weights.
fn depends_on_draws(scenario: &Scenario, quantity: Quantity) -> bool {
    let weights = !matches!(
        quantity,
        Quantity::Ratio | Quantity::Misattribution | Quantity::FirstGain
    );
    weights || scenario.data.get().depends_on_seed()
}
