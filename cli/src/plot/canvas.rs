//! From a scene to the bytes of a PNG or SVG: the same drawing of plotters, into the pixels of
//! `raster` or into plotters' own SVG.
//!
//! Lines of text are laid out before they come here, run by run, so that subscripts stand where the
//! layout put them in both.

use plotters::prelude::{DrawingBackend, IntoFont, SVGBackend};
use plotters::style::{Color, FontFamily, FontStyle, FontTransform};
use plotters_backend::DrawingErrorKind;
use std::fmt::Display;

use super::Format;
use super::geometry::Point;
use super::raster::Raster;
use super::scene::{Form, Mark, Scene};
use super::style::{Colour, PAPER};
use super::text::Run;

/// Drawn units per figure unit; plotters knows whole coordinates only.
pub(super) const FINENESS: u32 = 10;
/// The PNG's resolution for word processors: figures 8 inches wide.
const PIXELS_PER_METRE: u32 = 7874;

/// A back end of plotters that writes runs of text itself, from the start of their baseline.
pub(super) trait Canvas: DrawingBackend {
    /// Writes a run, up the page or across it.
    fn write(&mut self, run: &Run, at: Point, colour: Colour, upward: bool) -> Drawn<Self>;
}

/// What drawing on a back end answers.
pub(super) type Drawn<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

/// The scene as a file.
pub(super) fn bytes(scene: &Scene, format: Format) -> Result<Vec<u8>, String> {
    let side = |length: f64| length.ceil() as u32 * FINENESS;
    let size = (side(scene.width), side(scene.height));
    match format {
        Format::Png => png(scene, size).map_err(words),
        Format::Svg => svg(scene, size),
    }
}

fn words(error: impl Display) -> String {
    error.to_string()
}

/// The scene as an SVG of the same geometry.
fn svg(scene: &Scene, (width, height): (u32, u32)) -> Result<Vec<u8>, String> {
    let mut text = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut text, (width, height));
        let corner = (width as i32, height as i32);
        let paper = backend.draw_rect((0, 0), corner, &PAPER, true);
        paper.map_err(words)?;
        paint(scene, &mut backend).map_err(words)?;
        backend.present().map_err(words)?;
    }
    // The drawing is fine-grained; the page it is shown on should have an ordinary size.
    let page = |by: u32| {
        format!(
            "width=\"{}\" height=\"{}\" viewBox",
            width / by,
            height / by
        )
    };
    let text = text.replacen(&page(1), &page(FINENESS), 1);
    Ok(joined(&text).into_bytes())
}

/// The same SVG with opaque lines, or polygons, of one style that follow each other as one path: dashes and arrows are half of a
/// figure, and a browser takes twice as long over each by itself. All polygons turn the same way round, so that those which overlap
/// are filled as they were.
fn joined(svg: &str) -> String {
    let mut text = String::with_capacity(svg.len());
    let mut open = None;
    for line in svg.split_inclusive('\n') {
        let part = part(line.trim_end());
        let style = part.map(|(style, _)| style);
        if open.is_some() && open != style {
            text.push_str("\"/>\n");
        }
        match part {
            Some(((style, end), points)) => {
                if open != Some((style, end)) {
                    text.push_str(&format!("<path {style} d=\""));
                }
                text.push('M');
                text.push_str(&points.replace(' ', "L"));
                text.push_str(end);
            }
            None => text.push_str(line),
        }
        open = style;
    }
    text
}

/// A line of an SVG as part of a path: the path's style with how each of its parts ends, and the points. None where it cannot be one.
fn part(line: &str) -> Option<((&str, &str), &str)> {
    let (kind, rest) = line.strip_prefix('<')?.split_once(' ')?;
    let (style, points) = rest.strip_suffix(" \"/>")?.split_once(" points=\"")?;
    match kind {
        "polyline" if style.starts_with("fill=\"none\" opacity=\"1\"") => {
            Some(((style, ""), points))
        }
        "polygon" if style.starts_with("opacity=\"1\"") => Some(((style, "Z"), points)),
        _ => None,
    }
}

/// The scene as a PNG.
fn png(scene: &Scene, size: (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut page = Raster::new(size);
    let Ok(()) = paint(scene, &mut page) else {
        unreachable!("pixels never fail")
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, page.width, page.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // The fastest level packs to a quarter more than the next one, in less time; differences of rows, which other
    // filters pack, would take longer and a tenth more.
    encoder.set_deflate_compression(png::DeflateCompression::Level(1));
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: PIXELS_PER_METRE,
        yppu: PIXELS_PER_METRE,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&page.bytes)?;
    writer.finish()?;
    Ok(bytes)
}

/// A figure coordinate in drawn units.
fn drawn(value: f64) -> i32 {
    (value * f64::from(FINENESS)).round() as i32
}

/// Draws every mark.
fn paint<C: Canvas>(scene: &Scene, canvas: &mut C) -> Drawn<C> {
    let path = |points: &[Point]| -> Vec<_> {
        let drawn = |point: &Point| (drawn(point.0), drawn(point.1));
        points.iter().map(drawn).collect()
    };
    for Mark { form, colour } in &scene.marks {
        match form {
            Form::Stroke(points, width) => {
                let style = colour.stroke_width(drawn(*width).max(1) as u32);
                canvas.draw_path(path(points), &style)?;
            }
            Form::Polygon(points) => canvas.fill_polygon(path(points), colour)?,
            Form::Text { line, at, upward } => {
                for run in &line.runs {
                    let at = match upward {
                        true => (at.0 + run.rise, at.1 - run.x),
                        false => (at.0 + run.x, at.1 + run.rise),
                    };
                    canvas.write(run, at, *colour, *upward)?;
                }
            }
        }
    }
    Ok(())
}

impl Canvas for SVGBackend<'_> {
    fn write(&mut self, run: &Run, (x, y): Point, colour: Colour, upward: bool) -> Drawn<Self> {
        /// Verdana has the widths of DejaVu Sans.
        const FAMILIES: FontFamily<'_> = FontFamily::Name("DejaVu Sans, Verdana, sans-serif");
        /// plotters divides the sizes of texts by this.
        const SCALE: f64 = 1.24;
        // It puts the baseline so many em below the place of a text.
        let above = 0.76 * run.size;
        let (at, turn) = match upward {
            true => ((x - above, y), FontTransform::Rotate270),
            false => ((x, y - above), FontTransform::None),
        };
        let slant = match run.slanted {
            true => FontStyle::Oblique,
            false => FontStyle::Normal,
        };
        let size = run.size * f64::from(FINENESS) * SCALE;
        let font = (FAMILIES, size, slant).into_font().transform(turn);
        // Viewers drop the spaces at the ends of a text and join those within.
        let text = run.text.replace(' ', "\u{a0}");
        self.draw_text(&text, &font.color(&colour), (drawn(at.0), drawn(at.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn lines_of_one_style_are_one_path() {
        let line = |style: &str, points: &str| {
            format!("<polyline fill=\"none\" {style} points=\"{points} \"/>\n")
        };
        let (solid, faint) = (
            "opacity=\"1\" stroke=\"#111111\"",
            "opacity=\"0.5\" stroke=\"#111111\"",
        );
        let dashes = line(solid, "1,2 3,4") + &line(solid, "5,6 7,8") + &line(faint, "1,1 2,2");
        let text = format!("<svg>\n{dashes}{}</svg>\n", line(solid, "9,9 8,8"));
        let path = |d: &str| format!("<path fill=\"none\" {solid} d=\"{d}\"/>\n");
        let expected = format!(
            "<svg>\n{}{}{}</svg>\n",
            path("M1,2L3,4M5,6L7,8"),
            line(faint, "1,1 2,2"),
            path("M9,9L8,8")
        );
        assert_eq!(joined(&text), expected);
        let head = |fill: &str, points: &str| {
            format!("<polygon opacity=\"1\" fill=\"{fill}\" points=\"{points} \"/>\n")
        };
        let heads =
            head("#1", "1,2 3,4 5,6") + &head("#1", "7,8 9,9 8,8") + &head("#2", "0,0 1,1 2,0");
        assert_eq!(
            joined(&(heads + "</svg>\n")),
            "<path opacity=\"1\" fill=\"#1\" d=\"M1,2L3,4L5,6ZM7,8L9,9L8,8Z\"/>\n\
             <path opacity=\"1\" fill=\"#2\" d=\"M0,0L1,1L2,0Z\"/>\n</svg>\n"
        );
    }
}
