//! Where the maps of a linear network with one output rest under weight decay.
//!
//! The least mu/2 sum_l |W^l|^2 of the layers of a network with the maps W_m, for n_m = |W_m|, l_m layers of a
//! modality's own, L in all:
//!
//! ```text
//! late fusion       sum_m mu l_m/2 n_m^{2/l_m}
//! shared layers     mu L/2 q^{l/L}            q = sum_m n_m^{2/l}
//! ```
//!
//! Layers are balanced there, and of rank one. Beside what the others explain, D_m = S_yxm - sum_{k != m} W_k S_km, a map
//! rests where
//!
//! ```text
//! W_m (S_m + h_m) = D_m           h_m = mu n_m^{2/l - 2} q^{l/L - 1}          (late fusion: h_m = mu n_m^{2/l_m - 2})
//! ```
//!
//! The inputs of early fusion share all their layers and are one modality here. Factors on learning rates do not enter.
//!
//! Two layers of late fusion are the group lasso of M. Yuan & Y. Lin, "Model selection and estimation in regression with
//! grouped variables" (JRSS B, 2006); that the least penalty of two layers is that of their map is N. Srebro, J. Rennie & T.
//! Jaakkola, "Maximum-margin matrix factorization" (NIPS 2004). Deeper networks: the same argument, derived here.

use super::joint_maps::JointMaps;
use super::{Modality, Moments};
use crate::linalg::norm;
use crate::section::MOST_DIMENSIONS;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::ops::Range;

/// Weight decay of a network with one output, by the shape of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Penalty {
    /// Weight decay mu.
    pub decay: f64,
    /// Layers of each modality's own; the same number for all where layers are shared.
    pub private: Vec<usize>,
    /// Shared layers.
    pub shared: usize,
}

/// Where a network rests under weight decay.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resting {
    penalty: Penalty,
    /// Maps of some modalities, as they were asked for.
    maps: JointMaps,
    /// The map of all, 1 x d.
    map: DMatrix<f64>,
    /// Its loss above Loss_min, and the least penalty.
    objective: f64,
}

/// Inputs that are solved for together, with the eigenvectors of their second moments.
struct Block {
    modalities: Vec<usize>,
    shrunk: ShrunkMap,
}

impl Penalty {
    /// The joined map (1 x d) at which the modalities `moving` rest, the others at zero: each solved for beside the others,
    /// in turn, until nothing changes. Two layers of late fusion have one such state (the problem is convex); deeper
    /// networks have the one of the largest maps, and zero where they have no other. None for inputs too many to
    /// decompose, and for some modalities of early fusion alone.
    pub fn resting_map(&self, moments: &Moments, moving: &[usize]) -> Option<DMatrix<f64>> {
        const MOST_ROUNDS: u32 = 1000;
        /// Change of a map in a round, as a share of it.
        const STILL: f64 = 1e-12;
        let blocks = self.blocks(moments, moving)?;
        let mut joined = DMatrix::zeros(1, moments.inputs_len());
        for _ in 0..MOST_ROUNDS {
            let before = joined.clone();
            for block in &blocks {
                let place = block.shrunk.place.clone();
                joined.columns_range_mut(place.clone()).fill(0.0);
                let residual = &moments.cross - moments.inputs.after(&joined);
                let drive = residual.columns_range(place.clone()).into_owned();
                let held = self.held(&block.modalities, moments, &joined);
                let map = block.shrunk.map(&drive, held);
                joined.columns_range_mut(place).copy_from(&map.transpose());
            }
            if (&joined - before).norm() <= STILL * joined.norm() {
                break;
            }
        }
        Some(joined)
    }

    fn is_early(&self) -> bool {
        self.shared > 0 && self.private.iter().all(|own| *own == 1)
    }

    fn blocks(&self, moments: &Moments, moving: &[usize]) -> Option<Vec<Block>> {
        if moving.is_empty() {
            return Some(Vec::new());
        }
        let block = |modalities: Vec<usize>, place: Range<usize>| {
            let shrunk = ShrunkMap::of(moments, place)?;
            Some(Block { modalities, shrunk })
        };
        if self.is_early() {
            let is_whole = moving.len() == moments.modalities.len();
            let whole = || block(moving.to_vec(), 0..moments.inputs_len());
            return is_whole.then(whole)?.map(|whole| vec![whole]);
        }
        let own = |&m: &usize| block(vec![m], moments.modalities[m].range.clone());
        moving.iter().map(own).collect()
    }

    /// h n of a block beside the others of a joined map.
    fn held(&self, block: &[usize], moments: &Moments, joined: &DMatrix<f64>) -> Held {
        let own = block.first().map_or(1, |&m| self.private[m]) as f64;
        let others = moments
            .modalities
            .iter()
            .filter(|m| !block.contains(&m.index));
        let others = match self.shared {
            0 => 0.0,
            _ => others.map(|m| size(joined, m).powf(2.0 / own)).sum(),
        };
        Held {
            decay: self.decay,
            own,
            depth: own + self.shared as f64,
            others,
        }
    }

    /// The least mu/2 |w|^2 of weights with a joined map (1 x d).
    pub fn of_map(&self, moments: &Moments, map: &DMatrix<f64>) -> f64 {
        let modalities = moments.modalities.iter().zip(&self.private);
        let own = modalities.map(|(m, &own)| (size(map, m).powf(2.0 / own as f64), own as f64));
        let sum = match self.shared {
            0 => own.map(|(size, layers)| layers * size).sum::<f64>(),
            shared => {
                let layers = self.private.first().map_or(1.0, |&own| own as f64);
                let depth = layers + shared as f64;
                depth * own.map(|(size, _)| size).sum::<f64>().powf(layers / depth)
            }
        };
        0.5 * self.decay * sum
    }
}

/// Norm of one modality's part of a joined map.
fn size(joined: &DMatrix<f64>, modality: &Modality) -> f64 {
    norm(&joined.as_slice()[modality.range.clone()])
}

impl Moments {
    /// Takes into account that the weights of a network decay: from then on it is known where they rest. Nothing is, where
    /// the inputs are too many to decompose.
    pub fn penalise(&mut self, penalty: Penalty) {
        let all: Vec<usize> = (0..self.modalities.len()).collect();
        self.resting = penalty.resting_map(self, &all).map(|map| Resting {
            objective: self.loss.excess(map.as_slice()) + penalty.of_map(self, &map),
            maps: JointMaps::default(),
            penalty,
            map,
        });
    }

    /// The joined map at which the modalities `learned` rest under weight decay, the others at zero; None without it, and
    /// where it is not known.
    pub fn resting_map(&self, learned: &[usize]) -> Option<DMatrix<f64>> {
        let resting = self.resting.as_ref()?;
        if learned.len() == self.modalities.len() {
            return Some(resting.map.clone());
        }
        // Of early fusion none but those of all modalities, and of none, are known.
        if resting.penalty.is_early() && !learned.is_empty() {
            return None;
        }
        let solve = || {
            let found = resting.penalty.resting_map(self, learned);
            found.unwrap_or_else(|| DMatrix::zeros(self.outputs_len(), self.inputs_len()))
        };
        Some(resting.maps.get(learned, solve))
    }

    /// That of all modalities, the minimum under weight decay.
    pub fn decayed_minimum(&self) -> Option<&DMatrix<f64>> {
        self.resting.as_ref().map(|resting| &resting.map)
    }

    /// Loss above Loss_min and penalty at that minimum.
    pub fn least_objective(&self) -> Option<f64> {
        self.resting.as_ref().map(|resting| resting.objective)
    }
}

/// What weight decay holds against a map of norm n: h n = mu n^{2/l - 1} (q' + n^{2/l})^{l/L - 1}, q' that of the other
/// maps.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    decay: f64,
    own: f64,
    depth: f64,
    others: f64,
}

impl Held {
    /// That of a stack of `layers` without shared layers.
    pub fn of_stack(decay: f64, layers: usize) -> Self {
        let layers = layers as f64;
        Self {
            decay,
            own: layers,
            depth: layers,
            others: 0.0,
        }
    }

    fn at(&self, n: f64) -> f64 {
        let held = match self.others {
            0.0 => n.powf(2.0 / self.depth - 1.0),
            others => {
                let own = 2.0 / self.own;
                n.powf(own - 1.0) * (others + n.powf(own)).powf(self.own / self.depth - 1.0)
            }
        };
        self.decay * held
    }

    /// Whether it never falls with n, so that one norm at most is at rest.
    fn never_falls(&self) -> bool {
        self.others == 0.0 && self.depth <= 2.0
    }
}

/// The map of one modality under weight decay, by the eigenvectors u_i of S_A, of the variances l_i:
///
/// ```text
/// W_A (S_A + h) = D        so that        sum_i (D u_i)^2/(l_i n + h n)^2 = 1,  n = |W_A|
/// ```
///
/// with D = S_yxA less what other modalities explain of it.
pub struct ShrunkMap {
    /// The modality's inputs.
    pub place: Range<usize>,
    eigen: SymmetricEigen<f64, nalgebra::Dyn>,
}

impl ShrunkMap {
    /// That of the inputs at a place. None for inputs too many to decompose.
    pub fn of(moments: &Moments, place: Range<usize>) -> Option<Self> {
        if place.len() as u64 > MOST_DIMENSIONS {
            return None;
        }
        let eigen = SymmetricEigen::new(moments.inputs.block(place.clone()).to_matrix());
        Some(Self { place, eigen })
    }

    /// The map under a drive D (1 x d_A), d_A entries; zero where weight decay leaves none: for two layers where mu >= |D|.
    pub fn map(&self, drive: &DMatrix<f64>, held: Held) -> DVector<f64> {
        /// Halvings, to round-off.
        const HALVINGS: u32 = 60;
        let drive = self.eigen.eigenvectors.tr_mul(&drive.transpose());
        let ratios = |n: f64| {
            let held = held.at(n);
            let pairs = drive.iter().zip(&self.eigen.eigenvalues);
            let ratios = pairs.map(move |(drive, variance)| drive / (variance.max(0.0) * n + held));
            ratios.collect::<Vec<f64>>()
        };
        let is_short = |n: f64| ratios(n).iter().map(|r| r * r).sum::<f64>() > 1.0;
        let largest = self.largest(drive.as_slice());
        let Some((mut low, mut high)) = bracket(largest, held, &is_short) else {
            return DVector::zeros(drive.len());
        };
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if is_short(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        &self.eigen.eigenvectors * DVector::from_vec(ratios(low)) * low
    }

    /// |D S_A^+|, of the parts D u_i.
    fn largest(&self, drive: &[f64]) -> f64 {
        /// Variances that count as zero, as a share of the largest.
        const ZERO: f64 = 1e-12;
        let cut = ZERO * self.eigen.eigenvalues.max();
        let pairs = drive.iter().zip(&self.eigen.eigenvalues);
        let parts = pairs.filter(|(_, variance)| **variance > cut);
        let squares = parts.map(|(drive, variance)| (drive / variance).powi(2));
        squares.sum::<f64>().sqrt()
    }
}

/// Where the largest norm lies that a map can have, up to that without weight decay: below it the map grows.
fn bracket(largest: f64, held: Held, is_short: &impl Fn(f64) -> bool) -> Option<(f64, f64)> {
    /// A stack of three layers and more has a smaller norm at which it rests, but not stably: the grid has to fall between
    /// the two.
    const GRID: u32 = 2000;
    if held.never_falls() {
        return is_short(0.0).then_some((0.0, largest));
    }
    let at = |k: u32| largest * f64::from(k) / f64::from(GRID);
    let below = (0..GRID).rev().find(|k| is_short(at(*k)))?;
    Some((at(below), at(below + 1)))
}
