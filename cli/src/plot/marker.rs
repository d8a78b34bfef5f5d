//! Markers for measured points, which differ by shape as well as by colour.

use std::f64::consts::{PI, TAU};

use super::geometry::Point;
use super::scene::{Form, Scene};
use super::style::{Colour, PAPER};

/// The outline of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A disc.
    Disc,
    /// A square.
    Square,
    /// A triangle that stands.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle on its tip.
    Down,
}

/// The order in which series take the shapes.
const SHAPES: [Shape; 5] = [
    Shape::Disc,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Down,
];

/// A marker: filled or hollow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marker {
    /// Its outline.
    pub shape: Shape,
    /// Its colour.
    pub colour: Colour,
    /// Whether there is paper inside.
    pub hollow: bool,
    /// Half its width in page units.
    pub radius: f64,
}

impl Marker {
    /// A filled disc.
    pub(crate) fn disc(colour: Colour, radius: f64) -> Self {
        Self {
            shape: Shape::Disc,
            colour,
            hollow: false,
            radius,
        }
    }

    /// The marker of a series: ten differ in grey, five filled and five hollow.
    pub(crate) fn of_series(index: usize, colour: Colour) -> Self {
        Self {
            shape: SHAPES[index % SHAPES.len()],
            hollow: (index / SHAPES.len()) % 2 == 1,
            ..Self::disc(colour, 3.8)
        }
    }
}

impl Shape {
    /// The corners round a centre; a disc has many. Shapes of one radius look equally large.
    fn corners(self, centre: Point, radius: f64) -> Vec<Point> {
        // How many corners, where the first stands, and how far out.
        let (count, start, reach) = match self {
            Shape::Disc => (40, 0.0, 1.0),
            Shape::Square => (4, PI / 4.0, 1.25),
            Shape::Triangle => (3, -PI / 2.0, 1.4),
            Shape::Diamond => (4, 0.0, 1.35),
            Shape::Down => (3, PI / 2.0, 1.4),
        };
        let angles = (0..count).map(|i| start + TAU * f64::from(i) / f64::from(count));
        let far = reach * radius;
        angles
            .map(|angle| (centre.0 + far * angle.cos(), centre.1 + far * angle.sin()))
            .collect()
    }
}

impl Scene {
    /// A marker with a thin white rim, which lifts it off what lies beneath.
    pub(super) fn marker(&mut self, centre: Point, marker: &Marker) {
        let mut layers = vec![(marker.radius + 1.0, PAPER), (marker.radius, marker.colour)];
        if marker.hollow {
            layers.push((0.58 * marker.radius, PAPER));
        }
        for (radius, colour) in layers {
            self.push(Form::Polygon(marker.shape.corners(centre, radius)), colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::INK;
    use super::*;

    #[test]
    fn ten_series_differ_in_grey_and_the_hollow_have_paper_inside() {
        let markers: Vec<Marker> = (0..10).map(|i| Marker::of_series(i, INK)).collect();
        for (i, marker) in markers.iter().enumerate() {
            assert!(!markers[..i].contains(marker), "{i}");
            let mut scene = Scene::new(10.0, 10.0);
            scene.marker((5.0, 5.0), marker);
            let inner = scene.marks.last().map(|mark| mark.colour);
            assert_eq!(inner == Some(PAPER), marker.hollow, "{i}");
        }
    }
}
