//! Measured against theory, a point a run.

use super::aggregate::Aggregate;
use super::check::{Place, ensure};
use super::series::{Measured, Series, names, page};
use super::{Kind, Request};
use crate::error::Result;
use crate::plot::{Arrangement, Axis, Curve, Key, LEVEL, Page, Sample, range, shows};
use crate::sweep::{Quantity, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
        let series = names(request, up).into_iter().map(|label| Series {
            label,
            ..Series::default()
        });
        let mut series: Vec<Series> = series.collect();
        let mut aggregate = Aggregate::default();
        let weights = self.value.by_weights();
        let mut by_weights = 0;
        request.each(table, &mut aggregate, |record, aggregate| {
            let measured = record.measured(self.value);
            let has_formula = record.predicted(self.value).is_some();
            let weights = weights.filter(|_| !has_formula);
            let from_weights = weights.and_then(|weights| record.from_weights(self.value, weights));
            let is_predicted =
                has_formula || weights.is_some_and(|weights| record.measured(weights).is_some());
            let pair = record.pair(self.value).or(measured.zip(from_weights));
            match pair {
                Some((measured, theory)) => {
                    by_weights += u64::from(!has_formula);
                    let (at, bar) = ((theory, measured), None);
                    let row = up.map_or(0, |up| record.cell.places[up]);
                    let tick = None;
                    series[row].points.push(Measured { at, bar, tick });
                }
                None if measured.is_some() && is_predicted => aggregate.other_order += 1,
                None => aggregate.missing += 1,
            }
        })?;
        let mut notes: Vec<String> = aggregate.note().into_iter().collect();
        if by_weights > 0 {
            notes.push(format!(
                "theory of {by_weights} runs: from their actual initial weights, where there is no formula"
            ));
        }
        Ok(self.of(&series, notes))
    }
}

impl ScatterFigure {
    /// The page of labelled series of points, theory and measurement.
    fn of(&self, series: &[Series], notes: Vec<String>) -> Page {
        /// Blank fraction of the axes beyond the data.
        const PAD: f64 = 0.06;
        let all = series.iter().flat_map(Series::middles);
        let shown = all.filter(|at| shows(self.log, at.0) && shows(self.log, at.1));
        let range = range(shown.flat_map(|at| [at.0, at.1]), self.log, PAD);
        let axis = |what: &str, range| {
            let name = format!("{what}: {}", self.value.label());
            Axis::new(name, range, self.log)
        };
        let axes = range.map(|range| (axis("theory", range), axis("measured", range)));
        let mut page = page(series, axes, notes);
        page.arrangement = Arrangement::Grid { tall: 1.0 };
        for panel in &mut page.panels {
            let (low, high) = panel.x.range;
            let identity = Key::new("measured = theory", Sample::Line(LEVEL));
            panel.legend.push(identity);
            panel.curves.push(Curve {
                points: vec![(low, low), (high, high)],
                style: LEVEL,
            });
        }
        page
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
        let points = [(1.0, 2.0), (3.0, 9.0), (f64::NAN, 100.0)];
        let series = Series {
            points: points
                .map(|at| Measured {
                    at,
                    bar: None,
                    tick: None,
                })
                .to_vec(),
            ..Series::default()
        };
        let panel = &figure.of(&[series], Vec::new()).panels[0];
        assert_eq!(panel.x.range, panel.y.range);
        let (low, high) = panel.x.range;
        assert!(low < 1.0 && high > 9.0 && high < 10.0);
        assert_eq!(panel.curves[0].points, [(low, low), (high, high)]);
    }
}
