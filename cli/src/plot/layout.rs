//! Where the panels of a page stand: below each other on one axis across, or side by side in rows on
//! one axis up.

use super::axes::{Scale, Ticks};
use super::field::UNDER;
use super::text_fit::wrapped;
use super::furniture::{self as around, EDGE, Side};
use super::geometry::Rect;
use super::legend::Legend;
use super::page::{Arrangement, Cells, Page, Panel};
use super::layers::{self, Frame};
use super::scene::{Anchor, Scene, centred};
use super::style::{GREY, HAIRLINE, INK, TEXT, WIDTH};
use super::text::{Line, line_of};

/// Width of the page of a square panel.
const SQUARE_PAGE: f64 = 560.0;
/// Between two panels below each other.
const BETWEEN: f64 = 22.0;
/// Most panels side by side.
const MOST: usize = 3;
/// Between two panels side by side.
const ACROSS: f64 = 36.0;
/// How far tick labels may reach beyond their panel without meeting those of the next.
const REACH: f64 = 16.0;
/// Between two rows.
const DOWN: f64 = 16.0;
/// Widest panel side by side with others.
const WIDEST: f64 = 440.0;
/// Blank right of the last panel of a row, into which half a tick label reaches.
const RIGHT: f64 = 24.0;
/// Height of the colour bars.
const BAR: f64 = 10.0;
/// Slices of a colour bar.
const SLICES: usize = 128;

/// Lays out a page.
pub(super) fn compose(page: &Page) -> Scene {
    let Some(first) = page.panels.first() else {
        return nothing(&page.title);
    };
    match page.arrangement {
        Arrangement::Stacked | Arrangement::Square => stacked(page, first),
        Arrangement::Grid { tall } => side_by_side(page, first, tall),
    }
}

/// A page that says that there is nothing to show.
fn nothing(title: &str) -> Scene {
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = around::draw_title(&mut scene, title, WIDTH / 2.0);
    let frame = Rect::at(2.0 * EDGE, top, WIDTH - 4.0 * EDGE, 160.0);
    scene.outline(&frame, &HAIRLINE);
    let line = line_of("nothing to show: no finite values", TEXT);
    let at = (WIDTH / 2.0, centred((frame.top + frame.bottom) / 2.0, TEXT));
    scene.text(line, at, Anchor::Middle, GREY);
    scene.height = frame.bottom + EDGE;
    scene
}

/// The axis up of a panel before it has a place.
struct Upright {
    name: Vec<Line>,
    ticks: Ticks,
}

impl Upright {
    /// For a panel about as high as `height`, with a name no longer than `room`.
    fn of(panel: &Panel, height: f64, room: f64) -> Self {
        let scale = Scale::new(panel.y.range, (height, 0.0), panel.y.log);
        Self {
            name: wrapped(&panel.y.name, TEXT, room, 2),
            ticks: around::ticks_up(&panel.y, &scale),
        }
    }

    /// The room that name and tick labels take at the left.
    fn room(&self) -> f64 {
        around::left_room(self.name.len(), around::widest_label(&self.ticks))
    }

    /// Ticks, and their factor above the panel.
    fn draw_ticks(&self, scene: &mut Scene, frame: &Frame) {
        let side = Side::Left(frame.rect.left);
        around::draw_ticks(scene, &frame.y, &self.ticks, side);
        if let Some(factor) = &self.ticks.factor {
            around::draw_factor_above(scene, factor, &frame.rect);
        }
    }
}

/// Panels below each other.
fn stacked(page: &Page, first: &Panel) -> Scene {
    let square = page.arrangement == Arrangement::Square;
    let width = if square { SQUARE_PAGE } else { WIDTH };
    let sketched = |panel: &Panel| if square { 0.8 * width } else { panel.height };
    let levels = page.panels.iter().flat_map(|panel| &panel.levels);
    let right = layers::right_edge(levels, width);
    // A square panel is at least as high as this, whatever its tick labels.
    let least = right - EDGE - around::left_room(2, 60.0);
    let uprights = page.panels.iter().map(|panel| {
        let height = sketched(panel);
        Upright::of(panel, height, height.min(least))
    });
    let uprights: Vec<Upright> = uprights.collect();
    let room = uprights.iter().map(Upright::room);
    let left = EDGE + room.fold(0.0, f64::max);
    let across = Scale::new(first.x.range, (left, right), first.x.log);
    let ticks = around::ticks_across(&first.x, &across);
    let mut scene = Scene::new(width, 0.0);
    let mut y = around::draw_title(&mut scene, &page.title, (left + right) / 2.0);
    let last = page.panels.len() - 1;
    for (index, (panel, upright)) in page.panels.iter().zip(&uprights).enumerate() {
        let height = if square { right - left } else { panel.height };
        let top = (y, around::factor_room(&upright.ticks));
        let frame = draw_framed(&mut scene, panel, (left, right), top, height);
        layers::draw_spines(&mut scene, &frame.rect);
        upright.draw_ticks(&mut scene, &frame);
        around::draw_name_left(&mut scene, &upright.name, EDGE, &frame.rect);
        y = frame.rect.bottom;
        if index < last {
            around::draw_bare_ticks(&mut scene, &across, &ticks, Side::Below(y));
            y += BETWEEN;
        }
    }
    around::draw_ticks(&mut scene, &across, &ticks, Side::Below(y));
    let end = around::draw_name_below(&mut scene, &first.x.name, &across, &ticks, y);
    finish(scene, page, (left, end))
}

/// Draws a panel whose surroundings start at `top`, the panel some way below, with the legend
/// inside where it finds room, else above.
fn draw_framed(
    scene: &mut Scene,
    panel: &Panel,
    (left, right): (f64, f64),
    (top, above): (f64, f64),
    height: f64,
) -> Frame {
    let legend = Legend::new(&panel.legend);
    let width = right - left;
    let frame = |top| Frame::new(panel, Rect::at(left, top + above, width, height));
    let mut inside = Scene::new(scene.width, 0.0);
    if layers::draw(&mut inside, &frame(top), panel, Some(&legend)) {
        scene.marks.append(&mut inside.marks);
        return frame(top);
    }
    legend.draw_rows(scene, (left, top), width);
    let lower = frame(top + legend.height(width));
    layers::draw(scene, &lower, panel, None);
    lower
}

/// The legend and the notes below the panels, and the end of the page.
fn finish(mut scene: Scene, page: &Page, (left, top): (f64, f64)) -> Scene {
    let mut y = top;
    if !page.legend.is_empty() {
        let legend = Legend::new(&page.legend);
        let room = scene.width - EDGE - left;
        legend.draw_rows(&mut scene, (left, y + 4.0), room);
        y += 4.0 + legend.height(room);
    }
    scene.height = around::draw_notes(&mut scene, &page.notes, left, y) + EDGE;
    scene
}

/// Where panels stand side by side.
struct Grid {
    /// Left edge of the name of the axis up.
    name_left: f64,
    left: f64,
    width: f64,
    height: f64,
    columns: usize,
}

impl Grid {
    /// A grid for `count` panels, `tall` times as high as wide, with room at the left for tick
    /// labels of the width `tick` and for `name`.
    fn new(count: usize, tall: f64, tick: f64, name: &str) -> Self {
        // Rows of equal length where that is possible: four panels stand two by two.
        let rows = count.div_ceil(MOST).max(1);
        let columns = count.div_ceil(rows).max(1);
        let gaps = ACROSS * (columns - 1) as f64;
        // The height of the panels depends on their width, which depends on the rows of the
        // name: two rows are allowed for.
        let across = WIDTH - EDGE - RIGHT - EDGE - around::left_room(2, tick) - gaps;
        let width = (across / columns as f64).clamp(40.0, WIDEST);
        let height = width * tall;
        let rows = wrapped(name, TEXT, height, 2).len();
        let room = around::left_room(rows, tick);
        let total = room + width * columns as f64 + gaps;
        let name_left = ((WIDTH - total) / 2.0).max(EDGE);
        Self {
            name_left,
            left: name_left + room,
            width,
            height,
            columns,
        }
    }

    /// Middle of the panels.
    fn middle(&self) -> f64 {
        let gaps = ACROSS * (self.columns - 1) as f64;
        self.left + (self.width * self.columns as f64 + gaps) / 2.0
    }
}

/// Panels in rows.
fn side_by_side(page: &Page, first: &Panel, tall: f64) -> Scene {
    let grid = |tick| Grid::new(page.panels.len(), tall, tick, &first.y.name);
    // The width of the tick labels decides the height, which decides the ticks.
    let sketch = grid(30.0);
    let ticks = Upright::of(first, sketch.height, sketch.height).ticks;
    let grid = grid(around::widest_label(&ticks));
    let upright = Upright {
        name: wrapped(&first.y.name, TEXT, grid.height, 2),
        ticks,
    };
    let mut scene = Scene::new(WIDTH, 0.0);
    let mut y = around::draw_title(&mut scene, &page.title, grid.middle());
    for (index, row) in page.panels.chunks(grid.columns).enumerate() {
        y += if index > 0 { DOWN } else { 0.0 };
        y = draw_row(&mut scene, &grid, &upright, row, y);
    }
    finish(scene, page, (grid.left, y))
}

/// A row of panels with their titles; answers where it ends.
fn draw_row(scene: &mut Scene, grid: &Grid, upright: &Upright, row: &[Panel], top: f64) -> f64 {
    let above = around::factor_room(&upright.ticks);
    let title = |panel: &Panel| wrapped(&panel.title, TEXT, grid.width, 2);
    let titles: Vec<Vec<Line>> = row.iter().map(title).collect();
    let rows = titles.iter().map(Vec::len).max().unwrap_or(0);
    let upper = top + 1.3 * TEXT * rows as f64 + 6.0 + above;
    let mut bottom = upper;
    for (column, (panel, lines)) in row.iter().zip(titles).enumerate() {
        let left = grid.left + (grid.width + ACROSS) * column as f64;
        let frame = Frame::new(panel, Rect::at(left, upper, grid.width, grid.height));
        for (up, line) in lines.into_iter().rev().enumerate() {
            let baseline = upper - 8.0 - above - 1.3 * TEXT * up as f64;
            scene.text(
                line,
                (left + grid.width / 2.0, baseline),
                Anchor::Middle,
                INK,
            );
        }
        layers::draw(scene, &frame, panel, None);
        scene.outline(&frame.rect, &HAIRLINE);
        if column == 0 {
            upright.draw_ticks(scene, &frame);
            around::draw_name_left(scene, &upright.name, grid.name_left, &frame.rect);
        }
        let ticks = around::ticks_across(&panel.x, &frame.x);
        let ticks = around::kept_near(ticks, &frame.x, REACH);
        let (name, end) = (&panel.x.name, frame.rect.bottom);
        around::draw_ticks(scene, &frame.x, &ticks, Side::Below(end));
        let mut end = around::draw_name_below(scene, name, &frame.x, &ticks, end);
        if let Some(cells) = &panel.cells {
            end = draw_bar(scene, cells, &frame.rect, end);
        }
        bottom = bottom.max(end);
    }
    bottom
}

/// The colour bar of cells with its ticks and unit; answers where it ends.
fn draw_bar(scene: &mut Scene, cells: &Cells, panel: &Rect, top: f64) -> f64 {
    let Some(colours) = &cells.colours else {
        return top;
    };
    let bar = Rect::at(panel.left, top + BAR, panel.width(), BAR);
    let slice = bar.width() / SLICES as f64;
    for i in 0..SLICES {
        let left = bar.left + slice * i as f64;
        let right = (left + slice + UNDER).min(bar.right);
        let colour = colours.at((i as f64 + 0.5) / SLICES as f64);
        scene.area(Rect { left, right, ..bar }, colour);
    }
    scene.outline(&bar, &HAIRLINE);
    let scale = colours.scale((bar.left, bar.right));
    let ticks = around::kept_near(around::clear_ticks(&scale), &scale, REACH);
    around::draw_ticks(scene, &scale, &ticks, Side::Below(bar.bottom));
    around::draw_name_below(scene, &cells.unit, &scale, &ticks, bar.bottom)
}
