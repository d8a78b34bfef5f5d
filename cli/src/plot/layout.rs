//! Where the panels of a page stand.

use super::axes::{Scale, Ticks};
use super::field::UNDER;
use super::furniture::{self as around, EDGE, Side};
use super::geometry::Rect;
use super::layers::{self, Frame};
use super::legend::Legend;
use super::page::{Arrangement, Cells, Page, Panel};
use super::scene::{Anchor, Scene, centred};
use super::style::{GREY, HAIRLINE, INK, TEXT, WIDTH};
use super::text::{Line, line_of};
use super::text_fit::wrapped;

/// Width of the page of a square panel.
const SQUARE_PAGE: f64 = 560.0;
/// Most panels side by side.
const MOST: usize = 3;
/// Between two panels side by side.
const ACROSS: f64 = 36.0;
/// Between two rows.
const DOWN: f64 = 20.0;
/// How far tick labels may reach beyond their panel without meeting those of the next.
const REACH: f64 = 16.0;
/// Widest panel of a grid.
const WIDEST: f64 = 440.0;
/// From one row of a panel's title to the next.
const TITLE_ROW: f64 = 1.3 * TEXT;
/// Height of the colour bars.
const BAR: f64 = 10.0;
/// Slices of a colour bar.
const SLICES: usize = 128;

/// Lays out a page.
pub(super) fn compose(page: &Page) -> Scene {
    if page.panels.is_empty() {
        return nothing(&page.title);
    }
    let plan = Plan::of(page);
    let mut scene = Scene::new(plan.page_width, 0.0);
    let mut y = around::draw_title(&mut scene, &page.title, plan.middle());
    let rows = page.panels.chunks(plan.columns).zip(&plan.uprights);
    for (index, (row, upright)) in rows.enumerate() {
        y += if index > 0 { DOWN } else { 0.0 };
        let is_last = index + 1 == plan.uprights.len();
        y = plan.draw_row(&mut scene, row, upright, y, is_last);
    }
    finish(scene, page, (plan.left, y))
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

    /// Ticks, their factor above the panel, and the name from `left` on.
    fn draw(&self, scene: &mut Scene, frame: &Frame, left: f64) {
        let side = Side::Left(frame.rect.left);
        around::draw_ticks(scene, &frame.y, &self.ticks, side);
        if let Some(factor) = &self.ticks.factor {
            around::draw_factor_above(scene, factor, &frame.rect);
        }
        around::draw_name_left(scene, &self.name, left, &frame.rect);
    }
}

/// Where the panels of a page stand: in rows, below each other on one axis across or side by side on
/// one axis up.
struct Plan {
    page_width: f64,
    columns: usize,
    /// Height over width of the panels, where they do not have heights of their own.
    tall: Option<f64>,
    /// Left edge of the names of the axes up.
    name_left: f64,
    /// Left edge of the first panel.
    left: f64,
    /// Width of a panel.
    width: f64,
    /// The axis up of each row.
    uprights: Vec<Upright>,
}

impl Plan {
    fn of(page: &Page) -> Self {
        let (page_width, columns, tall, widest) = match page.arrangement {
            Arrangement::Stacked => (WIDTH, 1, None, f64::INFINITY),
            Arrangement::Square => (SQUARE_PAGE, 1, Some(1.0), f64::INFINITY),
            Arrangement::Grid { tall } => (WIDTH, columns(page.panels.len()), Some(tall), WIDEST),
        };
        let levels = page.panels.iter().flat_map(|panel| &panel.levels);
        let right = layers::right_edge(levels, page_width);
        let gaps = ACROSS * (columns - 1) as f64;
        let width = |room: f64| ((right - EDGE - room - gaps) / columns as f64).clamp(40.0, widest);
        // The height of panels decides their ticks, whose labels take from the width, which decides the
        // height: the ticks are those of a panel beside short labels, the name fits beside long ones.
        let height = |panel: &Panel, label| {
            tall.map_or(panel.height, |tall| {
                tall * width(around::left_room(2, label))
            })
        };
        let firsts = page.panels.iter().step_by(columns);
        let uprights: Vec<Upright> = firsts
            .map(|panel| Upright::of(panel, height(panel, 14.0), height(panel, 60.0)))
            .collect();
        let room = uprights.iter().map(Upright::room).fold(0.0, f64::max);
        let width = width(room);
        let total = room + width * columns as f64 + gaps;
        let name_left = EDGE + ((right - EDGE - total) / 2.0).max(0.0);
        Self {
            page_width,
            columns,
            tall,
            name_left,
            left: name_left + room,
            width,
            uprights,
        }
    }

    /// Left edge of a panel.
    fn left_of(&self, column: usize) -> f64 {
        self.left + (self.width + ACROSS) * column as f64
    }

    /// Middle of the panels.
    fn middle(&self) -> f64 {
        (self.left + self.left_of(self.columns - 1) + self.width) / 2.0
    }

    /// A row of panels with their titles; answers where it ends. Panels below each other have the
    /// labels of their axis across below the last one only.
    fn draw_row(
        &self,
        scene: &mut Scene,
        row: &[Panel],
        upright: &Upright,
        top: f64,
        is_last: bool,
    ) -> f64 {
        let above = around::factor_room(&upright.ticks);
        let title = |panel: &Panel| wrapped(&panel.title, TEXT, self.width, 2);
        let titles: Vec<Vec<Line>> = row.iter().map(title).collect();
        let upper = match titles.iter().map(Vec::len).max() {
            None | Some(0) => top,
            Some(rows) => top + TITLE_ROW * rows as f64 + 6.0,
        };
        let mut bottom = upper;
        for (column, (panel, lines)) in row.iter().zip(titles).enumerate() {
            let left = self.left_of(column);
            let middle = left + self.width / 2.0;
            for (up, line) in lines.into_iter().rev().enumerate() {
                let baseline = upper - 8.0 - TITLE_ROW * up as f64;
                scene.text(line, (middle, baseline), Anchor::Middle, INK);
            }
            let height = self.tall.map_or(panel.height, |tall| tall * self.width);
            let place = Rect::at(left, upper + above, self.width, height);
            let frame = draw_framed(scene, panel, place, above);
            if column == 0 {
                upright.draw(scene, &frame, self.name_left);
            }
            bottom = bottom.max(self.draw_below(scene, panel, &frame, is_last));
        }
        bottom
    }

    /// The axis across and the colour bar; answers where they end.
    fn draw_below(&self, scene: &mut Scene, panel: &Panel, frame: &Frame, is_last: bool) -> f64 {
        let (bottom, is_grid) = (frame.rect.bottom, self.columns > 1);
        let mut ticks = around::ticks_across(&panel.x, &frame.x);
        if is_grid {
            ticks = around::kept_near(ticks, &frame.x, REACH);
        }
        if !is_grid && !is_last {
            around::draw_bare_ticks(scene, &frame.x, &ticks, Side::Below(bottom));
            return bottom;
        }
        around::draw_ticks(scene, &frame.x, &ticks, Side::Below(bottom));
        let end = around::draw_name_below(scene, &panel.x.name, &frame.x, &ticks, bottom);
        match &panel.cells {
            Some(cells) => draw_bar(scene, cells, &frame.rect, end),
            None => end,
        }
    }
}

/// How many panels stand side by side: in rows of equal length where that is possible, so that four
/// stand two by two.
fn columns(count: usize) -> usize {
    count.div_ceil(count.div_ceil(MOST))
}

/// Draws a panel with the legend inside where it finds room, else above, which moves the panel down. What
/// stands right above the panel takes the height `above`.
fn draw_framed(scene: &mut Scene, panel: &Panel, place: Rect, above: f64) -> Frame {
    let legend = Legend::new(&panel.legend);
    let mut frame = Frame::new(panel, place);
    let mut inside = Scene::new(scene.width, 0.0);
    if layers::draw(&mut inside, &frame, panel, Some(&legend)) {
        scene.marks.append(&mut inside.marks);
    } else {
        let (top, height) = (place.top - above, legend.height(place.width()));
        legend.draw_rows(scene, (place.left, top), place.width());
        let (top, bottom) = (place.top + height, place.bottom + height);
        frame = Frame::new(
            panel,
            Rect {
                top,
                bottom,
                ..place
            },
        );
        layers::draw(scene, &frame, panel, None);
    }
    if panel.cells.is_some() || !panel.arrows.is_empty() {
        scene.outline(&frame.rect, &HAIRLINE);
    } else {
        layers::draw_spines(scene, &frame.rect);
    }
    frame
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
