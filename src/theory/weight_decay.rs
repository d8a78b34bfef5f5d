//! Weight decay of two layers, late fusion, one output: from where on it loses modalities for ever.
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

use super::growth::growth_rate;
use crate::data::Moments;
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
    let alone = ShrunkMap::of(moments, first)?;
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
    let own = moments.block(&moments.cross, second);
    let range = moments.modalities[second].range.clone();
    let is_lost = |decay: f64| {
        let mut joined = DMatrix::zeros(1, moments.inputs_len());
        joined
            .columns_range_mut(alone.place.clone())
            .copy_from(&alone.map(decay).transpose());
        let explained = moments.inputs.columns_after(&joined, range.clone());
        (&own - explained).norm() <= decay
    };
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

/// The map of one modality alone under weight decay, by the eigenvectors u_i of S_A, of the variances l_i:
///
/// ```text
/// W_A (S_A + mu/n) = S_yxA,  n = |W_A|      so that      sum_i (S_yxA u_i)^2/(l_i n + mu)^2 = 1
/// ```
struct ShrunkMap {
    /// The modality's inputs.
    place: std::ops::Range<usize>,
    eigen: SymmetricEigen<f64, nalgebra::Dyn>,
    /// S_yxA u_i.
    drive: DVector<f64>,
    /// |S_yxA S_A^+|.
    largest: f64,
}

impl ShrunkMap {
    fn of(moments: &Moments, modality: usize) -> Option<Self> {
        let place = moments.modalities[modality].range.clone();
        if place.len() as u64 > MOST_DIMENSIONS {
            return None;
        }
        let eigen = SymmetricEigen::new(moments.inputs.block(place.clone()).to_matrix());
        let cross = moments.block(&moments.cross, modality);
        Some(Self {
            drive: eigen
                .eigenvectors
                .tr_mul(&cross.transpose())
                .column(0)
                .into_owned(),
            largest: moments.critical_map(&[modality]).norm(),
            place,
            eigen,
        })
    }

    /// The map, d_A entries; zero where mu >= |S_yxA|.
    fn map(&self, decay: f64) -> DVector<f64> {
        /// Halvings, to round-off.
        const HALVINGS: u32 = 60;
        let ratios = |n: f64| {
            let pairs = self.drive.iter().zip(&self.eigen.eigenvalues);
            let ratios =
                pairs.map(move |(drive, variance)| drive / (variance.max(0.0) * n + decay));
            ratios.collect::<Vec<f64>>()
        };
        let is_short = |n: f64| ratios(n).iter().map(|r| r * r).sum::<f64>() > 1.0;
        if !is_short(0.0) {
            return DVector::zeros(self.drive.len());
        }
        let (mut low, mut high) = (0.0, self.largest);
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
}
