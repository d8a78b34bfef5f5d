//! Heat maps over two axes: measured, and where there are predictions theory and the gap.

use super::aggregate::{Field, Sum, Sums};
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

/// The values of an axis in ascending order, and their places in the sweep.
struct Ascending {
    values: Vec<f64>,
    order: Vec<usize>,
}

impl Ascending {
    fn of(values: Vec<f64>) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        Self {
            values: order.iter().map(|place| values[*place]).collect(),
            order,
        }
    }
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
        let [x, y] = places.map(|place| Ascending::of(numbers(&request.columns[place].values)));
        let columns = &x.order;
        let of_row = |row: &usize| {
            let start = row * columns.len();
            columns.iter().map(move |column| start + column)
        };
        let field = field.in_order(y.order.iter().flat_map(of_row));
        let axis = |path: &str, values: Vec<f64>| Axis::of_cells(labels::axis(path), values);
        let (x, y) = (axis(&self.x, x.values), axis(&self.y, y.values));
        let mut notes: Vec<String> = field.aggregate.note().into_iter().collect();
        let (compared, measured) = field.share(|sums| sums.gap);
        if self.value.is_predicted() && compared < measured {
            notes.push(format!(
                "gap: mean over {compared} of {measured} runs, those in an order that theory \
                 predicts, with a value other than 0"
            ));
        }
        let page = page(x, y, self.maps(&field));
        Ok(Page { notes, ..page })
    }
}

impl HeatFigure {
    /// What is measured, and where there are predictions theory and the gap.
    fn maps(&self, field: &Field) -> Vec<Map> {
        let map = |title, sum: fn(&Sums) -> Sum| Map {
            title,
            values: field.cells.iter().map(|sums| sum(sums).mean()).collect(),
            unit: self.value.label(),
            ramp: match self.log {
                true => Ramp::SequentialLog,
                false => Ramp::Sequential,
            },
        };
        let in_percent = |map: Map, unit: &str| Map {
            values: map.values.iter().map(|gap| Some(100.0 * (*gap)?)).collect(),
            unit: format!("{unit}, %"),
            ramp: Ramp::Diverging,
            ..map
        };
        let shown = map(self.value.origin(), |sums| sums.measured);
        if self.value.is_gap() {
            return vec![in_percent(shown, &self.value.label())];
        }
        let mut maps = vec![shown];
        if self.value.is_predicted() {
            let gap = map("gap", |sums| sums.gap);
            maps.push(map("theory", |sums| sums.theory));
            maps.push(in_percent(gap, "(measured − theory)/theory"));
        }
        maps
    }
}

/// The page of maps over the same cells; maps of one ramp share the range of their colours.
fn page(x: Axis, y: Axis, maps: Vec<Map>) -> Page {
    let colours = |map: &Map| {
        let alike = maps.iter().filter(|other| other.ramp == map.ramp);
        let scale = ColourScale::of(
            map.ramp,
            alike.flat_map(|map| map.values.iter().copied().flatten()),
        )?;
        // A map without a coloured value of its own has no use for a bar.
        let mut own = map.values.iter().flatten();
        own.any(|value| scale.colour(*value).is_some())
            .then_some(scale)
    };
    let mut panels: Vec<Panel> = Vec::new();
    let (mut is_missing, mut is_below) = (false, false);
    for map in &maps {
        let colours = colours(map);
        for value in &map.values {
            let colour = colours
                .zip(*value)
                .and_then(|(colours, value)| colours.colour(value));
            is_missing |= colour.is_none();
            is_below |= colour.is_none() && value.is_some_and(|value| value <= 0.0);
        }
        panels.push(Panel {
            title: map.title.to_owned(),
            x: x.clone(),
            y: y.clone(),
            cells: Some(Cells {
                values: map.values.clone(),
                colours,
                unit: map.unit.clone(),
            }),
            ..Panel::default()
        });
    }
    let hatching = match is_below {
        true => "no value, or none above zero",
        false => "no value",
    };
    if maps.iter().all(|map| colours(map).is_none()) {
        panels.clear();
    }
    Page {
        arrangement: Arrangement::Grid {
            tall: (y.cells() as f64 / x.cells() as f64).clamp(0.6, 1.1),
        },
        panels,
        legend: is_missing
            .then(|| Key::new(hatching, Sample::Hatch))
            .into_iter()
            .collect(),
        ..Page::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(values: [&[Option<f64>]; 3]) -> Page {
        let ramps = [Ramp::SequentialLog, Ramp::SequentialLog, Ramp::Diverging];
        let maps = ramps.into_iter().zip(values).map(|(ramp, values)| Map {
            title: "",
            values: values.to_vec(),
            unit: String::new(),
            ramp,
        });
        let axis = || Axis::of_cells("", vec![1.0, 2.0]);
        page(axis(), axis(), maps.collect())
    }

    #[test]
    fn alike_maps_share_their_colours_and_hatching_is_explained() {
        let page = maps([
            &[Some(1.0), Some(2.0)],
            &[Some(5.0)],
            &[Some(-3.0), Some(1.0)],
        ]);
        let cells = page.panels.iter().filter_map(|panel| panel.cells.as_ref());
        let colours: Vec<_> = cells.map(|cells| cells.colours).collect();
        assert_eq!(colours[0], colours[1]);
        assert_ne!(colours[0], colours[2]);
        assert!(page.legend.is_empty());
        let hatching = |values| maps([&[None], values, &[]]).legend[0].label.clone();
        assert_eq!(
            hatching(&[Some(0.0), Some(1.0)]),
            "no value, or none above zero"
        );
        assert_eq!(hatching(&[Some(2.0), Some(1.0)]), "no value");
        assert!(maps([&[None], &[], &[]]).panels.is_empty());
    }
}
