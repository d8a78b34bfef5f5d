//! Stacks in flow from where one more is heard to where the next one is.

use super::track::Track;
use crate::data::Moments;
use crate::flow::{Flow, Observation};
use crate::integrate::Segment;
use crate::network::{Architecture, Layer};
use nalgebra::DVector;

/// Share of its rate that a stack's own outputs would take off from which on it is heard.
const FELT: f64 = 1e-2;

/// A stack that is not heard, and the flow in which it would be.
struct Waiting<'p> {
    modality: usize,
    flow: Flow<'p>,
    /// Share of its rate that its own outputs would take off, at the end of the last step.
    felt: f64,
}

/// Where one more stack is felt.
pub(super) struct Joining {
    pub(super) modality: usize,
    /// From the start of the stage.
    pub(super) time: f64,
    pub(super) state: DVector<f64>,
}

/// What is followed along a stage.
pub(super) struct Stage<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    /// The flow of the stage, to read states by.
    reader: Flow<'p>,
    heard: Vec<usize>,
    /// What the maps of modalities come to where those that are heard are learned, by the root of their power.
    levels: Vec<f64>,
    waiting: Vec<Waiting<'p>>,
    /// When it begins.
    start: f64,
    /// The loss where nothing is learned.
    untrained: f64,
    /// Times, and the losses of what is heard.
    losses: Vec<(f64, f64)>,
    seen: Observation,
    /// Storage for two rates.
    rates: [DVector<f64>; 2],
    pub(super) joining: Option<Joining>,
}

impl<'p> Stage<'p> {
    /// The stage of some stacks that begins at a time in some state.
    pub(super) fn new(
        (moments, architecture): (&'p Moments, &'p Architecture),
        heard: &[usize],
        (start, state): (f64, &DVector<f64>),
    ) -> Self {
        let flow = |heard: &[usize]| Flow::on_samples(architecture, moments).hearing(heard);
        let others = (0..moments.modalities.len()).filter(|m| !heard.contains(m));
        let waiting = others.map(|modality| Waiting {
            modality,
            flow: flow(&[heard, &[modality]].concat()),
            felt: 0.0,
        });
        let map = moments.critical_map(heard);
        let level = |m: usize| moments.map_power(map.as_slice(), m);
        let mut reader = flow(heard);
        let mut stage = Self {
            levels: (0..moments.modalities.len())
                .map(|m| level(m).sqrt())
                .collect(),
            heard: heard.to_vec(),
            waiting: waiting.collect(),
            untrained: flow(&[]).loss(state.as_slice()),
            losses: vec![(start, reader.loss(state.as_slice()))],
            seen: Observation::default(),
            joining: None,
            rates: [DVector::zeros(state.len()), DVector::zeros(state.len())],
            reader,
            start,
            moments,
            architecture,
        };
        stage.feel(state);
        stage
    }

    /// The flow of the stage.
    pub(super) fn flow(&self) -> Flow<'p> {
        self.reader.clone()
    }

    /// Takes what the outputs of each waiting stack would take off its rate in a state.
    fn feel(&mut self, state: &DVector<f64>) {
        let [rate, own] = &mut self.rates;
        self.reader.rate(state.as_slice(), rate.as_mut_slice());
        for waiting in &mut self.waiting {
            waiting.flow.rate(state.as_slice(), own.as_mut_slice());
            let (mut off, mut all) = (0.0, f64::MIN_POSITIVE);
            for layer in layers(self.architecture, waiting.modality) {
                let without = rate.rows_range(layer.range.clone());
                off += (own.rows_range(layer.range.clone()) - without).norm_squared();
                all += without.norm_squared();
            }
            waiting.felt = (off / all).sqrt();
        }
    }

    /// A stack that is felt, if one is.
    pub(super) fn first_felt(&self) -> Option<usize> {
        let felt = self.waiting.iter().filter(|waiting| waiting.felt >= FELT);
        felt.map(|waiting| waiting.modality).next()
    }

    /// Takes a step: whether a stack comes to be felt in it, and up to there how much is learned.
    pub(super) fn take(&mut self, segment: &mut dyn Segment, tracks: &mut [Track]) {
        let before: Vec<f64> = self.waiting.iter().map(|waiting| waiting.felt).collect();
        let [from, _, end] = segment.nodes();
        let (from, to, last) = (from.time, end.time, end.state.clone());
        self.feel(&last);
        let first = self.joining_time(&before, (from, to));
        let joining =
            first.and_then(|(modality, time, lag)| self.join(segment, modality, (from, time, lag)));
        let (to, last) = joining
            .as_ref()
            .map_or((to, &last), |joining| (joining.time, &joining.state));
        self.keep(segment, (from, to), last, tracks);
        self.joining = joining;
    }

    /// The first stack that comes to be felt in a step, when, and its [`lag`]. The share of its rate grows exponentially, by
    /// and large.
    fn joining_time(&self, before: &[f64], (from, to): (f64, f64)) -> Option<(usize, f64, f64)> {
        let felt = self.waiting.iter().zip(before);
        let felt = felt.filter(|(waiting, _)| waiting.felt >= FELT);
        let times = felt.map(|(waiting, before)| {
            let before = before.max(f64::MIN_POSITIVE);
            let growth = (waiting.felt / before).ln() / (to - from);
            let time = from + ((FELT / before).ln() / growth).max(0.0);
            let depth = self.architecture.depth(waiting.modality);
            (waiting.modality, time.min(to), lag(depth, growth))
        });
        times.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The state where a stack joins, itself where its own feedback would have it.
    fn join(
        &self,
        segment: &mut dyn Segment,
        modality: usize,
        (from, time, lag): (f64, f64, f64),
    ) -> Option<Joining> {
        let mut state = segment.state_at(time)?;
        let behind = segment.state_at((time - lag).max(from).min(time))?;
        for layer in layers(self.architecture, modality) {
            let own = behind.rows_range(layer.range.clone());
            state.rows_range_mut(layer.range.clone()).copy_from(&own);
        }
        Some(Joining {
            modality,
            time,
            state,
        })
    }

    /// Keeps what is learned along a step that ends in `last`.
    fn keep(
        &mut self,
        segment: &mut dyn Segment,
        (from, to): (f64, f64),
        last: &DVector<f64>,
        tracks: &mut [Track],
    ) {
        let shares = self.shares(last);
        let loss = self.seen.values[self.loss_place()];
        self.losses.push((self.start + to, loss));
        let heard = self.heard.iter();
        let parts = heard.map(|&m| tracks[m].parts(shares[m])).max();
        let parts = parts.unwrap_or(1);
        for k in 1..parts {
            let between = from + (to - from) * k as f64 / parts as f64;
            if let Some(state) = segment.state_at(between) {
                let shares = self.shares(&state);
                self.push(tracks, between, &shares);
            }
        }
        self.push(tracks, to, &shares);
    }

    /// Keeps where the stage begins.
    pub(super) fn begin(&mut self, state: &DVector<f64>, tracks: &mut [Track]) {
        let shares = self.shares(state);
        self.push(tracks, 0.0, &shares);
    }

    fn push(&self, tracks: &mut [Track], time: f64, shares: &[f64]) {
        for &m in &self.heard {
            tracks[m].push(self.start + time, shares[m]);
        }
    }

    /// How much is learned of each modality in a state, as runs have it: where parts of the target are known, how much of a
    /// modality's part is in the outputs, and else the root of the power of its map in the best linear fit of the outputs over
    /// what that comes to.
    fn shares(&mut self, state: &DVector<f64>) -> Vec<f64> {
        self.reader.observe_values(state.as_slice(), &mut self.seen);
        let count = self.levels.len();
        let samples = self.moments.samples.as_ref();
        let parts = samples.and_then(|samples| samples.parts.as_ref());
        if let Some(parts) = parts.filter(|parts| parts.names.len() >= count) {
            let first = self.loss_place() + 2;
            return self.seen.values[first..first + parts.names.len()].to_vec();
        }
        let map = &self.seen.values[..self.architecture.map_len()];
        let levels = self.levels.iter().enumerate();
        levels
            .map(|(m, level)| match *level > 0.0 {
                true => self.moments.map_power(map, m).sqrt() / level,
                false => 0.0,
            })
            .collect()
    }

    /// Where an observation has the loss; the mean power of the outputs follows, and then the parts of the target.
    fn loss_place(&self) -> usize {
        self.architecture.measured_len()
    }

    /// Whether the last third of all the time gained at most a share of all that was gained, the same stacks being heard.
    pub(super) fn is_at_rest(&self, share: f64) -> bool {
        let Some(&(now, last)) = self.losses.last() else {
            return false;
        };
        let third = self.losses.partition_point(|(t, _)| *t <= now * 2.0 / 3.0);
        let before = third.checked_sub(1).map(|place| self.losses[place].1);
        before.is_some_and(|before| before - last <= share * (self.untrained - last))
    }
}

/// By how much feedback has made a stack of some depth L later by the time that it is felt, where the share of its rate grows as
/// e^(`growth` t). Its outputs u follow du/dt = k u^(2 - 2/L) (1 - u/u_inf), and the share of the rate is u/u_inf: to first order
/// the integral of u^(2/L - 1)/(k u_inf) du, which is L/2 times the share over the growth.
fn lag(depth: usize, growth: f64) -> f64 {
    0.5 * depth as f64 * FELT / growth
}

fn layers(architecture: &Architecture, modality: usize) -> &[Layer] {
    &architecture.layers[architecture.private[modality].clone()]
}
