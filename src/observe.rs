//! What is seen of a trajectory: loss, speed, total maps and layer norms.
//!
//! [`Lens`] reads them off a [`Knot`]; [`Recorder`] turns the segments of an integration into a
//! [`Track`] as they come.

use crate::data::Moments;
use crate::flow::{Flow, Observables};
use crate::integrate::Segment;
pub use crate::kernels::norm;
use crate::network::Architecture;
use crate::scenario::Spacing;
use crate::track::{Knot, Track};
use std::ops::Range;

/// Names the entries of a knot and computes what follows from them.
#[derive(Debug, Clone, Copy)]
pub struct Lens<'a> {
    /// The network observed.
    pub architecture: &'a Architecture,
    /// The data it learns.
    pub moments: &'a Moments,
}

impl Lens<'_> {
    /// Number of entries of the joined total map, o x d.
    pub fn map_len(&self) -> usize {
        self.architecture.outputs * self.architecture.inputs()
    }

    /// The joined total map W, o x d by columns.
    pub fn map<'k>(&self, knot: &'k Knot) -> &'k [f64] {
        &knot.values[..self.map_len()]
    }

    /// The total map's time derivative dW/dt, o x d by columns.
    pub fn map_rate<'k>(&self, knot: &'k Knot) -> &'k [f64] {
        &knot.rates[..self.map_len()]
    }

    /// Entries of the joined total map that belong to one modality.
    pub fn block(&self, modality: usize) -> Range<usize> {
        let Range { start, end } = self.architecture.modalities[modality].range;
        start * self.architecture.outputs..end * self.architecture.outputs
    }

    /// Frobenius norm of one modality's total map.
    pub fn norm(&self, knot: &Knot, modality: usize) -> f64 {
        norm(&knot.values[self.block(modality)])
    }

    /// Frobenius norm of a layer.
    pub fn layer_norm(&self, knot: &Knot, layer: usize) -> f64 {
        without_round_off(knot.values[self.map_len() + layer]).sqrt()
    }

    /// The loss: that of the total map, or of networks that are not linear the true one.
    pub fn loss(&self, knot: &Knot) -> f64 {
        match self.beyond_linear() {
            None => self.moments.loss.loss(self.map(knot)),
            Some([loss, _]) => knot.values[loss],
        }
    }

    /// Where loss and mean power of the outputs stand in a knot of a network that is not linear.
    fn beyond_linear(&self) -> Option<[usize; 2]> {
        let next = self.map_len() + self.architecture.layers.len();
        (!self.architecture.is_linear()).then_some([next, next + 1])
    }

    /// Names of the parts that the target is known to have; none for linear networks, whose
    /// outputs are told by their total map.
    pub fn part_names(&self) -> &'static [&'static str] {
        let samples = self.moments.samples.as_ref();
        let parts = samples.and_then(|samples| samples.parts.as_ref());
        parts
            .filter(|_| !self.architecture.is_linear())
            .map_or(&[], |parts| parts.names)
    }

    /// How much of each part of the target is in the outputs, by regression: 0 for nothing, 1 where
    /// it is learned. For one output.
    pub fn parts<'k>(&self, knot: &'k Knot) -> &'k [f64] {
        match self.beyond_linear() {
            Some([_, power]) => &knot.values[power + 1..],
            None => &[],
        }
    }

    /// Power E|y^|^2 of the outputs that their best linear fit leaves out.
    fn nonlinear_power(&self, knot: &Knot) -> f64 {
        let Some([_, power]) = self.beyond_linear() else {
            return 0.0;
        };
        without_round_off(knot.values[power] - 2.0 * self.moments.loss.output_power(self.map(knot)))
    }

    /// Share of the power of the outputs that the total map explains; None for linear networks,
    /// which it explains in full, and where there are no outputs yet.
    pub fn linear_share(&self, knot: &Knot) -> Option<f64> {
        let [_, power] = self.beyond_linear()?;
        let power = knot.values[power];
        (power > 0.0).then(|| 2.0 * self.moments.loss.output_power(self.map(knot)) / power)
    }

    /// Half the mean square of the difference between the outputs and those of a linear map: how
    /// far the network is from it, in the metric of the loss. What the best linear fit leaves out is
    /// uncorrelated with the inputs, and adds to the distance of the fit.
    pub fn distance(&self, knot: &Knot, map: &[f64]) -> f64 {
        let fit = self.moments.loss.excess_between(self.map(knot), map);
        fit + 0.5 * self.nonlinear_power(knot)
    }

    /// The generalisation error, where there is a population or a hold-out.
    pub fn generalisation(&self, knot: &Knot) -> Option<f64> {
        let generalisation = self.moments.generalisation.as_ref()?;
        Some(generalisation.error().loss(self.map(knot)))
    }

    /// What there is to learn, Loss_0 - Loss_min. What a network that is not linear can reach is not
    /// known beforehand: all of Loss_0 counts.
    pub fn learnable_loss(&self) -> f64 {
        match self.beyond_linear() {
            None => self.moments.learnable_loss(),
            Some(_) => self.moments.initial_loss,
        }
    }

    /// The share of the learnable loss that is left, (Loss - Loss_min)/(Loss_0 - Loss_min).
    pub fn loss_gap(&self, knot: &Knot) -> f64 {
        let left = match self.beyond_linear() {
            None => self.moments.loss.excess(self.map(knot)),
            Some(_) => self.loss(knot),
        };
        left / self.learnable_loss()
    }

    /// The speed -dLoss/dt = |grad|^2, for linear networks tr[G (dW/dt)^T] with G = (W* - W) S_xx.
    pub fn speed(&self, knot: &Knot) -> f64 {
        if let Some([loss, _]) = self.beyond_linear() {
            return -knot.rates[loss];
        }
        -self.moments.loss.rate(self.map(knot), self.map_rate(knot))
    }

    /// What an error of the trajectory is measured against: each modality's map by its norm,
    /// each layer by its norm. Maps that are fits know each other to round-off and are measured
    /// together, as are loss and power of the outputs, and the parts of the target.
    pub fn groups(&self) -> Vec<Range<usize>> {
        if let Some([loss, power]) = self.beyond_linear() {
            let layers = (self.map_len()..loss).map(|l| l..l + 1);
            let ends = [0..self.map_len(), loss..power + 1];
            let parts = power + 1..power + 1 + self.part_names().len();
            return ends.into_iter().chain(layers).chain([parts]).collect();
        }
        let maps = (0..self.architecture.modalities.len()).map(|m| self.block(m));
        let first_layer = self.map_len();
        let layers =
            (0..self.architecture.layers.len()).map(|l| first_layer + l..first_layer + l + 1);
        maps.chain(layers).collect()
    }
}

/// A square that round-off must not make negative; what is no number stays none.
fn without_round_off(square: f64) -> f64 {
    if square < 0.0 { 0.0 } else { square }
}

/// A size signed by its direction: the Frobenius norm of `difference`, positive where it points
/// along `last` (an overshoot) and negative against it. For one input and output it is the
/// overshoot itself.
pub fn overshoot(difference: &[f64], last: &[f64]) -> f64 {
    let along: f64 = difference.iter().zip(last).map(|(d, l)| d * l).sum();
    let size = norm(difference);
    if along < 0.0 { -size } else { size }
}

/// Builds the track of a flow from the segments of its integration.
///
/// Pieces whose interpolation error is above the tolerance are halved at states taken inside the
/// segment.
#[derive(Debug)]
pub struct Recorder<'a> {
    flow: Flow<'a>,
    observables: Observables,
    track: Track,
}

/// Below this relative error the round-off of values and rates would be resolved, not the
/// trajectory.
const FINEST: f64 = 1e-11;

impl<'a> Recorder<'a> {
    /// A recorder that starts at t = 0 with the given weights and keeps each point to the
    /// relative tolerance `rtol`.
    pub fn new(mut flow: Flow<'a>, weights: &[f64], rtol: f64) -> Self {
        let lens = Lens {
            architecture: flow.architecture(),
            moments: flow.moments(),
        };
        let groups = lens.groups();
        let mut observables = Observables::default();
        flow.observe(weights, &mut observables);
        let start = observables.knot(0.0);
        Self {
            track: Track::new(start, groups, rtol.max(FINEST)),
            flow,
            observables,
        }
    }

    /// Takes in a segment; gives back its last knot.
    pub fn record(&mut self, segment: &mut dyn Segment) -> &Knot {
        let [_, middle, end] = segment.nodes();
        let (middle_time, end_time) = (middle.time, end.time);
        let middle = self.look(middle_time, middle.state.as_slice());
        let end = self.look(end_time, end.state.as_slice());
        let (flow, observables) = (&mut self.flow, &mut self.observables);
        self.track.push_resolved(middle, end, &mut |time| {
            let state = segment.state_at(time)?;
            flow.observe(state.as_slice(), observables);
            Some(observables.knot(time))
        });
        self.track.end()
    }

    /// The first time of a segment at which at most the share `gap` of the learnable loss is left;
    /// None where more is left at its end.
    pub fn time_of_gap(&mut self, segment: &mut dyn Segment, gap: f64) -> Option<f64> {
        /// Relative width to which the time is bracketed.
        const WIDTH: f64 = 1e-12;
        let lens = Lens {
            architecture: self.flow.architecture(),
            moments: self.flow.moments(),
        };
        let [start, _, end] = segment.nodes();
        let (mut before, mut after) = (start.time, end.time);
        if lens.loss_gap(&self.look(after, end.state.as_slice())) > gap {
            return None;
        }
        // The loss never rises along the flow, so that there is one such time.
        while after - before > WIDTH * after {
            let time = before + 0.5 * (after - before);
            let state = segment.state_at(time)?;
            if lens.loss_gap(&self.look(time, state.as_slice())) > gap {
                before = time;
            } else {
                after = time;
            }
        }
        Some(after)
    }

    /// The track of what is recorded so far.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// The track of what was recorded.
    pub fn finish(self) -> Track {
        self.track
    }

    fn look(&mut self, time: f64, weights: &[f64]) -> Knot {
        self.flow.observe(weights, &mut self.observables);
        self.observables.knot(time)
    }
}

/// `samples` times from 0 to `end` inclusive.
pub fn sample_times(end: f64, samples: usize, spacing: Spacing) -> Vec<f64> {
    // A trajectory of the kind studied here changes over this many decades at the most.
    const DECADES: f64 = 6.0;
    let last = (samples - 1) as f64;
    let time = |i: usize| match (spacing, i) {
        (_, 0) => 0.0,
        (_, i) if i + 1 == samples => end,
        (Spacing::Linear, i) => end * (i as f64 / last),
        (Spacing::Log, i) => end * 10f64.powf(-DECADES * (last - i as f64) / (last - 1.0)),
    };
    (0..samples).map(time).collect()
}
