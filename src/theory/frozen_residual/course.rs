//! From saddle to saddle: which modality is learned next, and when.

use super::super::from_weights::{Event, FromWeights, NOT_BEFORE_THE_END};
use super::NOT_WAITED_FOR;
use super::groups::Group;
use super::stage::{Stage, known_parts};
use super::track::Track;
use crate::data::{Loss, Moments};
use crate::integrate::{Method, Outcome, Pair, Segment, Settings, Verdict, integrate_explicit};
use crate::network::{Architecture, smallest_layer_rms};
use nalgebra::DVector;

/// Share of the loss gained so far that the last third of the time may have gained where groups are at rest: their outputs are
/// then within the root of that. The rate does not tell, since units that rest at a kink go on jumping to and fro.
const LEFT: f64 = 1e-6;

/// The same under cross-entropy. Classes that can be told apart have no minimum at finite weights: the loss falls like 1/t,
/// and probabilities are within about this share of where they tend to.
const LEFT_OF_CLASSES: f64 = 1e-3;

/// Finest relative tolerance of a step.
const FINEST: f64 = 1e-4;

/// Most steps of all integrations.
const MOST_STEPS: u64 = 20_000;

/// Why the modalities that the first drop of a deeper network with shared layers leaves have no times.
const ACTIVE_AS_A_WHOLE: &str = "times from the actual weights are known up to the end of the first drop only: three and more layers, some of them shared, \
     are followed as a whole from there on, and what comes later is the run itself";

/// Why there may be no times.
const TOO_MANY_STEPS: &str = "times from the actual weights would take too many steps, as where samples rest at the kinks of units";

/// The groups of a network on their way.
pub(super) struct Course<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    /// Relative tolerance of a step.
    rtol: f64,
    atol: f64,
    /// When the run ends.
    limit: f64,
    state: DVector<f64>,
    now: f64,
    steps: u64,
    groups: Vec<Group>,
    is_active: Vec<bool>,
    /// Whether what a modality comes to is known once it rests only: many maps fit equally well. There is no end to wait for where
    /// the run has none in time, nor where its first drop is all that is followed.
    seeks_levels: bool,
    /// Whether the loss falls slowly at the end of the last stage. Where it does not, modalities are still on their way.
    is_slow: bool,
    tracks: Vec<Track>,
}

/// How a stage ends: the active groups are the same from its start to its end.
enum StageEnd {
    /// Some more groups become active.
    Active(Vec<usize>),
    /// All that is asked for is known.
    Known,
    /// A network that is one group has gone through its first drop.
    Dropped,
    /// The integration ended before that.
    Ended(Outcome),
}

impl<'p> Course<'p> {
    pub(super) fn new(
        (moments, architecture): (&'p Moments, &'p Architecture),
        weights: &DVector<f64>,
        (rtol, limit): (f64, f64),
    ) -> Self {
        let rtol = rtol.max(FINEST);
        let groups = Group::all_of(architecture);
        let is_determined = moments.rank() == moments.inputs_len();
        let has_end = limit.is_finite() && groups.len() > 1;
        let seeks_levels = known_parts(moments).is_none() && !is_determined && has_end;
        let track = if seeks_levels {
            Track::of_sizes()
        } else {
            Track::default()
        };
        Self {
            moments,
            architecture,
            rtol,
            atol: rtol * smallest_layer_rms(architecture, weights),
            state: weights.clone(),
            now: 0.0,
            steps: 0,
            is_active: vec![false; groups.len()],
            groups,
            limit,
            seeks_levels,
            is_slow: false,
            tracks: vec![track; moments.modalities.len()],
        }
    }

    /// Follows the groups until all modalities are learned, or to the limit; `asked` tells after each step whether to take another
    /// one.
    ///
    /// # Errors
    /// Why no time is known.
    pub(super) fn go_on(mut self, asked: &dyn Fn() -> bool) -> Result<FromWeights, &'static str> {
        let end = loop {
            match self.stage(self.limit - self.now, asked) {
                StageEnd::Active(groups) => groups.iter().for_each(|&g| self.is_active[g] = true),
                StageEnd::Known => break None,
                StageEnd::Dropped => break Some(ACTIVE_AS_A_WHOLE),
                StageEnd::Ended(Outcome::StepLimit) => break Some(TOO_MANY_STEPS),
                StageEnd::Ended(Outcome::Interrupted) => return Err(NOT_WAITED_FOR),
                StageEnd::Ended(_) => break Some(NOT_BEFORE_THE_END),
            }
        };
        if self.seeks_levels && self.is_slow && end != Some(TOO_MANY_STEPS) {
            self.settle();
        }
        let event = |track: &Track| track.half().map(Event::at);
        let events: Vec<_> = self.tracks.iter().map(event).collect();
        let is_missing = events.iter().any(Option::is_none);
        if end == Some(TOO_MANY_STEPS) && events.iter().all(Option::is_none) {
            return Err(TOO_MANY_STEPS);
        }
        let mut found = FromWeights::of((self.moments, self.architecture), &events, None);
        // Nothing but the feedback of dormant groups.
        found.neglected = None;
        found.unknown = end.filter(|_| is_missing);
        Ok(found)
    }

    /// Takes what modalities have come to at the end, those that have come to anything: whose power is not a hundredth of all.
    fn settle(&mut self) {
        const LEAST: f64 = 1e-2;
        let power = |track: &Track| track.size().powi(2);
        let least = LEAST * self.tracks.iter().map(power).sum::<f64>();
        let learned = self.tracks.iter_mut().filter(|track| power(track) > least);
        learned.for_each(Track::settle);
    }

    /// Goes on with the groups that are active, at most for a time.
    fn stage(&mut self, limit: f64, asked: &dyn Fn() -> bool) -> StageEnd {
        let problem = (self.moments, self.architecture);
        let start = (self.now, &self.state);
        let active = (&self.is_active[..], self.seeks_levels);
        let mut stage = Stage::new(problem, &self.groups, active, start);
        stage.begin(&self.state, &mut self.tracks);
        if let Some(groups) = stage.first_to_activate(&self.state) {
            return StageEnd::Active(groups);
        }
        let settings = Settings {
            method: Method::RungeKutta(Pair::Dopri5),
            rtol: self.rtol,
            atol: self.atol,
            t_end: limit,
            max_steps: MOST_STEPS.saturating_sub(self.steps),
        };
        let most_left = match self.moments.compared_by() {
            Loss::Squared => LEFT,
            Loss::CrossEntropy => LEFT_OF_CLASSES,
        };
        let mut flow = stage.flow();
        let are_all_active = self.is_active.iter().all(|active| *active);
        let has_one_group = self.groups.len() == 1;
        let tracks = &mut self.tracks;
        let mut has_dropped = false;
        let mut follow = |segment: &mut dyn Segment| {
            stage.take(segment, tracks);
            let known = tracks.iter().filter(|track| track.half().is_some());
            let known = known.count();
            let is_known = known == tracks.len();
            let is_done = is_known || are_all_active && stage.is_at_rest(most_left);
            has_dropped = !is_done && has_one_group && known > 0 && stage.has_dropped();
            match (stage.joining.is_some() || is_done || has_dropped, asked()) {
                (true, _) => Verdict::Stop(Outcome::Converged),
                (false, true) => Verdict::Continue,
                (false, false) => Verdict::Stop(Outcome::Interrupted),
            }
        };
        let start = self.state.clone();
        let end = integrate_explicit(&mut flow, start, &settings, &mut follow);
        self.steps += end.work.steps + end.work.rejected_steps;
        stage.settle(tracks);
        self.is_slow = stage.has_dropped();
        let Some(joining) = stage.joining else {
            return match end.outcome {
                Outcome::Converged if has_dropped => StageEnd::Dropped,
                Outcome::Converged => StageEnd::Known,
                outcome => StageEnd::Ended(outcome),
            };
        };
        (self.state, self.now) = (joining.state, self.now + joining.time);
        StageEnd::Active(joining.groups)
    }
}
