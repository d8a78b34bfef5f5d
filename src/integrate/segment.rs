//! What a method shows of its trajectory: one stretch after the other.

use super::Work;
use crate::flow::Branch;
use nalgebra::DVector;

/// A state at a time.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// Time.
    pub time: f64,
    /// Flat weights.
    pub state: &'a DVector<f64>,
}

/// A stretch of the trajectory: one or two accepted steps.
pub trait Segment {
    /// Its start, a point in between and its end, each accurate to the method's tolerance.
    fn nodes(&self) -> [Node<'_>; 3];

    /// The state at any time of the segment, as accurate as its nodes. A polynomial through the
    /// nodes would not be; the method's own formula or a new step leads there. None where that
    /// step fails.
    fn state_at(&mut self, time: f64) -> Option<DVector<f64>>;

    /// Work done since the start of the integration.
    fn work(&self) -> Work;

    /// The branch of the right-hand side that holds in it, where that is smooth by parts.
    fn branch(&self) -> Option<Branch> {
        None
    }
}

/// The first part of a segment.
pub struct TruncatedSegment<'s> {
    segment: &'s mut dyn Segment,
    times: [f64; 3],
    states: [DVector<f64>; 3],
}

impl<'s> TruncatedSegment<'s> {
    /// A segment from its start to a time inside it. None where the method cannot step there.
    pub fn new(segment: &'s mut dyn Segment, end: f64) -> Option<Self> {
        let start = segment.nodes()[0];
        let (start, state) = (start.time, start.state.clone());
        let middle = start + 0.5 * (end - start);
        let states = [state, segment.state_at(middle)?, segment.state_at(end)?];
        Some(Self {
            segment,
            times: [start, middle, end],
            states,
        })
    }
}

impl Segment for TruncatedSegment<'_> {
    fn nodes(&self) -> [Node<'_>; 3] {
        [0, 1, 2].map(|k| Node {
            time: self.times[k],
            state: &self.states[k],
        })
    }

    fn state_at(&mut self, time: f64) -> Option<DVector<f64>> {
        self.segment.state_at(time)
    }

    fn work(&self) -> Work {
        self.segment.work()
    }

    fn branch(&self) -> Option<Branch> {
        self.segment.branch()
    }
}
