//! What a network of units that are not linear does: its flow at each fusion layer, by samples.
//!
//! Times are measured on the flow of the samples; beside them stands what theory expects of the linear network from the same
//! initial weights on the same samples. A flow ends where the loss is nearly that of the best linear map of all modalities:
//! by then each modality that a linear map needs is mostly there, else one goes on to half of that loss. Every evaluation passes all samples, so that width, samples and
//! steps are bounded before anything begins.

use super::clock::{Clock, Ongoing};
use super::layers::{LayerPhase, LayerTheory, Prepared, Shared};
use super::work::with_fusion;
use crate::data::{Content, Rows};
use crate::error::Result;
use crate::experiment::compare::relative_gap;
use crate::experiment::problem::Problem;
use crate::experiment::results::FlowRun;
use crate::experiment::run::Plan;
use crate::flow::sampled_work;
use crate::integrate::{MethodChoice, Outcome};
use crate::linalg::random::{Purpose, stream};
use crate::network::{Architecture, NetworkSection};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;
use std::sync::Arc;

/// Most multiplications of a flow: less than half a minute on one core.
const MULTIPLICATIONS: u64 = 200_000_000_000;

/// Evaluations that a flow should have: those of four layers of ReLU units on the rows of diabetes took up to 15,000.
const EVALUATIONS: u64 = 10_000;

/// Evaluations of a step; the same flows took 10 to 16, at the kinks of units more than the pair's 6.
const A_STEP: u64 = 12;

/// Parts that a flow counts for: on the rows of diabetes it took twenty to a hundred times as long as a linear one.
pub(super) const SAMPLED_PARTS: u64 = 1_000;

/// Width where it is free.
const WIDTH: usize = 30;

/// Fewest rows.
const FEWEST: usize = 50;

/// Relative tolerance at least: ratios are right to some thousandths with it (`docs/nonlinear.md`, "Kinks").
const COARSE: f64 = 1e-2;

/// The fraction of what a linear map can learn that a flow leaves.
const LEFT: f64 = 0.02;

/// How much of that loss a flow goes on to, where no second modality is learned by then.
const FURTHER: f64 = 0.5;

/// The keys of a diagnosis that stay those of the linear network, whatever the units.
const OF_LINEAR_UNITS: [&str; 7] = [
    "first",
    "superficial",
    "late_ratio",
    "scalings",
    "layers",
    "recommendation",
    "remedies",
];

/// What units that are not linear do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BySamples {
    /// The activation; `linear` for linear units with biases.
    pub activation: &'static str,
    /// Whether units have biases.
    pub biases: bool,
    /// Rows trained on: all of them, or as many as can be afforded.
    pub rows: usize,
    /// Width of the hidden layers; null where each has its own.
    pub width: Option<usize>,
    /// Most steps of a flow.
    pub most_steps: u64,
    /// Each fusion layer.
    pub layers: Vec<SampledLayer>,
    /// The keys of the diagnosis that are of the linear network all the same: nothing of hold-out, recommendation and remedies
    /// is told of these units.
    pub of_linear_units: [&'static str; 7],
}

/// What one fusion layer does with units that are not linear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledLayer {
    /// What is learned when.
    #[serde(flatten)]
    pub learned: LayerPhase,
    /// What theory expects of the linear network from the same initial weights on the same rows.
    pub linear_theory: LayerTheory,
    /// (measured - linear theory)/linear theory.
    pub gaps: LayerTheory,
    /// When the flow ended.
    pub t_end: f64,
    /// How the flow ended.
    pub outcome: Outcome,
    /// Why something is missing.
    pub reasons: Vec<String>,
}

/// How much a diagnosis by samples may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Rows trained on.
    rows: usize,
    /// Those that there are.
    of: usize,
    /// Steps of a flow.
    steps: u64,
    /// Multiplications of a flow.
    multiplications: u64,
}

impl Bounds {
    /// Of a network of so many weights on so many rows; draws of a population are all taken.
    fn of(weights: usize, rows: usize, is_drawn: bool) -> Self {
        let affordable = MULTIPLICATIONS / EVALUATIONS / sampled_work(weights, 1).max(1);
        let taken = match is_drawn {
            true => rows,
            false => rows.min(FEWEST.max(affordable as usize)),
        };
        let step = A_STEP * sampled_work(weights, taken as u64).max(1);
        let steps = (MULTIPLICATIONS / step).max(1);
        Self {
            rows: taken,
            of: rows,
            steps,
            multiplications: steps * step,
        }
    }
}

/// A network of units that are not linear, on the rows that can be afforded.
pub(super) struct Sampled {
    network: NetworkSection,
    shared: Shared,
    bounds: Bounds,
}

impl Sampled {
    /// The network `network` on the data that the linear flows see, of `rows` rows trained on.
    pub(super) fn new(
        mut network: NetworkSection,
        is_width_free: bool,
        linear: &Shared,
        rows: usize,
    ) -> Result<Self> {
        if is_width_free {
            network.width = Some(WIDTH);
        }
        let moments = linear.moments();
        let modalities = &moments.modalities;
        let architecture = Architecture::of(&network, modalities, moments.outputs_len())?;
        let is_drawn = matches!(&**linear.content(), Content::Population(_));
        let bounds = Bounds::of(architecture.len(), rows, is_drawn);
        let content = part(linear.content(), bounds.rows, linear.seed());
        Ok(Self {
            shared: linear.with_samples(&network, content)?,
            network,
            bounds,
        })
    }

    /// What it costs, to be said before it begins.
    pub(super) fn words(&self, flows: usize) -> String {
        let Bounds {
            rows,
            of,
            steps,
            multiplications,
        } = self.bounds;
        let width = self
            .network
            .width
            .map_or(String::new(), |width| format!(" of width {width}"));
        format!(
            "{} units{width} by samples: {flows} fusion layers on {rows} of {of} rows trained on, each with one or two flows of \
             at most {steps} steps or {multiplications:.0e} multiplications, which take an idle core about half a minute each",
            name(&self.network),
            multiplications = multiplications as f64
        )
    }

    /// The flow of every fusion layer.
    pub(super) fn run(&self, fusions: &[Option<usize>], clock: &Clock<'_>) -> Ongoing<BySamples> {
        let fusions = fusions.par_iter().with_max_len(1);
        let layers = fusions.map(|fusion| self.layer(*fusion, clock));
        Ok(BySamples {
            activation: self.network.activation.name(),
            biases: self.network.biases,
            rows: self.bounds.rows,
            width: self.network.width,
            most_steps: self.bounds.steps,
            layers: layers.collect::<Ongoing<_>>()?,
            of_linear_units: OF_LINEAR_UNITS,
        })
    }

    fn layer(&self, fusion: Option<usize>, clock: &Clock<'_>) -> Ongoing<SampledLayer> {
        let linear = self.shared.problem(|scenario| {
            with_fusion(fusion)(scenario);
            scenario.network = scenario.network.without_activation();
        })?;
        let linear = Prepared::new(linear);
        let theory = LayerTheory::of(&linear.theory);
        let mut left = 1.0;
        let mut flow = self.flow((fusion, left), &linear, clock)?;
        if flow.end.outcome == Outcome::Converged && flow.detection.phase.t_second.is_none() {
            // The units of the first modality fit what no linear map does, so that the loss was met without the second.
            left = FURTHER;
            clock.expect(SAMPLED_PARTS as usize);
            flow = self.flow((fusion, left), &linear, clock)?;
        }
        let phase = &flow.detection.phase;
        let mut reasons: Vec<String> = phase.reason.iter().cloned().collect();
        if flow.end.outcome == Outcome::StepLimit && phase.t_second.is_none() {
            let steps = self.bounds.steps;
            reasons.push(format!(
                "the flow ended at its {steps} steps, the most that can be afforded"
            ));
        }
        Ok(SampledLayer {
            learned: LayerPhase::of(fusion, phase),
            gaps: LayerTheory {
                t_first: relative_gap(phase.t_first, theory.t_first),
                t_second: relative_gap(phase.t_second, theory.t_second),
                ratio: relative_gap(phase.ratio, theory.ratio),
            },
            linear_theory: theory,
            t_end: flow.trajectory.end().time,
            outcome: flow.end.outcome,
            reasons,
        })
    }

    fn flow(
        &self,
        leg: (Option<usize>, f64),
        linear: &Prepared,
        clock: &Clock<'_>,
    ) -> Ongoing<FlowRun> {
        let problem = self.problem(leg, linear)?;
        let plan = Plan::measuring(&problem);
        clock.long_flow((&problem, &plan), (SAMPLED_PARTS, self.bounds.steps))
    }

    /// The network of a fusion layer, whose flow ends at so much of the usual loss, and where that of the linear one is
    /// expected to at the latest.
    fn problem(&self, (fusion, left): (Option<usize>, f64), linear: &Prepared) -> Result<Problem> {
        let moments = self.shared.moments();
        let nothing = moments.least.loss + moments.learnable_loss();
        let gap = (moments.least.loss + LEFT * moments.learnable_loss()) / nothing;
        self.shared.problem(|scenario| {
            with_fusion(fusion)(scenario);
            let flow = &mut scenario.flow;
            flow.method = MethodChoice::Auto;
            flow.rtol = Some(flow.rtol.unwrap_or(0.0).max(COARSE));
            flow.max_steps = flow.max_steps.min(self.bounds.steps);
            flow.until.time = linear.problem.scenario.flow.until.time;
            flow.until.loss_gap = Some(left * gap);
        })
    }
}

/// The units in a word or two.
pub(super) fn name(network: &NetworkSection) -> String {
    let biases = if network.biases { " biased" } else { "" };
    format!("{}{biases}", network.activation.name())
}

/// So many of the rows trained on, drawn by a seed; all of them where there are no more.
fn part(content: &Arc<Content>, count: usize, seed: u64) -> Arc<Content> {
    let Content::Rows { training, .. } = &**content else {
        return Arc::clone(content);
    };
    let mut order: Vec<usize> = (0..training.inputs.nrows()).collect();
    if count >= order.len() {
        return Arc::clone(content);
    }
    order.shuffle(&mut stream(seed, Purpose::Resampling));
    order.truncate(count);
    order.sort_unstable();
    Arc::new(Content::Rows {
        training: Box::new(Rows {
            modalities: training.modalities.clone(),
            inputs: training.inputs.select_rows(&order),
            targets: training.targets.select_rows(&order),
            parts: None,
            reading: None,
            loss: training.loss,
        }),
        holdout: None,
    })
}
