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
        let entries = keys
            .iter()
            .filter(|key| !key.label.is_empty())
            .map(|key| (key, shortened(&key.label, TEXT, WIDEST)))
            .collect();
        Self { entries }
    }

    /// A place inside `panel` where the legend covers no curve, no level and no text. `edges`
    /// are the sides of the bands, which it crosses only where it must.
    fn room_inside(&self, panel: &Rect, occupied: &Occupied, edges: &[f64]) -> Option<Rect> {
        const COLUMNS: u8 = 24;
        const ROWS: u8 = 12;
        let widest = self.entries.iter().map(|entry| entry.1.width);
        let width = SAMPLE + GAP + widest.fold(0.0, f64::max) + 2.0 * MARGIN;
        let height = ROW * self.entries.len() as f64 + MARGIN;
        let (across, down) = (panel.width() - width, panel.height() - height);
        if across < 0.0 || down < 0.0 {
            return None;
        }
        let steps = (0..=COLUMNS).flat_map(|column| (0..=ROWS).map(move |row| (column, row)));
        let crossed = |rect: &Rect| {
            let inside = |x: &&f64| rect.left < **x && **x < rect.right;
            0.1 * edges.iter().filter(inside).count() as f64
        };
        let places = steps.map(|(column, row)| {
            let left = panel.right - width - across * f64::from(column) / f64::from(COLUMNS);
            let top = panel.top + down * f64::from(row) / f64::from(ROWS);
            let rect = Rect::at(left, top, width, height);
            (rect, crossed(&rect))
        });
        best(places, |rect| occupied.cost(rect))
            .and_then(|(rect, cost)| (cost < 1.0).then_some(rect))
    }

    /// Draws the entries inside `panel` where they cover nothing; answers whether there was room.
    pub(super) fn draw_where_free(
        &self,
        scene: &mut Scene,
        panel: &Rect,
        occupied: &Occupied,
        edges: &[f64],
    ) -> bool {
        if self.entries.is_empty() {
            return true;
        }
        let Some(place) = self.room_inside(panel, occupied, edges) else {
            return false;
        };
        // One below the other.
        self.draw_rows(scene, (place.left + MARGIN, place.top + MARGIN / 2.0), 0.0);
        true
    }

    /// The entries in rows no wider than `room`, each with its start.
    fn rows(&self, room: f64) -> Vec<Vec<(f64, usize)>> {
        let mut rows: Vec<Vec<(f64, usize)>> = Vec::new();
        let mut pen = 0.0;
        for (index, (_, line)) in self.entries.iter().enumerate() {
            let width = SAMPLE + GAP + line.width;
            match rows.last_mut() {
                Some(row) if pen + width <= room => row.push((pen, index)),
                _ => {
                    pen = 0.0;
                    rows.push(vec![(0.0, index)]);
                }
            }
            pen += width + SPACE;
        }
        rows
    }

    /// The height that rows no wider than `room` take.
    pub(super) fn height(&self, room: f64) -> f64 {
        ROW * self.rows(room).len() as f64 + 6.0
    }

    /// Draws the entries in rows no wider than `room`, downwards from their upper left corner.
    pub(super) fn draw_rows(&self, scene: &mut Scene, (left, top): Point, room: f64) {
        for (row, places) in self.rows(room).into_iter().enumerate() {
            let y = top + ROW * (row as f64 + 0.5);
            for (start, index) in places {
                draw_entry(scene, &self.entries[index], left + start, y);
            }
        }
    }
}

/// The samples and their label.
fn draw_entry(scene: &mut Scene, (key, line): &(&Key, Line), x: f64, y: f64) {
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
