//! Where weights that decay come to rest: against equations solved by hand, and the ends of integrations.

use super::common;
use super::remedy_theory::{close, toy};
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::summary::Summary;
use modalflow::integrate::Outcome;

/// The toy data under weight decay, down to a gap of 1e-9.
fn decaying(
    rho: f64,
    (depth, fusion): (usize, usize),
    norm: f64,
    decay: f64,
    rest: &str,
) -> (Problem, RunResult) {
    common::run(&toy(
        rho,
        &format!(
            "network: {{depth: {depth}, fusion_layer: {fusion}, width: 30}}\ninit: {{gaussian_norm: {{norm: {norm}}}}}\n\
             flow: {{rtol: 1.0e-8, weight_decay: {decay}, until: {{time: 2000, loss_gap: 1.0e-9}}}}\n{rest}"
        ),
    ))
}

/// The maps at the end, and those of the minimum that the problem names.
fn maps(problem: &Problem, result: &RunResult) -> ([f64; 2], [f64; 2]) {
    let observables = problem.observables();
    let (end, least) = (
        observables.map(result.flow.trajectory.end()),
        observables.final_map(),
    );
    ([end[0], end[1]], [least[0], least[1]])
}

fn is_near(found: [f64; 2], expected: [f64; 2], tolerance: f64) -> bool {
    found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < tolerance)
}

fn saddles(result: &RunResult) -> Vec<&str> {
    let plateaus = result.flow.detection.plateaus.iter();
    plateaus.map(|plateau| plateau.saddle.as_str()).collect()
}

/// Two layers at rho = 0.3 and mu = 0.2: A alone rests at 4 a = 4.6 - mu, both at 4 a + 0.6 b = 4.6 - mu and
/// 0.6 a + b = 1.6 - mu.
#[test]
fn two_layers_end_at_their_minimum() {
    let (problem, result) = decaying(0.3, (2, 2), 1e-6, 0.2, "");
    let (end, least) = maps(&problem, &result);
    let a = (4.4 - 0.6 * 1.4) / 3.64;
    let b = 1.4 - 0.6 * a;
    assert!(is_near(least, [a, b], 1e-11), "{least:?}");
    assert!(is_near(end, least, 1e-4), "{end:?}");
    assert_eq!(result.flow.end.outcome, Outcome::Converged);
    assert_eq!(saddles(&result), ["M_0", "M_A", "M_*"]);
    let crossings = &result.flow.detection.crossings;
    assert!(close(crossings[0].level, 2.2, 1e-11) && close(crossings[1].level, b, 1e-11));
    let phase = &result.flow.detection.phase;
    assert!(close(phase.misattribution, 1.1 - a, 0.02), "{phase:?}");
    assert!(close(result.theory.misattribution, 1.1 - a, 1e-9));
    let summary = Summary::of(&problem, &result);
    let loss = 2.0 * (1.0 - a).powi(2) + 0.6 * (1.0 - a) * (1.0 - b) + 0.5 * (1.0 - b).powi(2);
    assert!(close(summary.data.resting_loss, loss, 1e-10));
    assert!(close(Some(summary.flow.final_loss), loss, 1e-3));
    assert!(close(Some(summary.data.modalities[1].final_norm), b, 1e-11));
    assert!(result.flow.rest.is_none());
}

/// Beside rates, auxiliary losses and dropped modalities: these move the minimum, rates do not.
#[test]
fn remedies_move_the_minimum_under_decay() {
    let remedy = "remedy: {rate: {A: 0.5, B: 2.0}, auxiliary: {B: 1.0}, keep: {A: 0.8}}";
    let (problem, result) = decaying(0.5, (2, 2), 1e-6, 0.1, remedy);
    // S_A' = 3.2, S_B' = 2, S_AB' = 0.8, S_yxA' = 4, S_yxB' = 4, each drive less mu.
    let (det, drives) = (3.2 * 2.0 - 0.8f64.powi(2), [3.9, 3.9]);
    let expected = [
        (2.0 * drives[0] - 0.8 * drives[1]) / det,
        (3.2 * drives[1] - 0.8 * drives[0]) / det,
    ];
    let (end, least) = maps(&problem, &result);
    assert!(is_near(least, expected, 1e-10), "{least:?} {expected:?}");
    assert!(is_near(end, expected, 1e-4), "{end:?} {expected:?}");
    assert_eq!(result.flow.end.outcome, Outcome::Converged);
    assert_eq!(saddles(&result).last(), Some(&"M_*"));
}

/// A modality counts as learned at half of what decay leaves of it, 0.4 here, and its time is that of its logistic.
#[test]
fn what_decay_shrinks_below_half_is_learned() {
    let (_, result) = decaying(0.0, (2, 2), 1e-6, 0.6, "");
    let phase = &result.flow.detection.phase;
    assert!(close(result.theory.ratio, 1.0 + 3.0 / 0.4, 1e-12));
    let found = result.theory.from_weights.as_ref().expect("times");
    assert!(close(found.t_second, phase.t_second.expect("B"), 2e-5));
    assert!(close(result.flow.detection.crossings[1].level, 0.4, 1e-11));
}

/// Above mu = 1 nothing is left of B: the minimum is where A alone is learned. Above 4 nothing is learned at all.
#[test]
fn what_decay_keeps_at_zero_is_not_learned() {
    for (decay, learned) in [(1.1, vec!["A"]), (4.1, vec![])] {
        let (_, result) = decaying(0.0, (2, 2), 1e-3, decay, "");
        assert_eq!(result.flow.end.outcome, Outcome::Converged);
        let last = result.flow.detection.plateaus.last().expect("a plateau");
        assert_eq!(last.saddle, "M_*", "{decay}");
        let names = last.learned.iter().flatten().map(|m| m.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), learned);
        let phase = &result.flow.detection.phase;
        assert_eq!(
            (&phase.second, phase.misattribution),
            (&None, None),
            "{phase:?}"
        );
    }
}

/// More layers, late, early and intermediate fusion: the flow ends where the equations of rest hold, at the minimum that was
/// known beforehand. h = mu n^{2/l - 2} q^{l/L - 1}, and l = L of late fusion.
#[test]
fn deep_networks_end_at_their_minimum() {
    for (depth, fusion) in [(3, 3), (4, 4), (2, 1), (3, 1), (3, 2), (4, 3), (4, 2)] {
        let decay = 0.05;
        let (problem, result) = decaying(0.3, (depth, fusion), 0.6, decay, "");
        let (end, [a, b]) = maps(&problem, &result);
        let (own, whole) = (fusion as f64, depth as f64);
        let power = |n: f64| n.powf(2.0 / own);
        let q = power(a) + power(b);
        let held = |n: f64| match fusion == depth {
            true => decay * n.powf(2.0 / whole - 1.0),
            false => decay * n.powf(2.0 / own - 1.0) * q.powf(own / whole - 1.0),
        };
        let left = [
            4.6 - 4.0 * a - 0.6 * b - held(a),
            1.6 - 0.6 * a - b - held(b),
        ];
        assert!(is_near(left, [0.0; 2], 1e-10), "{depth} {fusion}: {left:?}");
        assert!(a > 0.9 && b > 0.5, "{a} {b}");
        assert!(
            is_near(end, [a, b], 2e-4),
            "{depth} {fusion}: {end:?} {a} {b}"
        );
        assert_eq!(
            result.flow.end.outcome,
            Outcome::Converged,
            "{depth} {fusion}"
        );
        assert_eq!(saddles(&result).last(), Some(&"M_*"), "{depth} {fusion}");
    }
}

/// A single private layer beside two: ridge regression at any strength, 1/(1 + mu) of the map of B.
#[test]
fn a_single_layer_is_ridge_regression() {
    for decay in [0.2, 3.0, 3000.0] {
        let (problem, result) = common::run(&toy(
            0.0,
            &format!(
                "network: {{private_layers: {{A: 2, B: 1}}, shared_layers: 0, width: 5}}\ninit: {{gaussian: {{std: 0.1}}}}\n\
                 flow: {{weight_decay: {decay}, until: {{time: 100, loss_gap: 1.0e-9}}}}"
            ),
        ));
        let (end, least) = maps(&problem, &result);
        let expected = [f64::max(4.0 - decay, 0.0) / 4.0, 1.0 / (1.0 + decay)];
        assert!(is_near(least, expected, 1e-11), "{least:?} {expected:?}");
        assert!(is_near(end, expected, 1e-3), "{end:?} {expected:?}");
    }
}

/// Three layers whose small weights fade faster than they grow: they never come to the minimum, and the run does not say so.
#[test]
fn what_fades_has_not_converged() {
    let (_, result) = decaying(0.0, (3, 3), 0.01, 0.5, "");
    assert_ne!(result.flow.end.outcome, Outcome::Converged);
    assert_eq!(saddles(&result), ["M_0"]);
}
