//! Plane geometry in figure units: rectangles, clipping, thinning and dashing of paths.
//!
//! x runs to the right and y downwards, as on the page.

/// A place on the page.
pub(super) type Point = (f64, f64);

/// An upright rectangle; `top` is the smaller y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    /// The rectangle with this upper left corner and size.
    pub(super) fn at(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self {
            left,
            top,
            right: left + width,
            bottom: top + height,
        }
    }

    /// The rectangle that holds some points.
    pub(super) fn around(points: &[Point]) -> Self {
        let none = Self {
            left: f64::INFINITY,
            top: f64::INFINITY,
            right: f64::NEG_INFINITY,
            bottom: f64::NEG_INFINITY,
        };
        points.iter().fold(none, |held, (x, y)| Self {
            left: held.left.min(*x),
            top: held.top.min(*y),
            right: held.right.max(*x),
            bottom: held.bottom.max(*y),
        })
    }

    /// The corners, clockwise on the page.
    pub(super) fn corners(&self) -> [Point; 4] {
        let Self {
            left,
            top,
            right,
            bottom,
        } = *self;
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    }

    /// From left to right.
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    /// From top to bottom.
    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Larger by `margin` on every side.
    pub(super) fn grown(&self, margin: f64) -> Self {
        Self {
            left: self.left - margin,
            top: self.top - margin,
            right: self.right + margin,
            bottom: self.bottom + margin,
        }
    }

    /// Whether the two share more than an edge.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether `other` lies wholly inside.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

/// The part of the segment from `a` to `b` inside `rect` (Liang and Barsky).
pub(super) fn clip_segment(rect: &Rect, a: Point, b: Point) -> Option<(Point, Point)> {
    // Most segments lie wholly on one side.
    if a.0.max(b.0) < rect.left
        || a.0.min(b.0) > rect.right
        || a.1.max(b.1) < rect.top
        || a.1.min(b.1) > rect.bottom
    {
        return None;
    }
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let sides = [
        (-dx, a.0 - rect.left),
        (dx, rect.right - a.0),
        (-dy, a.1 - rect.top),
        (dy, rect.bottom - a.1),
    ];
    for (outward, room) in sides {
        if outward == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if outward < 0.0 {
            enter = enter.max(room / outward);
        } else {
            leave = leave.min(room / outward);
        }
    }
    // Ends are returned as they are where nothing is cut, so that pieces join exactly.
    let along = |s: f64| (a.0 + s * dx, a.1 + s * dy);
    (enter <= leave).then(|| {
        let from = if enter == 0.0 { a } else { along(enter) };
        let to = if leave == 1.0 { b } else { along(leave) };
        (from, to)
    })
}

/// The parts of a path inside `rect`, each a path of its own.
pub(super) fn clip_path(rect: &Rect, path: &[Point]) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    for pair in path.windows(2) {
        let Some((from, to)) = clip_segment(rect, pair[0], pair[1]) else {
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// The path with the points dropped that lie within `tolerance` of the line through those kept
/// (Douglas and Peucker). Thousands of samples become a hundred vertices that look the same.
pub(super) fn simplify(path: &[Point], tolerance: f64) -> Vec<Point> {
    let mut keep = vec![false; path.len()];
    for end in [keep.len().checked_sub(1), Some(0)].into_iter().flatten() {
        if let Some(flag) = keep.get_mut(end) {
            *flag = true;
        }
    }
    // A stack rather than recursion: a zigzag of 5000 points would recurse as deep.
    let mut open = vec![(0, path.len().saturating_sub(1))];
    while let Some((first, last)) = open.pop() {
        let farthest = (first + 1..last)
            .map(|i| (i, distance(path[i], path[first], path[last])))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((index, _)) = farthest.filter(|&(_, gap)| gap > tolerance * tolerance) {
            keep[index] = true;
            open.push((first, index));
            open.push((index, last));
        }
    }
    path.iter()
        .zip(keep)
        .filter_map(|(&point, kept)| kept.then_some(point))
        .collect()
}

/// Squared distance of `p` from the segment between `a` and `b`.
fn distance(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let square = dx * dx + dy * dy;
    let fraction = if square > 0.0 {
        (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p.0 - a.0 - fraction * dx).powi(2) + (p.1 - a.1 - fraction * dy).powi(2)
}

/// The inked parts of a path under a pattern of lengths, ink and gap by turns; an empty pattern
/// is a solid line.
pub(super) fn dashes(path: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    let period: f64 = pattern.iter().sum();
    if period <= 0.0 {
        return vec![path.to_vec()];
    }
    let mut inked = Vec::new();
    let mut current: Vec<Point> = path.first().copied().into_iter().collect();
    let (mut index, mut left) = (0, pattern[0]);
    for pair in path.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        while length > left {
            let share = left / length;
            from = (
                from.0 + share * (to.0 - from.0),
                from.1 + share * (to.1 - from.1),
            );
            length -= left;
            current.push(from);
            if index % 2 == 0 {
                inked.push(std::mem::take(&mut current));
            }
            current = vec![from];
            index = (index + 1) % pattern.len();
            left = pattern[index];
        }
        left -= length;
        current.push(to);
    }
    if index % 2 == 0 && current.len() > 1 {
        inked.push(current);
    }
    inked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Rect {
        Rect::at(0.0, 0.0, 1.0, 1.0)
    }

    #[test]
    fn a_segment_is_cut_at_both_edges() {
        let cut = clip_segment(&unit(), (-1.0, 0.5), (3.0, 0.5));
        assert_eq!(cut, Some(((0.0, 0.5), (1.0, 0.5))));
    }

    #[test]
    fn a_segment_past_a_corner_is_dropped() {
        assert_eq!(clip_segment(&unit(), (-0.6, 0.5), (0.5, -0.7)), None);
        assert_eq!(clip_segment(&unit(), (-1.0, 2.0), (2.0, 2.0)), None);
    }

    #[test]
    fn a_path_that_leaves_and_returns_becomes_two() {
        let path = [(0.1, 0.5), (0.5, -1.0), (0.9, 0.5)];
        let pieces = clip_path(&unit(), &path);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().flatten().all(|p| (0.0..=1.0).contains(&p.1)));
        assert_eq!(pieces[0][0], (0.1, 0.5));
        assert!(pieces[0][1].1.abs() < 1e-12);
    }

    #[test]
    fn a_path_inside_stays_whole() {
        let path = [(0.1, 0.1), (0.2, 0.9), (0.3, 0.4)];
        assert_eq!(clip_path(&unit(), &path), vec![path.to_vec()]);
    }

    #[test]
    fn simplify_keeps_corners_only() {
        let path: Vec<Point> = (0..=100)
            .map(|i| f64::from(i) / 50.0)
            .map(|x| (x, if x < 1.0 { 0.0 } else { x - 1.0 }))
            .collect();
        let thin = simplify(&path, 1e-6);
        assert_eq!(thin, vec![(0.0, 0.0), (1.0, 0.0), (2.0, 1.0)]);
    }

    #[test]
    fn simplify_takes_no_points_and_one_point() {
        assert!(simplify(&[], 0.1).is_empty());
        assert_eq!(simplify(&[(1.0, 2.0)], 0.1), vec![(1.0, 2.0)]);
    }

    #[test]
    fn dashes_go_round_corners() {
        let inked = dashes(&[(0.0, 0.0), (2.0, 0.0), (2.0, 4.0)], &[3.0, 1.0]);
        assert_eq!(
            inked,
            vec![
                vec![(0.0, 0.0), (2.0, 0.0), (2.0, 1.0)],
                vec![(2.0, 2.0), (2.0, 4.0)]
            ]
        );
    }

    #[test]
    fn no_pattern_is_solid() {
        let path = [(0.0, 0.0), (1.0, 1.0)];
        assert_eq!(dashes(&path, &[]), vec![path.to_vec()]);
    }
}
