//! A family of curves, as a graph.

use super::super::content::Rule;
use super::super::legend::{Key, Sample};
use super::super::marker::Marker;
use super::super::style::{GREY, INK, LEVEL, LineStyle, series_colour, series_dash};
use super::CurvesChart;
use super::graph::{Graph, Path, left_out, thinned};
use super::range::{range, range_widened, shows};
use super::spot::Spot;

/// Blank share of the axis up beyond the data.
const PAD: f64 = 0.04;

/// The graph of the chart.
pub(super) fn graph(chart: &CurvesChart) -> Graph<'_> {
    let count = chart.curves.len();
    let (across, up) = (chart.x.log, chart.y.log);
    let shown = |p: &(f64, f64)| shows(across, p.0) && shows(up, p.1);
    let curves = || {
        chart
            .curves
            .iter()
            .flat_map(|curve| curve.points.iter().copied())
    };
    let marks = || chart.marks.iter().map(|mark| (mark.x, mark.y));
    let points = || curves().chain(marks()).filter(shown);
    let levels = || chart.levels.iter().map(|level| level.1);
    let y_range = range_widened(points().map(|p| p.1), levels(), up, PAD);
    let line = |i: usize| LineStyle {
        colour: series_colour(i, count),
        width: 2.0,
        dash: series_dash(i),
    };
    let paths = chart.curves.iter().enumerate().map(|(i, curve)| Path {
        points: curve.points.clone(),
        style: line(i),
    });
    let spots = chart.marks.iter().filter(|mark| shown(&(mark.x, mark.y)));
    let shared = shared_label(chart);
    let spots = spots.map(|mark| Spot {
        at: (mark.x, mark.y),
        aside: 0.0,
        bar: None,
        marker: Marker::of_series(0, series_colour(mark.curve, count)),
        label: match shared {
            Some(_) => String::new(),
            None => mark.label.clone(),
        },
    });
    let keys = chart.curves.iter().enumerate();
    let keys = keys.map(|(i, curve)| Key::line(&curve.label, line(i)));
    let (keys, named) = thinned(keys.collect());
    let named_marks = shared.map(|label| Key {
        label: label.to_owned(),
        samples: vec![Sample::Marker(Marker::of_series(0, INK))],
    });
    let dropped = left_out(up, curves().map(|point| point.1));
    Graph {
        title: &chart.title,
        x: &chart.x,
        y: &chart.y,
        // The start of time, which a logarithmic axis cannot show, is missed by nobody.
        x_range: range(points().map(|p| p.0), across, 0.0),
        y_range,
        square: false,
        rules: rules(chart, y_range),
        paths: paths.collect(),
        spots: spots.collect(),
        keys: keys.into_iter().chain(named_marks).collect(),
        notes: chart
            .notes
            .iter()
            .cloned()
            .chain(named)
            .chain(dropped)
            .collect(),
    }
}

/// The label of all marks, where several have one in common: written at each it would crowd the
/// panel and say nothing new.
fn shared_label(chart: &CurvesChart) -> Option<&str> {
    let (first, others) = chart.marks.split_first()?;
    let alike = others.iter().all(|mark| mark.label == first.label);
    (alike && !others.is_empty()).then_some(&first.label)
}

/// The levels within the range.
fn rules(chart: &CurvesChart, range: Option<(f64, f64)>) -> Vec<Rule> {
    let inside = |value: f64| range.is_some_and(|(low, high)| low <= value && value <= high);
    chart
        .levels
        .iter()
        .filter(|level| inside(level.1))
        .map(|(label, value)| Rule {
            label: label.clone(),
            value: *value,
            style: LEVEL,
            ink: GREY,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{CurveMark, FamilyCurve};
    use super::*;

    fn chart() -> CurvesChart {
        CurvesChart {
            curves: vec![FamilyCurve {
                label: "one".to_owned(),
                points: vec![(0.0, 1.0), (1.0, 0.5), (2.0, f64::NAN)],
            }],
            levels: vec![("near".to_owned(), 0.4), ("far".to_owned(), -100.0)],
            marks: vec![CurveMark {
                curve: 7,
                x: 1.0,
                y: f64::INFINITY,
                label: "nowhere".to_owned(),
            }],
            ..CurvesChart::default()
        }
    }

    #[test]
    fn far_levels_and_marks_without_a_place_are_left_out() {
        let chart = chart();
        let graph = graph(&chart);
        assert_eq!(graph.rules.len(), 1);
        assert_eq!(graph.rules[0].label, "near");
        assert!(graph.spots.is_empty());
        assert_eq!(graph.x_range, Some((0.0, 1.0)));
    }

    #[test]
    fn a_label_that_all_marks_share_stands_in_the_legend() {
        let mut chart = chart();
        let mark = |label: &str| CurveMark {
            label: label.to_owned(),
            ..CurveMark::default()
        };
        chart.marks = vec![mark("minimum"), mark("minimum")];
        let shared = graph(&chart);
        assert!(shared.spots.iter().all(|spot| spot.label.is_empty()));
        assert_eq!(
            shared.keys.last().map(|key| key.label.as_str()),
            Some("minimum")
        );
        chart.marks = vec![mark("first"), mark("second")];
        assert_eq!(graph(&chart).spots[1].label, "second");
        assert_eq!(graph(&chart).keys.len(), 1);
    }

    #[test]
    fn a_logarithmic_time_starts_at_the_first_positive() {
        let mut chart = chart();
        chart.curves[0].points.push((10.0, 0.5));
        chart.x.log = true;
        let graph = graph(&chart);
        assert_eq!(graph.x_range, Some((1.0, 10.0)));
        assert!(graph.notes.is_empty());
    }
}
