//! Whether a flow rests: at a critical point that nothing measurable drives it away from.
//!
//! A small gradient does not say that: plateaus are left from weights of any size, and flat saddles
//! algebraically. So each stack of layers is looked at by itself (the private layers of a modality, the
//! shared layers), in the directions of its own motion. With its rate r, and the Hessian's block J = -H of
//! the stack at the present weights, the Krylov space of r splits r into eigendirections of J:
//!
//! ```text
//! r = sum_k c_k v_k        J v_k = theta_k v_k
//! ```
//!
//! - theta_k < 0, fast beside the time so far: the component relaxes. What is left to go is
//!   |c_k|/|theta_k|, which must be at the tolerance, and lowers the loss by c_k^2/(2 |theta_k|).
//! - Otherwise it grows or drifts. It must be the round-off of r: eps times the sum of what cancels in
//!   the residual correlation, times the gain of the layers that it passes.
//!
//! A small stack has a small gain, so that its rate is measured against its own size: weights of 1e-20
//! that grow are moving. Two kinds of stacks that still move drive nothing:
//!
//! - *faded*: the squared norm has shrunk to the round-off of its own past, or to the drift of its
//!   conserved matrix. A mode that would grow out of it was lost when it was larger.
//! - *opposed*: aligned weights whose residual correlation is exactly opposed to their map. Rank-one stacks
//!   of balanced layers shrink then for ever and never change their sign (Zhang, Latham & Saxe, ICML
//!   2024, balancing properties).

mod motion;

use super::balancedness;
use super::curvature::spectrum;
use crate::data::Modality;
use crate::flow::Flow;
use crate::integrate::Segment;
use crate::linalg::{dot, norm};
use crate::trajectory::{Knot, Observables};
use motion::{Look, Motion, residual};
use nalgebra::DVector;
use serde::Serialize;
use std::ops::Range;

/// Time between two looks, as a share of the time so far.
const BETWEEN: f64 = 0.1;

/// Share of the learnable loss that a run without a loss gap leaves at the minimum.
const AT_MINIMUM: f64 = 1e-9;

/// A flow at rest where it did not reach what it can, and what shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rest {
    /// Euclidean norm of the gradient.
    pub gradient_norm: f64,
    /// The least eigenvalue of the Hessian, in units of loss over weight squared; None where it did
    /// not converge.
    pub least_eigenvalue: Option<f64>,
    /// The fraction of the learnable loss that is left.
    pub loss_gap: f64,
    /// Modalities whose layers have shrunk to round-off, or to the integrator's error: whether they would
    /// grow again is not known.
    pub faded: Vec<Modality>,
    /// Modalities whose aligned layers shrink for ever.
    pub opposed: Vec<Modality>,
}

/// What a run asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// Relative tolerance of its steps.
    pub rtol: f64,
    /// The loss gap that would end it.
    pub loss_gap: Option<f64>,
    /// Whether its initial weights are aligned, and so balanced that no stack of them comes back from a drive that
    /// turns round.
    pub never_turns: bool,
    /// Whether growing and decaying modes are weights of their own, which no round-off of the others
    /// reaches.
    pub is_exact: bool,
}

/// Looks at a run now and then.
#[derive(Debug)]
pub struct RestMonitor<'a> {
    flow: Flow<'a>,
    asked: Asked,
    start: DVector<f64>,
    /// The time at the start.
    since: f64,
    stacks: Vec<Stack>,
    rate: Vec<f64>,
    /// The largest norm of the gradient at a look.
    fastest: f64,
    next_look: f64,
}

/// Layers that are looked at together: neighbours in the state.
#[derive(Debug)]
struct Stack {
    /// The modality whose private layers they are.
    modality: Option<usize>,
    /// Their layers.
    layers: Range<usize>,
    /// Their weights in the state.
    weights: Range<usize>,
    /// Their largest squared norm so far.
    largest: f64,
    /// The squared norm at which the conserved matrix is looked at next: half of that at the last look.
    next: f64,
    /// Whether they have ever shrunk to round-off or to the integrator's error.
    has_faded: bool,
}

impl<'a> RestMonitor<'a> {
    /// Starts at the initial weights of the network that `flow` is of.
    pub fn new(flow: Flow<'a>, weights: &DVector<f64>, asked: Asked) -> Self {
        let stacks = stacks(&flow);
        let mut monitor = Self {
            asked,
            start: weights.clone(),
            since: 0.0,
            stacks,
            rate: vec![0.0; weights.len()],
            fastest: 0.0,
            next_look: 0.0,
            flow,
        };
        monitor.take_sizes(0.0, weights);
        monitor
    }

    /// The same where the flow started later than t = 0.
    pub fn since(self, since: f64) -> Self {
        Self { since, ..self }
    }

    /// Takes in a segment that ends at `knot`; says so where the flow rests there.
    pub fn pass(&mut self, segment: &dyn Segment, knot: &Knot) -> Option<Rest> {
        let [_, middle, end] = segment.nodes();
        self.take_sizes(middle.time, middle.state);
        let fades = self.take_sizes(end.time, end.state);
        if end.time < self.next_look && !fades {
            return None;
        }
        self.next_look = (1.0 + BETWEEN) * end.time;
        self.look(end.time, end.state, knot)
    }

    /// Takes in the sizes of the stacks; says whether one has just faded. Between two looks a stack may
    /// shrink and grow again.
    fn take_sizes(&mut self, time: f64, state: &DVector<f64>) -> bool {
        /// Share of the largest squared norm from which on fading is thought of, and up to which a
        /// stack that has faded counts as such.
        const SMALL: f64 = 1e-6;
        /// Squares below this lose their digits, and nothing is known of their shrinking.
        const UNDERFLOW: f64 = 1e-290;
        let mut fades = false;
        for s in 0..self.stacks.len() {
            let stack = &mut self.stacks[s];
            let size = stack.size(state);
            stack.largest = stack.largest.max(size);
            if size > SMALL * stack.largest || stack.largest < UNDERFLOW {
                stack.next = f64::INFINITY;
                stack.has_faded = false;
            } else if size < stack.next && !stack.has_faded {
                stack.next = 0.5 * size;
                let has_faded = self.fades(s, size, (time, state));
                self.stacks[s].has_faded = has_faded;
                fades |= has_faded;
            }
        }
        fades
    }

    fn look(&mut self, time: f64, state: &DVector<f64>, knot: &Knot) -> Option<Rest> {
        self.flow.gradient_rate(state.as_slice(), &mut self.rate);
        if !self.flow.is_finite() {
            return None;
        }
        if self.is_moving(time, state) {
            return None;
        }
        self.flow.linearise();
        let gradient_norm = norm(&self.rate);
        self.fastest = self.fastest.max(gradient_norm);
        let observables = Observables {
            architecture: self.flow.architecture(),
            moments: self.flow.moments(),
        };
        let (gap, learnable) = (observables.loss_gap(knot), observables.learnable_loss());
        let asked = self.asked.loss_gap.unwrap_or(AT_MINIMUM);
        if gap <= asked {
            return None;
        }
        let map = observables.map(knot);
        let look = Look {
            time,
            state,
            map,
            residual: residual(&observables, map),
        };
        let motions = (0..self.stacks.len()).map(|s| self.motion(s, &look));
        let motions: Vec<Motion> = motions.collect::<Option<_>>()?;
        // What relaxes may still reach the gap asked for; tenfold, because the estimate is linear.
        let reached = gap - 10.0 * motions.iter().map(Motion::drop).sum::<f64>() / learnable;
        if reached <= asked && motions.iter().any(|motion| *motion != Motion::Frozen) {
            return None;
        }
        let spectrum = spectrum(&mut self.flow, state.as_slice(), 1);
        let least_eigenvalue = spectrum.and_then(|spectrum| spectrum.least.first()?.converged());
        // Of flows from samples no conserved matrix or growing mode tells that nothing will grow: where
        // the loss falls away to some side, the run goes on.
        let falls_away = least_eigenvalue.is_none_or(|least| least < -self.asked.rtol);
        if !self.flow.is_of_moments() && falls_away && gradient_norm > 0.0 {
            return None;
        }
        let modalities = &self.flow.architecture().modalities;
        let of = |wanted: fn(&Motion) -> bool| {
            let stacks = self.stacks.iter().zip(&motions);
            let those = stacks.filter(|(_, motion)| wanted(motion));
            those
                .filter_map(|(stack, _)| Some(modalities[stack.modality?].clone()))
                .collect()
        };
        Some(Rest {
            gradient_norm,
            loss_gap: gap,
            faded: of(|motion| *motion == Motion::Faded),
            opposed: of(|motion| matches!(motion, Motion::Opposed(_))),
            least_eigenvalue,
        })
    }

    /// Whether a stack plainly moves: at its rate it would change by some of its size in the time that the run
    /// has taken. One that has faded may move, and so may aligned weights that shrink for ever. It spares
    /// nearly all looks their Krylov spaces.
    fn is_moving(&self, time: f64, state: &DVector<f64>) -> bool {
        const SOME: f64 = 1e-3;
        let moves = |stack: &Stack| {
            let rate = &self.rate[stack.weights.clone()];
            dot(rate, rate).sqrt() * time > SOME * stack.size(state).sqrt()
        };
        let mut stacks = self.stacks.iter().filter(|stack| !stack.has_faded);
        !self.asked.never_turns && stacks.any(moves)
    }

    /// Whether a private stack of this squared norm has shrunk to the round-off of its own past, or to
    /// the error of the integrator. At its smallest the squared norm is about twice the conserved matrix.
    fn fades(&self, s: usize, size: f64, (time, state): (f64, &DVector<f64>)) -> bool {
        const FEW: f64 = 16.0;
        let stack = &self.stacks[s];
        if stack.modality.is_none() {
            return false;
        }
        let passed = time - self.since;
        let drifts = balancedness::drifts(self.flow.architecture(), (&self.start, state), passed);
        let own = drifts
            .iter()
            .filter(|drift| stack.layers.contains(&drift.after));
        let drift = own.map(|drift| drift.change).fold(0.0, f64::max);
        let round_off = match self.asked.is_exact {
            true => 0.0,
            false => f64::EPSILON * stack.largest,
        };
        size <= FEW * drift.max(round_off)
    }
}

impl Stack {
    /// Squared norm of its weights.
    fn size(&self, state: &DVector<f64>) -> f64 {
        let weights = &state.as_slice()[self.weights.clone()];
        dot(weights, weights)
    }
}

/// The stacks of a network. The layers of one whose flow is from samples are not told apart, and its biases
/// belong to none of them.
fn stacks(flow: &Flow<'_>) -> Vec<Stack> {
    let architecture = flow.architecture();
    let stack = |modality, layers: Range<usize>| {
        let (first, last) = (
            architecture.layers.get(layers.start)?,
            layers.clone().last()?,
        );
        Some(Stack {
            modality,
            weights: first.range.start..architecture.layers[last].range.end,
            layers,
            largest: 0.0,
            next: f64::INFINITY,
            has_faded: false,
        })
    };
    if !flow.is_of_moments() {
        return vec![Stack {
            modality: None,
            layers: 0..architecture.layers.len(),
            weights: 0..architecture.len(),
            largest: 0.0,
            next: f64::INFINITY,
            has_faded: false,
        }];
    }
    let private = architecture.private.iter().enumerate();
    let private = private.filter_map(|(m, layers)| stack(Some(m), layers.clone()));
    private
        .chain(stack(None, architecture.shared.clone()))
        .collect()
}
