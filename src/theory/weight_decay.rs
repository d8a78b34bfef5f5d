//! Weight decay of late fusion, one output: from where on two layers lose modalities for ever, and their time ratio.
//!
//! The minimum under weight decay is that of 1/2 E|y - sum_m W_m x_m|^2 + mu sum_m |W_m| ([`Penalty`](crate::data::Penalty)), whose conditions
//! of optimality are the thresholds here.

use super::growth::{early_growth_rate, growth_rate};
use crate::data::{Held, Moments, ShrunkMap};
use crate::network::Architecture;
use nalgebra::DMatrix;
use serde::Serialize;

/// Weight decays at which two modalities are lost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DecayLimits {
    /// The largest one that leaves the second modality in the minimum: above it the bias is permanent.
    pub keeps_second: f64,
    /// The largest one with which anything is learned.
    pub keeps_any: f64,
    /// From where to where the minimum has the second modality and not the first; None where there are none such.
    pub loses_first: Option<[f64; 2]>,
}

/// Both limits. B is lost once mu > |S_yxB - W_A S_AB|, with A at the map W_A that weight decay shrinks, and everything once mu is above
/// the growth rates |S_yxm|. None for inputs too many to decompose.
pub fn limits(moments: &Moments, first: usize, second: usize) -> Option<DecayLimits> {
    let keeps_any = growth_rate(moments, first).max(growth_rate(moments, second));
    let alone = |m: usize| ShrunkMap::of(moments, moments.modalities[m].range.clone());
    let lost = |alone: &ShrunkMap, m: usize| lost_between(moments, alone, m, keeps_any);
    let second_lost = lost(&alone(first)?, second);
    let first_lost = lost(&alone(second)?, first);
    let keeps_second = second_lost.map_or(keeps_any, |[from, _]| from);
    Some(DecayLimits {
        keeps_second,
        keeps_any,
        // Where both conditions hold, the one that drives less is lost.
        loses_first: first_lost
            .map(|[from, to]| [from, to.min(keeps_second)])
            .filter(|[from, to]| from < to),
    })
}

/// The first mu in (0, `most`) from which on |S_yxB - W_A(mu) S_AB| <= mu, and to where that holds: changes of sign on a grid,
/// and bisection.
fn lost_between(
    moments: &Moments,
    alone: &ShrunkMap,
    second: usize,
    most: f64,
) -> Option<[f64; 2]> {
    const GRID: u32 = 200;
    let is_lost = |decay: f64| left_drive(moments, alone, second, decay) <= decay;
    let at = |k: u32| most * f64::from(k) / f64::from(GRID);
    let lost = (1..=GRID).find(|k| is_lost(at(*k)))?;
    let kept = (lost..=GRID).find(|k| !is_lost(at(*k)));
    let from = change([at(lost - 1), at(lost)], is_lost);
    let to = kept.map_or(most, |kept| {
        change([at(kept - 1), at(kept)], |decay| !is_lost(decay))
    });
    Some([from, to])
}

/// Where a condition begins to hold that holds at the end of a range only.
fn change([mut low, mut high]: [f64; 2], holds: impl Fn(f64) -> bool) -> f64 {
    /// Halvings, to round-off.
    const HALVINGS: u32 = 60;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if holds(middle) {
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
    let own = moments
        .cross
        .columns_range(alone.place.clone())
        .into_owned();
    let map = alone.map(&own, Held::of_stack(decay, 2));
    joined
        .columns_range_mut(alone.place.clone())
        .copy_from(&map.transpose());
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
/// first, and the ratio: None where the second is never learned. None in all where nothing is, and where the formula does not apply.
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
    let alone = ShrunkMap::of(moments, moments.modalities[first].range.clone())?;
    let early = rate(second) * (early_growth_rate(moments, first, second) - decay);
    let late = rate(second) * (left_drive(moments, &alone, second, decay) - decay);
    let ratio = 1.0 + (pace(first) - early) / late;
    Some((first, (late > 0.0).then_some(ratio)))
}
