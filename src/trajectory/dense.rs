//! A trajectory as piecewise polynomials: what a run remembers of itself.
//!
//! States are never stored. A trajectory keeps the observation (total map and layer norms) with their
//! time derivatives at *knots*, and is the quintic Hermite polynomial through the values and
//! rates of three neighbouring knots in between. Neighbouring pieces are joined while the joint
//! polynomial still reproduces the knots it drops, so that a trajectory grows with the detail of the
//! run and not with the number of steps: a plateau of a million steps is a few pieces.
//!
//! Where the flow itself changes (`remedy.schedule`) rates jump. Such a *joint* is a piece of no length: its knots have
//! one time and one value, the first the rates before, the others those after. No polynomial crosses it.
//!
//! Whoever fills a trajectory vouches that each piece is accurate ([`interpolation_error`]); joining
//! checks against the dropped knots, which are themselves points of the trajectory, so that its
//! error does not accumulate.

use super::hermite::{LANES, hermite, interpolation_error};
use crate::flow::Observation;
use std::ops::Range;

/// Values and rates of the observation at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Knot {
    /// Time.
    pub time: f64,
    /// Values of the observation.
    pub values: Vec<f64>,
    /// Their time derivatives.
    pub rates: Vec<f64>,
}

impl Knot {
    /// What is observed of a state at a time.
    pub fn of(time: f64, observation: &Observation) -> Self {
        Self {
            time,
            values: observation.values.clone(),
            rates: observation.rates.clone(),
        }
    }
}

/// A trajectory of observation in time.
#[derive(Debug, Clone)]
pub struct Trajectory {
    /// Piece i spans knots 2i, 2i + 1, 2i + 2.
    knots: Vec<Knot>,
    /// Entries whose errors are measured together, against their largest norm on the piece.
    groups: Vec<Range<usize>>,
    tolerance: f64,
    /// The tolerance asked for.
    asked: f64,
    most_knots: usize,
    /// Time of one step where the trajectory is one of steps, as that of a descent; None where it is smooth.
    step: Option<f64>,
    /// Whether it is one of stages, each of which follows a loss of its own.
    has_stages: bool,
}

/// Bytes of knots kept before the tolerance of joining is raised; by-products, which are in no group, not counted.
const MEMORY: usize = 24 << 20;

/// Most knots of a trajectory of which so many entries are measured.
fn most_knots(measured: usize) -> usize {
    (MEMORY / knot_bytes(measured)).max(1001)
}

fn knot_bytes(entries: usize) -> usize {
    2 * size_of::<f64>() * entries + size_of::<Knot>()
}

/// Bytes that a trajectory takes at most, of which so many entries are measured and so many are by-products.
pub fn most_bytes(measured: usize, by_products: usize) -> u64 {
    most_knots(measured) as u64 * knot_bytes(measured + by_products) as u64
}

/// Pieces are joined only if neither is longer than this many times the other: far from the
/// middle knot's neighbourhood the joint polynomial is poorly determined.
const MOST_UNEQUAL: f64 = 4.0;

impl Trajectory {
    /// A trajectory that starts at `start`. `groups` are ranges of observation whose error counts
    /// relative to their joint norm; `tolerance` is that relative error.
    pub fn new(start: Knot, groups: Vec<Range<usize>>, tolerance: f64) -> Self {
        let measured = groups.iter().map(Range::len).sum();
        Self {
            most_knots: most_knots(measured),
            knots: vec![start],
            groups,
            tolerance,
            step: None,
            has_stages: false,
            asked: tolerance,
        }
    }

    /// The same as one of steps of this length: between them there is nothing to be seen.
    pub fn of_steps(self, step: f64) -> Self {
        Self {
            step: Some(step),
            ..self
        }
    }

    /// The same as one of stages, each of which follows a loss of its own.
    pub fn of_stages(self) -> Self {
        Self {
            has_stages: true,
            ..self
        }
    }

    /// Whether it is one of stages: what is observed as the loss may rise then.
    pub fn has_stages(&self) -> bool {
        self.has_stages
    }

    /// Whether it is one of steps.
    pub fn has_steps(&self) -> bool {
        self.step.is_some()
    }

    /// The relative error up to which knots were dropped; larger than asked for if the
    /// trajectory had more detail than fits in memory.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The relative error that was asked for.
    pub fn asked_tolerance(&self) -> f64 {
        self.asked
    }

    /// Whether the tolerance is still near the one asked for, so that crossings and plateaus are those of
    /// the run: within a factor of a hundred, or below 1e-5.
    pub fn is_kept(&self) -> bool {
        const MOST: f64 = 100.0;
        const FINE: f64 = 1e-5;
        // Powers of ten are not exact.
        self.tolerance <= 1.01 * (MOST * self.asked).max(FINE)
    }

    /// All knots in order of time.
    pub fn knots(&self) -> &[Knot] {
        &self.knots
    }

    /// The last knot.
    pub fn end(&self) -> &Knot {
        &self.knots[self.knots.len() - 1]
    }

    /// Groups of observation, as given to [`Trajectory::new`].
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// Appends the piece from the last knot over `middle` to `end`.
    pub fn push(&mut self, middle: Knot, end: Knot) {
        self.knots.push(middle);
        self.knots.push(end);
        while self.join_last() {}
        while self.knots.len() > self.most_knots {
            self.tolerance *= 10.0;
            self.join_all();
        }
    }

    /// Goes on from the last knot with other rates, those of a knot at the same time.
    pub fn jump(&mut self, knot: Knot) {
        self.has_stages = true;
        self.push(knot.clone(), knot);
    }

    /// Joins the last two pieces if one polynomial serves both.
    fn join_last(&mut self) -> bool {
        let count = self.knots.len();
        if count < 5 {
            return false;
        }
        let [a, m1, b, m2, c] = &self.knots[count - 5..] else {
            return false;
        };
        let (first, second) = (b.time - a.time, c.time - b.time);
        let unequal = first > MOST_UNEQUAL * second || second > MOST_UNEQUAL * first;
        let nodes = [a, b, c];
        let joint = !unequal
            && interpolation_error(nodes, &self.groups) <= self.tolerance
            && self.reproduces(nodes, m1)
            && self.reproduces(nodes, m2);
        if !joint {
            return false;
        }
        self.knots.remove(count - 2);
        self.knots.remove(count - 4);
        true
    }

    fn join_all(&mut self) {
        let knots = std::mem::take(&mut self.knots);
        let mut knots = knots.into_iter();
        self.knots.extend(knots.next());
        while let (Some(middle), Some(end)) = (knots.next(), knots.next()) {
            self.knots.push(middle);
            self.knots.push(end);
            while self.join_last() {}
        }
    }

    /// Whether the polynomial through three knots passes a dropped one within the tolerance.
    fn reproduces(&self, nodes: [&Knot; 3], dropped: &Knot) -> bool {
        self.groups.iter().all(|group| {
            let mut error = 0.0;
            let mut scales = [0.0; 4];
            for i in group.clone() {
                let ([value], _) = hermite(nodes, i, dropped.time);
                error += (value - dropped.values[i]).powi(2);
                for (scale, knot) in scales.iter_mut().zip(nodes.iter().chain([&dropped])) {
                    *scale += knot.values[i].powi(2);
                }
            }
            let scale = scales.into_iter().fold(0.0, f64::max);
            error.sqrt() <= self.tolerance * scale.sqrt()
        })
    }

    /// The piece that covers `time`, clamped to the trajectory.
    fn piece(&self, time: f64) -> [&Knot; 3] {
        let pieces = (self.knots.len() - 1) / 2;
        let before = self.knots.partition_point(|knot| knot.time <= time);
        let piece = (before.saturating_sub(1) / 2).min(pieces.saturating_sub(1));
        [0, 1, 2].map(|k| &self.knots[(2 * piece + k).min(self.knots.len() - 1)])
    }

    /// Values and rates at `time`, clamped to the trajectory's span.
    pub fn at(&self, time: f64) -> Knot {
        let nodes = self.piece(time);
        let time = time.clamp(nodes[0].time, nodes[2].time);
        let count = nodes[0].values.len();
        let mut knot = Knot {
            time,
            values: vec![0.0; count],
            rates: vec![0.0; count],
        };
        let whole = count - count % LANES;
        for i in (0..whole).step_by(LANES) {
            let (values, rates) = hermite::<LANES>(nodes, i, time);
            knot.values[i..i + LANES].copy_from_slice(&values);
            knot.rates[i..i + LANES].copy_from_slice(&rates);
        }
        for i in whole..count {
            let ([value], [rate]) = hermite(nodes, i, time);
            (knot.values[i], knot.rates[i]) = (value, rate);
        }
        knot
    }

    /// Times of the knots, of a joint also the last time before it, with `extra` equidistant times inside each
    /// interval between them; of a trajectory of steps no more than there are steps.
    pub fn times(&self, extra: usize) -> impl Iterator<Item = f64> + '_ {
        let pairs = self.knots.windows(2).enumerate();
        let inner = pairs.flat_map(move |(k, pair)| {
            let length = pair[1].time - pair[0].time;
            let steps = self
                .step
                .map_or(f64::INFINITY, |step| (length / step).round());
            // Of a joint, the first pair of its piece stands for what is before it, the second for nothing.
            let (start, parts) = match (length > 0.0, k % 2) {
                (true, _) => (pair[0].time, ((extra + 1) as f64).min(steps).max(1.0)),
                (false, 0) => (pair[0].time.next_down(), 1.0),
                (false, _) => (pair[0].time, 0.0),
            };
            (0..parts as usize).map(move |k| {
                let whole = self.step.filter(|_| k > 0).map(|step| {
                    // A number of steps.
                    (k as f64 * steps / parts).round() * step
                });
                start + whole.unwrap_or(k as f64 * (length / parts))
            })
        });
        inner.chain(std::iter::once(self.end().time))
    }

    /// Times close enough to find by them whatever turns or crosses a level: the knots resolve the
    /// trajectory to its tolerance, and three times between each two of them separate extrema.
    pub fn scan(&self) -> impl Iterator<Item = f64> + '_ {
        const BETWEEN_KNOTS: usize = 3;
        self.times(BETWEEN_KNOTS)
    }

    /// When `condition` first holds after `start` and until `end`; where it holds at `start` already, when it
    /// began to before. 0 where it holds from t = 0 on, None where it never does.
    pub fn first_crossing(
        &self,
        (start, end): (f64, f64),
        condition: impl Fn(&Knot) -> bool,
    ) -> Option<f64> {
        let times: Vec<f64> = self
            .scan()
            .take_while(|time| *time < end)
            .chain([end])
            .collect();
        let holds = |i: usize| condition(&self.at(times[i]));
        let first = times.partition_point(|time| *time < start);
        let begins = match first < times.len() && holds(first) {
            true => (0..first).rev().find(|&i| !holds(i)).map_or(0, |i| i + 1),
            false => (first..times.len()).find(|&i| holds(i))?,
        };
        Some(match begins {
            0 => 0.0,
            i => self.first_time(times[i - 1], times[i], condition),
        })
    }

    /// The first time between `from` and `to` at which `condition` holds, given that it holds at
    /// `to` and not at `from`: bisection to the last digit.
    pub fn first_time(&self, from: f64, to: f64, condition: impl Fn(&Knot) -> bool) -> f64 {
        let (mut low, mut high) = (from, to);
        loop {
            let middle = low + 0.5 * (high - low);
            if middle <= low || middle >= high {
                return high;
            }
            if condition(&self.at(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
    }
}
