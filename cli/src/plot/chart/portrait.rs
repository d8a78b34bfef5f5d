//! Phase portraits side by side: the flow's direction as arrows, paths, critical points.

use super::super::axes::Axis;
use super::super::colour::grey;
use super::super::geometry::{Point, Rect, clip_segment};
use super::super::legend::{Key, Legend, Sample};
use super::super::marker::{Marker, Shape};
use super::super::numbers::significant;
use super::super::page::{self, EDGE};
use super::super::panel::{self, Frame};
use super::super::place::{Clutter, NEAR, label_place, places_around};
use super::super::scene::Scene;
use super::super::style::{HAIRLINE, INK, LineStyle, TEXT, WIDTH, modality_colour};
use super::super::text::Fonts;
use super::grid::{Grid, REACH};
use super::range::range;
use super::{CriticalPoint, Portrait, Portraits};

/// Ticks up a panel stand about this far apart.
const TICK_STEP: f64 = 40.0;

/// Lays out the portraits.
pub(super) fn compose(portraits: &Portraits, fonts: &Fonts) -> Scene {
    let ends = |(low, high): (f64, f64)| {
        let both = low.is_finite() && high.is_finite();
        range([low, high], false, 0.0).filter(|_| both)
    };
    let ranges = ends(portraits.x_range).zip(ends(portraits.y_range));
    let (Some((x, y)), false) = (ranges, portraits.panels.is_empty()) else {
        return page::nothing(&portraits.title, fonts);
    };
    // Equal units on both axes, as far as that makes a panel.
    let tall = ((y.1 - y.0) / (x.1 - x.0)).clamp(0.6, 1.3);
    let up = |start: f64, end: f64| axis(y, start, end);
    // The width of the tick labels decides the height, which decides the ticks.
    let sketch = Grid::new(portraits.panels.len(), tall, 30.0, &portraits.y, fonts);
    let most = (sketch.height() / TICK_STEP) as usize;
    let ticks = up(sketch.height(), 0.0).ticks(most);
    let widest = page::widest_label(&ticks, fonts);
    let grid = Grid::new(portraits.panels.len(), tall, widest, &portraits.y, fonts)
        .with_room_above(page::factor_room(&ticks));
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = page::draw_title(&mut scene, &portraits.title, grid.middle(), fonts);
    let speeds = speeds(portraits);
    let end = grid.draw(
        &mut scene,
        top,
        &portraits.panels,
        |portrait| &portrait.title,
        |scene, portrait, rect, first| {
            let frame = Frame {
                rect: *rect,
                data: *rect,
                x: axis(x, rect.left, rect.right),
                y: up(rect.bottom, rect.top),
            };
            draw_portrait(scene, &frame, portrait, speeds, fonts);
            if first {
                page::draw_ticks_left(scene, &frame.y, &ticks, rect.left, fonts);
                if let Some(factor) = &ticks.factor {
                    page::draw_factor_above(scene, factor, rect, fonts);
                }
            }
            let across =
                page::kept_near(page::clear_ticks(&frame.x, fonts), &frame.x, REACH, fonts);
            page::draw_ticks_below(scene, &frame.x, &across, (rect.bottom, true), fonts);
            page::draw_name_below(scene, &portraits.x, &frame.x, &across, rect.bottom, fonts)
        },
        fonts,
    );
    scene.height = draw_keys(&mut scene, portraits, speeds, (grid.left(), end), fonts) + EDGE;
    scene
}

/// An axis between two places.
fn axis((low, high): (f64, f64), start: f64, end: f64) -> Axis {
    Axis {
        low,
        high,
        start,
        end,
        log: false,
    }
}

/// How fast the flow is where an arrow stands.
fn speed(arrow: &(f64, f64, f64, f64)) -> f64 {
    arrow.2.hypot(arrow.3)
}

/// The least and greatest speed of all arrows that move.
fn speeds(portraits: &Portraits) -> Option<(f64, f64)> {
    let arrows = portraits.panels.iter().flat_map(|panel| &panel.field);
    let speeds = arrows.map(speed).filter(|s| s.is_finite() && *s > 0.0);
    speeds
        .map(|s| (s, s))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Everything inside the axes of a panel.
fn draw_portrait(
    scene: &mut Scene,
    frame: &Frame,
    portrait: &Portrait,
    speeds: Option<(f64, f64)>,
    fonts: &Fonts,
) {
    let mut clutter = Clutter::default();
    draw_field(scene, frame, portrait, speeds);
    for path in &portrait.trajectories {
        panel::draw_trace(scene, frame, path, &TRAJECTORY, &mut clutter);
    }
    scene.outline(&frame.rect, &HAIRLINE);
    let places: Vec<(&CriticalPoint, Point)> = portrait
        .points
        .iter()
        .filter_map(|point| Some((point, inside(frame, (point.x, point.y))?)))
        .collect();
    for (point, at) in &places {
        scene.marker(*at, &critical_marker(point.minimum));
        clutter.add_box(Rect::at(at.0 - 6.0, at.1 - 6.0, 12.0, 12.0));
    }
    // Upon the critical points: small weights start next to one.
    for path in &portrait.trajectories {
        let start = path.iter().find(|p| p.0.is_finite() && p.1.is_finite());
        if let Some(start) = start.and_then(|start| inside(frame, *start)) {
            scene.marker(start, &start_marker());
            clutter.add_box(Rect::at(start.0 - 5.0, start.1 - 5.0, 10.0, 10.0));
        }
    }
    for (point, at) in places.iter().filter(|place| !place.0.label.is_empty()) {
        let line = fonts.line(&point.label, TEXT);
        let around = places_around(*at, &line, &NEAR);
        if let Some(at) = label_place(&frame.data, &line, around, &mut clutter, |_, _| 0.0) {
            scene.text_on_paper(line, at, INK);
        }
    }
}

/// A point of the data on the page, where it is inside the panel.
fn inside(frame: &Frame, at: (f64, f64)) -> Option<Point> {
    let finite = at.0.is_finite() && at.1.is_finite();
    let (x, y) = frame.point(at);
    (finite && frame.data.contains(&Rect::at(x, y, 0.0, 0.0))).then_some((x, y))
}

/// The arrows, as long as their distance allows.
fn draw_field(scene: &mut Scene, frame: &Frame, portrait: &Portrait, speeds: Option<(f64, f64)>) {
    let (width, height) = (frame.data.width(), frame.data.height());
    let count = portrait.field.len().max(1) as f64;
    let length = (0.68 * (width * height / count).sqrt()).clamp(5.0, 17.0);
    // Pixels for a unit of the data, up to a common factor.
    let scale = (
        width / (frame.x.high - frame.x.low),
        -height / (frame.y.high - frame.y.low),
    );
    for arrow in &portrait.field {
        let Some(middle) = inside(frame, (arrow.0, arrow.1)) else {
            continue;
        };
        let Some((along, share)) = direction(arrow, scale).zip(shade(arrow, speeds)) else {
            continue;
        };
        let half = (0.5 * length * along.0, 0.5 * length * along.1);
        let tip = (middle.0 + half.0, middle.1 + half.1);
        let tail = (middle.0 - half.0, middle.1 - half.1);
        let head = 0.42 * length;
        let neck = (tip.0 - 0.8 * head * along.0, tip.1 - 0.8 * head * along.1);
        let style = LineStyle {
            colour: grey(share),
            width: 1.1,
            dash: &[],
        };
        if let Some((from, to)) = clip_segment(&frame.data, tail, neck) {
            scene.stroke(&[from, to], &style);
        }
        if frame.data.contains(&Rect::at(tip.0, tip.1, 0.0, 0.0)) {
            scene.head(tip, along, head, style.colour);
        }
    }
}

/// The direction of an arrow on the page, of length one; none where the flow rests.
fn direction(arrow: &(f64, f64, f64, f64), scale: (f64, f64)) -> Option<Point> {
    // Scaled down first, so that nothing overflows.
    let most = arrow.2.abs().max(arrow.3.abs());
    let (x, y) = (arrow.2 / most * scale.0, arrow.3 / most * scale.1);
    let size = x.hypot(y);
    (size.is_finite() && size > 0.0).then(|| (x / size, y / size))
}

/// The share of the logarithmic range of speeds; none where the flow rests.
fn shade(arrow: &(f64, f64, f64, f64), speeds: Option<(f64, f64)>) -> Option<f64> {
    let (least, most) = speeds?;
    let speed = speed(arrow);
    let decades = most.log10() - least.log10();
    let share = if decades > 1e-9 {
        (speed.log10() - least.log10()) / decades
    } else {
        0.5
    };
    (speed.is_finite() && speed > 0.0).then_some(share)
}

/// The paths of the flow.
const TRAJECTORY: LineStyle = LineStyle {
    colour: modality_colour(1),
    width: 2.2,
    dash: &[],
};

/// Where a path starts.
fn start_marker() -> Marker {
    Marker {
        shape: Shape::Disc,
        colour: TRAJECTORY.colour,
        hollow: true,
        radius: 3.6,
    }
}

/// A minimum is filled, a saddle hollow.
fn critical_marker(minimum: bool) -> Marker {
    Marker {
        shape: if minimum { Shape::Disc } else { Shape::Diamond },
        colour: INK,
        hollow: !minimum,
        radius: 4.8,
    }
}

/// Says what the signs mean that are drawn; answers where that ends.
fn draw_keys(
    scene: &mut Scene,
    portraits: &Portraits,
    speeds: Option<(f64, f64)>,
    (left, top): (f64, f64),
    fonts: &Fonts,
) -> f64 {
    let any = |has: &dyn Fn(&Portrait) -> bool| portraits.panels.iter().any(has);
    let mut keys = Vec::new();
    let mut key = |shown: bool, label: &str, sample: Sample| {
        keys.extend(shown.then(|| Key {
            label: label.to_owned(),
            samples: vec![sample],
        }));
    };
    let path = any(&|p| !p.trajectories.is_empty());
    let minimum = any(&|p| p.points.iter().any(|point| point.minimum));
    let saddle = any(&|p| p.points.iter().any(|point| !point.minimum));
    key(path, "trajectory", Sample::Line(TRAJECTORY));
    key(path, "its start", Sample::Marker(start_marker()));
    key(minimum, "minimum", Sample::Marker(critical_marker(true)));
    key(saddle, "saddle", Sample::Marker(critical_marker(false)));
    let legend = Legend::new(&keys, fonts);
    let room = WIDTH - EDGE - left;
    let mut y = top;
    if !keys.is_empty() {
        legend.draw_above(scene, left, y + 4.0, room);
        y += 4.0 + legend.height_above(room);
    }
    let note = speeds.map(|(least, most)| {
        let [least, most] = [least, most].map(|speed| significant(speed, 2));
        format!("arrows: direction of the balanced flow, shaded by the log of its speed from {least} (pale) to {most} (dark)")
    });
    let notes: Vec<String> = note.into_iter().chain(portraits.notes.clone()).collect();
    page::draw_notes(scene, &notes, left, y, fonts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_up_the_page_for_growing_values() {
        let along = direction(&(0.0, 0.0, 0.0, 1e300), (2.0, -3.0));
        assert_eq!(along, Some((0.0, -1.0)));
        assert_eq!(direction(&(0.0, 0.0, 0.0, 0.0), (2.0, -3.0)), None);
        assert_eq!(direction(&(0.0, 0.0, f64::NAN, 1.0), (2.0, -3.0)), None);
    }

    #[test]
    fn shades_are_logarithmic() {
        let arrow = |speed: f64| (0.0, 0.0, speed, 0.0);
        let speeds = Some((1e-4, 1.0));
        let share = shade(&arrow(1e-2), speeds);
        assert!(share.is_some_and(|s| (s - 0.5).abs() < 1e-12));
        assert_eq!(shade(&arrow(0.0), speeds), None);
        assert_eq!(shade(&arrow(1.0), Some((1.0, 1.0))), Some(0.5));
    }
}
