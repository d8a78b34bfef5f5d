//! The critical point that a trajectory is nearest to, in the metric of the loss.
//!
//! M_S has the modalities in S at their joint least-squares solution, or under weight decay, of one output, at the maps
//! where that lets them rest, and the others at zero. With
//! several outputs a stack learns mode by mode: a mode of modality m is a singular value of
//! W_m S_m^{1/2}, and there are critical points where only some modes are learned, M_{A1}, M_{A2 B1},
//! and so on, the numbers being the ranks of the maps. Source: Zhang, Latham & Saxe (ICML 2024), section
//! on the loss landscape; for the modes Saxe, McClelland & Ganguli (ICLR 2014).

use super::ROUND_OFF;
use crate::linalg::descending_eigen;
use crate::trajectory::{Knot, Observables};
use nalgebra::DMatrix;

/// A critical point near a knot, or the nearest one that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CriticalPoint {
    /// Whether the knot is as near to it as asked for.
    pub(crate) is_near: bool,
    /// The joined map there, o x d by columns.
    pub(crate) map: Vec<f64>,
    /// Modalities that are learned, by place.
    pub(crate) members: Vec<usize>,
    modes: Modes,
    distance: f64,
}

/// Which modes of the learned modalities are learned.
#[derive(Debug, Clone, PartialEq)]
enum Modes {
    /// All: it is M_S.
    All,
    /// As many of each modality.
    Of(Vec<usize>),
    /// As many of the joint map, where modalities share their first layer.
    Joint(usize),
}

/// The modes of one map, or of the joint one, the largest first.
struct Spectrum {
    /// Powers of the modes' outputs, squares of the singular values of W S^{1/2}.
    powers: Vec<f64>,
    /// Their directions among the outputs, o x o.
    directions: DMatrix<f64>,
}

impl Spectrum {
    /// The modes of outputs of this second moment W S W^T.
    fn of(outputs: DMatrix<f64>) -> Self {
        let (powers, directions) = descending_eigen(outputs);
        Self {
            powers: powers.into_iter().map(|power| power.max(0.0)).collect(),
            directions,
        }
    }
}

/// The singular values of W_m S_m^{1/2} of one modality of a joined map, the largest first.
pub(super) fn singular_values(observables: &Observables<'_>, map: &[f64], m: usize) -> Vec<f64> {
    roots(observables.output_moment(map, m..m + 1))
}

/// Roots of the eigenvalues of a second moment W S W^T, singular values of W S^{1/2}, the largest first.
pub(super) fn roots(outputs: DMatrix<f64>) -> Vec<f64> {
    let spectrum = Spectrum::of(outputs);
    spectrum.powers.into_iter().map(f64::sqrt).collect()
}

/// The critical point nearest to a knot: M_S, or where none of these is as near as `most`, one where some
/// modes are learned.
///
/// The critical points are those of the linear network. A network that is not linear lies at one
/// where its outputs, not only their best linear fit, are those of the linear map.
pub(super) fn nearest(
    observables: &Observables<'_>,
    knot: &Knot,
    most: f64,
    share: f64,
) -> CriticalPoint {
    let whole = nearest_whole(observables, knot);
    let is_near = |point: &CriticalPoint| point.distance <= most;
    let has_modes = observables.moments_suffice() && observables.architecture.outputs > 1;
    let point = match has_modes && !is_near(&whole) {
        false => whole,
        true => partial(observables, knot, most, share)
            .into_iter()
            .fold(whole, |a, b| if b.distance < a.distance { b } else { a }),
    };
    CriticalPoint {
        is_near: is_near(&point),
        ..point
    }
}

/// The nearest M_S.
fn nearest_whole(observables: &Observables<'_>, knot: &Knot) -> CriticalPoint {
    // A modality that is learned contributes more to the output than any that is not, or more of what it comes to where
    // a large one is held on its way: S is a first part of the modalities in one of these orders.
    let count = observables.architecture.modalities.len();
    let powers: Vec<f64> = (0..count).map(|m| observables.power(knot, m)).collect();
    let last = observables.final_map().as_slice();
    let share = |m: usize| match observables.map_power(last, m) {
        0.0 => 0.0,
        power => powers[m] / power,
    };
    let shares: Vec<f64> = (0..count).map(share).collect();
    let by = |sizes: &[f64]| {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
        order
    };
    let orders = [by(&powers), by(&shares)];
    let point = |members: Vec<usize>| {
        let map = observables.critical_map(&members);
        CriticalPoint {
            is_near: false,
            distance: observables.distance(knot, map.as_slice()),
            map: map.as_slice().to_vec(),
            members,
            modes: Modes::All,
        }
    };
    let everything = || point((0..count).collect());
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for (size, order) in (0..count).flat_map(|size| orders.iter().map(move |order| (size, order))) {
        let mut members = order[..size].to_vec();
        members.sort_unstable();
        if !sets.contains(&members) {
            sets.push(members);
        }
    }
    let points = sets
        .into_iter()
        .filter(|members| observables.architecture.has_saddle(members))
        .map(point);
    // The first of equally near ones, that with the fewest modalities. Where one modality fits as well as all do,
    // as in data with more inputs than samples, two critical points differ by round-off only.
    let round_off = TIE * observables.learnable_loss();
    let points: Vec<CriticalPoint> = points.chain([everything()]).collect();
    let least = points.iter().map(|point| point.distance);
    let least = least.fold(f64::INFINITY, f64::min) + round_off;
    let first = points.into_iter().find(|point| point.distance <= least);
    first.unwrap_or_else(everything)
}

/// Distances that differ by less than this fraction of the learnable loss are equal: least-squares solutions are
/// known to round-off, and their outputs to its square.
const TIE: f64 = 1e-12;

/// Modes whose outputs have less than this share of the distance that is asked for do not matter.
const NEGLIGIBLE: f64 = 1e-3;

/// Modes that are told apart; who learns more has a staircase too fine to be named.
const MOST_MODES: usize = 32;

/// Critical points where some modes are learned, of the ranks that come into question.
fn partial(
    observables: &Observables<'_>,
    knot: &Knot,
    most: f64,
    share: f64,
) -> Vec<CriticalPoint> {
    let architecture = observables.architecture;
    let count = architecture.modalities.len();
    let map = observables.map(knot);
    let is_joint = architecture
        .fusion()
        .is_some_and(|fusion| fusion.is_early());
    let spectra: Vec<Spectrum> = match is_joint {
        true => vec![Spectrum::of(observables.output_moment(map, 0..count))],
        false => (0..count)
            .map(|m| Spectrum::of(observables.own_moment(knot, m)))
            .collect(),
    };
    let mut modes: Vec<(usize, f64)> = spectra
        .iter()
        .enumerate()
        .flat_map(|(m, spectrum)| spectrum.powers.iter().map(move |&power| (m, power)))
        .filter(|(_, power)| 0.5 * power > NEGLIGIBLE * most)
        .collect();
    modes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let takes_part = |solution: &[f64], m: usize| {
        let last = observables.map_power(observables.moments.least.map.as_slice(), m);
        observables.map_power(solution, m) > share * share * last
    };
    let mut ranks = vec![0; spectra.len()];
    let mut points = Vec::new();
    for &(m, _) in modes.iter().take(MOST_MODES) {
        ranks[m] += 1;
        let solution = match is_joint {
            true => joint_solution(observables, &spectra[0], ranks[0]),
            false => solution(observables, &spectra, &ranks, map),
        };
        let all: Vec<usize> = (0..count).collect();
        points.push(CriticalPoint {
            is_near: false,
            distance: observables.distance(knot, solution.as_slice()),
            map: solution.as_slice().to_vec(),
            members: match is_joint {
                true => all
                    .into_iter()
                    .filter(|&m| takes_part(solution.as_slice(), m))
                    .collect(),
                false => all.into_iter().filter(|&m| ranks[m] > 0).collect(),
            },
            modes: match is_joint {
                true => Modes::Joint(ranks[0]),
                false => Modes::Of(ranks.clone()),
            },
        });
    }
    points
}

/// The map of least loss whose columns lie in the first `rank` directions, of modalities that share
/// their first layer: U U^T W*.
fn joint_solution(observables: &Observables<'_>, spectrum: &Spectrum, rank: usize) -> DMatrix<f64> {
    let directions = spectrum.directions.columns(0, rank);
    directions * (directions.transpose() * &observables.moments.loss.optimum)
}

/// The map of least loss of which each modality's columns lie in the first of its directions, U_m U_m^T
/// W_m. Each modality is solved for in turn, the others held,
///
/// ```text
/// W_m <- W_m + U_m U_m^T G_m S_m^+        G = S_yx - W S_xx
/// ```
///
/// which lowers the loss until it is least: it is convex in the W_m.
fn solution(
    observables: &Observables<'_>,
    spectra: &[Spectrum],
    ranks: &[usize],
    map: &[f64],
) -> DMatrix<f64> {
    /// Changes of this share of the whole end the iteration.
    const SETTLED: f64 = 1e-10;
    const MOST_ROUNDS: usize = 200;
    let moments = observables.moments;
    let outputs = observables.architecture.outputs;
    let joined = DMatrix::from_column_slice(outputs, moments.inputs_len(), map);
    let mut solution = DMatrix::zeros(outputs, moments.inputs_len());
    let onto: Vec<DMatrix<f64>> = spectra
        .iter()
        .zip(ranks)
        .map(|(spectrum, &rank)| {
            let directions = spectrum.directions.columns(0, rank);
            directions * directions.transpose()
        })
        .collect();
    for (modality, onto) in moments.modalities.iter().zip(&onto) {
        let (start, len) = (modality.range.start, modality.dim());
        let own = onto * joined.columns(start, len);
        solution.columns_mut(start, len).copy_from(&own);
    }
    for _ in 0..MOST_ROUNDS {
        let mut change = 0.0;
        for (m, modality) in moments
            .modalities
            .iter()
            .enumerate()
            .filter(|(m, _)| ranks[*m] > 0)
        {
            let (start, len) = (modality.range.start, modality.dim());
            let pull = moments.cross.columns(start, len)
                - moments.inputs.columns_after(&solution, start..start + len);
            let step = moments.own_inverse(m).after(&(&onto[m] * pull));
            change = f64::max(change, step.norm());
            let mut own = solution.columns_mut(start, len);
            own += step;
        }
        if change <= SETTLED * solution.norm() {
            break;
        }
    }
    solution
}

impl CriticalPoint {
    /// The modalities learned there, by place: all where nothing is left to learn, but those that weight decay keeps at
    /// zero.
    pub(super) fn learned(&self, observables: &Observables<'_>) -> Vec<usize> {
        let decays = observables.moments.decayed_minimum().is_some();
        match self.is_end(observables) && !decays {
            true => (0..observables.architecture.modalities.len()).collect(),
            false => self.members.clone(),
        }
    }

    /// Whether a run ends there. A network that is not linear may still learn what no linear map can.
    fn is_end(&self, observables: &Observables<'_>) -> bool {
        observables.moments_suffice() && self.is_minimum(observables)
    }

    /// Whether this mode of a modality, from 0, is learned there.
    pub(super) fn has_mode(&self, m: usize, mode: usize) -> bool {
        match &self.modes {
            Modes::All => self.members.contains(&m),
            Modes::Of(ranks) => mode < ranks[m],
            Modes::Joint(rank) => self.members.contains(&m) && mode < *rank,
        }
    }

    /// Whether all modes of its modalities are learned: whether it is M_S.
    pub(super) fn is_full(&self) -> bool {
        self.modes == Modes::All
    }

    /// Its name: M_0, M_A, M_{A1 B2}, M_*, or `other` where the knot is not as near as asked for.
    pub(super) fn name(&self, observables: &Observables<'_>) -> String {
        let architecture = observables.architecture;
        match &self.modes {
            _ if !self.is_near => "other".into(),
            Modes::Of(ranks) if !self.is_minimum(observables) => {
                let rank = |&m: &usize| format!("{}{}", architecture.modalities[m].name, ranks[m]);
                let ranks: Vec<String> = self.members.iter().map(rank).collect();
                format!("M_{{{}}}", ranks.join(" "))
            }
            Modes::Joint(rank) if !self.is_minimum(observables) => format!("M_{{rank {rank}}}"),
            _ if self.is_end(observables) => {
                let all: Vec<usize> = (0..architecture.modalities.len()).collect();
                architecture.saddle_name(Some(&all))
            }
            _ => architecture.saddle_name(Some(&self.members)),
        }
    }

    /// The rank of each modality's map there: singular values of W_m S_m^{1/2} above the share `share` of
    /// the modality's largest one.
    pub(super) fn ranks(&self, observables: &Observables<'_>, share: f64) -> Vec<usize> {
        let largest = observables.total_power(&self.map).sqrt();
        (0..observables.architecture.modalities.len())
            .map(|m| {
                let values = singular_values(observables, &self.map, m);
                let least = f64::max(share * values[0], ROUND_OFF * largest);
                values.iter().filter(|value| **value > least).count()
            })
            .collect()
    }

    /// Whether nothing is left to learn there.
    pub(super) fn is_minimum(&self, observables: &Observables<'_>) -> bool {
        // Least-squares solutions are exact to round-off times the condition number.
        const ROUND_OFF: f64 = 1e-9;
        let moments = observables.moments;
        let left = match moments.decayed_minimum() {
            Some(map) => moments.loss.excess_between(&self.map, map.as_slice()),
            None => moments.excess(&self.map),
        };
        left <= ROUND_OFF * observables.learnable_loss()
    }
}
