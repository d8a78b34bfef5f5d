//! One panel of series, which the kinds `lines`, `scatter` and `curves` share: points with their bars, a line,
//! their entries in the legend, and what is said of those that are not shown.

use super::{Request, labels};
use crate::plot::{
    Axis, Colour, Curve, Dot, Key, LineStyle, Marker, Page, Panel, Sample, series_colour,
    series_dash, shows,
};
use crate::scenario::AxisValue;

/// Blank fraction of an axis beyond the data.
pub(super) const PAD: f64 = 0.04;

/// Points and a line of one colour; either may be missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    pub(super) label: String,
    pub(super) points: Vec<Measured>,
    pub(super) line: Vec<(f64, f64)>,
    /// Whether the line joins theory's (mean) values for the runs, rather than being dense.
    pub(super) joined: bool,
}

/// A measured point, and the ends of its bar where it has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) at: (f64, f64),
    pub(super) bar: Option<(f64, f64)>,
}

impl Series {
    /// The middles of the points.
    pub(super) fn middles(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        self.points.iter().map(|point| point.at)
    }

    /// Its line: solid through points, which carry the series' marker; a pattern where there are none.
    fn style(&self, colour: Colour, index: usize) -> LineStyle {
        match self.points.is_empty() {
            true => LineStyle::dashed(colour, 2.0, series_dash(index)),
            false => LineStyle::solid(colour, 1.6),
        }
    }
}

/// What the series of a figure are called; one without a name where no axis has series.
pub(super) fn names(request: &Request<'_>, up: Option<usize>) -> Vec<String> {
    let Some(column) = up.map(|up| request.columns[up]) else {
        return vec![String::new()];
    };
    let label = |value| labels::assignment(&column.path, value);
    column.values.iter().map(label).collect()
}

/// The values of an axis as numbers.
pub(super) fn numbers(values: &[AxisValue]) -> Vec<f64> {
    values.iter().filter_map(AxisValue::as_number).collect()
}

/// The page of some series, with axes where they have something to show.
pub(super) fn page(series: &[Series], axes: Option<(Axis, Axis)>, notes: Vec<String>) -> Page {
    const HEIGHT: f64 = 360.0;
    let mut page = Page {
        notes,
        ..Page::default()
    };
    let Some((x, y)) = axes else {
        return page;
    };
    let across = series.iter().flat_map(Series::middles).map(|at| at.0);
    let up = series.iter().flat_map(|one| {
        let line = one.line.iter().filter(|_| one.points.is_empty());
        one.middles().chain(line.copied()).map(|at| at.1)
    });
    let left_out = [left_out(x.log, across), left_out(y.log, up)];
    let mut panel = Panel {
        height: HEIGHT,
        x,
        y,
        ..Panel::default()
    };
    for (i, one) in series.iter().enumerate() {
        let colour = series_colour(i, series.len());
        let (marker, style) = (Marker::of_series(i, colour), one.style(colour, i));
        let mut samples = Vec::new();
        if !one.line.is_empty() {
            let points = one.line.clone();
            panel.curves.push(Curve { points, style });
            samples.push(Sample::Line(style));
        }
        if !one.points.is_empty() {
            samples.push(Sample::Marker(marker));
        }
        panel.dots.extend(one.points.iter().map(|point| Dot {
            aside: aside(series, i, point.at.0),
            bar: point.bar,
            ..Dot::new(point.at, marker, "")
        }));
        let label = one.label.clone();
        panel.legend.push(Key { label, samples });
    }
    panel.legend.retain(|key| !key.samples.is_empty());
    page.notes.extend(thin(&mut panel.legend));
    page.notes.extend(left_out.into_iter().flatten());
    page.panels.push(panel);
    page
}

/// How far a point is set aside: bars that would cover each other stand side by side.
fn aside(all: &[Series], series: usize, x: f64) -> f64 {
    const STEP: f64 = 9.0;
    let bars = all.iter().enumerate().filter_map(|(i, series)| {
        let mut points = series.points.iter();
        Some((i, points.find(|point| point.at.0 == x)?.bar?))
    });
    let bars: Vec<(usize, (f64, f64))> = bars.collect();
    let covers = |(i, own): &&(usize, (f64, f64))| {
        let mut others = bars.iter().filter(|(other, _)| other != i);
        others.any(|(_, other)| own.0 <= other.1 && other.0 <= own.1)
    };
    let crowded: Vec<usize> = bars.iter().filter(covers).map(|(i, _)| *i).collect();
    let place = crowded.iter().position(|i| *i == series);
    place.map_or(0.0, |place| {
        STEP * (place as f64 - 0.5 * (crowded.len() - 1) as f64)
    })
}

/// Leaves some of the entries where there are too many, and says so.
fn thin(legend: &mut Vec<Key>) -> Option<String> {
    const MOST: usize = 12;
    const NAMED: usize = 8;
    let count = legend.len();
    if count <= MOST {
        return None;
    }
    let named = (0..NAMED).map(|i| legend[i * (count - 1) / (NAMED - 1)].clone());
    *legend = named.collect();
    Some(format!(
        "the legend names {NAMED} of {count} series; colours follow their order"
    ))
}

/// A note about values that a logarithmic axis cannot show, where there are any.
fn left_out(log: bool, values: impl Iterator<Item = f64>) -> Option<String> {
    let count = values.filter(|v| v.is_finite() && !shows(log, *v)).count();
    (count > 0).then(|| format!("not shown: {count} not above zero, on a logarithmic axis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_that_would_cover_each_other_stand_side_by_side() {
        let ends = [(1.0, 3.0), (2.0, 5.0), (8.0, 9.0), (4.0, 6.0)];
        let series = ends.map(|bar| Series {
            points: vec![Measured {
                at: (0.0, bar.0),
                bar: Some(bar),
            }],
            ..Series::default()
        });
        assert_eq!(
            [0, 1, 2, 3].map(|i| aside(&series, i, 0.0)),
            [-9.0, 0.0, 0.0, 9.0]
        );
    }
}
