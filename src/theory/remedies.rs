//! What would balance the modalities: the value of each remedy that makes the predicted time ratio 1.
//!
//! With the factor c_m on the learning rate of modality m, the weight lambda_m of a loss on its own output and the
//! probability q_m that it is kept, late fusion from stacks of equal norm has (`crate::data::Exposure`)
//!
//! ```text
//! S_yxm' = (1 + lambda_m) q_m S_yxm      S_m' = (1 + lambda_m) q_m S_m      S_AB' = q_A q_B S_AB
//! t_B/t_A = 1 + (c_A |S_yxA'| - c_B |S_yxB'|) / (c_B |S_yxB' - S_yxA' S_A'^+ S_AB'|)
//! ```
//!
//! which is Zhang, Latham & Saxe (ICML 2024), section on the time ratio of late fusion, for other moments and other
//! rates (`coordinates.rs`). It is 1 where all modalities have the same *speed* c_m |S_yxm'|. So it is in intermediate
//! fusion, where private layers grow along the same shared ones. From the actual weights the speed of a modality is one over the
//! time in which it is learned alone, which every remedy scales alike.

use super::coordinates::{GradientCoordinates, frozen_before_shared};
use super::from_weights::{Start, from_weights};
use super::growth::{early_growth_rate, growth_rate, learning_order, residual_growth_rate};
use super::weight_decay::{self, DecayLimits};
use super::{Theory, two_layer};
use crate::data::{Exposure, Moments};
use crate::network::{Architecture, Fusion};
use crate::section::ByModality;
use nalgebra::DVector;
use serde::Serialize;

/// The value of each remedy that makes the time ratio 1, each by itself and in place of the value that it has, the others
/// as they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Balancing {
    /// Factors on the learning rates of all modalities but the one that is learned first.
    pub rate: ByModality<f64>,
    /// Weights of auxiliary losses of the same; late fusion only.
    pub auxiliary: ByModality<f64>,
    /// Probabilities of keeping a modality, of all but the slowest.
    pub keep: ByModality<f64>,
}

/// What a remedy does to the time ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It comes down.
    Shortens,
    /// It goes up.
    Lengthens,
    /// It stays.
    Leaves,
    /// It grows beyond all bounds on the way: at some value in between the second modality is never learned.
    Diverges,
}

/// What would balance a problem.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Balance {
    /// By the published formulas; empty where they have no such value.
    #[serde(flatten)]
    pub formula: Balancing,
    /// alpha*, the strength from which gradient modulation no longer leaves the first modality ahead in score, in the limit of
    /// small weights.
    pub modulate: Option<f64>,
    /// What equal auxiliary losses, or equal probabilities of keeping a modality, do to the time ratio.
    pub equal: Option<Effect>,
    /// The time ratio that equal auxiliary losses, or equal probabilities, tend to and cannot pass; None where it diverges on
    /// the way.
    pub equal_limit: Option<f64>,
    /// Weight decays at which modalities are lost.
    pub weight_decay: Option<DecayLimits>,
    /// From the actual initial weights; null where their times are not known.
    pub from_weights: Option<Balancing>,
}

/// What would balance the modalities of a problem that theory predicts an order of. `small` and its `weights` are the
/// network or its reduction. None without an order.
pub fn balance(
    (moments, architecture): (&Moments, &Architecture),
    (small, weights): (&Architecture, &DVector<f64>),
    theory: &Theory,
) -> Option<Balance> {
    if moments.modalities.len() < 2 || frozen_before_shared(small).is_some() {
        return None;
    }
    if architecture.weight_decay > 0.0 {
        return decaying_balance(moments, architecture);
    }
    // Balanced modalities have no order, and those fused first never.
    let is_early = architecture.fusion().is_some_and(Fusion::is_early);
    let predicted = theory.first.as_ref().map(|first| first.index);
    let first = predicted.or_else(|| (!is_early).then(|| learning_order(moments)[0]))?;
    let even = GradientCoordinates::of_equal_norms(moments, small, weights);
    let speeds: Vec<f64> = (0..moments.modalities.len())
        .map(|m| growth_rate(&even.moments, m))
        .collect();
    // One whose drive turns round is learned from the other side first: equal speeds do not balance it.
    let turns_round = |m: usize| m != first && early_growth_rate(&even.moments, first, m) < 0.0;
    let is_balanceable = !(0..speeds.len()).any(turns_round);
    let balancing = |speeds: &[f64]| {
        let found = balancing((moments, architecture), speeds, first);
        found.filter(|_| is_balanceable)
    };
    let is_uniform = architecture.fusion().is_some();
    let is_late = architecture.shared.is_empty();
    let second = theory.second.as_ref().map(|second| second.index);
    let pair = second.filter(|_| speeds.len() == 2 && is_late && is_uniform);
    let excess = pair.map(|second| speeds[first] / speeds[second]);
    let excess = excess.filter(|excess| excess.is_finite() && *excess >= 1.0);
    // Equal values in place of unequal ones are another matter, and modulation beside them is none.
    let exposure = moments.exposure();
    let is_even = exposure.is_none_or(|now| is_even(&now.keep) && is_even(&now.auxiliary));
    let equal = pair
        .filter(|_| is_even)
        .map(|second| equal_effect(&even.moments, first, second));
    let equal_limit = excess.filter(|_| is_even && equal != Some(Effect::Diverges));
    let excess = excess.filter(|_| exposure.is_none());
    let is_two_layer = two_layer::applies(moments, architecture) && architecture.is_linear();
    Some(Balance {
        formula: balancing(&speeds)
            .filter(|_| is_uniform)
            .unwrap_or_default(),
        modulate: excess.filter(|_| is_balanceable).map(modulation_threshold),
        equal,
        equal_limit,
        weight_decay: pair
            .filter(|_| is_two_layer)
            .and_then(|second| weight_decay::limits(moments, first, second)),
        from_weights: alone_speeds(moments, (small, weights)).and_then(|speeds| balancing(&speeds)),
    })
}

/// Under weight decay its limits are known, those of two layers of late fusion, and the rates that balance: modes grow at c_m
/// (s_m - mu).
fn decaying_balance(moments: &Moments, architecture: &Architecture) -> Option<Balance> {
    let first = learning_order(moments)[0];
    let is_known = two_layer::applies(moments, architecture)
        && architecture.is_linear()
        && moments.modalities.len() == 2;
    is_known.then_some(())?;
    let pace = |m: usize| {
        architecture.stack_rate_factor(m) * (growth_rate(moments, m) - architecture.weight_decay)
    };
    let paces = [pace(0), pace(1)];
    let ahead = usize::from(paces[1] > paces[0]);
    let balancing = balancing((moments, architecture), &paces, ahead);
    Some(Balance {
        formula: Balancing {
            rate: balancing.unwrap_or_default().rate,
            ..Balancing::default()
        },
        weight_decay: weight_decay::limits(moments, first, 1 - first),
        ..Balance::default()
    })
}

/// Whether all values are the same.
fn is_even(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// What brings all speeds to that of the modality `first`, or of the slowest:
///
/// ```text
/// c_m = c_A s_A/s_m        1 + lambda_m = (1 + lambda_m) s_A/s_m        q_m = q_m s_min/s_m        (now on the right)
/// ```
///
/// None where `first` is not the fastest one.
fn balancing(
    (moments, architecture): (&Moments, &Architecture),
    speeds: &[f64],
    first: usize,
) -> Option<Balancing> {
    let fastest = speeds.iter().copied().fold(0.0, f64::max);
    let slowest = speeds.iter().copied().fold(f64::INFINITY, f64::min);
    if speeds[first] < fastest || fastest == 0.0 {
        return None;
    }
    let none = Exposure::full(speeds.len());
    let now = moments.exposure().unwrap_or(&none);
    let has_own_outputs = architecture.shared.is_empty() && architecture.biases.is_empty();
    let mut found = Balancing::default();
    for (m, &speed) in speeds.iter().enumerate().filter(|(_, speed)| **speed > 0.0) {
        let name = || moments.modalities[m].name.clone();
        if m != first {
            let factor = fastest / speed;
            let rate = architecture.stack_rate_factor(m) * factor;
            found.rate.insert(name(), rate);
            if has_own_outputs {
                let weight = (1.0 + now.auxiliary[m]) * factor - 1.0;
                found.auxiliary.insert(name(), weight);
            }
        }
        if speed > slowest && slowest > 0.0 {
            found.keep.insert(name(), now.keep[m] * slowest / speed);
        }
    }
    Some(found)
}

/// One over the times in which the stacks of late fusion are learned alone, from the initial weights. None where they are not
/// known.
fn alone_speeds(
    moments: &Moments,
    (small, weights): (&Architecture, &DVector<f64>),
) -> Option<Vec<f64>> {
    if !small.shared.is_empty() || !small.is_linear() {
        return None;
    }
    let even = GradientCoordinates::of(moments, small, weights);
    let (moments, architecture, weights) = even.parts();
    let speed = |m: usize| {
        let alone = moments.of_modalities(&[m]);
        if alone.cross.norm() == 0.0 {
            return Some(0.0);
        }
        let stack = &architecture.layers[architecture.private[m].clone()];
        let widths: Vec<usize> = stack[..stack.len() - 1].iter().map(|l| l.rows).collect();
        let shape = Architecture::build(
            &alone.modalities,
            architecture.outputs,
            &[stack.len()],
            0,
            &widths,
        );
        let own = stack[0].range.start..stack[stack.len() - 1].range.end;
        let own = weights.rows_range(own).into_owned();
        let start = Start {
            weights: &own,
            never_turns: false,
        };
        let time = from_weights(&alone, &shape.ok()?, start).ok()?.t_first?;
        Some(1.0 / time)
    };
    (0..moments.modalities.len()).map(speed).collect()
}

/// alpha* = atanh(1 - s_B/s_A) of gradient modulation, which slows the modality that is ahead by 1 - tanh(alpha rho), rho
/// being 1 where neither is: from there on the first of the speeds s_A no longer stays ahead in score. Slowed, it may come to
/// half of its map later than the other from smaller strengths on. `excess` is s_A/s_B.
///
/// The rule is that of Peng, Wei, Deng, Wang & Hu, "Balanced multimodal learning via on-the-fly gradient modulation"
/// (CVPR 2022); the threshold is ours.
pub fn modulation_threshold(excess: f64) -> f64 {
    (1.0 - 1.0 / excess).atanh()
}

/// What equal auxiliary losses, or equal probabilities of keeping a modality, do to the time ratio of two modalities.
///
/// They leave the ratio of the growth rates and damp the correlation, S_AB' -> 0 beside S_A' and S_B', so that the time
/// ratio goes from 1 + (s_A - s_B)/b~ to 1 + (s_A - s_B)/s_B = s_A/s_B. It comes down where
/// b~ = |S_yxB - S_yxA S_A^+ S_AB| < s_B: where the correlation is positive in effect. Where the drive of B that A leaves is
/// opposed to its first one, b~ goes through zero on the way and the ratio to infinity.
pub fn equal_effect(moments: &Moments, first: usize, second: usize) -> Effect {
    /// Round-off of the ratios.
    const EQUAL: f64 = 1e-9;
    let fast = growth_rate(moments, first);
    let early = early_growth_rate(moments, first, second);
    let late = residual_growth_rate(moments, &[first], second);
    if early < 0.0 {
        return Effect::Diverges;
    }
    let (now, limit) = (1.0 + (fast - early) / late, fast / early.abs());
    if (now - limit).abs() <= EQUAL * now {
        Effect::Leaves
    } else if limit < now {
        Effect::Shortens
    } else {
        Effect::Lengthens
    }
}
