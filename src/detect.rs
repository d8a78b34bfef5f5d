//! What happened in a trajectory: plateaus, half-height crossings, the unimodal phase.
//!
//! The loss is a staircase. Its speed -dLoss/dt peaks at each drop and has a minimum on each
//! tread. With L_s the loss at such a minimum, the plateau is *entered* when the drop into it is
//! done up to a share eps, and *left* when the next drop has begun by a share eps. A minimum
//! below `dip` times the lower neighbouring peak is a plateau, a shallower one a shoulder; a drop
//! counts when it removes at least `drop` of the learnable loss.
//!
//! A modality is learned when the norm of its total map reaches half of a level: for the first
//! modality its value at the unimodal saddle, for the others their final value. Where the
//! architecture has no such saddle (early fusion), or the second modality is learned before that
//! half is reached, the final value serves for the first as well.
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), sections on the time ratio; the thresholds of
//! plateaus are this project's. Detection knows nothing of theory's predictions, and works the
//! same on flow and on descent.

use crate::observe::{Lens, norm};
use crate::scenario::DetectorSection;
use crate::track::{Knot, Track};

/// Whether a minimum of the speed is deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The speed falls below `dip` times the lower neighbouring peak.
    Plateau,
    /// A shallower minimum.
    Shoulder,
}

/// A tread of the loss staircase.
#[derive(Debug, Clone, PartialEq)]
pub struct Plateau {
    /// How deep its minimum of the speed is.
    pub kind: Kind,
    /// Modalities learned at the critical point it lies at, by index in order; None where it lies
    /// at none of the critical points M_S of this architecture.
    pub learned: Option<Vec<usize>>,
    /// When the drop into it is done up to the share eps; 0 where the run starts on it.
    pub entry: f64,
    /// When the next drop has begun by the share eps; None where the run ends on it.
    pub exit: Option<f64>,
    /// The trajectory where the speed is least.
    pub slowest: Knot,
    /// The loss there.
    pub loss: f64,
}

/// When each modality is learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Norm of its map at the unimodal saddle M_m, and the first time half of it is reached.
    pub unimodal: Level,
    /// Norm of its final map, and the first time half of it is reached.
    pub last: Level,
}

/// A level and the first time that half of it is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The level, a Frobenius norm of a total map.
    pub norm: f64,
    /// First time at half of it; None where it is never reached, or zero.
    pub time: Option<f64>,
}

/// The unimodal phase: from the first modality's half height to the second one's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phase {
    /// The modality learned first.
    pub first: Option<usize>,
    /// The modality learned second.
    pub second: Option<usize>,
    /// When the first is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// The first modality's map on the unimodal plateau minus its final map, o x d_first by
    /// columns.
    pub misattribution: Option<Vec<f64>>,
    /// Why something is missing.
    pub reason: Option<String>,
}

impl Phase {
    /// Length of the unimodal phase, t_second - t_first.
    pub fn length(&self) -> Option<f64> {
        Some(self.t_second? - self.t_first?)
    }

    /// The time ratio t_second / t_first; None where the first is learned from the start.
    pub fn ratio(&self) -> Option<f64> {
        let (first, second) = (self.t_first?, self.t_second?);
        (first > 0.0).then(|| second / first)
    }
}

/// Everything detected in one trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Treads in order of time.
    pub plateaus: Vec<Plateau>,
    /// Half-height crossings, one entry a modality.
    pub crossings: Vec<Crossing>,
    /// The unimodal phase.
    pub phase: Phase,
}

/// Detects plateaus, crossings and the unimodal phase in a trajectory.
pub fn detect(track: &Track, lens: &Lens<'_>, thresholds: &DetectorSection) -> Detection {
    let plateaus = plateaus(track, lens, thresholds);
    let crossings: Vec<Crossing> = (0..lens.architecture.modalities.len())
        .map(|m| crossing(track, lens, m))
        .collect();
    let phase = phase(lens, &crossings, &plateaus);
    Detection {
        plateaus,
        crossings,
        phase,
    }
}

/// Times looked at inside each interval of the track's knots. The knots resolve the trajectory
/// to its tolerance; these points only place extrema of the speed between them.
const BETWEEN_KNOTS: usize = 3;

/// A minimum of the speed within this share of its lower peak is a ripple, too shallow to be
/// called a shoulder.
const RIPPLE: f64 = 0.99;

/// A point of the staircase.
#[derive(Debug, Clone, Copy)]
struct Point {
    time: f64,
    loss: f64,
    speed: f64,
}

fn plateaus(track: &Track, lens: &Lens<'_>, thresholds: &DetectorSection) -> Vec<Plateau> {
    let points: Vec<Point> = track
        .times(BETWEEN_KNOTS)
        .map(|time| {
            let knot = track.at(time);
            Point {
                time,
                loss: lens.loss(&knot),
                speed: lens.speed(&knot),
            }
        })
        .collect();
    let least_drop = thresholds.drop * lens.moments.learnable_loss();
    let minima = minima(&points, least_drop);
    (0..minima.len())
        .map(|k| tread(track, lens, thresholds, &points, &minima, k))
        // A run that starts or ends at speed is in a drop, not on a shoulder.
        .zip(&minima)
        .filter(|(tread, lowest)| {
            tread.kind == Kind::Plateau || (1..points.len() - 1).contains(lowest)
        })
        .map(|(tread, _)| tread)
        .collect()
}

/// Indices of the minima of the speed that are separated by drops that count.
fn minima(points: &[Point], least_drop: f64) -> Vec<usize> {
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
    drop_ripples(points, &mut minima, least_drop);
    minima
}

/// Removes minima that hardly lie below their lower peak.
fn drop_ripples(points: &[Point], minima: &mut Vec<usize>, least_drop: f64) {
    let mut k = 0;
    while k < minima.len() {
        let neighbours = neighbours(points, minima, k, least_drop);
        let lower = lower_peak(points, minima[k], neighbours);
        let inside = minima[k] > 0 && minima[k] + 1 < points.len();
        if inside && minima.len() > 1 && points[minima[k]].speed > RIPPLE * lower {
            minima.remove(k);
            k = k.saturating_sub(1);
        } else {
            k += 1;
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

fn tread(
    track: &Track,
    lens: &Lens<'_>,
    thresholds: &DetectorSection,
    points: &[Point],
    minima: &[usize],
    k: usize,
) -> Plateau {
    let least_drop = thresholds.drop * lens.moments.learnable_loss();
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
        let done = |knot: &Knot| lens.loss(knot) <= target;
        track.first_time(points[above].time, points[above + 1].time, done)
    });
    let exit = (after > lowest).then(|| {
        let target = level - thresholds.share * drop_out;
        let below = (lowest..=after).find(|&i| points[i].loss < target);
        let below = below.unwrap_or(after).max(1);
        let begun = |knot: &Knot| lens.loss(knot) < target;
        track.first_time(points[below - 1].time, points[below].time, begun)
    });
    let deep = points[lowest].speed < thresholds.dip * lower_peak(points, lowest, (before, after));
    let slowest = track.at(points[lowest].time);
    let drops = [(before < lowest, drop_in), (after > lowest, drop_out)];
    let smallest_drop = drops
        .into_iter()
        .filter_map(|(counts, drop)| counts.then_some(drop))
        .fold(lens.moments.learnable_loss(), f64::min);
    Plateau {
        kind: if deep { Kind::Plateau } else { Kind::Shoulder },
        learned: critical_point(lens, &slowest, thresholds.share * smallest_drop),
        entry: entry.unwrap_or(0.0),
        exit,
        loss: level,
        slowest,
    }
}

/// The set S of modalities whose critical point M_S is the nearest, in the metric of the loss;
/// None where the nearest one is further than `most`.
fn critical_point(lens: &Lens<'_>, knot: &Knot, most: f64) -> Option<Vec<usize>> {
    // A modality that is learned contributes more to the output than any that is not, so S is
    // a first part of the modalities in the order of their contributions.
    let zero = vec![0.0; lens.map_len()];
    let contribution = |m: usize| {
        let mut alone = zero.clone();
        alone[lens.block(m)].copy_from_slice(&knot.values[lens.block(m)]);
        lens.moments.loss.excess_between(&alone, &zero)
    };
    let count = lens.architecture.modalities.len();
    let contributions: Vec<f64> = (0..count).map(contribution).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| contributions[b].total_cmp(&contributions[a]));
    (0..=count)
        .map(|size| {
            let mut learned = order[..size].to_vec();
            learned.sort_unstable();
            learned
        })
        .filter(|learned| lens.architecture.has_saddle(learned))
        .map(|learned| {
            let critical = lens.moments.critical_map(&learned);
            let distance = lens
                .moments
                .loss
                .excess_between(lens.map(knot), critical.as_slice());
            (distance, learned)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, learned)| learned)
}

fn crossing(track: &Track, lens: &Lens<'_>, modality: usize) -> Crossing {
    let level = |map: &[f64]| {
        let norm = norm(&map[lens.block(modality)]);
        Level {
            norm,
            time: first_at_half(track, lens, modality, norm),
        }
    };
    Crossing {
        unimodal: level(lens.moments.critical_map(&[modality]).as_slice()),
        last: level(lens.moments.loss.optimum.as_slice()),
    }
}

fn first_at_half(track: &Track, lens: &Lens<'_>, modality: usize, level: f64) -> Option<f64> {
    // Least-squares solutions leave round-off where the true map is zero.
    let scale = norm(lens.moments.loss.optimum.as_slice());
    if level <= 1e-12 * scale {
        return None;
    }
    let reached = |knot: &Knot| lens.norm(knot, modality) >= 0.5 * level;
    let mut before = 0.0;
    for time in track.times(BETWEEN_KNOTS) {
        if reached(&track.at(time)) {
            return Some(if time > 0.0 {
                track.first_time(before, time, reached)
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

fn phase(lens: &Lens<'_>, crossings: &[Crossing], plateaus: &[Plateau]) -> Phase {
    let unimodal = |m: usize| {
        let Crossing { unimodal, last } = &crossings[m];
        let meaningful =
            lens.architecture.has_saddle(&[m]) && unimodal.norm >= LEAST_UNIMODAL * last.norm;
        unimodal.time.filter(|_| meaningful)
    };
    let sooner = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::min);
    let earliest = |times: &dyn Fn(usize) -> Option<f64>| {
        let times = (0..crossings.len()).filter_map(|m| Some((m, times(m)?)));
        times.min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let Some((first, _)) = earliest(&|m| sooner(unimodal(m), crossings[m].last.time)) else {
        return Phase {
            reason: Some("no modality reached half of its level".into()),
            ..Phase::default()
        };
    };
    let second = earliest(&|m| crossings[m].last.time.filter(|_| m != first));
    let t_second = second.map(|(_, time)| time);
    let alone = unimodal(first).filter(|time| t_second.is_none_or(|second| *time <= second));
    let misattribution = misattribution(lens, first, plateaus);
    Phase {
        first: Some(first),
        second: second.map(|(m, _)| m),
        t_first: alone.or(crossings[first].last.time),
        t_second,
        reason: missing(lens, first, alone, t_second, misattribution.is_some()),
        misattribution,
    }
}

/// The first modality's map on the plateau of its unimodal saddle minus its final map.
fn misattribution(lens: &Lens<'_>, first: usize, plateaus: &[Plateau]) -> Option<Vec<f64>> {
    let unimodal = plateaus
        .iter()
        .find(|plateau| plateau.learned.as_deref() == Some(&[first]))?;
    let block = lens.block(first);
    let last = &lens.moments.loss.optimum.as_slice()[block.clone()];
    let map = &unimodal.slowest.values[block];
    Some(map.iter().zip(last).map(|(now, last)| now - last).collect())
}

/// Why something of the phase is missing or not what it usually is.
fn missing(
    lens: &Lens<'_>,
    first: usize,
    alone: Option<f64>,
    t_second: Option<f64>,
    on_saddle: bool,
) -> Option<String> {
    let name = &lens.architecture.modalities[first].name;
    let mut reasons = Vec::new();
    if !lens.architecture.has_saddle(&[first]) {
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
