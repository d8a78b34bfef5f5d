//! What a drop adds to leading order, which takes it for an instant: when the map is half way up, and what the other
//! stacks miss or gain meanwhile.
//!
//! A stack that comes to its blow-up is aligned with its drive and balanced, whatever its initial weights were: it
//! follows the reduced equations (`balanced.rs`), together with the modalities S that are learned already and those that
//! come to their blow-up at the same time but for what a drop lasts, while the others are still zero beside it. With its
//! blow-up at t = r, zero for the first one, it comes along its drive D from
//!
//! ```text
//! u = ((L-2) |D| (r - t))^{-1/(L-2)}     L >= 3
//! u = p^{1/2} e^{|D| (t - r)}            L = 2, where the exponential reaches the level p at t = r
//! ```
//!
//! and its trajectory tells what leading order leaves out, of the order of one over the drive: the time at which
//! |W_m|_S is half of its value at the next saddle, and the course of the residual correlation G = S_yx - W S_xx, which
//! drives the other stacks and does not jump. Up to the blow-up it is the old drive but for the excess
//!
//! ```text
//! int (G - G_0) dt        G_0 at the first saddle
//! ```
//!
//! A stack that is still small moves little in that time: its weights go through it as if they had flowed under the
//! excess for the time one besides. After the blow-up weak directions of the inputs may take long to come to the next
//! saddle, so that the others flow under G in parts, each held at its mean.
//!
//! Neglected are what the small stacks do to the drop, and the unbalanced part of the weights, of the square of the
//! initial ones. So it holds less well where the next drop comes soon after one.

use super::super::balanced::Balanced;
use super::within::{Point, crossing, integrated};
use crate::data::Moments;
use crate::integrate::{Method, Outcome, Settings, Verdict, integrate};
use crate::linalg::norm;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// The course of a drop.
#[derive(Debug, Clone)]
pub(super) struct Drop {
    /// When the map of each is half way up, after the first blow-up (negative: before).
    pub(super) halves: Vec<f64>,
    /// int (G - G_0) dt up to the blow-up, 1 x d.
    pub(super) excess: DMatrix<f64>,
    /// G after the blow-up, until it is what it is at the next saddle.
    pub(super) parts: Vec<Part>,
}

/// A part of a drop.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// How long it lasts.
    pub(super) duration: f64,
    /// The mean of G, 1 x d.
    pub(super) residual: DMatrix<f64>,
}

/// Relative tolerance of a drop.
const RTOL: f64 = 1e-5;

/// Most steps: a drop takes some tens.
const MOST_STEPS: u64 = 2_000;

/// Most states that its integrals take beside the ends of steps: forty were the most in the scenarios, and those of a map that creeps towards its
/// saddle for ever would take millions.
const MOST_STATES: usize = 20_000;

/// The drop at which the modalities `next` are learned beside `learned`, each of them with how much later than the first
/// its blow-up is, the time `wait` after the last ones were. The parts are left out where nothing is `waiting` for them.
/// None where the drop falls into the last one, and where it does not come to an end by itself, as where an aligned
/// map must change its sign.
pub(super) fn drop(
    (moments, architecture): (&Moments, &Architecture),
    (learned, next): (&[usize], &[(usize, f64)]),
    wait: f64,
    is_waited_for: bool,
) -> Option<Drop> {
    let saddles = Saddles::new(moments, learned, next);
    let rise = saddles.rise(architecture, wait)?;
    let (system, state) = Balanced::new(moments, architecture, &rise.start);
    let mut course = Course {
        error: RTOL * saddles.size_of_integral(architecture),
        saddles: &saddles,
        reader: system.clone(),
        system,
        halves: vec![None; next.len()],
        now: -rise.lead,
        states_left: MOST_STATES,
    };
    let (up_to, excess) = course.follow(state, (0, rise.lead), true)?;
    let after = match course.halves.iter().all(Option::is_some) && !is_waited_for {
        true => Vec::new(),
        false => course.follow(up_to, (1, f64::INFINITY), is_waited_for)?.1,
    };
    let row = |sum: &DVector<f64>| DMatrix::from_row_slice(1, sum.len(), sum.as_slice());
    let excess = excess.iter().fold(rise.excess, |sum, part| sum + &part.1);
    let part = |(duration, sum): (f64, DVector<f64>)| Part {
        residual: row(&sum) / duration + &saddles.residuals[1],
        duration,
    };
    Some(Drop {
        halves: course.halves.into_iter().collect::<Option<_>>()?,
        excess: row(&excess),
        parts: merged(&after).into_iter().map(part).collect(),
    })
}

/// Durations and integrals over them.
type Integrals = Vec<(f64, DVector<f64>)>;

/// The course of the reduced equations.
struct Course<'c> {
    saddles: &'c Saddles<'c>,
    system: Balanced<'c>,
    reader: Balanced<'c>,
    /// Largest error of an integral of G over a step.
    error: f64,
    /// When each map was half way up.
    halves: Vec<Option<f64>>,
    /// The time of the next start.
    now: f64,
    /// How many more states integrals may take.
    states_left: usize,
}

impl Course<'_> {
    /// Follows the equations for a time, or until they are at the second saddle (or half way there, if not
    /// `is_whole`): the state then, and the integrals of G less its value at the saddle `from` over steps.
    fn follow(
        &mut self,
        state: DVector<f64>,
        (from, time): (usize, f64),
        is_whole: bool,
    ) -> Option<(DVector<f64>, Integrals)> {
        let Self {
            saddles,
            system,
            reader,
            error,
            halves,
            now,
            states_left,
        } = self;
        let sizes = state.iter().map(|entry| entry.abs());
        let smallest = sizes.filter(|&size| size > 0.0).reduce(f64::min)?;
        let settings = Settings {
            method: Method::Exponential,
            rtol: RTOL,
            atol: RTOL * smallest,
            t_end: time,
            max_steps: MOST_STEPS,
        };
        let mut integrals = Vec::new();
        let end = integrate(system, state, &settings, &mut |segment| {
            let [start, _, end] = segment.nodes().map(|node| node.time);
            if is_whole {
                let point = &mut |node: (f64, &DVector<f64>)| saddles.point(reader, node, from);
                let Some(part) = integrated(segment, point, *error, states_left) else {
                    return Verdict::Stop(Outcome::NotFinite);
                };
                integrals.push((end - start, part));
            }
            for (k, half) in halves
                .iter_mut()
                .enumerate()
                .filter(|(_, half)| half.is_none())
            {
                let mut share =
                    |state: &DVector<f64>| saddles.share(k, reader.map(state.as_slice()));
                if share(segment.nodes()[2].state) >= 0.5 {
                    *half = crossing(segment, &mut share).map(|half| *now + half);
                }
            }
            let is_over = match is_whole {
                true => saddles.is_over(reader.map(segment.nodes()[2].state.as_slice())),
                false => halves.iter().all(Option::is_some),
            };
            match is_over {
                true => Verdict::Stop(Outcome::Converged),
                false => Verdict::Continue,
            }
        });
        *now += end.time;
        let is_there = matches!(end.outcome, Outcome::Converged | Outcome::TimeReached);
        is_there.then_some((end.state, integrals))
    }
}

/// Integrals over steps as those over fewer parts, in each of which about as much changes.
fn merged(steps: &[(f64, DVector<f64>)]) -> Integrals {
    /// Each part is second order by its mean.
    const PARTS: f64 = 8.0;
    let total: f64 = steps.iter().map(|(_, sum)| sum.norm()).sum();
    let mut parts: Integrals = Vec::new();
    let mut passed = PARTS;
    for (duration, sum) in steps {
        passed += PARTS * sum.norm() / total;
        match parts.last_mut().filter(|_| passed < 1.0) {
            Some(last) => {
                last.0 += duration;
                last.1 += sum;
            }
            None => {
                parts.push((*duration, sum.clone()));
                passed = 0.0;
            }
        }
    }
    parts
}

/// The saddles before and after a drop.
pub(super) struct Saddles<'m> {
    pub(super) moments: &'m Moments,
    /// The modalities that are learned, each with how much later than the first its blow-up is.
    pub(super) next: Vec<(usize, f64)>,
    /// The joined maps, 1 x d.
    pub(super) maps: [DMatrix<f64>; 2],
    /// G there, 1 x d.
    pub(super) residuals: [DMatrix<f64>; 2],
    /// |W_m|_S of the modalities that are learned at the second one.
    sizes: Vec<f64>,
}

impl<'m> Saddles<'m> {
    fn new(moments: &'m Moments, learned: &[usize], next: &[(usize, f64)]) -> Self {
        let mut after = learned.to_vec();
        after.extend(next.iter().map(|(m, _)| *m));
        after.sort_unstable();
        let sets = [learned, &after];
        let mut saddles = Self {
            moments,
            next: next.to_vec(),
            maps: sets.map(|set| moments.critical_map(set)),
            residuals: sets.map(|set| match set {
                [] => moments.cross.clone(),
                _ => moments.residual(set),
            }),
            sizes: vec![1.0; next.len()],
        };
        let shares = (0..next.len()).map(|k| saddles.share(k, saddles.maps[1].as_slice()));
        saddles.sizes = shares.collect();
        saddles
    }

    /// The block of a modality in a joined row, as a column.
    pub(super) fn own(&self, row: &DMatrix<f64>, m: usize) -> DVector<f64> {
        self.moments.block(row, m).transpose().column(0).into()
    }

    /// A joined row (1 x d) that has the entries of one modality alone.
    pub(super) fn alone(&self, own: &[f64], m: usize) -> DMatrix<f64> {
        let mut row = DMatrix::zeros(1, self.moments.inputs_len());
        let range = self.moments.modalities[m].range.clone();
        row.as_mut_slice()[range].copy_from_slice(own);
        row
    }

    /// |W_m|_S of the k-th modality that is learned, over its value at the second saddle.
    fn share(&self, k: usize, map: &[f64]) -> f64 {
        let m = self.next[k].0;
        let own = self.alone(&map[self.moments.modalities[m].range.clone()], m);
        self.moments.inputs.after(&own).dot(&own).max(0.0).sqrt() / self.sizes[k]
    }

    /// Whether the maps are at the second saddle.
    fn is_over(&self, map: &[f64]) -> bool {
        /// The share of the maps that is left.
        const LEFT: f64 = 1e-5;
        let ends = self.maps[1].iter().zip(map);
        let left: Vec<f64> = ends.map(|(end, map)| end - map).collect();
        norm(&left) <= LEFT * self.maps[1].norm()
    }

    /// G less its value at one of the saddles, and its rate, at a node.
    fn point(
        &self,
        reader: &mut Balanced<'_>,
        (time, state): (f64, &DVector<f64>),
        saddle: usize,
    ) -> Point {
        let (residual, rate) = reader.residual(state.as_slice());
        let left = residual.iter().zip(&self.residuals[saddle]);
        Point {
            time,
            value: DVector::from_iterator(residual.len(), left.map(|(now, end)| now - end)),
            rate: DVector::from_column_slice(rate),
        }
    }

    /// The size of an integral of G over a drop, by dz = u^{L-1} int G dt: p^{(2-L)/L} with the map's norm p.
    fn size_of_integral(&self, architecture: &Architecture) -> f64 {
        let m = self.next[0].0;
        let depth = architecture.depth(m) as f64;
        let map = self.moments.block(&self.maps[1], m);
        map.norm().powf((2.0 - depth) / depth)
    }
}
