//! The least loss of a linear map whose rank is bounded: reduced-rank regression.
//!
//! A layer narrower than the rank of W* keeps a linear network from ever reaching it. Widths before the
//! fusion bound the rank r_m of each W_m, widths from the fusion on the rank r of the joined map W, and
//! every map within these bounds is the total map of some weights.
//!
//! ```text
//! bound on the joined map      W+   = U U^T W*             U: the r leading eigenvectors of S_yx S_xx^+ S_xy
//! bound on one modality alone  W_m+ = U U^T R_m S_m^+      U: the r_m leading eigenvectors of R_m S_m^+ R_m^T
//! ```
//!
//! with R_m = S_yxm - sum_{k != m} W_k S_km, what the others leave. Uncorrelated modalities do not enter
//! each other's R_m, so that one pass is exact; correlated ones take turns until the loss no longer
//! falls, and that is the least loss *found*: the problem is not convex. With both kinds of bounds the
//! joined map is W = U V, and U (o x r) takes its turn too. Source: A. J. Izenman, "Reduced-rank
//! regression for the multivariate linear model", J. Multivariate Anal. 5 (1975).

use super::{Moments, Quadratic};
use crate::linalg::{SemiDefinite, descending_eigen, pseudo_inverse};
use nalgebra::DMatrix;
use std::ops::Range;

/// The largest ranks that a network allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankBounds {
    /// Of each modality's total map W_m.
    pub own: Vec<usize>,
    /// Of the joined total map W.
    pub joint: usize,
}

impl RankBounds {
    /// The bounds of the same network at aligned weights, W^l = u_l v_{l-1}^T with u_{l-1} = v_{l-1}: every
    /// gradient keeps the hidden directions, so that no map ever has a rank above one. Without shared layers the
    /// joined map is as free as its parts.
    pub fn of_aligned(self) -> Self {
        let has_shared = self.joint < usize::MAX;
        Self {
            own: self.own.iter().map(|&own| own.min(1)).collect(),
            joint: if has_shared { 1 } else { self.joint },
        }
    }
}

/// The best map that a network can reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Least {
    /// W+, o x d: W* where no width is in the way.
    pub map: DMatrix<f64>,
    /// Its loss, in units of the loss: Loss_min where no width is in the way.
    pub loss: f64,
    /// Whether no map within the bounds has a smaller loss; else it is the least that was found.
    pub is_proven: bool,
    /// (W* - W+) S_xx, o x d, what no weights can follow; None where W+ is W*.
    residual: Option<DMatrix<f64>>,
}

impl Least {
    /// The least-squares solution itself.
    pub fn unbounded(loss: &Quadratic) -> Self {
        Self {
            map: loss.optimum.clone(),
            loss: loss.floor,
            is_proven: true,
            residual: None,
        }
    }

    /// The least loss of maps within `bounds`.
    pub(super) fn within(moments: &Moments, bounds: &RankBounds) -> Self {
        // Least-squares solutions are exact to round-off.
        const ROUND_OFF: f64 = 1e-12;
        let unbounded = Self::unbounded(&moments.loss);
        let search = Search::new(moments, bounds);
        if !search.is_bound() {
            return unbounded;
        }
        let map = search.map();
        let excess = moments.loss.excess(map.as_slice());
        if excess <= ROUND_OFF * (moments.initial_loss - moments.loss.floor) {
            return unbounded;
        }
        Self {
            residual: Some(moments.inputs.after(&(&moments.loss.optimum - &map))),
            map,
            loss: moments.loss.floor + excess,
            is_proven: search.is_closed(),
        }
    }

    /// Whether a width keeps the network from W*.
    pub fn is_bound(&self) -> bool {
        self.residual.is_some()
    }

    /// The loss of a joined map (o x d, by columns) above the least one:
    /// 1/2 tr[(W - W+) S_xx (W - W+)^T] - tr[(W - W+) S_xx (W* - W+)^T]. The difference of both losses
    /// would lose all digits near W+.
    pub(super) fn excess(&self, loss: &Quadratic, map: &[f64]) -> f64 {
        let Some(residual) = &self.residual else {
            return loss.excess(map);
        };
        self.beyond(map, residual, loss.excess_between(map, self.map.as_slice()))
    }

    /// The same of a map whose G = (W* - W) S_xx is known, d x o by columns.
    pub(super) fn excess_by(&self, loss: &Quadratic, map: &[f64], product: &[f64]) -> f64 {
        let Some(residual) = &self.residual else {
            return loss.excess_by(map, product);
        };
        let (best, (outputs, inputs)) = (self.map.as_slice(), residual.shape());
        // (W - W+) S_xx = (W* - W+) S_xx - G
        let moved = |p: usize| {
            let product = product[p / outputs + p % outputs * inputs];
            (map[p] - best[p]) * (residual[p] - product)
        };
        let square: f64 = (0..map.len()).map(moved).sum();
        self.beyond(map, residual, 0.5 * square)
    }

    /// The loss above the least one of a map that is `distance` = 1/2 tr[(W - W+) S_xx (W - W+)^T] from W+.
    fn beyond(&self, map: &[f64], residual: &DMatrix<f64>, distance: f64) -> f64 {
        let moved = map
            .iter()
            .zip(self.map.as_slice())
            .map(|(w, best)| w - best);
        let along: f64 = moved.zip(residual.as_slice()).map(|(w, g)| w * g).sum();
        // Round-off must not make a loss negative, nor what is no number a loss of 0.
        let excess = distance - along;
        if excess < 0.0 { 0.0 } else { excess }
    }
}

/// One modality in the search.
struct Block {
    range: Range<usize>,
    /// Bound of its rank; None where it bounds nothing.
    bound: Option<usize>,
    /// S_m and S_m^+.
    inputs: SemiDefinite,
    inverse: SemiDefinite,
}

/// The search for the map of least loss.
struct Search<'a> {
    moments: &'a Moments,
    blocks: Vec<Block>,
    /// Bound of the joined map's rank; None where it bounds nothing.
    joint: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(moments: &'a Moments, bounds: &RankBounds) -> Self {
        let outputs = moments.outputs_len();
        let full = outputs.min(moments.inputs_len());
        let blocks = moments.modalities.iter().zip(&bounds.own).map(|(m, &own)| {
            // A bound that the joined map's rank implies adds nothing.
            let most = outputs.min(m.dim()).min(bounds.joint);
            Block {
                range: m.range.clone(),
                bound: (own < most).then_some(own),
                inverse: moments.own_inverse(m.index).clone(),
                inputs: moments.inputs.block(m.range.clone()),
            }
        });
        Self {
            blocks: blocks.collect(),
            joint: (bounds.joint < full).then_some(bounds.joint),
            moments,
        }
    }

    fn bounds_modalities(&self) -> bool {
        self.blocks.iter().any(|block| block.bound.is_some())
    }

    fn is_bound(&self) -> bool {
        self.joint.is_some() || self.bounds_modalities()
    }

    /// Whether the solution has a closed form.
    fn is_closed(&self) -> bool {
        if !self.bounds_modalities() {
            return true;
        }
        let inputs = &self.moments.inputs;
        let uncorrelated = |k: usize, m: usize| {
            let [k, m] = [k, m].map(|at| self.blocks[at].range.clone());
            inputs.all_between(k, m, |entry, _| entry == 0.0)
        };
        let count = self.blocks.len();
        self.joint.is_none() && (0..count).all(|k| (0..k).all(|m| uncorrelated(k, m)))
    }

    /// The map of least loss, o x d.
    fn map(&self) -> DMatrix<f64> {
        let optimum = &self.moments.loss.optimum;
        let leading =
            |map: &DMatrix<f64>, rank| leading(&self.moments.inputs.whole_moment(map), rank);
        if !self.bounds_modalities() {
            let basis = leading(optimum, self.joint.unwrap_or(optimum.nrows()));
            return &basis * (basis.transpose() * optimum);
        }
        let mut map = optimum.clone();
        for block in &self.blocks {
            let own = map.columns_range(block.range.clone()).into_owned();
            map.columns_range_mut(block.range.clone())
                .copy_from(&block.truncated(own));
        }
        let basis = self.joint.map(|rank| leading(&map, rank));
        self.take_turns(map, basis)
    }

    /// Takes turns between the modalities, and the joined map's range `basis` (o x r), until the loss
    /// no longer falls.
    fn take_turns(&self, mut map: DMatrix<f64>, mut basis: Option<DMatrix<f64>>) -> DMatrix<f64> {
        /// Fall of the loss in a round, over the learnable loss, that is round-off.
        const SETTLED: f64 = 1e-15;
        const MOST_ROUNDS: usize = 20_000;
        let Moments {
            inputs,
            cross,
            loss,
            ..
        } = self.moments;
        let learnable = self.moments.initial_loss - loss.floor;
        let mut last = f64::INFINITY;
        for _ in 0..MOST_ROUNDS {
            if let Some(basis) = &basis {
                map = basis * (basis.transpose() * &map);
            }
            for block in &self.blocks {
                let columns = block.range.clone();
                let own = map.columns_range(columns.clone());
                // R_m = S_yxm - sum_{k != m} W_k S_km
                let mut left = cross.columns_range(columns.clone())
                    - inputs.columns_after(&map, columns.clone());
                left += block.inputs.after(&own.into_owned());
                if let Some(basis) = &basis {
                    left = basis * (basis.transpose() * left);
                }
                let best = block.truncated(block.inverse.after(&left));
                map.columns_range_mut(columns).copy_from(&best);
            }
            if let Some(basis) = &mut basis {
                // W = U V: the best U for these V.
                let rows = basis.transpose() * &map;
                let gram = pseudo_inverse(&inputs.whole_moment(&rows));
                let best = cross * rows.transpose() * gram;
                map = &best * rows;
                *basis = best.qr().q();
            }
            let now = loss.excess(map.as_slice());
            if last - now <= SETTLED * learnable {
                break;
            }
            last = now;
        }
        map
    }
}

impl Block {
    /// The best map of the bounded rank for the unbounded one, `map` (o x d_m).
    fn truncated(&self, map: DMatrix<f64>) -> DMatrix<f64> {
        let Some(rank) = self.bound else { return map };
        let basis = leading(&self.inputs.whole_moment(&map), rank);
        &basis * (basis.transpose() * map)
    }
}

/// The `count` leading eigenvectors of a symmetric matrix (o x o), as columns.
fn leading(matrix: &DMatrix<f64>, count: usize) -> DMatrix<f64> {
    let (_, vectors) = descending_eigen((matrix + matrix.transpose()) * 0.5);
    vectors.columns(0, count).into_owned()
}
