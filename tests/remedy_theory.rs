//! Theory of the remedies, against the numbers of its formulas and against integration.

use super::common;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::theory::CurveStart;

/// Two scalar inputs of standard deviations 2 and 1, y = x_A + x_B, and the rest of a scenario.
pub fn toy(rho: f64, rest: &str) -> String {
    format!(
        "data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n{rest}\n"
    )
}

/// Two layers from aligned weights of norm 1e-9, with a remedy.
pub fn two_layers(rho: f64, remedy: &str) -> (Problem, RunResult) {
    common::run(&toy(
        rho,
        &format!(
            "network: {{depth: 2, fusion_layer: 2, width: 4}}\ninit: {{aligned: {{norm: 1.0e-9}}}}\n\
             flow: {{until: {{loss_gap: 1.0e-6}}}}\nremedy: {remedy}"
        ),
    ))
}

pub fn close(value: Option<f64>, expected: f64, tolerance: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() <= tolerance * expected.abs())
}

/// t_B/t_A = 1 + (c_A s_A' - c_B s_B')/(c_B b~') with s' and b~' by hand: s_A = 4 + 2 rho, s_B = 1 + 2 rho,
/// S_yxA S_A^-1 S_AB = rho/2 s_A. Integration is within 1 % of it at this size of weights.
#[test]
fn the_time_ratio_under_each_remedy() {
    let ratio = |fast: f64, slow: f64, late: f64| 1.0 + (fast - slow) / late;
    let mut cases = Vec::new();
    for (rho, fast, slow, late) in [(0.0, 4.0, 1.0, 1.0), (0.5, 5.0, 2.0, 0.75f64)] {
        for c in [1.0, 1.5, 2.0] {
            let expected = ratio(fast, c * slow, c * late);
            cases.push((rho, format!("{{rate: {{B: {c}}}}}"), expected));
        }
    }
    for q in [0.8, 0.5] {
        let expected = ratio(5.0 * q, 2.0, 2.0 - 1.25 * q);
        cases.push((0.5, format!("{{keep: {{A: {q}}}}}"), expected));
    }
    for k in [1.5, 2.0, 5.0] {
        let expected = ratio(5.0 * k, 2.0 * k, 2.0 * k - 1.25);
        let weight = k - 1.0;
        let remedy = format!("{{auxiliary: {{A: {weight}, B: {weight}}}}}");
        cases.push((0.5, remedy, expected));
    }
    for (rho, remedy, expected) in cases {
        let (_, result) = two_layers(rho, &remedy);
        let phase = &result.flow.detection.phase;
        let what = format!("{rho} {remedy}: {expected} {:?}", phase.ratio);
        assert!(close(result.theory.ratio, expected, 1e-12), "{what}");
        assert!(close(phase.ratio, expected, 0.01), "{what}");
        assert!(
            close(result.theory.t_first, phase.t_first.expect("A"), 1e-3),
            "{what}"
        );
    }
}

/// Learning rates that differ by modality, for networks of every kind: the times from the weights are those
/// of the run, and the theory curve too.
#[test]
fn times_with_rates_in_every_network() {
    // Depth, fusion layer, scheme, tolerance of the ratio: leading order is off by more where drops are as long as plateaus.
    for (depth, fusion, scheme, tolerance) in [
        (2, 2, "gaussian: {std: 1.0e-9}", 0.01),
        (3, 3, "gaussian_norm: {norm: 0.03}", 0.002),
        (4, 4, "gaussian_norm: {norm: 0.03}", 1e-3),
        (4, 3, "gaussian_norm: {norm: 0.03}", 0.003),
        (4, 2, "gaussian_norm: {norm: 0.03}", 0.003),
        (3, 1, "gaussian_norm: {norm: 0.01}", 0.05),
    ] {
        let (_, result) = common::run(&toy(
            0.3,
            &format!(
                "network: {{depth: {depth}, fusion_layer: {fusion}, width: 30}}\ninit: {{{scheme}}}\n\
                 flow: {{until: {{loss_gap: 1.0e-6}}}}\nremedy: {{rate: {{A: 1.5, B: 0.6}}}}"
            ),
        ));
        let what = format!("L = {depth}, Lf = {fusion}");
        let phase = &result.flow.detection.phase;
        let found = result.theory.from_weights.as_ref();
        if let Some(found) = found {
            assert!(
                close(found.ratio, phase.ratio.expect("both"), tolerance),
                "{what}"
            );
            assert_eq!(
                found.first.as_ref(),
                phase.first.as_ref().filter(|_| fusion > 1),
                "{what}"
            );
        } else {
            panic!("{what}: no times");
        }
        let curve = result.theory_curve.expect("one output").comparison;
        assert!(curve.max_loss_gap < 0.02, "{what}: {}", curve.max_loss_gap);
        assert!(curve.t_second_gap.expect("both").abs() < 1e-3, "{what}");
    }
}

/// Aligned layers of one norm: the published formula takes c_m |S_yxm| at every depth, the growth out of the saddles is that
/// of the scaled weights, and the theory curve is the flow.
#[test]
fn aligned_layers_with_rates() {
    let (_, result) = common::run(&toy(
        0.3,
        "network: {depth: 4, fusion_layer: 4, width: 4}\ninit: {aligned: {norm: 0.03}}\n\
         flow: {until: {loss_gap: 1.0e-6}}\nremedy: {rate: {B: 2}}",
    ));
    // s_A = 4.6, s_B = 1.6, S_yxA S_A^-1 S_AB = 0.69.
    let expected = 1.0 + (4.6 - 3.2) / (2.0 * 0.91);
    assert!(close(result.theory.ratio, expected, 1e-12));
    assert!(close(result.flow.detection.phase.ratio, expected, 1e-3));
    assert!(close(result.theory.misattribution, 0.15, 1e-12));
    for escape in &result.escapes[..2] {
        let gap = escape.as_ref().expect("an escape").gap.expect("a rate");
        assert!(gap.abs() < 1e-3, "{gap}");
    }
    let curve = result.theory_curve.expect("one output");
    assert_eq!(curve.curve.start, CurveStart::AlignedWeights);
    assert!(curve.comparison.max_loss_gap < 1e-6);
}

#[test]
fn a_frozen_modality_is_never_learned() {
    for (frozen, first, fusion) in [("B", 0, 2), ("A", 1, 2), ("B", 0, 3)] {
        let (_, result) = common::run(&toy(
            0.5,
            &format!(
                "network: {{depth: {fusion}, fusion_layer: {fusion}, width: 4}}\ninit: {{aligned: {{norm: 0.01}}}}\n\
                 flow: {{until: {{time: 80}}}}\nremedy: {{rate: {{{frozen}: 0}}}}"
            ),
        ));
        let theory = &result.theory;
        assert_eq!(common::place(&theory.first), Some(first));
        assert_eq!(common::place(&theory.second), None);
        assert_eq!((theory.ratio, theory.t_second), (None, None));
        let phase = &result.flow.detection.phase;
        assert_eq!(common::place(&phase.first), Some(first));
        assert_eq!(phase.t_second, None);
        let found = theory.from_weights.as_ref().expect("times");
        assert!(close(found.t_first, phase.t_first.expect("one"), 0.05));
    }
    let early = common::prepare(&toy(
        0.5,
        "network: {depth: 3, fusion_layer: 1, width: 4}\ninit: {aligned: {norm: 0.01}}\n\
         flow: {until: {time: 1}}\nremedy: {rate: {B: 0}}",
    ));
    assert_eq!(early.theory().ratio, None);
}
