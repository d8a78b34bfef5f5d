//! The legend: inside the panel where it covers nothing, else in rows above it.

use super::geometry::{Point, Rect};
use super::label_placement::{Occupied, best};
use super::page::{Key, Sample};
use super::scene::{Anchor, Scene, centred};
use super::style::{INK, TEXT};
use super::text::Line;
use super::text_fit::shortened;

/// Length of a line sample.
const SAMPLE: f64 = 34.0;
/// Between sample and label.
const GAP: f64 = 8.0;
/// From one row to the next.
const ROW: f64 = 19.0;
/// Between two entries of a row.
const SPACE: f64 = 24.0;
/// Widest label.
const WIDEST: f64 = 230.0;
/// Kept clear around a legend inside.
const MARGIN: f64 = 6.0;

/// Labels laid out, ready to be drawn in either place.
pub(super) struct Legend<'a> {
    entries: Vec<(&'a Key, Line)>,
}

impl<'a> Legend<'a> {
    /// Measures the entries.
    pub(super) fn new(keys: &'a [Key]) -> Self {
        let named = keys.iter().filter(|key| !key.label.is_empty());
        let entries = named.map(|key| (key, shortened(&key.label, TEXT, WIDEST)));
        Self {
            entries: entries.collect(),
        }
    }

    /// Draws the entries below each other inside `panel`, where they cover no curve, no level and no text;
    /// answers whether there was room. `edges` are the sides of the bands, which they cross only where they
    /// must.
    pub(super) fn draw_where_free(
        &self,
        scene: &mut Scene,
        panel: &Rect,
        occupied: &Occupied,
        edges: &[f64],
    ) -> bool {
        const COLUMNS: u8 = 24;
        const ROWS: u8 = 12;
        let widest = self.entries.iter().map(|entry| entry.1.width);
        let width = SAMPLE + GAP + widest.fold(0.0, f64::max) + 2.0 * MARGIN;
        let height = ROW * self.entries.len() as f64 + MARGIN;
        let (across, down) = (panel.width() - width, panel.height() - height);
        let steps = (0..=COLUMNS).flat_map(|column| (0..=ROWS).map(move |row| (column, row)));
        let places = steps.map(|(column, row)| {
            let left = panel.right - width - across * f64::from(column) / f64::from(COLUMNS);
            let top = panel.top + down * f64::from(row) / f64::from(ROWS);
            let crossed = edges.iter().filter(|x| left < **x && **x < left + width);
            let place = Rect::at(left, top, width, height);
            (place, 0.1 * crossed.count() as f64)
        });
        let places = places.filter(|(place, _)| panel.contains(&place.grown(-1e-6)));
        let choice = best(places, |place| occupied.cost(place)).filter(|choice| choice.1 < 1.0);
        if let Some((place, _)) = choice {
            // Rows of no width have one entry each.
            self.draw_rows(scene, (place.left + MARGIN, place.top + MARGIN / 2.0), 0.0);
        }
        choice.is_some() || self.entries.is_empty()
    }

    /// Draws the entries in rows no wider than `room`, downwards from their upper left corner; answers where
    /// they end.
    pub(super) fn draw_rows(&self, scene: &mut Scene, (left, top): Point, room: f64) -> f64 {
        let (mut pen, mut y) = (0.0, top + ROW / 2.0);
        for (index, (key, line)) in self.entries.iter().enumerate() {
            let width = SAMPLE + GAP + line.width;
            if index > 0 && pen + width > room {
                (pen, y) = (0.0, y + ROW);
            }
            draw_entry(scene, key, line, (left + pen, y));
            pen += width + SPACE;
        }
        y + ROW / 2.0 + 6.0
    }
}

/// The samples and their label.
fn draw_entry(scene: &mut Scene, key: &Key, line: &Line, (x, y): Point) {
    for sample in &key.samples {
        match sample {
            Sample::Line(style) => scene.stroke(&[(x, y), (x + SAMPLE, y)], style),
            Sample::Marker(marker) => scene.marker((x + SAMPLE / 2.0, y), marker),
            Sample::Hatch => scene.hatch(&Rect::at(x + 6.0, y - 6.0, SAMPLE - 12.0, 12.0)),
        }
    }
    let at = (x + SAMPLE + GAP, centred(y, line.size));
    scene.text(line.clone(), at, Anchor::Start, INK);
}
