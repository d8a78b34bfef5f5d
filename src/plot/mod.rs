//! Figures of a run and charts of many: plain data in, the bytes of a PNG or SVG out.
//!
//! From the data to the page: `content` turns a [`Figure`] into panels of traces, levels
//! and dots; `panel` lays a panel out, `place` and `fit` find room for what is written into it,
//! `axes` chooses the ticks; all of them fill a `scene`, which `paint` draws with plotters.
//! `chart` fills scenes from a [`Chart`] in the same way.
//!
//! Labels may hold subscripts and superscripts, `M_A`, `t_B`, `‖W_A^tot‖`; a subscript needs a
//! single letter before it, longer ones stand in braces, and `\_` is a plain underscore.

mod axes;
mod chart;
mod colour;
mod content;
mod figure;
mod fit;
mod generalisation;
mod geometry;
mod legend;
mod marker;
mod numbers;
mod page;
mod paint;
mod panel;
mod phase;
mod place;
mod raster;
mod scene;
mod style;
mod text;
mod time;

use crate::error::Error;

pub use chart::{
    AxisLabel, Chart, CriticalPoint, CurveMark, CurvesChart, FamilyCurve, HeatAxis, HeatMaps,
    HeatPanel, HeatScale, LineChart, Portrait, Portraits, ScatterChart, ScatterSeries, Series,
    Spread, render_chart,
};

/// A run's figure: the loss and the norms of the total maps against time.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// Stands above the panels; wrapped where it is long.
    pub title: String,
    /// The end of the time axis.
    pub t_end: f64,
    /// Name of the time axis, with its unit.
    pub time: String,
    /// Whether the time axis is logarithmic; it then starts a decade before anything happens.
    pub log_time: bool,
    /// The loss: the flow, theory where there is any, then one curve a learning rate.
    pub loss: Vec<Curve>,
    /// The losses of the saddles and of the minimum.
    pub loss_levels: Vec<Level>,
    /// The norms of the total maps: of the flow, of theory, then of the descents.
    pub maps: Vec<MapCurve>,
    /// The norms on the plateaus and at the end.
    pub map_levels: Vec<Level>,
    /// The plateaus, in the order of time.
    pub plateaus: Vec<Band>,
    /// When each modality was learned.
    pub crossings: Vec<Crossing>,
    /// The unimodal phase, where there is one.
    pub phase: Option<Phase>,
    /// The generalisation error, where there is one.
    pub generalisation: Option<Generalisation>,
}

/// What made a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The gradient flow.
    Flow,
    /// The solution of theory's reduced equations.
    Theory,
    /// Gradient descent with the learning rate of this index.
    Descent(usize),
}

/// A loss curve.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Its entry in the legend.
    pub label: String,
    /// What made it.
    pub kind: Kind,
    /// Time and loss; points that are not finite break the line.
    pub points: Vec<(f64, f64)>,
}

/// The norm of one modality's total map.
#[derive(Debug, Clone)]
pub struct MapCurve {
    /// Its entry in the legend. The legend names theory and each learning rate once, with the
    /// label of the first curve, so for these it says which rate rather than which modality.
    pub label: String,
    /// The modality's index, which sets colour and dashes.
    pub modality: usize,
    /// What made it.
    pub kind: Kind,
    /// Time and norm; points that are not finite break the line.
    pub points: Vec<(f64, f64)>,
}

/// What a level stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelRole {
    /// A saddle, or a plateau of a map: dashed.
    Plateau,
    /// The minimum, or a map's final value: thinner and dotted.
    Final,
}

/// A horizontal line with a label at the right edge.
#[derive(Debug, Clone)]
pub struct Level {
    /// What is written beside it.
    pub label: String,
    /// Where it lies.
    pub value: f64,
    /// Whose colour it takes; grey without.
    pub modality: Option<usize>,
    /// How it is drawn.
    pub role: LevelRole,
}

/// A plateau or a shoulder, as a shaded band.
#[derive(Debug, Clone)]
pub struct Band {
    /// Written on top where it fits: `M_A: only A learned`.
    pub label: String,
    /// Written where the label doesn't fit: `M_A`.
    pub saddle: String,
    /// Entry.
    pub from: f64,
    /// Exit, or the end of the run.
    pub to: f64,
    /// Whether it is a shoulder, shaded lighter.
    pub shoulder: bool,
}

/// The time at which a modality was learned.
#[derive(Debug, Clone)]
pub struct Crossing {
    /// Its name, `t_A`.
    pub label: String,
    /// The modality's index.
    pub modality: usize,
    /// When.
    pub time: f64,
    /// The flow's loss then.
    pub loss: f64,
    /// The norm of the modality's total map then.
    pub norm: f64,
}

/// The unimodal phase, as an arrow with its length.
#[derive(Debug, Clone)]
pub struct Phase {
    /// Its start.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// What is written at the arrow.
    pub text: String,
}

/// The generalisation error, and beside it the loss trained on.
#[derive(Debug, Clone, Default)]
pub struct Generalisation {
    /// Time and generalisation error; points that are not finite break the line.
    pub error: Vec<(f64, f64)>,
    /// Time and loss of the flow.
    pub loss: Vec<(f64, f64)>,
    /// The error of the least-norm solution.
    pub levels: Vec<Level>,
    /// The minima of the error.
    pub minima: Vec<StoppingTime>,
}

/// A minimum of the generalisation error, as a dot.
#[derive(Debug, Clone)]
pub struct StoppingTime {
    /// Written beside it.
    pub label: String,
    /// When.
    pub time: f64,
    /// The error then.
    pub error: f64,
}

/// Which panels a figure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panels {
    /// The loss.
    Loss,
    /// The norms of the total maps.
    Maps,
    /// The loss above the norms, on one time axis.
    Both,
    /// The generalisation error.
    Generalisation,
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pixels, 1600 wide; scatter charts are narrower.
    Png,
    /// Vectors.
    Svg,
}

/// Draws a figure. The same figure gives the same bytes.
pub fn render(figure: &Figure, panels: Panels, format: Format) -> Result<Vec<u8>, Error> {
    let draw = || {
        let fonts = text::Fonts::load()?;
        paint::bytes(&figure::compose(figure, panels, &fonts), &fonts, format)
    };
    draw().map_err(|problem| Error::Draw {
        figure: file_name(panels, format).to_owned(),
        problem,
    })
}

/// A name for use in a label, with underscores and the like shown as they are.
pub fn literal(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '_' | '^' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What the figure is called in messages.
fn file_name(panels: Panels, format: Format) -> &'static str {
    match (panels, format) {
        (Panels::Loss, Format::Png) => "loss.png",
        (Panels::Loss, Format::Svg) => "loss.svg",
        (Panels::Maps, Format::Png) => "maps.png",
        (Panels::Maps, Format::Svg) => "maps.svg",
        (Panels::Both, Format::Png) => "overview.png",
        (Panels::Both, Format::Svg) => "overview.svg",
        (Panels::Generalisation, Format::Png) => "generalisation.png",
        (Panels::Generalisation, Format::Svg) => "generalisation.svg",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A figure whose every number is the one given.
    fn odd(number: f64, log_time: bool) -> Figure {
        let points = vec![(0.0, number), (number, 1.0), (1.0, number), (2.0, -number)];
        Figure {
            time: "time".to_owned(),
            title: "odd".to_owned(),
            t_end: number,
            log_time,
            loss: [Kind::Flow, Kind::Descent(0)]
                .map(|kind| Curve {
                    label: "curve".to_owned(),
                    kind,
                    points: points.clone(),
                })
                .to_vec(),
            loss_levels: vec![Level {
                label: "L(M_0)".to_owned(),
                value: number,
                modality: None,
                role: LevelRole::Plateau,
            }],
            plateaus: vec![Band {
                label: "M_0".to_owned(),
                saddle: "M_0".to_owned(),
                from: 0.0,
                to: number,
                shoulder: true,
            }],
            crossings: vec![Crossing {
                label: "t_A".to_owned(),
                modality: 9,
                time: number,
                loss: number,
                norm: number,
            }],
            phase: Some(Phase {
                from: 0.0,
                to: number,
                text: "phase".to_owned(),
            }),
            ..Figure::default()
        }
    }

    #[test]
    fn odd_numbers_still_make_a_figure() {
        let extremes = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE];
        let plain = [0.0, -1.0, 1e-9, 1.0, 1e9, 1e300];
        for number in extremes.into_iter().chain(plain) {
            for log_time in [false, true] {
                let drawn = render(&odd(number, log_time), Panels::Both, Format::Svg);
                let text = drawn.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                assert!(
                    text.as_ref()
                        .is_ok_and(|svg| svg.ends_with("</svg>\n") && !svg.contains("NaN")),
                    "{number}, {log_time}: {text:?}"
                );
            }
        }
    }

    #[test]
    fn the_same_figure_gives_the_same_png() {
        let first = render(&odd(1.0, false), Panels::Loss, Format::Png).ok();
        let second = render(&odd(1.0, false), Panels::Loss, Format::Png).ok();
        assert!(first.is_some());
        assert_eq!(first, second);
        let width = first.map(|bytes| bytes[16..20].to_vec());
        assert_eq!(width, Some(1600_u32.to_be_bytes().to_vec()));
    }

    #[test]
    fn literal_names_keep_their_underscores() {
        let pieces = text::parse(&literal("a_b"));
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].text, "a_b");
    }
}
