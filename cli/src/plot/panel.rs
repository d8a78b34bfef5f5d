//! One panel: bands, levels, curves, dots, and what is written among them.

use super::axes::Axis;
use super::content::{Content, Dot, Rule, Trace};
use super::fit::shortened;
use super::geometry::{Point, Rect, clip_path, simplify};
use super::legend::Legend;
use super::page::EDGE;
use super::phase;
use super::place::{Clutter, NEAR, label_place, nudged, places_around};
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
const LABEL_GAP: f64 = 14.0;
/// Widest label at the right edge.
const LABEL_WIDEST: f64 = 130.0;

/// A panel's place and axes.
pub(super) struct Frame {
    /// The whole panel, with the strip.
    pub(super) rect: Rect,
    /// Where curves may be.
    pub(super) data: Rect,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Frame {
    /// A point of the data on the page.
    pub(super) fn point(&self, (x, y): (f64, f64)) -> Point {
        (self.x.place(x), self.y.place(y))
    }

    /// The part of a band inside the panel, where there is any.
    fn band(&self, from: f64, to: f64) -> Option<Rect> {
        let [left, right] =
            [from, to].map(|t| self.x.place(t).clamp(self.rect.left, self.rect.right));
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
    draw_rules(scene, frame, &content.rules, fonts, &mut clutter);
    for trace in &content.traces {
        let last = draw_trace(scene, frame, &trace.points, &trace.style, &mut clutter);
        draw_exit(scene, frame, trace, last);
    }
    if content.named {
        name_bands(scene, frame, content, fonts);
    }
    for dot in &content.dots {
        let (x, y) = frame.point(dot.at);
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
        .map(|t| frame.x.place(t))
        .collect();
    legend.is_some_and(|legend| legend.draw_where_free(scene, &frame.data, &clutter, &edges))
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

/// Where panels on a page of this width end: room for the labels of their levels is left.
pub(super) fn right_edge<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    width: f64,
    fonts: &Fonts,
) -> f64 {
    let level = rules
        .map(|rule| shortened(fonts, &rule.label, TEXT, LABEL_WIDEST).width)
        .fold(0.0, f64::max);
    width - EDGE - (LABEL_GAP + level).max(24.0)
}

/// The levels and their labels at the right edge, nudged apart.
pub(super) fn draw_rules(
    scene: &mut Scene,
    frame: &Frame,
    rules: &[Rule],
    fonts: &Fonts,
    clutter: &mut Clutter,
) {
    let edge = frame.rect.right;
    let heights: Vec<f64> = rules.iter().map(|rule| frame.y.place(rule.value)).collect();
    let (top, bottom) = (frame.rect.top + 6.0, frame.rect.bottom - 4.0);
    let places = nudged(&heights, LABEL_ROW, top, bottom);
    for ((rule, y), place) in rules.iter().zip(heights).zip(places) {
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

/// A curve, cut at the panel's edge; answers where its last piece ends.
pub(super) fn draw_trace(
    scene: &mut Scene,
    frame: &Frame,
    points: &[Point],
    style: &LineStyle,
    clutter: &mut Clutter,
) -> Option<Point> {
    let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut last = None;
    for stretch in points.split(|point| !finite(point)) {
        let path: Vec<Point> = stretch.iter().map(|point| frame.point(*point)).collect();
        let path = match path[..] {
            // A lone point shows as a short dash.
            [(x, y)] => vec![(x - 2.0, y), (x + 2.0, y)],
            _ => path,
        };
        for piece in clip_path(&frame.data, &path) {
            let piece = simplify(&piece, TOLERANCE);
            scene.stroke(&piece, style);
            last = piece.last().copied();
            clutter.add_curve(piece);
        }
    }
    last
}

/// An arrow head where a curve leaves at the top for good; `last` is where its last piece ends.
fn draw_exit(scene: &mut Scene, frame: &Frame, trace: &Trace, last: Option<Point>) {
    let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let end = trace.points.iter().rfind(finite);
    let beyond = end.is_some_and(|point| frame.point(*point).1 < frame.data.top - 1.0);
    if let Some(exit) = last.filter(|exit| beyond && exit.1 < frame.data.top + 1.0) {
        let tip = (exit.0, exit.1 - 1.0);
        scene.head(tip, (0.0, -1.0), 9.0, trace.style.colour);
    }
}

/// The line from a dot to the time axis.
fn draw_drop(scene: &mut Scene, frame: &Frame, dot: &Dot) {
    let (x, y) = frame.point(dot.at);
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
    let (x, y) = frame.point(dot.at);
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
    places.extend(places_around((x, y), &line, &NEAR));
    if let Some(at) = label_place(&frame.data, &line, places, clutter, |_, _| 0.0) {
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
