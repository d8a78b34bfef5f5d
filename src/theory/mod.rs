//! Predictions: one function a formula, from moments, architecture and initial weights, and the
//! reduced equations in time.
//!
//! Source of every formula: Zhang, Latham & Saxe, "Understanding Unimodal Bias in Multimodal Deep
//! Linear Networks" (ICML 2024), by the section named with it. Predictions know nothing of runs;
//! `compare` sets them beside measurements and reports the gap.
//!
//! In growth rates |S| is the largest singular value, which is the Frobenius norm for one output,
//! the paper's case; for several outputs the leading singular mode sets the rate.
//!
//! | file | formulas |
//! |---|---|
//! | `coordinates.rs` | learning rates that differ by modality, as other inputs |
//! | `growth.rs` | growth rates, the order of learning, the schedule of late fusion |
//! | `order.rs` | the order of two layers from their actual initial weights |
//! | `modes.rs` | the staircase of singular modes |
//! | `two_modes.rs` | the exact solution of two layers and one input, balanced or not |
//! | `two_layer.rs` | absolute times of two layers from their actual initial weights, and descent's |
//! | `escape.rs` | growth rates out of the saddles, and which saddles are strict |
//! | `homogeneous.rs` | the flow of small weights, and when it blows up |
//! | `heavy_ball.rs` | what steps of descent do to its times |
//! | `from_weights/` | the order and times of deep networks from their actual initial weights |
//! | `frozen_residual/` | the same for networks of homogeneous units, from samples |
//! | `by_weights.rs` | what the actual initial weights change of the formulas' predictions |
//! | `formulas.rs` | everything else that has a closed form |
//! | `effective_weights.rs` | the aligned weights that have the same times |
//! | `balanced.rs` | the reduced equations of balanced rank-one weights |
//! | `curve.rs` | their solution in time |
//! | `modulated.rs` | the network whose flow is that curve under gradient modulation |
//! | `remedies.rs` | what would balance the modalities |
//! | `weight_decay.rs` | how much weight decay loses modalities for ever |
//! | `phase_plane.rs` | their vector field in the plane of the total maps |

mod balanced;
mod by_weights;
mod coordinates;
mod curve;
mod effective_weights;
mod escape;
mod formulas;
mod from_weights;
mod frozen_residual;
mod growth;
mod heavy_ball;
mod homogeneous;
mod modes;
mod modulated;
mod order;
mod phase_plane;
mod remedies;
mod two_layer;
mod two_modes;
mod weight_decay;

pub use coordinates::{GradientCoordinates, frozen_before_shared};
pub use curve::{Curve, CurveStart, curve};
pub use escape::{escape_rate, is_strict_saddle};
pub use formulas::{
    contribution, intermediate_ratio, is_preference_superficial, misattribution, solution_round_off,
};
pub use from_weights::{
    FromWeights, Stage, Start, descent_from_weights, early_decaying, from_weights,
    late_from_weights, leading_from_weights,
};
pub use frozen_residual::{NOT_WAITED_FOR, Utility, from_samples, hidden_utility, utilities};
pub use growth::{
    are_opposed, early_growth_rate, growth_rate, late_schedule, learning_order,
    residual_growth_rate,
};
pub use heavy_ball::HeavyBall;
pub use homogeneous::blow_up_time;
pub use modes::{ModalityModes, SingularMode, modes};
pub use modulated::{OneUnit, one_unit};
pub use order::two_layer_schedule;
pub use phase_plane::map_rate;
pub use remedies::{Balance, Balancing, Effect, balance, equal_effect, modulation_threshold};
pub use two_layer::{descent_first_time, descent_ratio, two_layer_times};
pub use weight_decay::DecayLimits;

use crate::data::{Modality, Moments};
use crate::linalg::{overshoot, written_rows};
use crate::network::{Architecture, Fusion};
use growth::{nth_learned, turn};
use nalgebra::DVector;
use order::Order;
use serde::Serialize;

/// Everything predicted for one problem. None where no formula applies.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Theory {
    /// The modality learned first; None where two are equally fast, or stacks differ in depth.
    pub first: Option<Modality>,
    /// The modality learned second.
    pub second: Option<Modality>,
    /// Time ratio t_second/t_first.
    pub ratio: Option<f64>,
    /// Time of the first crossing, from the actual initial weights.
    pub t_first: Option<f64>,
    /// Time of the second crossing, likewise.
    pub t_second: Option<f64>,
    /// Size of the first modality's map in the unimodal phase minus its final map, positive for an
    /// overshoot.
    pub misattribution: Option<f64>,
    /// That difference, o rows of d_first numbers; None where it is too large to be read.
    pub misattribution_map: Option<Vec<Vec<f64>>>,
    /// Whether the modality learned first contributes less to the output than another.
    pub superficial_preference: Option<bool>,
    /// Times of all modalities over the first one's, in the order of the modalities; None for
    /// those never learned. Late fusion only.
    pub schedule: Option<Vec<Option<f64>>>,
    /// When each singular mode of each modality is learned; None where that is not known, with the reason
    /// among the assumptions where there are several outputs (with one, a modality has one mode).
    pub modes: Option<Vec<ModalityModes>>,
    /// When each modality is learned from the actual initial weights, whatever their alignment; None where that is
    /// not known.
    #[serde(skip)]
    pub from_weights: Option<FromWeights>,
    /// Why they are not known, where they were looked for.
    #[serde(skip)]
    pub without_times: Option<&'static str>,
    /// Of two layers of homogeneous units on samples: how fast the best unit of each modality grows at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilities: Option<Vec<Utility>>,
    /// What the predictions assume, and why one is missing.
    pub assumptions: Vec<String>,
}

/// What predictions need to know of the initial weights beside their values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InitialScale {
    /// Norm u0 of every private layer, with sqrt(M) u0 for every shared layer, where the scheme
    /// gives one.
    pub norm: Option<f64>,
    /// Whether the weights are of rank one along S_yxm, and the two smallest private layers of each stack of one
    /// norm. Such weights have no share in the modes that grow when a modality's drive turns round.
    pub aligned: bool,
}

/// All predictions for a problem.
pub fn predict(
    moments: &Moments,
    architecture: &Architecture,
    scale: InitialScale,
    weights: &DVector<f64>,
) -> Theory {
    let mut theory = Theory::default();
    theory.assume("small initial weights (leading order)");
    if !architecture.is_linear() {
        theory.assume("the formulas are for linear networks, and this one is not: no absolute times of theirs");
    }
    if !moments.is_linearly_learnable() {
        theory.assume("no linear map explains any of the targets: no prediction");
        return theory;
    }
    let Some(fusion) = architecture.fusion() else {
        theory.assume("no formula for unequal private depths");
        return theory;
    };
    if fusion.depth == 1 {
        theory.assume("no prediction for a single layer: linear regression has no saddles");
        return theory;
    }
    if moments.rank() < moments.inputs_len() {
        theory.assume("dependent inputs: final maps are those of least norm, others fit as well");
    }
    if moments.outputs_len() > 1 {
        theory.assume("several outputs: the leading singular mode sets the growth rates");
    }
    if let Some(reason) = coordinates::frozen_before_shared(architecture) {
        theory.assume(reason);
        return theory;
    }
    if architecture.weight_decay > 0.0 {
        theory.predict_decaying((moments, architecture), fusion);
        return theory;
    }
    if let Some(words) = coordinates::words(architecture) {
        theory.assume(words);
    }
    let even = GradientCoordinates::of_equal_norms(moments, architecture, weights);
    theory.add_modes(&even);
    if moments.modalities.len() == 1 {
        theory.assume("a single modality: there is no unimodal phase");
        theory.add_single(&even);
        return theory;
    }
    theory.predict_order((moments, architecture), &even, (scale, fusion));
    theory
}

impl Theory {
    /// Length of the unimodal phase, from the absolute times, or from the first one and the ratio. None
    /// where the second modality follows right after the first: how soon, leading order does not tell.
    pub fn length(&self) -> Option<f64> {
        let first = self.t_first?;
        let second = self.t_second.or_else(|| Some(first * self.ratio?));
        length_between(first, second?)
    }

    /// The order of two modalities or more, the time ratio, and what follows from the order: of the moments in the
    /// coordinates `even`, in which all modalities learn at one rate.
    fn predict_order(
        &mut self,
        (moments, architecture): (&Moments, &Architecture),
        even: &GradientCoordinates<'_>,
        (scale, fusion): (InitialScale, Fusion),
    ) {
        let order = Order::of(
            &even.moments,
            &even.architecture,
            scale.aligned,
            &even.weights,
        );
        let (first, second) = (order.places[0], order.places[1]);
        let found = match coordinates::are_formulas_known(architecture, fusion) {
            Ok(()) => formulas::ratio(&even.moments, fusion, scale, (first, second)),
            Err(reason) => Err(reason),
        };
        match found {
            Ok((ratio, assumption)) => {
                self.ratio = Some(ratio);
                self.assume(assumption);
            }
            Err(reason) => self.assume(reason),
        }
        // All modalities are learned together.
        if fusion.is_early() {
            return;
        }
        if order.is_open {
            self.assume("the two fastest modalities are equally fast: their order is open");
            return;
        }
        let modality = |m: usize| moments.modalities[m].clone();
        self.first = Some(modality(first));
        self.second = Some(modality(second));
        self.superficial_preference = Some(is_preference_superficial(moments, first));
        if architecture.has_saddle(&[first]) {
            self.misattribute(moments, first);
        }
        if fusion.is_late() {
            self.add_late_schedule(even, scale, [first, second]);
        }
        if let Some(schedule) = order.overruling {
            self.overrule(moments, &schedule);
        }
    }

    /// The order of two modalities and the time ratio under weight decay.
    fn predict_decaying(
        &mut self,
        (moments, architecture): (&Moments, &Architecture),
        fusion: Fusion,
    ) {
        let is_known = fusion.is_late() && fusion.depth == 2 && architecture.is_linear();
        let found = is_known.then(|| weight_decay::decaying_ratio(moments, architecture));
        let Some((first, ratio)) = found.flatten() else {
            return self.assume(DECAY);
        };
        let modality = |m: usize| moments.modalities[m].clone();
        self.first = Some(modality(first));
        self.ratio = ratio;
        match ratio {
            Some(_) => {
                self.second = Some(modality(1 - first));
                self.misattribute(moments, first);
                self.assume("weight decay: modes grow at |S_yxm| less the decay, beside maps that it shrinks");
            }
            None => self.assume("weight decay keeps the second modality from ever being learned"),
        }
    }

    /// Size and map of the mis-attribution.
    fn misattribute(&mut self, moments: &Moments, first: usize) {
        let map = misattribution(moments, first);
        let last = moments.decayed_minimum().unwrap_or(&moments.least.map);
        let last = moments.block(last, first);
        self.misattribution = Some(overshoot(map.as_slice(), last.as_slice()));
        self.misattribution_map = written_rows(map.as_slice(), moments.outputs_len());
    }

    /// The schedule of late fusion, and the absolute times of two layers.
    fn add_late_schedule(
        &mut self,
        even: &GradientCoordinates<'_>,
        scale: InitialScale,
        [first, second]: [usize; 2],
    ) {
        let (moments, architecture, weights) = even.parts();
        let schedule = late_schedule(moments, scale.aligned);
        let next = nth_learned(&schedule, 1);
        self.second = next.map(|m| moments.modalities[m].clone());
        self.schedule = Some(schedule);
        let is_deep = architecture.fusion().is_some_and(|fusion| fusion.depth > 2);
        if let Some(degrees) = turn(moments, first, second).filter(|_| is_deep) {
            self.assume(&format!(
                "the second modality's drive turns by {degrees:.0} degrees when the first is learned; \
                 beyond two layers the formula neglects that"
            ));
        }
        if architecture.is_linear() {
            if two_layer::are_unbalanced(moments, architecture, weights) {
                self.assume(UNBALANCED);
            }
            let leading = |m: usize| self.modes.as_ref()?.get(m)?.first_time();
            [self.t_first, self.t_second] = match moments.outputs_len() {
                1 => two_layer_times(moments, architecture, weights, (first, next)),
                _ => [leading(first), next.and_then(leading)],
            };
        }
    }

    /// When mode k of a modality, k from 1 and the strongest first, is learned; None where theory has no time
    /// for it, or orders the modes in another way.
    pub fn mode_time(&self, modality: usize, k: usize) -> Option<f64> {
        let of_modality = self.modes.as_ref()?.get(modality)?;
        let in_order = of_modality.are_in_order_of_strength();
        let mode = in_order.then(|| of_modality.modes.get(k.checked_sub(1)?))??;
        mode.t
    }

    /// The staircase of modes, or why there is none.
    fn add_modes(&mut self, even: &GradientCoordinates<'_>) {
        let (moments, architecture, weights) = even.parts();
        match modes(moments, architecture, weights) {
            Ok(modes) => self.modes = Some(modes),
            Err(reason) if moments.outputs_len() > 1 => self.assume(reason),
            Err(_) => {}
        }
    }

    /// What there is to say of a single modality: when two layers learn it.
    fn add_single(&mut self, even: &GradientCoordinates<'_>) {
        let (moments, architecture, weights) = even.parts();
        self.first = Some(moments.modalities[0].clone());
        if architecture.is_linear() {
            [self.t_first, _] = two_layer_times(moments, architecture, weights, (0, None));
        }
    }

    fn assume(&mut self, assumption: &str) {
        if !self.assumptions.iter().any(|known| known == assumption) {
            self.assumptions.push(assumption.to_owned());
        }
    }
}

/// The time from one modality to the next; None where that follows right after: how soon, leading order does not tell.
fn length_between(first: f64, second: f64) -> Option<f64> {
    /// Share of the first time.
    const RIGHT_AFTER: f64 = 1e-6;
    let length = second - first;
    (length > RIGHT_AFTER * first).then_some(length)
}

const UNBALANCED: &str = "the two layers of a modality start unequal: the formula of the time ratio takes them for balanced; \
     times from the initial weights do not, and are exact for uncorrelated scalar modalities";

const DECAY: &str = "weight decay moves the saddles: the formulas do not hold";

const NEVER: &str = "no second modality is ever learned from these weights";
