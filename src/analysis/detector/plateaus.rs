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
    let height = points[lowest].height;
    let drop_in = points[before].height - height;
    let drop_out = height - points[after].height;
    let entry = (before < lowest).then(|| {
        let is_near = has_come(trajectory, level, thresholds.share * drop_in);
        entry(trajectory, observables, &points[before..=lowest], is_near)
    });
    let exit = (after > lowest).then(|| {
        let is_near = has_stayed(trajectory, level, thresholds.share * drop_out);
        exit(trajectory, observables, &points[lowest..=after], is_near)
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

/// Whether a loss has come down near a level; in stages it may come from below.
fn has_come(trajectory: &Trajectory, level: f64, near: f64) -> impl Fn(f64) -> bool {
    let has_stages = trajectory.has_stages();
    move |loss| match has_stages {
        true => (loss - level).abs() <= near,
        false => loss <= level + near,
    }
}

/// Whether a loss has not fallen off a level; in stages it may rise off it.
fn has_stayed(trajectory: &Trajectory, level: f64, near: f64) -> impl Fn(f64) -> bool {
    let has_stages = trajectory.has_stages();
    move |loss| match has_stages {
        true => (loss - level).abs() <= near,
        false => loss >= level - near,
    }
}

/// When the loss comes near its level for good on the way to the last of these points.
fn entry(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    points: &[Point],
    is_near: impl Fn(f64) -> bool,
) -> f64 {
    let last = points.len() - 1;
    // Backwards: the loss of a descent may rise again in between.
    let above = (0..last).rev().find(|&i| !is_near(points[i].loss));
    let above = above.unwrap_or(0);
    let done = |knot: &Knot| is_near(observables.loss(knot));
    trajectory.first_time(points[above].time, points[above + 1].time, done)
}

/// When the loss first leaves its level on the way from the first of these points.
fn exit(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    points: &[Point],
    is_near: impl Fn(f64) -> bool,
) -> f64 {
    let below = points.iter().position(|point| !is_near(point.loss));
    let below = below.unwrap_or(points.len() - 1).max(1);
    let begun = |knot: &Knot| !is_near(observables.loss(knot));
    trajectory.first_time(points[below - 1].time, points[below].time, begun)
}

/// The power of each modality's outputs over its final power; None where that is zero, and where the power is
/// more than [`MOST_FRACTION`] times it: there the weights hold something other than a part of what they learn.
fn fractions(observables: &Observables<'_>, knot: &Knot) -> Vec<Option<f64>> {
    let last = observables.final_map().as_slice();
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
