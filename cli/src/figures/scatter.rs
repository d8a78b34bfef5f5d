//! Measured against theory, a point a run.

use super::aggregate::Aggregate;
use super::check::{Place, ensure};
use super::series::{labels, left_out, thinned};
use super::{Kind, Request};
use crate::error::Result;
use crate::plot::{
    Arrangement, Axis, Curve, Dot, Key, LEVEL, Marker, Page, Panel, Sample, range, series_colour,
    shows,
};
use crate::sweep::{Quantity, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Blank fraction of the axes beyond the data.
const PAD: f64 = 0.06;

/// Measured against theory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"value": "ratio", "series": "network.width"}]))]
pub struct ScatterFigure {
    /// Quantity that is shown; theory must predict it.
    pub value: Quantity,
    /// Path of the axis of which each value is a series of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Whether both axes are logarithmic.
    #[serde(default)]
    pub log: bool,
}

impl Kind for ScatterFigure {
    fn check(&self, place: &Place<'_>) -> Result<()> {
        place.ensure_series("series", self.series.as_deref(), "")?;
        let predicted = Quantity::all().filter(|quantity| quantity.is_predicted());
        let predicted: Vec<&str> = predicted.map(Quantity::key).collect();
        ensure(
            self.value.is_predicted(),
            place.of("value"),
            "theory has no word on this quantity",
            format!("choose one of {}", predicted.join(", ")),
        )
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let up = self.series.as_ref().and_then(|path| request.place(path));
        let labels = labels(request, up);
        let mut points = vec![Vec::new(); labels.len()];
        let mut aggregate = Aggregate::default();
        table.each(&mut |record| {
            if !request.selects(&record.cell) || !aggregate.is_shown(record) {
                return;
            }
            let row = up.map_or(0, |up| record.cell.places[up]);
            let both = record
                .measured(self.value)
                .zip(record.predicted(self.value));
            match record.pair(self.value) {
                Some((measured, theory)) => points[row].push((theory, measured)),
                None if both.is_some() => aggregate.miss_order(),
                None => aggregate.miss(),
            }
        })?;
        let page = self.of(labels.into_iter().zip(points).collect());
        let notes = aggregate.note().into_iter().chain(page.notes).collect();
        Ok(Page { notes, ..page })
    }
}

impl ScatterFigure {
    /// The page of labelled series of points, theory and measurement.
    fn of(&self, series: Vec<(String, Vec<(f64, f64)>)>) -> Page {
        let count = series.len();
        let marker = |i: usize| Marker::of_series(i, series_colour(i, count));
        let all = || series.iter().flat_map(|(_, points)| points.iter());
        let shown = |p: &&(f64, f64)| shows(self.log, p.0) && shows(self.log, p.1);
        let both = all().filter(shown).flat_map(|p| [p.0, p.1]);
        let range = range(both, self.log, PAD);
        let keys = series.iter().enumerate();
        let keys = keys.map(|(i, (label, _))| Key::new(label, Sample::Marker(marker(i))));
        let (mut legend, named) = thinned(keys.collect());
        legend.push(Key::new("measured = theory", Sample::Line(LEVEL)));
        let axis = |what: &str, range| {
            let name = format!("{what}: {}", self.value.label());
            Axis::new(name, range, self.log)
        };
        let dots = series.iter().enumerate().flat_map(|(i, (_, points))| {
            let dot = move |at: &(f64, f64)| Dot::new(*at, marker(i), "");
            points.iter().map(dot)
        });
        let panel = range.map(|range| Panel {
            x: axis("theory", range),
            y: axis("measured", range),
            curves: vec![Curve {
                points: vec![(range.0, range.0), (range.1, range.1)],
                style: LEVEL,
            }],
            dots: dots.collect(),
            legend,
            ..Panel::default()
        });
        let dropped = [
            left_out(self.log, all().map(|p| p.0)),
            left_out(self.log, all().map(|p| p.1)),
        ];
        let dropped = dropped.into_iter().flatten();
        Page {
            arrangement: Arrangement::Square,
            panels: panel.into_iter().collect(),
            notes: named.into_iter().chain(dropped).collect(),
            ..Page::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_axes_share_their_range_and_the_line_crosses_it() {
        let figure = ScatterFigure {
            value: Quantity::named("ratio").expect("a quantity"),
            series: None,
            log: false,
        };
        let points = vec![(1.0, 2.0), (3.0, 9.0), (f64::NAN, 100.0)];
        let page = figure.of(vec![(String::new(), points)]);
        let panel = &page.panels[0];
        assert_eq!(panel.x.range, panel.y.range);
        let (low, high) = panel.x.range;
        assert!(low < 1.0 && high > 9.0 && high < 10.0);
        assert_eq!(panel.curves[0].points, [(low, low), (high, high)]);
    }
}
