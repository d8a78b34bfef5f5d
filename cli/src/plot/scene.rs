//! A figure as a list of marks in figure units: what the layout makes and the canvas draws.

use super::geometry::{Point, Rect, clip_segment, dashes};
use super::style::{Colour, HAIRLINE, HATCH, LineStyle, MISSING};
use super::text::{Line, has_glyph};
use std::collections::BTreeSet;

/// From one line of text to the next, in type sizes.
pub(super) const LEADING: f64 = 1.35;

/// One thing to draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) form: Form,
    pub(super) colour: Colour,
}

/// What a mark looks like, apart from its colour.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// A path of some width.
    Stroke(Vec<Point>, f64),
    /// A filled polygon.
    Polygon(Vec<Point>),
    /// Text from the start of its baseline; upward text runs up the page.
    Text { line: Line, at: Point, upward: bool },
}

/// Which point of a line of text its place means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The marks of a figure, back to front.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
}

impl Scene {
    /// An empty page, whose height is not known yet.
    pub(super) fn new(width: f64) -> Self {
        Self {
            width,
            height: 0.0,
            marks: Vec::new(),
        }
    }

    /// Letters of its texts that the font does not have.
    pub(super) fn missing_letters(&self) -> BTreeSet<char> {
        let lines = self.marks.iter().filter_map(|mark| match &mark.form {
            Form::Text { line, .. } => Some(line),
            Form::Stroke(..) | Form::Polygon(_) => None,
        });
        let letters = lines.flat_map(|line| line.runs.iter().flat_map(|run| run.text.chars()));
        letters.filter(|letter| !has_glyph(*letter)).collect()
    }

    /// Draws upon everything else.
    pub(super) fn push(&mut self, form: Form, colour: Colour) {
        self.marks.push(Mark { form, colour });
    }

    /// Draws a path in a line style.
    pub(super) fn stroke(&mut self, path: &[Point], style: &LineStyle) {
        for points in dashes(path, style.dash) {
            self.push(Form::Stroke(points, style.width), style.colour);
        }
    }

    /// Fills a rectangle.
    pub(super) fn area(&mut self, rect: Rect, colour: Colour) {
        self.push(Form::Polygon(rect.corners().to_vec()), colour);
    }

    /// The four sides of a rectangle, from the middle of one on, so that all corners are joined.
    pub(super) fn outline(&mut self, rect: &Rect) {
        let [a, b, c, d] = rect.corners();
        let middle = (rect.middle().0, rect.top);
        self.stroke(&[middle, b, c, d, a, middle], &HAIRLINE);
    }

    /// A patch in the pattern that stands for a missing value.
    pub(super) fn hatch(&mut self, rect: &Rect) {
        const STEP: f64 = 5.0;
        self.area(*rect, MISSING);
        // Lines at 45 degrees, all from one lattice, so that those of neighbours join.
        let first = ((rect.left + rect.top) / STEP).ceil() as i64;
        let last = ((rect.right + rect.bottom) / STEP).floor() as i64;
        for sum in (first..=last).map(|i| i as f64 * STEP) {
            let [from, to] = [rect.top, rect.bottom].map(|y| (sum - y, y));
            if let Some((from, to)) = clip_segment(rect, from, to) {
                self.stroke(&[from, to], &HATCH);
            }
        }
    }

    /// A solid arrow head of length `size` with its tip at `tip`, pointing along the
    /// unit vector `(dx, dy)`.
    pub(super) fn head(&mut self, tip: Point, (dx, dy): Point, size: f64, colour: Colour) {
        let base = (tip.0 - size * dx, tip.1 - size * dy);
        let half = 0.42 * size;
        let left = (base.0 - half * dy, base.1 + half * dx);
        let right = (base.0 + half * dy, base.1 - half * dx);
        self.push(Form::Polygon(vec![tip, left, right]), colour);
    }

    /// Writes a line of text with its baseline at `at`.
    pub(super) fn text(&mut self, line: Line, (x, y): Point, anchor: Anchor, colour: Colour) {
        let before = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => line.width / 2.0,
            Anchor::End => line.width,
        };
        let (at, upward) = ((x - before, y), false);
        self.push(Form::Text { line, at, upward }, colour);
    }

    /// Writes a line of text that runs up the page, centred on `middle`.
    pub(super) fn upward(&mut self, line: Line, x: f64, middle: f64, colour: Colour) {
        let (at, upward) = ((x, middle + line.width / 2.0), true);
        self.push(Form::Text { line, at, upward }, colour);
    }

    /// Writes lines of text below each other, from `top` on; answers where they end.
    pub(super) fn rows(
        &mut self,
        lines: Vec<Line>,
        (x, top): Point,
        anchor: Anchor,
        colour: Colour,
    ) -> f64 {
        let mut y = top;
        for line in lines {
            let (baseline, next) = (y + 0.9 * line.size, y + LEADING * line.size);
            self.text(line, (x, baseline), anchor, colour);
            y = next;
        }
        y
    }
}

/// The baseline that centres capitals of this size on `y`.
pub(super) fn centred(y: f64, size: f64) -> f64 {
    y + 0.36 * size
}

/// The boxes of all texts of a scene.
#[cfg(test)]
pub(super) fn text_boxes(scene: &Scene) -> Vec<Rect> {
    let text = |mark: &Mark| match &mark.form {
        Form::Text { line, at, upward } if *upward => {
            let from = (at.0 - line.ascent(), at.1 - line.width);
            Some(Rect::around(&[from, (at.0 + line.descent(), at.1)]))
        }
        Form::Text { line, at, .. } => Some(line.rect(*at)),
        _ => None,
    };
    scene.marks.iter().filter_map(text).collect()
}
