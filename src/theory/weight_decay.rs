//! Weight decay of late fusion, one output: from where on two layers lose modalities for ever, and their time ratio.
//!
//! The least mu/2 (|W_m^1|^2 + |W_m^2|^2) of two layers with the map W_m is mu |W_m|, so that the minimum under weight
//! decay is that of
//!
//! ```text
//! 1/2 E|y - sum_m W_m x_m|^2 + mu sum_m |W_m|
//! ```
//!
//! the group lasso of M. Yuan & Y. Lin, "Model selection and estimation in regression with grouped variables" (JRSS B,
//! 2006). Its conditions of optimality are the thresholds here; that the minimum of the two layers is that of their maps is
//! N. Srebro, J. Rennie & T. Jaakkola, "Maximum-margin matrix factorization" (NIPS 2004).

use super::growth::{early_growth_rate, growth_rate};
use crate::data::Moments;
use crate::network::Architecture;
use crate::section::MOST_DIMENSIONS;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use serde::Serialize;

/// Weight decays at which two modalities are lost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DecayLimits {
    /// The largest one that leaves the second modality in the minimum: above it the bias is permanent.
    pub keeps_second: f64,
    /// The largest one with which anything is learned.
    pub keeps_any: f64,
}

/// Both limits. B is lost once mu > |S_yxB - W_A S_AB|, with A at the map W_A that weight decay shrinks, and everything once mu is above
/// the growth rates |S_yxm|. None for inputs too many to decompose.
pub fn limits(moments: &Moments, first: usize, second: usize) -> Option<DecayLimits> {
    let keeps_any = growth_rate(moments, first).max(growth_rate(moments, second));
    let alone = ShrunkMap::of(moments, first, &moments.block(&moments.cross, first), 2)?;
    Some(DecayLimits {
        keeps_second: largest_decay(moments, &alone, second, keeps_any),
        keeps_any,
    })
}

/// The least mu in (0, `most`) with |S_yxB - W_A(mu) S_AB| <= mu: the first change of sign on a grid, and bisection.
fn largest_decay(moments: &Moments, alone: &ShrunkMap, second: usize, most: f64) -> f64 {
    const GRID: u32 = 200;
    /// Halvings, to round-off.
    const HALVINGS: u32 = 60;
    let is_lost = |decay: f64| left_drive(moments, alone, second, decay) <= decay;
    let at = |k: u32| most * f64::from(k) / f64::from(GRID);
    let lost = (1..=GRID).find(|k| is_lost(at(*k)));
    let Some(lost) = lost else {
        return most;
    };
    let (mut low, mut high) = (at(lost - 1), at(lost));
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if is_lost(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// What drives a modality, |S_yxB - W_A S_AB|, beside another one at the map W_A that weight decay shrinks.
fn left_drive(moments: &Moments, alone: &ShrunkMap, second: usize, decay: f64) -> f64 {
    let mut joined = DMatrix::zeros(1, moments.inputs_len());
    joined
        .columns_range_mut(alone.place.clone())
        .copy_from(&alone.map(decay).transpose());
    let range = moments.modalities[second].range.clone();
    let explained = moments.inputs.columns_after(&joined, range);
    (moments.block(&moments.cross, second) - explained).norm()
}

/// The time ratio of two layers, late fusion, whose modes grow at c_m (s_m - mu) and of which B is left with b~ beside the
/// shrunk map of A:
///
/// ```text
/// t_B/t_A = 1 + (c_A (s_A - mu) - c_B (s_B - mu))/(c_B (b~ - mu))        b~ = |S_yxB - W_A S_AB|
/// ```
///
/// which is that of the section on the time ratio of late fusion (Zhang, Latham & Saxe, ICML 2024) for mu = 0. The modality that is learned
/// first, and the ratio: None where the second never comes up to half of its map without weight decay. None in all where nothing is, and where the formula does not apply.
pub fn decaying_ratio(
    moments: &Moments,
    architecture: &Architecture,
) -> Option<(usize, Option<f64>)> {
    if moments.modalities.len() != 2 || moments.outputs_len() > 1 {
        return None;
    }
    let decay = architecture.weight_decay;
    let rate = |m| architecture.stack_rate_factor(m);
    let pace = |m| rate(m) * (growth_rate(moments, m) - decay);
    let first = usize::from(pace(1) > pace(0));
    let second = 1 - first;
    if pace(first) <= 0.0 {
        return None;
    }
    let alone = ShrunkMap::of(moments, first, &moments.block(&moments.cross, first), 2)?;
    let early = rate(second) * (early_growth_rate(moments, first, second) - decay);
    let late = rate(second) * (left_drive(moments, &alone, second, decay) - decay);
    let ratio = 1.0 + (pace(first) - early) / late;
    // Below half of the map without weight decay the network rests nearer to where the modality is not learned.
    let norm = |map: &DMatrix<f64>| moments.block(map, second).norm();
    let comes_up =
        || norm(&resting_maps(moments, architecture, &[0, 1])) > 0.5 * norm(&moments.least.map);
    Some((first, (late > 0.0 && comes_up()).then_some(ratio)))
}

/// The maps (1 x d) at which the modalities `moving` rest under weight decay, the others at zero: each solved for beside the
/// others, in turn, until nothing changes. Two layers have one such state (the problem is convex); deeper stacks have
/// the one of the largest maps, and zero where they have no other.
pub(super) fn resting_maps(
    moments: &Moments,
    architecture: &Architecture,
    moving: &[usize],
) -> DMatrix<f64> {
    const MOST_ROUNDS: u32 = 1000;
    /// Change of a map in a round, as a share of it.
    const STILL: f64 = 1e-12;
    let mut joined = DMatrix::zeros(1, moments.inputs_len());
    for _ in 0..MOST_ROUNDS {
        let before = joined.clone();
        for &m in moving {
            let range = moments.modalities[m].range.clone();
            joined.columns_range_mut(range.clone()).fill(0.0);
            let residual = &moments.cross - moments.inputs.after(&joined);
            let drive = moments.block(&residual, m);
            if let Some(alone) = ShrunkMap::of(moments, m, &drive, architecture.depth(m)) {
                let map = alone.map(architecture.weight_decay).transpose();
                joined.columns_range_mut(range).copy_from(&map);
            }
        }
        if (&joined - before).norm() <= STILL * joined.norm() {
            break;
        }
    }
    joined
}

/// The map of one modality under weight decay, by the eigenvectors u_i of S_A, of the variances l_i. The least
/// mu/2 sum_l |W^l|^2 of L layers with the map W_A is mu L/2 |W_A|^{2/L}, so that
///
/// ```text
/// W_A (S_A + mu n^{2/L - 2}) = D,  n = |W_A|      so that      sum_i (D u_i)^2/(l_i n + mu n^{2/L - 1})^2 = 1
/// ```
///
/// with D = S_yxA less what other modalities explain of it.
struct ShrunkMap {
    /// The modality's inputs.
    place: std::ops::Range<usize>,
    eigen: SymmetricEigen<f64, nalgebra::Dyn>,
    /// D u_i.
    drive: DVector<f64>,
    /// |D S_A^+|.
    largest: f64,
    /// 2/L - 1.
    exponent: f64,
}

impl ShrunkMap {
    /// That of a modality under `drive` (1 x d_A) in a stack of `depth` layers. None for inputs too many to decompose.
    fn of(moments: &Moments, modality: usize, drive: &DMatrix<f64>, depth: usize) -> Option<Self> {
        /// Variances that count as zero, as a share of the largest.
        const ZERO: f64 = 1e-12;
        let place = moments.modalities[modality].range.clone();
        if place.len() as u64 > MOST_DIMENSIONS {
            return None;
        }
        let eigen = SymmetricEigen::new(moments.inputs.block(place.clone()).to_matrix());
        let drive = eigen
            .eigenvectors
            .tr_mul(&drive.transpose())
            .column(0)
            .into_owned();
        let cut = ZERO * eigen.eigenvalues.max();
        let pairs = drive.iter().zip(&eigen.eigenvalues);
        let parts = pairs.filter(|(_, variance)| **variance > cut);
        let largest = parts
            .map(|(drive, variance)| (drive / variance).powi(2))
            .sum::<f64>();
        Some(Self {
            drive,
            largest: largest.sqrt(),
            exponent: 2.0 / depth as f64 - 1.0,
            place,
            eigen,
        })
    }

    /// The map, d_A entries; zero where weight decay leaves none: for two layers where mu >= |D|.
    fn map(&self, decay: f64) -> DVector<f64> {
        /// Halvings, to round-off.
        const HALVINGS: u32 = 60;
        let ratios = |n: f64| {
            let held = decay * n.powf(self.exponent);
            let pairs = self.drive.iter().zip(&self.eigen.eigenvalues);
            let ratios = pairs.map(move |(drive, variance)| drive / (variance.max(0.0) * n + held));
            ratios.collect::<Vec<f64>>()
        };
        let is_short = |n: f64| ratios(n).iter().map(|r| r * r).sum::<f64>() > 1.0;
        let Some((mut low, mut high)) = self.bracket(&is_short) else {
            return DVector::zeros(self.drive.len());
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

    /// Where the largest norm lies that the map can have: below it the map grows.
    fn bracket(&self, is_short: &impl Fn(f64) -> bool) -> Option<(f64, f64)> {
        /// A stack of three layers and more has a smaller norm at which it rests, but not stably: the grid has to fall between
        /// the two.
        const GRID: u32 = 2000;
        if self.exponent == 0.0 {
            return is_short(0.0).then_some((0.0, self.largest));
        }
        let at = |k: u32| self.largest * f64::from(k) / f64::from(GRID);
        let below = (1..GRID).rev().find(|k| is_short(at(*k)))?;
        Some((at(below), at(below + 1)))
    }
}
