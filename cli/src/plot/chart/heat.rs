//! Heat maps side by side: cells, row and column labels, a colour bar below each.

use super::super::axes::{Axis, Ticks};
use super::super::geometry::Rect;
use super::super::legend::{Key, Legend, Sample};
use super::super::numbers::labels;
use super::super::page::{self, EDGE};
use super::super::scene::{Mark, Scene};
use super::super::style::{HAIRLINE, TICK, WIDTH};
use super::super::text::Fonts;
use super::grid::{Grid, REACH};
use super::shade::Colours;
use super::{HeatAxis, HeatMaps, HeatPanel, HeatScale};

/// Height of the colour bars.
const BAR: f64 = 10.0;
/// From the name of the columns to the colour bar.
const BAR_GAP: f64 = 10.0;
/// Slices of a colour bar.
const SLICES: usize = 128;
/// How far a cell reaches under the next, so that no viewer shows a seam.
const UNDER: f64 = 0.5;

/// Lays out the heat maps.
pub(super) fn compose(maps: &HeatMaps, fonts: &Fonts) -> Scene {
    let (columns, rows) = (maps.x.values.len(), maps.y.values.len());
    let colours: Vec<Option<Colours>> = maps.panels.iter().map(|p| Colours::of(p, maps)).collect();
    if columns == 0 || rows == 0 || colours.iter().all(Option::is_none) {
        return page::nothing(&maps.title, fonts);
    }
    let tall = (rows as f64 / columns as f64).clamp(0.6, 1.1);
    let widest = labels(&maps.y.values)
        .iter()
        .map(|label| fonts.line(label, TICK).width)
        .fold(0.0, f64::max);
    let grid = Grid::new(maps.panels.len(), tall, widest, &maps.y.label, fonts);
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = page::draw_title(&mut scene, &maps.title, grid.middle(), fonts);
    let panels: Vec<(&HeatPanel, Option<Colours>)> = maps.panels.iter().zip(colours).collect();
    let end = grid.draw(
        &mut scene,
        top,
        &panels,
        |panel| &panel.0.title,
        |scene, panel, rect, first| {
            draw_cells(scene, panel.0, panel.1.as_ref(), (columns, rows), rect);
            draw_panel(scene, maps, panel, rect, first, fonts)
        },
        fonts,
    );
    let end = draw_missing_key(&mut scene, maps, &panels, (grid.left(), end), fonts);
    scene.height = page::draw_notes(&mut scene, &maps.notes, grid.left(), end, fonts) + EDGE;
    scene
}

/// The cells, the first row lowest.
fn draw_cells(
    scene: &mut Scene,
    panel: &HeatPanel,
    colours: Option<&Colours>,
    (columns, rows): (usize, usize),
    rect: &Rect,
) {
    let (width, height) = (rect.width() / columns as f64, rect.height() / rows as f64);
    for row in (0..rows).rev() {
        for column in 0..columns {
            let value = panel.values.get(row * columns + column).copied().flatten();
            let left = rect.left + width * column as f64;
            let top = rect.bottom - height * (row + 1) as f64;
            let cell = Rect {
                left,
                top,
                right: (left + width + UNDER).min(rect.right),
                bottom: (top + height + UNDER).min(rect.bottom),
            };
            match colours.and_then(|colours| colours.colour(value)) {
                Some(colour) => scene.marks.push(Mark::Area { rect: cell, colour }),
                None => scene.hatch(&cell),
            }
        }
    }
    scene.outline(rect, &HAIRLINE);
}

/// Labels, name and colour bar of a panel; answers where it ends.
fn draw_panel(
    scene: &mut Scene,
    maps: &HeatMaps,
    (panel, colours): &(&HeatPanel, Option<Colours>),
    rect: &Rect,
    first: bool,
    fonts: &Fonts,
) -> f64 {
    let (across, up) = (
        cell_axis(&maps.x, rect.left, rect.right),
        cell_axis(&maps.y, rect.bottom, rect.top),
    );
    let ticks = cell_ticks(
        &maps.x,
        |label| fonts.line(label, TICK).width + 10.0,
        &across,
    );
    let ticks = page::kept_near(ticks, &across, REACH, fonts);
    page::draw_ticks_below(scene, &across, &ticks, (rect.bottom, true), fonts);
    if first {
        let ticks = cell_ticks(&maps.y, |_| 1.4 * TICK, &up);
        page::draw_ticks_left(scene, &up, &ticks, rect.left, fonts);
    }
    let name = &maps.x.label;
    let bottom = page::draw_name_below(scene, name, &across, &ticks, rect.bottom, fonts);
    match colours {
        Some(colours) => {
            let bar = Rect::at(rect.left, bottom + BAR_GAP, rect.width(), BAR);
            draw_bar(scene, colours, &bar, &panel.unit, fonts)
        }
        None => bottom,
    }
}

/// An axis on which cell i reaches from i to i + 1.
fn cell_axis(axis: &HeatAxis, start: f64, end: f64) -> Axis {
    Axis {
        low: 0.0,
        high: axis.values.len() as f64,
        start,
        end,
        log: false,
    }
}

/// A tick at every cell, or at every so many that the labels, which take the lengths `room`,
/// stay clear of each other.
fn cell_ticks(axis: &HeatAxis, room: impl Fn(&str) -> f64, place: &Axis) -> Ticks {
    let labels = labels(&axis.values);
    let cell = (place.end - place.start).abs() / labels.len().max(1) as f64;
    let widest = labels.iter().map(|label| room(label)).fold(0.0, f64::max);
    let stride = (widest / cell).ceil().max(1.0) as usize;
    let places = labels.into_iter().enumerate().step_by(stride);
    Ticks {
        major: places.map(|(i, label)| (i as f64 + 0.5, label)).collect(),
        minor: Vec::new(),
        factor: None,
    }
}

/// A colour bar with its ticks and unit; answers where it ends.
fn draw_bar(scene: &mut Scene, colours: &Colours, bar: &Rect, unit: &str, fonts: &Fonts) -> f64 {
    let slice = bar.width() / SLICES as f64;
    for i in 0..SLICES {
        let left = bar.left + slice * i as f64;
        let right = (left + slice + UNDER).min(bar.right);
        scene.marks.push(Mark::Area {
            rect: Rect {
                left,
                right,
                ..*bar
            },
            colour: colours.at((i as f64 + 0.5) / SLICES as f64),
        });
    }
    scene.outline(bar, &HAIRLINE);
    let axis = colours.axis(bar.left, bar.right);
    let ticks = page::kept_near(page::clear_ticks(&axis, fonts), &axis, REACH, fonts);
    page::draw_ticks_below(scene, &axis, &ticks, (bar.bottom, true), fonts);
    page::draw_name_below(scene, unit, &axis, &ticks, bar.bottom, fonts)
}

/// Says what hatching means, where some is; answers where it ends.
fn draw_missing_key(
    scene: &mut Scene,
    maps: &HeatMaps,
    panels: &[(&HeatPanel, Option<Colours>)],
    (left, top): (f64, f64),
    fonts: &Fonts,
) -> f64 {
    let count = maps.x.values.len() * maps.y.values.len();
    let value = |panel: &HeatPanel, i: usize| panel.values.get(i).copied().flatten();
    let hatched = panels.iter().any(|(panel, colours)| {
        (0..count).any(|i| colours.and_then(|c| c.colour(value(panel, i))).is_none())
    });
    let small = panels.iter().any(|(panel, _)| {
        let log = panel.scale == HeatScale::SequentialLog;
        log && (0..count).any(|i| value(panel, i).is_some_and(|v| v <= 0.0))
    });
    if !hatched {
        return top;
    }
    let label = match small {
        true => "no value, or none above zero",
        false => "no value",
    };
    let keys = [Key {
        label: label.to_owned(),
        samples: vec![Sample::Hatch],
    }];
    let legend = Legend::new(&keys, fonts);
    let room = WIDTH - EDGE - left;
    legend.draw_above(scene, left, top + 4.0, room);
    top + 4.0 + legend.height_above(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_thinned_and_stand_at_the_middles() {
        let axis = HeatAxis {
            label: String::new(),
            values: (0..100).map(f64::from).collect(),
        };
        let place = cell_axis(&axis, 0.0, 200.0);
        let ticks = cell_ticks(&axis, |_| 19.0, &place);
        assert_eq!(ticks.major.len(), 10);
        assert_eq!(ticks.major[1], (10.5, "10".to_owned()));
    }
}
