//! A stretch of the axis across: a double-headed arrow and its text, where the fewest curves pass.

use super::geometry::Rect;
use super::page::Span;
use super::panel::Frame;
use super::place::Occupied;
use super::scene::{Anchor, Scene, centred, text_box};
use super::style::{HAIRLINE, INK, TEXT};
use super::text::{Line, line_of};

/// Clear space around the text.
const MARGIN: f64 = 4.0;
/// From the arrow to text beside it.
const GAP: f64 = 8.0;

/// One way to draw the arrow and its text.
#[derive(Clone, Copy)]
struct Layout {
    /// Height of the arrow.
    y: f64,
    /// Start of the text's baseline.
    text: (f64, f64),
    /// How much less this is liked than the plainest one, in units of covered curve.
    dislike: f64,
}

/// Draws the arrow where it and its text cover the least, and remembers their place. One that is
/// not needed is left out where its text would cover a curve.
pub(super) fn draw(scene: &mut Scene, frame: &Frame, occupied: &mut Occupied, span: &Span) {
    let ends = [span.from, span.to].map(|x| frame.x.place(x));
    let [from, to] = ends.map(|x| x.clamp(frame.data.left, frame.data.right));
    if !(from.is_finite() && to.is_finite() && to > from) {
        return;
    }
    let Some((line, layout)) = choose(frame, occupied, (from, to), &span.text) else {
        return;
    };
    let text = text_box(&line, layout.text, Anchor::Start);
    if span.needed || occupied.cost(&text) == 0.0 {
        occupied.add_box(arrow_box(from, to, layout.y).grown(6.0));
        occupied.add_box(text.grown(MARGIN));
        draw_arrow(scene, from, to, layout.y);
        scene.text(line, layout.text, Anchor::Start, INK);
    }
}

/// The text and the layout that cover the least; smaller type only where larger covers something.
fn choose(
    frame: &Frame,
    occupied: &Occupied,
    (from, to): (f64, f64),
    text: &str,
) -> Option<(Line, Layout)> {
    /// What smaller type must gain.
    const GAIN: f64 = 20.0;
    let lines = [1.0, 0.92, 0.84, 0.76].map(|shrink| line_of(text, shrink * TEXT));
    let mut layouts: Vec<(&Line, Layout)> = Vec::new();
    for (rank, line) in lines.iter().enumerate() {
        for mut layout in layouts_of(&frame.data, from, to, line) {
            layout.dislike += GAIN * rank as f64;
            layouts.push((line, layout));
        }
    }
    layouts.sort_by(|a, b| a.1.dislike.total_cmp(&b.1.dislike));
    let mut found: Option<((&Line, Layout), f64)> = None;
    for (line, layout) in layouts {
        let least = found.map_or(f64::INFINITY, |known| known.1);
        if layout.dislike >= least {
            break;
        }
        let cost = price(frame, occupied, (from, to), line, &layout);
        if cost < least {
            found = Some(((line, layout), cost));
        }
    }
    found.map(|((line, layout), _)| (line.clone(), layout))
}

/// Every height with the text above, below or beside the arrow, inside the panel.
fn layouts_of(data: &Rect, from: f64, to: f64, line: &Line) -> Vec<Layout> {
    let middle = (data.top + data.bottom) / 2.0;
    let slack = (to - from) - line.width;
    let mut layouts = Vec::new();
    let steps = (data.height() / 3.0) as i32;
    for step in 0..=steps {
        let y = data.top + 3.0 * f64::from(step);
        let (above, below) = (y - 5.0 - line.descent(), y + 5.0 + line.ascent());
        let beside = centred(y, line.size);
        // Wider than the arrow, the text lines up with one of its ends.
        let wide = if slack < 0.0 { 3.0 } else { 0.0 };
        let options = [
            ((from + slack / 2.0, above), wide),
            ((from + slack / 2.0, below), wide + 1.0),
            ((from + GAP, above), 4.0),
            ((from + GAP, below), 5.0),
            ((to - GAP - line.width, above), 4.5),
            ((to - GAP - line.width, below), 5.5),
            ((to + GAP, beside), 6.0),
            ((from - GAP - line.width, beside), 7.0),
        ];
        for (text, dislike) in options {
            let layout = Layout {
                y,
                text,
                dislike: dislike + 0.02 * (y - middle).abs(),
            };
            if data.contains(&text_box(line, text, Anchor::Start).grown(1.0)) {
                layouts.push(layout);
            }
        }
    }
    layouts
}

/// Covered curve, with the text counted double, and dislike.
fn price(
    frame: &Frame,
    occupied: &Occupied,
    (from, to): (f64, f64),
    line: &Line,
    layout: &Layout,
) -> f64 {
    let text = text_box(line, layout.text, Anchor::Start).grown(MARGIN);
    // The ends lie on the curve whose crossings they mark.
    let inset = ((to - from) / 4.0).min(12.0);
    let mut arrow = arrow_box(from, to, layout.y).grown(2.0);
    arrow.left += inset;
    arrow.right -= inset;
    let outside = if frame.data.contains(&arrow) {
        0.0
    } else {
        50.0
    };
    2.0 * occupied.cost(&text) + occupied.cost(&arrow) + outside + layout.dislike
}

/// The box of the arrow.
fn arrow_box(from: f64, to: f64, y: f64) -> Rect {
    Rect::at(from, y - 3.0, to - from, 6.0)
}

/// A line with a head at each end; a very short one gets smaller heads.
fn draw_arrow(scene: &mut Scene, from: f64, to: f64, y: f64) {
    let head = (0.45 * (to - from)).min(8.0);
    scene.stroke(&[(from + 0.8 * head, y), (to - 0.8 * head, y)], &HAIRLINE);
    scene.head((from, y), (-1.0, 0.0), head, INK);
    scene.head((to, y), (1.0, 0.0), head, INK);
}
