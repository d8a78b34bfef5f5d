//! Measured points and other marked places: bars, markers, labels.

use super::super::fit::shortened;
use super::super::geometry::{Point, Rect};
use super::super::marker::Marker;
use super::super::panel::Frame;
use super::super::place::{Clutter, NEAR, label_place, places_around};
use super::super::scene::{Anchor, Scene, text_box};
use super::super::style::{LineStyle, TEXT};
use super::super::text::{Fonts, Line};

/// Widest label of a spot.
const LABEL_WIDEST: f64 = 160.0;

/// A marker, with a bar and a label where it has them.
pub(super) struct Spot {
    pub(super) at: (f64, f64),
    /// Pixels by which it stands beside its place.
    pub(super) aside: f64,
    pub(super) bar: Option<(f64, f64)>,
    pub(super) marker: Marker,
    pub(super) label: String,
}

impl Spot {
    /// Where it stands on the page.
    fn place(&self, frame: &Frame) -> Point {
        let (x, y) = frame.point(self.at);
        (x + self.aside, y)
    }
}

/// Draws the bars, the markers upon them, and the labels where they cover the least.
pub(super) fn draw(
    scene: &mut Scene,
    frame: &Frame,
    spots: &[Spot],
    fonts: &Fonts,
    clutter: &mut Clutter,
) {
    for spot in spots {
        draw_bar(scene, frame, spot, clutter);
    }
    for spot in spots {
        let (x, y) = spot.place(frame);
        clutter.add_box(Rect::at(x - 6.0, y - 6.0, 12.0, 12.0));
        scene.marker((x, y), &spot.marker);
    }
    // Leaders before all labels, so that none runs through a label.
    let labels: Vec<(Line, Point, &Spot)> = spots
        .iter()
        .filter(|spot| !spot.label.is_empty())
        .filter_map(|spot| place_label(scene, frame, spot, fonts, clutter))
        .collect();
    for (line, at, spot) in labels {
        scene.text_on_paper(line, at, spot.marker.colour);
    }
}

/// A place for the label of a spot, where it covers the least; draws the leader to it.
fn place_label<'a>(
    scene: &mut Scene,
    frame: &Frame,
    spot: &'a Spot,
    fonts: &Fonts,
    clutter: &mut Clutter,
) -> Option<(Line, Point, &'a Spot)> {
    const FARTHER: [f64; 6] = [30.0, 40.0, 55.0, 70.0, 90.0, 110.0];
    let (x, y) = spot.place(frame);
    let line = shortened(fonts, &spot.label, TEXT, LABEL_WIDEST);
    let distances = [&NEAR[..], &FARTHER].concat();
    let places = places_around((x, y), &line, &distances);
    let leader = |at: Point| leader((x, y), &text_box(&line, at, Anchor::Start).grown(2.0), spot);
    let dislike = |clutter: &Clutter, at: &Point| {
        leader(*at).map_or(0.0, |(from, to)| {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            0.2 * length + 40.0 * clutter.crossed(from, to) as f64
        })
    };
    let at = label_place(&frame.data, &line, places, clutter, dislike)?;
    if let Some((from, to)) = leader(at) {
        let style = LineStyle {
            colour: spot.marker.colour,
            width: 0.7,
            dash: &[],
        };
        scene.stroke(&[from, to], &style);
        clutter.add_curve(vec![from, to]);
    }
    Some((line, at, spot))
}

/// The line from a spot to its label, where the two are far apart.
fn leader((x, y): Point, label: &Rect, spot: &Spot) -> Option<(Point, Point)> {
    let near = (
        x.clamp(label.left, label.right),
        y.clamp(label.top, label.bottom),
    );
    let (across, down) = (near.0 - x, near.1 - y);
    let distance = across.hypot(down);
    let outside = 2.0 * spot.marker.radius;
    let from = (
        x + across / distance * outside,
        y + down / distance * outside,
    );
    (distance > outside + 6.0).then_some((from, near))
}

/// The bar of a spot, as far as it is inside the panel. Where neither half stands clear of the marker
/// there is none, since stumps say nothing; one half alone would say that the other is missing.
fn draw_bar(scene: &mut Scene, frame: &Frame, spot: &Spot, clutter: &mut Clutter) {
    const HALF: f64 = 3.5;
    let Some((low, high)) = spot.bar else {
        return;
    };
    let (x, middle) = spot.place(frame);
    let style = LineStyle {
        colour: spot.marker.colour,
        width: 1.3,
        dash: &[],
    };
    let ends = [low, high].map(|value| frame.y.place(value));
    let is_clear = |end: &f64| (end - middle).abs() >= 1.4 * spot.marker.radius + 2.5;
    if !ends.iter().any(is_clear) {
        return;
    }
    for end in ends {
        let cut = end.clamp(frame.data.top, frame.data.bottom);
        let bar = vec![(x, middle), (x, cut)];
        scene.stroke(&bar, &style);
        clutter.add_curve(bar);
        if cut == end {
            scene.stroke(&[(x - HALF, end), (x + HALF, end)], &style);
        }
    }
}
