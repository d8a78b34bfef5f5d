//! When deep networks learn each modality, from their actual initial weights, whatever their alignment.
//!
//! Three layers and more: each stack follows the homogeneous flow (`homogeneous.rs`) of its drive until it blows up,
//! and the drives change from saddle to saddle,
//!
//! ```text
//! D_m = S_yxm - W_S S_Sm        with the learned modalities S at their least-squares solution W_S
//! ```
//!
//! **Late fusion.** The stacks do not know each other but for their drives. The one that blows up first is learned
//! first, the others go on from their state at that time under their new drives. A stack of two layers beside deeper
//! ones is learned when its map, which grows exponentially, has the norm of its least-squares solution.
//!
//! **Intermediate fusion.** (1) All layers flow together under S_yxA, S_yxB, ... until the map of one modality, A, has
//! the norm p of its least-squares solution (half of it where each modality has two private layers). (2) The shared
//! layers are then of rank one, along a direction v of the fused units, with a product q that the learned maps set.
//! Every other stack, its last layer read out along v, follows the homogeneous flow of its private layers under the
//! drive q D_m until its map has half the norm of its least-squares solution; and so from saddle to saddle.
//!
//! **Early fusion.** All layers flow together, and all modalities are learned when they blow up.
//!
//! Source: derived here to leading order in small weights; Zhang, Latham & Saxe (ICML 2024), sections on late and
//! intermediate fusion, have it for aligned layers of equal norm. Two layers: `order.rs`, `two_layer.rs`.

use super::growth::drive;
use super::homogeneous::{Reached, SmallNetwork};
use super::order::two_layer_schedule;
use crate::data::{Modality, Moments};
use crate::network::Architecture;
use crate::section::ByModality;
use nalgebra::{DMatrix, DVector};
use serde::Serialize;

/// Relative tolerance of the homogeneous flows: far below the terms that leading order neglects.
const RTOL: f64 = 1e-5;

/// When each modality is learned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FromWeights {
    /// The modality learned first; None for early fusion, which learns all together.
    pub first: Option<Modality>,
    /// The modality learned second.
    pub second: Option<Modality>,
    /// When the first is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// t_second/t_first.
    pub ratio: Option<f64>,
    /// When each modality is learned; None for those that never are.
    pub times: ByModality<Option<f64>>,
}

impl FromWeights {
    /// The summary of the times of all modalities.
    fn of(moments: &Moments, times: Vec<Option<f64>>) -> Self {
        let mut order: Vec<(f64, usize)> = times
            .iter()
            .enumerate()
            .filter_map(|(m, time)| Some(((*time)?, m)))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let nth = |n: usize| order.get(n).copied();
        let modality = |n: usize| nth(n).map(|(_, m)| moments.modalities[m].clone());
        let [t_first, t_second] = [0, 1].map(|n| nth(n).map(|(time, _)| time));
        Self {
            first: modality(0),
            second: modality(1),
            t_first,
            t_second,
            ratio: t_second.zip(t_first).map(|(second, first)| second / first),
            times: moments
                .modalities
                .iter()
                .map(|modality| modality.name.clone())
                .zip(times)
                .collect(),
        }
    }
}

/// The times of all modalities from the initial weights of a network, which may be those of a reduction: of three
/// layers and more by their blow-up, of two layers of late fusion by their modes ([`two_layer_schedule`]).
///
/// # Errors
/// Why the times are not known.
pub fn from_weights(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> Result<FromWeights, &'static str> {
    let depths = 0..moments.modalities.len();
    if !architecture.is_linear() {
        return Err("times from the actual weights are those of linear networks");
    }
    let is_two_layer = architecture
        .fusion()
        .is_some_and(|fusion| fusion.depth == 2);
    if is_two_layer {
        let times = two_layer_schedule(moments, architecture, weights);
        let times =
            times.ok_or("times from the actual weights of two layers are not known here")?;
        return Ok(FromWeights::of(moments, times));
    }
    let is_late = architecture.shared.is_empty();
    if !is_late && depths.clone().any(|m| architecture.depth(m) < 3) {
        return Err("times from the actual weights by their blow-up need three layers or more");
    }
    let problem = Problem {
        moments,
        architecture,
        weights,
    };
    if is_late {
        return Ok(FromWeights::of(moments, problem.late()));
    }
    if depths.clone().all(|m| architecture.fusion_layer(m) == 1) {
        return problem.early();
    }
    if moments.outputs_len() > 1 {
        return Err(
            "times from the actual weights of intermediate fusion are known for one output only",
        );
    }
    if depths.clone().any(|m| architecture.fusion_layer(m) == 1) {
        return Err(
            "times from the actual weights are not known where some modalities are fused first",
        );
    }
    Ok(FromWeights::of(moments, problem.intermediate()))
}

/// What the times depend on.
struct Problem<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    weights: &'p DVector<f64>,
}

impl Problem<'_> {
    fn count(&self) -> usize {
        self.moments.modalities.len()
    }

    /// The private stack of a modality as a network of its own, its last layer multiplied from the left by
    /// `read_out` (rows of its fused units) where there is one.
    fn stack(&self, m: usize, read_out: Option<&DVector<f64>>) -> Option<SmallNetwork> {
        let own = self.architecture.private[m].clone();
        let layers: Vec<DMatrix<f64>> = own
            .clone()
            .map(|l| {
                let layer = self.architecture.view(self.weights, l).into_owned();
                match read_out.filter(|_| l + 1 == own.end) {
                    Some(direction) => row_of(direction) * layer,
                    None => layer,
                }
            })
            .collect();
        SmallNetwork::of_stack(&layers)
    }

    /// Late fusion: from blow-up to blow-up.
    fn late(&self) -> Vec<Option<f64>> {
        let mut stacks: Vec<Option<SmallNetwork>> =
            (0..self.count()).map(|m| self.stack(m, None)).collect();
        let mut times = vec![None; self.count()];
        let mut learned: Vec<usize> = Vec::new();
        let mut now = 0.0;
        loop {
            let drives = |m: usize| drive(self.moments, &learned, m);
            let waits = stacks.iter().enumerate().filter_map(|(m, stack)| {
                let wait = self.wait(stack.as_ref()?, &drives(m), (m, &learned))?;
                Some((m, wait))
            });
            let Some((next, wait)) = waits.min_by(|a, b| a.1.total_cmp(&b.1)) else {
                return times;
            };
            now += wait;
            let due = advance(&mut stacks, next, wait, &drives);
            for m in due {
                times[m] = Some(now);
                learned.push(m);
            }
            learned.sort_unstable();
        }
    }

    /// How long a stack of late fusion takes under its drive: until it blows up. Two layers never do: their map grows
    /// exponentially, and saturates as a logistic function that is half way up where the exponential is all the way.
    fn wait(
        &self,
        stack: &SmallNetwork,
        drive: &DMatrix<f64>,
        (m, learned): (usize, &[usize]),
    ) -> Option<f64> {
        if self.architecture.depth(m) > 2 {
            return stack.blow_up_time(drive, RTOL);
        }
        let all: Vec<usize> = (0..self.count())
            .filter(|other| *other == m || learned.contains(other))
            .collect();
        let (_, reached) = stack.flow_until(drive, &[(0, self.map_norm(&all, m))], RTOL)?;
        Some(reached.time)
    }

    /// Early fusion: the blow-up of all layers together.
    fn early(&self) -> Result<FromWeights, &'static str> {
        let shared = self.architecture.shared.clone();
        let first: Vec<DMatrix<f64>> = self
            .architecture
            .private
            .iter()
            .map(|own| self.architecture.view(self.weights, own.start).into_owned())
            .collect();
        let columns: Vec<_> = first.iter().flat_map(|layer| layer.column_iter()).collect();
        let mut layers = vec![DMatrix::from_columns(&columns)];
        layers.extend(shared.map(|l| self.architecture.view(self.weights, l).into_owned()));
        let stack = SmallNetwork::of_stack(&layers);
        let time = stack.and_then(|stack| stack.blow_up_time(&self.moments.cross, RTOL));
        let mut found = FromWeights::of(self.moments, vec![time; self.count()]);
        (found.first, found.second) = (None, None);
        Ok(found)
    }

    /// Intermediate fusion of one output: the joint flow up to the first modality, then stack by stack.
    fn intermediate(&self) -> Vec<Option<f64>> {
        let mut times = vec![None; self.count()];
        let Some((first, Reached { time, weights, .. })) = self.joint_rise() else {
            return times;
        };
        times[first] = Some(time);
        let Some(direction) = self.shared_direction(&weights) else {
            return times;
        };
        let then = Problem {
            weights: &weights,
            ..*self
        };
        let mut stacks: Vec<Option<SmallNetwork>> = (0..self.count())
            .map(|m| then.stack(m, Some(&direction)).filter(|_| m != first))
            .collect();
        let (mut learned, mut now) = (vec![first], time);
        loop {
            let shared = self.shared_product(&learned);
            let drives = |m: usize| drive(self.moments, &learned, m) * shared;
            let level = |m: usize| {
                let mut all = learned.clone();
                all.push(m);
                all.sort_unstable();
                0.5 * self.map_norm(&all, m) / shared
            };
            let waits = stacks.iter().enumerate().filter_map(|(m, stack)| {
                let stack = stack.as_ref()?;
                let (_, reached) = stack.flow_until(&drives(m), &[(0, level(m))], RTOL)?;
                Some((m, reached.time))
            });
            let Some((next, wait)) = waits.min_by(|a, b| a.1.total_cmp(&b.1)) else {
                return times;
            };
            now += wait;
            for m in advance(&mut stacks, next, wait, &drives) {
                times[m] = Some(now);
                learned.push(m);
            }
            learned.sort_unstable();
        }
    }

    /// The joint homogeneous flow of all layers until one modality is at its level.
    fn joint_rise(&self) -> Option<(usize, Reached)> {
        let all = SmallNetwork {
            architecture: self.architecture.clone(),
            weights: self.weights.clone(),
        };
        let level = |m: usize| {
            let share = if self.architecture.fusion_layer(m) == 2 {
                0.5
            } else {
                1.0
            };
            (m, share * self.map_norm(&[m], m))
        };
        let levels: Vec<(usize, f64)> = (0..self.count())
            .map(level)
            .filter(|(_, level)| *level > 0.0)
            .collect();
        all.flow_until(&self.moments.cross, &levels, RTOL)
    }

    /// Frobenius norm of modality m's map where the modalities `learned` are at their joint least-squares solution.
    fn map_norm(&self, learned: &[usize], m: usize) -> f64 {
        let map = self.moments.critical_map(learned);
        self.moments.block(&map, m).norm()
    }

    /// The unit direction of the fused units that the shared layers read out, the row space of their product.
    fn shared_direction(&self, weights: &DVector<f64>) -> Option<DVector<f64>> {
        let layers = self.architecture.shared.clone();
        let product = layers
            .map(|l| self.architecture.view(weights, l).into_owned())
            .reduce(|product, layer| layer * product)?;
        let row = product.row(0).transpose();
        (row.norm() > 0.0).then(|| row.normalize())
    }

    /// The product q of the balanced shared layers while the modalities `learned` are at their joint solution. With
    /// the norm u of each shared layer, w_m of each private layer of modality m, and s shared layers,
    ///
    /// ```text
    /// u^2 = sum_m w_m^2        w_m^{n_m} u^s = p_m        q = u^s
    /// ```
    ///
    /// (balancedness; n_m private layers, p_m the norms of the maps), solved by bisection: for one modality
    /// q = p^{s/L}.
    fn shared_product(&self, learned: &[usize]) -> f64 {
        /// Halvings of the logarithm's interval, to round-off.
        const HALVINGS: u32 = 80;
        let shared = self.architecture.shared.len() as f64;
        let norms: Vec<(f64, f64)> = learned
            .iter()
            .map(|&m| {
                let private = self.architecture.fusion_layer(m) as f64;
                (self.map_norm(learned, m), private)
            })
            .collect();
        let excess = |log_u: f64| {
            let layers = norms.iter().map(|&(norm, private)| {
                let log_w = (norm.ln() - shared * log_u) / private;
                (2.0 * (log_w - log_u)).exp()
            });
            1.0 - layers.sum::<f64>()
        };
        let (mut low, mut high) = (-500.0, 500.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if excess(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        (shared * low).exp()
    }
}

/// Takes out the stack `next`, which is learned after `wait`, and moves the others on under their drives. Gives back what
/// is learned then: `next`, and those that are equally fast to within the tolerance.
fn advance(
    stacks: &mut [Option<SmallNetwork>],
    next: usize,
    wait: f64,
    drives: &dyn Fn(usize) -> DMatrix<f64>,
) -> Vec<usize> {
    let mut due = vec![next];
    stacks[next] = None;
    for (m, stack) in stacks.iter_mut().enumerate() {
        let Some(small) = stack else { continue };
        match small.flow_for(&drives(m), wait, RTOL) {
            Some(weights) => small.weights = weights,
            None => {
                *stack = None;
                due.push(m);
            }
        }
    }
    due
}

/// A direction as a matrix of one row.
fn row_of(direction: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_row_slice(1, direction.len(), direction.as_slice())
}
