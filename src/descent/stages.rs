//! Stages of a descent: the flow that it follows changes at given times.

use super::Stepper;
use crate::data::Moments;
use crate::flow::Flow;

/// A stage that follows others.
#[derive(Debug)]
pub struct LaterStage<'a> {
    /// Flow time at which it begins: at the step nearest to that.
    pub from: f64,
    /// Its flow, of the same network.
    pub flow: Flow<'a>,
    /// The moments that drive it, with the samples that mini-batches are taken from.
    pub moments: &'a Moments,
}

/// The stages that have not begun.
pub(super) struct Later<'a> {
    stages: Vec<LaterStage<'a>>,
    time_step: f64,
}

impl<'a> Later<'a> {
    /// Stages in order of time, and the time of a step.
    pub fn new(stages: Vec<LaterStage<'a>>, time_step: f64) -> Self {
        Self { stages, time_step }
    }

    /// Whether the last stage has begun.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Goes on with the stage that begins at a step, if one does: the optimiser and the order of the samples keep what
    /// they remember.
    pub fn enter(&mut self, step: u64, flow: &mut Flow<'a>, walk: &mut Stepper<'a>) {
        let time = (step as f64 + 0.5) * self.time_step;
        let begun = self.stages.partition_point(|stage| stage.from <= time);
        for stage in self.stages.drain(..begun) {
            walk.architecture = stage.flow.architecture();
            if let Some(batches) = &mut walk.stepping.batches {
                batches.enter(walk.architecture, stage.moments);
            }
            *flow = stage.flow;
            flow.evaluate(&walk.weights);
        }
    }
}
