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
//! first, the others go on from their state at that time under their new drives. With one output the next order is known
//! as well: how long each drop takes, and what it does to the others (`drop.rs`). A stack of two layers beside deeper
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
//! **Descent** of a small learning rate comes to the same places later: by its lag times the logarithm of how much the
//! rate has grown (`heavy_ball.rs`, `homogeneous.rs`), up to where the drop is half way down.
//!
//! Source: derived here to leading order in small weights, late fusion of one output to the next one; Zhang, Latham &
//! Saxe (ICML 2024), sections on late and intermediate fusion, have it for aligned layers of equal norm. Two layers:
//! `order.rs`, `two_layer.rs`.

mod changing;
mod drop;
mod early;
mod intermediate;
mod projection;
mod race;
mod result;
mod rise;
mod within;

pub use changing::{Stage, early_decaying, late_from_weights};
pub use result::FromWeights;
pub(super) use result::{Event, NOT_BEFORE_THE_END, in_percent};

use super::growth::explains_nothing;
use super::heavy_ball::HeavyBall;
use super::homogeneous::{Reached, SmallNetwork};
use super::order::two_layer_schedule;
use crate::data::Moments;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};
use projection::{Outside, Projection, likely_sets};

const MODE_BY_MODE: &str = "several outputs: a modality is learned mode by mode, and from the weights no time after its \
     first mode is known";

/// Relative tolerance of the homogeneous flows: far below the terms that leading order neglects.
const RTOL: f64 = 1e-5;

/// The times of all modalities from the initial weights of a network, which may be those of a reduction: of three
/// layers and more by their blow-up, of two layers of late fusion by their modes ([`two_layer_schedule`]).
///
/// # Errors
/// Why the times are not known.
pub fn from_weights(
    moments: &Moments,
    architecture: &Architecture,
    start: Start<'_>,
) -> Result<FromWeights, &'static str> {
    times((moments, architecture, start), None, Order::Next)
}

/// The same to leading order alone, which takes drops for instants. Near ties do not make it jump, so that it tells
/// which aligned weights stand for the actual ones (`effective_weights.rs`).
///
/// # Errors
/// Why the times are not known.
pub fn leading_from_weights(
    moments: &Moments,
    architecture: &Architecture,
    start: Start<'_>,
) -> Result<FromWeights, &'static str> {
    times((moments, architecture, start), None, Order::Leading)
}

/// The same by the steps of a descent, to first order in its learning rate. Three layers and more only.
///
/// # Errors
/// Why the times are not known.
pub fn descent_from_weights(
    moments: &Moments,
    architecture: &Architecture,
    start: Start<'_>,
    steps: HeavyBall,
) -> Result<FromWeights, &'static str> {
    times((moments, architecture, start), Some(steps), Order::Next)
}

/// The initial weights of a network.
#[derive(Debug, Clone, Copy)]
pub struct Start<'w> {
    /// Their values.
    pub weights: &'w DVector<f64>,
    /// Whether no private stack ever comes back from a drive that turns round, since the weights are aligned: what an
    /// integration then grows out of round-off is nothing.
    pub never_turns: bool,
}

/// Up to which order in small weights the times are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Drops are instants.
    Leading,
    /// Drops last, where that is known.
    Next,
}

fn times(
    (moments, architecture, start): (&Moments, &Architecture, Start<'_>),
    steps: Option<HeavyBall>,
    order: Order,
) -> Result<FromWeights, &'static str> {
    let weights = start.weights;
    if !architecture.is_linear() {
        return Err("times from the actual weights are those of linear networks");
    }
    let is_two_layer = architecture
        .fusion()
        .is_some_and(|fusion| fusion.depth == 2);
    if is_two_layer {
        let times = match steps {
            None => two_layer_schedule(moments, architecture, weights),
            Some(_) => None,
        };
        let times = times.ok_or_else(|| two_layer_reason(moments, architecture))?;
        return Ok(FromWeights::of_exact((moments, architecture), times));
    }
    are_deep_times_known(moments, architecture)?;
    let mut learned = match is_early(architecture) {
        true => vec![Vec::new()],
        false => likely_sets(moments),
    };
    // The drives up to the first set that was not thought of are right: each round is right about one more of them.
    for _ in 0..moments.modalities.len() {
        let projection = Projection::new(moments, (architecture, weights), &learned);
        let (architecture, weights) = projection
            .as_ref()
            .map_or((architecture, weights), |small| {
                (&small.architecture, &small.weights)
            });
        let problem = Problem {
            moments,
            architecture,
            weights,
            never_turns: start.never_turns,
            projection: projection.as_ref(),
            steps,
            order,
        };
        if problem.starts_above() {
            return Err(ABOVE);
        }
        match problem.times() {
            Ok(found) => return known(found),
            Err(Outside(set)) => learned.push(set),
        }
    }
    Err("times from the actual weights are not known: the drives go on and on")
}

/// Why there are no times of two layers.
fn two_layer_reason(moments: &Moments, architecture: &Architecture) -> &'static str {
    if !architecture.shared.is_empty() {
        return "times from the actual weights of two layers are known for late fusion only";
    }
    match moments.outputs_len() {
        1 => {
            "times from the actual weights of two layers are not known: a map starts above its level, or creeps up to it \
             later than its leading mode"
        }
        _ => {
            "times from the actual weights of two layers are not known: those of the modes of several outputs are not, or a \
             mode starts above its level"
        }
    }
}

/// Whether all modalities are fused before the second layer.
fn is_early(architecture: &Architecture) -> bool {
    let mut modalities = 0..architecture.modalities.len();
    !architecture.shared.is_empty() && modalities.all(|m| architecture.fusion_layer(m) == 1)
}

/// Whether the times of more than two layers are known for such a network.
///
/// # Errors
/// Why they are not.
fn are_deep_times_known(
    moments: &Moments,
    architecture: &Architecture,
) -> Result<(), &'static str> {
    if architecture.shared.is_empty() {
        return Ok(());
    }
    let mut modalities = 0..moments.modalities.len();
    if modalities.clone().any(|m| architecture.depth(m) < 3) {
        return Err("times from the actual weights by their blow-up need three layers or more");
    }
    if is_early(architecture) {
        return Ok(());
    }
    if moments.outputs_len() > 1 {
        return Err(
            "times from the actual weights of intermediate fusion are known for one output only",
        );
    }
    match modalities.any(|m| architecture.fusion_layer(m) == 1) {
        true => {
            Err("times from the actual weights are not known where some modalities are fused first")
        }
        false => Ok(()),
    }
}

/// The times, unless one is zero, or there are none.
fn known(found: FromWeights) -> Result<FromWeights, &'static str> {
    if found.times.values().any(|time| *time == Some(0.0)) {
        return Err(ABOVE);
    }
    found.t_first.is_some().then_some(found).ok_or(
        "times from the actual weights: nothing is learned, as far as their homogeneous flow can be followed",
    )
}

const ABOVE: &str = "times from the actual weights are not known: a map starts above its level";

/// What the times depend on.
struct Problem<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    weights: &'p DVector<f64>,
    /// As [`Start`] has it.
    never_turns: bool,
    /// How the inputs of that network stand for those of the moments, where they are others.
    projection: Option<&'p Projection>,
    steps: Option<HeavyBall>,
    order: Order,
}

impl Problem<'_> {
    /// The times of all modalities.
    fn times(&self) -> Result<FromWeights, Outside> {
        if is_early(self.architecture) {
            return self.early();
        }
        let is_late = self.architecture.shared.is_empty();
        let times = match is_late {
            true => self.late()?,
            false => self.intermediate()?,
        };
        let mut found = FromWeights::of((self.moments, self.architecture), &times, self.steps);
        found.shared_share = match is_late {
            true => None,
            false => self.shared_share(),
        };
        let places = (0..self.count()).filter(|m| times[*m].is_some());
        let learned: Vec<usize> = places.collect();
        let is_unknown = learned.len() < self.count() && !self.are_whole(&learned);
        found.unknown = is_unknown.then_some(MODE_BY_MODE);
        Ok(found)
    }

    /// Whether the map of a modality starts beyond what it comes to, alone or beside all others.
    fn starts_above(&self) -> bool {
        let all: Vec<usize> = (0..self.count()).collect();
        let shared = self.architecture.shared.clone();
        let shared = shared.map(|l| self.architecture.view(self.weights, l).into_owned());
        let shared: Vec<_> = shared.collect();
        all.iter().any(|&m| {
            let layers = self.layers(self.weights, m, None);
            let layers = layers.into_iter().chain(shared.iter().cloned());
            let map = layers.reduce(|map, layer| layer * map);
            let level = self.map_norm(&[m], m).max(self.map_norm(&all, m));
            level > 0.0 && map.is_some_and(|map| map.norm() >= level)
        })
    }

    /// Whether modalities are learned as a whole, each by one mode: what is left of them later is known then.
    fn are_whole(&self, learned: &[usize]) -> bool {
        /// Share of the first mode below which there is no second one.
        const SMALL: f64 = 1e-6;
        let map = self.moments.critical_map(learned);
        self.moments.outputs_len() == 1
            || learned.iter().all(|&m| {
                let modes = self.moments.block(&map, m).singular_values();
                let second = modes.as_slice().get(1).copied();
                second.unwrap_or(0.0) <= SMALL * modes.amax()
            })
    }

    fn count(&self) -> usize {
        self.moments.modalities.len()
    }

    /// The private layers of a modality in a state of the network, the last one multiplied from the left by
    /// `read_out` (rows of its fused units) where there is one.
    fn layers(
        &self,
        state: &DVector<f64>,
        m: usize,
        read_out: Option<&DVector<f64>>,
    ) -> Vec<DMatrix<f64>> {
        let own = self.architecture.private[m].clone();
        let layer = |l: usize| {
            let layer = self.architecture.view(state, l).into_owned();
            match read_out.filter(|_| l + 1 == own.end) {
                Some(direction) => row_of(direction) * layer,
                None => layer,
            }
        };
        own.clone().map(layer).collect()
    }

    /// A network at the start, which descent leaves with the velocity zero.
    fn starting(&self, mut network: SmallNetwork, drive: &DMatrix<f64>) -> SmallNetwork {
        let start = |steps: HeavyBall| network.rate(drive) * -steps.start_over_lag();
        network.behind = self.steps.map(start);
        network
    }

    /// How much later than the flow descent comes to the middle of a drop, over its lag: up to where the flow got to in
    /// `layers` layers, and from there by ln(g/g0), g being the rate where the map has the norm `half` of the middle and
    /// the drive half of its size.
    fn delay(&self, reached: &Reached, drive: &DMatrix<f64>, half: f64, layers: usize) -> f64 {
        if self.steps.is_none() {
            return 0.0;
        }
        let layers = layers as f64;
        let growth = (half / reached.norm).powf((layers - 1.0) / layers);
        reached.network.delay(drive) + (0.5 * growth).ln()
    }

    /// The drives of all modalities before any is learned, side by side.
    fn cross(&self) -> Result<DMatrix<f64>, Outside> {
        let drives = self.drives(&[])?;
        let columns: Vec<_> = drives
            .iter()
            .flat_map(|drive| drive.column_iter())
            .collect();
        Ok(DMatrix::from_columns(&columns))
    }

    /// Frobenius norm of modality m's map where the modalities `learned` are at their joint least-squares solution; zero
    /// where they leave nothing for it to learn.
    fn map_norm(&self, learned: &[usize], m: usize) -> f64 {
        let map = self.moments.block(&self.moments.critical_map(learned), m);
        match explains_nothing(self.moments, &map, m) {
            true => 0.0,
            false => map.norm(),
        }
    }
}

/// A direction as a matrix of one row.
fn row_of(direction: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_row_slice(1, direction.len(), direction.as_slice())
}
