//! One panel: what lies between its axes, and what is written among it.

use super::axes::Scale;
use super::field;
use super::geometry::{Point, Rect, clip_path, simplify};
use super::label_placement::{Occupied, nudged, places_around};
use super::page::{Band, Curve, Dot, Level, Panel};
use super::range::shows;
use super::scene::{Anchor, Scene, centred};
use super::style::{GREY, LineStyle, PAPER, TEXT};
use super::text::{Line, line_of};
use super::text_fit::shortened;

/// Height of the strip on top of the data in which the bands are named.
const STRIP: f64 = 22.0;
/// From the panel's edge to its labels; leaders of nudged labels run in it.
const LABEL_GAP: f64 = 14.0;

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
        let mut data = rect;
        if panel.names_bands && !panel.bands.is_empty() {
            data.top += STRIP;
        }
        Self {
            rect,
            data,
            x: Scale::new(panel.x.range, (rect.left, rect.right), panel.x.log),
            y: Scale::new(panel.y.range, (data.bottom, data.top), panel.y.log),
        }
    }

    /// A point of the data on the page, where it has a place inside the panel.
    pub(super) fn inside(&self, at: (f64, f64)) -> Option<Point> {
        let at = self.point(at)?;
        self.rect.contains(&Rect::around(&[at])).then_some(at)
    }

    /// A point of the data on the page, where the axes can show it.
    fn point(&self, (x, y): (f64, f64)) -> Option<Point> {
        let is_shown = shows(self.x.log, x) && shows(self.y.log, y);
        is_shown.then(|| (self.x.place(x), self.y.place(y)))
    }

    /// The part inside the panel of a stretch of the axis across, where there is any.
    pub(super) fn stretch(&self, from: f64, to: f64) -> Option<Rect> {
        let place = |x| self.x.place(x).clamp(self.rect.left, self.rect.right);
        let (left, right) = (place(from), place(to));
        (left < right).then_some(Rect {
            left,
            right,
            ..self.rect
        })
    }
}

/// A panel that is being drawn.
pub(super) struct Painter<'a> {
    pub(super) scene: &'a mut Scene,
    pub(super) frame: &'a Frame,
    /// What is drawn already.
    pub(super) occupied: Occupied,
}

/// Draws everything but the axes and the legend; answers what is taken then.
pub(super) fn draw(scene: &mut Scene, frame: &Frame, panel: &Panel) -> Occupied {
    for band in &panel.bands {
        if let Some(rect) = frame.stretch(band.from, band.to) {
            scene.area(rect, band.colour);
        }
    }
    if let Some(cells) = &panel.cells {
        field::draw_cells(scene, frame, panel, cells);
    }
    field::draw_arrows(scene, frame, &panel.arrows);
    let mut painter = Painter {
        scene,
        frame,
        occupied: Occupied::default(),
    };
    painter.levels(&panel.levels);
    panel.curves.iter().for_each(|curve| painter.curve(curve));
    if panel.names_bands {
        painter.names(&panel.bands);
    }
    painter.dots(panel);
    panel.span.iter().for_each(|span| painter.span(span));
    painter.occupied
}

/// A level's label at the right edge.
fn level_label(level: &Level) -> Line {
    const WIDEST: f64 = 130.0;
    shortened(&level.label, TEXT, WIDEST)
}

/// The room right of panels for the labels of their levels.
pub(super) fn right_room<'a>(levels: impl Iterator<Item = &'a Level>) -> f64 {
    let widths = levels.map(|level| level_label(level).width);
    (LABEL_GAP + widths.fold(0.0, f64::max)).max(24.0)
}

impl Painter<'_> {
    /// A path that labels should not cover.
    fn stroke(&mut self, path: Vec<Point>, style: &LineStyle) {
        self.scene.stroke(&path, style);
        self.occupied.add_curve(path);
    }

    /// The names of the bands, in the strip: the label, else the short one, else nothing.
    fn names(&mut self, bands: &[Band]) {
        let mut taken = Occupied::default();
        for band in bands {
            let Some(rect) = self.frame.stretch(band.from, band.to) else {
                continue;
            };
            let lines = [&band.label, &band.short].map(|label| line_of(label, TEXT));
            let mut lines = lines.into_iter();
            let fits = |line: &Line| line.width > 0.0 && line.width + 6.0 <= rect.width();
            if let Some(line) = lines.find(fits) {
                let baseline = centred(rect.top + STRIP / 2.0 + 1.0, TEXT);
                let at = (rect.middle().0 - line.width / 2.0, baseline);
                if !taken.is_taken(&line.rect(at)) {
                    taken.add_box(line.rect(at).grown(3.0));
                    self.scene.text(line, at, Anchor::Start, GREY);
                }
            }
        }
    }

    /// The levels and their labels at the right edge, nudged apart.
    fn levels(&mut self, levels: &[Level]) {
        /// From one label to the next.
        const ROW: f64 = 16.0;
        let rect = self.frame.rect;
        let heights = levels.iter().map(|level| self.frame.y.place(level.value));
        let heights: Vec<f64> = heights.collect();
        let places = nudged(&heights, ROW, rect.top + 6.0, rect.bottom - 4.0);
        for ((level, y), place) in levels.iter().zip(heights).zip(places) {
            self.stroke(vec![(rect.left, y), (rect.right, y)], &level.style);
            if let Some(place) = place.filter(|_| !level.label.is_empty()) {
                let (edge, to) = (rect.right, rect.right + LABEL_GAP);
                let leader = [(edge + 1.0, y), (edge + 4.0, y), (to - 3.0, place)];
                self.scene
                    .stroke(&leader, &LineStyle::solid(level.ink, 0.7));
                let at = (to, centred(place, TEXT));
                self.scene
                    .text(level_label(level), at, Anchor::Start, level.ink);
            }
        }
    }

    /// A curve, cut at the panel's edge, with an arrow head where it leaves at the top for good.
    fn curve(&mut self, curve: &Curve) {
        /// How far a simplified curve may lie beside the data.
        const TOLERANCE: f64 = 0.1;
        /// Half the length of the dash that stands for a lone point.
        const LONE: f64 = 8.0;
        let places = curve.points.iter().map(|point| self.frame.point(*point));
        let places: Vec<Option<Point>> = places.collect();
        let mut last = None;
        for stretch in places.split(Option::is_none) {
            let mut path: Vec<Point> = stretch.iter().copied().flatten().collect();
            if let [(x, y)] = path[..] {
                path = vec![(x - LONE, y), (x + LONE, y)];
            }
            for piece in clip_path(&self.frame.data, &path) {
                last = piece.last().copied();
                self.stroke(simplify(&piece, TOLERANCE), &curve.style);
            }
        }
        let (top, end) = (self.frame.data.top, places.into_iter().flatten().last());
        let is_beyond = end.is_some_and(|end| end.1 < top - 1.0);
        if let Some((x, y)) = last.filter(|exit| is_beyond && exit.1 < top + 1.0) {
            self.scene
                .head((x, y - 1.0), (0.0, -1.0), 9.0, curve.style.colour);
        }
    }

    /// The bars and dropped lines, the markers upon them, and the labels where they cover the least.
    fn dots(&mut self, panel: &Panel) {
        let mut dots: Vec<(&Dot, Point)> = Vec::new();
        for dot in &panel.dots {
            if let Some((x, y)) = self.frame.inside(dot.at) {
                dots.push((dot, (x + dot.aside, y)));
            }
        }
        for (dot, at) in &dots {
            let marker = Rect::around(&[*at]).grown(dot.marker.radius + 1.2);
            self.occupied.add_box(marker);
            self.bar(dot, *at);
            if dot.dropped {
                let style = LineStyle::dashed(dot.marker.colour, 1.2, &[1.6, 2.4]);
                self.stroke(vec![*at, (at.0, self.frame.data.bottom)], &style);
            }
        }
        for (dot, at) in &dots {
            self.scene.marker(*at, &dot.marker);
        }
        for (dot, at) in dots.into_iter().filter(|(dot, _)| !dot.label.is_empty()) {
            let line = line_of(&dot.label, TEXT);
            let places = self
                .beside_foot(dot, at, &line)
                .chain(places_around(at, &line));
            let place = self.occupied.place(&self.frame.data, &line, places);
            if let Some(at) = place {
                // Arrows are too many to find a place between them.
                if !panel.arrows.is_empty() {
                    self.scene.area(line.rect(at).grown(1.5), PAPER);
                }
                self.scene.text(line, at, Anchor::Start, dot.marker.colour);
            }
        }
    }

    /// Where a dot's label may stand beside its dropped line, from its foot upwards.
    fn beside_foot(
        &self,
        dot: &Dot,
        (x, y): Point,
        line: &Line,
    ) -> impl Iterator<Item = Point> + use<> {
        let (foot, left) = (self.frame.data.bottom, x - 6.0 - line.width);
        let steps = if dot.dropped { (foot - y) / 5.0 } else { 0.0 };
        (0..steps as i32).flat_map(move |step| {
            let baseline = foot - 7.0 - 5.0 * f64::from(step);
            [(x + 6.0, baseline), (left, baseline)]
        })
    }

    /// The bar of a dot, as far as it is inside the panel. Where neither half stands clear of the marker
    /// there is none, since stumps say nothing; one half alone would say that the other is missing.
    fn bar(&mut self, dot: &Dot, (x, y): Point) {
        const HALF: f64 = 3.5;
        let style = LineStyle::solid(dot.marker.colour, 1.3);
        let place = |value| self.frame.y.place(value);
        let ends = dot.bar.map(|(low, high)| [place(low), place(high)]);
        let is_clear = |end: &f64| (end - y).abs() >= 1.4 * dot.marker.radius + 2.5;
        for end in ends
            .filter(|ends| ends.iter().any(is_clear))
            .into_iter()
            .flatten()
        {
            let cut = end.clamp(self.frame.data.top, self.frame.data.bottom);
            self.stroke(vec![(x, y), (x, cut)], &style);
            if cut == end {
                self.scene
                    .stroke(&[(x - HALF, end), (x + HALF, end)], &style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::Axis;
    use super::super::scene::Form;
    use super::super::style::HAIRLINE;
    use super::*;

    #[test]
    fn curves_are_not_drawn_across_a_gap() {
        let axis = || Axis::new("", (0.0, 100.0), false);
        let points = vec![(20.0, 1.0), (30.0, f64::NAN), (40.0, 3.0), (50.0, 4.0)];
        let style = HAIRLINE;
        let panel = Panel {
            x: axis(),
            y: axis(),
            curves: vec![Curve { points, style }],
            ..Panel::default()
        };
        let frame = Frame::new(&panel, Rect::at(0.0, 0.0, 100.0, 100.0));
        let mut scene = Scene::new(100.0);
        draw(&mut scene, &frame, &panel);
        let strokes = scene.marks.into_iter().map(|mark| mark.form);
        // A lone point is a dash.
        let expected = [[(12.0, 99.0), (28.0, 99.0)], [(40.0, 97.0), (50.0, 96.0)]];
        let expected = expected.map(|path| Form::Stroke(path.to_vec(), 1.0));
        assert_eq!(strokes.collect::<Vec<_>>(), expected);
    }
}
