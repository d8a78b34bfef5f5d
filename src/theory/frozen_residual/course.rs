//! From saddle to saddle: which modality is learned next, and when.

use super::super::from_weights::{Event, FromWeights, NOT_BEFORE_THE_END};
use super::NOT_WAITED_FOR;
use super::stage::Stage;
use super::track::Track;
use crate::data::{Loss, Moments};
use crate::integrate::{Method, Outcome, Pair, Segment, Settings, Verdict, integrate_explicit};
use crate::network::{Architecture, smallest_layer_rms};
use nalgebra::DVector;

/// Share of the loss gained so far that the last third of the time may have gained where stacks are at rest: their outputs are
/// then within the root of that. The rate does not tell, since units that rest at a kink go on jumping to and fro.
const LEFT: f64 = 1e-6;

/// The same under cross-entropy. Classes that can be told apart have no minimum at finite weights: the loss falls like 1/t,
/// and probabilities are within about this share of where they tend to.
const LEFT_OF_CLASSES: f64 = 1e-3;

/// Finest relative tolerance of a step.
const FINEST: f64 = 1e-4;

/// Most steps of all integrations.
const MOST_STEPS: u64 = 20_000;

/// Why there may be no times.
const TOO_MANY_STEPS: &str =
    "times from the actual weights would take too many steps: samples rest at the kinks of units";

/// The stacks on their way.
pub(super) struct Course<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    /// Relative tolerance of a step.
    rtol: f64,
    atol: f64,
    state: DVector<f64>,
    now: f64,
    steps: u64,
    heard: Vec<usize>,
    tracks: Vec<Track>,
}

/// How a stage ends: the stacks heard are the same from its start to its end.
enum StageEnd {
    /// One more stack is heard from here on.
    Heard(usize),
    /// All that is asked for is known.
    Known,
    /// The integration ended before that.
    Ended(Outcome),
}

impl<'p> Course<'p> {
    pub(super) fn new(
        (moments, architecture): (&'p Moments, &'p Architecture),
        weights: &DVector<f64>,
        rtol: f64,
    ) -> Self {
        let rtol = rtol.max(FINEST);
        Self {
            moments,
            architecture,
            rtol,
            atol: rtol * smallest_layer_rms(architecture, weights),
            state: weights.clone(),
            now: 0.0,
            steps: 0,
            heard: Vec::new(),
            tracks: vec![Track::default(); moments.modalities.len()],
        }
    }

    /// Follows the stacks until all are learned, or to the time `limit`; `asked` tells after each step whether to take another
    /// one.
    ///
    /// # Errors
    /// Why no time is known.
    pub(super) fn go_on(
        mut self,
        limit: f64,
        asked: &dyn Fn() -> bool,
    ) -> Result<FromWeights, &'static str> {
        let end = loop {
            match self.stage(limit - self.now, asked) {
                StageEnd::Heard(modality) => self.heard.push(modality),
                StageEnd::Known => break None,
                StageEnd::Ended(Outcome::StepLimit) => break Some(TOO_MANY_STEPS),
                StageEnd::Ended(Outcome::Interrupted) => return Err(NOT_WAITED_FOR),
                StageEnd::Ended(_) => break Some(NOT_BEFORE_THE_END),
            }
        };
        let event = |track: &Track| track.half().map(Event::at);
        let events: Vec<_> = self.tracks.iter().map(event).collect();
        let is_missing = events.iter().any(Option::is_none);
        if end == Some(TOO_MANY_STEPS) && events.iter().all(Option::is_none) {
            return Err(TOO_MANY_STEPS);
        }
        let mut found = FromWeights::of((self.moments, self.architecture), &events, None);
        // Nothing but the feedback of stacks that are not heard.
        found.neglected = None;
        found.unknown = end.filter(|_| is_missing);
        Ok(found)
    }

    /// Goes on with the stacks that are heard, at most for a time.
    fn stage(&mut self, limit: f64, asked: &dyn Fn() -> bool) -> StageEnd {
        let problem = (self.moments, self.architecture);
        let mut stage = Stage::new(problem, &self.heard, (self.now, &self.state));
        stage.begin(&self.state, &mut self.tracks);
        if let Some(modality) = stage.first_felt() {
            return StageEnd::Heard(modality);
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
        let (heard, tracks) = (self.heard.len(), &mut self.tracks);
        let mut follow = |segment: &mut dyn Segment| {
            stage.take(segment, tracks);
            let is_known = tracks.iter().all(|track| track.half().is_some());
            let is_done = is_known || heard == tracks.len() && stage.is_at_rest(most_left);
            match (stage.joining.is_some() || is_done, asked()) {
                (true, _) => Verdict::Stop(Outcome::Converged),
                (false, true) => Verdict::Continue,
                (false, false) => Verdict::Stop(Outcome::Interrupted),
            }
        };
        let start = self.state.clone();
        let end = integrate_explicit(&mut flow, start, &settings, &mut follow);
        self.steps += end.work.steps + end.work.rejected_steps;
        let Some(joining) = stage.joining else {
            return match end.outcome {
                Outcome::Converged => StageEnd::Known,
                outcome => StageEnd::Ended(outcome),
            };
        };
        (self.state, self.now) = (joining.state, self.now + joining.time);
        StageEnd::Heard(joining.modality)
    }
}
