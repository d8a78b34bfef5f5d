//! Measured values beside theory's: points and lines, heat maps, one against the other.

use super::sweep::Request;
use super::words;
use crate::error::Result;
use crate::plot::{
    AxisLabel, HeatAxis, HeatMaps, HeatPanel, HeatScale, LineChart, ScatterChart, ScatterSeries,
    Series, Spread,
};
use crate::problem::Problem;
use crate::scenario::{
    AxisValue, Grid, HeatFigure, LinesFigure, Quantity, ReductionChoice, ScatterFigure, Scenario,
};
use crate::sweep::{Record, Table, predicted};

/// Mean and ends of some numbers.
#[derive(Debug, Clone, Copy)]
struct Sum {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
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

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Sums of measured and predicted values over two axes, everything else taken together.
struct Field {
    columns: usize,
    measured: Vec<Sum>,
    theory: Vec<Sum>,
}

impl Field {
    /// `across` and `up` are places among the columns of the grid; without `up` there is one row.
    fn of(
        request: &Request<'_>,
        table: &mut Table<'_>,
        quantity: Quantity,
        (across, up): (usize, Option<usize>),
    ) -> Result<Self> {
        let columns = request.columns[across].values.len();
        let rows = up.map_or(1, |up| request.columns[up].values.len());
        let mut field = Field {
            columns,
            measured: vec![Sum::NONE; columns * rows],
            theory: vec![Sum::NONE; columns * rows],
        };
        let index = |record: &Record, place: usize| {
            let value = &record.cell.values[place];
            let mut known = request.columns[place].values.iter();
            known.position(|known| known == value).unwrap_or_default()
        };
        let theory_column = format!("theory_{}", quantity.name());
        table.each(&mut |record| {
            if request.selects(&record.cell) && record.is_success() {
                let row = up.map_or(0, |up| index(record, up));
                let at = row * columns + index(record, across);
                field.measured[at].add(record.number(quantity.name()));
                field.theory[at].add(record.number(&theory_column));
            }
        })?;
        Ok(field)
    }
}

/// Points with their spread, and theory's lines.
pub(super) fn lines(
    request: &Request<'_>,
    figure: &LinesFigure,
    table: &mut Table<'_>,
) -> Result<LineChart> {
    let across = request.place(&figure.x).unwrap_or_default();
    let up = figure
        .series
        .as_deref()
        .and_then(|path| request.place(path));
    let field = Field::of(request, table, figure.y, (across, up))?;
    let xs: Vec<f64> = numbers(&request.columns[across].values);
    let labels = series_labels(request, up);
    let line = TheoryLine::of(request, table.grid, figure, (across, up));
    let series = labels.into_iter().enumerate().map(|(row, label)| {
        let cells = row * field.columns..(row + 1) * field.columns;
        let measured = xs.iter().zip(&field.measured[cells.clone()]);
        let means = xs.iter().zip(&field.theory[cells]);
        let means = means.filter_map(|(x, sum)| Some((*x, sum.mean()?)));
        Series {
            label,
            points: measured
                .filter_map(|(x, sum)| {
                    Some(Spread {
                        x: *x,
                        middle: sum.mean()?,
                        low: sum.least,
                        high: sum.most,
                    })
                })
                .collect(),
            theory: match &line {
                Some(line) => line.points(row, &xs),
                None => means.collect(),
            },
        }
    });
    Ok(LineChart {
        title: request.title.clone(),
        x: AxisLabel {
            text: words::axis(&figure.x),
            log: figure.log_x,
        },
        y: AxisLabel {
            text: words::quantity(figure.y).into(),
            log: figure.log_y,
        },
        series: series.collect(),
    })
}

fn numbers(values: &[AxisValue]) -> Vec<f64> {
    values.iter().filter_map(AxisValue::as_number).collect()
}

fn series_labels(request: &Request<'_>, up: Option<usize>) -> Vec<String> {
    let Some(column) = up.map(|up| request.columns[up]) else {
        return vec![String::new()];
    };
    let label = |value| words::assignment(&column.path, value);
    column.values.iter().map(label).collect()
}

/// Theory between the values of an axis, where it depends on nothing that is drawn at random: then
/// it is a line, and the cells are points on it. Elsewhere the cells' own predictions are joined.
struct TheoryLine<'a> {
    grid: &'a Grid,
    quantity: Quantity,
    /// Values of all columns, those across and up apart.
    values: Vec<AxisValue>,
    across: usize,
    series: Option<(usize, &'a [AxisValue])>,
    log: bool,
}

impl<'a> TheoryLine<'a> {
    fn of(
        request: &Request<'a>,
        grid: &'a Grid,
        figure: &LinesFigure,
        (across, up): (usize, Option<usize>),
    ) -> Option<Self> {
        let mut cells = (0..grid.len()).map(|index| grid.cell(index));
        let values = cells.find(|cell| request.selects(cell))?.values;
        let is_free = |(place, column): (usize, &&_)| {
            let column: &crate::scenario::Column = column;
            let is_fixed = Some(place) == up || place == across;
            !is_fixed
                && column.values.len() > 1
                && !request.section.select.contains_key(&column.path)
        };
        // Linked columns move with x, and are free as well.
        let has_free = request.columns.iter().enumerate().any(is_free);
        let scenario = grid.scenario_with(&values).ok()?;
        let drawn = depends_on_draws(&scenario, figure.y);
        (figure.y.is_predicted() && !has_free && !drawn).then_some(Self {
            grid,
            quantity: figure.y,
            values,
            across,
            series: up.map(|up| (up, &request.columns[up].values[..])),
            log: figure.log_x,
        })
    }

    fn points(&self, row: usize, xs: &[f64]) -> Vec<(f64, f64)> {
        const BETWEEN: usize = 16;
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
        dense.filter_map(|x| Some((x, self.at(row, x)?))).collect()
    }

    /// None where the key takes no such value, a depth of 2.5 say, or theory has no word.
    fn at(&self, row: usize, x: f64) -> Option<f64> {
        let mut values = self.values.clone();
        values[self.across] = AxisValue::number(x);
        if let Some((place, series)) = self.series {
            values[place] = series[row].clone();
        }
        let mut scenario = self.grid.scenario_with(&values).ok()?;
        scenario.flow.reduction = ReductionChoice::Off;
        let problem = Problem::prepare(&scenario).ok()?;
        predicted(&problem, &problem.theory()).get(self.quantity)
    }
}

/// Whether a prediction depends on random data or random weights.
fn depends_on_draws(scenario: &Scenario, quantity: Quantity) -> bool {
    let data = &scenario.data;
    let holds_out = data.table.as_ref().is_some_and(|table| table.holdout > 0.0);
    let weights = !matches!(
        quantity,
        Quantity::Ratio | Quantity::Misattribution | Quantity::FirstGain
    );
    weights || data.samples().is_some() || data.wishart.is_some() || holds_out
}

/// Heat maps: measured, and where there are predictions theory and the gap.
pub(super) fn heat(
    request: &Request<'_>,
    figure: &HeatFigure,
    table: &mut Table<'_>,
) -> Result<HeatMaps> {
    let places = [&figure.x, &figure.y].map(|path| request.place(path).unwrap_or_default());
    let field = Field::of(request, table, figure.value, (places[0], Some(places[1])))?;
    let means = |sums: &[Sum]| -> Vec<Option<f64>> { sums.iter().map(Sum::mean).collect() };
    let (measured, theory) = (means(&field.measured), means(&field.theory));
    let gap = measured.iter().zip(&theory).map(|(measured, theory)| {
        let (measured, theory) = ((*measured)?, (*theory)?);
        (theory != 0.0).then(|| 100.0 * (measured - theory) / theory.abs())
    });
    let gap: Vec<Option<f64>> = gap.collect();
    let scale = match figure.log {
        true => HeatScale::SequentialLog,
        false => HeatScale::Sequential,
    };
    let panel = |title: &str, values: Vec<Option<f64>>, scale, unit: &str| HeatPanel {
        title: title.into(),
        values,
        range_group: usize::from(scale == HeatScale::Diverging),
        scale,
        unit: unit.into(),
    };
    let unit = words::quantity(figure.value);
    let mut panels = vec![panel("measured", measured, scale, unit)];
    if figure.value.is_predicted() {
        panels.push(panel("theory", theory, scale, unit));
        panels.push(panel(
            "gap",
            gap,
            HeatScale::Diverging,
            "(measured − theory)/theory, %",
        ));
    }
    let axis = |path: &str, place: usize| HeatAxis {
        label: words::axis(path),
        values: numbers(&request.columns[place].values),
    };
    Ok(HeatMaps {
        title: request.title.clone(),
        x: axis(&figure.x, places[0]),
        y: axis(&figure.y, places[1]),
        panels,
    })
}

/// A point a cell: theory across, measured up.
pub(super) fn scatter(
    request: &Request<'_>,
    figure: &ScatterFigure,
    table: &mut Table<'_>,
) -> Result<ScatterChart> {
    let up = figure
        .series
        .as_deref()
        .and_then(|path| request.place(path));
    let labels = series_labels(request, up);
    let mut points = vec![Vec::new(); labels.len()];
    let theory_column = format!("theory_{}", figure.value.name());
    table.each(&mut |record| {
        let pair = (
            record.number(&theory_column),
            record.number(figure.value.name()),
        );
        if let (true, (Some(theory), Some(measured))) = (request.selects(&record.cell), pair) {
            let row = up.and_then(|up| {
                let value = &record.cell.values[up];
                request.columns[up]
                    .values
                    .iter()
                    .position(|known| known == value)
            });
            points[row.unwrap_or_default()].push((theory, measured));
        }
    })?;
    let axis = |what: &str| AxisLabel {
        text: format!("{what}: {}", words::quantity(figure.value)),
        log: figure.log,
    };
    let series = labels.into_iter().zip(points);
    Ok(ScatterChart {
        title: request.title.clone(),
        x: axis("theory"),
        y: axis("measured"),
        series: series
            .map(|(label, points)| ScatterSeries { label, points })
            .collect(),
    })
}
