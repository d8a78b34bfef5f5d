//! Measured values beside theory's: points and lines, heat maps, one against the other.

use super::sweep::Request;
use super::tally::{Field, Sum, Tally};
use super::theory_line::TheoryLine;
use super::words;
use crate::error::Result;
use crate::plot::{
    AxisLabel, HeatAxis, HeatMaps, HeatPanel, HeatScale, LineChart, ScatterChart, ScatterSeries,
    Series, Spread,
};
use crate::scenario::{AxisValue, HeatFigure, LinesFigure, ScatterFigure};
use crate::sweep::Table;

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
    let line = TheoryLine::of(request, table.grid, figure, (across, up));
    let series = series_labels(request, up);
    let series = series.into_iter().enumerate().map(|(row, label)| {
        let cells = row * field.columns..(row + 1) * field.columns;
        let measured = xs.iter().zip(&field.measured[cells.clone()]);
        let dense = line.as_ref().and_then(|line| line.points(row, &xs));
        let joined = dense.is_none();
        let mut theory = dense.unwrap_or_else(|| {
            let means = xs.iter().zip(&field.matched[cells]);
            means
                .map(|(x, sum)| (*x, sum.mean().unwrap_or(f64::NAN)))
                .collect()
        });
        if theory.iter().all(|point| point.1.is_nan()) {
            theory.clear();
        }
        Series {
            label,
            points: measured.filter_map(|(x, sum)| spread(*x, sum)).collect(),
            theory,
            joined,
        }
    });
    let series: Vec<Series> = series.collect();
    let (matched, measured) = field.share(&field.matched);
    let is_joined = |series: &Series| series.joined && !series.theory.is_empty();
    let unmatched = (matched < measured && series.iter().any(is_joined)).then(|| {
        format!("theory joined over {matched} of {measured} runs, those in the predicted order")
    });
    Ok(LineChart {
        title: request.title.clone(),
        x: AxisLabel {
            text: words::axis(&figure.x),
            log: figure.log_x,
            values: xs,
        },
        y: AxisLabel::new(words::quantity(figure.y), figure.log_y),
        series,
        notes: unmatched.into_iter().chain(field.tally.note()).collect(),
    })
}

fn spread(x: f64, sum: &Sum) -> Option<Spread> {
    Some(Spread {
        x,
        middle: sum.mean()?,
        low: sum.least,
        high: sum.most,
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

/// Heat maps: measured, and where there are predictions theory and the gap.
pub(super) fn heat(
    request: &Request<'_>,
    figure: &HeatFigure,
    table: &mut Table<'_>,
) -> Result<HeatMaps> {
    let places = [&figure.x, &figure.y].map(|path| request.place(path).unwrap_or_default());
    let field = Field::of(request, table, figure.value, (places[0], Some(places[1])))?;
    let means = |sums: &[Sum]| -> Vec<Option<f64>> { sums.iter().map(Sum::mean).collect() };
    let gap = means(&field.gaps);
    let gap = gap.into_iter().map(|gap| gap.map(|gap| 100.0 * gap));
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
    let mut panels = vec![panel("measured", means(&field.measured), scale, unit)];
    let mut notes: Vec<String> = field.tally.note().into_iter().collect();
    if figure.value.is_predicted() {
        panels.push(panel("theory", means(&field.theory), scale, unit));
        panels.push(panel(
            "gap",
            gap.collect(),
            HeatScale::Diverging,
            "(measured − theory)/theory, %",
        ));
        let (compared, measured) = field.share(&field.gaps);
        notes.extend((compared < measured).then(|| {
            format!(
                "gap: mean over {compared} of {measured} runs, those in an order that theory predicts, with a value other than 0"
            )
        }));
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
        notes,
    })
}

/// A point a run in the predicted order: theory across, measured up.
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
    let mut tally = Tally::default();
    let quantity = figure.value;
    table.each(&mut |record| {
        if !request.selects(&record.cell) || !tally.is_shown(record) {
            return;
        }
        let row = up.map_or(0, |up| record.cell.places[up]);
        let both = record.measured(quantity).zip(record.predicted(quantity));
        match record.pair(quantity) {
            Some((measured, theory)) => points[row].push((theory, measured)),
            None if both.is_some() => tally.miss_order(),
            None => tally.miss(),
        }
    })?;
    let axis = |what: &str| {
        let text = format!("{what}: {}", words::quantity(quantity));
        AxisLabel::new(&text, figure.log)
    };
    let series = labels.into_iter().zip(points);
    Ok(ScatterChart {
        title: request.title.clone(),
        x: axis("theory"),
        y: axis("measured"),
        series: series
            .map(|(label, points)| ScatterSeries { label, points })
            .collect(),
        notes: tally.note().into_iter().collect(),
    })
}
