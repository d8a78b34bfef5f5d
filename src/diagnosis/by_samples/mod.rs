//! What a network of units that are not linear does: its flow at each fusion layer, by samples.
//!
//! Times are measured on the flow of the samples; beside them stands what theory expects of the linear network from the same
//! initial weights on the same samples. A flow ends where the loss is nearly that of the best linear map of all modalities:
//! by then each modality that a linear map needs is mostly there, else one goes on to half of that loss. Every evaluation
//! passes all samples, so that width, samples and steps are bounded before anything begins.
//!
//! | file | what it tells |
//! |---|---|
//! | `record.rs` | all of it, as plain data |
//! | `bounds.rs` | how much a flow may do |
//! | `divisions.rs` | the same on divisions of the rows |
//! | `remedies.rs` | what the remedies of the linear network do |

mod bounds;
mod divisions;
mod record;
mod remedies;

pub(super) use divisions::Divided;
pub use divisions::{OverDivisions, ShareSpread};
pub use record::{BySamples, SampledLayer};
pub use remedies::SampledRemedy;

use super::clock::{Clock, Ongoing};
use super::layers::{LayerPhase, LayerTheory, Prepared, Shared};
use super::stopping::{Descending, StepTimes, Stopping};
use super::work::with_fusion;
use super::{Recommendation, narrow};
use crate::data::{Content, Rows};
use crate::error::Result;
use crate::experiment::Scenario;
use crate::experiment::compare::{WeightsGap, with_theory};
use crate::experiment::problem::Problem;
use crate::experiment::results::FlowRun;
use crate::experiment::run::Plan;
use crate::integrate::{Method, MethodChoice, Outcome};
use crate::linalg::random::{Purpose, stream};
use crate::network::{Architecture, NetworkSection};
use crate::theory::Theory;
use bounds::Bounds;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use record::OF_LINEAR_UNITS;
use std::sync::Arc;

/// Parts that a flow counts for: on the rows of diabetes it took twenty to a hundred times as long as a linear one.
pub(super) const SAMPLED_PARTS: u64 = 1_000;

/// Relative tolerance at least, of Chebyshev steps, whose estimate sees the jumps of the rate at kinks; and of other steps, those
/// of networks with kinks being kept to a hundredth of it.
const LEAST_RTOL: f64 = 2e-2;
const LEAST_RTOL_DOPRI5: f64 = 1e-1;

/// The fraction of what a linear map can learn that a flow leaves.
const LEFT: f64 = 0.02;

/// How much of that loss a flow goes on to, where no second modality is learned by then.
const FURTHER: f64 = 0.5;

/// A network of units that are not linear, on the rows that can be afforded.
pub(super) struct Sampled {
    network: NetworkSection,
    shared: Shared,
    bounds: Bounds,
}

/// A fusion layer, and how far its flow goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leg {
    fusion: Option<usize>,
    /// How much of the usual loss it leaves.
    left: f64,
    /// When it ends at the latest.
    until: Option<f64>,
}

/// A flow with what it starts from.
struct Flown {
    leg: Leg,
    theory: Theory,
    problem: Problem,
    flow: FlowRun,
}

impl Sampled {
    /// The network `network` on the data that the linear flows see, of `rows` rows trained on and held out; so many divisions
    /// of them are wanted.
    pub(super) fn new(
        mut network: NetworkSection,
        is_width_free: bool,
        linear: &Shared,
        (rows, divisions): ((usize, usize), usize),
    ) -> Result<Self> {
        let moments = linear.moments();
        if is_width_free {
            network.width = Some(narrow(moments));
        }
        let modalities = &moments.modalities;
        let architecture = Architecture::of(&network, modalities, moments.outputs_len())?;
        let is_drawn = matches!(&**linear.content(), Content::Population(_));
        let flows = flows(network.depth.unwrap_or(1), divisions);
        let bounds = Bounds::of(flows, architecture.len(), rows, is_drawn);
        let content = part(linear.content(), bounds.rows, linear.seed());
        Ok(Self {
            shared: linear.with_samples(&network, content)?,
            network,
            bounds,
        })
    }

    /// The same network on a division of the rows.
    fn on(&self, division: &Shared) -> Result<Self> {
        let content = part(division.content(), self.bounds.rows, division.seed());
        Ok(Self {
            shared: division.with_samples(&self.network, content)?,
            network: self.network.clone(),
            bounds: self.bounds,
        })
    }

    /// What it costs, to be said before it begins; `flows` are those of the fusion layers, `divisions` of the rows.
    pub(super) fn words(&self, fusions: usize, divisions: usize) -> String {
        let Bounds {
            rows,
            of,
            steps,
            multiplications,
            seconds,
        } = self.bounds;
        let time = match seconds {
            0..=90 => format!("{seconds} s"),
            _ => format!("{} minutes", seconds.div_ceil(60)),
        };
        let width = self
            .network
            .width
            .map_or(String::new(), |width| format!(" of width {width}"));
        let divided = match divisions {
            0 => String::new(),
            divisions => format!(", on {divisions} divisions of the rows"),
        };
        format!(
            "{} units{width} by samples: {fusions} fusion layers on {rows} of {of} rows trained on{divided}, and with remedies; \
             each flow of at most {steps} steps or about {multiplications:.0e} multiplications, all of them about {time} on \
             two idle cores at the most",
            name(&self.network),
            multiplications = multiplications as f64
        )
    }

    /// The flow of every fusion layer on all rows, and how far each of them goes.
    pub(super) fn layers(
        &self,
        fusions: &[Option<usize>],
        descending: Descending,
        clock: &Clock<'_>,
    ) -> Ongoing<Vec<(SampledLayer, Leg)>> {
        let layer = |fusion: &Option<usize>| {
            let mut flown = self.fly(*fusion, clock)?;
            let phase = &flown.flow.detection.phase;
            if flown.flow.end.outcome == Outcome::Converged && phase.t_second.is_none() {
                // The units of the first modality fit what no linear map does, so that the loss was met without the second.
                clock.expect(SAMPLED_PARTS as usize);
                let leg = Leg {
                    left: FURTHER,
                    ..flown.leg
                };
                flown = self.fly_on(leg, flown.theory, clock)?;
            }
            Ok((self.told(&flown, descending), flown.leg))
        };
        fusions.par_iter().with_max_len(1).map(layer).collect()
    }

    /// Everything together.
    pub(super) fn join(
        &self,
        layers: Vec<SampledLayer>,
        recommendation: Recommendation,
        (remedies, remedies_reason): (Vec<SampledRemedy>, Option<String>),
    ) -> BySamples {
        let (_, rtol) = self.stepping(self.shared.scenario());
        BySamples {
            activation: self.network.activation.name(),
            biases: self.network.biases,
            rows: self.bounds.rows,
            width: self.network.width,
            method: Method::Chebyshev.name(),
            rtol,
            most_steps: self.bounds.steps,
            layers,
            recommendation,
            remedies,
            remedies_reason,
            of_linear_units: OF_LINEAR_UNITS,
        }
    }

    fn told(&self, flown: &Flown, descending: Descending) -> SampledLayer {
        let Flown {
            leg,
            theory,
            problem,
            flow,
            ..
        } = flown;
        let phase = &flow.detection.phase;
        let stopping = Stopping::of((problem, flow), descending);
        let mut reasons: Vec<String> = phase.reason.iter().cloned().collect();
        if flow.end.outcome == Outcome::StepLimit && phase.t_second.is_none() {
            let steps = self.bounds.steps;
            reasons.push(format!(
                "the flow ended at its {steps} steps, the most that can be afforded"
            ));
        }
        let without_stop =
            "no early stop: there are no rows held out to measure the error of these units on";
        reasons.extend(stopping.reason(phase, without_stop).map(str::to_owned));
        let gap = with_theory(&problem.observables(), phase, theory);
        let by_formulas = WeightsGap {
            t_first: gap.t_first,
            t_second: gap.t_second,
            ratio: gap.ratio,
        };
        let learned = LayerPhase::of(leg.fusion, phase);
        let linear_theory = LayerTheory::of(theory);
        reasons.extend(
            linear_theory
                .reasons(&learned)
                .map(|r| format!("linear {r}")),
        );
        SampledLayer {
            learned,
            gaps: match theory.from_weights {
                Some(_) => gap.weights,
                None => by_formulas,
            },
            linear_theory,
            steps: StepTimes::of(phase, descending),
            stopping,
            divisions: None,
            t_end: flow.trajectory.end().time,
            outcome: flow.end.outcome,
            reasons,
        }
    }

    /// The flow of a fusion layer to the usual loss, beside theory of the linear network, which also says when it ends at the
    /// latest.
    fn fly(&self, fusion: Option<usize>, clock: &Clock<'_>) -> Ongoing<Flown> {
        let linear = Prepared::new(self.shared.problem(|scenario| {
            with_fusion(fusion)(scenario);
            scenario.network = scenario.network.without_activation();
        })?);
        let leg = Leg {
            fusion,
            left: 1.0,
            until: linear.problem.scenario.flow.until.time,
        };
        self.fly_on(leg, linear.theory, clock)
    }

    fn fly_on(&self, leg: Leg, theory: Theory, clock: &Clock<'_>) -> Ongoing<Flown> {
        let problem = self.problem(leg, |_| {})?;
        let flow = self.flow(&problem, clock)?;
        Ok(Flown {
            leg,
            theory,
            problem,
            flow,
        })
    }

    fn flow(&self, problem: &Problem, clock: &Clock<'_>) -> Ongoing<FlowRun> {
        let plan = Plan::measuring(problem);
        clock.long_flow((problem, &plan), (SAMPLED_PARTS, self.bounds.steps))
    }

    /// Method and relative tolerance. Kinks and stiffness ask for many times as many evaluations of other explicit steps;
    /// modulated flows take no other.
    fn stepping(&self, scenario: &Scenario) -> (MethodChoice, f64) {
        let is_modulated = scenario.remedy.modulation().is_some();
        let (method, least) = match is_modulated && !self.network.activation.is_smooth() {
            true => (MethodChoice::Auto, LEAST_RTOL_DOPRI5),
            false => (MethodChoice::Chebyshev, LEAST_RTOL),
        };
        (method, scenario.flow.rtol.unwrap_or(0.0).max(least))
    }

    /// The network of a fusion layer after a change, whose flow goes that far.
    fn problem(&self, leg: Leg, change: impl FnOnce(&mut Scenario)) -> Result<Problem> {
        let moments = self.shared.moments();
        let nothing = moments.least.loss + moments.learnable_loss();
        let gap = (moments.least.loss + LEFT * moments.learnable_loss()) / nothing;
        self.shared.problem(|scenario| {
            with_fusion(leg.fusion)(scenario);
            change(scenario);
            let (method, rtol) = self.stepping(scenario);
            let flow = &mut scenario.flow;
            flow.method = method;
            flow.rtol = Some(rtol);
            flow.max_steps = flow.max_steps.min(self.bounds.steps);
            flow.until.time = leg.until;
            flow.until.loss_gap = Some(leg.left * gap);
        })
    }
}

/// Flows of a diagnosis, about: of each fusion layer one on all rows, or two, and one on each division; and with remedies, of
/// which some see every sample twice.
fn flows(fusions: usize, divisions: usize) -> usize {
    /// With remedies.
    const REMEDIES: usize = 6;
    fusions * (2 + divisions) + REMEDIES
}

/// The units in a word or two.
pub(super) fn name(network: &NetworkSection) -> String {
    let biases = if network.biases { " biased" } else { "" };
    format!("{}{biases}", network.activation.name())
}

/// So many of the rows trained on, and of those held out, drawn by a seed; all of them where there are no more.
fn part(content: &Arc<Content>, count: usize, seed: u64) -> Arc<Content> {
    let Content::Rows { training, holdout } = &**content else {
        return Arc::clone(content);
    };
    let held_out = holdout.as_ref().map_or(0, |rows| rows.inputs.nrows());
    if count >= training.inputs.nrows().max(held_out) {
        return Arc::clone(content);
    }
    let mut random = stream(seed, Purpose::Resampling);
    let mut drawn = |rows: &Rows| {
        let mut order: Vec<usize> = (0..rows.inputs.nrows()).collect();
        order.shuffle(&mut random);
        order.truncate(count);
        order.sort_unstable();
        Box::new(Rows {
            modalities: rows.modalities.clone(),
            inputs: rows.inputs.select_rows(&order),
            targets: rows.targets.select_rows(&order),
            parts: None,
            reading: None,
            loss: rows.loss,
        })
    };
    Arc::new(Content::Rows {
        training: drawn(training),
        holdout: holdout.as_deref().map(drawn),
    })
}
