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
        let mut held = Self::at(f64::INFINITY, f64::INFINITY, 0.0, 0.0);
        (held.right, held.bottom) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (x, y) in points {
            (held.left, held.right) = (held.left.min(*x), held.right.max(*x));
            (held.top, held.bottom) = (held.top.min(*y), held.bottom.max(*y));
        }
        held
    }

    /// The corners, clockwise on the page.
    pub(super) fn corners(&self) -> [Point; 4] {
        let (left, top, right, bottom) = (self.left, self.top, self.right, self.bottom);
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    }

    /// The point half way across and down.
    pub(super) fn middle(&self) -> Point {
        let (x, y) = (self.left + self.right, self.top + self.bottom);
        (x / 2.0, y / 2.0)
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
        let (width, height) = (self.width() + 2.0 * margin, self.height() + 2.0 * margin);
        Self::at(self.left - margin, self.top - margin, width, height)
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
    let from = if enter == 0.0 {
        a
    } else {
        towards(a, b, enter)
    };
    let to = if leave == 1.0 {
        b
    } else {
        towards(a, b, leave)
    };
    (enter <= leave).then_some((from, to))
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
    let mut kept: Vec<Point> = path.first().copied().into_iter().collect();
    // A stack rather than recursion: a zigzag of 5000 points would recurse as deep.
    let mut open = vec![path];
    while let Some(stretch) = open.pop() {
        let [first, between @ .., last] = stretch else {
            continue;
        };
        let gaps = between.iter().map(|point| distance(*point, *first, *last));
        let farthest = (1..).zip(gaps).max_by(|a, b| a.1.total_cmp(&b.1));
        match farthest.filter(|(_, gap)| *gap > tolerance * tolerance) {
            Some((index, _)) => open.extend([&stretch[index..], &stretch[..=index]]),
            None => kept.push(*last),
        }
    }
    kept
}

/// Squared distance of `p` from the segment between `a` and `b`.
fn distance(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let along = (p.0 - a.0) * dx + (p.1 - a.1) * dy;
    // A segment without length is its point.
    let square = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
    let nearest = towards(a, b, (along / square).clamp(0.0, 1.0));
    (p.0 - nearest.0).powi(2) + (p.1 - nearest.1).powi(2)
}

/// The point at a fraction of the way from `a` to `b`.
fn towards(a: Point, b: Point, fraction: f64) -> Point {
    (a.0 + fraction * (b.0 - a.0), a.1 + fraction * (b.1 - a.1))
}

/// The inked parts of a path under a pattern of lengths, ink and gap by turns; an empty pattern
/// is a solid line.
pub(super) fn dashes(path: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    let (Some(start), Some(ink)) = (path.first(), pattern.first()) else {
        return vec![path.to_vec()];
    };
    // Ink and gap by turns.
    let (mut parts, mut left) = (vec![vec![*start]], *ink);
    for pair in path.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        while length > left {
            from = towards(from, to, left / length);
            length -= left;
            parts
                .last_mut()
                .into_iter()
                .for_each(|part| part.push(from));
            left = pattern[parts.len() % pattern.len()];
            parts.push(vec![from]);
        }
        left -= length;
        parts.last_mut().into_iter().for_each(|part| part.push(to));
    }
    parts
        .into_iter()
        .step_by(2)
        .filter(|part| part.len() > 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Rect {
        Rect::at(0.0, 0.0, 1.0, 1.0)
    }

    #[test]
    fn segments_are_cut_at_edges_and_dropped_past_corners() {
        let cut = |a, b| clip_segment(&unit(), a, b);
        let crossing = cut((-1.0, 0.5), (3.0, 0.5));
        assert_eq!(crossing, Some(((0.0, 0.5), (1.0, 0.5))));
        assert_eq!(cut((-0.6, 0.5), (0.5, -0.7)), None);
        assert_eq!(cut((-1.0, 2.0), (2.0, 2.0)), None);
    }

    #[test]
    fn paths_are_parted_only_where_they_leave() {
        let path = [(0.1, 0.5), (0.5, -1.0), (0.9, 0.5)];
        let pieces = clip_path(&unit(), &path);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().flatten().all(|p| (0.0..=1.0).contains(&p.1)));
        assert_eq!(pieces[0][0], (0.1, 0.5));
        assert!(pieces[0][1].1.abs() < 1e-12);
        let path = [(0.1, 0.1), (0.2, 0.9), (0.3, 0.4)];
        assert_eq!(clip_path(&unit(), &path), [path.to_vec()]);
    }

    #[test]
    fn simplify_keeps_corners_only() {
        let corner = |x: f64| (x, (x - 1.0).max(0.0));
        let path: Vec<Point> = (0..=100).map(|i| corner(f64::from(i) / 50.0)).collect();
        assert_eq!(simplify(&path, 1e-6), [0.0, 1.0, 2.0].map(corner));
        assert!(simplify(&[], 0.1).is_empty());
        assert_eq!(simplify(&[(1.0, 2.0)], 0.1), [(1.0, 2.0)]);
    }

    #[test]
    fn dashes_go_round_corners() {
        let path = [(0.0, 0.0), (2.0, 0.0), (2.0, 4.0)];
        let inked = [&path[..2], &[(2.0, 1.0)], &[(2.0, 2.0), (2.0, 4.0)]].concat();
        assert_eq!(dashes(&path, &[3.0, 1.0]).concat(), inked);
        assert_eq!(dashes(&path, &[]), [path.to_vec()]);
    }
}
