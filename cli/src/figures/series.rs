//! One panel of series, which the kinds `lines`, `scatter` and `curves` share: points with their bars, a line,
//! their entries in the legend, and what is said of those that are not shown.

use super::{Request, labels};
use crate::plot::{
    Axis, Colour, Curve, Dot, INK, Key, LineStyle, Marker, Page, Panel, SERIES_RADIUS, Sample,
    Shape, series_colour, series_dash, shows,
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

/// A measured point, with the ends of its bar and theory's tick where it has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) at: (f64, f64),
    pub(super) bar: Option<(f64, f64)>,
    /// Theory by the actual initial weights.
    pub(super) tick: Option<f64>,
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
    let label = |value| labels::assignment(column, value);
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
    let mut has_moved = false;
    // The strokes of all series lie over all points.
    let mut ticks = Vec::new();
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
        for point in &one.points {
            let aside = aside(series, i, point.at.0, [&panel.x, &panel.y]);
            has_moved |= aside != 0.0;
            panel.dots.push(Dot {
                aside,
                bar: point.bar,
                ..Dot::new(point.at, marker, "")
            });
            ticks.extend(point.tick.map(|y| tick((point.at.0, y), aside)));
        }
        let label = one.label.clone();
        panel.legend.push(Key { label, samples });
    }
    panel.dots.extend(ticks);
    panel.legend.retain(|key| !key.samples.is_empty());
    page.notes.extend(thin(&mut panel.legend));
    let moved =
        "points that would cover each other stand side by side, by at most a marker's width";
    page.notes.extend(has_moved.then(|| moved.to_owned()));
    page.notes.extend(left_out.into_iter().flatten());
    page.panels.push(panel);
    page
}

/// A black stroke at a place, set aside as the point there is.
fn tick(at: (f64, f64), aside: f64) -> Dot {
    let marker = Marker {
        shape: Shape::TICK,
        ..Marker::disc(INK, SERIES_RADIUS)
    };
    Dot {
        aside,
        ..Dot::new(at, marker, "")
    }
}

/// How far the point of a series at `x` is set aside: points or bars of several series that would cover each
/// other stand side by side, the outermost by at most a marker's width, so that each is still read off at its
/// own place, and stays nearer to it than to the next one.
fn aside(all: &[Series], series: usize, at: f64, [x, y]: [&Axis; 2]) -> f64 {
    /// Page units across a panel, about.
    const WIDTH: f64 = 600.0;
    /// From one to the next where there is room.
    const STEP: f64 = 9.0;
    /// Markers nearer to each other than this fraction of the axis would cover each other.
    const NEAR: f64 = 0.02;
    let points = all.iter().enumerate().filter_map(|(i, series)| {
        let point = series.points.iter().find(|point| point.at.0 == at)?;
        let height = y.fraction(point.at.1);
        let (low, high) = point.bar.map_or((height, height), |(low, high)| {
            (y.fraction(low), y.fraction(high))
        });
        Some((
            i,
            (low.min(height - NEAR / 2.0), high.max(height + NEAR / 2.0)),
        ))
    });
    let points: Vec<(usize, (f64, f64))> = points.collect();
    let covers = |(i, own): &&(usize, (f64, f64))| {
        let mut others = points.iter().filter(|(other, _)| other != i);
        others.any(|(_, other)| own.0 <= other.1 && other.0 <= own.1)
    };
    let crowded: Vec<usize> = points.iter().filter(covers).map(|(i, _)| *i).collect();
    let half = 0.5 * crowded.len().saturating_sub(1) as f64;
    let others = all
        .iter()
        .flat_map(Series::middles)
        .filter(|other| other.0 != at);
    let gaps = others.map(|other| (x.fraction(other.0) - x.fraction(at)).abs());
    let room = 0.4 * WIDTH * gaps.fold(f64::INFINITY, f64::min);
    let step = STEP.min(room.min(2.0 * SERIES_RADIUS) / half);
    let place = crowded.iter().position(|i| *i == series);
    place.map_or(0.0, |place| step * (place as f64 - half))
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
                tick: None,
            }],
            ..Series::default()
        });
        let y = Axis::new("", (0.0, 10.0), false);
        let x = Axis::new("", (0.0, 1.0), false);
        let moved = |series: &[Series], i| aside(series, i, 0.0, [&x, &y]);
        let expected = [-7.6, 0.0, 0.0, 7.6];
        for (i, expected) in expected.into_iter().enumerate() {
            assert!((moved(&series, i) - expected).abs() < 1e-12, "{i}");
        }
        // Two without bars at one place; a third away from them; six share a marker's width to either side.
        let points = |at: &[f64]| -> Vec<Series> {
            let series = at.iter().map(|y| Series {
                points: vec![Measured {
                    at: (0.0, *y),
                    bar: None,
                    tick: None,
                }],
                ..Series::default()
            });
            series.collect()
        };
        let three = points(&[2.0, 2.1, 5.0]);
        assert_eq!([0, 1, 2].map(|i| moved(&three, i)), [-4.5, 4.5, 0.0]);
        let six = points(&[2.0; 6]);
        assert!((moved(&six, 0) + 7.6).abs() < 1e-12 && moved(&six, 5) == -moved(&six, 0));
        // A neighbour a hundredth of the axis away leaves less room.
        let mut near = points(&[2.0, 2.0]);
        near[0].points.push(Measured {
            at: (0.01, 9.0),
            bar: None,
            tick: None,
        });
        assert!((moved(&near, 0) + 2.4).abs() < 1e-12);
    }
}
