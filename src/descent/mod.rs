//! Discrete gradient descent on the same gradient, from the same weights: the baseline.
//!
//! w(n+1) = w(n) + eta dW/dt at w(n); step n stands at the flow time t = eta n. This is Euler's
//! method, so its distance from the flow is of first order in the learning rate eta. Mini-batches,
//! momentum and Adam are other ways to step ([`crate::descent::batches`], [`crate::descent::optimiser`]).
//!
//! | file | what it does |
//! |---|---|
//! | `mod.rs` | the steps, and when to look at them |
//! | `builder.rs` | the trajectory through what was looked at |
//! | `batches.rs` | mini-batches |
//! | `stages.rs` | stages in time, each with a flow of its own |
//! | `optimiser/` | the rule of a step |
//! | `learning_rates.rs` | the learning rates to try |

pub mod batches;
mod builder;
mod learning_rates;
pub mod optimiser;
mod stages;

pub use learning_rates::LearningRates;
pub use optimiser::DescentSection;
pub use stages::LaterStage;

use crate::descent::batches::Batches;
use crate::flow::{Flow, Observation};
use crate::integrate::{Outcome, Until};
use crate::linalg::{dot, norm};
use crate::network::Architecture;
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};
use builder::TrajectoryBuilder;
use optimiser::{Optimiser, Rule};
use serde::Serialize;
use stages::Later;
use std::ops::Range;

/// How far and how long descent runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Learning rate eta.
    pub learning_rate: f64,
    /// Flow time at which to stop; infinite where only the loss gap ends the run.
    pub t_end: f64,
    /// What ends it before; its time is not looked at.
    pub until: Until,
    /// Most steps.
    pub max_steps: u64,
}

impl Settings {
    /// Why it ends after so many steps, of so many until the time asked for.
    fn end_at(&self, step: u64, steps_to_end: u64) -> Option<Outcome> {
        if step >= steps_to_end {
            Some(Outcome::TimeReached)
        } else if step >= self.max_steps {
            Some(Outcome::StepLimit)
        } else {
            None
        }
    }
}

/// A finished descent.
#[derive(Debug, Clone, Serialize)]
pub struct Descent {
    /// Learning rate eta.
    pub learning_rate: f64,
    /// Flow time that a step stands for; eta for plain descent.
    #[serde(skip)]
    pub time_step: f64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Steps done; the divergence is at the last one.
    pub steps: u64,
    /// The loss after the last step.
    pub final_loss: f64,
    /// Whether it ends jumping between two states: the learning rate is above 2/lambda_max, and the loss's
    /// higher orders keep the steps from growing.
    pub period_two: bool,
    /// The trajectory through the steps that were looked at, in flow time. Rates are differences of
    /// neighbours: those of the smooth curve through the steps, which is not the flow's.
    #[serde(skip)]
    pub trajectory: Trajectory,
}

/// A loss this many times that of the zero map means that descent has diverged. Trajectories
/// from small weights never rise above it by more than an overshoot.
const DIVERGED: f64 = 1e3;

/// Share of a jump within which a descent that jumps between two states comes back to each.
const SWINGING: f64 = 1e-3;

/// The same of one that will go on for ever: an oscillation that fades takes more steps than there are.
const LOCKED: f64 = 1e-9;

/// How descent steps.
#[derive(Debug)]
pub struct Stepping<'a> {
    /// From gradients to steps.
    pub rule: Box<dyn Rule>,
    /// Where the gradients come from: mini-batches, or None for all samples.
    pub batches: Option<Batches<'a>>,
}

impl Stepping<'_> {
    /// Steps of this rule on all samples.
    pub fn on_all(rule: impl Rule + 'static) -> Self {
        Self {
            rule: Box::new(rule),
            batches: None,
        }
    }
}

/// Change of a layer, over its norm, that calls for a look. The parabolas between looks are then off
/// by some (2 x 5 %)^3/6 of a map of two layers.
const LOOK_CHANGE: f64 = 0.05;

/// Looks an epoch, however little changes.
const LOOKS: u64 = 8;

/// Weights under way.
struct Stepper<'a> {
    architecture: &'a Architecture,
    stepping: Stepping<'a>,
    optimiser: Box<dyn Optimiser>,
    weights: Vec<f64>,
    eta: f64,
    /// Minus the gradient.
    gradient: Vec<f64>,
    /// The weights last looked at, where not every step is.
    looked: Option<Vec<f64>>,
}

impl<'a> Stepper<'a> {
    fn new(flow: &Flow<'a>, stepping: Stepping<'a>, eta: f64, weights: &[f64]) -> Self {
        let architecture = flow.architecture();
        // A look takes all samples; with mini-batches it would be most of the work at each step,
        // unless moments serve for it.
        let skips = stepping.batches.is_some() && !flow.is_of_moments();
        Self {
            optimiser: stepping.rule.start(weights.len()),
            eta,
            gradient: vec![0.0; weights.len()],
            looked: skips.then(|| weights.to_vec()),
            weights: weights.to_vec(),
            architecture,
            stepping,
        }
    }

    /// Steps until the next look, at most `most` of them; gives back their number. The flow has been
    /// evaluated at the weights.
    fn advance(&mut self, flow: &Flow<'_>, most: u64) -> u64 {
        let most = match (&self.looked, &self.stepping.batches) {
            (Some(_), Some(batches)) => most.min((batches.in_epoch() as u64 / LOOKS).max(1)),
            _ => 1,
        };
        let mut steps = 0;
        while steps < most && !self.has_moved() {
            match &mut self.stepping.batches {
                Some(batches) => {
                    batches.write_next(&self.weights, &mut self.gradient);
                    self.architecture
                        .add_decay(&self.weights, &mut self.gradient);
                }
                None => {
                    flow.write_negative_gradient(&self.weights, &mut self.gradient);
                    flow.modulate(&mut self.gradient);
                }
            }
            self.optimiser.begin_step();
            for (range, factor) in self.architecture.rate_factors() {
                let eta = factor * self.eta;
                let gradient = &self.gradient[range.clone()];
                let weights = &mut self.weights[range.clone()];
                self.optimiser.step(range.start, eta, gradient, weights);
            }
            steps += 1;
        }
        if let Some(looked) = &mut self.looked {
            looked.copy_from_slice(&self.weights);
        }
        steps
    }

    /// Whether a layer, or the biases beside all weights, have changed much since the last look.
    fn has_moved(&self) -> bool {
        let Some(looked) = &self.looked else {
            return false;
        };
        let is_large = |change: f64, size: f64| change > LOOK_CHANGE * LOOK_CHANGE * size;
        let change = |range: &Range<usize>| -> f64 {
            let pairs = self.weights[range.clone()]
                .iter()
                .zip(&looked[range.clone()]);
            pairs.map(|(now, then)| (now - then).powi(2)).sum()
        };
        let layers = self.architecture.layers.iter().map(|layer| &layer.range);
        let biases = self.architecture.biases.iter().map(|bias| &bias.range);
        let size = |range: &Range<usize>| dot(&looked[range.clone()], &looked[range.clone()]);
        let moved = biases.map(change).sum::<f64>();
        layers
            .clone()
            .any(|layer| is_large(change(layer), size(layer)))
            || is_large(moved, size(&(0..looked.len())))
    }
}

/// Number of steps until a time. T / eta is a whole number for the usual choices, but its floating-point quotient
/// may fall short of it by round-off, that of 1 - momentum included.
pub fn steps_until(time: f64, time_step: f64) -> u64 {
    (time / time_step * (1.0 + 1e-12)).floor() as u64
}

/// Runs descent from `weights`. `observe` sees number, knot (with the rates of the gradient there, but none of
/// by-products)
/// and loss of every step, or with mini-batches of a network that is not linear of those between
/// which a layer changes by some per cent, a few an epoch at the least, and the last one; it may end
/// the run.
pub fn descend<'a>(
    flow: &mut Flow<'a>,
    weights: &[f64],
    settings: &Settings,
    stepping: Stepping<'a>,
    observe: &mut dyn FnMut(u64, &Knot, f64) -> Option<Outcome>,
) -> Descent {
    descend_in_stages(flow, weights, settings, stepping, Vec::new(), observe)
}

/// The same where other flows of the same network follow the first one, which is left as the last of them. A loss gap
/// ends the last stage only.
pub fn descend_in_stages<'a>(
    flow: &mut Flow<'a>,
    weights: &[f64],
    settings: &Settings,
    stepping: Stepping<'a>,
    stages: Vec<LaterStage<'a>>,
    observe: &mut dyn FnMut(u64, &Knot, f64) -> Option<Outcome>,
) -> Descent {
    let observables = Observables {
        architecture: flow.architecture(),
        moments: flow.moments(),
    };
    let eta = settings.learning_rate;
    let time_step = stepping.rule.time_step(eta);
    let steps_to_end = steps_until(settings.t_end, time_step);
    let mut walk = Stepper::new(flow, stepping, eta, weights);
    let mut observation = Observation::default();
    flow.observe(weights, &mut observation);
    let mut knot = Knot::of(0.0, &observation);
    let mut loss = observables.loss(&knot);
    let ceiling = DIVERGED * observables.moments.zero_loss().max(loss);
    let mut later = Later::new(stages, time_step);
    let path = TrajectoryBuilder::new(knot.clone(), observables.groups(), time_step);
    let mut path = path.with_stages(!later.is_empty());
    let (mut step, mut before) = (0, [None, None]);
    let outcome = loop {
        let has_converged = later.is_empty() && observables.reaches(&knot, &settings.until);
        if let Some(outcome) = observe(step, &knot, loss) {
            break outcome;
        } else if has_converged {
            break Outcome::Converged;
        } else if let Some(outcome) = settings.end_at(step, steps_to_end) {
            break outcome;
        } else if later.is_empty() && swings_on(settings, &observables, &before, &knot) {
            break Outcome::Stalled;
        }
        later.enter(step, flow, &mut walk);
        step += walk.advance(flow, steps_to_end.min(settings.max_steps) - step);
        flow.observe_values(&walk.weights, &mut observation);
        let last = std::mem::replace(&mut knot, Knot::of(time_step * step as f64, &observation));
        before = [before[1].take(), Some(last)];
        loss = observables.loss(&knot);
        // A loss that is not a number has diverged too.
        if loss.is_nan() || loss > ceiling {
            break Outcome::Diverged;
        }
        path.push(knot.clone());
    };
    Descent {
        learning_rate: eta,
        time_step,
        outcome,
        steps: step,
        final_loss: loss,
        period_two: has_period_two(&observables, &before, &knot, SWINGING),
        trajectory: path.finish(),
    }
}

/// Whether it will go there and back for ever: without an end in time only a loss gap ends a run.
fn swings_on(
    settings: &Settings,
    observables: &Observables<'_>,
    before: &[Option<Knot>; 2],
    knot: &Knot,
) -> bool {
    settings.t_end.is_infinite() && has_period_two(observables, before, knot, LOCKED)
}

/// Whether the last three steps went there and back: the map is where it was two steps ago, to `share` of the
/// way between, and that is more than what settles at the end of a run.
fn has_period_two(
    observables: &Observables<'_>,
    before: &[Option<Knot>; 2],
    knot: &Knot,
    share: f64,
) -> bool {
    let [Some(two), Some(one)] = before else {
        return false;
    };
    let distance = |other: &Knot| {
        let maps = observables.map(knot).iter().zip(observables.map(other));
        maps.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    };
    let jump = distance(one);
    jump > 1e-6 * norm(observables.map(knot)) && distance(two) < share * jump
}
