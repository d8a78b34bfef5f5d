//! What stands round panels: the title, ticks and their labels, names of axes, notes.

use super::axes::{Scale, Ticks};
use super::geometry::Rect;
use super::numbers::{labels, significant};
use super::page::{Axis, TickPlaces};
use super::scene::{Anchor, Scene, centred};
use super::style::{GREY, HAIRLINE, INK, TEXT, TICK, TITLE};
use super::text::{Line, line_of};
use super::text_fit::wrapped;

/// Blank edge of the page.
pub(super) const EDGE: f64 = 12.0;
/// Length of a labelled tick.
const TICK_LENGTH: f64 = 5.0;
/// From the spine to its tick labels.
pub(super) const TICK_GAP: f64 = 9.0;

/// From one line of text to the next, in type sizes.
const LEADING: f64 = 1.35;

/// Draws the title and answers where the panels may start.
pub(super) fn draw_title(scene: &mut Scene, title: &str, middle: f64) -> f64 {
    // Centred over the panels as far as the page's edges allow.
    let room = 2.0 * (middle.min(scene.width - middle) - EDGE);
    let mut y = EDGE;
    for line in wrapped(title, TITLE, room, 2) {
        let at = (middle, y + line.ascent() + 2.0);
        y += LEADING * line.size;
        scene.text(line, at, Anchor::Middle, INK);
    }
    y + 10.0
}

/// The ticks of an axis across the page, as many as their labels leave clear of each other.
pub(super) fn ticks_across(axis: &Axis, scale: &Scale) -> Ticks {
    match &axis.ticks {
        TickPlaces::Round => clear_ticks(scale),
        TickPlaces::At(values) => ticks_at(scale, values).unwrap_or_else(|| clear_ticks(scale)),
        TickPlaces::Cells(values) => {
            let room = |label: &str| line_of(label, TICK).width + 10.0;
            cell_ticks(values, room, scale)
        }
    }
}

/// The ticks of an axis up the page.
pub(super) fn ticks_up(axis: &Axis, scale: &Scale) -> Ticks {
    /// Round ticks stand about this far apart.
    const STEP: f64 = 40.0;
    match &axis.ticks {
        TickPlaces::Cells(values) => cell_ticks(values, |_| 1.4 * TICK, scale),
        TickPlaces::Round | TickPlaces::At(_) => {
            scale.ticks(((scale.start - scale.end).abs() / STEP) as usize)
        }
    }
}

/// A tick at every cell, or at every so many that the labels, which take the lengths `room`,
/// stay clear of each other.
fn cell_ticks(values: &[f64], room: impl Fn(&str) -> f64, scale: &Scale) -> Ticks {
    let labels = labels(values);
    let cell = (scale.end - scale.start).abs() / labels.len().max(1) as f64;
    let widest = labels.iter().map(|label| room(label)).fold(0.0, f64::max);
    let stride = (widest / cell).ceil().max(1.0) as usize;
    let places = labels.into_iter().enumerate().step_by(stride);
    Ticks {
        major: places.map(|(i, label)| (i as f64 + 0.5, label)).collect(),
        ..Ticks::default()
    }
}

/// As many ticks of an axis across the page as their labels leave clear of each other.
pub(super) fn clear_ticks(scale: &Scale) -> Ticks {
    let choices = (3..=10).rev().map(|most| scale.ticks(most));
    choices
        .into_iter()
        .find(|ticks| are_clear(ticks, scale))
        .unwrap_or_else(|| scale.ticks(2))
}

/// Ticks at some values, where they are few, short to write and clear of each other; between them
/// the unlabelled ones that the axis has by itself.
fn ticks_at(scale: &Scale, values: &[f64]) -> Option<Ticks> {
    const MOST: usize = 6;
    const DIGITS: usize = 3;
    let mut values = values.to_vec();
    values.retain(|value| scale.low <= *value && *value <= scale.high);
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
        minor: scale.ticks(MOST).minor,
        factor: None,
    };
    are_clear(&ticks, scale).then_some(ticks)
}

/// Whether the labels are clear of each other.
fn are_clear(ticks: &Ticks, scale: &Scale) -> bool {
    let spans: Vec<(f64, f64)> = ticks
        .major
        .iter()
        .map(|(value, label)| (scale.place(*value), line_of(label, TICK).width / 2.0))
        .collect();
    spans
        .windows(2)
        .all(|pair| pair[0].0 + pair[0].1 + 12.0 <= pair[1].0 - pair[1].1)
}

/// The ticks, without the labels that reach further than `reach` beyond the ends of the axis.
pub(super) fn kept_near(ticks: Ticks, scale: &Scale, reach: f64) -> Ticks {
    let near = |(value, label): &(f64, String)| {
        let (x, half) = (scale.place(*value), line_of(label, TICK).width / 2.0);
        scale.start - reach <= x - half && x + half <= scale.end + reach
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

/// The side of a panel at which ticks stand.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Below, at this height.
    Below(f64),
    /// At the left, at this place across.
    Left(f64),
}

/// Ticks of an axis with their labels.
pub(super) fn draw_ticks(scene: &mut Scene, scale: &Scale, ticks: &Ticks, side: Side) {
    draw_bare_ticks(scene, scale, ticks, side);
    for (value, label) in &ticks.major {
        let (line, place) = (line_of(label, TICK), scale.place(*value));
        let (at, anchor) = match side {
            Side::Below(y) => ((place, y + TICK_GAP + line.ascent()), Anchor::Middle),
            Side::Left(x) => ((x - TICK_GAP, centred(place, TICK)), Anchor::End),
        };
        scene.text(line, at, anchor, INK);
    }
}

/// Ticks of an axis without labels.
pub(super) fn draw_bare_ticks(scene: &mut Scene, scale: &Scale, ticks: &Ticks, side: Side) {
    let minor = ticks.minor.iter().map(|value| (*value, 0.5 * TICK_LENGTH));
    let major = ticks.major.iter().map(|(value, _)| (*value, TICK_LENGTH));
    for (value, length) in minor.chain(major) {
        let place = scale.place(value);
        let ends = match side {
            Side::Below(y) => [(place, y), (place, y + length)],
            Side::Left(x) => [(x - length, place), (x, place)],
        };
        scene.stroke(&ends, &HAIRLINE);
    }
}

/// What the labels at the left are to be multiplied with, above a panel.
pub(super) fn draw_factor_above(scene: &mut Scene, factor: &str, panel: &Rect) {
    let at = (panel.left - TICK_LENGTH, panel.top - 0.5 * TICK);
    scene.text(line_of(factor, TICK), at, Anchor::Start, INK);
}

/// Height of the room that the factor takes above a panel.
pub(super) fn factor_room(ticks: &Ticks) -> f64 {
    match ticks.factor {
        Some(_) => 1.5 * TICK,
        None => 0.0,
    }
}

/// Width of the widest tick label.
pub(super) fn widest_label(ticks: &Ticks) -> f64 {
    let widths = ticks
        .major
        .iter()
        .map(|(_, label)| line_of(label, TICK).width);
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
    scale: &Scale,
    ticks: &Ticks,
    bottom: f64,
) -> f64 {
    let mut baseline = bottom + TICK_GAP + TICK + 8.0 + 0.9 * TEXT;
    let factor = ticks.factor.as_ref().map(|factor| line_of(factor, TICK));
    let taken = factor.as_ref().map_or(0.0, |line| line.width + 12.0);
    if let Some(factor) = factor {
        scene.text(factor, (scale.end, baseline), Anchor::End, INK);
    }
    let room = scale.end - scale.start - 2.0 * taken;
    let middle = (scale.start + scale.end) / 2.0;
    for (row, line) in wrapped(name, TEXT, room, 2).into_iter().enumerate() {
        if row > 0 {
            baseline += LEADING * TEXT;
        }
        scene.text(line, (middle, baseline), Anchor::Middle, INK);
    }
    baseline + 0.4 * TEXT
}

/// Writes notes below each other from `top`, between `left` and the page's edge; answers where
/// they end.
pub(super) fn draw_notes(scene: &mut Scene, notes: &[String], left: f64, top: f64) -> f64 {
    let room = scene.width - EDGE - left;
    let mut y = top;
    for note in notes {
        for line in wrapped(note, TICK, room, 2) {
            y += LEADING * TICK;
            scene.text(line, (left, y), Anchor::Start, GREY);
        }
    }
    if notes.is_empty() { y } else { y + 0.4 * TICK }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, log: bool, values: &[f64]) -> Option<Vec<String>> {
        let scale = Scale::new((low, high), (0.0, 500.0), log);
        let ticks = ticks_at(&scale, values)?;
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

    #[test]
    fn labels_of_cells_are_thinned_and_stand_at_the_middles() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let scale = Scale::new((0.0, 100.0), (0.0, 200.0), false);
        let ticks = cell_ticks(&values, |_| 19.0, &scale);
        assert_eq!(ticks.major.len(), 10);
        assert_eq!(ticks.major[1], (10.5, "10".to_owned()));
    }
}
