//! One panel: what lies between its axes, and what is written among it.

use super::axes::Scale;
use super::furniture::EDGE;
use super::geometry::{Point, Rect, clip_path, simplify};
use super::label_placement::{Occupied, label_place, nudged, places_around};
use super::legend::Legend;
use super::page::{Curve, Dot, Level, Panel};
use super::range::shows;
use super::scene::{Anchor, Scene, centred, text_box};
use super::style::{GREY, HAIRLINE, LineStyle, TEXT};
use super::text::{Line, line_of};
use super::text_fit::shortened;
use super::{field, span};

/// Height of the strip on top of the data in which the bands are named.
const STRIP: f64 = 22.0;
/// How far a simplified curve may lie beside the data.
const TOLERANCE: f64 = 0.1;
/// Half the length of the dash that stands for a lone point.
const LONE: f64 = 8.0;
/// From one label at the right edge to the next.
const LABEL_ROW: f64 = 16.0;
/// From the panel's edge to its labels; leaders of nudged labels run in it.
const LABEL_GAP: f64 = 14.0;
/// Widest label at the right edge.
const LABEL_WIDEST: f64 = 130.0;

/// A panel's place and scales.
pub(super) struct Frame {
    /// The whole panel, with the strip.
    pub(super) rect: Rect,
    /// Where curves may be.
    pub(super) data: Rect,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Frame {
    /// The panel in a place.
    pub(super) fn new(panel: &Panel, rect: Rect) -> Self {
        let named = panel.names_bands && !panel.bands.is_empty();
        let data = Rect {
            top: rect.top + if named { STRIP } else { 0.0 },
            ..rect
        };
        Self {
            rect,
            data,
            x: Scale::new(panel.x.range, (rect.left, rect.right), panel.x.log),
            y: Scale::new(panel.y.range, (data.bottom, data.top), panel.y.log),
        }
    }

    /// A point of the data on the page, where it has a place inside the panel.
    pub(super) fn inside(&self, at: (f64, f64)) -> Option<Point> {
        let (x, y) = self.point(at)?;
        let is_inside = self.rect.contains(&Rect::at(x, y, 0.0, 0.0));
        is_inside.then_some((x, y))
    }

    /// A point of the data on the page, where the axes can show it.
    fn point(&self, (x, y): (f64, f64)) -> Option<Point> {
        let is_shown = shows(self.x.log, x) && shows(self.y.log, y);
        is_shown.then(|| (self.x.place(x), self.y.place(y)))
    }

    /// The part inside the panel of a stretch of the axis across, where there is any.
    fn stretch(&self, from: f64, to: f64) -> Option<Rect> {
        let [left, right] =
            [from, to].map(|x| self.x.place(x).clamp(self.rect.left, self.rect.right));
        (left < right).then_some(Rect {
            left,
            right,
            ..self.rect
        })
    }
}

/// Draws everything but the axes; the legend only where there is room inside, which is answered.
pub(super) fn draw(
    scene: &mut Scene,
    frame: &Frame,
    panel: &Panel,
    legend: Option<&Legend<'_>>,
) -> bool {
    let mut occupied = Occupied::default();
    for band in &panel.bands {
        if let Some(rect) = frame.stretch(band.from, band.to) {
            scene.area(rect, band.colour);
        }
    }
    if let Some(cells) = &panel.cells {
        field::draw_cells(scene, &frame.rect, cells);
    }
    field::draw_arrows(scene, frame, &panel.arrows);
    draw_levels(scene, frame, &panel.levels, &mut occupied);
    for curve in &panel.curves {
        draw_curve(scene, frame, curve, &mut occupied);
    }
    if panel.names_bands {
        name_bands(scene, frame, panel);
    }
    draw_dots(scene, frame, panel, &mut occupied);
    if let Some(span) = &panel.span {
        span::draw(scene, frame, &mut occupied, span);
    }
    let ends = panel.bands.iter().flat_map(|band| [band.from, band.to]);
    let edges: Vec<f64> = ends.map(|end| frame.x.place(end)).collect();
    legend.is_some_and(|legend| legend.draw_where_free(scene, &frame.data, &occupied, &edges))
}

/// The names of the bands, in the strip: the label, else the short one, else nothing.
fn name_bands(scene: &mut Scene, frame: &Frame, panel: &Panel) {
    let mut taken = Occupied::default();
    for band in &panel.bands {
        let Some(rect) = frame.stretch(band.from, band.to) else {
            continue;
        };
        let baseline = centred(rect.top + STRIP / 2.0 + 1.0, TEXT);
        let at = ((rect.left + rect.right) / 2.0, baseline);
        let fitting = [&band.label, &band.short]
            .into_iter()
            .filter(|label| !label.is_empty())
            .map(|label| line_of(label, TEXT))
            .find(|line| line.width + 6.0 <= rect.width());
        let free = fitting.filter(|line| !taken.is_taken(&text_box(line, at, Anchor::Middle)));
        if let Some(line) = free {
            taken.add_box(text_box(&line, at, Anchor::Middle).grown(3.0));
            scene.text(line, at, Anchor::Middle, GREY);
        }
    }
}

/// Where panels on a page of this width end: room for the labels of their levels is left.
pub(super) fn right_edge<'a>(levels: impl Iterator<Item = &'a Level>, width: f64) -> f64 {
    let widest = levels
        .map(|level| shortened(&level.label, TEXT, LABEL_WIDEST).width)
        .fold(0.0, f64::max);
    width - EDGE - (LABEL_GAP + widest).max(24.0)
}

/// The levels and their labels at the right edge, nudged apart.
fn draw_levels(scene: &mut Scene, frame: &Frame, levels: &[Level], occupied: &mut Occupied) {
    let edge = frame.rect.right;
    let heights: Vec<f64> = levels
        .iter()
        .map(|level| frame.y.place(level.value))
        .collect();
    let (top, bottom) = (frame.rect.top + 6.0, frame.rect.bottom - 4.0);
    let places = nudged(&heights, LABEL_ROW, top, bottom);
    for ((level, y), place) in levels.iter().zip(heights).zip(places) {
        let path = vec![(frame.data.left, y), (edge, y)];
        scene.stroke(&path, &level.style);
        occupied.add_curve(path);
        let Some(place) = place.filter(|_| !level.label.is_empty()) else {
            continue;
        };
        let leader = [
            (edge + 1.0, y),
            (edge + 4.0, y),
            (edge + LABEL_GAP - 3.0, place),
        ];
        scene.stroke(&leader, &LineStyle::solid(level.ink, 0.7));
        let line = shortened(&level.label, TEXT, LABEL_WIDEST);
        let at = (edge + LABEL_GAP, centred(place, TEXT));
        scene.text(line, at, Anchor::Start, level.ink);
    }
}

/// A curve, cut at the panel's edge, with an arrow head where it leaves at the top for good.
fn draw_curve(scene: &mut Scene, frame: &Frame, curve: &Curve, occupied: &mut Occupied) {
    let places: Vec<Option<Point>> = curve
        .points
        .iter()
        .map(|point| frame.point(*point))
        .collect();
    let mut last = None;
    for stretch in places.split(Option::is_none) {
        let path: Vec<Point> = stretch.iter().copied().flatten().collect();
        let path = match path[..] {
            // A lone point shows as a dash.
            [(x, y)] => vec![(x - LONE, y), (x + LONE, y)],
            _ => path,
        };
        for piece in clip_path(&frame.data, &path) {
            let piece = simplify(&piece, TOLERANCE);
            scene.stroke(&piece, &curve.style);
            last = piece.last().copied();
            occupied.add_curve(piece);
        }
    }
    let end = places.into_iter().flatten().last();
    let is_beyond = end.is_some_and(|end| end.1 < frame.data.top - 1.0);
    if let Some(exit) = last.filter(|exit| is_beyond && exit.1 < frame.data.top + 1.0) {
        let tip = (exit.0, exit.1 - 1.0);
        scene.head(tip, (0.0, -1.0), 9.0, curve.style.colour);
    }
}

/// The bars and dropped lines, the markers upon them, and the labels where they cover the least.
fn draw_dots(scene: &mut Scene, frame: &Frame, panel: &Panel, occupied: &mut Occupied) {
    let dots = panel.dots.iter();
    let dots: Vec<(&Dot, Point)> = dots
        .filter_map(|dot| {
            let (x, y) = frame.inside(dot.at)?;
            Some((dot, (x + dot.aside, y)))
        })
        .collect();
    for (dot, (x, y)) in &dots {
        let half = dot.marker.radius + 1.2;
        occupied.add_box(Rect::at(x - half, y - half, 2.0 * half, 2.0 * half));
        draw_bar(scene, frame, dot, (*x, *y), occupied);
        if dot.dropped {
            let foot = vec![(*x, *y), (*x, frame.data.bottom)];
            let style = LineStyle::dashed(dot.marker.colour, 1.2, &[1.6, 2.4]);
            scene.stroke(&foot, &style);
            occupied.add_curve(foot);
        }
    }
    for (dot, at) in &dots {
        scene.marker(*at, &dot.marker);
    }
    for (dot, at) in dots.into_iter().filter(|(dot, _)| !dot.label.is_empty()) {
        let line = line_of(&dot.label, TEXT);
        let places = label_places(frame, dot, at, &line);
        let Some(at) = label_place(&frame.data, &line, places, occupied) else {
            continue;
        };
        // Arrows are too many to find a place between them.
        if panel.arrows.is_empty() {
            scene.text(line, at, Anchor::Start, dot.marker.colour);
        } else {
            scene.text_on_paper(line, at, dot.marker.colour);
        }
    }
}

/// Where a dot's label may stand: along its dropped line, then around it.
fn label_places(frame: &Frame, dot: &Dot, (x, y): Point, line: &Line) -> Vec<Point> {
    let steps = match dot.dropped {
        true => ((frame.data.bottom - y) / 5.0) as i32,
        false => 0,
    };
    let along = (0..steps).flat_map(|step| {
        let baseline = frame.data.bottom - 7.0 - 5.0 * f64::from(step);
        [(x + 6.0, baseline), (x - 6.0 - line.width, baseline)]
    });
    along.chain(places_around((x, y), line)).collect()
}

/// The bar of a dot, as far as it is inside the panel. Where neither half stands clear of the marker
/// there is none, since stumps say nothing; one half alone would say that the other is missing.
fn draw_bar(
    scene: &mut Scene,
    frame: &Frame,
    dot: &Dot,
    (x, middle): Point,
    occupied: &mut Occupied,
) {
    const HALF: f64 = 3.5;
    let Some((low, high)) = dot.bar else {
        return;
    };
    let style = LineStyle::solid(dot.marker.colour, 1.3);
    let ends = [low, high].map(|value| frame.y.place(value));
    let is_clear = |end: &f64| (end - middle).abs() >= 1.4 * dot.marker.radius + 2.5;
    if !ends.iter().any(is_clear) {
        return;
    }
    for end in ends {
        let cut = end.clamp(frame.data.top, frame.data.bottom);
        let bar = vec![(x, middle), (x, cut)];
        scene.stroke(&bar, &style);
        occupied.add_curve(bar);
        if cut == end {
            scene.stroke(&[(x - HALF, end), (x + HALF, end)], &style);
        }
    }
}

/// The axis lines at the left and below.
pub(super) fn draw_spines(scene: &mut Scene, rect: &Rect) {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = *rect;
    scene.stroke(&[(left, top), (left, bottom), (right, bottom)], &HAIRLINE);
}

#[cfg(test)]
mod tests {
    use super::super::scene::Form;
    use super::*;

    #[test]
    fn curves_are_not_drawn_across_a_gap() {
        let axis = || super::super::page::Axis::new("", (0.0, 100.0), false);
        let panel = Panel {
            x: axis(),
            y: axis(),
            ..Panel::default()
        };
        let frame = Frame::new(&panel, Rect::at(0.0, 0.0, 100.0, 100.0));
        let points = vec![(20.0, 1.0), (30.0, f64::NAN), (40.0, 3.0), (50.0, 4.0)];
        let style = HAIRLINE;
        let mut scene = Scene::new(100.0, 100.0);
        let curve = Curve { points, style };
        draw_curve(&mut scene, &frame, &curve, &mut Occupied::default());
        let strokes = scene.marks.into_iter().map(|mark| match mark.form {
            Form::Stroke(points, _) => points,
            other => panic!("{other:?}"),
        });
        let strokes: Vec<_> = strokes.collect();
        let expected = [
            vec![(20.0 - LONE, 99.0), (20.0 + LONE, 99.0)],
            vec![(40.0, 97.0), (50.0, 96.0)],
        ];
        assert_eq!(strokes, expected);
    }
}
