//! What the figures look like: colours, line styles, sizes. Lengths are figure units; a figure
//! is [`WIDTH`] units wide.

pub use plotters::style::RGBColor as Colour;

use super::colour::ordered;

/// Width of every figure.
pub(super) const WIDTH: f64 = 800.0;
/// Width of one for a small window.
pub(super) const NARROW: f64 = 440.0;
/// Pixels of the PNG per figure unit.
pub(super) const PIXELS: u32 = 2;

/// Type size of the title.
pub(super) const TITLE: f64 = 14.0;
/// Type size of axis labels, legends and whatever else is written into a panel.
pub(super) const TEXT: f64 = 12.5;
/// Type size of tick labels.
pub(super) const TICK: f64 = 11.5;

/// Axes, ticks, text.
pub(crate) const INK: Colour = Colour(0x22, 0x22, 0x22);
/// Names of saddles and levels without a modality of their own.
pub(crate) const GREY: Colour = Colour(0x5a, 0x5a, 0x5a);
/// Level lines.
pub(crate) const RULE: Colour = Colour(0x8a, 0x8a, 0x8a);
/// A plateau's shade.
pub(crate) const BAND: Colour = Colour(0xec, 0xec, 0xec);
/// A shoulder's shade, lighter: it is less of a plateau.
pub(crate) const SHOULDER: Colour = Colour(0xf5, 0xf5, 0xf5);
/// The ground under the hatching of missing values.
pub(super) const MISSING: Colour = Colour(0xd8, 0xd8, 0xd8);
/// The page.
pub(super) const PAPER: Colour = Colour(0xff, 0xff, 0xff);

/// Colours that readers with any colour vision tell apart: M. Okabe and K. Ito, *Color Universal
/// Design* (2008), without black, kept for the flow's loss, and yellow, too pale for a line.
const OKABE_ITO: [Colour; 6] = [
    Colour(0x00, 0x72, 0xb2), // blue
    Colour(0xd5, 0x5e, 0x00), // vermilion
    Colour(0x00, 0x9e, 0x73), // bluish green
    Colour(0xcc, 0x79, 0xa7), // reddish purple
    Colour(0xe6, 0x9f, 0x00), // orange
    Colour(0x56, 0xb4, 0xe9), // sky blue
];

/// Ink and gap of the modalities' lines: with eight patterns and six colours no two of the first
/// eight modalities look the same, in colour or in grey.
const MODALITY_DASHES: [&[f64]; 8] = [
    &[],
    &[13.0, 4.0],
    &[10.0, 3.0, 2.5, 3.0],
    &[5.0, 3.0],
    &[14.0, 3.0, 5.0, 3.0],
    &[10.0, 3.0, 2.5, 3.0, 2.5, 3.0],
    &[2.5, 2.5],
    &[20.0, 5.0],
];

/// The learning rates' colours, those furthest from black first and theory's sky blue last.
const DESCENT_COLOURS: [Colour; 6] = [
    OKABE_ITO[3],
    OKABE_ITO[4],
    OKABE_ITO[2],
    OKABE_ITO[1],
    OKABE_ITO[0],
    OKABE_ITO[5],
];

/// Ink and gap of the learning rates' lines; short, so that they show on the flow's line. One more than there
/// are colours, so that the first 42 learning rates all differ.
const DESCENT_DASHES: [&[f64]; 7] = [
    &[2.2, 2.4],
    &[6.0, 3.0],
    &[7.0, 2.5, 2.0, 2.5],
    &[10.0, 4.0],
    &[5.0, 2.0, 1.8, 2.0, 1.8, 2.0],
    &[2.0, 5.0],
    &[9.0, 2.0, 4.0, 2.0],
];

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineStyle {
    /// Its colour.
    pub colour: Colour,
    /// Its width in page units.
    pub width: f64,
    /// Ink and gap by turns; empty for a solid line.
    pub dash: &'static [f64],
}

impl LineStyle {
    /// A line without gaps.
    pub(crate) const fn solid(colour: Colour, width: f64) -> Self {
        Self::dashed(colour, width, &[])
    }

    /// A line with ink and gap by turns.
    pub(crate) const fn dashed(colour: Colour, width: f64, dash: &'static [f64]) -> Self {
        Self {
            colour,
            width,
            dash,
        }
    }
}

/// A solid hairline, for axes, leaders and arrows.
pub(super) const HAIRLINE: LineStyle = LineStyle::solid(INK, 1.0);

/// The hatching of missing values.
pub(super) const HATCH: LineStyle = LineStyle::solid(GREY, 0.7);

/// A level of no modality, dashed.
pub(crate) const LEVEL: LineStyle = LineStyle::dashed(RULE, 1.0, &[6.0, 4.0]);

/// The colour of a modality.
pub(crate) const fn modality_colour(modality: usize) -> Colour {
    OKABE_ITO[modality % OKABE_ITO.len()]
}

/// The colour of one of `count` series: unordered colours where there are enough of them, else
/// a ramp.
pub(crate) fn series_colour(index: usize, count: usize) -> Colour {
    if count <= OKABE_ITO.len() {
        modality_colour(index)
    } else {
        ordered(index, count)
    }
}

/// The pattern of a series' line.
pub(crate) fn series_dash(index: usize) -> &'static [f64] {
    MODALITY_DASHES[index % MODALITY_DASHES.len()]
}

/// Width of theory's solid lines, which show as a core on the flow's where the two agree.
const THEORY_WIDTH: f64 = 1.1;

/// What made a curve of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurveKind {
    /// The gradient flow.
    Flow,
    /// The solution of theory's reduced equations.
    Theory,
    /// Gradient descent with the learning rate of this index.
    Descent(usize),
}

/// A loss curve: the flow solid black, theory thin and light, each learning rate a colour and a
/// pattern of its own.
pub(crate) fn loss_line(kind: CurveKind) -> LineStyle {
    match kind {
        CurveKind::Flow => LineStyle::solid(INK, 2.4),
        CurveKind::Theory => LineStyle::solid(OKABE_ITO[5], THEORY_WIDTH),
        CurveKind::Descent(index) => {
            let colour = DESCENT_COLOURS[index % DESCENT_COLOURS.len()];
            LineStyle::dashed(colour, 2.0, descent_dash(index))
        }
    }
}

/// The generalisation error: green, which no early modality has, and dashed beside the solid loss.
pub(crate) const GENERALISATION: LineStyle = LineStyle::dashed(OKABE_ITO[2], 2.6, &[14.0, 3.0]);

/// A total map's norm: colour and pattern by modality for the flow; theory thin and dark;
/// descent too, with the pattern of its learning rate. So they show on the flow's line and in grey.
pub(crate) fn map_line(kind: CurveKind, modality: usize) -> LineStyle {
    let colour = modality_colour(modality);
    match kind {
        CurveKind::Flow => LineStyle::dashed(colour, 2.6, series_dash(modality)),
        CurveKind::Theory => LineStyle::solid(darkened(colour), THEORY_WIDTH),
        CurveKind::Descent(index) => LineStyle::dashed(darkened(colour), 1.3, descent_dash(index)),
    }
}

fn descent_dash(index: usize) -> &'static [f64] {
    DESCENT_DASHES[index % DESCENT_DASHES.len()]
}

/// Half way to black.
fn darkened(colour: Colour) -> Colour {
    Colour(colour.0 / 2, colour.1 / 2, colour.2 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Theory is thinner than the flow, and solid where descent, which is thinner too, is dashed.
    #[test]
    fn lines_differ_without_colour() {
        let dashes: Vec<_> = (0..8).map(|m| map_line(CurveKind::Flow, m).dash).collect();
        assert!((0..8).all(|m| !dashes[..m].contains(&dashes[m])));
        for line in [loss_line, |kind| map_line(kind, 0)] {
            let (theory, flow) = (line(CurveKind::Theory), line(CurveKind::Flow));
            assert!(theory.width < flow.width / 2.0 && theory.dash.is_empty());
            let styles: Vec<_> = (0..7).map(|i| line(CurveKind::Descent(i))).collect();
            assert!((0..7).all(|i| !styles[..i].contains(&styles[i])));
            let mut descents = (0..7).map(|index| line(CurveKind::Descent(index)));
            assert!(descents.all(|line| !line.dash.is_empty() && line.width < flow.width));
        }
    }
}
