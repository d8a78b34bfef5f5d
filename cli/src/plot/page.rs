//! What a page shows, as plain data: panels of curves, dots, levels, bands, cells and arrows.
//!
//! A kind of figure makes a [`Page`] of its results and knows nothing of places; the layout finds
//! places and knows nothing of results. Numbers that are not finite break curves and leave out
//! everything else.

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
    /// In the middle of cells, which stand for these values; thinned out where they are many.
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

    /// An axis of cells, one a value.
    pub fn of_cells(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            range: (0.0, values.len() as f64),
            log: false,
            ticks: TickPlaces::Cells(values),
        }
    }
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
    /// Cells in a row.
    pub columns: usize,
    /// Row by row from the lowest; what is missing, or has no colour, is hatched.
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
