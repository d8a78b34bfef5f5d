//! The trajectory of an integration, built from its segments as they come.

use super::{Knot, Observables, Trajectory};
use crate::flow::{Flow, Observation};
use crate::integrate::{Segment, Until};
use nalgebra::DVector;

/// Builds the trajectory of a flow from the segments of its integration.
///
/// Pieces whose interpolation error is above the tolerance are halved at states taken inside the
/// segment.
#[derive(Debug)]
pub struct Recorder<'a> {
    flow: Flow<'a>,
    observation: Observation,
    trajectory: Trajectory,
}

/// Below this relative error the round-off of values and rates would be resolved, not the
/// trajectory.
const FINEST: f64 = 1e-11;

impl<'a> Recorder<'a> {
    /// A recorder that starts at t = 0 with the given weights and keeps each point to the
    /// relative tolerance `rtol`.
    pub fn new(mut flow: Flow<'a>, weights: &[f64], rtol: f64) -> Self {
        let observables = Observables {
            architecture: flow.architecture(),
            moments: flow.moments(),
        };
        let groups = observables.groups();
        let mut observation = Observation::default();
        flow.observe(weights, &mut observation);
        let start = Knot::of(0.0, &observation);
        Self {
            trajectory: Trajectory::new(start, groups, rtol.max(FINEST)),
            flow,
            observation,
        }
    }

    /// Takes in a segment; gives back its last knot.
    pub fn record(&mut self, segment: &mut dyn Segment) -> &Knot {
        self.turn(segment);
        let [_, middle, end] = segment.nodes();
        let (middle_time, end_time) = (middle.time, end.time);
        let middle = self.look(middle_time, middle.state.as_slice());
        let end = self.look(end_time, end.state.as_slice());
        let (flow, observation) = (&mut self.flow, &mut self.observation);
        self.trajectory.push_resolved(middle, end, &mut |time| {
            let state = segment.state_at(time)?;
            flow.observe(state.as_slice(), observation);
            Some(Knot::of(time, observation))
        });
        self.trajectory.end()
    }

    /// Goes on with another flow of the same network, from the weights of the last knot.
    pub fn enter(&mut self, flow: Flow<'a>, weights: &[f64]) {
        self.flow = flow;
        let knot = self.look(self.trajectory.end().time, weights);
        self.trajectory.jump(knot);
    }

    /// A time of a segment at which the run comes to what it asks for, the first one where the loss is asked for; None where it
    /// has not by its end.
    pub fn time_of_end(&mut self, segment: &mut dyn Segment, until: &Until) -> Option<f64> {
        /// Relative width to which the time is bracketed.
        const WIDTH: f64 = 1e-12;
        let observables = Observables {
            architecture: self.flow.architecture(),
            moments: self.flow.moments(),
        };
        let [start, _, end] = segment.nodes();
        let (mut before, mut after) = (start.time, end.time);
        let (flow, observation) = (&mut self.flow, &mut self.observation);
        let mut has_ended = |time, state: &DVector<f64>| {
            flow.observe_values(state.as_slice(), observation);
            observables.reaches(&Knot::of(time, observation), until)
        };
        if !has_ended(after, end.state) {
            return None;
        }
        // The loss never rises along the flow, so that there is one such time.
        while after - before > WIDTH * after {
            let time = before + 0.5 * (after - before);
            let state = segment.state_at(time)?;
            match has_ended(time, &state) {
                false => before = time,
                true => after = time,
            }
        }
        Some(after)
    }

    /// The trajectory of what is recorded so far.
    pub fn trajectory(&self) -> &Trajectory {
        &self.trajectory
    }

    /// The trajectory of what was recorded.
    pub fn finish(self) -> Trajectory {
        self.trajectory
    }

    /// Takes the rates of the branch that holds in a segment, from its start on: they jump where branches end, and
    /// a piece of the trajectory as short as times can tell stands between the two.
    fn turn(&mut self, segment: &dyn Segment) {
        /// Lengths of that piece and of its half, over the time.
        const SHORTEST: [f64; 2] = [64.0 * f64::EPSILON, 128.0 * f64::EPSILON];
        if self.flow.branch() == segment.branch() {
            return;
        }
        self.flow.hold(segment.branch());
        let [start, middle, _] = segment.nodes();
        let times = SHORTEST.map(|length| (1.0 + length) * start.time);
        if start.time > 0.0 && times[1] < middle.time {
            let [half, end] = times.map(|time| self.look(time, start.state.as_slice()));
            self.trajectory.push(half, end);
        }
    }

    fn look(&mut self, time: f64, weights: &[f64]) -> Knot {
        self.flow.observe(weights, &mut self.observation);
        Knot::of(time, &self.observation)
    }
}
