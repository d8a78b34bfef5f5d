//! Half-height crossings and the unimodal phase.

use super::{BETWEEN_KNOTS, Crossing, Phase, Plateau};
use crate::linalg::{norm, overshoot, written_rows};
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};

pub(super) fn crossing(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    modality: usize,
) -> Crossing {
    let size = |map: &[f64]| norm(&map[observables.block(modality)]);
    let unimodal_norm = size(observables.moments.critical_map(&[modality]).as_slice());
    let final_norm = size(observables.moments.loss.optimum.as_slice());
    Crossing {
        modality: observables.architecture.modalities[modality].clone(),
        t_half_unimodal: first_at_half(trajectory, observables, modality, unimodal_norm),
        t_half_final: first_at_half(trajectory, observables, modality, final_norm),
        unimodal_norm,
        final_norm,
    }
}

fn first_at_half(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    modality: usize,
    level: f64,
) -> Option<f64> {
    // Least-squares solutions leave round-off where the true map is zero.
    const ROUND_OFF: f64 = 1e-12;
    let moments = observables.moments;
    let is_zero = level <= ROUND_OFF * norm(moments.loss.optimum.as_slice());
    if is_zero || !moments.is_linearly_learnable() {
        return None;
    }
    let reached = |knot: &Knot| observables.norm(knot, modality) >= 0.5 * level;
    let mut before = 0.0;
    for time in trajectory.times(BETWEEN_KNOTS) {
        if reached(&trajectory.at(time)) {
            return Some(if time > 0.0 {
                trajectory.first_time(before, time, reached)
            } else {
                0.0
            });
        }
        before = time;
    }
    None
}

/// Unimodal levels below this share of the final norm say nothing: a modality hardly correlated
/// with the targets by itself crosses them in passing.
const LEAST_UNIMODAL: f64 = 0.1;

pub(super) fn phase(
    observables: &Observables<'_>,
    crossings: &[Crossing],
    plateaus: &[Plateau],
) -> Phase {
    let unimodal = |m: usize| {
        let crossing = &crossings[m];
        let is_large = crossing.unimodal_norm >= LEAST_UNIMODAL * crossing.final_norm;
        let is_meaningful = observables.architecture.has_saddle(&[m]) && is_large;
        crossing.t_half_unimodal.filter(|_| is_meaningful)
    };
    let sooner = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::min);
    let earliest = |times: &dyn Fn(usize) -> Option<f64>| {
        let times = (0..crossings.len()).filter_map(|m| Some((m, times(m)?)));
        times.min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let Some((first, _)) = earliest(&|m| sooner(unimodal(m), crossings[m].t_half_final)) else {
        return Phase {
            reason: Some("no modality reached half of its level".into()),
            ..Phase::default()
        };
    };
    let second = earliest(&|m| crossings[m].t_half_final.filter(|_| m != first));
    let t_second = second.map(|(_, time)| time);
    let alone = unimodal(first).filter(|time| t_second.is_none_or(|second| *time <= second));
    let t_first = alone.or(crossings[first].t_half_final);
    let misattribution = misattribution(observables, first, plateaus);
    let last = &observables.moments.loss.optimum.as_slice()[observables.block(first)];
    let modality = |m: usize| observables.architecture.modalities[m].clone();
    let outputs = observables.architecture.outputs;
    Phase {
        first: Some(modality(first)),
        second: second.map(|(m, _)| modality(m)),
        t_first,
        t_second,
        length: t_second.zip(t_first).map(|(second, first)| second - first),
        ratio: t_second
            .zip(t_first.filter(|first| *first > 0.0))
            .map(|(second, first)| second / first),
        reason: missing(
            observables,
            first,
            alone,
            t_second,
            misattribution.is_some(),
        ),
        misattribution: misattribution.as_ref().map(|map| overshoot(map, last)),
        misattribution_map: misattribution.and_then(|map| written_rows(&map, outputs)),
    }
}

/// The first modality's map on the plateau of its unimodal saddle minus its final map.
fn misattribution(
    observables: &Observables<'_>,
    first: usize,
    plateaus: &[Plateau],
) -> Option<Vec<f64>> {
    let unimodal = plateaus.iter().find(|plateau| plateau.is_of(&[first]))?;
    let block = observables.block(first);
    let last = &observables.moments.loss.optimum.as_slice()[block.clone()];
    let map = &unimodal.slowest.values[block];
    Some(map.iter().zip(last).map(|(now, last)| now - last).collect())
}

/// Why something of the phase is missing or not what it usually is.
fn missing(
    observables: &Observables<'_>,
    first: usize,
    alone: Option<f64>,
    t_second: Option<f64>,
    on_saddle: bool,
) -> Option<String> {
    let name = &observables.architecture.modalities[first].name;
    let mut reasons = Vec::new();
    if !observables.architecture.has_saddle(&[first]) {
        reasons.push(format!(
            "no unimodal saddle (another modality has a single private layer, as in early fusion): {name} is \
             timed by its final norm, and nothing is mis-attributed"
        ));
    } else {
        if alone.is_none() {
            reasons.push(format!(
                "{name} did not reach half of its unimodal norm alone: timed by its final norm"
            ));
        }
        if !on_saddle {
            reasons.push(format!(
                "no plateau or shoulder at the saddle where {name} alone is learned"
            ));
        }
    }
    if alone == Some(0.0) {
        reasons.push(format!("{name} is above half of its level from the start"));
    }
    if t_second.is_none() {
        reasons.push("no second modality reached half of its final norm".into());
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}
