//! How one stack moves: whether it relaxes, is opposed to what drives it, or goes somewhere.

use super::RestMonitor;
use crate::linalg::{Lanczos, dot, norm};
use crate::trajectory::Observables;
use nalgebra::{DMatrix, DVector};
use std::ops::Range;

/// Round-off of a product through a few layers, in units of epsilon.
const ROUND_OFF: f64 = 16.0 * f64::EPSILON;

/// Time constants after which a component counts as relaxing.
const RELAXED: f64 = 20.0;

/// Distance from its critical point within which a stack counts as settled, in units of the tolerance:
/// explicit steps at the limit of their stability hover some tolerances around it. And the largest such
/// share of the stack's norm, below which the flow is linear.
const HOVER: f64 = 100.0;
const LARGEST_HOVER: f64 = 1e-3;

/// Most vectors of a Krylov space, and the bytes that they may take.
const LARGEST_DIMENSION: usize = 40;
const LARGEST_MEMORY: usize = 256 << 20;

/// How a stack moves that drives nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Motion {
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
pub(super) struct Look<'k> {
    pub(super) time: f64,
    pub(super) state: &'k DVector<f64>,
    pub(super) map: &'k [f64],
    /// G = (W* - W) S_xx, o x d; empty for networks that are not linear.
    pub(super) residual: DMatrix<f64>,
}

impl RestMonitor<'_> {
    /// How a stack moves; None where it goes somewhere.
    pub(super) fn motion(&mut self, s: usize, look: &Look<'_>) -> Option<Motion> {
        if self.stacks[s].has_faded {
            return Some(Motion::Faded);
        }
        // A settled stack may happen to lie beyond its critical point: only what is on its way is opposed.
        self.relaxation(s, look)
            .or_else(|| self.opposed(s, look).map(Motion::Opposed))
    }

    /// How a stack moves that relaxes or does not move at all; None for any other.
    fn relaxation(&mut self, s: usize, look: &Look<'_>) -> Option<Motion> {
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

    /// How much of the loss an opposed stack can still take with it; None where it is not opposed.
    fn opposed(&self, s: usize, look: &Look<'_>) -> Option<f64> {
        /// What the cosine of opposed directions leaves to -1 by round-off.
        const ANGLE: f64 = 1e-9;
        /// Share of the loss up to which the stack's end changes nothing for the others.
        const SMALL: f64 = 1e-6;
        let stack = &self.stacks[s];
        let m = stack.modality.filter(|_| self.asked.never_turns)?;
        // A single layer changes its sign like any number.
        if stack.layers.len() < 2 || look.residual.is_empty() {
            return None;
        }
        let architecture = self.flow.architecture();
        let block = architecture.map_block(m);
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
            let inputs = moments.columns_norm(m);
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
    pub(super) fn drop(&self) -> f64 {
        match self {
            Motion::Settled(drop) | Motion::Opposed(drop) => *drop,
            Motion::Frozen | Motion::Faded => 0.0,
        }
    }
}

/// G = (W* - W) S_xx of a linear network's joined map, o x d.
pub(super) fn residual(observables: &Observables<'_>, map: &[f64]) -> DMatrix<f64> {
    let moments = observables.moments;
    if !observables.moments_suffice() {
        return DMatrix::zeros(0, 0);
    }
    let map = DMatrix::from_column_slice(moments.outputs_len(), moments.inputs_len(), map);
    moments.inputs.after(&(&moments.loss.optimum - map))
}
