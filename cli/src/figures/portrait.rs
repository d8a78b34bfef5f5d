//! Phase portraits: the flow of balanced weights, the measured trajectory, critical points.

use super::check::{Place, ensure};
use super::labels::saddle_label;
use super::{Drawn, Kind, Request};
use crate::error::Result;
use crate::plot::{
    Arrangement, Arrow, Axis, Curve, Dot, INK, Key, LineStyle, Marker, Page, Panel, Sample, Shape,
    modality_colour, range, significant,
};
use crate::report::network::fusion_name;
use crate::scenario::AxisValue;
use crate::sweep::{CriticalPoint, DrawnTrajectory, PhasePlane, Table};
use modalflow::data::Source;
use modalflow::section::{check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Portraits that stand side by side.
const MOST: usize = 4;

/// The measured trajectory.
const TRAJECTORY: LineStyle = LineStyle::solid(modality_colour(1), 2.2);

/// Phase portraits of the total maps of two scalar inputs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"arrows": 21}]))]
pub struct PortraitFigure {
    /// Number of arrows of the vector field along each side.
    #[serde(default = "default_arrows")]
    #[schemars(transform = within(3..=60))]
    pub arrows: u64,
}

fn default_arrows() -> u64 {
    17
}

impl Kind for PortraitFigure {
    fn needs_trajectories(&self) -> bool {
        true
    }

    /// Portraits show the flow of linear networks, whose private stacks are of one depth.
    fn check(&self, place: &Place<'_>) -> Result<()> {
        let inputs = match &place.scenario.data {
            Source::Toy(toy) => Some(toy.sigma.len()),
            _ => None,
        };
        ensure(
            inputs == Some(2),
            &place.key,
            "a phase portrait is of the total maps of two scalar inputs",
            "use data.toy with two modalities, or another kind of figure",
        )?;
        ensure_linear(place)?;
        ensure_one_depth(place)?;
        place.ensure_at_most(MOST, "portraits")?;
        Ok(check::count(&place.of("arrows"), self.arrows, 3..=60)?)
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let Drawn { cells, note } = request.trajectories(table)?;
        let mut portraits = Vec::new();
        for (cell, trajectory) in &cells {
            portraits.push(Portrait {
                label: request.label(cell),
                path: path(trajectory),
                plane: PhasePlane::of(&table.grid.scenario(cell)?)?,
            });
        }
        let page = page(&portraits, self.arrows);
        let notes = page.notes.into_iter().chain(note).collect();
        Ok(Page { notes, ..page })
    }
}

fn ensure_linear(place: &Place<'_>) -> Result<()> {
    let linear = AxisValue::Word("linear".into());
    let is_linear = |value: &AxisValue| *value == linear || *value == AxisValue::Absent;
    let are_linear = match place.drawn_values("network.activation") {
        None => place.scenario.network.activation.is_linear(),
        Some(units) => units.into_iter().all(is_linear),
    };
    ensure(
        are_linear,
        &place.key,
        "the flow in the plane of the maps is known of linear networks only",
        "select network.activation: linear, or draw another kind of figure",
    )
}

fn ensure_one_depth(place: &Place<'_>) -> Result<()> {
    let depths = place.scenario.network.private_layers.iter();
    let depths = depths.flat_map(|depths| depths.iter());
    let mut depths = depths.flat_map(|(modality, &depth)| {
        let varied = place.drawn_values(&format!("network.private_layers.{modality}"));
        varied.map_or(vec![AxisValue::Whole(depth as i64)], |values| {
            values.into_iter().cloned().collect()
        })
    });
    let first = depths.next();
    ensure(
        depths.all(|depth| first.as_ref().is_none_or(|first| first.is(&depth))),
        &place.key,
        "the flow in the plane of the maps is known of private stacks of one depth only",
        "select equal private_layers, or draw another kind of figure",
    )
}

/// One panel before it has axes.
struct Portrait {
    label: String,
    path: Vec<(f64, f64)>,
    plane: PhasePlane,
}

fn path(trajectory: &DrawnTrajectory) -> Vec<(f64, f64)> {
    let pair = |map: &Vec<f64>| Some((*map.first()?, *map.get(1)?));
    trajectory.maps.iter().filter_map(pair).collect()
}

/// The page of the portraits, on the same axes, with `arrows` arrows along each side.
fn page(portraits: &[Portrait], arrows: u64) -> Page {
    let points = || portraits.iter().flat_map(|portrait| &portrait.plane.points);
    let paths = || portraits.iter().flat_map(|portrait| &portrait.path);
    let shown = || paths().copied().chain(points().map(|point| point.at));
    let ranges = margined(shown().map(|p| p.0)).zip(margined(shown().map(|p| p.1)));
    let (Some((x, y)), Some(first)) = (ranges, portraits.first()) else {
        return Page::default();
    };
    let fields = portraits.iter().map(|one| field(one, (x, y), arrows));
    let fields: Vec<Vec<Moving>> = fields.collect();
    let speeds = speeds(&fields);
    let name = |m: usize| {
        let modality = &first.plane.architecture.modalities[m];
        format!("W_{{{}}}^tot (units of y/x)", modality.name)
    };
    let panel = |(portrait, field): (&Portrait, Vec<Moving>)| Panel {
        title: title(portrait),
        x: Axis::new(name(0), x, false),
        y: Axis::new(name(1), y, false),
        arrows: field
            .iter()
            .filter_map(|moving| arrow(moving, speeds?))
            .collect(),
        curves: vec![Curve {
            points: portrait.path.clone(),
            style: TRAJECTORY,
        }],
        dots: dots(portrait),
        ..Panel::default()
    };
    let note = speeds.map(|(least, most)| {
        let [least, most] = [least, most].map(|speed| significant(speed, 2));
        format!(
            "arrows: direction of the balanced flow, shaded by the log of its speed \
             from {least} (pale) to {most} (dark)"
        )
    });
    Page {
        // Equal units on both axes, as far as that makes a panel.
        arrangement: Arrangement::Grid {
            tall: ((y.1 - y.0) / (x.1 - x.0)).clamp(0.6, 1.3),
        },
        panels: portraits.iter().zip(fields).map(panel).collect(),
        legend: keys(points().map(is_minimum)),
        notes: note.into_iter().collect(),
        ..Page::default()
    }
}

fn title(portrait: &Portrait) -> String {
    let fusion = fusion_name(&portrait.plane.architecture);
    match portrait.label.as_str() {
        "" => fusion,
        label => format!("{fusion}, {label}"),
    }
}

fn is_minimum(point: &CriticalPoint) -> bool {
    point.learned.len() > 1
}

/// The critical points, and upon them the start of the trajectory: small weights start next to one.
fn dots(portrait: &Portrait) -> Vec<Dot> {
    let points = portrait.plane.points.iter();
    let points = points.map(|point| {
        let label = saddle_label(&portrait.plane.architecture, &point.learned);
        Dot::new(point.at, critical_marker(is_minimum(point)), label)
    });
    let start = portrait.path.first();
    let start = start.map(|start| Dot::new(*start, start_marker(), ""));
    points.chain(start).collect()
}

/// The range of some values with a margin.
fn margined(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    const MARGIN: f64 = 0.2;
    range(values, false, MARGIN)
}

/// A place in the plane and the velocity there.
struct Moving {
    at: (f64, f64),
    velocity: (f64, f64),
}

impl Moving {
    /// How fast, where it moves.
    fn speed(&self) -> Option<f64> {
        let speed = self.velocity.0.hypot(self.velocity.1);
        (speed.is_finite() && speed > 0.0).then_some(speed)
    }
}

/// The velocities at the middles of equal parts of the plane.
fn field(portrait: &Portrait, (x, y): ((f64, f64), (f64, f64)), arrows: u64) -> Vec<Moving> {
    let places = |(low, high): (f64, f64)| {
        let step = (high - low) / arrows as f64;
        (0..arrows).map(move |i| low + step * (i as f64 + 0.5))
    };
    let places = places(x).flat_map(|x| places(y).map(move |y| (x, y)));
    places
        .filter_map(|at| {
            let velocity = portrait.plane.velocity(at)?;
            Some(Moving { at, velocity })
        })
        .collect()
}

/// The least and greatest speed.
fn speeds(fields: &[Vec<Moving>]) -> Option<(f64, f64)> {
    let speeds = fields.iter().flatten().filter_map(Moving::speed);
    let both = speeds.map(|speed| (speed, speed));
    both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The arrow of a velocity, shaded by the logarithm of its speed; none where the flow rests.
fn arrow(moving: &Moving, (least, most): (f64, f64)) -> Option<Arrow> {
    let decades = most.log10() - least.log10();
    let above = moving.speed()?.log10() - least.log10();
    Some(Arrow {
        at: moving.at,
        velocity: moving.velocity,
        shade: if decades > 1e-9 { above / decades } else { 0.5 },
    })
}

/// Where a path starts.
fn start_marker() -> Marker {
    Marker {
        hollow: true,
        ..Marker::disc(TRAJECTORY.colour, 3.6)
    }
}

/// A minimum is filled, a saddle hollow.
fn critical_marker(is_minimum: bool) -> Marker {
    Marker {
        shape: if is_minimum {
            Shape::Disc
        } else {
            Shape::Diamond
        },
        hollow: !is_minimum,
        ..Marker::disc(INK, 4.8)
    }
}

/// What the signs mean that are drawn.
fn keys(minima: impl Iterator<Item = bool> + Clone) -> Vec<Key> {
    let has = |wanted: bool| minima.clone().any(|is_minimum| is_minimum == wanted);
    let marker = |marker| Sample::Marker(marker);
    let keys = [
        (true, "trajectory", Sample::Line(TRAJECTORY)),
        (true, "its start", marker(start_marker())),
        (has(true), "minimum", marker(critical_marker(true))),
        (has(false), "saddle", marker(critical_marker(false))),
    ];
    let keys = keys.into_iter().filter(|key| key.0);
    keys.map(|(_, label, sample)| Key::new(label, sample))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_logarithmic() {
        let shade = |speed: f64, speeds| {
            let moving = Moving {
                at: (0.0, 0.0),
                velocity: (speed, 0.0),
            };
            arrow(&moving, speeds).map(|arrow| arrow.shade)
        };
        let half = shade(1e-2, (1e-4, 1.0));
        assert!(half.is_some_and(|shade| (shade - 0.5).abs() < 1e-12));
        assert_eq!(shade(0.0, (1e-4, 1.0)), None);
        assert_eq!(shade(1.0, (1.0, 1.0)), Some(0.5));
    }
}
