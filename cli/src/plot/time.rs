//! The time axis that the panels share: its ends.

use super::Figure;
use super::axes::Axis;
use super::content::{LARGEST, SMALLEST};

/// The axis that all panels share.
pub(super) fn time_axis(figure: &Figure, left: f64, right: f64) -> Axis {
    let end = time_end(figure);
    let low = if figure.log_time {
        log_start(figure, end)
    } else {
        0.0
    };
    Axis {
        low,
        high: end,
        start: left,
        end: right,
        log: figure.log_time,
    }
}

/// The end of the time axis: as asked for, or from the data where that makes no axis.
fn time_end(figure: &Figure) -> f64 {
    let usable = |t: f64| t.is_finite() && t > SMALLEST;
    let times = figure.loss.iter().flat_map(|curve| &curve.points);
    let last = times
        .map(|p| p.0)
        .filter(|t| usable(*t))
        .fold(0.0, f64::max);
    [figure.t_end, last]
        .into_iter()
        .find(|t| usable(*t))
        .map_or(1.0, |t| t.min(LARGEST))
}

/// Where a logarithmic time axis starts: a decade before the first plateau is left or the first
/// modality learned, or else before the first sample.
fn log_start(figure: &Figure, end: f64) -> f64 {
    let first = |times: &mut dyn Iterator<Item = f64>| {
        times
            .filter(|t| t.is_finite() && *t > 0.0)
            .fold(f64::INFINITY, f64::min)
    };
    let learned = figure.crossings.iter().map(|crossing| crossing.time);
    let edges = figure.plateaus.iter().flat_map(|band| [band.from, band.to]);
    let mut event = first(&mut learned.chain(edges));
    if !event.is_finite() {
        let samples = figure.loss.iter().flat_map(|curve| &curve.points);
        event = first(&mut samples.map(|point| point.0)) * 10.0;
    }
    (event / 10.0).clamp(end * 1e-12, end / 10.0)
}

#[cfg(test)]
mod tests {
    use super::super::Band;
    use super::*;

    #[test]
    fn an_axis_without_data_is_still_one() {
        assert_eq!(time_end(&Figure::default()), 1.0);
        assert_eq!(log_start(&Figure::default(), 1.0), 0.1);
    }

    #[test]
    fn the_log_axis_starts_before_the_first_event() {
        let figure = Figure {
            plateaus: vec![Band {
                label: String::new(),
                saddle: String::new(),
                from: 0.0,
                to: 2.0,
                shoulder: false,
            }],
            ..Figure::default()
        };
        assert!((log_start(&figure, 1e3) - 0.2).abs() < 1e-12);
        assert!((log_start(&figure, 1.0) - 0.1).abs() < 1e-12);
    }
}
