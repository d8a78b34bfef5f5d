//! The loss as a staircase: its speed along a trajectory, and the minima of it.

use crate::trajectory::{Knot, Observables, Trajectory};

/// A minimum of the speed within this share of its lower peak is a ripple, too shallow to be
/// called a shoulder.
const RIPPLE: f64 = 0.99;

/// The same where the speed flickers, as it does with units that have a kink.
const FLICKER: f64 = 0.9;

/// Drops that count on either side of a point, over which its mean speed is taken: less than one in
/// all, so that no minimum between two drops that count is lost. Integrators leave the fast
/// directions of a learned map with an error as large as their tolerance; the speed sees it
/// multiplied by the largest variance of the inputs, the loss hardly.
const STRETCH: f64 = 0.25;

/// The same where the speed flickers.
const FLICKER_STRETCH: f64 = 5.0;

/// Units in the last place by which the difference of two times may be off: each is a sum of steps.
const TIME_ROUND_OFF: f64 = 4.0 * f64::EPSILON;

/// A point of the staircase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) time: f64,
    pub(super) loss: f64,
    /// Mean speed over the stretch around the point.
    pub(super) speed: f64,
    /// How far the mean speed may be off.
    error: f64,
}

/// Loss and speed along a trajectory, and where the speed has minima.
#[derive(Debug)]
pub(super) struct Staircase {
    pub(super) points: Vec<Point>,
    /// Places of the minima among the points, between drops that count.
    pub(super) minima: Vec<usize>,
    /// The least drop that counts.
    pub(super) least_drop: f64,
}

impl Staircase {
    /// The staircase of a trajectory; drops below `least_drop` do not count.
    pub(super) fn new(
        trajectory: &Trajectory,
        observables: &Observables<'_>,
        least_drop: f64,
    ) -> Self {
        let is_smooth = observables.architecture.activation.is_smooth();
        let (stretch, ripple) = match is_smooth {
            true => (STRETCH, RIPPLE),
            false => (FLICKER_STRETCH, FLICKER),
        };
        let (mut points, errors): (Vec<Point>, Vec<f64>) = trajectory
            .scan()
            .map(|time| {
                let knot = trajectory.at(time);
                let point = Point {
                    time,
                    loss: observables.loss(&knot),
                    speed: observables.speed(&knot),
                    error: 0.0,
                };
                (
                    point,
                    loss_error(trajectory, observables, &knot, point.loss),
                )
            })
            .unzip();
        let speeds: Vec<f64> = points.iter().map(|point| point.speed).collect();
        average_speeds(&mut points, &errors, stretch * least_drop);
        let mut staircase = Self {
            points,
            minima: Vec::new(),
            least_drop,
        };
        staircase.minima = staircase.all_minima();
        staircase.drop_ripples(ripple);
        staircase.sharpen(&speeds, stretch * least_drop);
        if is_smooth && !trajectory.has_steps() {
            staircase.settle(trajectory, observables);
        }
        staircase
    }

    /// Moves the minima from the points to where the speed of the smooth trajectory is least.
    fn settle(&mut self, trajectory: &Trajectory, observables: &Observables<'_>) {
        let last = self.points.len() - 1;
        for &i in self.minima.iter().filter(|i| (1..last).contains(*i)) {
            let around = [self.points[i - 1].time, self.points[i + 1].time];
            let time = least(around, |time| observables.speed(&trajectory.at(time)));
            self.points[i].loss = observables.loss(&trajectory.at(time));
            self.points[i].time = time;
        }
    }

    /// The minima of the mean speed that are separated by drops that count.
    fn all_minima(&self) -> Vec<usize> {
        let points = &self.points;
        let last = points.len() - 1;
        let speed = |i: usize| points[i].speed;
        let is_minimum = |&i: &usize| {
            (i == 0 || speed(i) <= speed(i - 1)) && (i == last || speed(i) < speed(i + 1))
        };
        let mut minima: Vec<usize> = Vec::new();
        for i in (0..=last).filter(is_minimum) {
            match minima.last_mut() {
                Some(kept) if points[*kept].loss - points[i].loss < self.least_drop => {
                    if speed(i) < speed(*kept) {
                        *kept = i;
                    }
                }
                _ => minima.push(i),
            }
        }
        minima
    }

    /// Removes minima that hardly lie below their lower peak, or not by more than the speed's own
    /// error, the shallowest first: of two beside each other the lower one stays.
    fn drop_ripples(&mut self, ripple: f64) {
        while self.minima.len() > 1 {
            let depth = |k: usize| {
                let lowest = &self.points[self.minima[k]];
                let peak = self.lower_peak(k, |point| point.speed - point.error);
                (lowest.speed + lowest.error) / peak.max(f64::MIN_POSITIVE)
            };
            let is_inside =
                |k: &usize| self.minima[*k] > 0 && self.minima[*k] + 1 < self.points.len();
            let depths = (0..self.minima.len())
                .filter(is_inside)
                .map(|k| (k, depth(k)));
            match depths.max_by(|a, b| a.1.total_cmp(&b.1)) {
                Some((shallowest, depth)) if depth > ripple => {
                    self.minima.remove(shallowest);
                }
                _ => return,
            }
        }
    }

    /// Moves each minimum of the mean speed to the least speed of the stretch that the mean is taken over;
    /// two that come to lie on one plateau are one.
    fn sharpen(&mut self, speeds: &[f64], half: f64) {
        let points = &self.points;
        let slower = |&a: &usize, &b: &usize| speeds[a].total_cmp(&speeds[b]);
        let mut sharp: Vec<usize> = Vec::new();
        for (k, &lowest) in self.minima.iter().enumerate() {
            let first = sharp.last().map_or(0, |before| before + 1);
            let last = self.minima.get(k + 1).copied().unwrap_or(points.len());
            let is_near = |i: &usize| (points[*i].loss - points[lowest].loss).abs() < half;
            let slowest = (first..last).filter(is_near).min_by(slower);
            let slowest = slowest.unwrap_or(lowest);
            match sharp.last_mut() {
                Some(kept) if points[*kept].loss - points[slowest].loss < self.least_drop => {
                    *kept = [*kept, slowest].into_iter().min_by(slower).unwrap_or(*kept);
                }
                _ => sharp.push(slowest),
            }
        }
        self.minima = sharp;
    }

    /// The points up to which the k-th minimum's drops reach: the minima beside it, or the ends of the
    /// run; the minimum itself where the drop to an end does not count.
    pub(super) fn neighbours(&self, k: usize) -> (usize, usize) {
        let (points, lowest) = (&self.points, self.minima[k]);
        let last = points.len() - 1;
        let counts =
            |from: usize, to: usize| points[from].loss - points[to].loss >= self.least_drop;
        let before = match k {
            0 if counts(0, lowest) => 0,
            0 => lowest,
            _ => self.minima[k - 1],
        };
        let after = match self.minima.get(k + 1) {
            Some(&next) => next,
            None if counts(lowest, last) => last,
            None => lowest,
        };
        (before, after)
    }

    /// The lower of the highest speeds, told by `speed`, on either side of the k-th minimum.
    pub(super) fn lower_peak(&self, k: usize, speed: impl Fn(&Point) -> f64) -> f64 {
        let (lowest, (before, after)) = (self.minima[k], self.neighbours(k));
        let peak = |points: &[Point]| points.iter().map(&speed).fold(f64::NEG_INFINITY, f64::max);
        let left = (lowest > before).then(|| peak(&self.points[before..lowest]));
        let right = (lowest < after).then(|| peak(&self.points[lowest + 1..=after]));
        let (left, right) = (
            left.unwrap_or(f64::INFINITY),
            right.unwrap_or(f64::INFINITY),
        );
        left.min(right)
    }
}

/// Takes for the speed of each point its mean over the stretch around it that removes twice the loss
/// `half`, and how far that may be off: by the errors of the two losses and of the two times.
fn average_speeds(points: &mut [Point], errors: &[f64], half: f64) {
    let last = points.len() - 1;
    let (mut before, mut after) = (0, 0);
    let means: Vec<(f64, f64)> = (0..=last)
        .map(|i| {
            // Where the loss rises, as in a descent that diverges, the stretch begins at the point itself.
            while before < i && points[before + 1].loss - points[i].loss >= half {
                before += 1;
            }
            while after < last && points[i].loss - points[after].loss < half {
                after += 1;
            }
            let (first, end) = (before, after.max(i));
            let (from, to) = (points[first], points[end]);
            let length = to.time - from.time;
            if length > 0.0 {
                let mean = (from.loss - to.loss) / length;
                let error = errors[first] + errors[end] + mean.abs() * TIME_ROUND_OFF * to.time;
                (mean, error / length)
            } else {
                (points[i].speed, 0.0)
            }
        })
        .collect();
    for (point, mean) in points.iter_mut().zip(means) {
        (point.speed, point.error) = mean;
    }
}

/// Where a function with one minimum between two times is least: golden sections, until the function's
/// own round-off hides the rest.
fn least([mut from, mut to]: [f64; 2], value: impl Fn(f64) -> f64) -> f64 {
    /// 0.618^50 = 4e-11 of the first interval.
    const SECTIONS: usize = 50;
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let between = |from: f64, to: f64, share: f64| from + share * (to - from);
    let (mut left, mut right) = (between(from, to, 1.0 - golden), between(from, to, golden));
    let (mut at_left, mut at_right) = (value(left), value(right));
    for _ in 0..SECTIONS {
        if at_left < at_right {
            (to, right, at_right) = (right, left, at_left);
            left = between(from, to, 1.0 - golden);
            at_left = value(left);
        } else {
            (from, left, at_left) = (left, right, at_right);
            right = between(from, to, golden);
            at_right = value(right);
        }
    }
    between(from, to, 0.5)
}

/// How far the loss of a point may be off, the trajectory's maps being known to its tolerance: with
/// dW the error of the map and |W|_S^2 = tr[W S_xx W^T],
///
/// ```text
/// |dLoss| <= |W - W*|_S |dW|_S + 1/2 |dW|_S^2        |dW|_S <= tolerance sum_m |W_m| (tr S_m)^{1/2}
/// ```
fn loss_error(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    knot: &Knot,
    loss: f64,
) -> f64 {
    let tolerance = trajectory.tolerance();
    if !observables.architecture.is_linear() {
        return tolerance * loss;
    }
    let quadratic = &observables.moments.loss;
    let size = |m: usize| {
        let range = observables.architecture.modalities[m].range.clone();
        observables.norm(knot, m) * quadratic.covariance.trace(range).sqrt()
    };
    let sizes = (0..observables.architecture.modalities.len()).map(size);
    let error = tolerance * sizes.sum::<f64>();
    (2.0 * (loss - quadratic.floor).max(0.0)).sqrt() * error + 0.5 * error * error
}
