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
use crate::integrate::{Method, Outcome, Pair, Segment, Settings, Verdict, integrate};
use crate::linalg::spectral_norm;
use crate::network::{Architecture, smallest_layer_rms};
use nalgebra::{DMatrix, DVector};

/// Most steps. An approach to a blow-up takes some tens, a flow that shrinks for ever would take more and more.
const MOST_STEPS: u64 = 5_000;

/// A network of small weights.
#[derive(Debug, Clone)]
pub(super) struct SmallNetwork {
    pub(super) architecture: Architecture,
    pub(super) weights: DVector<f64>,
}

/// Where a homogeneous flow got to.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    /// The time it took.
    pub(super) time: f64,
    /// The weights then.
    pub(super) weights: DVector<f64>,
    /// The norm of the map then over the one asked for: one, or a little more.
    excess: f64,
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
        let entries = layers.iter().flat_map(|layer| layer.iter().copied());
        Some(Self {
            architecture,
            weights: DVector::from_vec(entries.collect()),
        })
    }

    /// Flows under `drive` (o x d) for `duration`; None where it blows up before.
    pub(super) fn flow_for(
        &self,
        drive: &DMatrix<f64>,
        duration: f64,
        rtol: f64,
    ) -> Option<DVector<f64>> {
        if duration == 0.0 || drive.norm() == 0.0 {
            return Some(self.weights.clone());
        }
        let moments = Moments::of_constant_drive(&self.architecture.modalities, drive);
        let mut flow = Flow::new(&self.architecture, &moments);
        let settings = self.settings(duration, rtol);
        let weights = self.weights.clone();
        let end = integrate(&mut flow, weights, &settings, &mut |_: &mut dyn Segment| {
            Verdict::Continue
        });
        (end.outcome == Outcome::TimeReached).then_some(end.state)
    }

    /// Flows under `drive` (o x d) until the total map of one of the modalities `watched` has the Frobenius norm
    /// that stands beside it; gives back which one. None where that never happens.
    pub(super) fn flow_until(
        &self,
        drive: &DMatrix<f64>,
        watched: &[(usize, f64)],
        rtol: f64,
    ) -> Option<(usize, Reached)> {
        let architecture = &self.architecture;
        let moments = Moments::of_constant_drive(&architecture.modalities, drive);
        let mut flow = Flow::new(architecture, &moments);
        let mut reader = flow.clone();
        let mut observation = Observation::default();
        // The largest share of its level that a map has, and whose that is.
        let mut share = |weights: &DVector<f64>| {
            reader.observe(weights.as_slice(), &mut observation);
            let share = |&(m, level): &(usize, f64)| {
                let map = &observation.values[architecture.map_block(m)];
                (m, map.iter().map(|w| w * w).sum::<f64>().sqrt() / level)
            };
            let shares = watched.iter().map(share);
            shares.fold(
                (0, 0.0),
                |most, next| if next.1 > most.1 { next } else { most },
            )
        };
        if let (m, excess @ 1.0..) = share(&self.weights) {
            let start = Reached {
                time: 0.0,
                weights: self.weights.clone(),
                excess,
            };
            return Some((m, start));
        }
        let settings = self.settings(f64::INFINITY, rtol);
        let mut reached = None;
        let weights = self.weights.clone();
        integrate(
            &mut flow,
            weights,
            &settings,
            &mut |segment: &mut dyn Segment| {
                let [start, _, end] = segment.nodes().map(|node| node.time);
                let (m, at_end) = share(segment.nodes()[2].state);
                if at_end < 1.0 {
                    return Verdict::Continue;
                }
                reached = crossing(segment, (start, end), &mut share).map(|reached| (m, reached));
                Verdict::Stop(Outcome::Converged)
            },
        );
        reached
    }

    /// The time tau at which a network of one stack of L >= 3 layers blows up under `drive` (o x d), in the time of
    /// the flow; None where it never does.
    ///
    /// The singularity is not integrated into. Once the map has grown far beyond its start the layers are balanced and
    /// aligned with the leading singular pair of D, so that d|W|/dt = L |D| |W|^{2 - 2/L} and
    ///
    /// ```text
    /// tau = t + |W|^{(2-L)/L} / ((L-2) |D|)
    /// ```
    ///
    /// is left of it, but for the share (u0/u)^L that a layer of norm u still has of its start u0.
    pub(super) fn blow_up_time(&self, drive: &DMatrix<f64>, rtol: f64) -> Option<f64> {
        let depth = self.architecture.layers.len() as f64;
        let layers = 0..self.architecture.layers.len();
        let start = layers.map(|l| self.architecture.view(&self.weights, l).norm());
        let start = start.fold(0.0, f64::max);
        if depth < 3.0 || start == 0.0 || drive.norm() == 0.0 {
            return None;
        }
        let level = start.powf(depth) / rtol;
        let (_, reached) = self.flow_until(drive, &[(0, level)], rtol)?;
        let norm = level * reached.excess;
        let rest = norm.powf((2.0 - depth) / depth) / ((depth - 2.0) * spectral_norm(drive));
        Some(reached.time + rest)
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
    fits.then(|| stack.blow_up_time(drive, rtol))?
}

/// Where in a segment the share passes one, by bisection.
fn crossing(
    segment: &mut dyn Segment,
    (mut before, mut after): (f64, f64),
    share: &mut dyn FnMut(&DVector<f64>) -> (usize, f64),
) -> Option<Reached> {
    /// To 1e-5 of the segment, in which the map at most doubles or so.
    const HALVINGS: u32 = 16;
    let mut weights = segment.nodes()[2].state.clone();
    let mut excess = share(&weights).1;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (before + after);
        let state = segment.state_at(middle)?;
        match share(&state).1 {
            share if share < 1.0 => before = middle,
            share => (after, weights, excess) = (middle, state, share),
        }
    }
    Some(Reached {
        time: after,
        weights,
        excess,
    })
}
