//! How pages of panels are drawn: plain data in, the bytes of PNGs and SVGs out.
//!
//! | file | what it does |
//! |---|---|
//! | `page.rs` | what a page shows: the model that figures fill in |
//! | `layout.rs` | where panels stand, and what stands round them; `legend.rs` |
//! | `layers.rs` | what lies in a panel; `field.rs`: cells, arrows; `span.rs`: an arrow with text |
//! | `axes.rs` | values to places, round values; `range.rs`: ranges from data; `numbers.rs`: as text |
//! | `ticks.rs` | which ticks an axis has, and how they are drawn |
//! | `label_placement.rs` | where labels cover the least; `text_fit.rs`: text shortened and wrapped |
//! | `style.rs` | colours, lines, sizes; `marker.rs`: shapes; `colour.rs`: ramps |
//! | `text.rs` | scripts and fonts |
//! | `scene.rs` | a page as marks; `geometry.rs` |
//! | `canvas.rs` | marks through plotters to SVG and, by way of `raster.rs`, to PNG |
//!
//! Labels may hold subscripts and superscripts, `M_A`, `t_B`, `‖W_A^tot‖`; a subscript needs a
//! single letter before it, longer ones stand in braces, and `\_` is a plain underscore.

mod axes;
mod canvas;
mod colour;
mod field;
mod geometry;
mod label_placement;
mod layers;
mod layout;
mod legend;
mod marker;
mod numbers;
mod page;
mod range;
mod raster;
mod scene;
mod span;
mod style;
mod text;
mod text_fit;
mod ticks;

use crate::error::Error;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::cmp::Reverse;
use std::collections::BTreeSet;

pub use colour::{ColourScale, Ramp};
pub(crate) use marker::SERIES_RADIUS;
pub use marker::{Marker, Shape};
pub(crate) use numbers::significant;
pub use page::{
    Arrangement, Arrow, Axis, Band, Cells, Curve, Dot, Key, Level, Page, Panel, Sample, Span,
    TickPlaces,
};
pub(crate) use range::{range, range_widened, shows};
pub(crate) use style::{
    BAND, CurveKind, GENERALISATION, GREY, INK, LEVEL, RULE, SHOULDER, loss_line, map_line,
    modality_colour, series_colour, series_dash,
};
pub use style::{Colour, LineStyle};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pixels, 1600 wide; square pages are narrower.
    Png,
    /// Vectors.
    Svg,
}

impl Format {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
        }
    }
}

/// What pages were drawn as.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    /// Names and bytes of the files.
    pub files: Vec<(String, Vec<u8>)>,
    /// Letters that the font does not have, drawn as boxes.
    pub missing: BTreeSet<char>,
}

/// Draws pages on all cores: each, named by its file's stem, in every format. The same page gives the
/// same bytes.
///
/// # Errors
/// A drawing error that names the file.
pub fn render(pages: &[(String, Page)], formats: &[Format]) -> Result<Rendered, Error> {
    let wanted = pages
        .iter()
        .flat_map(|page| formats.iter().map(move |format| (page, *format)));
    let mut wanted: Vec<_> = wanted.enumerate().collect();
    // The largest first, or one core would draw it alone at the end.
    wanted.sort_by_key(|(_, ((_, page), _))| Reverse(page.panels.len()));
    let drawn = wanted.par_iter().with_max_len(1);
    let drawn = drawn.map(|(place, ((stem, page), format))| (*place, draw(stem, page, *format)));
    let mut drawn: Vec<_> = drawn.collect();
    drawn.sort_by_key(|(place, _)| *place);
    let mut rendered = Rendered::default();
    for (_, drawn) in drawn {
        let (file, missing) = drawn?;
        rendered.files.push(file);
        rendered.missing.extend(missing);
    }
    Ok(rendered)
}

/// A file, and the letters that it lacks.
type Drawn = ((String, Vec<u8>), BTreeSet<char>);

/// One page in one format.
fn draw(stem: &str, page: &Page, format: Format) -> Result<Drawn, Error> {
    let figure = format!("{stem}.{}", format.ending());
    let scene = layout::compose(page);
    let draw = |()| canvas::bytes(&scene, format);
    match text::ensure_faces().and_then(draw) {
        Ok(bytes) => Ok(((figure, bytes), scene.missing_letters())),
        Err(problem) => Err(Error::Draw { figure, problem }),
    }
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

#[cfg(test)]
mod tests;
