//! From a scene to the bytes of a PNG or SVG, through the back ends of plotters.
//!
//! The PNG is drawn three times too large and averaged down, since plotters does not smooth the
//! edges of thick lines. Glyphs are placed here rather than by plotters, whose text leaves out
//! the side bearings and takes a different size in its two back ends.

use ab_glyph::Font;
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, DrawingArea, DrawingBackend, IntoDrawingArea, PathElement, Polygon,
    Rectangle, SVGBackend, Text,
};
use plotters::style::{Color, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor};

use super::Format;
use super::geometry::Point;
use super::scene::{Mark, Scene};
use super::style::{PAPER, PIXELS};
use super::text::{Fonts, Run};

/// Drawn pixels per pixel of the PNG, each way.
const OVERSAMPLING: u32 = 3;
/// Drawn units per figure unit; plotters knows whole coordinates only.
const FINENESS: u32 = PIXELS * OVERSAMPLING;
/// The SVG's fonts: Verdana has the widths of DejaVu Sans.
const FAMILIES: &str = "DejaVu Sans, Verdana, sans-serif";
/// The PNG's resolution for word processors: figures 8 inches wide.
const PIXELS_PER_METRE: u32 = 7874;

type Area<B> = DrawingArea<B, Shift>;

/// The scene as a file.
pub(super) fn bytes(scene: &Scene, fonts: &Fonts, format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Png => png(scene, fonts),
        Format::Svg => svg(scene),
    }
}

/// The scene as a PNG.
fn png(scene: &Scene, fonts: &Fonts) -> Result<Vec<u8>, String> {
    let (width, height) = drawn_size(scene);
    let mut pixels = vec![255_u8; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        paint(scene, &area, |area, run, at, colour, upward| {
            raster_text(fonts, area, run, at, colour, upward)
        })?;
        area.present().map_err(|error| error.to_string())?;
    }
    let small = averaged(&pixels, width as usize, OVERSAMPLING as usize);
    encode(&small, width / OVERSAMPLING, height / OVERSAMPLING).map_err(|error| error.to_string())
}

/// The scene as an SVG of the same geometry.
fn svg(scene: &Scene) -> Result<Vec<u8>, String> {
    let (width, height) = drawn_size(scene);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        area.fill(&PAPER).map_err(|error| error.to_string())?;
        paint(scene, &area, vector_text)?;
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

/// Whole drawn pixels, a multiple of the oversampling.
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

/// Draws every mark; `write` draws a run of text from a baseline point.
fn paint<B: DrawingBackend>(
    scene: &Scene,
    area: &Area<B>,
    write: impl Fn(&Area<B>, &Run, Point, RGBColor, bool) -> Result<(), String>,
) -> Result<(), String> {
    for mark in &scene.marks {
        match mark {
            Mark::Area { rect, colour } => {
                let corners = [(rect.left, rect.top), (rect.right, rect.bottom)];
                area.draw(&Rectangle::new(corners.map(drawn_point), colour.filled()))
            }
            Mark::Stroke {
                points,
                colour,
                width,
            } => {
                let path: Vec<_> = points.iter().copied().map(drawn_point).collect();
                area.draw(&PathElement::new(
                    path,
                    colour.stroke_width(drawn(*width).max(1) as u32),
                ))
            }
            Mark::Polygon { points, colour } => {
                let path: Vec<_> = points.iter().copied().map(drawn_point).collect();
                area.draw(&Polygon::new(path, colour.filled()))
            }
            Mark::Disc {
                centre,
                radius,
                colour,
            } => area.draw(&Circle::new(
                drawn_point(*centre),
                drawn(*radius),
                colour.filled(),
            )),
            Mark::Text {
                line,
                at,
                colour,
                upward,
            } => {
                for run in &line.runs {
                    let at = if *upward {
                        (at.0 + run.rise, at.1 - run.x)
                    } else {
                        (at.0 + run.x, at.1 + run.rise)
                    };
                    write(area, run, at, *colour, *upward)?;
                }
                Ok(())
            }
        }
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Text as pixels.
fn raster_text<B: DrawingBackend>(
    fonts: &Fonts,
    area: &Area<B>,
    run: &Run,
    at: Point,
    colour: RGBColor,
    upward: bool,
) -> Result<(), String> {
    let (x0, y0) = drawn_point(at);
    let mut outcome = Ok(());
    let size = run.size * f64::from(FINENESS);
    fonts.glyphs(&run.text, run.slanted, size, |face, glyph, scale, pen| {
        let placed = glyph.with_scale_and_position(scale, ab_glyph::point(pen as f32, 0.0));
        let Some(outline) = face.outline_glyph(placed) else {
            return;
        };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, cover| {
            let along = corner.x as i32 + x as i32;
            let down = corner.y as i32 + y as i32;
            let place = if upward {
                (x0 + down, y0 - along)
            } else {
                (x0 + along, y0 + down)
            };
            if cover > 0.0 {
                let ink = colour.mix(f64::from(cover.min(1.0)));
                let drawn = area.draw_pixel(place, &ink);
                if let Err(error) = drawn {
                    outcome = Err(error.to_string());
                }
            }
        });
    });
    outcome
}

/// Text as text.
fn vector_text<B: DrawingBackend>(
    area: &Area<B>,
    run: &Run,
    at: Point,
    colour: RGBColor,
    upward: bool,
) -> Result<(), String> {
    // plotters puts the baseline 0.76 em below its anchor and divides sizes by 1.24.
    let lead = 0.76 * run.size;
    let (at, turn) = if upward {
        ((at.0 - lead, at.1), FontTransform::Rotate270)
    } else {
        ((at.0, at.1 - lead), FontTransform::None)
    };
    let slant = if run.slanted {
        FontStyle::Oblique
    } else {
        FontStyle::Normal
    };
    let size = run.size * f64::from(FINENESS) * 1.24;
    let font = (FontFamily::Name(FAMILIES), size, slant)
        .into_font()
        .transform(turn)
        .color(&colour);
    // Viewers drop the spaces at the ends of a text and join those within.
    let text = run.text.replace(' ', "\u{a0}");
    area.draw(&Text::new(text, drawn_point(at), font))
        .map_err(|error| error.to_string())
}

/// The picture scaled down by `factor`, each pixel the mean of those it covers.
fn averaged(pixels: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let share = (factor * factor) as u32;
    let row = width * 3;
    let mut small = Vec::with_capacity(pixels.len() / (factor * factor));
    for band in pixels.chunks_exact(row * factor) {
        for left in (0..row).step_by(3 * factor) {
            for channel in 0..3 {
                let sum: u32 = (0..factor * factor)
                    .map(|i| (i / factor) * row + left + (i % factor) * 3 + channel)
                    .map(|at| u32::from(band[at]))
                    .sum();
                small.push(((sum + share / 2) / share) as u8);
            }
        }
    }
    small
}

/// The picture's bytes as a PNG file.
fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Default);
    // Flat areas compress better as they are than as differences.
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: PIXELS_PER_METRE,
        yppu: PIXELS_PER_METRE,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averaging_takes_the_mean_of_each_block() {
        // Two blocks of 2 x 2 pixels side by side, the left half black and half white.
        let black = [0_u8; 3];
        let white = [255_u8; 3];
        let rows = [[black, white, white, white], [white, black, white, white]];
        let pixels: Vec<u8> = rows.iter().flatten().flatten().copied().collect();
        assert_eq!(averaged(&pixels, 4, 2), [128, 128, 128, 255, 255, 255]);
    }
}
