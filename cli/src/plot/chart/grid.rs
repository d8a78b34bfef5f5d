//! Panels of equal size side by side, in rows, with titles above and one name up the page.

use super::super::fit::wrapped;
use super::super::geometry::Rect;
use super::super::page::{self, EDGE};
use super::super::scene::{Anchor, Scene};
use super::super::style::{INK, TEXT, WIDTH};
use super::super::text::{Fonts, Line};

/// Most panels in a row.
const MOST: usize = 3;
/// Between two panels of a row.
const ACROSS: f64 = 36.0;
/// How far tick labels may reach beyond their panel without meeting those of the next.
pub(super) const REACH: f64 = 16.0;
/// Between two rows.
const DOWN: f64 = 16.0;
/// Widest panel.
const WIDEST: f64 = 440.0;
/// Blank right of the last panel, into which half a tick label reaches.
const RIGHT: f64 = 24.0;

/// Where panels stand across the page, and the name of the axis up.
pub(super) struct Grid {
    /// Left edge of the name of the axis up.
    name_left: f64,
    left: f64,
    width: f64,
    height: f64,
    columns: usize,
    name: Vec<Line>,
    /// Kept free between a panel and its title.
    above: f64,
}

impl Grid {
    /// A grid for `count` panels, `tall` times as high as wide, with room at the left for tick
    /// labels of the width `tick` and for `name`.
    pub(super) fn new(count: usize, tall: f64, tick: f64, name: &str, fonts: &Fonts) -> Self {
        // Rows of equal length where that is possible: four panels stand two by two.
        let rows = count.div_ceil(MOST).max(1);
        let columns = count.div_ceil(rows).max(1);
        let gaps = ACROSS * (columns - 1) as f64;
        // The height of the panels depends on their width, which depends on the rows of the
        // name: two rows are allowed for.
        let room = page::left_room(2, tick);
        let across = WIDTH - EDGE - RIGHT - EDGE - room - gaps;
        let width = (across / columns as f64).clamp(40.0, WIDEST);
        let height = width * tall;
        let name = wrapped(fonts, name, TEXT, height, 2);
        let room = page::left_room(name.len(), tick);
        let total = room + width * columns as f64 + gaps;
        let name_left = ((WIDTH - total) / 2.0).max(EDGE);
        Self {
            name_left,
            left: name_left + room,
            width,
            height,
            columns,
            name,
            above: 0.0,
        }
    }

    /// With room kept free between a panel and its title.
    pub(super) fn with_room_above(self, above: f64) -> Self {
        Self { above, ..self }
    }

    /// Left edge of the first panel.
    pub(super) fn left(&self) -> f64 {
        self.left
    }

    /// Height of a panel.
    pub(super) fn height(&self) -> f64 {
        self.height
    }

    /// Middle of the panels.
    pub(super) fn middle(&self) -> f64 {
        let gaps = ACROSS * (self.columns - 1) as f64;
        self.left + (self.width * self.columns as f64 + gaps) / 2.0
    }

    /// Draws the panels from `top` on and answers where they end. `panel` draws one in its
    /// place, which is the first of a row or not, and answers where it ends.
    pub(super) fn draw<T>(
        &self,
        scene: &mut Scene,
        top: f64,
        panels: &[T],
        title: impl Fn(&T) -> &str,
        panel: impl Fn(&mut Scene, &T, &Rect, bool) -> f64,
        fonts: &Fonts,
    ) -> f64 {
        let mut y = top;
        for (index, row) in panels.chunks(self.columns).enumerate() {
            y += if index > 0 { DOWN } else { 0.0 };
            let titles: Vec<Vec<Line>> = row
                .iter()
                .map(|one| wrapped(fonts, title(one), TEXT, self.width, 2))
                .collect();
            let rows = titles.iter().map(Vec::len).max().unwrap_or(0);
            let upper = y + 1.3 * TEXT * rows as f64 + 6.0 + self.above;
            let mut bottom = upper;
            for (column, (one, lines)) in row.iter().zip(titles).enumerate() {
                let left = self.left + (self.width + ACROSS) * column as f64;
                let rect = Rect::at(left, upper, self.width, self.height);
                self.draw_title(scene, lines, &rect);
                bottom = bottom.max(panel(scene, one, &rect, column == 0));
                if column == 0 {
                    page::draw_name_left(scene, &self.name, self.name_left, &rect);
                }
            }
            y = bottom;
        }
        y
    }

    /// The title of a panel, its last row just above it.
    fn draw_title(&self, scene: &mut Scene, lines: Vec<Line>, rect: &Rect) {
        let middle = (rect.left + rect.right) / 2.0;
        for (above, line) in lines.into_iter().rev().enumerate() {
            let baseline = rect.top - 8.0 - self.above - 1.3 * TEXT * above as f64;
            scene.text(line, (middle, baseline), Anchor::Middle, INK);
        }
    }
}
