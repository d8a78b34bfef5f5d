//! What every page has: the title, ticks and their labels, notes below.

use super::axes::{Axis, Ticks};
use super::fit::wrapped;
use super::geometry::Rect;
use super::numbers::significant;
use super::scene::{Anchor, Scene, centred};
use super::style::{GREY, HAIRLINE, INK, TEXT, TICK, TITLE, WIDTH};
use super::text::{Fonts, Line};

/// Blank edge of the page.
pub(super) const EDGE: f64 = 12.0;
/// Length of a labelled tick.
const TICK_LENGTH: f64 = 5.0;
/// From the spine to its tick labels.
pub(super) const TICK_GAP: f64 = 9.0;

/// From one line of text to the next, in type sizes.
const LEADING: f64 = 1.35;

/// Draws the title and answers where the panels may start.
pub(super) fn draw_title(scene: &mut Scene, title: &str, middle: f64, fonts: &Fonts) -> f64 {
    // Centred over the panels as far as the page's edges allow.
    let room = 2.0 * (middle.min(scene.width - middle) - EDGE);
    let mut y = EDGE;
    for line in wrapped(fonts, title, TITLE, room, 2) {
        let at = (middle, y + line.ascent() + 2.0);
        y += LEADING * line.size;
        scene.text(line, at, Anchor::Middle, INK);
    }
    y + 10.0
}

/// As many ticks of an axis across the page as their labels leave clear of each other.
pub(super) fn clear_ticks(axis: &Axis, fonts: &Fonts) -> Ticks {
    let choices = (3..=10).rev().map(|most| axis.ticks(most));
    choices
        .into_iter()
        .find(|ticks| are_clear(ticks, axis, fonts))
        .unwrap_or_else(|| axis.ticks(2))
}

/// Ticks at some values, where they are few, short to write and clear of each other; between them
/// the unlabelled ones that the axis has by itself.
pub(super) fn ticks_at(axis: &Axis, values: &[f64], fonts: &Fonts) -> Option<Ticks> {
    const MOST: usize = 6;
    const DIGITS: usize = 3;
    let mut values = values.to_vec();
    values.retain(|value| axis.low <= *value && *value <= axis.high);
    values.sort_by(f64::total_cmp);
    let is_short = |value: &f64| {
        let short = format!("{value:.*e}", DIGITS - 1)
            .parse()
            .unwrap_or(f64::NAN);
        (value - short).abs() <= 1e-9 * value.abs()
    };
    if values.is_empty() || values.len() > MOST || !values.iter().all(is_short) {
        return None;
    }
    let labels = values.iter().map(|value| significant(*value, DIGITS));
    let ticks = Ticks {
        major: values.iter().copied().zip(labels).collect(),
        minor: axis.ticks(MOST).minor,
        factor: None,
    };
    are_clear(&ticks, axis, fonts).then_some(ticks)
}

/// Whether the labels are clear of each other.
fn are_clear(ticks: &Ticks, axis: &Axis, fonts: &Fonts) -> bool {
    let spans: Vec<(f64, f64)> = ticks
        .major
        .iter()
        .map(|(value, label)| (axis.place(*value), fonts.line(label, TICK).width / 2.0))
        .collect();
    spans
        .windows(2)
        .all(|pair| pair[0].0 + pair[0].1 + 12.0 <= pair[1].0 - pair[1].1)
}

/// The ticks, without the labels that reach further than `reach` beyond the ends of the axis.
pub(super) fn kept_near(ticks: Ticks, axis: &Axis, reach: f64, fonts: &Fonts) -> Ticks {
    let near = |(value, label): &(f64, String)| {
        let (x, half) = (axis.place(*value), fonts.line(label, TICK).width / 2.0);
        axis.start - reach <= x - half && x + half <= axis.end + reach
    };
    let (major, far): (Vec<_>, Vec<_>) = ticks.major.into_iter().partition(near);
    let mut minor = ticks.minor;
    minor.extend(far.into_iter().map(|(value, _)| value));
    Ticks {
        major,
        minor,
        factor: ticks.factor,
    }
}

/// Ticks of an axis at the height `bottom`, with or without labels.
pub(super) fn draw_ticks_below(
    scene: &mut Scene,
    axis: &Axis,
    ticks: &Ticks,
    (bottom, labelled): (f64, bool),
    fonts: &Fonts,
) {
    for value in &ticks.minor {
        let x = axis.place(*value);
        scene.stroke(&[(x, bottom), (x, bottom + 0.5 * TICK_LENGTH)], &HAIRLINE);
    }
    for (value, label) in &ticks.major {
        let x = axis.place(*value);
        scene.stroke(&[(x, bottom), (x, bottom + TICK_LENGTH)], &HAIRLINE);
        if labelled {
            let line = fonts.line(label, TICK);
            let at = (x, bottom + TICK_GAP + line.ascent());
            scene.text(line, at, Anchor::Middle, INK);
        }
    }
}

/// Ticks and tick labels of an axis up the page at `left`.
pub(super) fn draw_ticks_left(
    scene: &mut Scene,
    axis: &Axis,
    ticks: &Ticks,
    left: f64,
    fonts: &Fonts,
) {
    for value in &ticks.minor {
        let y = axis.place(*value);
        scene.stroke(&[(left - 0.5 * TICK_LENGTH, y), (left, y)], &HAIRLINE);
    }
    for (value, label) in &ticks.major {
        let y = axis.place(*value);
        scene.stroke(&[(left - TICK_LENGTH, y), (left, y)], &HAIRLINE);
        let at = (left - TICK_GAP, centred(y, TICK));
        scene.text(fonts.line(label, TICK), at, Anchor::End, INK);
    }
}

/// What the labels at the left are to be multiplied with, above a panel.
pub(super) fn draw_factor_above(scene: &mut Scene, factor: &str, panel: &Rect, fonts: &Fonts) {
    let at = (panel.left - TICK_LENGTH, panel.top - 0.5 * TICK);
    scene.text(fonts.line(factor, TICK), at, Anchor::Start, INK);
}

/// Height of the room that the factor takes above a panel.
pub(super) fn factor_room(ticks: &Ticks) -> f64 {
    match ticks.factor {
        Some(_) => 1.5 * TICK,
        None => 0.0,
    }
}

/// Width of the widest tick label.
pub(super) fn widest_label(ticks: &Ticks, fonts: &Fonts) -> f64 {
    let widths = ticks
        .major
        .iter()
        .map(|(_, label)| fonts.line(label, TICK).width);
    widths.fold(0.0, f64::max)
}

/// Width of the room left of a panel for tick labels and a name of some rows.
pub(super) fn left_room(rows: usize, widest: f64) -> f64 {
    let further = LEADING * rows.saturating_sub(1) as f64;
    (1.2 + further) * TEXT + 8.0 + widest + TICK_GAP
}

/// Writes the name of the axis up the page, its rows from `left` on.
pub(super) fn draw_name_left(scene: &mut Scene, name: &[Line], left: f64, panel: &Rect) {
    let middle = (panel.top + panel.bottom) / 2.0;
    for (row, line) in name.iter().enumerate() {
        let x = left + (1.0 + LEADING * row as f64) * TEXT;
        scene.upward(line.clone(), x, middle, INK);
    }
}

/// Writes the name of the axis across below its tick labels, with their factor; answers where it
/// ends.
pub(super) fn draw_name_below(
    scene: &mut Scene,
    name: &str,
    axis: &Axis,
    ticks: &Ticks,
    bottom: f64,
    fonts: &Fonts,
) -> f64 {
    let mut baseline = bottom + TICK_GAP + TICK + 8.0 + 0.9 * TEXT;
    let factor = ticks.factor.as_ref().map(|factor| fonts.line(factor, TICK));
    let taken = factor.as_ref().map_or(0.0, |line| line.width + 12.0);
    if let Some(factor) = factor {
        scene.text(factor, (axis.end, baseline), Anchor::End, INK);
    }
    let room = axis.end - axis.start - 2.0 * taken;
    let middle = (axis.start + axis.end) / 2.0;
    for (row, line) in wrapped(fonts, name, TEXT, room, 2).into_iter().enumerate() {
        if row > 0 {
            baseline += LEADING * TEXT;
        }
        scene.text(line, (middle, baseline), Anchor::Middle, INK);
    }
    baseline + 0.4 * TEXT
}

/// Writes notes below each other from `top`, between `left` and the page's edge; answers where
/// they end.
pub(super) fn draw_notes(
    scene: &mut Scene,
    notes: &[String],
    left: f64,
    top: f64,
    fonts: &Fonts,
) -> f64 {
    let room = scene.width - EDGE - left;
    let mut y = top;
    for note in notes {
        for line in wrapped(fonts, note, TICK, room, 2) {
            y += LEADING * TICK;
            scene.text(line, (left, y), Anchor::Start, GREY);
        }
    }
    if notes.is_empty() { y } else { y + 0.4 * TICK }
}

/// A page that says that there is nothing to show.
pub(super) fn nothing(title: &str, fonts: &Fonts) -> Scene {
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = draw_title(&mut scene, title, WIDTH / 2.0, fonts);
    let frame = Rect::at(2.0 * EDGE, top, WIDTH - 4.0 * EDGE, 160.0);
    scene.outline(&frame, &HAIRLINE);
    let line = fonts.line("nothing to show: no finite values", TEXT);
    let at = (WIDTH / 2.0, centred((frame.top + frame.bottom) / 2.0, TEXT));
    scene.text(line, at, Anchor::Middle, GREY);
    scene.height = frame.bottom + EDGE;
    scene
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, log: bool, values: &[f64]) -> Option<Vec<String>> {
        let fonts = Fonts::load().unwrap_or_else(|error| panic!("{error}"));
        let axis = Axis {
            low,
            high,
            start: 0.0,
            end: 500.0,
            log,
        };
        let ticks = ticks_at(&axis, values, &fonts)?;
        Some(ticks.major.into_iter().map(|(_, label)| label).collect())
    }

    #[test]
    fn few_short_values_have_ticks_of_their_own() {
        let found = labels(60.0, 800.0, true, &[700.0, 70.0]).unwrap_or_default();
        assert_eq!(found, ["70", "700"]);
        let found = labels(0.9, 4.1, false, &[1.0, 2.0, 3.0, 4.0]).unwrap_or_default();
        assert_eq!(found, ["1", "2", "3", "4"]);
        // Too many, too long, too near.
        let many: Vec<f64> = (1..9).map(f64::from).collect();
        assert_eq!(labels(0.0, 9.0, false, &many), None);
        assert_eq!(labels(0.0, 1.0, true, &[0.1865, 0.3]), None);
        assert_eq!(labels(0.0, 100.0, false, &[1.0, 1.5]), None);
        assert_eq!(labels(0.0, 1.0, false, &[]), None);
    }
}
