//! From a scene to the bytes of a PNG or SVG: the same elements of plotters, drawn into the pixels
//! of `raster` or into plotters' own SVG.
//!
//! Lines of text are laid out before they come here, run by run, so that subscripts stand where the
//! layout put them in both.

use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingBackend, IntoDrawingArea, PathElement, Polygon, SVGBackend, Text,
};
use plotters::style::{Color, FontFamily, FontStyle, FontTransform, IntoFont};

use super::Format;
use super::geometry::Point;
use super::raster::{Pixels, Raster};
use super::scene::{Form, Mark, Scene};
use super::style::{Colour, PAPER};
use super::text::Run;

/// Drawn units per figure unit; plotters knows whole coordinates only.
pub(super) const FINENESS: u32 = 10;
/// The SVG's fonts: Verdana has the widths of DejaVu Sans.
const FAMILIES: &str = "DejaVu Sans, Verdana, sans-serif";
/// plotters divides the sizes of texts by this.
pub(super) const TEXT_SCALE: f64 = 1.24;
/// plotters puts the baseline so many em below the place of a text.
pub(super) const TEXT_LEAD: f64 = 0.76;
/// The PNG's resolution for word processors: figures 8 inches wide.
const PIXELS_PER_METRE: u32 = 7874;

/// The scene as a file.
pub(super) fn bytes(scene: &Scene, format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Png => png(scene),
        Format::Svg => svg(scene),
    }
}

/// The scene as a PNG.
fn png(scene: &Scene) -> Result<Vec<u8>, String> {
    let mut page = Pixels::new(drawn_size(scene));
    paint(scene, &Raster::on(&mut page).into_drawing_area())?;
    encode(&page).map_err(|error| error.to_string())
}

/// The scene as an SVG of the same geometry.
fn svg(scene: &Scene) -> Result<Vec<u8>, String> {
    let (width, height) = drawn_size(scene);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        area.fill(&PAPER).map_err(|error| error.to_string())?;
        paint(scene, &area)?;
        area.present().map_err(|error| error.to_string())?;
    }
    // The drawing is fine-grained; the page it is shown on should have an ordinary size.
    let drawn = format!("width=\"{width}\" height=\"{height}\" viewBox");
    let shown = format!(
        "width=\"{}\" height=\"{}\" viewBox",
        width / FINENESS,
        height / FINENESS
    );
    Ok(text.replacen(&drawn, &shown, 1).into_bytes())
}

/// Whole figure units in drawn ones.
fn drawn_size(scene: &Scene) -> (u32, u32) {
    let side = |length: f64| length.ceil() as u32 * FINENESS;
    (side(scene.width), side(scene.height))
}

/// A figure coordinate in drawn units.
fn drawn(value: f64) -> i32 {
    (value * f64::from(FINENESS)).round() as i32
}

/// A figure point in drawn units.
fn drawn_point(point: Point) -> (i32, i32) {
    (drawn(point.0), drawn(point.1))
}

/// Draws every mark.
fn paint<B: DrawingBackend>(scene: &Scene, area: &DrawingArea<B, Shift>) -> Result<(), String> {
    let path = |points: &[Point]| -> Vec<_> { points.iter().copied().map(drawn_point).collect() };
    for Mark { form, colour } in &scene.marks {
        match form {
            Form::Stroke(points, width) => {
                let style = colour.stroke_width(drawn(*width).max(1) as u32);
                area.draw(&PathElement::new(path(points), style))
            }
            Form::Polygon(points) => area.draw(&Polygon::new(path(points), colour.filled())),
            Form::Disc(centre, radius) => {
                let (centre, radius) = (drawn_point(*centre), drawn(*radius));
                area.draw(&Circle::new(centre, radius, colour.filled()))
            }
            Form::Text { line, at, upward } => {
                let mut runs = line.runs.iter();
                runs.try_for_each(|run| area.draw(&text(run, *at, *colour, *upward)))
            }
        }
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A run of a line that starts at a place.
fn text(
    run: &Run,
    (x, y): Point,
    colour: Colour,
    upward: bool,
) -> Text<'static, (i32, i32), String> {
    let below = run.rise - TEXT_LEAD * run.size;
    let (at, turn) = if upward {
        ((x + below, y - run.x), FontTransform::Rotate270)
    } else {
        ((x + run.x, y + below), FontTransform::None)
    };
    let slant = if run.slanted {
        FontStyle::Oblique
    } else {
        FontStyle::Normal
    };
    let size = run.size * f64::from(FINENESS) * TEXT_SCALE;
    let font = (FontFamily::Name(FAMILIES), size, slant)
        .into_font()
        .transform(turn)
        .color(&colour);
    // Viewers drop the spaces at the ends of a text and join those within.
    Text::new(run.text.replace(' ', "\u{a0}"), drawn_point(at), font)
}

/// The picture's bytes as a PNG file.
fn encode(page: &Pixels) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, page.width, page.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Rows differ little from those above them, so that the fastest level packs them to a third more than the
    // usual one does, in a fraction of its time.
    encoder.set_deflate_compression(png::DeflateCompression::Level(1));
    encoder.set_filter(png::Filter::Up);
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
