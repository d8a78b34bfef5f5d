//! A stretch of the axis across: a double-headed arrow and its text, where the fewest curves pass.

use super::geometry::{Point, Rect};
use super::label_placement::best;
use super::layers::Painter;
use super::page::Span;
use super::scene::{Anchor, Scene, centred};
use super::style::{HAIRLINE, INK, TEXT};
use super::text::{Line, line_of};

/// Clear space around the text.
const MARGIN: f64 = 4.0;

/// One way to draw the arrow and its text, from the start of its baseline.
struct Candidate<'a> {
    arrow: Rect,
    line: &'a Line,
    at: Point,
}

impl Painter<'_> {
    /// Draws the arrow where it and its text cover the least, and remembers their place. One that is
    /// not needed is left out where its text would cover a curve.
    pub(super) fn span(&mut self, span: &Span) {
        let Some(stretch) = self.frame.stretch(span.from, span.to) else {
            return;
        };
        let lines = [1.0, 0.88, 0.76].map(|shrink| line_of(&span.text, shrink * TEXT));
        let candidates = candidates(&self.frame.data, (stretch.left, stretch.right), &lines);
        let choice = best(candidates, |one| self.covered(one, span.needed));
        let choice = choice.filter(|choice| span.needed || choice.1.is_finite());
        if let Some((Candidate { arrow, line, at }, _)) = choice {
            self.occupied.add_box(arrow.grown(6.0));
            self.occupied.add_box(line.rect(at).grown(MARGIN));
            draw_arrow(self.scene, &arrow);
            self.scene.text(line.clone(), at, Anchor::Start, INK);
        }
    }

    /// Covered curve, with the text counted double; without bound where the text of a span that is not
    /// needed covers a curve.
    fn covered(&self, one: &Candidate<'_>, needed: bool) -> f64 {
        let text = one.line.rect(one.at);
        if !needed && self.occupied.cost(&text) > 0.0 {
            return f64::INFINITY;
        }
        // The ends lie on the curve whose crossings they mark.
        let inset = (one.arrow.width() / 4.0).min(12.0);
        let mut arrow = one.arrow.grown(2.0);
        (arrow.left, arrow.right) = (arrow.left + inset, arrow.right - inset);
        let outside = f64::from(u8::from(!self.frame.data.contains(&arrow)));
        let covered = self.occupied.cost(&arrow) + 50.0 * outside;
        2.0 * self.occupied.cost(&text.grown(MARGIN)) + covered
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
    /// From the arrow to text beside it.
    const GAP: f64 = 8.0;
    /// What smaller type must gain.
    const GAIN: f64 = 30.0;
    let mut candidates = Vec::new();
    for (rank, line) in lines.iter().enumerate() {
        let centre = (from + to - line.width) / 2.0;
        let most = data.right - line.width - 2.0;
        // As far as the panel's sides allow.
        let start = |shift: f64| (centre + shift).min(most).max(data.left + 2.0);
        for step in 0..=(data.height() / STEP) as i32 {
            let aside = STEP * f64::from((step + 1) / 2);
            let y = data.middle().1 + if step % 2 == 0 { aside } else { -aside };
            let (above, below) = (y - 5.0 - line.descent(), y + 5.0 + line.ascent());
            let shifted = SHIFTS.map(|shift| ((start(shift), above), 0.1 * shift.abs()));
            let others = [
                ((start(0.0), below), 1.0),
                ((to + GAP, centred(y, line.size)), 6.0),
                ((from - GAP - line.width, centred(y, line.size)), 7.0),
            ];
            for (at, penalty) in shifted.into_iter().chain(others) {
                if data.contains(&line.rect(at).grown(1.0)) {
                    let arrow = Rect::at(from, y - 3.0, to - from, 6.0);
                    let penalty = penalty + GAIN * rank as f64 + 0.02 * aside;
                    candidates.push((Candidate { arrow, line, at }, penalty));
                }
            }
        }
    }
    candidates
}

/// A line with a head at each end; a very short one gets smaller heads.
fn draw_arrow(scene: &mut Scene, arrow: &Rect) {
    let (from, to, y) = (arrow.left, arrow.right, arrow.middle().1);
    let head = (0.45 * (to - from)).min(8.0);
    scene.stroke(&[(from + 0.8 * head, y), (to - 0.8 * head, y)], &HAIRLINE);
    scene.head((from, y), (-1.0, 0.0), head, INK);
    scene.head((to, y), (1.0, 0.0), head, INK);
}
