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
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle, FontTransform,
};
use std::convert::Infallible;
use zeno::{Command, Fill, Join, Mask, PathBuilder, Scratch, Stroke, Style};

use super::canvas::{FINENESS, TEXT_LEAD, TEXT_SCALE};
use super::style::PIXELS;
use super::text::glyphs;

/// Pixels per unit of the canvas.
const SCALE: f32 = PIXELS as f32 / FINENESS as f32;

/// A page of pixels, red, green and blue.
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bytes: Vec<u8>,
}

/// Draws on such a page.
pub(super) struct Raster<'p> {
    page: &'p mut Pixels,
    /// What a path covers; kept, since many large ones are drawn.
    mask: Vec<u8>,
    /// What zeno works with, kept as well.
    scratch: Scratch,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Pixels {
    /// A white page for a canvas of this size.
    pub(super) fn new((width, height): (u32, u32)) -> Self {
        let pixels = |units: u32| (units as f32 * SCALE).ceil() as u32;
        let (width, height) = (pixels(width), pixels(height));
        Self {
            width,
            height,
            bytes: vec![255; width as usize * height as usize * 3],
        }
    }
}

impl<'p> Raster<'p> {
    /// Draws on a page.
    pub(super) fn on(page: &'p mut Pixels) -> Self {
        Self {
            page,
            mask: Vec::new(),
            scratch: Scratch::new(),
        }
    }

    /// Mixes a colour into the pixels that a path covers.
    fn cover<'s>(&mut self, path: &[Command], style: impl Into<Style<'s>>, colour: BackendColor) {
        let mask = &mut self.mask;
        let place = Mask::with_scratch(path, &mut self.scratch)
            .style(style)
            .inspect(|format, width, height| {
                mask.clear();
                mask.resize(format.buffer_size(width, height), 0);
            })
            .render_into(mask, None);
        let (r, g, b) = colour.rgb;
        let first = place.left.max(0);
        let last = (place.left + place.width as i32).min(self.page.width as i32);
        let rows = self.mask.chunks_exact(place.width.max(1) as usize);
        for (y, covers) in (place.top..).zip(rows) {
            if (0..self.page.height as i32).contains(&y) && first < last {
                let start = 3 * (y as usize * self.page.width as usize + first as usize);
                let covers = &covers[(first - place.left) as usize..(last - place.left) as usize];
                mix(&mut self.page.bytes[start..], covers, [r, g, b]);
            }
        }
    }
}

/// The outlines of a text.
fn outlines(text: &str, font: &Lettering) -> Vec<Command> {
    let mut path: Vec<Command> = Vec::new();
    glyphs(
        text,
        font.slanted,
        f64::from(font.size),
        |face, glyph, pen| {
            let unit = font.size / face.units_per_em().unwrap_or(2048.0);
            let place =
                |point: ab_glyph::Point| font.place(pen as f32 + unit * point.x, -unit * point.y);
            let outline = face.outline(glyph);
            let curves = outline.map_or(Vec::new(), |outline| outline.curves);
            add_contours(&mut path, &curves, place);
        },
    );
    path
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

/// Adds the curves of a glyph, which follow each other within each contour.
fn add_contours(
    path: &mut Vec<Command>,
    curves: &[OutlineCurve],
    place: impl Fn(ab_glyph::Point) -> [f32; 2],
) {
    let mut last = None;
    for curve in curves {
        let (from, to) = match curve {
            OutlineCurve::Line(from, to)
            | OutlineCurve::Quad(from, _, to)
            | OutlineCurve::Cubic(from, _, _, to) => (*from, *to),
        };
        if last != Some(from) {
            path.move_to(place(from));
        }
        match curve {
            OutlineCurve::Line(..) => path.line_to(place(to)),
            OutlineCurve::Quad(_, control, _) => path.quad_to(place(*control), place(to)),
            OutlineCurve::Cubic(_, a, b, _) => path.curve_to(place(*a), place(*b), place(to)),
        };
        last = Some(to);
    }
}

/// Where and how a text is written, in pixels.
struct Lettering {
    baseline: [f32; 2],
    size: f32,
    slanted: bool,
    upward: bool,
}

impl Lettering {
    /// plotters places the top of a text; its size is a multiple of the em.
    fn of<S: BackendTextStyle>(style: &S, at: BackendCoord) -> Self {
        let size = (style.size() / TEXT_SCALE) as f32 * SCALE;
        let upward = matches!(style.transform(), FontTransform::Rotate270);
        let lead = TEXT_LEAD as f32 * size;
        let [x, y] = pixel(at);
        Self {
            baseline: if upward { [x + lead, y] } else { [x, y + lead] },
            size,
            slanted: !matches!(style.style(), FontStyle::Normal),
            upward,
        }
    }

    /// The pixel of a point that lies so far along the baseline and so far below it.
    fn place(&self, along: f32, below: f32) -> [f32; 2] {
        let [x, y] = self.baseline;
        match self.upward {
            true => [x + below, y - along],
            false => [x + along, y + below],
        }
    }
}

/// A point of the canvas in pixels.
fn pixel((x, y): BackendCoord) -> [f32; 2] {
    [x as f32 * SCALE, y as f32 * SCALE]
}

/// Straight lines through points.
fn lines(points: impl IntoIterator<Item = BackendCoord>) -> Vec<Command> {
    let mut path = Vec::new();
    for point in points {
        match path.is_empty() {
            true => path.move_to(pixel(point)),
            false => path.line_to(pixel(point)),
        };
    }
    path
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let units = |pixels: u32| (pixels as f32 / SCALE) as u32;
        (units(self.page.width), units(self.page.height))
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn {
        let (x, y) = point;
        self.fill_polygon([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)], &colour)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        let mut stroke = Stroke::new(style.stroke_width() as f32 * SCALE);
        stroke.join(Join::Round);
        self.cover(&lines(points), stroke, style.color());
        Ok(())
    }

    /// Circles are always filled here.
    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        let mut path: Vec<Command> = Vec::new();
        path.add_circle(pixel(centre), radius as f32 * SCALE);
        self.cover(&path, Fill::NonZero, style.color());
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let mut path = lines(corners);
        path.close();
        self.cover(&path, Fill::NonZero, style.color());
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let path = outlines(text, &Lettering::of(style, at));
        self.cover(&path, Fill::NonZero, style.color());
        Ok(())
    }
}
