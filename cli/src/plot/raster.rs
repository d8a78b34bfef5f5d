//! Pixels behind plotters' interface for drawing: every shape and every glyph is a path, whose
//! exact coverage of each pixel is mixed into the page.
//!
//! plotters knows whole coordinates only, so it draws on a canvas that is [`FINENESS`] times finer
//! than the figure's units. Its own bitmap back end does not smooth thick lines, so that pages had
//! to be drawn three times too large and averaged. Instead of it, measured:
//!
//! | drawing | crates | seconds to build it | processor time of a run with three pictures |
//! |---|---|---|---|
//! | plotters' bitmaps, averaged | 1 | 2 | 320 ms |
//! | zeno, exact areas | 1 | 1.5 | 100 ms |
//! | tiny-skia, 4 x 16 samples a pixel | 8 | 11 | - |
//! | resvg, from the SVG | 59 | 170 | - |
//!
//! zeno was taken since it costs least to build and its edges are exact; drawing is now a small part
//! of what a picture costs.

use ab_glyph::{Font, OutlineCurve};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend};
use std::convert::Infallible;
use zeno::{Command, Fill, Join, Mask, PathBuilder, Scratch, Stroke, Style};

use super::canvas::{Canvas, Drawn, FINENESS};
use super::geometry::Point;
use super::style::{Colour, PIXELS};
use super::text::{Run, glyphs};

/// Pixels per unit of the canvas.
const SCALE: f32 = PIXELS as f32 / FINENESS as f32;

/// A page of pixels.
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Red, green and blue of each, row by row.
    pub(super) bytes: Vec<u8>,
    /// What a path covers; kept, since many large ones are drawn.
    mask: Vec<u8>,
    /// What zeno works with, kept as well.
    scratch: Scratch,
}

impl Raster {
    /// A white page for a canvas of this size.
    pub(super) fn new((width, height): (u32, u32)) -> Self {
        let pixels = |units: u32| (units as f32 * SCALE).ceil() as u32;
        let (width, height) = (pixels(width), pixels(height));
        Self {
            width,
            height,
            bytes: vec![255; width as usize * height as usize * 3],
            mask: Vec::new(),
            scratch: Scratch::new(),
        }
    }

    /// Mixes a colour into the pixels that a path covers.
    fn cover<'s>(&mut self, path: &[Command], style: impl Into<Style<'s>>, ink: BackendColor) {
        let mask = &mut self.mask;
        let place = Mask::with_scratch(path, &mut self.scratch)
            .style(style)
            .inspect(|format, width, height| {
                mask.clear();
                mask.resize(format.buffer_size(width, height), 0);
            })
            .render_into(mask, None);
        let (r, g, b) = ink.rgb;
        let first = place.left.max(0);
        let last = (place.left + place.width as i32).min(self.width as i32);
        let rows = self.mask.chunks_exact(place.width.max(1) as usize);
        for (y, covers) in (place.top..).zip(rows) {
            if (0..self.height as i32).contains(&y) && first < last {
                let start = 3 * (y as usize * self.width as usize + first as usize);
                let covers = &covers[(first - place.left) as usize..(last - place.left) as usize];
                mix(&mut self.bytes[start..], covers, [r, g, b]);
            }
        }
    }
}

/// Mixes ink into a row of pixels.
fn mix(row: &mut [u8], covers: &[u8], ink: [u8; 3]) {
    /// Long curves cover little of the box around them.
    const STRIDE: usize = 32;
    let blocks = covers.chunks(STRIDE).zip(row.chunks_mut(3 * STRIDE));
    for (covers, pixels) in blocks {
        if covers.iter().fold(0, |any, cover| any | cover) == 0 {
            continue;
        }
        for (&cover, pixel) in covers.iter().zip(pixels.chunks_exact_mut(3)) {
            if cover == u8::MAX {
                pixel.copy_from_slice(&ink);
            } else if cover > 0 {
                for (channel, ink) in pixel.iter_mut().zip(ink) {
                    let (paper, cover) = (i32::from(*channel), i32::from(cover));
                    *channel = (paper + ((i32::from(ink) - paper) * cover + 127) / 255) as u8;
                }
            }
        }
    }
}

/// Straight lines through points of the canvas.
fn lines(points: impl IntoIterator<Item = BackendCoord>) -> Vec<Command> {
    let mut path = Vec::new();
    for (x, y) in points {
        let pixel = [x as f32 * SCALE, y as f32 * SCALE];
        match path.is_empty() {
            true => path.move_to(pixel),
            false => path.line_to(pixel),
        };
    }
    path
}

impl Canvas for Raster {
    /// Fills the outlines of the glyphs.
    fn write(&mut self, run: &Run, (x, y): Point, ink: Colour, upward: bool) -> Drawn<Self> {
        let pixels = |length: f64| (length * f64::from(PIXELS)) as f32;
        let (x, y, size) = (pixels(x), pixels(y), pixels(run.size));
        let mut path: Vec<Command> = Vec::new();
        glyphs(&run.text, run.slanted, run.size, |face, glyph, pen| {
            let unit = size / face.units_per_em().unwrap_or(2048.0);
            let place = |point: ab_glyph::Point| -> zeno::Point {
                let (along, above) = (pixels(pen) + unit * point.x, unit * point.y);
                match upward {
                    true => [x - above, y - along].into(),
                    false => [x + along, y - above].into(),
                }
            };
            // Curves follow each other within each contour.
            let curves = face.outline(glyph).map(|outline| outline.curves);
            for curve in curves.into_iter().flatten() {
                let (start, command) = match curve {
                    OutlineCurve::Line(a, b) => (a, Command::LineTo(place(b))),
                    OutlineCurve::Quad(a, b, c) => (a, Command::QuadTo(place(b), place(c))),
                    OutlineCurve::Cubic(a, b, c, d) => {
                        (a, Command::CurveTo(place(b), place(c), place(d)))
                    }
                };
                if path.current_point() != place(start) {
                    path.move_to(place(start));
                }
                path.push(command);
            }
        });
        self.cover(&path, Fill::NonZero, BackendStyle::color(&ink));
        Ok(())
    }
}

impl DrawingBackend for Raster {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn ensure_prepared(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn present(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, ink: BackendColor) -> Drawn<Self> {
        self.fill_polygon([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)], &ink)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn<Self> {
        let mut stroke = Stroke::new(style.stroke_width() as f32 * SCALE);
        stroke.join(Join::Round);
        self.cover(&lines(points), stroke, style.color());
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn<Self> {
        let mut path = lines(corners);
        path.close();
        self.cover(&path, Fill::NonZero, style.color());
        Ok(())
    }
}
