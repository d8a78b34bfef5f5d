//! Discrete gradient descent on the same gradient, from the same weights: the baseline.
//!
//! w(n+1) = w(n) + eta dW/dt at w(n); step n stands at the flow time t = eta n. This is Euler's
//! method, so its distance from the flow is of first order in the learning rate eta. Mini-batches,
//! momentum and Adam are other ways to step ([`crate::batches`], [`crate::optimiser`]).

use crate::batches::Batches;
use crate::flow::{Flow, Observables};
use crate::integrate::Outcome;
use crate::observe::Lens;
use crate::optimiser::{Optimiser, Rule};
use crate::track::{Knot, Track};
use std::ops::Range;

/// How far and how long descent runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Learning rate eta.
    pub learning_rate: f64,
    /// Flow time at which to stop; infinite where only the loss gap ends the run.
    pub t_end: f64,
    /// Share of the learnable loss at which to stop.
    pub loss_gap: Option<f64>,
    /// Most steps.
    pub max_steps: u64,
}

/// A finished descent.
#[derive(Debug, Clone)]
pub struct Descent {
    /// Learning rate eta.
    pub learning_rate: f64,
    /// How it stepped.
    pub rule: Rule,
    /// Flow time that a step stands for; eta for plain descent.
    pub time_step: f64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Steps done; the divergence is at the last one.
    pub steps: u64,
    /// The loss after the last step.
    pub final_loss: f64,
    /// The trajectory through the steps, in flow time. Rates are differences of neighbouring
    /// steps: those of the smooth curve through the steps, which is not the flow's.
    pub track: Track,
}

/// Relative error to which steps are dropped from the track: descent is off the flow by the order
/// of eta, a thousand times this at the least.
const TRACK_TOLERANCE: f64 = 1e-7;

/// A loss this many times that of the zero map means that descent has diverged. Trajectories
/// from small weights never rise above it by more than an overshoot.
const DIVERGED: f64 = 1e3;

/// How descent steps.
#[derive(Debug)]
pub struct Stepping<'a> {
    /// From gradients to steps.
    pub rule: Rule,
    /// Where the gradients come from: mini-batches, or None for all samples.
    pub batches: Option<Batches<'a>>,
}

impl Stepping<'_> {
    /// Steps from one look at the trajectory to the next. A look takes all samples; with
    /// mini-batches it would be most of the work at each step, unless moments serve for it.
    fn stride(&self, is_linear: bool) -> u64 {
        /// Looks an epoch.
        const LOOKS: u64 = 8;
        match &self.batches {
            Some(batches) if !is_linear => (batches.in_epoch() as u64 / LOOKS).max(1),
            _ => 1,
        }
    }
}

/// Runs plain descent on all samples from `weights`. `observe` sees every step's number and knot
/// (with the rates of the gradient there) and may end the run.
pub fn descend(
    flow: &mut Flow<'_>,
    weights: &[f64],
    settings: &Settings,
    observe: &mut dyn FnMut(u64, &Knot) -> Option<Outcome>,
) -> Descent {
    let stepping = Stepping {
        rule: Rule::Plain,
        batches: None,
    };
    descend_by(flow, weights, settings, stepping, observe)
}

/// Runs descent that steps as told from `weights`; `observe` as for [`descend`], but for what it
/// sees: every step, or a few an epoch of mini-batches of a network that is not linear. The run
/// ends with the last step that is looked at.
pub fn descend_by(
    flow: &mut Flow<'_>,
    weights: &[f64],
    settings: &Settings,
    mut stepping: Stepping<'_>,
    observe: &mut dyn FnMut(u64, &Knot) -> Option<Outcome>,
) -> Descent {
    let lens = Lens {
        architecture: flow.architecture(),
        moments: flow.moments(),
    };
    let eta = settings.learning_rate;
    let time_step = stepping.rule.time_step(eta);
    let stride = stepping.stride(flow.architecture().is_linear());
    // T / eta is a whole number for the usual choices, but its floating-point quotient may fall
    // short of it by round-off, that of 1 - momentum included.
    let steps_to_end = (settings.t_end / time_step * (1.0 + 1e-12)).floor();
    let mut optimiser = Optimiser::new(stepping.rule, eta, weights.len());
    let mut weights = weights.to_vec();
    let mut rate = vec![0.0; weights.len()];
    let mut observables = Observables::default();
    flow.observe(&weights, &mut observables);
    let mut knot = observables.knot(0.0);
    let ceiling = DIVERGED * lens.moments.initial_loss.max(lens.loss(&knot));
    let mut path = Path::new(time_step * stride as f64, knot.clone(), lens.groups());
    let mut step = 0;
    let outcome = loop {
        if let Some(outcome) = observe(step, &knot) {
            break outcome;
        }
        if settings
            .loss_gap
            .is_some_and(|gap| lens.loss_gap(&knot) <= gap)
        {
            break Outcome::Converged;
        }
        if (step + stride - 1) as f64 >= steps_to_end {
            break Outcome::TimeReached;
        }
        if step >= settings.max_steps {
            break Outcome::StepLimit;
        }
        flow.write_rate(&mut rate);
        for _ in 0..stride {
            if let Some(batches) = &mut stepping.batches {
                batches.next_rate(&weights, &mut rate);
            }
            optimiser.step(&rate, &mut weights);
        }
        step += stride;
        flow.observe(&weights, &mut observables);
        knot = observables.knot(time_step * step as f64);
        let loss = lens.loss(&knot);
        // A loss that is not a number has diverged too.
        if loss.is_nan() || loss > ceiling {
            break Outcome::Diverged;
        }
        path.push(knot.clone());
    };
    Descent {
        learning_rate: eta,
        rule: stepping.rule,
        time_step,
        outcome,
        steps: step,
        final_loss: lens.loss(&knot),
        track: path.finish(),
    }
}

/// Joins the steps to a track, two steps a piece, with differences of neighbours as rates.
struct Path {
    eta: f64,
    /// The end of the track, and the steps after it.
    recent: Vec<Knot>,
    track: Track,
}

impl Path {
    fn new(eta: f64, start: Knot, groups: Vec<Range<usize>>) -> Self {
        Self {
            eta,
            recent: vec![start.clone()],
            track: Track::new(start, groups, TRACK_TOLERANCE),
        }
    }

    fn push(&mut self, knot: Knot) {
        self.recent.push(knot);
        if let [a, b, c, d] = &mut self.recent[..] {
            set_central_rates(self.eta, a, b, c);
            set_central_rates(self.eta, b, c, d);
            self.append_piece();
        }
    }

    /// Moves the first piece, `recent[0..=2]`, to the track.
    fn append_piece(&mut self) {
        let end = self.recent[2].clone();
        let middle = self.recent.drain(..2).nth(1);
        if let Some(middle) = middle {
            self.track.push(middle, end);
        }
    }

    fn finish(mut self) -> Track {
        let eta = self.eta;
        match &mut self.recent[..] {
            [before, middle, end] => {
                set_central_rates(eta, before, middle, end);
                for i in 0..end.values.len() {
                    let values = [&before, &middle, &end].map(|knot| knot.values[i]);
                    end.rates[i] = (3.0 * values[2] - 4.0 * values[1] + values[0]) / (2.0 * eta);
                }
                self.append_piece();
            }
            [before, end] => {
                let middle = halfway(eta, before, end);
                self.track.push(middle, end.clone());
            }
            _ => {}
        }
        self.track
    }
}

/// Rates of the knot between two steps: a central difference, of second order in eta.
fn set_central_rates(eta: f64, before: &Knot, knot: &mut Knot, after: &Knot) {
    for (i, rate) in knot.rates.iter_mut().enumerate() {
        *rate = (after.values[i] - before.values[i]) / (2.0 * eta);
    }
}

/// The point half a step before a last odd step, on the parabola through both steps with the
/// first one's rates; sets the last one's rates to the parabola's.
fn halfway(eta: f64, before: &Knot, end: &mut Knot) -> Knot {
    let mut middle = before.clone();
    middle.time = 0.5 * (before.time + end.time);
    for i in 0..end.values.len() {
        let mean_rate = (end.values[i] - before.values[i]) / eta;
        end.rates[i] = 2.0 * mean_rate - before.rates[i];
        middle.rates[i] = mean_rate;
        middle.values[i] = before.values[i] + 0.25 * eta * (before.rates[i] + mean_rate);
    }
    middle
}
