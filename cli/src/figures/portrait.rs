//! Phase portraits: the flow of balanced weights, the measured trajectory, critical points.

use super::check::{Place, ensure};
use super::labels::saddle_label;
use super::{Kind, Request};
use crate::error::Result;
use crate::plot::{
    Arrangement, Arrow, Axis, ColourScale, Curve, Dot, INK, Key, LineStyle, Marker, Page, Panel,
    Ramp, Sample, Shape, modality_colour, range, significant,
};
use crate::report::network::fusion_name;
use crate::scenario::AxisValue;
use crate::sweep::{CriticalPoint, DrawnTrajectory, PhasePlane, Table};
use modalflow::data::Source;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::FlowRun;
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
        ensure(
            is_linear(place),
            &place.key,
            "the flow in the plane of the maps is known of linear networks only",
            "select network.activation: linear, or draw another kind of figure",
        )?;
        ensure(
            is_of_one_depth(place),
            &place.key,
            "the flow in the plane of the maps is known of private stacks of one depth only",
            "select equal private_layers, or draw another kind of figure",
        )?;
        place.ensure_at_most(MOST, "portraits")?;
        Ok(check::count(&place.of("arrows"), self.arrows, 3..=60)?)
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let drawn = request.trajectories(table)?;
        let mut portraits = Vec::new();
        for (cell, trajectory) in &drawn.cells {
            portraits.push(Portrait {
                label: request.label(cell),
                path: path(trajectory),
                plane: PhasePlane::of(&table.grid.scenario(cell)?)?,
            });
        }
        let mut page = page(&portraits, self.arrows);
        page.notes.extend(drawn.note);
        Ok(page)
    }
}

/// The phase portrait of a run; None where its maps are not those of two scalar inputs, or its flow is not known in
/// their plane.
pub fn run_portrait(problem: &Problem, run: &FlowRun) -> Option<Page> {
    let inputs = match &problem.scenario.data {
        Source::Toy(toy) => toy.sigma.len(),
        _ => 0,
    };
    let is_known = problem.scenario.is_of_moments() && problem.architecture.fusion().is_some();
    if inputs != 2 || !is_known {
        return None;
    }
    let portrait = Portrait {
        label: String::new(),
        path: path(&DrawnTrajectory::of(
            &problem.observables(),
            &run.trajectory,
        )),
        plane: PhasePlane::within(problem),
    };
    Some(page(&[portrait], default_arrows()))
}

/// The two maps along a trajectory.
fn path(trajectory: &DrawnTrajectory) -> Vec<Pair> {
    let pairs = trajectory.maps.iter();
    let pairs = pairs.filter_map(|map| Some((*map.first()?, *map.get(1)?)));
    pairs.collect()
}

/// Whether all cells that are drawn have linear units.
fn is_linear(place: &Place<'_>) -> bool {
    let linear = AxisValue::Word("linear".into());
    match place.drawn_values("network.activation") {
        None => place.scenario.network.activation.is_linear(),
        Some(units) => units
            .into_iter()
            .all(|unit| [&linear, &AxisValue::Absent].contains(&unit)),
    }
}

/// Whether all private stacks of all cells that are drawn are equally deep.
fn is_of_one_depth(place: &Place<'_>) -> bool {
    let mut depths = Vec::new();
    for (modality, depth) in place.scenario.network.private_layers.iter().flatten() {
        match place.drawn_values(&format!("network.private_layers.{modality}")) {
            None => depths.push(AxisValue::Whole(*depth as i64)),
            Some(varied) => depths.extend(varied.into_iter().cloned()),
        }
    }
    depths.windows(2).all(|pair| pair[0].is(&pair[1]))
}

/// One panel before it has axes.
struct Portrait {
    label: String,
    path: Vec<(f64, f64)>,
    plane: PhasePlane,
}

impl Portrait {
    fn title(&self) -> String {
        let fusion = fusion_name(&self.plane.architecture);
        match self.label.as_str() {
            "" => fusion,
            label => format!("{fusion}, {label}"),
        }
    }

    /// The critical points, and upon them the start of the trajectory: small weights start next to one.
    fn dots(&self) -> Vec<Dot> {
        let points = self.plane.points.iter().map(|point| {
            let label = saddle_label(&self.plane.architecture, &point.learned);
            Dot::new(point.at, critical_marker(is_minimum(point)), label)
        });
        let start = self.path.first();
        let start = start.map(|start| Dot::new(*start, start_marker(), ""));
        points.chain(start).collect()
    }

    /// Places, the middles of equal parts of the plane, and the velocities there.
    fn field(&self, (x, y): (Range, Range), arrows: u64) -> Vec<(Pair, Pair)> {
        let places = |(low, high): Range| {
            let step = (high - low) / arrows as f64;
            (0..arrows).map(move |i| low + step * (i as f64 + 0.5))
        };
        let places = places(x).flat_map(|x| places(y).map(move |y| (x, y)));
        let moving = places.filter_map(|at| Some((at, self.plane.velocity(at)?)));
        moving.collect()
    }
}

type Range = (f64, f64);
type Pair = (f64, f64);

fn speed(velocity: Pair) -> f64 {
    velocity.0.hypot(velocity.1)
}

fn is_minimum(point: &CriticalPoint) -> bool {
    point.learned.len() > 1
}

/// The page of the portraits, on the same axes, with `arrows` arrows along each side.
fn page(portraits: &[Portrait], arrows: u64) -> Page {
    const MARGIN: f64 = 0.2;
    let points = || portraits.iter().flat_map(|portrait| &portrait.plane.points);
    let paths = portraits.iter().flat_map(|portrait| &portrait.path);
    let shown = paths.copied().chain(points().map(|point| point.at));
    let shown: Vec<Pair> = shown.collect();
    let along = |axis: fn(&Pair) -> f64| range(shown.iter().map(axis), false, MARGIN);
    let ranges = along(|at| at.0).zip(along(|at| at.1));
    let (Some((x, y)), Some(first)) = (ranges, portraits.first()) else {
        return Page::default();
    };
    let fields = portraits.iter().map(|one| one.field((x, y), arrows));
    let fields: Vec<Vec<(Pair, Pair)>> = fields.collect();
    let moving = fields.iter().flatten();
    let shades = ColourScale::of(Ramp::GreyLog, moving.map(|moving| speed(moving.1)));
    let name = |m: usize| {
        let modality = &first.plane.architecture.modalities[m];
        format!("W_{{{}}}^tot (units of y/x)", modality.name)
    };
    // None where the flow rests.
    let arrow = |(at, velocity): (Pair, Pair)| {
        let colour = shades?.colour(speed(velocity))?;
        Some(Arrow {
            at,
            velocity,
            colour,
        })
    };
    let panel = |(portrait, field): (&Portrait, Vec<(Pair, Pair)>)| Panel {
        title: portrait.title(),
        x: Axis::new(name(0), x, false),
        y: Axis::new(name(1), y, false),
        arrows: field.into_iter().filter_map(arrow).collect(),
        curves: vec![Curve {
            points: portrait.path.clone(),
            style: TRAJECTORY,
        }],
        dots: portrait.dots(),
        ..Panel::default()
    };
    let note = shades.map(|shades| {
        let (least, most) = shades.range;
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
        legend: keys(points().map(is_minimum).collect()),
        notes: note.into_iter().collect(),
        ..Page::default()
    }
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
    let disc = Marker::disc(INK, 4.8);
    match is_minimum {
        true => disc,
        false => Marker {
            shape: Shape::DIAMOND,
            hollow: true,
            ..disc
        },
    }
}

/// What the signs mean that are drawn: the last two where there are such points.
fn keys(minima: Vec<bool>) -> Vec<Key> {
    let mut keys = vec![
        Key::new("trajectory", Sample::Line(TRAJECTORY)),
        Key::new("its start", Sample::Marker(start_marker())),
    ];
    for (kind, label) in [(true, "minimum"), (false, "saddle")] {
        if minima.contains(&kind) {
            keys.push(Key::new(label, Sample::Marker(critical_marker(kind))));
        }
    }
    keys
}
