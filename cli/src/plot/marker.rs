//! Markers for measured points, which differ by shape as well as by colour.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};

use super::geometry::Point;
use super::scene::{Form, Scene};
use super::style::{Colour, PAPER};

/// The outline of a marker: how many corners, the angle of the first, how far out they stand, so that
/// shapes of one radius look equally large, and its height over its width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape(i32, f64, f64, f64);

impl Shape {
    /// A disc, as many corners.
    pub const DISC: Self = Self(40, 0.0, 1.0, 1.0);
    /// A square.
    pub const SQUARE: Self = Self(4, FRAC_PI_4, 1.25, 1.0);
    /// A triangle that stands.
    pub const TRIANGLE: Self = Self(3, -FRAC_PI_2, 1.4, 1.0);
    /// A square on its corner.
    pub const DIAMOND: Self = Self(4, 0.0, 1.35, 1.0);
    /// A triangle on its tip.
    pub const DOWN: Self = Self(3, FRAC_PI_2, 1.4, 1.0);
    /// A level stroke across a point, which it leaves to be seen.
    pub const TICK: Self = Self(4, FRAC_PI_4, 2.9, 0.13);

    /// The order in which series take them.
    const ALL: [Self; 5] = [
        Self::DISC,
        Self::SQUARE,
        Self::TRIANGLE,
        Self::DIAMOND,
        Self::DOWN,
    ];

    /// The corners round a centre.
    fn corners(self, centre: Point, radius: f64) -> Vec<Point> {
        let Self(count, start, reach, height) = self;
        let corner = |i: i32| {
            let angle = start + TAU * f64::from(i) / f64::from(count);
            let far = reach * radius;
            (
                centre.0 + far * angle.cos(),
                centre.1 + height * far * angle.sin(),
            )
        };
        (0..count).map(corner).collect()
    }
}

/// Half the width of the markers of series.
pub(crate) const SERIES_RADIUS: f64 = 3.8;

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
        let (shape, hollow) = (Shape::DISC, false);
        Self {
            shape,
            colour,
            hollow,
            radius,
        }
    }

    /// The marker of a series: ten differ in grey, five filled and five hollow.
    pub(crate) fn of_series(index: usize, colour: Colour) -> Self {
        Self {
            shape: Shape::ALL[index % Shape::ALL.len()],
            hollow: (index / Shape::ALL.len()) % 2 == 1,
            ..Self::disc(colour, SERIES_RADIUS)
        }
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
            let mut scene = Scene::new(10.0);
            scene.marker((5.0, 5.0), marker);
            let inner = scene.marks.last().map(|mark| mark.colour);
            assert_eq!(inner == Some(PAPER), marker.hollow, "{i}");
        }
    }
}
