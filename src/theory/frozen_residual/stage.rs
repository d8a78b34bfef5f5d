//! The flow from where some groups become active to where the next ones do.

use super::groups::Group;
use super::track::Track;
use crate::data::{Moments, Parts};
use crate::flow::{Flow, Observation};
use crate::integrate::Segment;
use crate::network::Architecture;
use nalgebra::DVector;
use std::collections::BTreeSet;

/// Share of its rate that a group's own outputs would take off from which on it is active.
const FEEDBACK: f64 = 1e-2;

/// How much of the outputs of units that become active may be that of others, which stay dormant.
const LEFT_DORMANT: f64 = 1e-2;

/// Share of the fastest fall of the loss at which a drop is over.
const SLOW: f64 = 0.1;

/// Groups that are not active, and the flow in which they would be.
struct Dormant<'p> {
    groups: Vec<usize>,
    flow: Flow<'p>,
    /// Share of their rate that their own outputs would take off, at the end of the last step.
    feedback: f64,
}

/// Where more groups become active.
pub(super) struct Joining {
    pub(super) groups: Vec<usize>,
    /// From the start of the stage.
    pub(super) time: f64,
    pub(super) state: DVector<f64>,
}

/// What is followed along a stage.
pub(super) struct Stage<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    groups: &'p [Group],
    seeks_levels: bool,
    /// The flow of the stage, to read states by.
    reader: Flow<'p>,
    /// The modalities of the groups that are active.
    active: Vec<usize>,
    /// What the maps of modalities come to where those that are active are learned, by the root of their power.
    levels: Vec<f64>,
    dormant: Vec<Dormant<'p>>,
    /// When it begins.
    start: f64,
    /// Times, and the losses of what is active.
    losses: Vec<(f64, f64)>,
    /// How fast the loss fell in the last step, and at most.
    speed: f64,
    fastest: f64,
    seen: Observation,
    /// Storage for two rates.
    rates: [DVector<f64>; 2],
    pub(super) joining: Option<Joining>,
}

impl<'p> Stage<'p> {
    /// The stage in which some groups are active that begins at a time in some state.
    pub(super) fn new(
        (moments, architecture): (&'p Moments, &'p Architecture),
        groups: &'p [Group],
        (is_active, seeks_levels): (&[bool], bool),
        (start, state): (f64, &DVector<f64>),
    ) -> Self {
        let flow = |is_active: &dyn Fn(usize) -> bool| {
            let units = groups.iter().enumerate();
            let units = units.flat_map(|(g, group)| group.units.clone().map(move |_| g));
            let units: Vec<bool> = units.map(is_active).collect();
            Flow::on_samples(architecture, moments).with_active(&units)
        };
        let dormant = dormant_together(architecture, is_active).into_iter();
        let dormant = dormant.map(|groups| Dormant {
            flow: flow(&|g| is_active[g] || groups.contains(&g)),
            feedback: 0.0,
            groups,
        });
        let active = groups.iter().zip(is_active).filter(|(_, active)| **active);
        let active: BTreeSet<usize> = active
            .flat_map(|(group, _)| group.modalities.clone())
            .collect();
        let active: Vec<usize> = active.into_iter().collect();
        let map = moments.critical_map(&active);
        let level = |m: usize| moments.map_power(map.as_slice(), m);
        let mut reader = flow(&|g| is_active[g]);
        let mut stage = Self {
            levels: (0..moments.modalities.len())
                .map(|m| level(m).sqrt())
                .collect(),
            dormant: dormant.collect(),
            active,
            groups,
            seeks_levels,
            losses: vec![(start, reader.loss(state.as_slice()))],
            speed: 0.0,
            fastest: 0.0,
            seen: Observation::default(),
            joining: None,
            rates: [DVector::zeros(state.len()), DVector::zeros(state.len())],
            reader,
            start,
            moments,
            architecture,
        };
        stage.take_feedback(state);
        stage
    }

    /// The flow of the stage.
    pub(super) fn flow(&self) -> Flow<'p> {
        self.reader.clone()
    }

    /// Takes what the outputs of dormant groups would take off their rate in a state.
    fn take_feedback(&mut self, state: &DVector<f64>) {
        let [rate, own] = &mut self.rates;
        self.reader.rate(state.as_slice(), rate.as_mut_slice());
        for dormant in &mut self.dormant {
            dormant.flow.rate(state.as_slice(), own.as_mut_slice());
            let (mut off, mut all) = (0.0, f64::MIN_POSITIVE);
            for place in dormant.groups.iter().flat_map(|&g| self.groups[g].places()) {
                off += (own[place] - rate[place]).powi(2);
                all += rate[place].powi(2);
            }
            dormant.feedback = (off / all).sqrt();
        }
    }

    /// Groups that become active in a state, if any do.
    pub(super) fn first_to_activate(&self, state: &DVector<f64>) -> Option<Vec<usize>> {
        let mut dormant = self.dormant.iter();
        let first = dormant.find(|dormant| dormant.feedback >= FEEDBACK);
        first.map(|dormant| self.largest(&dormant.groups, state))
    }

    /// The largest of some groups, all but those that together make less than a hundredth of what they all do.
    fn largest(&self, groups: &[usize], state: &DVector<f64>) -> Vec<usize> {
        let sizes = groups.iter().map(|&g| (self.groups[g].size(state), g));
        let mut sizes: Vec<(f64, usize)> = sizes.collect();
        sizes.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut left: f64 = sizes.iter().map(|(size, _)| size).sum();
        let least = LEFT_DORMANT * left;
        let largest = sizes.into_iter().enumerate().take_while(|(k, (size, _))| {
            let is_large = *k == 0 || left >= least;
            left -= size;
            is_large
        });
        largest.map(|(_, (_, g))| g).collect()
    }

    /// Takes a step: whether groups become active in it, and up to there how much is learned.
    pub(super) fn take(&mut self, segment: &mut dyn Segment, tracks: &mut [Track]) {
        let before: Vec<f64> = self.dormant.iter().map(|d| d.feedback).collect();
        let [from, _, end] = segment.nodes();
        let (from, to, last) = (from.time, end.time, end.state.clone());
        self.take_feedback(&last);
        let first = self.joining_time(&before, (from, to));
        let joining =
            first.and_then(|(dormant, time, lag)| self.join(segment, dormant, (from, time, lag)));
        let (to, last) = joining
            .as_ref()
            .map_or((to, &last), |joining| (joining.time, &joining.state));
        self.keep(segment, (from, to), last, tracks);
        self.joining = joining;
    }

    /// Who first becomes active in a step, when, and their [`lag`]. The share of their rate grows exponentially, by
    /// and large.
    fn joining_time(
        &self,
        before: &[f64],
        (from, to): (f64, f64),
    ) -> Option<(&Dormant<'p>, f64, f64)> {
        let dormant = self.dormant.iter().zip(before);
        let joining = dormant.filter(|(dormant, _)| dormant.feedback >= FEEDBACK);
        let times = joining.map(|(dormant, before)| {
            let before = before.max(f64::MIN_POSITIVE);
            let growth = (dormant.feedback / before).ln() / (to - from);
            let time = from + ((FEEDBACK / before).ln() / growth).max(0.0);
            let own = &self.groups[dormant.groups[0]].modalities;
            let depths = own.iter().map(|&m| self.architecture.depth(m));
            let depth = depths.max().unwrap_or(1);
            (dormant, time.min(to), lag(depth, growth))
        });
        times.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The state where groups join, themselves where their own feedback would have them.
    fn join(
        &self,
        segment: &mut dyn Segment,
        dormant: &Dormant<'p>,
        (from, time, lag): (f64, f64, f64),
    ) -> Option<Joining> {
        let mut state = segment.state_at(time)?;
        let behind = segment.state_at((time - lag).max(from).min(time))?;
        let groups = self.largest(&dormant.groups, &state);
        for place in groups.iter().flat_map(|&g| self.groups[g].places()) {
            state[place] = behind[place];
        }
        Some(Joining {
            groups,
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
        if let Some((_, before)) = self.losses.last().filter(|_| to > from) {
            self.speed = (before - loss) / (to - from);
            self.fastest = self.fastest.max(self.speed);
        }
        self.losses.push((self.start + to, loss));
        let active = self.active.iter();
        let parts = active.map(|&m| tracks[m].parts(shares[m])).max();
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

    /// Takes what the modalities that are active have come to, where they rest.
    pub(super) fn settle(&self, tracks: &mut [Track]) {
        if self.seeks_levels && self.architecture.shared.is_empty() && self.has_dropped() {
            self.active.iter().for_each(|&m| tracks[m].settle());
        }
    }

    fn push(&self, tracks: &mut [Track], time: f64, shares: &[f64]) {
        for &m in &self.active {
            tracks[m].push(self.start + time, shares[m]);
        }
    }

    /// How much is learned of each modality in a state, as runs have it: where parts of the target are known, how much of a
    /// modality's part is in the outputs, and else the root of the power of its map in the best linear fit of the outputs, over
    /// what that comes to unless that is sought.
    fn shares(&mut self, state: &DVector<f64>) -> Vec<f64> {
        self.reader.observe_values(state.as_slice(), &mut self.seen);
        if let Some(parts) = known_parts(self.moments) {
            let first = self.loss_place() + 2;
            return self.seen.values[first..first + parts.names.len()].to_vec();
        }
        let map = &self.seen.values[..self.architecture.map_len()];
        let levels = self.levels.iter().enumerate();
        levels
            .map(|(m, level)| {
                let size = self.moments.map_power(map, m).sqrt();
                match *level > 0.0 {
                    _ if self.seeks_levels => size,
                    true => size / level,
                    false => 0.0,
                }
            })
            .collect()
    }

    /// Where an observation has the loss; the mean power of the outputs follows, and then the parts of the target.
    fn loss_place(&self) -> usize {
        self.architecture.measured_len()
    }

    /// Whether the loss falls slowly again.
    pub(super) fn has_dropped(&self) -> bool {
        self.speed < SLOW * self.fastest
    }

    /// Whether the last third of all the time gained at most a share of all that was gained, the same groups being active.
    pub(super) fn is_at_rest(&self, share: f64) -> bool {
        let Some(&(now, last)) = self.losses.last() else {
            return false;
        };
        let third = self.losses.partition_point(|(t, _)| *t <= now * 2.0 / 3.0);
        let before = third.checked_sub(1).map(|place| self.losses[place].1);
        let gained = self.moments.zero_loss() - last;
        before.is_some_and(|before| before - last <= share * gained)
    }
}

/// The parts of the target, where each modality has its own.
pub(super) fn known_parts(moments: &Moments) -> Option<&Parts> {
    let parts = moments.samples.as_ref()?.parts.as_ref()?;
    (parts.names.len() >= moments.modalities.len()).then_some(parts)
}

/// By how much feedback has made a group of some depth L later by the time that it becomes active, where the share of its rate grows as
/// e^(`growth` t). Its outputs u follow du/dt = k u^(2 - 2/L) (1 - u/u_inf), and the share of the rate is u/u_inf: to first order
/// the integral of u^(2/L - 1)/(k u_inf) du, which is L/2 times the share over the growth.
fn lag(depth: usize, growth: f64) -> f64 {
    0.5 * depth as f64 * FEEDBACK / growth
}

/// Who is dormant together: each stack of late fusion by itself, which nothing that others do touches before; units jointly, as
/// many of them learn the same.
fn dormant_together(architecture: &Architecture, is_active: &[bool]) -> Vec<Vec<usize>> {
    let dormant: Vec<usize> = (0..is_active.len()).filter(|&g| !is_active[g]).collect();
    match architecture.shared.is_empty() {
        true => dormant.into_iter().map(|g| vec![g]).collect(),
        false if dormant.is_empty() => Vec::new(),
        false => vec![dormant],
    }
}
