//! The trajectory of a descent: what is looked at, joined by smooth pieces.

use crate::trajectory::{Knot, Trajectory};
use std::ops::Range;

/// Relative error to which knots are dropped from the trajectory: descent is off the flow by the order
/// of eta, a thousand times this at the least.
const TRACK_TOLERANCE: f64 = 1e-7;

/// Joins the knots to a trajectory, two intervals a piece, with the rates of parabolas through neighbours.
#[derive(Debug)]
pub(super) struct TrajectoryBuilder {
    /// The end of the trajectory, and the knots after it.
    recent: Vec<Knot>,
    trajectory: Trajectory,
}

impl TrajectoryBuilder {
    /// A path of steps of length `step` in time that starts at a knot; groups as in [`Trajectory::new`].
    pub fn new(start: Knot, groups: Vec<Range<usize>>, step: f64) -> Self {
        Self {
            recent: vec![start.clone()],
            trajectory: Trajectory::new(start, groups, TRACK_TOLERANCE).of_steps(step),
        }
    }

    /// The same, through stages that each follow a loss of their own where there are some.
    pub fn with_stages(mut self, has_stages: bool) -> Self {
        if has_stages {
            self.trajectory = self.trajectory.of_stages();
        }
        self
    }

    /// Goes on to the next knot.
    pub fn push(&mut self, knot: Knot) {
        self.recent.push(knot);
        if let [a, b, c, d] = &mut self.recent[..] {
            set_central_rates(a, b, c);
            set_central_rates(b, c, d);
            self.append_piece();
        }
    }

    /// Moves the first piece, `recent[0..=2]`, to the trajectory.
    fn append_piece(&mut self) {
        let end = self.recent[2].clone();
        let middle = self.recent.drain(..2).nth(1);
        if let Some(middle) = middle {
            self.trajectory.push(middle, end);
        }
    }

    /// The whole trajectory.
    pub fn finish(mut self) -> Trajectory {
        match &mut self.recent[..] {
            [before, middle, end] => {
                set_central_rates(before, middle, end);
                set_last_rates(before, middle, end);
                self.append_piece();
            }
            [before, end] => {
                let middle = halfway(before, end);
                self.trajectory.push(middle, end.clone());
            }
            _ => {}
        }
        self.trajectory
    }
}

/// Slopes of the values from `before` to `knot` and from there to `after`, and the share of the first
/// interval in both.
fn slopes(before: &Knot, knot: &Knot, after: &Knot, i: usize) -> ([f64; 2], f64) {
    let [first, second] = [knot.time - before.time, after.time - knot.time];
    let slopes = [
        (knot.values[i] - before.values[i]) / first,
        (after.values[i] - knot.values[i]) / second,
    ];
    (slopes, first / (first + second))
}

/// Rates of the knot between two others.
fn set_central_rates(before: &Knot, knot: &mut Knot, after: &Knot) {
    for i in 0..knot.values.len() {
        let ([first, second], share) = slopes(before, knot, after, i);
        knot.rates[i] = first + share * (second - first);
    }
}

/// Rates of the last knot.
fn set_last_rates(before: &Knot, knot: &Knot, last: &mut Knot) {
    for i in 0..knot.values.len() {
        let ([first, second], share) = slopes(before, knot, last, i);
        last.rates[i] = second + (1.0 - share) * (second - first);
    }
}

/// The point halfway before a last odd knot, on the parabola through both knots with the first
/// one's rates; sets the last one's rates to the parabola's.
fn halfway(before: &Knot, end: &mut Knot) -> Knot {
    let interval = end.time - before.time;
    let mut middle = before.clone();
    middle.time = before.time + 0.5 * interval;
    for i in 0..end.values.len() {
        let mean_rate = (end.values[i] - before.values[i]) / interval;
        end.rates[i] = 2.0 * mean_rate - before.rates[i];
        middle.rates[i] = mean_rate;
        middle.values[i] = before.values[i] + 0.25 * interval * (before.rates[i] + mean_rate);
    }
    middle
}
