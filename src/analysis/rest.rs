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

use super::balancedness;
use super::curvature::spectrum;
use crate::data::Modality;
use crate::flow::Flow;
use crate::integrate::Segment;
use crate::linalg::{Lanczos, dot, norm};
use crate::network::Architecture;
use crate::trajectory::{Knot, Observables};
use nalgebra::{DMatrix, DVector};
use serde::Serialize;
use std::ops::Range;

/// Round-off of a product through a few layers, in units of epsilon.
const ROUND_OFF: f64 = 16.0 * f64::EPSILON;

/// Time between two looks, as a share of the time so far.
const BETWEEN: f64 = 0.1;

/// Time constants after which a component counts as relaxing.
const RELAXED: f64 = 20.0;

/// Distance from its critical point within which a stack counts as settled, in units of the tolerance:
/// explicit steps at the limit of their stability hover some tolerances around it. And the largest such
/// share of the stack's norm, below which the flow is linear.
const HOVER: f64 = 100.0;
const LARGEST_HOVER: f64 = 1e-3;

/// Share of the learnable loss that a run without a loss gap leaves at the minimum.
const AT_MINIMUM: f64 = 1e-9;

/// Most vectors of a Krylov space, and the bytes that they may take.
const LARGEST_DIMENSION: usize = 40;
const LARGEST_MEMORY: usize = 256 << 20;

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
    /// Whether its initial weights are of rank one and aligned.
    pub is_aligned: bool,
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

/// How a stack moves that drives nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Motion {
    /// Nothing but round-off.
    Frozen,
    /// Relaxing, and lowering the loss by no more than this.
    Settled(f64),
    /// Shrunk to round-off.
    Faded,
    /// Shrinking for ever, and lowering the loss by no more than this.
    Opposed(f64),
}

/// A state at a look, with what follows from it.
struct Look<'k> {
    time: f64,
    state: &'k DVector<f64>,
    map: &'k [f64],
    /// G = (W* - W) S_xx, o x d; empty for networks that are not linear.
    residual: DMatrix<f64>,
}

impl<'a> RestMonitor<'a> {
    /// Starts at the initial weights of the network that `flow` is of.
    pub fn new(flow: Flow<'a>, weights: &DVector<f64>, asked: Asked) -> Self {
        let stacks = stacks(flow.architecture());
        let mut monitor = Self {
            asked,
            start: weights.clone(),
            stacks,
            rate: vec![0.0; weights.len()],
            fastest: 0.0,
            next_look: 0.0,
            flow,
        };
        monitor.take_sizes(weights);
        monitor
    }

    /// Takes in a segment that ends at `knot`; says so where the flow rests there.
    pub fn pass(&mut self, segment: &dyn Segment, knot: &Knot) -> Option<Rest> {
        let [_, middle, end] = segment.nodes();
        self.take_sizes(middle.state);
        let fades = self.take_sizes(end.state);
        if end.time < self.next_look && !fades {
            return None;
        }
        self.next_look = (1.0 + BETWEEN) * end.time;
        self.look(end.time, end.state, knot)
    }

    /// Takes in the sizes of the stacks; says whether one has just faded. Between two looks a stack may
    /// shrink and grow again.
    fn take_sizes(&mut self, state: &DVector<f64>) -> bool {
        /// Share of the largest squared norm from which on fading is thought of, and up to which a
        /// stack that has faded counts as such.
        const SMALL: f64 = 1e-6;
        let mut fades = false;
        for s in 0..self.stacks.len() {
            let stack = &mut self.stacks[s];
            let size = stack.size(state);
            stack.largest = stack.largest.max(size);
            if size > SMALL * stack.largest {
                stack.next = f64::INFINITY;
                stack.has_faded = false;
            } else if size < stack.next && !stack.has_faded {
                stack.next = 0.5 * size;
                let has_faded = self.fades(s, size, state);
                self.stacks[s].has_faded = has_faded;
                fades |= has_faded;
            }
        }
        fades
    }

    fn look(&mut self, time: f64, state: &DVector<f64>, knot: &Knot) -> Option<Rest> {
        self.flow.rate(state.as_slice(), &mut self.rate);
        if !self.flow.is_finite() {
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
        let modalities = &observables.architecture.modalities;
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
            least_eigenvalue: spectrum(&mut self.flow, state.as_slice(), 1)
                .and_then(|spectrum| spectrum.least.first()?.converged()),
        })
    }

    /// How a stack moves; None where it goes somewhere.
    fn motion(&mut self, s: usize, look: &Look<'_>) -> Option<Motion> {
        if self.stacks[s].has_faded {
            return Some(Motion::Faded);
        }
        if let Some(drop) = self.opposed(s, look) {
            return Some(Motion::Opposed(drop));
        }
        let round_off = self.round_off(s, look);
        let weights = self.stacks[s].weights.clone();
        let size = self.stacks[s].size(look.state).sqrt();
        let affordable = LARGEST_MEMORY / (size_of::<f64>() * weights.len().max(1));
        let capacity = affordable.clamp(4, LARGEST_DIMENSION);
        let mut lanczos = Lanczos::new(weights.len(), capacity);
        let speed = lanczos.start(&self.rate[weights.clone()]);
        if speed <= round_off {
            return Some(Motion::Frozen);
        }
        self.fill(&mut lanczos, weights, look.state)?;
        let (mut distance, mut drop, mut drift, mut fastest) = (0.0f64, 0.0, 0.0f64, 0.0f64);
        for (k, &theta) in lanczos.values().iter().enumerate() {
            let component = speed * lanczos.eigenvector(0, k).abs();
            if theta * look.time < -RELAXED {
                distance = distance.hypot(component / theta);
                drop += 0.5 * component * component / -theta;
                fastest = fastest.max(-theta);
            } else if theta * look.time > RELAXED && component > round_off {
                return None;
            } else {
                drift = drift.max(component);
            }
        }
        // Where a stack hovers around its critical point, the curvature of its valley adds the square of
        // the distance to what drifts.
        let curved = 2.0 * fastest * distance * distance / size;
        let hover = (HOVER * self.asked.rtol).min(LARGEST_HOVER);
        let is_settled = distance <= hover * size && drift <= round_off + curved;
        is_settled.then_some(Motion::Settled(drop))
    }

    /// Extends a basis in a stack's own weights until it is closed or full, and diagonalises. None
    /// where a product is not finite.
    fn fill(
        &mut self,
        lanczos: &mut Lanczos,
        weights: Range<usize>,
        state: &DVector<f64>,
    ) -> Option<()> {
        /// Share of the largest |theta| at which J no longer leaves the basis.
        const CLOSED: f64 = 1e-12;
        let mut direction = vec![0.0; state.len()];
        let mut whole = vec![0.0; state.len()];
        loop {
            let finite = lanczos.extend(&mut |v, product| {
                direction[weights.clone()].copy_from_slice(v);
                self.flow
                    .jacobian_product(state.as_slice(), &direction, &mut whole);
                product.copy_from_slice(&whole[weights.clone()]);
            });
            if !finite {
                return None;
            }
            lanczos.diagonalise();
            let largest = lanczos.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let closed = lanczos.leak()? <= CLOSED * largest;
            if closed || lanczos.is_full() {
                return Some(());
            }
        }
    }

    /// Whether a private stack of this squared norm has shrunk to the round-off of its own past, or to
    /// the error of the integrator. At its smallest the squared norm is about twice the conserved matrix.
    fn fades(&self, s: usize, size: f64, state: &DVector<f64>) -> bool {
        const FEW: f64 = 16.0;
        let stack = &self.stacks[s];
        if stack.modality.is_none() {
            return false;
        }
        let drifts = balancedness::drifts(self.flow.architecture(), &self.start, state);
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

    /// How much of the loss an opposed stack can still take with it; None where it is not opposed.
    fn opposed(&self, s: usize, look: &Look<'_>) -> Option<f64> {
        /// What the cosine of opposed directions leaves to -1 by round-off.
        const ANGLE: f64 = 1e-9;
        /// Share of the loss up to which the stack's end changes nothing for the others.
        const SMALL: f64 = 1e-6;
        let stack = &self.stacks[s];
        let m = stack.modality.filter(|_| self.asked.is_aligned)?;
        // A single layer changes its sign like any number.
        if stack.layers.len() < 2 || look.residual.is_empty() {
            return None;
        }
        let architecture = self.flow.architecture();
        let range = &architecture.modalities[m].range;
        let outputs = architecture.outputs;
        let block = range.start * outputs..range.end * outputs;
        let (map, left) = (
            &look.map[block.clone()],
            &look.residual.as_slice()[block.clone()],
        );
        let along = dot(map, left);
        let sizes = norm(map) * norm(left);
        let loss = self.flow.moments().excess(look.map);
        let is_opposed = along < -(1.0 - ANGLE) * sizes && -along <= SMALL * loss;
        is_opposed.then_some(-along)
    }

    /// The round-off of a stack's rate.
    fn round_off(&self, s: usize, look: &Look<'_>) -> f64 {
        let architecture = self.flow.architecture();
        if look.residual.is_empty() {
            return ROUND_OFF * self.fastest;
        }
        let moments = self.flow.moments();
        let maps = moments.loss.optimum.norm() + norm(look.map);
        let stack = &self.stacks[s];
        let through = |m: usize| {
            let range = &moments.modalities[m].range;
            let inputs = moments.inputs.columns_range(range.clone()).norm();
            let path: Vec<usize> = architecture.private[m]
                .clone()
                .chain(architecture.shared.clone())
                .collect();
            let gain = |l: &usize| -> f64 {
                let others = path.iter().filter(|k| *k != l);
                let norms = others
                    .map(|&k| norm(&look.state.as_slice()[architecture.layers[k].range.clone()]));
                norms.product()
            };
            let own = path.iter().filter(|l| stack.layers.contains(l));
            ROUND_OFF * maps * inputs * own.map(gain).fold(0.0, f64::max)
        };
        let modalities = match stack.modality {
            Some(m) => m..m + 1,
            None => 0..architecture.modalities.len(),
        };
        modalities.map(through).fold(0.0, f64::max)
    }
}

impl Motion {
    /// What the loss may still lose by it.
    fn drop(&self) -> f64 {
        match self {
            Motion::Settled(drop) | Motion::Opposed(drop) => *drop,
            Motion::Frozen | Motion::Faded => 0.0,
        }
    }
}

impl Stack {
    /// Squared norm of its weights.
    fn size(&self, state: &DVector<f64>) -> f64 {
        let weights = &state.as_slice()[self.weights.clone()];
        dot(weights, weights)
    }
}

/// The stacks of a network. The layers of one that is not linear are not told apart, and its biases
/// belong to none of them.
fn stacks(architecture: &Architecture) -> Vec<Stack> {
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
    if !architecture.is_linear() {
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

/// G = (W* - W) S_xx of a linear network's joined map, o x d.
fn residual(observables: &Observables<'_>, map: &[f64]) -> DMatrix<f64> {
    let moments = observables.moments;
    if !observables.architecture.is_linear() {
        return DMatrix::zeros(0, 0);
    }
    let map = DMatrix::from_column_slice(moments.outputs_len(), moments.inputs_len(), map);
    (&moments.loss.optimum - map) * &moments.inputs
}
