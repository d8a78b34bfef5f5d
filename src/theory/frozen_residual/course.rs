//! From saddle to saddle: which modality is learned next, and when.

use super::super::from_weights::{Event, FromWeights, NOT_BEFORE_THE_END};
use super::NOT_WAITED_FOR;
use super::fit::{Fitted, fit, flow_for, settings};
use crate::data::{Moments, Samples};
use crate::flow::Flow;
use crate::integrate::{Outcome, Segment, Verdict, integrate_explicit};
use crate::linalg::dot;
use crate::network::Architecture;
use nalgebra::DVector;
use std::ops::Range;
use std::sync::Arc;

/// Power of a stack's outputs over that of the residual at which it is followed to what it fits.
const NEAR_ITS_DROP: f64 = 1e-6;

/// The stacks on their way.
pub(super) struct Course<'p> {
    moments: &'p Moments,
    samples: &'p Samples,
    architecture: &'p Architecture,
    /// The weights of the stacks that wait; zero for those that are learned.
    waiting: DVector<f64>,
    /// The weights of the learned stacks at rest; zero for the others.
    settled: DVector<f64>,
    learned: Vec<usize>,
    /// y less what the learned stacks fit, as [`Samples::targets`].
    residual: Vec<f64>,
    now: f64,
    events: Vec<Option<Event>>,
    /// How long the drop of each learned modality takes, over when it comes.
    shares: Vec<f64>,
    /// Asked after each step whether to take another one.
    asked: &'p dyn Fn() -> bool,
}

/// A stack near its drop, and what it comes to.
struct Drop {
    modality: usize,
    /// From now to where it is near.
    wait: f64,
    /// The learned stacks and this one there.
    start: DVector<f64>,
    fitted: Fitted,
}

impl<'p> Course<'p> {
    pub(super) fn new(
        (moments, samples): (&'p Moments, &'p Samples),
        architecture: &'p Architecture,
        weights: &DVector<f64>,
        asked: &'p dyn Fn() -> bool,
    ) -> Self {
        Self {
            asked,
            waiting: weights.clone(),
            settled: DVector::zeros(weights.len()),
            learned: Vec::new(),
            residual: samples.targets().to_vec(),
            now: 0.0,
            events: vec![None; moments.modalities.len()],
            shares: Vec::new(),
            moments,
            samples,
            architecture,
        }
    }

    /// Follows the stacks until all are learned, or none is before the time `limit`.
    ///
    /// # Errors
    /// Why they were not followed so far: too many steps, or an interrupt.
    pub(super) fn go_on(&mut self, limit: f64) -> Result<(), &'static str> {
        while self.learned.len() < self.events.len() {
            let learned = self
                .next(limit - self.now)
                .and_then(|(drop, state)| self.learn(drop, state));
            match learned {
                Ok(()) => {}
                Err(Outcome::StepLimit) => {
                    return Err(
                        "times from the actual weights would take too many steps: samples rest at the kinks of units",
                    );
                }
                Err(Outcome::Interrupted) => return Err(NOT_WAITED_FOR),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// The times.
    pub(super) fn found(&self) -> FromWeights {
        let problem = (self.moments, self.architecture);
        let mut found = FromWeights::of(problem, &self.events, None);
        found.neglected = self.shares.iter().take(2).copied().reduce(f64::max);
        if self.learned.len() < self.events.len() {
            found.unknown = Some(NOT_BEFORE_THE_END);
        }
        found
    }

    /// The next drop, at most `limit` from now, and the stacks that wait, then; or how the flow ended without one.
    fn next(&self, limit: f64) -> Result<(Drop, DVector<f64>), Outcome> {
        let moments = self.with_targets(self.residual.clone());
        let mut flow = Flow::on_samples(self.architecture, &moments).frozen();
        let settings = settings(self.architecture, &self.waiting, limit);
        let mut reader = Flow::on_samples(self.architecture, self.moments);
        let mut drops = Vec::new();
        self.add_drops(&mut drops, &mut reader, (&self.waiting, 0.0))?;
        let mut then = None;
        let end = integrate_explicit(
            &mut flow,
            self.waiting.clone(),
            &settings,
            &mut |segment: &mut dyn Segment| {
                let end = segment.nodes()[2];
                let first = drops.iter().map(Drop::time).fold(f64::INFINITY, f64::min);
                if first <= end.time {
                    then = segment.state_at(first);
                    return Verdict::Stop(Outcome::Converged);
                }
                match self.add_drops(&mut drops, &mut reader, (end.state, end.time)) {
                    Ok(()) if (self.asked)() => Verdict::Continue,
                    Ok(()) => Verdict::Stop(Outcome::Interrupted),
                    Err(outcome) => Verdict::Stop(outcome),
                }
            },
        );
        let place = (0..drops.len()).min_by(|&a, &b| drops[a].time().total_cmp(&drops[b].time()));
        let (Some(place), Some(mut then)) = (place, then) else {
            return Err(end.outcome);
        };
        let drop = drops.swap_remove(place);
        // Others that are near theirs are no longer small: each has gone on as if it were alone beside the learned ones.
        for other in drops {
            let flow = Flow::on_samples(self.architecture, self.moments);
            let moved = flow_for(flow, other.start, drop.time() - other.wait, self.asked)?;
            self.copy_stack(other.modality, &moved, &mut then);
        }
        Ok((drop, then))
    }

    /// The same samples with other targets.
    fn with_targets(&self, targets: Vec<f64>) -> Moments {
        let mut moments = self.moments.clone();
        moments.samples = Some(Arc::new(self.samples.with_targets(targets)));
        moments
    }

    /// Takes the stacks that wait through what the residual had beyond a jump, an impulse in time.
    fn go_through(&mut self, excess: &[f64]) -> Result<(), Outcome> {
        let impulse = self.with_targets(excess.to_vec());
        let flow = Flow::on_samples(self.architecture, &impulse).frozen();
        self.waiting = flow_for(flow, self.waiting.clone(), 1.0, self.asked)?;
        Ok(())
    }

    /// Adds the stacks that are near their drops after `wait`, in `state`, and were not before.
    fn add_drops(
        &self,
        drops: &mut Vec<Drop>,
        reader: &mut Flow<'_>,
        (state, wait): (&DVector<f64>, f64),
    ) -> Result<(), Outcome> {
        let power = dot(&self.residual, &self.residual);
        for modality in 0..self.events.len() {
            let is_known = drops.iter().any(|drop| drop.modality == modality);
            if is_known || self.learned.contains(&modality) {
                continue;
            }
            let own = reader.outputs(Some(modality), state.as_slice());
            if dot(&own, &own) >= NEAR_ITS_DROP * power {
                let mut start = self.settled.clone();
                self.copy_stack(modality, state, &mut start);
                let problem = (self.moments, self.architecture);
                drops.push(Drop {
                    modality,
                    wait,
                    fitted: fit(problem, start.clone(), modality, self.asked)?,
                    start,
                });
            }
        }
        Ok(())
    }

    /// The entries of a stack in the state.
    fn entries(&self, m: usize) -> impl Iterator<Item = Range<usize>> {
        let layers = &self.architecture.layers[self.architecture.private[m].clone()];
        layers.iter().map(|layer| layer.range.clone())
    }

    fn copy_stack(&self, m: usize, from: &DVector<f64>, to: &mut DVector<f64>) {
        for range in self.entries(m) {
            let own = from.rows_range(range.clone());
            to.rows_range_mut(range).copy_from(&own);
        }
    }

    fn learn(&mut self, drop: Drop, state: DVector<f64>) -> Result<(), Outcome> {
        let m = drop.modality;
        self.events[m] = drop.fitted.half.map(|half| Event {
            time: self.now + drop.wait + half,
            half: 0.0,
            delay: 0.0,
        });
        self.now += drop.time();
        self.shares.push(drop.fitted.duration / self.now);
        self.settled.clone_from(&drop.fitted.weights);
        let mut reader = Flow::on_samples(self.architecture, self.moments);
        let fitted = reader.outputs(None, self.settled.as_slice());
        let left = self.samples.targets().iter().zip(&fitted);
        self.residual = left.map(|(y, fitted)| y - fitted).collect();
        self.waiting = state;
        for range in self.entries(m).collect::<Vec<_>>() {
            self.waiting.rows_range_mut(range).fill(0.0);
        }
        self.learned.push(m);
        self.go_through(&drop.fitted.excess)
    }
}

impl Drop {
    /// When others may take it for an instant, from now.
    fn time(&self) -> f64 {
        self.wait + self.fitted.instant
    }
}
