//! Plateaus of the loss staircase, and the saddles they lie at.

use super::{BETWEEN_KNOTS, Kind, Plateau};
use crate::analysis::detector::DetectorSection;
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};

/// A minimum of the speed within this share of its lower peak is a ripple, too shallow to be
/// called a shoulder.
const RIPPLE: f64 = 0.99;

/// The same where the speed flickers, as it does with units that have a kink.
const FLICKER: f64 = 0.9;

/// Drops that count on either side of a point, over which its mean speed is taken where it flickers.
const STRETCH: f64 = 5.0;

/// A point of the staircase.
#[derive(Debug, Clone, Copy)]
struct Point {
    time: f64,
    loss: f64,
    speed: f64,
}

pub(super) fn plateaus(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    thresholds: &DetectorSection,
) -> Vec<Plateau> {
    let mut points: Vec<Point> = trajectory
        .times(BETWEEN_KNOTS)
        .map(|time| {
            let knot = trajectory.at(time);
            Point {
                time,
                loss: observables.loss(&knot),
                speed: observables.speed(&knot),
            }
        })
        .collect();
    let least_drop = thresholds.drop * observables.learnable_loss();
    let minima = if observables.architecture.activation.is_smooth() {
        minima(&points, least_drop, RIPPLE)
    } else {
        let speeds: Vec<f64> = points.iter().map(|point| point.speed).collect();
        average_speeds(&mut points, least_drop);
        let minima = minima(&points, least_drop, FLICKER);
        sharpen(minima, &points, &speeds, least_drop)
    };
    (0..minima.len())
        .map(|k| plateau(trajectory, observables, thresholds, &points, &minima, k))
        // A run that starts or ends at speed is in a drop, not on a shoulder.
        .zip(&minima)
        .filter(|(plateau, lowest)| {
            plateau.kind == Kind::Plateau || (1..points.len() - 1).contains(lowest)
        })
        .map(|(plateau, _)| plateau)
        .collect()
}

/// Takes for the speed of each point its mean over the stretch around it that removes ten times a drop
/// that counts. Where a network's units have a kink, the speed jumps with every sample that crosses one,
/// from step to step; such flicker is no plateau.
fn average_speeds(points: &mut [Point], least_drop: f64) {
    let half = STRETCH * least_drop;
    let last = points.len() - 1;
    let (mut before, mut after) = (0, 0);
    let means: Vec<f64> = (0..=last)
        .map(|i| {
            // Where the loss rises, as in a descent that diverges, the stretch begins at the point itself.
            while before < i && points[before + 1].loss - points[i].loss >= half {
                before += 1;
            }
            while after < last && points[i].loss - points[after].loss < half {
                after += 1;
            }
            let (from, to) = (points[before], points[after.max(i)]);
            if to.time > from.time {
                (from.loss - to.loss) / (to.time - from.time)
            } else {
                points[i].speed
            }
        })
        .collect();
    for (point, mean) in points.iter_mut().zip(means) {
        point.speed = mean;
    }
}

/// Moves each minimum of the mean speed to the least speed of the stretch that the mean is taken over;
/// two that come to lie on one plateau are one.
fn sharpen(minima: Vec<usize>, points: &[Point], speeds: &[f64], least_drop: f64) -> Vec<usize> {
    let half = STRETCH * least_drop;
    let slower = |&a: &usize, &b: &usize| speeds[a].total_cmp(&speeds[b]);
    let mut sharp: Vec<usize> = Vec::new();
    for (k, &lowest) in minima.iter().enumerate() {
        let first = sharp.last().map_or(0, |before| before + 1);
        let last = minima.get(k + 1).copied().unwrap_or(points.len());
        let is_near = |i: &usize| (points[*i].loss - points[lowest].loss).abs() < half;
        let slowest = (first..last).filter(is_near).min_by(slower);
        let slowest = slowest.unwrap_or(lowest);
        match sharp.last_mut() {
            Some(kept) if points[*kept].loss - points[slowest].loss < least_drop => {
                *kept = [*kept, slowest].into_iter().min_by(slower).unwrap_or(*kept);
            }
            _ => sharp.push(slowest),
        }
    }
    sharp
}

/// Indices of the minima of the speed that are separated by drops that count.
fn minima(points: &[Point], least_drop: f64, ripple: f64) -> Vec<usize> {
    let last = points.len() - 1;
    let speed = |i: usize| points[i].speed;
    let is_minimum =
        |&i: &usize| (i == 0 || speed(i) <= speed(i - 1)) && (i == last || speed(i) < speed(i + 1));
    let mut minima: Vec<usize> = Vec::new();
    for i in (0..=last).filter(is_minimum) {
        match minima.last_mut() {
            Some(kept) if points[*kept].loss - points[i].loss < least_drop => {
                if speed(i) < speed(*kept) {
                    *kept = i;
                }
            }
            _ => minima.push(i),
        }
    }
    drop_ripples(points, &mut minima, least_drop, ripple);
    minima
}

/// Removes minima that hardly lie below their lower peak, the shallowest first: of two beside each
/// other the lower one stays.
fn drop_ripples(points: &[Point], minima: &mut Vec<usize>, least_drop: f64, ripple: f64) {
    while minima.len() > 1 {
        let depth = |k: usize| {
            let neighbours = neighbours(points, minima, k, least_drop);
            points[minima[k]].speed / lower_peak(points, minima[k], neighbours)
        };
        let is_inside = |k: &usize| minima[*k] > 0 && minima[*k] + 1 < points.len();
        let depths = (0..minima.len()).filter(is_inside).map(|k| (k, depth(k)));
        match depths.max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((shallowest, depth)) if depth > ripple => {
                minima.remove(shallowest);
            }
            _ => return,
        }
    }
}

/// The points up to which the k-th minimum's drops reach: the minima beside it, or the ends of the
/// run; the minimum itself where the drop to an end does not count.
fn neighbours(points: &[Point], minima: &[usize], k: usize, least_drop: f64) -> (usize, usize) {
    let lowest = minima[k];
    let last = points.len() - 1;
    let counts = |from: usize, to: usize| points[from].loss - points[to].loss >= least_drop;
    let before = match k {
        0 if counts(0, lowest) => 0,
        0 => lowest,
        _ => minima[k - 1],
    };
    let after = match minima.get(k + 1) {
        Some(&next) => next,
        None if counts(lowest, last) => last,
        None => lowest,
    };
    (before, after)
}

/// The lower of the highest speeds on either side of a minimum.
fn lower_peak(points: &[Point], minimum: usize, (before, after): (usize, usize)) -> f64 {
    let peak = |points: &[Point]| {
        points
            .iter()
            .map(|p| p.speed)
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let left = (minimum > before).then(|| peak(&points[before..minimum]));
    let right = (minimum < after).then(|| peak(&points[minimum + 1..=after]));
    let (left, right) = (
        left.unwrap_or(f64::INFINITY),
        right.unwrap_or(f64::INFINITY),
    );
    left.min(right)
}

fn plateau(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    thresholds: &DetectorSection,
    points: &[Point],
    minima: &[usize],
    k: usize,
) -> Plateau {
    let least_drop = thresholds.drop * observables.learnable_loss();
    let lowest = minima[k];
    let level = points[lowest].loss;
    let (before, after) = neighbours(points, minima, k, least_drop);
    let drop_in = points[before].loss - level;
    let drop_out = level - points[after].loss;
    let entry = (before < lowest).then(|| {
        let target = level + thresholds.share * drop_in;
        // Backwards: the loss of a descent may rise again in between.
        let above = (before..lowest).rev().find(|&i| points[i].loss > target);
        let above = above.unwrap_or(before);
        let done = |knot: &Knot| observables.loss(knot) <= target;
        trajectory.first_time(points[above].time, points[above + 1].time, done)
    });
    let exit = (after > lowest).then(|| {
        let target = level - thresholds.share * drop_out;
        let below = (lowest..=after).find(|&i| points[i].loss < target);
        let below = below.unwrap_or(after).max(1);
        let begun = |knot: &Knot| observables.loss(knot) < target;
        trajectory.first_time(points[below - 1].time, points[below].time, begun)
    });
    let deep = points[lowest].speed < thresholds.dip * lower_peak(points, lowest, (before, after));
    let slowest = trajectory.at(points[lowest].time);
    let drops = [(before < lowest, drop_in), (after > lowest, drop_out)];
    let smallest_drop = drops
        .into_iter()
        .filter_map(|(counts, drop)| counts.then_some(drop))
        .fold(observables.learnable_loss(), f64::min);
    let learned = critical_point(observables, &slowest, thresholds.share * smallest_drop);
    let entry = entry.unwrap_or(0.0);
    Plateau {
        kind: if deep { Kind::Plateau } else { Kind::Shoulder },
        saddle: observables.architecture.saddle_name(learned.as_deref()),
        learned: learned.map(|learned| observables.architecture.named(&learned)),
        entry,
        exit,
        length: exit.map(|exit| exit - entry),
        loss: level,
        slowest,
    }
}

/// The set S of modalities whose critical point M_S is the nearest, in the metric of the loss;
/// None where the nearest one is further than `most`.
///
/// The critical points are those of the linear network. A network that is not linear lies at one
/// where its outputs, not only their best linear fit, are those of the linear map.
fn critical_point(observables: &Observables<'_>, knot: &Knot, most: f64) -> Option<Vec<usize>> {
    // A modality that is learned contributes more to the output than any that is not, so S is
    // a first part of the modalities in the order of their contributions.
    let zero = vec![0.0; observables.map_len()];
    let contribution = |m: usize| {
        let mut alone = zero.clone();
        alone[observables.block(m)].copy_from_slice(&knot.values[observables.block(m)]);
        observables.moments.loss.output_power(&alone)
    };
    let count = observables.architecture.modalities.len();
    let contributions: Vec<f64> = (0..count).map(contribution).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| contributions[b].total_cmp(&contributions[a]));
    (0..=count)
        .map(|size| {
            let mut learned = order[..size].to_vec();
            learned.sort_unstable();
            learned
        })
        .filter(|learned| observables.architecture.has_saddle(learned))
        .map(|learned| {
            let critical = observables.moments.critical_map(&learned);
            (observables.distance(knot, critical.as_slice()), learned)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, learned)| learned)
        .map(|learned| {
            // A network that is not linear may still learn what no linear map can.
            if observables.architecture.is_linear() && is_minimum(observables, &learned) {
                (0..count).collect()
            } else {
                learned
            }
        })
}

/// Whether nothing is left to learn at M_S: the other modalities are redundant.
fn is_minimum(observables: &Observables<'_>, learned: &[usize]) -> bool {
    // Least-squares solutions are exact to round-off times the condition number.
    const ROUND_OFF: f64 = 1e-9;
    let critical = observables.moments.critical_map(learned);
    let left = observables.moments.loss.excess(critical.as_slice());
    left <= ROUND_OFF * observables.learnable_loss()
}
