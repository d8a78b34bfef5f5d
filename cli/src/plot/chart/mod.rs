//! Charts of many runs: plain data in, the bytes of a PNG or SVG out.
//!
//! `lines`, `scatter` and `curves` turn their data into a `graph`, which is one panel with two
//! axes; `heat` and `portrait` set panels side by side on a `grid`. Numbers that are not finite
//! are left out everywhere, and a chart without any says so.

mod curves;
mod graph;
mod grid;
mod heat;
mod lines;
mod portrait;
mod range;
mod scatter;
mod shade;
mod spot;

use super::scene::Scene;
use super::text::Fonts;
use super::{Format, paint};
use crate::error::Error;

/// A picture of many runs.
#[derive(Debug, Clone)]
pub enum Chart {
    /// Measured points with their spread, against theory lines.
    Lines(LineChart),
    /// Heat maps side by side.
    Heat(HeatMaps),
    /// Theory against measurement.
    Scatter(ScatterChart),
    /// A family of curves.
    Curves(CurvesChart),
    /// Phase portraits side by side.
    Portrait(Portraits),
}

/// What an axis shows.
#[derive(Debug, Clone, Default)]
pub struct AxisLabel {
    /// The quantity and its unit.
    pub text: String,
    /// Whether equal lengths are equal ratios; values not above zero are then left out.
    pub log: bool,
    /// Where all points stand, if that is at few values: ticks stand there too, as far as their
    /// labels have room.
    pub values: Vec<f64>,
}

impl AxisLabel {
    /// An axis with ticks at round values.
    pub fn new(text: &str, log: bool) -> Self {
        Self {
            text: text.to_owned(),
            log,
            values: Vec::new(),
        }
    }
}

/// Measured points with their spread over repeats, against theory lines.
#[derive(Debug, Clone, Default)]
pub struct LineChart {
    /// Stands above the panel; wrapped where it is long.
    pub title: String,
    /// The axis across.
    pub x: AxisLabel,
    /// The axis up.
    pub y: AxisLabel,
    /// In the order of the legend.
    pub series: Vec<Series>,
    /// Said below the panel, or panels.
    pub notes: Vec<String>,
}

/// Points and a line of one colour.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Its entry in the legend.
    pub label: String,
    /// What was measured.
    pub points: Vec<Spread>,
    /// What theory says, as a path; empty without theory. What is not finite breaks it.
    pub theory: Vec<(f64, f64)>,
    /// Whether the path joins theory's values for the runs themselves, means where they are
    /// several, rather than being dense.
    pub joined: bool,
}

/// A measured point: a marker, and a bar where the repeats differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Where it was measured.
    pub x: f64,
    /// The mean of the repeats.
    pub middle: f64,
    /// The least of them.
    pub low: f64,
    /// The greatest of them.
    pub high: f64,
}

/// Heat maps side by side over the same cells, each with its colour bar.
#[derive(Debug, Clone, Default)]
pub struct HeatMaps {
    /// Stands above the panels; wrapped where it is long.
    pub title: String,
    /// The columns.
    pub x: HeatAxis,
    /// The rows, upwards.
    pub y: HeatAxis,
    /// At most three stand in a row.
    pub panels: Vec<HeatPanel>,
    /// Said below the panel, or panels.
    pub notes: Vec<String>,
}

/// The columns or rows of a heat map.
#[derive(Debug, Clone, Default)]
pub struct HeatAxis {
    /// The quantity and its unit.
    pub label: String,
    /// One for each column or row, in order; labels are thinned out where there are many.
    pub values: Vec<f64>,
}

/// One heat map.
#[derive(Debug, Clone)]
pub struct HeatPanel {
    /// Stands above it.
    pub title: String,
    /// Row by row from the lowest; what is missing is hatched.
    pub values: Vec<Option<f64>>,
    /// How values become colours.
    pub scale: HeatScale,
    /// Panels of the same group and scale share the range of their colours.
    pub range_group: usize,
    /// Written below the colour bar: the quantity and its unit.
    pub unit: String,
}

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeatScale {
    /// From dark to light.
    Sequential,
    /// From dark to light by ratios; values not above zero count as missing.
    SequentialLog,
    /// From blue below zero to red above it.
    Diverging,
}

/// Theory against measurement, with the line on which the two agree.
#[derive(Debug, Clone, Default)]
pub struct ScatterChart {
    /// Stands above the panel; wrapped where it is long.
    pub title: String,
    /// The axis across.
    pub x: AxisLabel,
    /// The axis up.
    pub y: AxisLabel,
    /// In the order of the legend.
    pub series: Vec<ScatterSeries>,
    /// Said below the panel, or panels.
    pub notes: Vec<String>,
}

/// Points of one marker.
#[derive(Debug, Clone, Default)]
pub struct ScatterSeries {
    /// Its entry in the legend.
    pub label: String,
    /// The points.
    pub points: Vec<(f64, f64)>,
}

/// A family of curves, such as losses against time.
#[derive(Debug, Clone, Default)]
pub struct CurvesChart {
    /// Stands above the panel; wrapped where it is long.
    pub title: String,
    /// The axis across.
    pub x: AxisLabel,
    /// The axis up.
    pub y: AxisLabel,
    /// In the order of the legend.
    pub curves: Vec<FamilyCurve>,
    /// Horizontal lines with labels at the right edge.
    pub levels: Vec<(String, f64)>,
    /// Dots on the curves, such as minima.
    pub marks: Vec<CurveMark>,
    /// Said below the panel, or panels.
    pub notes: Vec<String>,
}

/// One of a family of curves.
#[derive(Debug, Clone, Default)]
pub struct FamilyCurve {
    /// Its entry in the legend.
    pub label: String,
    /// The path; what is not finite breaks it.
    pub points: Vec<(f64, f64)>,
}

/// A dot on a curve.
#[derive(Debug, Clone, Default)]
pub struct CurveMark {
    /// The index of the curve whose colour it takes.
    pub curve: usize,
    /// Where it lies across.
    pub x: f64,
    /// Where it lies up.
    pub y: f64,
    /// Written beside it; one label that all marks share stands in the legend instead.
    pub label: String,
}

/// Phase portraits side by side, on the same axes.
#[derive(Debug, Clone, Default)]
pub struct Portraits {
    /// Stands above the panels; wrapped where it is long.
    pub title: String,
    /// The name of the axis across.
    pub x: String,
    /// The name of the axis up.
    pub y: String,
    /// Least and greatest value across.
    pub x_range: (f64, f64),
    /// Least and greatest value up.
    pub y_range: (f64, f64),
    /// At most three stand in a row.
    pub panels: Vec<Portrait>,
    /// Said below the panel, or panels.
    pub notes: Vec<String>,
}

/// One phase portrait.
#[derive(Debug, Clone, Default)]
pub struct Portrait {
    /// Stands above it.
    pub title: String,
    /// Place and velocity, `(x, y, dx, dy)`: arrows of equal length, darker where it is faster.
    pub field: Vec<(f64, f64, f64, f64)>,
    /// Paths of the flow; each starts at an open dot.
    pub trajectories: Vec<Vec<(f64, f64)>>,
    /// Where the flow rests.
    pub points: Vec<CriticalPoint>,
}

/// A critical point of the loss.
#[derive(Debug, Clone, Default)]
pub struct CriticalPoint {
    /// Its name, `M_A`.
    pub label: String,
    /// Where it lies across.
    pub x: f64,
    /// Where it lies up.
    pub y: f64,
    /// Whether it is a minimum, drawn filled, or a saddle, drawn hollow.
    pub minimum: bool,
}

/// Draws a chart; `name` is what messages call it. The same chart gives the same bytes.
pub fn render_chart(name: &str, chart: &Chart, format: Format) -> Result<Vec<u8>, Error> {
    let draw = || {
        let fonts = Fonts::load()?;
        paint::bytes(&compose(chart, &fonts), &fonts, format)
    };
    draw().map_err(|problem| Error::Draw {
        figure: name.to_owned(),
        problem,
    })
}

/// Lays out a chart.
fn compose(chart: &Chart, fonts: &Fonts) -> Scene {
    match chart {
        Chart::Lines(chart) => graph::compose(&lines::graph(chart), fonts),
        Chart::Heat(maps) => heat::compose(maps, fonts),
        Chart::Scatter(chart) => graph::compose(&scatter::graph(chart), fonts),
        Chart::Curves(chart) => graph::compose(&curves::graph(chart), fonts),
        Chart::Portrait(portraits) => portrait::compose(portraits, fonts),
    }
}

#[cfg(test)]
mod tests;
