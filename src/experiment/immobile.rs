//! Stacks that cannot move: a modality that the flow will never learn, whatever the time.

use super::problem::Problem;
use crate::data::Moments;

/// A warning for each modality whose private layers cannot move; `rate` is that of all weights at the start.
///
/// The gradient of every private layer of modality m has the products of the other layers of its path and
/// the residual correlation G_m = S_yxm - W S_xm as factors. It stays at zero for ever where
///
/// - two or more of the private layers are zero: each is a factor of the other's gradient;
/// - x_m is correlated with neither the targets nor any other input: G_m = -W_m S_m, which only shrinks what there is;
/// - the gradient vanishes although the modality is driven and nothing after the private layers can change
///   that (late fusion): no unit is active on any sample, or the gradient underflows.
pub(super) fn warnings(problem: &Problem, rate: &[f64]) -> Vec<String> {
    let modalities = problem.architecture.modalities.iter();
    let warning = |modality: &crate::data::Modality| {
        let m = modality.index;
        let reason = reason(problem, rate, m)?;
        Some(format!("{} cannot be learned: {reason}", modality.name))
    };
    modalities.filter_map(warning).collect()
}

/// Why the private layers of modality `m` cannot move, given the rate of all weights at the start;
/// None where they can.
fn reason(problem: &Problem, rate: &[f64], m: usize) -> Option<&'static str> {
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    let layers = architecture.private[m].clone();
    let is_zero = |l: &usize| architecture.view(&problem.weights, *l).amax() == 0.0;
    let has_biases = !architecture.biases.is_empty();
    if layers.clone().filter(is_zero).count() > 1 && !has_biases {
        return Some("two or more of its private layers are zero, and never move");
    }
    // What no linear map explains may still be learned by units that are not linear.
    if problem.scenario.is_of_moments() && is_uncorrelated(moments, m) {
        return Some(
            "it is correlated with neither the targets nor another modality, so that its map only shrinks",
        );
    }
    let is_still = |l: usize| {
        let range = architecture.layers[l].range.clone();
        rate[range]
            .iter()
            .all(|entry| entry.abs() < f64::MIN_POSITIVE)
    };
    let is_driven = moments.block(&moments.cross, m).amax() > 0.0;
    let is_late = architecture.shared.is_empty();
    let is_stuck = is_late && is_driven && layers.clone().all(is_still);
    (is_stuck && !has_biases).then(|| match architecture.is_linear() {
        true => "its gradient is zero or underflows, so that its private layers never move",
        false => "none of its hidden units is active on any sample, so that its private layers never move",
    })
}

/// Whether S_yxm and all S_mk are zero, to round-off.
fn is_uncorrelated(moments: &Moments, m: usize) -> bool {
    const ROUND_OFF: f64 = 1e-12;
    let own = moments.modalities[m].range.clone();
    let inputs = &moments.inputs;
    own.clone().all(|i| {
        let variance = inputs.entry(i, i);
        let to_targets = (2.0 * moments.initial_loss * variance).sqrt();
        let with_targets = moments.cross.column(i).norm() > ROUND_OFF * to_targets;
        let others = (0..moments.inputs_len()).filter(|j| !own.contains(j));
        let mut others =
            others.map(|j| (inputs.entry(i, j), (variance * inputs.entry(j, j)).sqrt()));
        !with_targets && others.all(|(covariance, most)| covariance.abs() <= ROUND_OFF * most)
    })
}
