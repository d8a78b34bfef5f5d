//! What theory says of a problem: the only door from problems to theory.

use super::problem::Problem;
use crate::data::Loss;
use crate::descent::DescentSection;
use crate::network::{Architecture, Fusion};
use crate::theory::{
    self, Balance, Curve, FromWeights, GradientCoordinates, HeavyBall, InitialScale, Start, Theory,
};
use nalgebra::DVector;

/// What theory says of a descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BySteps {
    /// When the first modality is learned.
    pub t_first: Option<f64>,
    /// The time ratio.
    pub ratio: Option<f64>,
    /// Why one is missing that theory has for the flow.
    pub reason: Option<&'static str>,
}

impl BySteps {
    /// No prediction, for a reason.
    pub fn none(reason: &'static str) -> Self {
        Self {
            t_first: None,
            ratio: None,
            reason: Some(reason),
        }
    }
}

impl Problem {
    /// The published formulas, with the modes of two layers; not the times of deep networks from their actual weights.
    pub fn formulas(&self) -> Theory {
        if let Some(reason) = self.beyond_theory() {
            return Theory {
                assumptions: vec![reason.to_owned()],
                ..Theory::default()
            };
        }
        let scale = self.initial_scale();
        let theory = theory::predict(&self.moments, &self.architecture, scale, &self.weights);
        match self.scenario.loss {
            Loss::Squared => theory,
            Loss::CrossEntropy => theory.of_first_stage(
                "cross-entropy: from small outputs the first stage is that of squared loss with targets less equal \
                 probabilities, and so is the order; the formulas of what follows are those of squared loss",
            ),
        }
    }

    /// Why there are no formulas for a flow that is not that of one loss; None where there are.
    fn beyond_theory(&self) -> Option<&'static str> {
        if !self.earlier_stages.is_empty() {
            return Some(
                "a schedule (remedy.schedule) changes the drives in time: the formulas do not hold",
            );
        }
        let slows = self.scenario.remedy.modulation().is_some();
        slows.then_some(
            "modulation (remedy.modulate) changes the rates with the losses: the formulas do not hold",
        )
    }

    /// Theory's predictions.
    pub fn theory(&self) -> Theory {
        self.theory_while(&|| true)
    }

    /// The same for as long as `go_on` says: of networks that are not linear theory follows all samples, which may take longer
    /// than the run. What it was not waited for is missing, and its assumptions say so.
    pub fn theory_while(&self, go_on: &dyn Fn() -> bool) -> Theory {
        let (moments, architecture) = (&self.moments, &self.architecture);
        let mut theory = self.formulas();
        if !self.scenario.is_of_moments() && self.beyond_theory().is_none() {
            let limit = self.scenario.flow.until.time.unwrap_or(f64::INFINITY);
            let (moments, architecture) = (&self.moments, &self.architecture);
            theory.utilities = theory::utilities(moments, architecture, go_on);
            let found = match go_on() {
                true => {
                    let rtol = self.tolerances.step_rtol;
                    theory::from_samples(moments, architecture, &self.weights, (rtol, limit), go_on)
                }
                false => Err(theory::NOT_WAITED_FOR),
            };
            theory.take_course((moments, architecture), found);
            return theory;
        }
        if !self.has_times() {
            return theory;
        }
        if let Some(modulate) = self.scenario.remedy.modulation() {
            theory.take_course((moments, architecture), self.modulated_times(modulate));
            return theory;
        }
        if self.changes() {
            theory.take_course((moments, architecture), self.changing_times());
        } else {
            theory.take_weights(moments, architecture, self.steady_times());
        }
        theory
    }

    /// Whether the loss changes in time, or the weights decay.
    pub(super) fn changes(&self) -> bool {
        !self.earlier_stages.is_empty() || self.architecture.weight_decay > 0.0
    }

    /// The times from the actual initial weights to leading order, without modulation.
    pub(super) fn leading_times(&self) -> Option<FromWeights> {
        let even = self.even();
        let (scaled, small, weights) = even.parts();
        theory::leading_from_weights(scaled, small, self.start(weights)).ok()
    }

    /// Relative tolerance of a curve: finer than the run where that is coarser than 1e-8, so that their difference is not the
    /// curve's error.
    pub(super) fn curve_rtol(&self) -> f64 {
        (0.1 * self.tolerances.rtol).max(1e-9)
    }

    /// The times from the actual initial weights.
    fn steady_times(&self) -> Result<FromWeights, &'static str> {
        let even = self.even();
        let (scaled, small, weights) = even.parts();
        theory::from_weights(scaled, small, self.start(weights))
    }

    /// The same where the loss changes in time, or the weights decay.
    fn changing_times(&self) -> Result<FromWeights, &'static str> {
        let (small, weights) = self.small();
        if self.earlier_stages.is_empty() && small.fusion().is_some_and(Fusion::is_early) {
            let found = theory::early_decaying(small, self.steady_times()?);
            return found.ok_or("times under weight decay are not known here");
        }
        let earlier = self.earlier_stages.iter().map(|stage| theory::Stage {
            until: stage.until,
            moments: &stage.moments,
            architecture: match &self.reduction {
                Some(reduction) if !reduction.has_modes() => {
                    stage.reduced.as_ref().unwrap_or(&stage.architecture)
                }
                _ => &stage.architecture,
            },
        });
        theory::late_from_weights(earlier, (&self.moments, small), weights)
    }

    /// What would balance the modalities; `theory` is this problem's.
    pub fn balance(&self, theory: &Theory) -> Option<Balance> {
        // What balances the last stage does not balance all of them.
        self.earlier_stages.is_empty().then_some(())?;
        self.scenario.loss.is_squared().then_some(())?;
        let problem = (&self.moments, &self.architecture);
        if self.scenario.remedy.modulation().is_none() {
            return theory::balance(problem, self.small(), theory);
        }
        // Other remedies beside modulation are not what these values are for: only the strength at which the lead changes is.
        let scale = self.initial_scale();
        let plain = theory::predict(&self.moments, &self.architecture, scale, &self.weights);
        let found = theory::balance(problem, self.small(), &plain)?;
        Some(Balance {
            modulate: found.modulate,
            ..Balance::default()
        })
    }

    /// The problem whose homogeneous flow is followed, in the coordinates in which all layers learn at one rate: that
    /// flow is reduced as the whole one is.
    fn even(&self) -> GradientCoordinates<'_> {
        let (small, weights) = self.small();
        GradientCoordinates::of(&self.moments, small, weights)
    }

    fn small(&self) -> (&Architecture, &DVector<f64>) {
        let reduction = self.reduction.as_ref();
        let small = reduction.filter(|reduction| !reduction.has_modes());
        small.map_or((&self.architecture, &self.weights), |reduction| {
            (&reduction.architecture, &reduction.weights)
        })
    }

    /// Whether the initial weights have something to say that the formulas do not, or why they have not: the times of deep
    /// networks, and the order of two layers.
    fn has_times(&self) -> bool {
        let count = self.moments.modalities.len();
        theory::frozen_before_shared(&self.architecture).is_none()
            && self.scenario.is_of_moments()
            && self.moments.is_linearly_learnable()
            && (0..count).all(|m| self.architecture.depth(m) > 1)
            && (self.architecture.deepest() > 2 || count > 1)
    }

    /// Theory's first crossing and time ratio by descent of a learning rate, where it has the
    /// flow's; `theory` is this problem's.
    pub fn descent_theory(&self, theory: &Theory, learning_rate: f64) -> BySteps {
        let (moments, architecture) = (&self.moments, &self.architecture);
        let even = GradientCoordinates::of(moments, architecture, &self.weights);
        let (moments, architecture, weights) = even.parts();
        // Half of the units of a rectified network are active, so that a step multiplies a mode by another factor.
        let section = self.scenario.descent.as_ref();
        let momentum = section.map_or(Some(0.0), DescentSection::heavy_ball);
        let is_plain = self.scenario.is_of_moments()
            && !self.changes()
            && self.scenario.remedy.modulation().is_none();
        let Some(momentum) = momentum.filter(|_| is_plain) else {
            return BySteps::none(
                "theory follows the steps of plain descent and momentum of all rows, in linear networks of one squared loss \
                 and fixed rates",
            );
        };
        let steps = HeavyBall {
            learning_rate,
            momentum,
        };
        if architecture.deepest() > 2 {
            return self
                .deep_descent_theory(theory, steps)
                .unwrap_or_else(BySteps::none);
        }
        // The formula takes the modality of the larger growth rate for the first.
        let by_rates = theory::learning_order(moments)[0];
        let ratio = theory
            .ratio
            .filter(|_| {
                theory
                    .first
                    .as_ref()
                    .is_none_or(|first| first.index == by_rates)
            })
            .and_then(|_| theory::descent_ratio(moments, architecture, steps));
        let first = theory.first.as_ref().filter(|_| theory.t_first.is_some());
        let t_first = first.and_then(|first| {
            theory::descent_first_time(moments, architecture, weights, first.index, steps)
        });
        let is_missing = ratio.is_none() && theory.ratio.is_some()
            || t_first.is_none() && theory.t_first.is_some();
        BySteps {
            t_first,
            ratio,
            reason: is_missing.then_some(
                "the steps of two layers are known for balanced layers that are fused last, of two modalities learned in the \
                 order of their growth rates",
            ),
        }
    }

    /// Deep networks: from their actual initial weights, where the order stays and the times move by a small share of
    /// themselves, as the first order in the learning rate asks for.
    ///
    /// # Errors
    /// Why there is no prediction.
    fn deep_descent_theory(
        &self,
        theory: &Theory,
        steps: HeavyBall,
    ) -> Result<BySteps, &'static str> {
        /// Largest share: its square is what is left out.
        const SMALL: f64 = 0.2;
        let flow = theory.from_weights.as_ref();
        let flow = flow.ok_or("the flow's times from the actual weights are not known")?;
        let even = self.even();
        let (scaled, small, weights) = even.parts();
        let found = theory::descent_from_weights(scaled, small, self.start(weights), steps)?;
        // The names of equal times are the formula's.
        if !flow.is_open && (&found.first, &found.second) != (&flow.first, &flow.second) {
            return Err("such steps change the order that the flow learns in");
        }
        let is_near = |by_steps: Option<f64>, by_flow: Option<f64>| {
            let pair = by_steps.zip(by_flow);
            pair.is_none_or(|(steps, flow)| (steps - flow).abs() <= SMALL * flow)
        };
        let are_near =
            is_near(found.t_first, flow.t_first) && is_near(found.t_second, flow.t_second);
        are_near
            .then_some(BySteps {
                t_first: found.t_first,
                ratio: found.ratio,
                reason: None,
            })
            .ok_or("such steps move the times by more than a fifth, and theory is of first order in their length")
    }

    /// Theory's solution in time, from t = 0 to `t_end`, where there is one; `theory` is this problem's.
    pub fn theory_curve(&self, theory: &Theory, t_end: f64) -> Option<Curve> {
        let (moments, architecture) = (&self.moments, &self.architecture);
        let scale = self.initial_scale();
        if let Some(modulate) = self.scenario.remedy.modulation() {
            return self.modulated_curve(modulate, t_end).ok();
        }
        // Its equations are those of one loss.
        self.beyond_theory().is_none().then_some(())?;
        let known = theory.from_weights.as_ref();
        let known = known.and_then(|_| self.leading_times());
        let start = (&self.weights, scale, known.as_ref());
        theory::curve(moments, architecture, start, (self.curve_rtol(), t_end))
    }

    /// Initial weights, of the network or of its reduction.
    fn start<'w>(&self, weights: &'w DVector<f64>) -> Start<'w> {
        Start {
            weights,
            never_turns: self.never_turns(),
        }
    }

    pub(super) fn initial_scale(&self) -> InitialScale {
        InitialScale {
            norm: self.scenario.init.norm(),
            aligned: self.never_turns(),
        }
    }
}
