//! Where the panels of a page stand, and what stands round them: the title, names of axes, ticks, colour
//! bars, legends, notes.

use super::axes::{Scale, Ticks};
use super::geometry::Rect;
use super::layers::{self, Frame};
use super::legend::Legend;
use super::page::{Arrangement, Cells, Page, Panel};
use super::scene::{Anchor, LEADING, Scene, centred};
use super::style::{GREY, HAIRLINE, INK, NARROW, TEXT, TICK, TITLE, WIDTH};
use super::text::{Line, line_of};
use super::text_fit::wrapped;
use super::ticks;

/// Blank edge of the page.
const EDGE: f64 = 12.0;
/// Between two panels side by side.
const ACROSS: f64 = 36.0;

/// Lays out a page.
pub(super) fn compose(page: &Page) -> Scene {
    let Some(plan) = Plan::of(page) else {
        return nothing(&page.title);
    };
    let mut scene = Scene::new(plan.page_width);
    let mut y = draw_title(&mut scene, &page.title, plan.middle());
    let rows = page.panels.chunks(plan.columns).zip(&plan.uprights);
    for (index, (row, upright)) in rows.enumerate() {
        let is_last = index + 1 == plan.uprights.len();
        let gap = if index > 0 { 20.0 } else { 0.0 };
        y = plan.draw_row(&mut scene, row, upright, y + gap, is_last);
    }
    let room = scene.width - EDGE - plan.left;
    if !page.legend.is_empty() {
        y = Legend::new(&page.legend).draw_rows(&mut scene, (plan.left, y + 4.0), room);
    }
    for note in &page.notes {
        let at = (plan.left, y + 4.0);
        y = scene.rows(wrapped(note, TICK, room), at, Anchor::Start, GREY) - 4.0;
    }
    scene.height = y + EDGE;
    scene
}

/// A page that says that there is nothing to show.
fn nothing(title: &str) -> Scene {
    let mut scene = Scene::new(WIDTH);
    let top = draw_title(&mut scene, title, WIDTH / 2.0);
    let frame = Rect::at(2.0 * EDGE, top, WIDTH - 4.0 * EDGE, 160.0);
    scene.outline(&frame);
    let line = line_of("nothing to show: no finite values", TEXT);
    let (x, y) = frame.middle();
    scene.text(line, (x, centred(y, TEXT)), Anchor::Middle, GREY);
    scene.height = frame.bottom + EDGE;
    scene
}

/// Draws the title, over the middle as far as the page's edges allow, and answers where the panels may start.
fn draw_title(scene: &mut Scene, title: &str, middle: f64) -> f64 {
    let room = 2.0 * (middle.min(scene.width - middle) - EDGE);
    let lines = wrapped(title, TITLE, room);
    scene.rows(lines, (middle, EDGE), Anchor::Middle, INK) + 10.0
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
            name: wrapped(&panel.y.name, TEXT, room),
            ticks: ticks::ticks(&panel.y, &scale),
        }
    }

    /// The room that name and tick labels take at the left.
    fn room(&self) -> f64 {
        left_room(self.name.len(), ticks::widest(&self.ticks))
    }

    /// The height of the factor of the labels, above the panel.
    fn above(&self) -> f64 {
        self.ticks.factor.as_ref().map_or(0.0, |_| 1.5 * TICK)
    }

    /// Ticks, their factor, and the name from `left` on.
    fn draw(&self, scene: &mut Scene, frame: &Frame, left: f64) {
        let panel = &frame.rect;
        ticks::draw(scene, &frame.y, &self.ticks, panel.left, true);
        if let Some(factor) = &self.ticks.factor {
            let at = (panel.left - 5.0, panel.top - 0.5 * TICK);
            scene.text(line_of(factor, TICK), at, Anchor::Start, INK);
        }
        for (row, line) in self.name.iter().enumerate() {
            let x = left + (1.0 + LEADING * row as f64) * TEXT;
            scene.upward(line.clone(), x, panel.middle().1, INK);
        }
    }
}

/// Width of the room left of a panel for a name of some rows and tick labels.
fn left_room(rows: usize, widest: f64) -> f64 {
    let further = LEADING * rows.saturating_sub(1) as f64;
    (1.2 + further) * TEXT + 8.0 + widest + ticks::GAP
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
    /// Factor on the heights that panels have of their own.
    shrunk: f64,
    /// The axis up of each row.
    uprights: Vec<Upright>,
}

impl Plan {
    /// None without panels.
    fn of(page: &Page) -> Option<Self> {
        page.panels.first()?;
        let (tall, columns, widest) = match page.arrangement {
            Arrangement::Stacked => (None, 1, f64::INFINITY),
            Arrangement::Grid { tall } => (Some(tall), columns(page.panels.len()), 452.0),
        };
        // Side by side they would have no room for their labels.
        let is_narrow = page.is_narrow && columns == 1;
        let page_width = match tall.filter(|_| columns == 1) {
            _ if is_narrow => NARROW,
            // A lone panel of a grid would stand in the middle of a blank page.
            Some(_) => 0.7 * WIDTH,
            None => WIDTH,
        };
        let shrunk = if is_narrow { NARROW / WIDTH } else { 1.0 };
        let levels = page.panels.iter().flat_map(|panel| &panel.levels);
        let right = page_width - EDGE - layers::right_room(levels);
        let gaps = ACROSS * (columns - 1) as f64;
        let width = |room: f64| ((right - EDGE - room - gaps) / columns as f64).clamp(40.0, widest);
        // The height of panels decides their ticks, whose labels take from the width, which decides the
        // height: the ticks are those of a panel beside short labels, the name fits beside long ones.
        let height = |panel: &Panel, label| match tall {
            Some(tall) => tall * width(left_room(2, label)),
            None => shrunk * panel.height,
        };
        let firsts = page.panels.iter().step_by(columns);
        let uprights =
            firsts.map(|panel| Upright::of(panel, height(panel, 14.0), height(panel, 60.0)));
        let uprights: Vec<Upright> = uprights.collect();
        let room = uprights.iter().map(Upright::room).fold(0.0, f64::max);
        let width = width(room);
        let total = room + width * columns as f64 + gaps;
        let name_left = EDGE + ((right - EDGE - total) / 2.0).max(0.0);
        Some(Self {
            page_width,
            columns,
            tall,
            name_left,
            left: name_left + room,
            width,
            shrunk,
            uprights,
        })
    }

    /// Left edge of a panel.
    fn left_of(&self, column: usize) -> f64 {
        self.left + (self.width + ACROSS) * column as f64
    }

    /// Middle of the panels.
    fn middle(&self) -> f64 {
        (self.left + self.left_of(self.columns - 1) + self.width) / 2.0
    }

    /// A row of panels with their titles; answers where it ends.
    fn draw_row(
        &self,
        scene: &mut Scene,
        row: &[Panel],
        upright: &Upright,
        top: f64,
        is_last: bool,
    ) -> f64 {
        let titles = row
            .iter()
            .map(|panel| wrapped(&panel.title, TEXT, self.width));
        let titles: Vec<Vec<Line>> = titles.collect();
        let height = |title: &Vec<Line>| LEADING * TEXT * title.len() as f64;
        let under = top + titles.iter().map(height).fold(0.0, f64::max);
        let upper = under + if under > top { 4.0 } else { 0.0 };
        let mut bottom = upper;
        for (column, (panel, title)) in row.iter().zip(titles).enumerate() {
            let left = self.left_of(column);
            let at = (left + self.width / 2.0, under - height(&title));
            scene.rows(title, at, Anchor::Middle, INK);
            let own = self.shrunk * panel.height;
            let height = self.tall.map_or(own, |tall| tall * self.width);
            let place = Rect::at(left, upper + upright.above(), self.width, height);
            let frame = draw_framed(scene, panel, place, upright.above());
            if column == 0 {
                upright.draw(scene, &frame, self.name_left);
            }
            bottom = bottom.max(self.draw_below(scene, panel, &frame, is_last));
        }
        bottom
    }

    /// The axis across and the colour bar; answers where they end. Panels below each other have the labels of
    /// their axis below the last one only.
    fn draw_below(&self, scene: &mut Scene, panel: &Panel, frame: &Frame, is_last: bool) -> f64 {
        let (ticks, bottom) = (ticks::ticks(&panel.x, &frame.x), frame.rect.bottom);
        if self.columns == 1 && !is_last {
            ticks::draw(scene, &frame.x, &ticks, bottom, false);
            return bottom;
        }
        let end = draw_across(scene, &panel.x.name, &frame.x, &ticks, bottom);
        match &panel.cells {
            Some(cells) => draw_bar(scene, cells, &frame.rect, end),
            None => end,
        }
    }
}

/// How many panels stand side by side, three at the most: in rows of equal length where that is possible, so
/// that four stand two by two.
fn columns(count: usize) -> usize {
    count.div_ceil(count.div_ceil(3))
}

/// Draws a panel with the legend inside where it finds room, else above, which moves the panel down. What
/// stands right above the panel takes the height `above`.
fn draw_framed(scene: &mut Scene, panel: &Panel, mut place: Rect, above: f64) -> Frame {
    let legend = Legend::new(&panel.legend);
    let mut frame = Frame::new(panel, place);
    let mut inside = Scene::new(scene.width);
    let occupied = layers::draw(&mut inside, &frame, panel);
    let ends = panel.bands.iter().flat_map(|band| [band.from, band.to]);
    let edges: Vec<f64> = ends.map(|end| frame.x.place(end)).collect();
    if legend.draw_where_free(&mut inside, &frame.data, &occupied, &edges) {
        scene.marks.append(&mut inside.marks);
    } else {
        let top = place.top - above;
        let down = legend.draw_rows(scene, (place.left, top), place.width()) - top;
        (place.top, place.bottom) = (place.top + down, place.bottom + down);
        frame = Frame::new(panel, place);
        layers::draw(scene, &frame, panel);
    }
    if panel.cells.is_some() || !panel.arrows.is_empty() {
        scene.outline(&frame.rect);
    } else {
        let [top, _, right, corner] = frame.rect.corners();
        scene.stroke(&[top, corner, right], &HAIRLINE);
    }
    frame
}

/// Draws ticks below a panel or a colour bar and the name of the axis, with the factor of the labels; answers
/// where it ends.
fn draw_across(scene: &mut Scene, name: &str, scale: &Scale, ticks: &Ticks, bottom: f64) -> f64 {
    ticks::draw(scene, scale, ticks, bottom, true);
    let top = bottom + ticks::GAP + TICK + 8.0;
    let (left, right) = scale.ends;
    let mut room = right - left;
    if let Some(factor) = &ticks.factor {
        let line = line_of(factor, TICK);
        room -= 2.0 * (line.width + 12.0);
        scene.text(line, (right, top + 0.9 * TEXT), Anchor::End, INK);
    }
    let at = ((left + right) / 2.0, top);
    scene.rows(wrapped(name, TEXT, room), at, Anchor::Middle, INK)
}

/// The colour bar of cells with its ticks and unit; answers where it ends.
fn draw_bar(scene: &mut Scene, cells: &Cells, panel: &Rect, top: f64) -> f64 {
    const HEIGHT: f64 = 10.0;
    const SLICES: usize = 128;
    let Some(colours) = &cells.colours else {
        return top;
    };
    let bar = Rect::at(panel.left, top + HEIGHT, panel.width(), HEIGHT);
    for (i, colour) in colours.slices(SLICES).enumerate() {
        // Each to the right end, under the next, so that no viewer shows a seam.
        let left = bar.left + bar.width() * i as f64 / SLICES as f64;
        scene.area(Rect { left, ..bar }, colour);
    }
    scene.outline(&bar);
    let scale = colours.scale((bar.left, bar.right));
    let ticks = ticks::round_ticks(&scale);
    draw_across(scene, &cells.unit, &scale, &ticks, bar.bottom)
}
