//! Where text goes so that it covers nothing: occupied, the best of several places, and labels
//! nudged apart.

use super::geometry::{Point, Rect, clip_segment};
use super::scene::centred;
use super::style::TEXT;
use super::text::Line;

/// Distances of labels from their dots.
const NEAR: [f64; 4] = [8.0, 12.0, 16.0, 22.0];

/// What is already drawn in a panel.
#[derive(Debug, Default)]
pub(super) struct Occupied {
    /// With the boxes around them.
    curves: Vec<(Rect, Vec<Point>)>,
    boxes: Vec<Rect>,
}

impl Occupied {
    /// Remembers a curve.
    pub(super) fn add_curve(&mut self, path: Vec<Point>) {
        self.curves.push((Rect::around(&path), path));
    }

    /// Remembers something that nothing may overlap.
    pub(super) fn add_box(&mut self, rect: Rect) {
        self.boxes.push(rect);
    }

    /// Whether the place is taken by a box.
    pub(super) fn is_taken(&self, rect: &Rect) -> bool {
        self.boxes.iter().any(|taken| taken.overlaps(rect))
    }

    /// The length of curve that the place would cover; infinite where it is taken.
    pub(super) fn cost(&self, rect: &Rect) -> f64 {
        if self.is_taken(rect) {
            return f64::INFINITY;
        }
        let curves = self.curves.iter();
        let near = curves.filter(|(around, _)| around.overlaps(rect));
        near.flat_map(|(_, path)| path.windows(2))
            .filter_map(|pair| clip_segment(rect, pair[0], pair[1]))
            .map(|(a, b)| (b.0 - a.0).hypot(b.1 - a.1))
            .sum()
    }

    /// The place inside `room` where a label covers the least, which is then remembered as taken.
    pub(super) fn place(
        &mut self,
        room: &Rect,
        line: &Line,
        places: impl Iterator<Item = Point>,
    ) -> Option<Point> {
        let inside = places.filter(|at| room.contains(&line.rect(*at)));
        let cost = |at: &Point| self.cost(&line.rect(*at).grown(1.5));
        let choice = best(inside.map(|at| (at, 0.0)), cost);
        let (at, _) = choice.filter(|choice| choice.1.is_finite())?;
        self.add_box(line.rect(at).grown(2.0));
        Some(at)
    }
}

/// The candidate of least penalty and cost, and their sum; the first of equals. Candidates whose
/// penalty alone is no better than the best so far cost no search.
pub(super) fn best<T>(
    candidates: impl IntoIterator<Item = (T, f64)>,
    cost: impl Fn(&T) -> f64,
) -> Option<(T, f64)> {
    let mut least: Option<(T, f64)> = None;
    for (candidate, penalty) in candidates {
        let is_hopeful = |sum: f64| least.as_ref().is_none_or(|(_, known)| sum < *known);
        if is_hopeful(penalty) {
            let sum = penalty + cost(&candidate);
            if is_hopeful(sum) {
                least = Some((candidate, sum));
            }
        }
    }
    least
}

/// Starts of the baseline of a label round a dot.
pub(super) fn places_around((x, y): Point, line: &Line) -> Vec<Point> {
    let mut places = Vec::new();
    for far in NEAR {
        let (level, above, below) = (centred(y, TEXT), y - far, y + far + line.ascent());
        let (right, left) = (x + far, x - far - line.width);
        for baseline in [level, above, below] {
            places.extend([(right, baseline), (left, baseline)]);
        }
        let middle = x - line.width / 2.0;
        places.extend([(middle, above), (middle, below)]);
    }
    places
}

/// Places for labels of one height in a column: each as near to where it wants to be as the others
/// allow. `wanted` may have any order; answers come in the same order. A label for which there
/// is no room gets none, the last ones first.
pub(super) fn nudged(wanted: &[f64], height: f64, top: f64, bottom: f64) -> Vec<Option<f64>> {
    let fits = (((bottom - top) / height).floor().max(0.0) as usize + 1).min(wanted.len());
    let mut order: Vec<usize> = (0..fits).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut places = vec![None; wanted.len()];
    // Groups of touching labels: the sum of what its members want of the first, and its size.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    let start = |(sum, size): (f64, usize)| {
        (sum / size as f64).clamp(top, (bottom - height * (size - 1) as f64).max(top))
    };
    for index in &order {
        let mut group = (wanted[*index].clamp(top, bottom), 1);
        while let Some(&above) = groups.last() {
            if start(above) + height * above.1 as f64 <= start(group) {
                break;
            }
            groups.pop();
            let shift = height * (above.1 * group.1) as f64;
            group = (above.0 + group.0 - shift, above.1 + group.1);
        }
        groups.push(group);
    }
    let spread = groups.into_iter().flat_map(|group| {
        let first = start(group);
        (0..group.1).map(move |i| first + height * i as f64)
    });
    for (index, place) in order.into_iter().zip(spread) {
        places[index] = Some(place);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_labels_part_evenly_and_inside() {
        let cases: [(&[f64], &[f64]); 3] = [
            (&[50.0, 10.0], &[50.0, 10.0]),
            (&[52.0, 48.0], &[56.0, 44.0]),
            (&[99.0, 100.0, 300.0], &[76.0, 88.0, 100.0]),
        ];
        for (wanted, expected) in cases {
            let places = nudged(wanted, 12.0, 0.0, 100.0);
            assert_eq!(places.into_iter().flatten().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn many_equal_labels_never_overlap() {
        let places = nudged(&[5.0; 20], 12.0, 0.0, 100.0);
        let mut kept: Vec<f64> = places.iter().flatten().copied().collect();
        kept.sort_by(f64::total_cmp);
        assert_eq!(kept.len(), 9);
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] >= 12.0 - 1e-9));
        assert!(kept.iter().all(|y| (0.0..=100.0).contains(y)));
        assert!(places[19].is_none());
    }

    #[test]
    fn occupied_counts_covered_length() {
        let mut occupied = Occupied::default();
        occupied.add_curve(vec![(0.0, 5.0), (100.0, 5.0)]);
        occupied.add_box(Rect::at(0.0, 50.0, 10.0, 10.0));
        assert_eq!(occupied.cost(&Rect::at(20.0, 0.0, 30.0, 10.0)), 30.0);
        assert_eq!(occupied.cost(&Rect::at(20.0, 20.0, 30.0, 10.0)), 0.0);
        assert!(occupied.cost(&Rect::at(5.0, 55.0, 9.0, 9.0)).is_infinite());
    }

    #[test]
    fn the_first_of_equals_is_best() {
        let choice =
            |candidates: &[(i32, f64)]| best(candidates.iter().copied(), |x| f64::from(*x % 3));
        let equals = [(3, 0.0), (1, 0.0), (2, 0.0), (1, 0.0)];
        assert_eq!(choice(&equals), Some((3, 0.0)));
        assert_eq!(choice(&[(3, 2.0), (1, 0.5), (5, 0.0)]), Some((1, 1.5)));
        assert_eq!(choice(&[]), None);
    }
}
