//! Curves of several cells in time.

use super::check::Place;
use super::series::{left_out, thinned};
use super::{Drawn, Kind, Request};
use crate::error::Result;
use crate::plot::{
    Axis, Curve, Key, LineStyle, Page, Panel, Sample, range, range_widened, series_colour,
    series_dash, shows,
};
use crate::sweep::{DrawnTrajectory, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Curves that can still be told apart.
const MOST: usize = 24;
/// Height of the panel.
pub(super) const HEIGHT: f64 = 360.0;
/// Blank fraction of the axis up beyond the data.
pub(super) const PAD: f64 = 0.04;

/// Curves against time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"value": "loss", "log_y": true}]))]
pub struct CurvesFigure {
    /// What is drawn.
    #[serde(default)]
    pub value: CurveValue,
    /// Whether time is logarithmic.
    #[serde(default)]
    pub log_x: bool,
    /// Whether the value is logarithmic.
    #[serde(default)]
    pub log_y: bool,
}

/// What a curve shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CurveValue {
    /// The training loss.
    #[default]
    Loss,
    /// The generalisation error.
    Generalisation,
}

impl CurveValue {
    fn of(self, trajectory: &DrawnTrajectory) -> &[f64] {
        match self {
            CurveValue::Loss => &trajectory.losses,
            CurveValue::Generalisation => &trajectory.generalisation,
        }
    }

    fn name(self) -> &'static str {
        match self {
            CurveValue::Loss => "loss (units of y²)",
            CurveValue::Generalisation => "generalisation error (units of y²)",
        }
    }
}

impl Kind for CurvesFigure {
    fn needs_trajectories(&self) -> bool {
        true
    }

    fn check(&self, place: &Place<'_>) -> Result<()> {
        if self.value == CurveValue::Generalisation {
            place.ensure_generalisation("value")?;
        }
        place.ensure_at_most(MOST, "curves")
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let Drawn { cells, note } = request.trajectories(table)?;
        let points = |trajectory: &DrawnTrajectory| {
            let times = trajectory.times.iter().copied();
            times
                .zip(self.value.of(trajectory).iter().copied())
                .collect()
        };
        let mut family: Vec<(String, Vec<(f64, f64)>)> = cells
            .iter()
            .map(|(cell, trajectory)| (request.label(cell), points(trajectory)))
            .collect();
        if self.log_x {
            let start = first_event(&family).map_or(0.0, |event| event / 10.0);
            for (_, points) in &mut family {
                points.retain(|point| point.0 >= start);
            }
        }
        let page = self.of(family);
        let notes = note.into_iter().chain(page.notes).collect();
        Ok(Page { notes, ..page })
    }
}

impl CurvesFigure {
    /// The page of labelled curves.
    fn of(&self, family: Vec<(String, Vec<(f64, f64)>)>) -> Page {
        let count = family.len();
        let all = || family.iter().flat_map(|(_, points)| points);
        let shown = || all().filter(|p| shows(self.log_x, p.0) && shows(self.log_y, p.1));
        // The start of time, which a logarithmic axis cannot show, is missed by nobody.
        let x = range(shown().map(|p| p.0), self.log_x, 0.0);
        let y = range_widened(shown().map(|p| p.1), [], self.log_y, PAD);
        let dropped = left_out(self.log_y, all().map(|point| point.1));
        let style = |i: usize| LineStyle {
            colour: series_colour(i, count),
            width: 2.0,
            dash: series_dash(i),
        };
        let labels = family.iter().enumerate();
        let keys = labels.map(|(i, (label, _))| Key::new(label, Sample::Line(style(i))));
        let (legend, named) = thinned(keys.collect());
        let panel = x.zip(y).map(|(x, y)| Panel {
            height: HEIGHT,
            x: Axis::new("time t (in units of η × descent steps)", x, self.log_x),
            y: Axis::new(self.value.name(), y, self.log_y),
            curves: (0..count)
                .zip(&family)
                .map(|(i, (_, points))| Curve {
                    points: points.clone(),
                    style: style(i),
                })
                .collect(),
            legend,
            ..Panel::default()
        });
        Page {
            panels: panel.into_iter().collect(),
            notes: named.into_iter().chain(dropped).collect(),
            ..Page::default()
        }
    }
}

/// When the first of the curves has gone a hundredth of its way: a logarithmic axis starts a
/// decade before, or it would be empty for the most part.
fn first_event(family: &[(String, Vec<(f64, f64)>)]) -> Option<f64> {
    let event = |(_, points): &(String, Vec<(f64, f64)>)| {
        let start = points.first()?.1;
        let ways = points.iter().map(|point| (point.1 - start).abs());
        let most = ways.fold(0.0, f64::max);
        let mut points = points.iter();
        let first = points.find(|point| (point.1 - start).abs() > 0.01 * most)?;
        Some(first.0)
    };
    family.iter().filter_map(event).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_time_starts_at_the_first_positive() {
        let figure = CurvesFigure {
            value: CurveValue::Loss,
            log_x: true,
            log_y: false,
        };
        let points = vec![(0.0, 1.0), (1.0, 0.5), (2.0, f64::NAN), (10.0, 0.5)];
        let page = figure.of(vec![("one".to_owned(), points)]);
        assert_eq!(page.panels[0].x.range, (1.0, 10.0));
        assert!(page.notes.is_empty());
    }
}
