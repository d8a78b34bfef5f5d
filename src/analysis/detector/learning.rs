//! When modalities and their modes are learned, and the unimodal phase.
//!
//! The plateaus give the sequence of learned sets {} = S_0, S_1, ..., S_K. A modality that is in S_k and
//! not in S_{k-1} is learned between those two plateaus, where the root of its outputs' power
//!
//! ```text
//! |W_m|_S = tr[W_m S_m W_m^T]^{1/2}
//! ```
//!
//! crosses half of its level: its value at the critical point M_S of plateau k, or where that plateau lies at
//! none of these, its value on the plateau. Under weight decay M_S has the maps at which it lets them rest; where these
//! are not known the value on the plateau serves. A run that ends on no plateau heads for the critical point that
//! is the nearest at its end. So crossings and plateaus cannot contradict each other.
//!
//! Networks that are not linear may learn of a target what no linear map can. Where the target is known to be a sum with a
//! part for each modality, the first time that half of that part is in the outputs counts instead.

use super::critical_points::{CriticalPoint, nearest, roots, singular_values};
use super::{Crossing, DetectorSection, ModeCrossing, Phase, Plateau, ROUND_OFF};
use crate::analysis::target_components::{Part, parts};
use crate::linalg::{overshoot, written_rows};
use crate::trajectory::{Knot, Observables, Trajectory};

/// A place where the trajectory rests, or ends: what is learned there, and how much of it.
struct Stop<'p> {
    time: f64,
    point: &'p CriticalPoint,
    /// The joined map that levels are read off.
    map: &'p [f64],
}

/// The stops of a trajectory in order of time.
struct Stops<'p, 'o> {
    stops: Vec<Stop<'p>>,
    trajectory: &'o Trajectory,
    observables: &'o Observables<'o>,
    /// Modes below this share of the modality's strongest one are none.
    share: f64,
}

/// Crossings of the modalities and of their modes.
pub(super) fn crossings(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    plateaus: &[Plateau],
    thresholds: &DetectorSection,
) -> (Vec<Crossing>, Vec<ModeCrossing>) {
    let least_drop = thresholds.drop * observables.learnable_loss();
    let end = trajectory.end();
    let ends_on_plateau = plateaus.last().is_some_and(|last| last.exit.is_none());
    let heading =
        (!ends_on_plateau).then(|| nearest(observables, end, least_drop, thresholds.share));
    // Maps that fit equally well may differ in what each modality contributes, and weight decay shrinks them.
    let is_determined = observables.moments.rank() == observables.moments.inputs_len()
        && (observables.architecture.weight_decay == 0.0
            || observables.moments.decayed_minimum().is_some());
    let rests = plateaus.iter().map(|plateau| Stop {
        time: plateau.time,
        point: &plateau.nearest,
        map: match is_determined && plateau.nearest.is_near && plateau.nearest.is_full() {
            true => &plateau.nearest.map,
            false => observables.map(&plateau.slowest),
        },
    });
    let last = heading.iter().map(|point| Stop {
        time: end.time,
        map: match is_determined {
            true => &point.map,
            false => observables.map(end),
        },
        point,
    });
    let stops = Stops {
        stops: rests.chain(last).collect(),
        trajectory,
        observables,
        share: thresholds.share,
    };
    let count = observables.architecture.modalities.len();
    let parts = parts(observables, trajectory);
    let crossing = |m| by_part(observables, &parts, m).unwrap_or_else(|| stops.crossing(m));
    let modalities = (0..count).map(crossing).collect();
    let has_modes = observables.moments_suffice() && observables.architecture.outputs > 1;
    let modes = (0..count)
        .filter(|_| has_modes)
        .flat_map(|m| stops.modes(m));
    (modalities, modes.collect())
}

/// When a modality is learned whose part of the target is known: when half of that part is in the outputs of a network that may
/// learn more of it than its linear map tells. None for others.
fn by_part(observables: &Observables<'_>, parts: &[Part], m: usize) -> Option<Crossing> {
    let part = parts.get(m)?;
    Some(Crossing {
        modality: observables.architecture.modalities[m].clone(),
        t_learned: part.t_half,
        t_relearned: Vec::new(),
        is_lost: part.t_half.is_some() && !part.is_learned(),
        level: None,
    })
}

impl Stops<'_, '_> {
    fn crossing(&self, m: usize) -> Crossing {
        let observables = self.observables;
        let is_learned = |stop: &Stop<'_>| {
            let power = observables.map_power(stop.map, m);
            let least = ROUND_OFF * ROUND_OFF * observables.total_power(stop.map);
            stop.point.members.contains(&m) && power > least
        };
        let level = |k: usize| observables.map_power(self.stops[k].map, m).sqrt();
        let size = |knot: &Knot| observables.power(knot, m).sqrt();
        let time = |k: usize| self.first_time(k, 0.5 * level(k), size);
        let learned: Vec<bool> = self.stops.iter().map(is_learned).collect();
        let begins = |&k: &usize| learned[k] && (k == 0 || !learned[k - 1]);
        let mut begins = (0..learned.len()).filter(begins);
        let first = begins
            .next()
            .filter(|_| observables.moments.is_linearly_learnable());
        Crossing {
            modality: observables.architecture.modalities[m].clone(),
            t_learned: first.and_then(time),
            t_relearned: begins.filter_map(time).collect(),
            is_lost: first.is_some() && learned.last() == Some(&false),
            level: first.map(level),
        }
    }

    /// Modes of a modality in the order in which they are learned: mode k between the first two stops of
    /// which the second has k of them, at half of its singular value there.
    fn modes(&self, m: usize) -> Vec<ModeCrossing> {
        let observables = self.observables;
        let modality = &observables.architecture.modalities[m];
        let most = observables.architecture.outputs.min(modality.dim());
        let level = |stop: &Stop<'_>| singular_values(observables, stop.map, m);
        let levels: Vec<Vec<f64>> = self.stops.iter().map(level).collect();
        let largest = levels.iter().map(|level| level[0]).fold(0.0, f64::max);
        (0..most)
            .map_while(|mode| {
                let is_there = |k: &usize| {
                    let stop = &self.stops[*k];
                    let has_rank = stop.point.has_mode(m, mode);
                    has_rank
                        && levels[*k][mode] > self.share * levels[*k][0].max(ROUND_OFF * largest)
                };
                let k = (0..levels.len()).find(is_there)?;
                let level = levels[k][mode];
                let size = |knot: &Knot| roots(observables.own_moment(knot, m))[mode];
                Some(ModeCrossing {
                    modality: modality.clone(),
                    mode: mode + 1,
                    level,
                    t_learned: self.first_time(k, 0.5 * level, size),
                })
            })
            .collect()
    }

    /// When `size` first reaches `half` on the way from stop k - 1 to stop k; where it is above that on stop
    /// k - 1 already, on the way before.
    fn first_time(&self, k: usize, half: f64, size: impl Fn(&Knot) -> f64) -> Option<f64> {
        let start = k
            .checked_sub(1)
            .map_or(0.0, |before| self.stops[before].time);
        let reached = |knot: &Knot| size(knot) >= half;
        self.trajectory
            .first_crossing((start, self.stops[k].time), reached)
    }
}

/// When each modality is learned at half of a level known beforehand.
pub(super) fn crossings_at_levels(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    levels: &[Crossing],
) -> Vec<Crossing> {
    let span = (0.0, trajectory.end().time);
    let parts = parts(observables, trajectory);
    let at_level = |known: &Crossing| {
        let m = known.modality.index;
        if let Some(crossing) = by_part(observables, &parts, m) {
            return crossing;
        }
        let t_learned = known.level.and_then(|level| {
            let reached = |knot: &Knot| observables.power(knot, m).sqrt() >= 0.5 * level;
            trajectory.first_crossing(span, reached)
        });
        Crossing {
            t_learned,
            t_relearned: Vec::new(),
            is_lost: false,
            ..known.clone()
        }
    };
    levels.iter().map(at_level).collect()
}

/// The unimodal phase that the crossings make. `thresholds` are those of the plateaus, None where no plateaus are
/// looked for.
pub(super) fn phase(
    observables: &Observables<'_>,
    crossings: &[Crossing],
    plateaus: &[Plateau],
    thresholds: Option<&DetectorSection>,
) -> Phase {
    let mut learned: Vec<&Crossing> = crossings.iter().filter(|c| c.t_learned.is_some()).collect();
    let time = |crossing: &Crossing| crossing.t_learned.unwrap_or(f64::INFINITY);
    learned.sort_by(|a, b| time(a).total_cmp(&time(b)));
    let Some(first) = learned.first() else {
        return Phase {
            reason: Some("no modality came to half of its level at one of the saddles".into()),
            ..Phase::default()
        };
    };
    let second = learned.get(1);
    let (t_first, t_second) = (first.t_learned, second.and_then(|second| second.t_learned));
    let place = first.modality.index;
    let misattribution = misattribution(observables, place, plateaus);
    let last = &observables.final_map().as_slice()[observables.block(place)];
    let outputs = observables.architecture.outputs;
    Phase {
        first: Some(first.modality.clone()),
        second: second.map(|second| second.modality.clone()),
        t_first,
        t_second,
        length: t_second.zip(t_first).map(|(second, first)| second - first),
        ratio: t_second
            .zip(t_first.filter(|first| *first > 0.0))
            .map(|(second, first)| second / first),
        reason: missing(observables, &learned, misattribution.is_some(), thresholds),
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
    // What a single modality learns is the minimum, and so is what one learns beside others that weight decay keeps at zero.
    let is_unimodal = |plateau: &&Plateau| {
        observables.architecture.modalities.len() > 1
            && plateau.is_of(&[first])
            && !plateau.nearest.is_minimum(observables)
    };
    let unimodal = plateaus.iter().find(is_unimodal)?;
    let block = observables.block(first);
    let last = &observables.final_map().as_slice()[block.clone()];
    let map = &unimodal.slowest.values[block];
    Some(map.iter().zip(last).map(|(now, last)| now - last).collect())
}

/// Why there is no plateau at the saddle of the first modality: that too little is left to learn there, or that
/// the loss does not slow down.
fn no_plateau(
    observables: &Observables<'_>,
    learned: &[&Crossing],
    thresholds: Option<&DetectorSection>,
) -> String {
    let places: Vec<usize> = learned.iter().map(|c| c.modality.index).collect();
    let name = &learned[0].modality.name;
    let saddle = format!("the saddle where {name} alone is learned");
    let Some(thresholds) = thresholds else {
        return format!(
            "no plateau is looked for at {saddle}: mini-batches make some of their own"
        );
    };
    if !observables.moments_suffice() {
        return format!("no plateau or shoulder at {saddle}");
    }
    let drop = loss_left(observables, &places[..1], places.get(..2));
    let fraction = drop / observables.learnable_loss();
    if drop == 0.0 {
        format!("no plateau at {saddle}: nothing is left to learn there")
    } else if fraction < thresholds.drop {
        format!(
            "no plateau at {saddle}: the drop of the loss after it is {fraction:.1e} of what can be learned; \
             below detector.drop = {:e} it does not count",
            thresholds.drop
        )
    } else {
        format!("no plateau or shoulder at {saddle}: the loss does not slow down near it")
    }
}

/// By how much the loss falls from the critical point of some modalities to that of others, or where there are
/// none to the minimum; 0 where it is round-off.
fn loss_left(observables: &Observables<'_>, from: &[usize], to: Option<&[usize]>) -> f64 {
    let excess = |members: &[usize]| {
        let map = observables.critical_map(members);
        observables.moments.excess(map.as_slice())
    };
    let least = || {
        observables
            .moments
            .excess(observables.final_map().as_slice())
    };
    let left = excess(from) - to.map_or_else(least, excess);
    match left > ROUND_OFF * observables.learnable_loss() {
        true => left,
        false => 0.0,
    }
}

/// Why something of the phase is missing or not what it usually is.
fn missing(
    observables: &Observables<'_>,
    learned: &[&Crossing],
    on_saddle: bool,
    thresholds: Option<&DetectorSection>,
) -> Option<String> {
    let first = learned.first()?;
    let (architecture, name) = (observables.architecture, &first.modality.name);
    let mut reasons = Vec::new();
    if architecture.modalities.len() == 1 {
        reasons.push("a single modality: there is no unimodal phase".to_owned());
    } else if !architecture.has_saddle(&[first.modality.index]) {
        reasons.push(format!(
            "no unimodal saddle (another modality has a single private layer, as in early fusion): {name} is \
             timed by its value on the next plateau, and nothing is mis-attributed"
        ));
    } else if !on_saddle {
        reasons.push(no_plateau(observables, learned, thresholds));
    }
    if first.t_learned == Some(0.0) {
        reasons.push(format!("{name} is above half of its level from the start"));
    }
    if learned.len() < 2 && architecture.modalities.len() > 1 {
        let place = [first.modality.index];
        let is_all = observables.moments_suffice() && loss_left(observables, &place, None) == 0.0;
        let decays = observables.moments.decayed_minimum().is_some();
        reasons.push(match is_all {
            true if decays => {
                format!("no second modality was learned: weight decay keeps the others of {name} at zero")
            }
            true => format!(
                "no second modality was learned: {name} alone fits the outputs as well as all modalities do"
            ),
            false => "no second modality was learned".to_owned(),
        });
    }
    for crossing in learned {
        for time in &crossing.t_relearned {
            let name = &crossing.modality.name;
            reasons.push(format!(
                "{name} has to turn, and is learned once more at t = {time:.6}"
            ));
        }
        if crossing.is_lost {
            let name = &crossing.modality.name;
            reasons.push(format!(
                "{name} is lost again: it is not learned where the run ends"
            ));
        }
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}
