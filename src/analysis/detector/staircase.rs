//! The loss as a staircase: its speed along a trajectory, and the minima of it.
//!
//! In stages that follow losses of their own the loss may rise. There the height of the staircase is what is left of all
//! rises and falls, and the speed is their size, so that it is a staircase as any other. Where the loss turns while the
//! map goes on, the speed vanishes on no plateau.

use crate::linalg::norm;
use crate::trajectory::{Knot, Observables, Trajectory};
use std::ops::Range;

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
    /// The loss, or what is left of its rises and falls, up to a constant.
    pub(super) height: f64,
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
                let loss = observables.loss(&knot);
                let point = Point {
                    time,
                    loss,
                    height: loss,
                    speed: observables.speed(&knot),
                    error: 0.0,
                };
                (
                    point,
                    loss_error(trajectory, observables, &knot, point.loss),
                )
            })
            .unzip();
        if trajectory.has_stages() {
            unfold(&mut points);
        }
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
        if trajectory.has_stages() {
            staircase.drop_turns(trajectory, observables);
        }
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
            let speed = |time| observables.speed(&trajectory.at(time));
            let time = match trajectory.has_stages() {
                true => least(around, |time| speed(time).abs()),
                false => least(around, speed),
            };
            let loss = observables.loss(&trajectory.at(time));
            self.points[i].height = match trajectory.has_stages() {
                true => self.points[i].height + (loss - self.points[i].loss),
                false => loss,
            };
            self.points[i].loss = loss;
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
                Some(kept) if points[*kept].height - points[i].height < self.least_drop => {
                    if speed(i) < speed(*kept) {
                        *kept = i;
                    }
                }
                _ => minima.push(i),
            }
        }
        minima
    }

    /// Removes minima where the loss turns while the map goes on: its rate is not small beside the lower of its
    /// largest ones on either side.
    fn drop_turns(&mut self, trajectory: &Trajectory, observables: &Observables<'_>) {
        /// Share of the rate of a map that has come to rest.
        const RESTS: f64 = 0.1;
        let rate = |i: usize| norm(observables.map_rate(&trajectory.at(self.points[i].time)));
        let largest = |places: Range<usize>| places.map(rate).fold(0.0, f64::max);
        let turns = |k: usize| {
            let (lowest, (before, after)) = (self.minima[k], self.neighbours(k));
            let loss = |i: usize| self.points[i].loss;
            let is_turn = (loss(before) - loss(lowest)) * (loss(lowest) - loss(after)) < 0.0;
            let peaks = || largest(before..lowest).min(largest(lowest + 1..after + 1));
            is_turn && rate(lowest) > RESTS * peaks()
        };
        let stay = (0..self.minima.len()).filter(|k| !turns(*k));
        self.minima = stay.map(|k| self.minima[k]).collect();
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
            let is_near = |i: &usize| (points[*i].height - points[lowest].height).abs() < half;
            let slowest = (first..last).filter(is_near).min_by(slower);
            let slowest = slowest.unwrap_or(lowest);
            match sharp.last_mut() {
                Some(kept) if points[*kept].height - points[slowest].height < self.least_drop => {
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
            |from: usize, to: usize| points[from].height - points[to].height >= self.least_drop;
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

/// Takes rises of the loss for falls.
fn unfold(points: &mut [Point]) {
    let mut height = 0.0;
    let mut before = points.first().map_or(0.0, |point| point.loss);
    for point in points {
        height -= (before - point.loss).abs();
        before = point.loss;
        (point.height, point.speed) = (height, point.speed.abs());
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
            while before < i && points[before + 1].height - points[i].height >= half {
                before += 1;
            }
            while after < last && points[i].height - points[after].height < half {
                after += 1;
            }
            let (first, end) = (before, after.max(i));
            let (from, to) = (points[first], points[end]);
            let length = to.time - from.time;
            if length > 0.0 {
                let mean = (from.height - to.height) / length;
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
    if !observables.moments_suffice() {
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
