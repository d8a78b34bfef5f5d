//! Which ticks an axis has, so that their labels are clear of each other, and how they are drawn.

use super::axes::{Scale, Ticks};
use super::numbers::{labels, significant};
use super::page::{Axis, TickPlaces};
use super::scene::{Anchor, Scene, centred};
use super::style::{HAIRLINE, INK, TICK};
use super::text::line_of;

/// Length of a labelled tick.
const LENGTH: f64 = 5.0;
/// From the spine to its tick labels.
pub(super) const GAP: f64 = 9.0;

/// How far labels may reach beyond the ends of an axis across without meeting those of the next panel.
const FAR: f64 = 16.0;

/// The ticks of an axis: of what it may have, the most whose labels are clear of each other.
pub(super) fn ticks(axis: &Axis, scale: &Scale) -> Ticks {
    match &axis.ticks {
        TickPlaces::Round => round_ticks(scale),
        TickPlaces::At(values) => ticks_at(scale, values).unwrap_or_else(|| round_ticks(scale)),
        TickPlaces::Cells(values) => cell_ticks(scale, values),
    }
}

/// As many ticks at round values as their labels leave clear; up the page they stand further apart than
/// they need to.
pub(super) fn round_ticks(scale: &Scale) -> Ticks {
    let most = match scale.is_up() {
        true => ((scale.ends.0 - scale.ends.1) / 40.0) as usize,
        false => 10,
    };
    let mut choices = (2..=most).rev().map(|most| scale.round_ticks(most));
    let clear = choices.find(|ticks| are_clear(ticks, scale));
    clear.unwrap_or_else(|| scale.round_ticks(2))
}

/// How far from each other labels are clear.
fn gap(scale: &Scale) -> f64 {
    if scale.is_up() { 0.4 * TICK } else { 10.0 }
}

/// Whether the labels are clear of each other.
fn are_clear(ticks: &Ticks, scale: &Scale) -> bool {
    let labels = ticks.major.iter();
    let labels: Vec<(f64, f64)> = labels.map(|(v, label)| reach(*v, label, scale)).collect();
    let mut pairs = labels.windows(2);
    pairs.all(|pair| is_clear(pair[0], pair[1], scale))
}

/// Whether two labels that reach from and to there are clear of each other.
fn is_clear(a: (f64, f64), b: (f64, f64), scale: &Scale) -> bool {
    (b.0 - a.1).max(a.0 - b.1) >= gap(scale)
}

/// From where to where a label reaches along its axis.
fn reach(value: f64, label: &str, scale: &Scale) -> (f64, f64) {
    let place = scale.place(value);
    let half = match scale.is_up() {
        true => 0.5 * TICK,
        false => 0.5 * line_of(label, TICK).width,
    };
    (place - half, place + half)
}

/// A tick at the first and the last cell (the first alone where both have no room), and between them at every one
/// whose label is clear of those before it and of the last.
fn cell_ticks(scale: &Scale, values: &[f64]) -> Ticks {
    let mut major: Vec<(f64, String)> = values.iter().copied().zip(labels(values)).collect();
    let reaches = major.iter().map(|(v, label)| reach(*v, label, scale));
    let reaches: Vec<(f64, f64)> = reaches.collect();
    let end = major.len().saturating_sub(1);
    let mut chosen: Vec<usize> = Vec::new();
    for n in 0..reaches.len() {
        let last = (0 < n && n < end).then_some(end);
        let mut near = chosen.last().copied().into_iter().chain(last);
        if near.all(|other| is_clear(reaches[other], reaches[n], scale)) {
            chosen.push(n);
        }
    }
    let mut places = 0..;
    major.retain(|_| places.next().is_some_and(|place| chosen.contains(&place)));
    Ticks {
        major,
        ..Ticks::default()
    }
}

/// Ticks at some values, where they are few, short to write and clear of each other; between them
/// the unlabelled ones that the axis has by itself.
fn ticks_at(scale: &Scale, values: &[f64]) -> Option<Ticks> {
    const MOST: usize = 6;
    const DIGITS: usize = 3;
    let mut values = values.to_vec();
    values.retain(|value| scale.range.0 <= *value && *value <= scale.range.1);
    values.sort_by(f64::total_cmp);
    let is_short = |value: &f64| {
        let short = format!("{value:.*e}", DIGITS - 1).parse();
        short.is_ok_and(|short: f64| (value - short).abs() <= 1e-9 * value.abs())
    };
    if values.is_empty() || values.len() > MOST || !values.iter().all(is_short) {
        return None;
    }
    let labelled = values
        .into_iter()
        .map(|value| (value, significant(value, DIGITS)));
    let ticks = Ticks {
        major: labelled.collect(),
        minor: scale.round_ticks(MOST).minor,
        factor: None,
    };
    are_clear(&ticks, scale).then_some(ticks)
}

/// Draws ticks at `edge`, below or left of a panel, and their labels where these are wanted and have room.
pub(super) fn draw(scene: &mut Scene, scale: &Scale, ticks: &Ticks, edge: f64, labelled: bool) {
    let minor = ticks.minor.iter().map(|value| (*value, 0.5 * LENGTH));
    let major = ticks.major.iter().map(|(value, _)| (*value, LENGTH));
    for (value, length) in minor.chain(major) {
        let place = scale.place(value);
        let ends = match scale.is_up() {
            true => [(edge - length, place), (edge, place)],
            false => [(place, edge), (place, edge + length)],
        };
        scene.stroke(&ends, &HAIRLINE);
    }
    for (value, label) in ticks.major.iter().filter(|_| labelled) {
        let (line, place) = (line_of(label, TICK), scale.place(*value));
        let (from, to) = reach(*value, label, scale);
        let (at, anchor) = match scale.is_up() {
            true => ((edge - GAP, centred(place, TICK)), Anchor::End),
            false => ((place, edge + GAP + line.ascent()), Anchor::Middle),
        };
        if scale.is_up() || (scale.ends.0 - FAR <= from && to <= scale.ends.1 + FAR) {
            scene.text(line, at, anchor, INK);
        }
    }
}

/// Width of the widest label.
pub(super) fn widest(ticks: &Ticks) -> f64 {
    let labels = ticks.major.iter();
    let widths = labels.map(|(_, label)| line_of(label, TICK).width);
    widths.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(range: (f64, f64), log: bool, values: &[f64]) -> String {
        let ticks = ticks_at(&Scale::new(range, (0.0, 500.0), log), values);
        let labels = ticks.into_iter().flat_map(|ticks| ticks.major);
        labels.map(|(_, label)| label + " ").collect()
    }

    #[test]
    fn few_short_values_have_ticks_of_their_own() {
        assert_eq!(labels((60.0, 800.0), true, &[700.0, 70.0]), "70 700 ");
        assert_eq!(labels((0.9, 4.1), false, &[1.0, 2.0, 3.0, 4.0]), "1 2 3 4 ");
        // Too many, too long, too near.
        let many: Vec<f64> = (1..9).map(f64::from).collect();
        assert_eq!(labels((0.0, 9.0), false, &many), "");
        assert_eq!(labels((0.1, 1.0), true, &[0.1865, 0.3]), "");
        assert_eq!(labels((0.0, 100.0), false, &[1.0, 1.5]), "");
        assert_eq!(labels((0.0, 1.0), false, &[]), "");
    }

    #[test]
    fn labels_of_cells_that_would_collide_are_left_out_but_for_the_first_and_the_last() {
        let shown = |range, values: &[f64], log| {
            let ticks = cell_ticks(&Scale::new(range, (200.0, 0.0), log), values);
            let shown: Vec<f64> = ticks.major.iter().map(|(value, _)| *value).collect();
            shown
        };
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let ticks = shown((-0.5, 99.5), &values, false);
        let from_nine = |k: u32| 9.0 * f64::from(k);
        assert_eq!(ticks, Vec::from_iter((0..12).map(from_nine)));
        // Dense at one end only: there alone labels are left out.
        let values = [1.0, 2.0, 3.0, 4.0, 40.0, 70.0, 97.0, 100.0];
        let ticks = shown((0.0, 100.0), &values, false);
        assert_eq!(ticks, [1.0, 40.0, 70.0, 100.0]);
        assert_eq!(shown((1.0, 1.001), &[1.0, 1.001], false), [1.0, 1.001]);
        assert_eq!(shown((0.0, 100.0), &[1.0, 2.0], false), [1.0]);
    }
}
