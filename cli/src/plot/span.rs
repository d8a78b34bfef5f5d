//! A stretch of the axis across: a double-headed arrow and its text, where the fewest curves pass.

use super::geometry::{Point, Rect};
use super::label_placement::{Occupied, best};
use super::layers::Frame;
use super::page::Span;
use super::scene::{Anchor, Scene, centred, text_box};
use super::style::{HAIRLINE, INK, TEXT};
use super::text::{Line, line_of};

/// Clear space around the text.
const MARGIN: f64 = 4.0;
/// From the arrow to text beside it.
const GAP: f64 = 8.0;

/// One way to draw the arrow and its text.
struct Candidate<'a> {
    /// The arrow.
    arrow: Rect,
    line: &'a Line,
    /// Start of the text's baseline.
    at: Point,
}

/// Draws the arrow where it and its text cover the least, and remembers their place. One that is
/// not needed is left out where its text would cover a curve.
pub(super) fn draw(scene: &mut Scene, frame: &Frame, occupied: &mut Occupied, span: &Span) {
    let ends = [span.from, span.to].map(|x| frame.x.place(x));
    let [from, to] = ends.map(|x| x.clamp(frame.data.left, frame.data.right));
    if !(from.is_finite() && to.is_finite() && to > from) {
        return;
    }
    let lines = [1.0, 0.88, 0.76].map(|shrink| line_of(&span.text, shrink * TEXT));
    let candidates = candidates(&frame.data, (from, to), &lines);
    let choice = best(candidates, |one| covered(frame, occupied, one, span.needed));
    if let Some((Candidate { arrow, line, at }, cost)) = choice
        && (span.needed || cost.is_finite())
    {
        occupied.add_box(arrow.grown(6.0));
        occupied.add_box(text_box(line, at, Anchor::Start).grown(MARGIN));
        draw_arrow(scene, &arrow);
        scene.text(line.clone(), at, Anchor::Start, INK);
    }
}

/// Every height, from the middle outwards, with the text above, below or beside the arrow, inside
/// the panel, and its penalty in units of covered curve.
fn candidates<'a>(
    data: &Rect,
    (from, to): (f64, f64),
    lines: &'a [Line],
) -> Vec<(Candidate<'a>, f64)> {
    /// From one height to the next.
    const STEP: f64 = 6.0;
    /// How far the text above the arrow may stand from its middle.
    const SHIFTS: [f64; 5] = [0.0, 20.0, -20.0, 40.0, -40.0];
    /// What smaller type must gain.
    const GAIN: f64 = 30.0;
    let middle = (data.top + data.bottom) / 2.0;
    let steps = (data.height() / STEP) as i32;
    let mut candidates = Vec::new();
    for (rank, line) in lines.iter().enumerate() {
        let centre = (from + to - line.width) / 2.0;
        let most = data.right - line.width - 2.0;
        // As far as the panel's sides allow.
        let start = |shift: f64| (centre + shift).min(most).max(data.left + 2.0);
        for step in 0..=steps {
            let aside = STEP * f64::from((step + 1) / 2);
            let y = middle + if step % 2 == 0 { aside } else { -aside };
            let (above, beside) = (y - 5.0 - line.descent(), centred(y, line.size));
            let shifted = SHIFTS.map(|shift| ((start(shift), above), 0.1 * shift.abs()));
            let others = [
                ((start(0.0), y + 5.0 + line.ascent()), 1.0),
                ((to + GAP, beside), 6.0),
                ((from - GAP - line.width, beside), 7.0),
            ];
            for (at, penalty) in shifted.into_iter().chain(others) {
                if data.contains(&text_box(line, at, Anchor::Start).grown(1.0)) {
                    let arrow = Rect::at(from, y - 3.0, to - from, 6.0);
                    let penalty = penalty + GAIN * rank as f64 + 0.02 * aside;
                    candidates.push((Candidate { arrow, line, at }, penalty));
                }
            }
        }
    }
    candidates
}

/// Covered curve, with the text counted double; without bound where the text of a span that is not
/// needed covers a curve.
fn covered(frame: &Frame, occupied: &Occupied, one: &Candidate<'_>, needed: bool) -> f64 {
    let text = text_box(one.line, one.at, Anchor::Start);
    if !needed && occupied.cost(&text) > 0.0 {
        return f64::INFINITY;
    }
    // The ends lie on the curve whose crossings they mark.
    let inset = (one.arrow.width() / 4.0).min(12.0);
    let mut arrow = one.arrow.grown(2.0);
    arrow.left += inset;
    arrow.right -= inset;
    let outside = match frame.data.contains(&arrow) {
        true => 0.0,
        false => 50.0,
    };
    2.0 * occupied.cost(&text.grown(MARGIN)) + occupied.cost(&arrow) + outside
}

/// A line with a head at each end; a very short one gets smaller heads.
fn draw_arrow(scene: &mut Scene, arrow: &Rect) {
    let (from, to) = (arrow.left, arrow.right);
    let y = (arrow.top + arrow.bottom) / 2.0;
    let head = (0.45 * (to - from)).min(8.0);
    scene.stroke(&[(from + 0.8 * head, y), (to - 0.8 * head, y)], &HAIRLINE);
    scene.head((from, y), (-1.0, 0.0), head, INK);
    scene.head((to, y), (1.0, 0.0), head, INK);
}
