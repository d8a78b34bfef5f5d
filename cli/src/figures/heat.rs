//! Heat maps over two axes: measured, and where there are predictions theory and the gap.

use super::aggregate::{Field, Sum};
use super::check::Place;
use super::series::numbers;
use super::{Kind, Request, labels};
use crate::error::Result;
use crate::plot::{Arrangement, Axis, Cells, ColourScale, Key, Page, Panel, Ramp, Sample};
use crate::sweep::{Quantity, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Heat maps over two axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"x": "data.toy.rho", "y": "network.width", "value": "ratio"}]))]
pub struct HeatFigure {
    /// Path of the horizontal axis; its values are numbers.
    pub x: String,
    /// Path of the vertical axis; its values are numbers.
    pub y: String,
    /// Quantity that is shown.
    pub value: Quantity,
    /// Whether the colours show the logarithm.
    #[serde(default)]
    pub log: bool,
}

/// One map: its title, its values, and the unit of its colours.
struct Map {
    title: &'static str,
    values: Vec<Option<f64>>,
    unit: String,
    ramp: Ramp,
}

impl Kind for HeatFigure {
    fn check(&self, place: &Place<'_>) -> Result<()> {
        place.ensure_numbers("x", &self.x, false)?;
        place.ensure_numbers("y", &self.y, false)?;
        place.ensure_series("y", Some(&self.y), &self.x)?;
        place.ensure_has("value", self.value)
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let places = [&self.x, &self.y].map(|path| request.place(path).unwrap_or_default());
        let field = Field::of(request, table, self.value, (places[0], Some(places[1])))?;
        let axis = |path: &str, place: usize| {
            Axis::of_cells(labels::axis(path), numbers(&request.columns[place].values))
        };
        let (x, y) = (axis(&self.x, places[0]), axis(&self.y, places[1]));
        let mut notes: Vec<String> = field.aggregate.note().into_iter().collect();
        if self.value.is_predicted() {
            let (compared, measured) = field.share(&field.gaps);
            notes.extend((compared < measured).then(|| {
                format!(
                    "gap: mean over {compared} of {measured} runs, those in an order that theory \
                     predicts, with a value other than 0"
                )
            }));
        }
        let page = page(x, y, self.maps(&field));
        Ok(Page { notes, ..page })
    }
}

impl HeatFigure {
    /// What is measured, and where there are predictions theory and the gap.
    fn maps(&self, field: &Field) -> Vec<Map> {
        let means = |sums: &[Sum]| -> Vec<Option<f64>> { sums.iter().map(Sum::mean).collect() };
        let map = |title, sums: &[Sum]| Map {
            title,
            values: means(sums),
            unit: self.value.label(),
            ramp: match self.log {
                true => Ramp::SequentialLog,
                false => Ramp::Sequential,
            },
        };
        let mut maps = vec![map("measured", &field.measured)];
        if self.value.is_predicted() {
            let percent = |gap: Option<f64>| gap.map(|gap| 100.0 * gap);
            maps.push(map("theory", &field.theory));
            maps.push(Map {
                title: "gap",
                values: means(&field.gaps).into_iter().map(percent).collect(),
                unit: "(measured − theory)/theory, %".to_owned(),
                ramp: Ramp::Diverging,
            });
        }
        maps
    }
}

/// The page of maps over the same cells; maps of one ramp share the range of their colours.
fn page(x: Axis, y: Axis, maps: Vec<Map>) -> Page {
    let columns = x.range.1 as usize;
    let colours = |map: &Map| {
        let alike = maps.iter().filter(|other| other.ramp == map.ramp);
        let values = alike.flat_map(|other| other.values.iter().copied().flatten());
        let scale = ColourScale::of(map.ramp, values)?;
        // A map without a coloured value of its own has no use for a bar.
        let mut own = map.values.iter().flatten();
        own.any(|value| scale.colour(*value).is_some())
            .then_some(scale)
    };
    let cells = |map: &Map| Cells {
        columns,
        values: map.values.clone(),
        colours: colours(map),
        unit: map.unit.clone(),
    };
    let panel = |map: &Map| Panel {
        title: map.title.to_owned(),
        x: x.clone(),
        y: y.clone(),
        cells: Some(cells(map)),
        ..Panel::default()
    };
    let mut panels: Vec<Panel> = maps.iter().map(panel).collect();
    let legend = missing_key(panels.iter().filter_map(|panel| panel.cells.as_ref()));
    let is_coloured = |panel: &Panel| panel.cells.as_ref().is_some_and(|c| c.colours.is_some());
    if !panels.iter().any(is_coloured) {
        panels.clear();
    }
    Page {
        arrangement: Arrangement::Grid {
            tall: (y.range.1 / x.range.1).clamp(0.6, 1.1),
        },
        panels,
        legend: legend.into_iter().collect(),
        ..Page::default()
    }
}

/// Says what hatching means, where some is.
fn missing_key<'c>(cells: impl Iterator<Item = &'c Cells>) -> Option<Key> {
    let mut hatched = None;
    for cells in cells {
        let colour = |value: f64| cells.colours.and_then(|colours| colours.colour(value));
        for value in &cells.values {
            match value {
                Some(value) if colour(*value).is_none() && *value <= 0.0 => {
                    hatched = Some("no value, or none above zero");
                }
                value if value.and_then(colour).is_none() => {
                    hatched = hatched.or(Some("no value"));
                }
                _ => {}
            }
        }
    }
    hatched.map(|label| Key::new(label, Sample::Hatch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(values: [Vec<Option<f64>>; 3]) -> Page {
        let ramps = [Ramp::SequentialLog, Ramp::SequentialLog, Ramp::Diverging];
        let maps = ramps.into_iter().zip(values);
        let maps = maps.map(|(ramp, values)| Map {
            title: "",
            values,
            unit: String::new(),
            ramp,
        });
        let axis = || Axis::of_cells("", vec![1.0, 2.0]);
        page(axis(), axis(), maps.collect())
    }

    #[test]
    fn alike_maps_share_their_colours_and_hatching_is_explained() {
        let numbers = |values: [f64; 2]| values.map(Some).to_vec();
        let page = maps([
            numbers([1.0, 2.0]),
            numbers([5.0, 1.0]),
            numbers([-3.0, 1.0]),
        ]);
        let colours = |i: usize| {
            page.panels[i]
                .cells
                .as_ref()
                .and_then(|cells| cells.colours)
        };
        assert_eq!(colours(0), colours(1));
        assert_ne!(colours(0), colours(2));
        assert!(page.legend.is_empty());
        let page = maps([vec![None], numbers([0.0, 1.0]), vec![]]);
        assert_eq!(page.legend[0].label, "no value, or none above zero");
        let page = maps([vec![None], numbers([2.0, 1.0]), vec![]]);
        assert_eq!(page.legend[0].label, "no value");
        assert!(maps([vec![None], vec![], vec![]]).panels.is_empty());
    }
}
