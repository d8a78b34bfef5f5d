//! What fills a panel: coloured cells, or arrows.

use super::axes::Scale;
use super::geometry::{Point, Rect, clip_segment};
use super::layers::Frame;
use super::page::{Arrow, Axis, Cells, Panel};
use super::scene::Scene;
use super::style::{Colour, LineStyle};

/// The head of an arrow over its length.
const HEAD: f64 = 0.42;

/// How far a cell reaches under the next, so that no viewer shows a seam.
const UNDER: f64 = 0.5;

/// The cells, the first row lowest, between the edges of the axes.
pub(super) fn draw_cells(scene: &mut Scene, frame: &Frame, panel: &Panel, cells: &Cells) {
    let places = |axis: &Axis, scale: &Scale| -> Vec<f64> {
        axis.edges().iter().map(|edge| scale.place(*edge)).collect()
    };
    let (across, up) = (places(&panel.x, &frame.x), places(&panel.y, &frame.y));
    let columns = across.len().saturating_sub(1).max(1);
    // Downwards, so that each cell covers what the one above it reaches too far.
    for (row, ends) in up.windows(2).enumerate().rev() {
        let values = cells.values.iter().skip(row * columns).take(columns);
        for (sides, value) in across.windows(2).zip(values) {
            let right = (sides[1] + UNDER).min(frame.rect.right);
            let bottom = (ends[0] + UNDER).min(frame.rect.bottom);
            let cell = Rect::around(&[(sides[0], ends[1]), (right, bottom)]);
            let colour = cells.colours.zip(*value);
            match colour.and_then(|(colours, value)| colours.colour(value)) {
                Some(colour) => scene.area(cell, colour),
                None => scene.hatch(&cell),
            }
        }
    }
}

/// The arrows, as long as their distance allows.
pub(super) fn draw_arrows(scene: &mut Scene, frame: &Frame, arrows: &[Arrow]) {
    let (width, height) = (frame.data.width(), frame.data.height());
    let count = arrows.len().max(1) as f64;
    let length = (0.68 * (width * height / count).sqrt()).clamp(5.0, 17.0);
    // Page units for a unit of the data, up to a common factor.
    let (x, y) = (frame.x.range, frame.y.range);
    let scale = (width / (x.1 - x.0), -height / (y.1 - y.0));
    let placed = |arrow: &Arrow| {
        let (middle, along) = frame.inside(arrow.at).zip(direction(arrow, scale))?;
        Some((arrow.colour, middle, along))
    };
    let mut placed: Vec<_> = arrows.iter().filter_map(placed).collect();
    // Those of one colour one after the other, first all lines and then all heads: an SVG has one path for each. No arrow
    // reaches to the next.
    placed.sort_by_key(|(Colour(red, green, blue), ..)| [*red, *green, *blue]);
    for alike in placed.chunk_by(|a, b| a.0 == b.0) {
        for &(colour, middle, along) in alike {
            let on = |far: f64| (middle.0 + far * along.0, middle.1 + far * along.1);
            let (tail, neck) = (on(-0.5 * length), on(0.5 * length - 0.8 * HEAD * length));
            if let Some((from, to)) = clip_segment(&frame.data, tail, neck) {
                scene.stroke(&[from, to], &LineStyle::solid(colour, 1.1));
            }
        }
        for &(colour, middle, along) in alike {
            let half = 0.5 * length;
            let tip = (middle.0 + half * along.0, middle.1 + half * along.1);
            if frame.data.contains(&Rect::around(&[tip])) {
                scene.head(tip, along, HEAD * length, colour);
            }
        }
    }
}

/// The direction of an arrow on the page, of length one; none where it has no velocity.
fn direction(arrow: &Arrow, scale: (f64, f64)) -> Option<Point> {
    let (x, y) = arrow.velocity;
    // Scaled down first, so that nothing overflows.
    let most = x.abs().max(y.abs());
    let (x, y) = (x / most * scale.0, y / most * scale.1);
    let size = x.hypot(y);
    (size.is_finite() && size > 0.0).then(|| (x / size, y / size))
}

#[cfg(test)]
mod tests {
    use super::super::style::INK;
    use super::*;

    #[test]
    fn arrows_point_up_the_page_for_growing_values() {
        let along = |velocity| {
            let (at, colour) = ((0.0, 0.0), INK);
            let arrow = Arrow {
                at,
                velocity,
                colour,
            };
            direction(&arrow, (2.0, -3.0))
        };
        assert_eq!(along((0.0, 1e300)), Some((0.0, -1.0)));
        assert_eq!(along((0.0, 0.0)), None);
        assert_eq!(along((f64::NAN, 1.0)), None);
    }
}
