//! Measured points with their spread, against theory's lines.

use super::aggregate::{Field, Sum};
use super::check::Place;
use super::curves::{HEIGHT, PAD};
use super::series::{labels, left_out, numbers, thinned};
use super::{Kind, Request, labels};
use crate::error::Result;
use crate::plot::{
    Axis, Curve, Dot, Key, LineStyle, Marker, Page, Panel, Sample, TickPlaces, range_widened,
    series_colour, series_dash, shows,
};
use crate::sweep::{Quantity, Table, TheoryLine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Measured points with their spread over all axes and repeats except x and series, and lines of
/// theory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"x": "data.toy.rho", "y": "ratio", "series": "network.width", "log_y": true}]))]
pub struct LinesFigure {
    /// Path of the horizontal axis; its values are numbers.
    pub x: String,
    /// Quantity that is shown.
    pub y: Quantity,
    /// Path of the axis of which each value is a series of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Whether x is logarithmic.
    #[serde(default)]
    pub log_x: bool,
    /// Whether y is logarithmic.
    #[serde(default)]
    pub log_y: bool,
}

/// Points and a line of one colour.
#[derive(Default)]
struct Series {
    label: String,
    points: Vec<Spread>,
    /// What theory says, as a path; empty without theory.
    theory: Vec<(f64, f64)>,
    /// Whether the path joins theory's (mean) values for the runs, rather than being dense.
    joined: bool,
}

/// A measured point: the mean of the repeats and their ends.
#[derive(Clone, Copy)]
struct Spread {
    x: f64,
    middle: f64,
    low: f64,
    high: f64,
}

impl Spread {
    fn of(x: f64, sum: &Sum) -> Option<Self> {
        Some(Self {
            x,
            middle: sum.mean()?,
            low: sum.least,
            high: sum.most,
        })
    }

    /// The ends of its bar, where it has one.
    fn bar(&self) -> Option<(f64, f64)> {
        let is_finite = self.low.is_finite() && self.high.is_finite();
        (is_finite && self.low < self.high).then_some((self.low, self.high))
    }
}

impl Kind for LinesFigure {
    fn check(&self, place: &Place<'_>) -> Result<()> {
        place.ensure_numbers("x", &self.x, self.log_x)?;
        place.ensure_series("series", self.series.as_deref(), &self.x)?;
        place.ensure_has("y", self.y)
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let across = request.place(&self.x).unwrap_or_default();
        let up = self.series.as_ref().and_then(|path| request.place(path));
        let field = Field::of(request, table, self.y, (across, up))?;
        let xs = numbers(&request.columns[across].values);
        let line = self.theory_line(request, table, (across, up));
        let labels = labels(request, up).into_iter().enumerate();
        let series: Vec<Series> = labels
            .map(|(row, label)| {
                let dense = line.as_ref().and_then(|line| line.points(row, &xs));
                series(label, &xs, &field, row, dense)
            })
            .collect();
        let (matched, measured) = field.share(&field.matched);
        let is_joined = |series: &Series| series.joined && !series.theory.is_empty();
        let unmatched = (matched < measured && series.iter().any(is_joined)).then(|| {
            format!("theory joined over {matched} of {measured} runs, those in the predicted order")
        });
        let notes = unmatched.into_iter().chain(field.aggregate.note());
        Ok(self.of(&series, xs, notes.collect()))
    }
}

impl LinesFigure {
    /// Theory between the cells; None where theory has no word on the quantity, or an axis apart from x and
    /// series varies: then the cells at one x are of several problems.
    fn theory_line<'t>(
        &self,
        request: &Request<'t>,
        table: &Table<'t>,
        (across, up): (usize, Option<usize>),
    ) -> Option<TheoryLine<'t>> {
        let grid = table.grid;
        let mut cells = (0..grid.len()).map(|index| grid.cell(index));
        let values = cells.find(|cell| request.selects(cell))?.values;
        // Linked columns move with x, and are free as well.
        let mut columns = request.columns.iter().enumerate();
        let has_free = columns.any(|(place, column)| {
            let is_fixed = Some(place) == up || place == across;
            let is_selected = request.section.select.contains_key(&column.path);
            !is_fixed && column.values.len() > 1 && !is_selected
        });
        (self.y.is_predicted() && !has_free).then(|| TheoryLine {
            grid,
            quantity: self.y,
            values,
            across,
            series: up.map(|up| (up, &request.columns[up].values[..])),
            log: self.log_x,
        })
    }

    /// The page of the series, whose points stand at `xs`.
    fn of(&self, series: &[Series], xs: Vec<f64>, notes: Vec<String>) -> Page {
        let measured = || series.iter().flat_map(|series| &series.points);
        let (legend, named) = thinned(keys(series));
        let dropped = left_out(self.log_y, measured().map(|spread| spread.middle));
        let ranges = self.x_range(series).zip(self.y_range(series));
        let panel = ranges.map(|(x, y)| Panel {
            height: HEIGHT,
            x: Axis {
                ticks: TickPlaces::At(xs),
                ..Axis::new(labels::axis(&self.x), x, self.log_x)
            },
            y: Axis::new(self.y.label(), y, self.log_y),
            curves: curves(series),
            dots: dots(series),
            legend,
            ..Panel::default()
        });
        Page {
            panels: panel.into_iter().collect(),
            notes: meaning(series)
                .into_iter()
                .chain(notes)
                .chain(named)
                .chain(dropped)
                .collect(),
            ..Page::default()
        }
    }

    /// The points that the axes can show.
    fn shown<'s>(&self, series: &'s [Series]) -> impl Iterator<Item = &'s Spread> + Clone {
        let (log_x, log_y) = (self.log_x, self.log_y);
        let points = series.iter().flat_map(|series| &series.points);
        points.filter(move |spread| shows(log_x, spread.x) && shows(log_y, spread.middle))
    }

    fn x_range(&self, series: &[Series]) -> Option<(f64, f64)> {
        let measured = self.shown(series).map(|spread| spread.x);
        range_widened(
            measured,
            finite(series).map(|point| point.0),
            self.log_x,
            PAD,
        )
    }

    /// Predictions for the runs themselves are to be seen, as the runs are; a dense line may leave.
    fn y_range(&self, series: &[Series]) -> Option<(f64, f64)> {
        let joined = series.iter().filter(|series| series.joined);
        let predictions = joined
            .flat_map(|series| &series.theory)
            .map(|point| point.1);
        let predictions = predictions.filter(|y| shows(self.log_y, *y));
        let shown = self.shown(series);
        let bars = shown.clone().filter_map(Spread::bar);
        let bars = bars.flat_map(|(low, high)| [low, high]);
        let seen = shown.map(|spread| spread.middle).chain(bars);
        let theory = finite(series).map(|point| point.1);
        range_widened(seen.chain(predictions), theory, self.log_y, PAD)
    }
}

/// Theory's lines.
fn curves(series: &[Series]) -> Vec<Curve> {
    let lines = series.iter().enumerate();
    let lines = lines.filter(|(_, one)| !one.theory.is_empty());
    let curve = |(i, one): (usize, &Series)| Curve {
        points: one.theory.clone(),
        style: theory_style(one, i, series.len()),
    };
    lines.map(curve).collect()
}

/// One series of the field, with theory's dense line where there is one.
fn series(
    label: String,
    xs: &[f64],
    field: &Field,
    row: usize,
    dense: Option<Vec<(f64, Option<f64>)>>,
) -> Series {
    let cells = row * field.columns..(row + 1) * field.columns;
    let measured = xs.iter().zip(&field.measured[cells.clone()]);
    let joined = dense.is_none();
    let means = xs.iter().zip(&field.matched[cells]);
    let means = means.map(|(x, sum)| (*x, sum.mean()));
    let theory = dense.unwrap_or_else(|| means.collect());
    let has_word = theory.iter().any(|point| point.1.is_some());
    let theory = theory.into_iter().filter(|_| has_word);
    Series {
        label,
        points: measured
            .filter_map(|(x, sum)| Spread::of(*x, sum))
            .collect(),
        theory: theory.map(|(x, y)| (x, y.unwrap_or(f64::NAN))).collect(),
        joined,
    }
}

/// The points of all lines of theory.
fn finite(series: &[Series]) -> impl Iterator<Item = &(f64, f64)> {
    let points = series.iter().flat_map(|series| &series.theory);
    points.filter(|point| point.1.is_finite())
}

/// The measured points; those whose bars would cover each other stand side by side.
fn dots(series: &[Series]) -> Vec<Dot> {
    let mut dots = Vec::new();
    for (i, one) in series.iter().enumerate() {
        let marker = Marker::of_series(i, series_colour(i, series.len()));
        dots.extend(one.points.iter().map(|spread| Dot {
            aside: aside(series, i, spread.x),
            bar: spread.bar(),
            ..Dot::new((spread.x, spread.middle), marker, "")
        }));
    }
    dots
}

/// How far a point is set aside: bars that would cover each other stand side by side.
fn aside(all: &[Series], series: usize, x: f64) -> f64 {
    const STEP: f64 = 9.0;
    let bars = all.iter().enumerate().filter_map(|(i, series)| {
        let mut points = series.points.iter();
        Some((i, points.find(|point| point.x == x)?.bar()?))
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

/// Solid through its points, which carry the series' marker; a pattern where there are none.
fn theory_style(series: &Series, index: usize, count: usize) -> LineStyle {
    let dash: &[f64] = match series.points.is_empty() {
        true => series_dash(index),
        false => &[],
    };
    LineStyle::dashed(series_colour(index, count), 1.6, dash)
}

/// An entry for each series that has something to show, of what it has.
fn keys(series: &[Series]) -> Vec<Key> {
    let count = series.len();
    let key = |(i, one): (usize, &Series)| {
        let line = Sample::Line(theory_style(one, i, count));
        let marker = Sample::Marker(Marker::of_series(i, series_colour(i, count)));
        let line = (!one.theory.is_empty()).then_some(line);
        let marker = (!one.points.is_empty()).then_some(marker);
        Key {
            label: one.label.clone(),
            samples: line.into_iter().chain(marker).collect(),
        }
    };
    let keys = series.iter().enumerate().map(key);
    keys.filter(|key| !key.samples.is_empty()).collect()
}

/// What points, bars and lines stand for, said once.
fn meaning(series: &[Series]) -> Option<String> {
    let mut points = series.iter().flat_map(|series| &series.points).peekable();
    let mut parts = Vec::new();
    if points.peek().is_some() {
        parts.push(match points.any(|spread| spread.bar().is_some()) {
            true => "points: measured, mean of the repeats; bars: least to greatest",
            false => "points: measured",
        });
    }
    let with_theory = series.iter().filter(|series| !series.theory.is_empty());
    let joined = with_theory.clone().filter(|series| series.joined).count();
    match with_theory.count() {
        0 => {}
        _ if joined == 0 => parts.push("lines: theory"),
        all if joined == all => parts.push("lines: theory for the runs' own data, joined"),
        _ => parts.push("lines: theory, for the runs' own data joined where those are drawn"),
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> LinesFigure {
        LinesFigure {
            x: String::new(),
            y: Quantity::named("ratio").expect("a quantity"),
            series: None,
            log_x: false,
            log_y: false,
        }
    }

    fn measured(points: &[(f64, f64, f64)]) -> Series {
        let spread = |&(x, low, high): &(f64, f64, f64)| Spread {
            x,
            middle: (low + high) / 2.0,
            low,
            high,
        };
        Series {
            points: points.iter().map(spread).collect(),
            ..Series::default()
        }
    }

    #[test]
    fn the_note_says_only_what_is_drawn() {
        assert_eq!(meaning(&[]), None);
        let mut series = [measured(&[(0.0, 1.0, 1.0)])];
        assert_eq!(meaning(&series).as_deref(), Some("points: measured"));
        series = [measured(&[(0.0, 1.0, 1.0), (1.0, 1.0, 2.0)])];
        series[0].theory.push((0.0, 1.0));
        let note = meaning(&series).unwrap_or_default();
        assert!(note.contains("bars: ") && note.ends_with("lines: theory"));
    }

    #[test]
    fn joined_theory_is_told_from_dense_lines() {
        let series = |joined| Series {
            theory: vec![(0.0, 1.0), (1.0, 2.0)],
            joined,
            ..Series::default()
        };
        let note = |series: &[Series]| meaning(series).unwrap_or_default();
        assert_eq!(note(&[series(false)]), "lines: theory");
        assert!(note(&[series(true)]).contains("own data, joined"));
        assert!(note(&[series(true), series(false)]).contains("joined where"));
    }

    #[test]
    fn bars_that_would_cover_each_other_stand_side_by_side() {
        let ends = [(1.0, 3.0), (2.0, 5.0), (8.0, 9.0), (4.0, 6.0)];
        let series = ends.map(|(low, high)| measured(&[(0.0, low, high)]));
        let aside: Vec<f64> = dots(&series).iter().map(|dot| dot.aside).collect();
        assert_eq!(aside, [-9.0, 0.0, 0.0, 9.0]);
    }

    #[test]
    fn what_a_log_axis_cannot_show_is_left_out_and_counted() {
        let series = [measured(&[(0.0, -1.0, 1.0), (1.0, 1.0, 2.0)])];
        assert_eq!(figure().shown(&series).count(), 2);
        let figure = LinesFigure {
            log_y: true,
            ..figure()
        };
        assert_eq!(figure.shown(&series).count(), 1);
        let notes = figure.of(&series, vec![0.0, 1.0], Vec::new()).notes;
        assert!(notes.iter().any(|note| note.starts_with("not shown: 1")));
    }

    #[test]
    fn theory_that_runs_to_infinity_is_cut() {
        let series = [Series {
            theory: vec![(0.0, 1.0), (1.0, 1e12), (2.0, f64::INFINITY)],
            ..measured(&[(0.0, 0.0, 1.0)])
        }];
        assert!(figure().y_range(&series).is_some_and(|range| range.1 < 2.0));
    }
}
