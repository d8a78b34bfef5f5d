//! Exponential steps of a flow whose layers learn at different rates.
//!
//! The Jacobian of dW/dt = -c dLoss/dW is not symmetric, which Lanczos asks for. In the coordinates V = W/sqrt(c) it is:
//! dV/dt = -sqrt(c) dLoss/dW is minus the gradient of the loss by V. So the steps are taken there, and whoever
//! looks at them sees W.

use super::{End, Node, RightHandSide, Segment, Settings, System, Verdict, Work, exponential};
use nalgebra::DVector;
use std::ops::Range;

/// The entries of the state that have a factor other than 1 between V and W.
type Scales = Vec<(Range<usize>, f64)>;

/// Integrates as [`super::integrate`] does, by exponential steps.
pub(super) fn integrate<S: System>(
    system: &mut S,
    (time, mut start): (f64, DVector<f64>),
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    let scales = scales(system);
    if scales.is_empty() {
        return exponential::integrate(system, (time, start), settings, observe);
    }
    scale(&scales, start.as_mut_slice(), f64::recip);
    let mut scaled = Scaled {
        point: vec![0.0; start.len()],
        scales: &scales,
        system,
    };
    let mut end = exponential::integrate(&mut scaled, (time, start), settings, &mut |segment| {
        observe(&mut Unscaled::of(segment, &scales))
    });
    scale(&scales, end.state.as_mut_slice(), |factor| factor);
    end
}

/// What is frozen keeps its scale: it does not move in any coordinates.
fn scales<S: System>(system: &S) -> Scales {
    let factors = system.rate_factors().into_iter();
    let moving = factors.filter(|(_, c)| *c != 1.0 && *c != 0.0);
    moving.map(|(range, c)| (range, c.sqrt())).collect()
}

fn scale(scales: &Scales, state: &mut [f64], factor: fn(f64) -> f64) {
    for (range, root) in scales {
        for entry in &mut state[range.clone()] {
            *entry *= factor(*root);
        }
    }
}

/// The system in the coordinates V.
struct Scaled<'s, S> {
    system: &'s mut S,
    scales: &'s Scales,
    /// The state last evaluated, W.
    point: Vec<f64>,
}

impl<S: System> RightHandSide for Scaled<'_, S> {
    fn rate(&mut self, state: &[f64], rate: &mut [f64]) {
        self.point.copy_from_slice(state);
        scale(self.scales, &mut self.point, |factor| factor);
        self.system.gradient_rate(&self.point, rate);
    }

    fn is_finite(&self) -> bool {
        self.system.is_finite()
    }
}

impl<S: System> System for Scaled<'_, S> {
    fn linearise(&mut self) {
        self.system.linearise();
    }

    fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        self.point.copy_from_slice(point);
        scale(self.scales, &mut self.point, |factor| factor);
        self.system
            .jacobian_product(&self.point, direction, product);
    }

    fn groups(&self) -> Vec<Range<usize>> {
        self.system.groups()
    }
}

/// A segment of V as one of W.
struct Unscaled<'s> {
    segment: &'s mut dyn Segment,
    scales: &'s Scales,
    states: [DVector<f64>; 3],
}

impl<'s> Unscaled<'s> {
    fn of(segment: &'s mut dyn Segment, scales: &'s Scales) -> Self {
        let states = segment.nodes().map(|node| {
            let mut state = node.state.clone();
            scale(scales, state.as_mut_slice(), |factor| factor);
            state
        });
        Self {
            segment,
            scales,
            states,
        }
    }
}

impl Segment for Unscaled<'_> {
    fn nodes(&self) -> [Node<'_>; 3] {
        let times = self.segment.nodes().map(|node| node.time);
        [0, 1, 2].map(|k| Node {
            time: times[k],
            state: &self.states[k],
        })
    }

    fn state_at(&mut self, time: f64) -> Option<DVector<f64>> {
        let mut state = self.segment.state_at(time)?;
        scale(self.scales, state.as_mut_slice(), |factor| factor);
        Some(state)
    }

    fn work(&self) -> Work {
        self.segment.work()
    }
}
