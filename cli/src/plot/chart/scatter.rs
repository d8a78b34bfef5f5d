//! Theory against measurement, as a square graph with the line on which they agree.

use super::super::legend::{Key, Sample};
use super::super::marker::Marker;
use super::super::style::{LEVEL, series_colour};
use super::ScatterChart;
use super::graph::{Graph, Path, left_out, thinned};
use super::range::{range, shows};
use super::spot::Spot;

/// Blank share of the axes beyond the data.
const PAD: f64 = 0.06;
/// Points of the line of agreement, which is curved where one axis only is logarithmic.
const SAMPLES: u32 = 200;

/// The graph of the chart.
pub(super) fn graph(chart: &ScatterChart) -> Graph<'_> {
    let count = chart.series.len();
    let (across, up) = (chart.x.log, chart.y.log);
    let shown = move |p: &&(f64, f64)| shows(across, p.0) && shows(up, p.1);
    let all = || chart.series.iter().flat_map(|series| &series.points);
    let points = || all().filter(shown);
    let (xs, ys) = (points().map(|p| p.0), points().map(|p| p.1));
    let (x_range, y_range) = if across == up {
        let both = range(xs.chain(ys), across, PAD);
        (both, both)
    } else {
        (range(xs, across, PAD), range(ys, up, PAD))
    };
    let spots = chart.series.iter().enumerate().flat_map(|(i, series)| {
        let marker = Marker::of_series(i, series_colour(i, count));
        series.points.iter().filter(shown).map(move |&at| Spot {
            at,
            aside: 0.0,
            bar: None,
            marker,
            label: String::new(),
        })
    });
    let (keys, named) = thinned(keys(chart));
    let dropped = [
        left_out(across, all().map(|p| p.0)),
        left_out(up, all().map(|p| p.1)),
    ];
    Graph {
        title: &chart.title,
        x: &chart.x,
        y: &chart.y,
        x_range,
        y_range,
        square: true,
        rules: Vec::new(),
        paths: x_range
            .map(|ends| agreement(ends, across))
            .into_iter()
            .collect(),
        spots: spots.collect(),
        keys: keys
            .into_iter()
            .chain([Key::line("measured = theory", LEVEL)])
            .collect(),
        notes: chart
            .notes
            .iter()
            .cloned()
            .chain(named)
            .chain(dropped.into_iter().flatten())
            .collect(),
    }
}

/// The points at which both axes have one value.
fn agreement((low, high): (f64, f64), log: bool) -> Path {
    let along = |i: u32| {
        let share = f64::from(i) / f64::from(SAMPLES);
        match log {
            true => low * (high / low).powf(share),
            false => low + share * (high - low),
        }
    };
    let points = (0..=SAMPLES).map(along).map(|value| (value, value));
    Path {
        points: points.collect(),
        style: LEVEL,
    }
}

/// An entry for each series.
fn keys(chart: &ScatterChart) -> Vec<Key> {
    let count = chart.series.len();
    let series = chart.series.iter().enumerate();
    series
        .map(|(i, series)| Key {
            label: series.label.clone(),
            samples: vec![Sample::Marker(Marker::of_series(
                i,
                series_colour(i, count),
            ))],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::ScatterSeries;
    use super::*;

    #[test]
    fn both_axes_share_their_range_and_the_line_crosses_it() {
        let chart = ScatterChart {
            series: vec![ScatterSeries {
                label: String::new(),
                points: vec![(1.0, 2.0), (3.0, 9.0), (f64::NAN, 100.0)],
            }],
            ..ScatterChart::default()
        };
        let graph = graph(&chart);
        assert_eq!(graph.x_range, graph.y_range);
        let (low, high) = graph.x_range.unwrap_or_default();
        assert!(low < 1.0 && high > 9.0 && high < 10.0);
        assert_eq!(graph.paths[0].points[0], (low, low));
        assert_eq!(graph.spots.len(), 2);
    }
}
