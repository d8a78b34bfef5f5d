//! One panel: bands, levels, curves, dots, and what is written among them.

use super::axes::Axis;
use super::content::{Content, Dot, Trace};
use super::fit::shortened;
use super::geometry::{Point, Rect, clip_path, simplify};
use super::legend::Legend;
use super::phase;
use super::place::{Clutter, best, nudged};
use super::scene::{Anchor, Mark, Scene, centred, text_box};
use super::style::{BAND, GREY, HAIRLINE, LineStyle, SHOULDER, TEXT};
use super::text::Fonts;

/// Height of the strip on top of the data in which the bands are named.
pub(super) const STRIP: f64 = 22.0;
/// How far a simplified curve may lie beside the data.
const TOLERANCE: f64 = 0.1;
/// From one label at the right edge to the next.
const LABEL_ROW: f64 = 16.0;
/// From the panel's edge to its labels; leaders of nudged labels run in it.
pub(super) const LABEL_GAP: f64 = 14.0;
/// Widest label at the right edge.
pub(super) const LABEL_WIDEST: f64 = 130.0;

/// A panel's place and axes.
pub(super) struct Frame {
    /// The whole panel, with the strip.
    pub(super) rect: Rect,
    /// Where curves may be.
    pub(super) data: Rect,
    pub(super) time: Axis,
    pub(super) value: Axis,
}

impl Frame {
    /// A point of the data on the page.
    fn point(&self, (time, value): (f64, f64)) -> Point {
        (self.time.place(time), self.value.place(value))
    }

    /// The part of a band inside the panel, where there is any.
    fn band(&self, from: f64, to: f64) -> Option<Rect> {
        let [left, right] =
            [from, to].map(|t| self.time.place(t).clamp(self.rect.left, self.rect.right));
        (left < right).then_some(Rect {
            left,
            right,
            ..self.rect
        })
    }
}

/// Draws everything but the axes; the legend only where there is room inside, which is answered.
pub(super) fn draw(
    scene: &mut Scene,
    frame: &Frame,
    content: &Content<'_>,
    legend: Option<&Legend<'_>>,
    fonts: &Fonts,
) -> bool {
    let mut clutter = Clutter::default();
    draw_bands(scene, frame, content);
    draw_rules(scene, frame, content, fonts, &mut clutter);
    for trace in &content.traces {
        draw_trace(scene, frame, trace, &mut clutter);
    }
    if content.named {
        name_bands(scene, frame, content, fonts);
    }
    for dot in &content.dots {
        let (x, y) = frame.point((dot.time, dot.value));
        clutter.add_box(Rect::at(x - 5.0, y - 5.0, 10.0, 10.0));
        if content.dropped {
            draw_drop(scene, frame, dot);
            clutter.add_curve(vec![(x, y), (x, frame.data.bottom)]);
        }
    }
    for dot in &content.dots {
        draw_dot(scene, frame, dot, content.dropped, fonts, &mut clutter);
    }
    if let Some(phase) = content.phase {
        phase::draw(
            scene,
            frame,
            &mut clutter,
            phase,
            content.phase_needed,
            fonts,
        );
    }
    let edges: Vec<f64> = content
        .bands
        .iter()
        .flat_map(|band| [band.from, band.to])
        .map(|t| frame.time.place(t))
        .collect();
    let found = legend.and_then(|legend| {
        let place = legend.room_inside(&frame.data, &clutter, &edges)?;
        Some((legend, place))
    });
    if let Some((legend, place)) = found {
        legend.draw_inside(scene, &place);
    }
    found.is_some()
}

/// The shades of the plateaus.
fn draw_bands(scene: &mut Scene, frame: &Frame, content: &Content<'_>) {
    for band in content.bands {
        let colour = if band.shoulder { SHOULDER } else { BAND };
        if let Some(rect) = frame.band(band.from, band.to) {
            scene.marks.push(Mark::Area { rect, colour });
        }
    }
}

/// The names of the plateaus, in the strip: the label, else the saddle, else nothing.
fn name_bands(scene: &mut Scene, frame: &Frame, content: &Content<'_>, fonts: &Fonts) {
    let mut taken = Clutter::default();
    for band in content.bands {
        let Some(rect) = frame.band(band.from, band.to) else {
            continue;
        };
        let baseline = centred(rect.top + STRIP / 2.0 + 1.0, TEXT);
        let at = ((rect.left + rect.right) / 2.0, baseline);
        let fitting = [&band.label, &band.saddle]
            .into_iter()
            .filter(|label| !label.is_empty())
            .map(|label| fonts.line(label, TEXT))
            .find(|line| line.width + 6.0 <= rect.width());
        let free = fitting.filter(|line| !taken.is_taken(&text_box(line, at, Anchor::Middle)));
        if let Some(line) = free {
            taken.add_box(text_box(&line, at, Anchor::Middle).grown(3.0));
            scene.text(line, at, Anchor::Middle, GREY);
        }
    }
}

/// The levels and their labels at the right edge, nudged apart.
fn draw_rules(
    scene: &mut Scene,
    frame: &Frame,
    content: &Content<'_>,
    fonts: &Fonts,
    clutter: &mut Clutter,
) {
    let edge = frame.rect.right;
    let heights: Vec<f64> = content
        .rules
        .iter()
        .map(|rule| frame.value.place(rule.value))
        .collect();
    let (top, bottom) = (frame.rect.top + 6.0, frame.rect.bottom - 4.0);
    let places = nudged(&heights, LABEL_ROW, top, bottom);
    for ((rule, y), place) in content.rules.iter().zip(heights).zip(places) {
        let path = vec![(frame.data.left, y), (edge, y)];
        scene.stroke(&path, &rule.style);
        clutter.add_curve(path);
        let Some(place) = place.filter(|_| !rule.label.is_empty()) else {
            continue;
        };
        let leader = LineStyle {
            colour: rule.ink,
            width: 0.7,
            dash: &[],
        };
        let bend = [
            (edge + 1.0, y),
            (edge + 4.0, y),
            (edge + LABEL_GAP - 3.0, place),
        ];
        scene.stroke(&bend, &leader);
        let line = shortened(fonts, &rule.label, TEXT, LABEL_WIDEST);
        let at = (edge + LABEL_GAP, centred(place, TEXT));
        scene.text(line, at, Anchor::Start, rule.ink);
    }
}

/// A curve, cut at the panel's edge; an arrow head shows where one leaves for good.
fn draw_trace(scene: &mut Scene, frame: &Frame, trace: &Trace, clutter: &mut Clutter) {
    let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut last = None;
    for stretch in trace.points.split(|point| !finite(point)) {
        let path: Vec<Point> = stretch.iter().map(|point| frame.point(*point)).collect();
        let path = match path[..] {
            // A lone point shows as a short dash.
            [(x, y)] => vec![(x - 2.0, y), (x + 2.0, y)],
            _ => path,
        };
        for piece in clip_path(&frame.data, &path) {
            let piece = simplify(&piece, TOLERANCE);
            scene.stroke(&piece, &trace.style);
            last = piece.last().copied();
            clutter.add_curve(piece);
        }
    }
    let beyond = trace
        .points
        .iter()
        .rfind(|point| finite(point))
        .is_some_and(|point| frame.point(*point).1 < frame.data.top - 1.0);
    if let Some(exit) = last.filter(|exit| beyond && exit.1 < frame.data.top + 1.0) {
        let tip = (exit.0, exit.1 - 1.0);
        scene.head(tip, (0.0, -1.0), 9.0, trace.style.colour);
    }
}

/// The line from a dot to the time axis.
fn draw_drop(scene: &mut Scene, frame: &Frame, dot: &Dot) {
    let (x, y) = frame.point((dot.time, dot.value));
    if frame.data.left <= x && x <= frame.data.right {
        let style = LineStyle {
            colour: dot.colour,
            width: 1.2,
            dash: &[1.6, 2.4],
        };
        scene.stroke(
            &[(x, y.max(frame.data.top)), (x, frame.data.bottom)],
            &style,
        );
    }
}

/// A dot and its label, near it or along its dropped line, where the least is covered.
fn draw_dot(
    scene: &mut Scene,
    frame: &Frame,
    dot: &Dot,
    dropped: bool,
    fonts: &Fonts,
    clutter: &mut Clutter,
) {
    let (x, y) = frame.point((dot.time, dot.value));
    if !frame.rect.contains(&Rect::at(x, y, 0.0, 0.0)) {
        return;
    }
    scene.dot((x, y), 4.2, dot.colour);
    let line = fonts.line(&dot.label, TEXT);
    let mut places = Vec::new();
    if dropped {
        let steps = ((frame.data.bottom - y) / 5.0) as i32;
        for step in 0..steps {
            let baseline = frame.data.bottom - 7.0 - 5.0 * f64::from(step);
            places.extend([(x + 6.0, baseline), (x - 6.0 - line.width, baseline)]);
        }
    }
    for far in [8.0, 12.0, 16.0, 22.0] {
        let (level, above, below) = (centred(y, TEXT), y - far, y + far + line.ascent());
        let (right, left) = (x + far, x - far - line.width);
        for baseline in [level, above, below] {
            places.extend([(right, baseline), (left, baseline)]);
        }
        let middle = x - line.width / 2.0;
        places.extend([(middle, above), (middle, below)]);
    }
    let inside = |at: &Point| {
        let rect = text_box(&line, *at, Anchor::Start);
        frame.data.contains(&rect)
    };
    let choice = best(places.into_iter().filter(inside), |at| {
        clutter.cost(&text_box(&line, *at, Anchor::Start).grown(1.5))
    });
    if let Some((at, _)) = choice.filter(|choice| choice.1.is_finite()) {
        clutter.add_box(text_box(&line, at, Anchor::Start).grown(2.0));
        scene.text(line, at, Anchor::Start, dot.colour);
    }
}

/// The left and bottom axis lines.
pub(super) fn draw_spines(scene: &mut Scene, frame: &Frame) {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = frame.rect;
    scene.stroke(&[(left, top), (left, bottom), (right, bottom)], &HAIRLINE);
}
