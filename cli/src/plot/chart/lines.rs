//! Measured points with their spread against theory lines, as a graph.

use super::super::legend::{Key, Sample};
use super::super::marker::Marker;
use super::super::style::{LineStyle, series_colour, series_dash};
use super::graph::{Graph, Path, left_out, thinned};
use super::range::{range_widened, shows};
use super::spot::Spot;
use super::{LineChart, Series, Spread};

/// Blank share of the axes beyond the data.
const PAD: f64 = 0.04;

/// The graph of the chart.
pub(super) fn graph(chart: &LineChart) -> Graph<'_> {
    let count = chart.series.len();
    let shown =
        |spread: &&Spread| shows(chart.x.log, spread.x) && shows(chart.y.log, spread.middle);
    let measured = || chart.series.iter().flat_map(|series| &series.points);
    let theory = || {
        let all = chart.series.iter().flat_map(|series| &series.theory);
        all.filter(|point| point.1.is_finite())
    };
    let points = || measured().filter(shown);
    // Predictions for the runs themselves are to be seen, as the runs are; a dense line may leave.
    let joined = chart.series.iter().filter(|series| series.joined);
    let predictions = joined.flat_map(|series| &series.theory);
    let predictions = predictions
        .map(|point| point.1)
        .filter(|y| shows(chart.y.log, *y));
    let bars = points().filter_map(bar).flat_map(|(low, high)| [low, high]);
    let dash = dash(points().map(|spread| spread.x), chart.x.log);
    let paths = chart.series.iter().enumerate().flat_map(|(i, series)| {
        let style = theory_line(series, i, count);
        let strokes = strokes(&series.theory, &dash);
        strokes
            .into_iter()
            .map(move |points| Path { points, style })
    });
    let spots = chart.series.iter().enumerate().flat_map(|(i, series)| {
        let marker = Marker::of_series(i, series_colour(i, count));
        series.points.iter().filter(shown).map(move |spread| Spot {
            at: (spread.x, spread.middle),
            aside: aside(chart, i, spread),
            bar: bar(spread),
            marker,
            label: String::new(),
        })
    });
    let (keys, named) = thinned(keys(chart));
    let dropped = left_out(chart.y.log, measured().map(|spread| spread.middle));
    Graph {
        title: &chart.title,
        x: &chart.x,
        y: &chart.y,
        x_range: range_widened(
            points().map(|spread| spread.x),
            theory().map(|point| point.0),
            chart.x.log,
            PAD,
        ),
        y_range: range_widened(
            points()
                .map(|spread| spread.middle)
                .chain(bars)
                .chain(predictions),
            theory().map(|point| point.1),
            chart.y.log,
            PAD,
        ),
        square: false,
        rules: Vec::new(),
        paths: paths.collect(),
        spots: spots.collect(),
        keys,
        notes: meaning(chart)
            .into_iter()
            .chain(chart.notes.iter().cloned())
            .chain(named)
            .chain(dropped)
            .collect(),
    }
}

/// The values on either side of one over which a dash is drawn.
fn dash(xs: impl Iterator<Item = f64>, log: bool) -> impl Fn(f64) -> [f64; 2] {
    /// Of the width of the data.
    const SHARE: f64 = 0.015;
    let scale = move |x: f64| if log { x.ln() } else { x };
    let [low, high] = xs
        .map(scale)
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| {
            [low.min(x), high.max(x)]
        });
    let half = if high > low {
        SHARE * (high - low)
    } else {
        SHARE
    };
    move |x| [scale(x) - half, scale(x) + half].map(|end| if log { end.exp() } else { end })
}

/// The stretches of a line between its gaps; a dash where a point stands alone.
fn strokes(line: &[(f64, f64)], dash: impl Fn(f64) -> [f64; 2]) -> Vec<Vec<(f64, f64)>> {
    let stretches = line.split(|point| !point.1.is_finite());
    let stroke = |points: &[(f64, f64)]| match points {
        [] => None,
        [(x, y)] => Some(dash(*x).map(|end| (end, *y)).to_vec()),
        points => Some(points.to_vec()),
    };
    stretches.filter_map(stroke).collect()
}

/// The ends of a point's bar, where it has one.
fn bar(spread: &Spread) -> Option<(f64, f64)> {
    let ends = (spread.low, spread.high);
    (ends.0.is_finite() && ends.1.is_finite() && ends.0 < ends.1).then_some(ends)
}

/// How many pixels a point is set aside, so that the bars at one x that would cover each other
/// stand side by side, in the order of the series.
fn aside(chart: &LineChart, series: usize, spread: &Spread) -> f64 {
    const STEP: f64 = 9.0;
    let all = chart.series.iter().enumerate();
    let bars = all.filter_map(|(i, series)| {
        let mut points = series.points.iter();
        Some((i, bar(points.find(|point| point.x == spread.x)?)?))
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
fn theory_line(series: &Series, index: usize, count: usize) -> LineStyle {
    LineStyle {
        colour: series_colour(index, count),
        width: 1.6,
        dash: if series.points.is_empty() {
            series_dash(index)
        } else {
            &[]
        },
    }
}

/// An entry for each series that has something to show, of what it has.
fn keys(chart: &LineChart) -> Vec<Key> {
    let count = chart.series.len();
    let key = |(i, series): (usize, &Series)| {
        let line = (!series.theory.is_empty()).then(|| Sample::Line(theory_line(series, i, count)));
        let marker = Marker::of_series(i, series_colour(i, count));
        let marker = (!series.points.is_empty()).then_some(Sample::Marker(marker));
        Key {
            label: series.label.clone(),
            samples: line.into_iter().chain(marker).collect(),
        }
    };
    let keys = chart.series.iter().enumerate().map(key);
    keys.filter(|key| !key.samples.is_empty()).collect()
}

/// What points, bars and lines stand for, said once.
fn meaning(chart: &LineChart) -> Option<String> {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let mut parts = Vec::new();
    if points().any(|spread| bar(spread).is_some()) {
        parts.push("points: measured, mean of the repeats; bars: least to greatest");
    } else if points().next().is_some() {
        parts.push("points: measured");
    }
    let with_theory = || {
        chart
            .series
            .iter()
            .filter(|series| !series.theory.is_empty())
    };
    let joined = with_theory().filter(|series| series.joined).count();
    match with_theory().count() {
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

    #[test]
    fn theory_is_not_drawn_across_a_gap() {
        let around = dash([0.0, 100.0].into_iter(), false);
        let line = [(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0), (3.0, 4.0)];
        let expected = [vec![(-1.5, 1.0), (1.5, 1.0)], vec![(2.0, 3.0), (3.0, 4.0)]];
        assert_eq!(strokes(&line, &around), expected);
        assert!(strokes(&[(1.0, f64::NAN)], &around).is_empty());
    }

    fn spread(x: f64, low: f64, high: f64) -> Spread {
        Spread {
            x,
            middle: (low + high) / 2.0,
            low,
            high,
        }
    }

    #[test]
    fn the_note_says_only_what_is_drawn() {
        let mut chart = LineChart {
            series: vec![Series {
                points: vec![spread(0.0, 1.0, 1.0)],
                ..Series::default()
            }],
            ..LineChart::default()
        };
        assert_eq!(graph(&chart).notes, ["points: measured"]);
        chart.series[0].points.push(spread(1.0, 1.0, 2.0));
        chart.series[0].theory.push((0.0, 1.0));
        let notes = graph(&chart).notes;
        assert!(notes[0].contains("bars: ") && notes[0].ends_with("lines: theory"));
        assert!(graph(&LineChart::default()).notes.is_empty());
    }

    #[test]
    fn joined_theory_is_told_from_dense_lines() {
        let series = |joined| Series {
            theory: vec![(0.0, 1.0), (1.0, 2.0)],
            joined,
            ..Series::default()
        };
        let notes = |series| {
            graph(&LineChart {
                series,
                ..LineChart::default()
            })
            .notes
        };
        assert_eq!(notes(vec![series(false)]), ["lines: theory"]);
        let joined = notes(vec![series(true)]);
        assert!(joined[0].contains("own data, joined"), "{joined:?}");
        let mixed = notes(vec![series(true), series(false)]);
        assert!(mixed[0].contains("joined where"), "{mixed:?}");
    }

    #[test]
    fn bars_that_would_cover_each_other_stand_side_by_side() {
        let series = |low, high| Series {
            points: vec![spread(0.0, low, high)],
            ..Series::default()
        };
        let chart = LineChart {
            series: vec![
                series(1.0, 3.0),
                series(2.0, 5.0),
                series(8.0, 9.0),
                series(4.0, 6.0),
            ],
            ..LineChart::default()
        };
        let aside: Vec<f64> = graph(&chart).spots.iter().map(|spot| spot.aside).collect();
        assert_eq!(aside, [-9.0, 0.0, 0.0, 9.0]);
    }

    #[test]
    fn what_a_log_axis_cannot_show_is_left_out_and_counted() {
        let mut chart = LineChart {
            series: vec![Series {
                points: vec![spread(0.0, -1.0, 1.0), spread(1.0, 1.0, 2.0)],
                ..Series::default()
            }],
            ..LineChart::default()
        };
        assert_eq!(graph(&chart).spots.len(), 2);
        chart.y.log = true;
        let graph = graph(&chart);
        assert_eq!(graph.spots.len(), 1);
        assert!(
            graph
                .notes
                .iter()
                .any(|note| note.starts_with("not shown: 1"))
        );
    }

    #[test]
    fn theory_that_runs_to_infinity_is_cut() {
        let chart = LineChart {
            series: vec![Series {
                points: vec![spread(0.0, 0.0, 1.0)],
                theory: vec![(0.0, 1.0), (1.0, 1e12), (2.0, f64::INFINITY)],
                ..Series::default()
            }],
            ..LineChart::default()
        };
        assert!(graph(&chart).y_range.is_some_and(|range| range.1 < 2.0));
    }
}
