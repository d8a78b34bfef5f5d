//! What a page shows, as plain data: panels of curves, dots, levels, bands, cells and arrows.
//!
//! A kind of figure makes a [`Page`] of its results and knows nothing of places; the layout finds
//! places and knows nothing of results. Numbers that are not finite break curves and leave out
//! everything else.

use super::axes::Scale;
use super::colour::ColourScale;
use super::marker::Marker;
use super::style::{Colour, LineStyle};

/// A picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Stands above the panels; wrapped where it is long.
    pub title: String,
    /// How the panels stand.
    pub arrangement: Arrangement,
    /// The panels; without any the page says that there is nothing to show.
    pub panels: Vec<Panel>,
    /// Below the panels: what signs mean in all of them.
    pub legend: Vec<Key>,
    /// Said below everything.
    pub notes: Vec<String>,
    /// Whether it is for a small window: about half as wide and high, with texts of the same size, unless panels stand side by
    /// side.
    pub is_narrow: bool,
}

/// How the panels of a page stand.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Arrangement {
    /// Below each other, on the first one's axis across.
    #[default]
    Stacked,
    /// Side by side, at most three in a row, on the first one's axis up; a single one on a narrower page.
    Grid {
        /// Height over width of a panel.
        tall: f64,
    },
}

/// Two axes and what lies between them, from back to front in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Stands above it on a grid.
    pub title: String,
    /// Its height where panels are stacked.
    pub height: f64,
    /// The axis across.
    pub x: Axis,
    /// The axis up.
    pub y: Axis,
    /// Shaded stretches of the axis across.
    pub bands: Vec<Band>,
    /// Whether a strip on top names the bands.
    pub names_bands: bool,
    /// Coloured cells, which fill the panel.
    pub cells: Option<Cells>,
    /// A field of arrows.
    pub arrows: Vec<Arrow>,
    /// Horizontal lines with labels at the right edge.
    pub levels: Vec<Level>,
    /// Curves.
    pub curves: Vec<Curve>,
    /// Markers.
    pub dots: Vec<Dot>,
    /// A stretch of the axis across, as an arrow with its text.
    pub span: Option<Span>,
    /// Inside where it covers nothing, else above the panel.
    pub legend: Vec<Key>,
}

impl Panel {
    /// Adds a curve, and its entry in the legend where it has a label.
    pub fn draw(&mut self, label: &str, style: LineStyle, points: Vec<(f64, f64)>) {
        self.curves.push(Curve { points, style });
        self.legend.push(Key::new(label, Sample::Line(style)));
    }
}

/// What an axis shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// The quantity and its unit.
    pub name: String,
    /// The least and greatest value shown, which differ; above zero where `log` is set.
    pub range: (f64, f64),
    /// Whether equal lengths are equal ratios.
    pub log: bool,
    /// Where the ticks stand.
    pub ticks: TickPlaces,
}

/// Where the ticks of an axis stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum TickPlaces {
    /// At round values.
    #[default]
    Round,
    /// At these values where they are few and short to write, else at round ones.
    At(Vec<f64>),
    /// At the values of cells, thinned out where they are many.
    Cells(Vec<f64>),
}

impl Axis {
    /// An axis with ticks at round values.
    pub fn new(name: impl Into<String>, range: (f64, f64), log: bool) -> Self {
        Self {
            name: name.into(),
            range,
            log,
            ticks: TickPlaces::Round,
        }
    }

    /// An axis of cells, one a value in ascending order; logarithmic where that makes them more alike in size, which its name then
    /// says.
    pub fn of_cells(name: impl Into<String>, values: Vec<f64>) -> Self {
        let log = cells_are_logarithmic(&values);
        let edges = cell_edges(&values, log);
        let ends = edges.first().zip(edges.last());
        let mut name = name.into();
        if log {
            name += ", logarithmic";
        }
        Self {
            name,
            range: ends.map_or((0.0, 1.0), |(first, last)| (*first, *last)),
            log,
            ticks: TickPlaces::Cells(values),
        }
    }

    /// How far along the axis a value lies, from 0 to 1 within its range.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        Scale::new(self.range, (0.0, 1.0), self.log).place(value)
    }

    /// How many cells it has.
    pub fn cells(&self) -> usize {
        match &self.ticks {
            TickPlaces::Cells(values) => values.len(),
            TickPlaces::Round | TickPlaces::At(_) => 0,
        }
    }

    /// Where its cells end, one more than there are cells; empty for an axis of another kind.
    pub(super) fn edges(&self) -> Vec<f64> {
        match &self.ticks {
            TickPlaces::Cells(values) => cell_edges(values, self.log),
            TickPlaces::Round | TickPlaces::At(_) => Vec::new(),
        }
    }
}

/// Whether the steps between values are more alike as ratios than as differences.
fn cells_are_logarithmic(values: &[f64]) -> bool {
    /// Steps written in decimals are equal to within this.
    const EQUAL: f64 = 1e-6;
    let spread = |step: fn(&[f64]) -> f64| {
        let steps = values.windows(2).map(step);
        let ends = steps.fold((f64::INFINITY, 0.0_f64), |(least, most), step| {
            (least.min(step), most.max(step))
        });
        ends.1 / ends.0
    };
    values.iter().all(|value| *value > 0.0)
        && spread(|pair| (pair[1] / pair[0]).ln())
            < spread(|pair| pair[1] - pair[0]) * (1.0 - EQUAL)
}

/// The ends of cells half way between ascending values, by ratio where `log` is set; the outermost reach as
/// far beyond their values as on the inner side.
fn cell_edges(values: &[f64], log: bool) -> Vec<f64> {
    let place = |value: &f64| if log { value.ln() } else { *value };
    let value = |place: f64| if log { place.exp() } else { place };
    let places: Vec<f64> = values.iter().map(place).collect();
    let half = |a: usize, b: usize| match places.get(b).zip(places.get(a)) {
        Some((b, a)) => 0.5 * (b - a),
        // A lone cell gets an axis around its value.
        None => places
            .first()
            .map_or(0.5, |place| (0.5 * place.abs()).max(0.5)),
    };
    let last = places.len().saturating_sub(1);
    let inner = places.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
    let first = places.first().map(|place| place - half(0, 1));
    let end = places
        .last()
        .map(|place| place + half(last.wrapping_sub(1), last));
    let edges = first.into_iter().chain(inner).chain(end);
    edges.map(value).collect()
}

/// A shaded stretch of the axis across.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Written on top where it fits: `M_A: only A learned`.
    pub label: String,
    /// Written where the label does not fit: `M_A`.
    pub short: String,
    /// Where it starts.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Its shade.
    pub colour: Colour,
}

/// Coloured cells with a colour bar below the panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// Row by row from the lowest, one for each cell of both axes; what is missing, or has no colour, is hatched.
    pub values: Vec<Option<f64>>,
    /// How values become colours; none where no value has one.
    pub colours: Option<ColourScale>,
    /// Written below the colour bar: the quantity and its unit.
    pub unit: String,
}

/// An arrow of a field; all are equally long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrow {
    /// Its middle.
    pub at: (f64, f64),
    /// Where it points to, in units of the axes.
    pub velocity: (f64, f64),
    /// Its colour.
    pub colour: Colour,
}

/// A horizontal line with a label at the right edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// What is written beside it.
    pub label: String,
    /// Where it lies.
    pub value: f64,
    /// How it is drawn.
    pub style: LineStyle,
    /// The colour of the label.
    pub ink: Colour,
}

/// A path.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its points; those that the axes cannot show break it.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub style: LineStyle,
}

/// A marker, with a bar and a label where it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Its place.
    pub at: (f64, f64),
    /// Page units by which it stands beside its place.
    pub aside: f64,
    /// The ends of a bar up the page through its place.
    pub bar: Option<(f64, f64)>,
    /// What is drawn.
    pub marker: Marker,
    /// Written beside it.
    pub label: String,
    /// Whether a dotted line runs down to the axis.
    pub dropped: bool,
}

impl Dot {
    /// A marker with a label, which may be empty.
    pub fn new(at: (f64, f64), marker: Marker, label: impl Into<String>) -> Self {
        Self {
            at,
            aside: 0.0,
            bar: None,
            marker,
            label: label.into(),
            dropped: false,
        }
    }
}

/// A stretch of the axis across, as an arrow with two heads.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where it starts.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// What is written at it.
    pub text: String,
    /// Whether it is drawn even where its text covers a curve.
    pub needed: bool,
}

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// What is written; an entry without a label is left out.
    pub label: String,
    /// Drawn upon each other.
    pub samples: Vec<Sample>,
}

/// One thing drawn in the sample of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A line along the sample.
    Line(LineStyle),
    /// A marker in its middle.
    Marker(Marker),
    /// A hatched patch in its middle.
    Hatch,
}

impl Key {
    /// An entry with one sample.
    pub fn new(label: impl Into<String>, sample: Sample) -> Self {
        Self {
            label: label.into(),
            samples: vec![sample],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_where_their_values_are() {
        let edges = |values: &[f64]| {
            let axis = Axis::of_cells("", values.to_vec());
            let ends = (axis.edges()[0], axis.edges()[values.len()]);
            assert_eq!(axis.range, ends);
            assert_eq!(axis.name.ends_with(", logarithmic"), axis.log);
            (axis.log, axis.edges())
        };
        assert_eq!(edges(&[1.0, 2.0, 3.0]), (false, vec![0.5, 1.5, 2.5, 3.5]));
        assert_eq!(
            edges(&[-1.0, 0.0, 4.0]),
            (false, vec![-1.5, -0.5, 2.0, 6.0])
        );
        // Ratios of two between the values: the edges stand at their geometric means.
        let (log, ends) = edges(&[1.0, 2.0, 4.0]);
        assert!(log);
        for (end, power) in ends.iter().zip([-0.5, 0.5, 1.5, 2.5]) {
            assert!((end - 2f64.powf(power)).abs() < 1e-12, "{end}");
        }
        assert_eq!(edges(&[3.0]), (false, vec![1.5, 4.5]));
    }
}
