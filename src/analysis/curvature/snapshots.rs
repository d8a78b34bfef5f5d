//! States of a run where the loss falls most slowly, caught as the run passes them.
//!
//! States are not stored along a run. The detector finds its plateaus afterwards; by then the state
//! at each of them must have been kept. So the lowest minimum of the speed -dLoss/dt between any
//! two drops that count is kept with its state, one state a plateau.

use crate::integrate::Segment;
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};
use nalgebra::DVector;

/// Most states kept. A staircase has one plateau for each mode that is learned; only ripples make
/// more, and then the fastest go first.
const MOST: usize = 32;

/// A state that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PlateauSnapshot {
    /// Its time.
    pub time: f64,
    /// Flat weights.
    pub state: DVector<f64>,
    /// The speed -dLoss/dt there.
    speed: f64,
}

/// A point of the staircase.
#[derive(Debug, Clone, Copy)]
struct Point {
    time: f64,
    loss: f64,
    speed: f64,
}

/// Catches one state a plateau.
#[derive(Debug)]
pub struct Snapshots<'a> {
    observables: Observables<'a>,
    /// What a drop of the loss must remove to count.
    least_drop: f64,
    kept: Vec<PlateauSnapshot>,
    /// The slowest point since the last drop that counts, and its state.
    slowest: Point,
    state: DVector<f64>,
    /// The speed at the last point.
    speed: f64,
    /// Whether the speed has risen since the slowest point.
    has_risen: bool,
}

impl<'a> Snapshots<'a> {
    /// Starts at a run's first knot and state. Drops of less than `least_drop` do not count.
    pub fn new(
        observables: Observables<'a>,
        least_drop: f64,
        start: &Knot,
        weights: &DVector<f64>,
    ) -> Self {
        let slowest = point(&observables, start);
        let first = PlateauSnapshot {
            time: start.time,
            state: weights.clone(),
            speed: slowest.speed,
        };
        Self {
            observables,
            least_drop,
            kept: vec![first],
            slowest,
            state: weights.clone(),
            speed: slowest.speed,
            has_risen: false,
        }
    }

    /// Takes in a segment, which `trajectory` ends with.
    pub fn pass(&mut self, segment: &mut dyn Segment, trajectory: &Trajectory) {
        let start = segment.nodes()[0].time;
        let knots = trajectory.knots();
        let first = knots.partition_point(|knot| knot.time <= start);
        let mut is_new = false;
        for knot in &knots[first..] {
            let mut point = point(&self.observables, knot);
            let mut drop = self.slowest.loss - point.loss;
            if trajectory.has_stages() {
                (point.speed, drop) = (point.speed.abs(), drop.abs());
            }
            let dropped = drop >= self.least_drop;
            let is_slowest = point.speed < self.slowest.speed;
            // Past the peak of a drop the next plateau begins, also where it soon is slower than the last one.
            self.has_risen |= !is_slowest;
            let begins = dropped && self.has_risen && point.speed < self.speed;
            if begins {
                if is_new {
                    self.catch(segment);
                }
                self.keep();
            }
            if begins || is_slowest {
                self.slowest = point;
                self.has_risen = false;
                is_new = true;
            }
            self.speed = point.speed;
        }
        if is_new {
            self.catch(segment);
        }
    }

    /// The states caught, the first and the given last one among them.
    pub fn finish(mut self, time: f64, state: &DVector<f64>) -> Vec<PlateauSnapshot> {
        self.keep();
        self.kept.push(PlateauSnapshot {
            time,
            state: state.clone(),
            speed: self.speed,
        });
        self.kept
    }

    /// Takes the state at the slowest point out of its segment.
    fn catch(&mut self, segment: &mut dyn Segment) {
        let time = self.slowest.time;
        let nodes = segment.nodes();
        if let Some(node) = nodes.iter().find(|node| node.time == time) {
            self.state.copy_from(node.state);
            return;
        }
        match segment.state_at(time) {
            Some(state) => self.state = state,
            None => {
                // The step to that time failed; the segment's end is the next best.
                let [.., end] = segment.nodes();
                self.slowest.time = end.time;
                self.state.copy_from(end.state);
            }
        }
    }

    /// Keeps the slowest point of a finished plateau.
    fn keep(&mut self) {
        if self.kept.len() >= MOST {
            let speeds = self.kept.iter().map(|caught| caught.speed).enumerate();
            let fastest = speeds.skip(1).max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((fastest, _)) = fastest {
                self.kept.remove(fastest);
            }
        }
        self.kept.push(PlateauSnapshot {
            time: self.slowest.time,
            state: self.state.clone(),
            speed: self.slowest.speed,
        });
    }
}

fn point(observables: &Observables<'_>, knot: &Knot) -> Point {
    Point {
        time: knot.time,
        loss: observables.loss(knot),
        speed: observables.speed(knot),
    }
}
