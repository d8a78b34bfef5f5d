//! The homogeneous flow of small weights, and the time at which it blows up.
//!
//! While the maps are small nothing feeds back on them: the residual correlation stays at a drive D (o x d), and
//! the weights follow the gradient flow of F(W) = <D, W^L ... W^1>,
//!
//! ```text
//! dW^l/dt = (W^L ... W^{l+1})^T D (W^{l-1} ... W^1)^T
//! ```
//!
//! which depends on the initial weights and D alone. A stack of L >= 3 layers blows up at a finite time tau:
//! there the modality is learned, up to a correction of the order of one over the drive. Not from the
//! literature; derived from the flow of Zhang, Latham & Saxe (ICML 2024), section on multimodal deep linear networks,
//! as their section on late fusion derives its formulas for aligned layers of equal norm.

use crate::data::{Moments, layout};
use crate::flow::{Flow, Observation};
use crate::integrate::{
    Method, Outcome, Pair, RightHandSide, Segment, Settings, Verdict, integrate_explicit,
};
use crate::linalg::{norm, spectral_norm};
use crate::network::{Architecture, smallest_layer_rms};
use nalgebra::{DMatrix, DVector};

/// Most steps. An approach to a blow-up takes some tens, a flow that shrinks for ever would take more and more.
const MOST_STEPS: u64 = 5_000;

/// A network of small weights.
#[derive(Debug, Clone)]
pub(super) struct SmallNetwork {
    pub(super) architecture: Architecture,
    pub(super) weights: DVector<f64>,
    /// delta, where descent is followed beside the flow: it has the weights w + lag delta, to first order in its
    /// learning rate (`heavy_ball.rs`), with
    ///
    /// ```text
    /// d(delta)/dt = J (delta - g)
    /// ```
    pub(super) behind: Option<DVector<f64>>,
}

/// Where a homogeneous flow got to.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    /// The time it took.
    pub(super) time: f64,
    /// What is left of the time from there, where it was followed no further.
    pub(super) rest: f64,
    /// The network then.
    pub(super) network: SmallNetwork,
    /// The norm of the map that was waited for, then.
    pub(super) norm: f64,
}

/// How a homogeneous flow that waits for a map ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    /// A map that was waited for has its level.
    Learned(Reached),
    /// The time is up: the network then.
    TimeIsUp(SmallNetwork),
    /// That never happens.
    Never,
}

/// The right-hand side for the weights, followed by delta where there is one.
struct Homogeneous<'a> {
    flow: Flow<'a>,
    /// delta - g.
    direction: Vec<f64>,
}

impl RightHandSide for Homogeneous<'_> {
    fn rate(&mut self, state: &[f64], rate: &mut [f64]) {
        let (weights, behind) = state.split_at(self.flow.architecture().len());
        let (own, change) = rate.split_at_mut(weights.len());
        self.flow.rate(weights, own);
        if !behind.is_empty() {
            self.direction.clear();
            let direction = behind.iter().zip(&*own).map(|(behind, rate)| behind - rate);
            self.direction.extend(direction);
            self.flow.linearise();
            self.flow.jacobian_product(weights, &self.direction, change);
        }
    }

    fn is_finite(&self) -> bool {
        self.flow.is_finite()
    }
}

impl SmallNetwork {
    /// One stack of layers, from the input on; None where they do not fit on each other.
    pub(super) fn of_stack(layers: &[DMatrix<f64>]) -> Option<Self> {
        let (first, last) = (layers.first()?, layers.last()?);
        if layers
            .windows(2)
            .any(|pair| pair[0].nrows() != pair[1].ncols())
        {
            return None;
        }
        let widths = layers[..layers.len() - 1].iter().map(DMatrix::nrows);
        let widths: Vec<usize> = widths.collect();
        let alone = layout([("stack", first.ncols())]);
        let architecture =
            Architecture::build(&alone, last.nrows(), &[layers.len()], 0, &widths).ok()?;
        Some(Self {
            architecture,
            weights: joined(layers),
            behind: None,
        })
    }

    /// The rate g of the weights under `drive` (o x d).
    pub(super) fn rate(&self, drive: &DMatrix<f64>) -> DVector<f64> {
        let moments = Moments::of_constant_drive(&self.architecture.modalities, drive);
        let mut rate = DVector::zeros(self.weights.len());
        Flow::new(&self.architecture, &moments).rate(self.weights.as_slice(), rate.as_mut_slice());
        rate
    }

    /// How much later than the flow descent gets here, over its lag: its weights are as far behind as the flow moves
    /// in that time. Zero where no descent is followed.
    pub(super) fn delay(&self, drive: &DMatrix<f64>) -> f64 {
        self.behind.as_ref().map_or(0.0, |behind| {
            let rate = self.rate(drive);
            -behind.dot(&rate) / rate.norm_squared()
        })
    }

    /// Changes the drive, from one under which the rate was `old` to `drive`, at a time that descent comes to later by
    /// `delay` lags. It has gone on under the old drive until then, and dg/dt, by which it lags, has a jump.
    pub(super) fn switch(&mut self, old: &DVector<f64>, drive: &DMatrix<f64>, delay: f64) {
        let new = self.behind.is_some().then(|| self.rate(drive));
        if let Some((behind, new)) = self.behind.as_mut().zip(new) {
            *behind += old * (delay + 1.0) - new;
        }
    }

    /// The state of the equations.
    fn state(&self) -> DVector<f64> {
        let behind = self.behind.iter().flatten();
        let entries = self.weights.iter().chain(behind).copied();
        DVector::from_vec(entries.collect())
    }

    /// The same network with another state.
    fn with_state(&self, state: &DVector<f64>) -> Self {
        let (weights, behind) = state.as_slice().split_at(self.weights.len());
        let behind = (!behind.is_empty()).then(|| DVector::from_column_slice(behind));
        Self {
            architecture: self.architecture.clone(),
            weights: DVector::from_column_slice(weights),
            behind,
        }
    }

    /// Flows under `drive` (o x d) for `duration`; None where it blows up before.
    pub(super) fn flow_for(&self, drive: &DMatrix<f64>, duration: f64, rtol: f64) -> Option<Self> {
        if duration == 0.0 || drive.norm() == 0.0 {
            return Some(self.clone());
        }
        let moments = Moments::of_constant_drive(&self.architecture.modalities, drive);
        let mut system = self.system(&moments);
        let (outcome, state) =
            self.integrate(&mut system, (duration, rtol), &mut |_, _| Verdict::Continue);
        (outcome == Outcome::TimeReached).then(|| self.with_state(&state))
    }

    /// Integrates `system` from the network's state for `duration` at most, in parts: the flow does not know the time,
    /// and where a time has too few digits for a step, as just before a late blow-up, the next part counts from zero.
    /// Segments are shown with the time at which their part began. Gives back the end and its state.
    fn integrate(
        &self,
        system: &mut Homogeneous<'_>,
        (duration, rtol): (f64, f64),
        observe: &mut dyn FnMut(f64, &mut dyn Segment) -> Verdict,
    ) -> (Outcome, DVector<f64>) {
        /// Each part is shorter than the one before by some fifteen powers of ten.
        const MOST_PARTS: usize = 8;
        /// Share of their start to which aligned weights shrink that never come back but by round-off; others turn long before.
        const SHRUNK: f64 = 1e-3;
        let (mut state, mut before) = (self.state(), 0.0);
        let least = SHRUNK * state.norm();
        let mut has_shrunk = false;
        for _ in 0..MOST_PARTS {
            let settings = self.settings(duration - before, rtol);
            let end = integrate_explicit(
                system,
                state,
                &settings,
                &mut |segment: &mut dyn Segment| {
                    has_shrunk |= segment.nodes()[2].state.norm() < least;
                    observe(before, segment)
                },
            );
            state = end.state;
            if end.outcome != Outcome::StepUnderflow || end.time == 0.0 || has_shrunk {
                return (end.outcome, state);
            }
            before += end.time;
            if before >= duration {
                return (Outcome::TimeReached, state);
            }
        }
        (Outcome::StepUnderflow, state)
    }

    fn system<'a>(&'a self, moments: &'a Moments) -> Homogeneous<'a> {
        Homogeneous {
            flow: Flow::new(&self.architecture, moments),
            direction: Vec::new(),
        }
    }

    /// Flows under `drive` (o x d) until the total map of one of the modalities `watched` has the Frobenius norm
    /// that stands beside it, for the time `limit` at most.
    pub(super) fn flow_until(
        &self,
        drive: &DMatrix<f64>,
        watched: &[(usize, f64)],
        (limit, rtol): (f64, f64),
    ) -> Ended {
        let architecture = &self.architecture;
        let moments = Moments::of_constant_drive(&architecture.modalities, drive);
        let mut system = self.system(&moments);
        let mut reader = system.flow.clone();
        let mut observation = Observation::default();
        // The largest share of its level that a map has, and whose that is.
        let mut share = |state: &DVector<f64>| {
            let weights = &state.as_slice()[..architecture.len()];
            reader.observe(weights, &mut observation);
            let share = |(place, &(m, level)): (usize, &(usize, f64))| {
                let map = &observation.values[architecture.map_block(m)];
                (place, norm(map) / level)
            };
            let shares = watched.iter().enumerate().map(share);
            shares.fold(
                (0, 0.0),
                |most, next| if next.1 > most.1 { next } else { most },
            )
        };
        let at = |place: usize, time, state: &DVector<f64>, share: f64| {
            let (_, level) = watched[place];
            let network = self.with_state(state);
            let norm = level * share;
            let reached = Reached {
                time,
                rest: 0.0,
                network,
                norm,
            };
            Ended::Learned(reached)
        };
        let start = self.state();
        if let (place, excess @ 1.0..) = share(&start) {
            return at(place, 0.0, &start, excess);
        }
        let mut reached = None;
        let (outcome, state) =
            self.integrate(&mut system, (limit, rtol), &mut |before, segment| {
                let (place, at_end) = share(segment.nodes()[2].state);
                if at_end < 1.0 {
                    return Verdict::Continue;
                }
                let crossing = crossing(segment, &mut share);
                reached =
                    crossing.map(|(time, state, excess)| at(place, before + time, &state, excess));
                Verdict::Stop(Outcome::Converged)
            });
        match (reached, outcome) {
            (Some(reached), _) => reached,
            (None, Outcome::TimeReached) => Ended::TimeIsUp(self.with_state(&state)),
            _ => Ended::Never,
        }
    }

    /// The time tau at which a network of one stack of L >= 3 layers blows up under `drive` (o x d), in the time of
    /// the flow.
    ///
    /// The singularity is not integrated into. Once the map has grown far beyond its start the layers are balanced and
    /// aligned with the leading singular pair of D, so that d|W|/dt = L |D| |W|^{2 - 2/L} and
    ///
    /// ```text
    /// tau = t + |W|^{(2-L)/L} / ((L-2) |D|)
    /// ```
    ///
    /// is left of it, but for the share (u0/u)^L that a layer of norm u still has of its start u0. It is not followed for
    /// longer than `limit`.
    pub(super) fn blow_up(&self, drive: &DMatrix<f64>, (limit, rtol): (f64, f64)) -> Ended {
        let depth = self.architecture.layers.len() as f64;
        let layers = 0..self.architecture.layers.len();
        let start = layers.map(|l| self.architecture.view(&self.weights, l).norm());
        let start = start.fold(0.0, f64::max);
        if depth < 3.0 || start == 0.0 || drive.norm() == 0.0 {
            return Ended::Never;
        }
        let level = start.powf(depth) / rtol;
        let mut ended = self.flow_until(drive, &[(0, level)], (limit, rtol));
        if let Ended::Learned(reached) = &mut ended {
            reached.rest = self.rest(reached.norm, drive).unwrap_or(0.0);
        }
        ended
    }

    /// The rest of the time to the blow-up of one stack of L >= 3 layers that is balanced and aligned with `drive` (o x d),
    /// its map of the norm `norm`.
    pub(super) fn rest(&self, norm: f64, drive: &DMatrix<f64>) -> Option<f64> {
        let depth = self.architecture.layers.len() as f64;
        let rest = norm.powf((2.0 - depth) / depth) / ((depth - 2.0) * spectral_norm(drive));
        (depth > 2.0 && rest.is_finite()).then_some(rest)
    }

    /// The map of one stack, o x d.
    pub(super) fn map(&self) -> DMatrix<f64> {
        let layers = (0..self.architecture.layers.len()).rev();
        let layers = layers.map(|l| self.architecture.view(&self.weights, l).into_owned());
        let map = layers.reduce(|map, layer| map * layer);
        map.unwrap_or_default()
    }

    /// Its Frobenius norm.
    pub(super) fn map_norm(&self) -> f64 {
        self.map().norm()
    }

    fn settings(&self, t_end: f64, rtol: f64) -> Settings {
        Settings {
            method: Method::RungeKutta(Pair::Dopri5),
            rtol,
            atol: rtol * smallest_layer_rms(&self.architecture, &self.weights),
            t_end,
            max_steps: MOST_STEPS,
        }
    }
}

/// The time at which the homogeneous flow of a stack of three layers and more blows up under `drive` (o x d), from
/// its layers (the first one with d columns, the last one with o rows), to about the relative tolerance `rtol`. None where it
/// never does, and where the layers are fewer or do not fit on each other.
pub fn blow_up_time(layers: &[DMatrix<f64>], drive: &DMatrix<f64>, rtol: f64) -> Option<f64> {
    let stack = SmallNetwork::of_stack(layers)?;
    let fits =
        stack.architecture.outputs == drive.nrows() && stack.architecture.inputs() == drive.ncols();
    match fits.then(|| stack.blow_up(drive, (f64::INFINITY, rtol)))? {
        Ended::Learned(reached) => Some(reached.time + reached.rest),
        _ => None,
    }
}

/// The entries of layers, one after the other.
pub(super) fn joined(layers: &[DMatrix<f64>]) -> DVector<f64> {
    let entries = layers.iter().flat_map(|layer| layer.iter().copied());
    DVector::from_vec(entries.collect())
}

/// Where in a segment the share passes one, by bisection: time, state and share.
fn crossing(
    segment: &mut dyn Segment,
    share: &mut dyn FnMut(&DVector<f64>) -> (usize, f64),
) -> Option<(f64, DVector<f64>, f64)> {
    /// To 1e-5 of the segment, in which the map at most doubles or so.
    const HALVINGS: u32 = 16;
    let [mut before, _, mut after] = segment.nodes().map(|node| node.time);
    let mut reached = segment.nodes()[2].state.clone();
    let mut excess = share(&reached).1;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (before + after);
        let state = segment.state_at(middle)?;
        match share(&state).1 {
            share if share < 1.0 => before = middle,
            share => (after, reached, excess) = (middle, state, share),
        }
    }
    Some((after, reached, excess))
}
