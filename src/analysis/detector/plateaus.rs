//! Plateaus of the loss staircase, and the critical points they lie at.

use super::critical_points::nearest;
use super::staircase::{Point, Staircase};
use super::{DetectorSection, Kind, Plateau};
use crate::trajectory::{Knot, Observables, Trajectory};

/// The plateaus of a trajectory, in order of time.
pub(super) fn plateaus(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    thresholds: &DetectorSection,
) -> Vec<Plateau> {
    let least_drop = thresholds.drop * observables.learnable_loss();
    let staircase = Staircase::new(trajectory, observables, least_drop);
    (0..staircase.minima.len())
        .map(|k| plateau(trajectory, observables, thresholds, &staircase, k))
        // A run that starts or ends at speed is in a drop, not on a shoulder.
        .zip(&staircase.minima)
        .filter(|(plateau, lowest)| {
            plateau.kind == Kind::Plateau || (1..staircase.points.len() - 1).contains(lowest)
        })
        .map(|(plateau, _)| plateau)
        .collect()
}

fn plateau(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    thresholds: &DetectorSection,
    staircase: &Staircase,
    k: usize,
) -> Plateau {
    let (points, lowest) = (&staircase.points, staircase.minima[k]);
    let level = points[lowest].loss;
    let (before, after) = staircase.neighbours(k);
    let drop_in = points[before].loss - level;
    let drop_out = level - points[after].loss;
    let entry = (before < lowest).then(|| {
        let target = level + thresholds.share * drop_in;
        entry(trajectory, observables, &points[before..=lowest], target)
    });
    let exit = (after > lowest).then(|| {
        let target = level - thresholds.share * drop_out;
        exit(trajectory, observables, &points[lowest..=after], target)
    });
    let deep = points[lowest].speed < thresholds.dip * staircase.lower_peak(k, |p| p.speed);
    // A run that ends on the plateau ends where it has come to.
    let slowest = match exit {
        Some(_) => trajectory.at(points[lowest].time),
        None => trajectory.end().clone(),
    };
    let drops = [(before < lowest, drop_in), (after > lowest, drop_out)];
    let drops = drops.into_iter().filter(|(counts, _)| *counts);
    let smallest_drop = drops
        .map(|(_, drop)| drop)
        .fold(observables.learnable_loss(), f64::min);
    let share = thresholds.share;
    let point = nearest(observables, &slowest, share * smallest_drop, share);
    let entry = entry.unwrap_or(0.0);
    let is_at = point.is_near;
    let architecture = observables.architecture;
    let names = || architecture.modalities.iter().map(|m| m.name.clone());
    Plateau {
        kind: if deep { Kind::Plateau } else { Kind::Shoulder },
        saddle: point.name(observables),
        learned: is_at.then(|| architecture.named(&point.learned(observables))),
        is_full: is_at && point.is_full(),
        rank: is_at.then(|| names().zip(point.ranks(observables, share)).collect()),
        power: names().zip(fractions(observables, &slowest)).collect(),
        entry,
        exit,
        length: exit.map(|exit| exit - entry),
        time: slowest.time,
        loss: observables.loss(&slowest),
        slowest,
        nearest: point,
    }
}

/// A power that is more than this many times the final one is no fraction of it. Maps that overshoot before
/// they turn reach some times their final power.
const MOST_FRACTION: f64 = 100.0;

/// When the loss falls to `target` for good on the way down to the last of these points.
fn entry(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    points: &[Point],
    target: f64,
) -> f64 {
    let last = points.len() - 1;
    // Backwards: the loss of a descent may rise again in between.
    let above = (0..last).rev().find(|&i| points[i].loss > target);
    let above = above.unwrap_or(0);
    let done = |knot: &Knot| observables.loss(knot) <= target;
    trajectory.first_time(points[above].time, points[above + 1].time, done)
}

/// When the loss first falls below `target` on the way down from the first of these points.
fn exit(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    points: &[Point],
    target: f64,
) -> f64 {
    let below = points.iter().position(|point| point.loss < target);
    let below = below.unwrap_or(points.len() - 1).max(1);
    let begun = |knot: &Knot| observables.loss(knot) < target;
    trajectory.first_time(points[below - 1].time, points[below].time, begun)
}

/// The power of each modality's outputs over its final power; None where that is zero, and where the power is
/// more than [`MOST_FRACTION`] times it: there the weights hold something other than a part of what they learn.
fn fractions(observables: &Observables<'_>, knot: &Knot) -> Vec<Option<f64>> {
    let last = observables.moments.least.map.as_slice();
    let modalities = 0..observables.architecture.modalities.len();
    let last: Vec<f64> = modalities.map(|m| observables.map_power(last, m)).collect();
    let total: f64 = last.iter().sum();
    last.into_iter()
        .enumerate()
        .map(|(m, last)| {
            let is_zero = last <= super::ROUND_OFF * super::ROUND_OFF * total;
            let fraction = observables.power(knot, m) / last;
            (!is_zero && fraction <= MOST_FRACTION).then_some(fraction)
        })
        .collect()
}
