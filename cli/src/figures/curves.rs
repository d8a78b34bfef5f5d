//! Curves of several cells in time.

use super::check::Place;
use super::series::{PAD, Series, page};
use super::{Kind, Request};
use crate::error::Result;
use crate::plot::{Axis, Page, range, shows};
use crate::sweep::{DrawnTrajectory, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Curves that can still be told apart.
const MOST: usize = 24;

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
        let drawn = request.trajectories(table)?;
        let series = drawn.cells.iter().map(|(cell, trajectory)| {
            let values = self.value.of(trajectory).iter().copied();
            Series {
                label: request.label(cell),
                line: trajectory.times.iter().copied().zip(values).collect(),
                ..Series::default()
            }
        });
        Ok(self.of(series.collect(), drawn.note.into_iter().collect()))
    }
}

impl CurvesFigure {
    /// The page of labelled curves.
    fn of(&self, mut series: Vec<Series>, notes: Vec<String>) -> Page {
        if self.log_x {
            let events = series.iter().filter_map(first_event);
            let start = events
                .min_by(f64::total_cmp)
                .map_or(0.0, |event| event / 10.0);
            for one in &mut series {
                one.line.retain(|point| point.0 >= start);
            }
        }
        let all = series.iter().flat_map(|one| &one.line);
        // The start of time, which a logarithmic axis cannot show, is missed by nobody.
        let shown = all.filter(|p| shows(self.log_x, p.0) && shows(self.log_y, p.1));
        let x = range(shown.clone().map(|p| p.0), self.log_x, 0.0);
        let y = range(shown.map(|p| p.1), self.log_y, PAD);
        let axes = x.zip(y).map(|(x, y)| {
            let time = Axis::new("time t (in units of η × descent steps)", x, self.log_x);
            (time, Axis::new(self.value.name(), y, self.log_y))
        });
        page(&series, axes, notes)
    }
}

/// When a curve has gone a hundredth of its way: a logarithmic axis starts a decade before the first of
/// these, or it would be empty for the most part.
fn first_event(series: &Series) -> Option<f64> {
    let start = series.line.first()?.1;
    let way = |point: &(f64, f64)| (point.1 - start).abs();
    let most = series.line.iter().map(way).fold(0.0, f64::max);
    let mut points = series.line.iter();
    Some(points.find(|point| way(point) > 0.01 * most)?.0)
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
        let series = Series {
            line: vec![(0.0, 1.0), (1.0, 0.5), (2.0, f64::NAN), (10.0, 0.5)],
            ..Series::default()
        };
        let page = figure.of(vec![series], Vec::new());
        assert_eq!(page.panels[0].x.range, (1.0, 10.0));
        assert!(page.notes.is_empty());
    }
}
