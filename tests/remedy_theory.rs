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
}

/// Before shared layers the fixed layers of a frozen modality drive these, and it is learned by them.
#[test]
fn a_frozen_modality_of_early_fusion_is_learned_by_the_shared_layers() {
    let (_, result) = common::run(&toy(
        0.5,
        "network: {depth: 3, fusion_layer: 1, width: 20}\ninit: {gaussian: {std: 0.05}}\n\
         flow: {until: {time: 80}}\nremedy: {rate: {A: 0}}",
    ));
    let phase = &result.flow.detection.phase;
    assert!(phase.t_first.is_some() && phase.t_second.is_some());
    let theory = &result.theory;
    assert_eq!((theory.ratio, &theory.from_weights), (None, &None));
    assert!(result.theory_curve.is_none());
    assert!(
        theory
            .assumptions
            .iter()
            .any(|words| words.contains("frozen"))
    );
}

/// Two scalar modalities in late fusion, from random weights.
fn late(depth: usize, norm: f64, rho: f64, rest: &str) -> RunResult {
    let rest = format!(
        "network: {{depth: {depth}, fusion_layer: {depth}, width: 30}}\n\
         init: {{gaussian_norm: {{norm: {norm}}}}}\n{rest}"
    );
    common::run(&toy(rho, &rest)).1
}

/// Whether the times from the actual weights are those of the flow, to a share of them.
fn agrees(result: &RunResult, tolerance: f64) {
    let phase = &result.flow.detection.phase;
    let found = result.theory.from_weights.as_ref().expect("times");
    let pairs = [
        (found.t_first, phase.t_first),
        (found.t_second, phase.t_second),
    ];
    for (predicted, measured) in pairs {
        let what = format!("{predicted:?} {measured:?}");
        assert!(
            close(predicted, measured.expect("learned"), tolerance),
            "{what}"
        );
    }
    assert_eq!(found.first, phase.first);
}

/// 1 + ((s_A - mu) - (s_B - mu))/(b~ - mu) by hand, and times that are exact for uncorrelated scalar modalities but for what
/// is left of the fading mode, 1e-6 at this size of weights.
#[test]
fn weight_decay_of_two_layers_slows_every_mode() {
    for (decay, expected) in [(0.2, 1.0 + 3.0 / 0.8), (0.4, 1.0 + 3.0 / 0.6)] {
        let flow = format!("flow: {{rtol: 1.0e-8, weight_decay: {decay}, until: {{time: 60}}}}");
        let result = late(2, 1e-6, 0.0, &flow);
        assert!(
            close(result.theory.ratio, expected, 1e-12),
            "{:?}",
            result.theory
        );
        agrees(&result, 2e-5);
    }
    // The map of A that weight decay shrinks, n = (5 - mu)/4, explains half of itself of B: b~ = 2 - n.
    let flow = "flow: {weight_decay: 0.2, until: {time: 60}}";
    let ratio = 1.0 + (5.0 - 2.0) / (2.0 - 4.8 / 4.0 - 0.2);
    assert!(close(late(2, 1e-6, 0.5, flow).theory.ratio, ratio, 1e-9));
    // Nothing is left of B from mu = 1 on.
    let lost = late(
        2,
        1e-6,
        0.0,
        "flow: {weight_decay: 1.01, until: {time: 60}}",
    );
    assert_eq!(lost.theory.second, None);
    assert_eq!(lost.flow.detection.phase.t_second, None);
}

/// Deeper stacks follow the flow without decay in another time. To leading order: 1/(L |D| t) is below 0.002 here.
#[test]
fn weight_decay_of_deep_stacks_is_another_time() {
    let flow = |decay: f64| format!("flow: {{weight_decay: {decay}, until: {{time: 800}}}}");
    let fading = late(4, 0.1, 0.5, &flow(0.001));
    agrees(&fading, 2e-3);
    let time = |result: &RunResult| result.theory.from_weights.clone().expect("times").t_first;
    let plain = time(&late(4, 0.1, 0.5, &flow(0.0))).expect("A");
    // The drop itself, which is counted without decay only, is a thousandth of that.
    let expected = -(1.0 - 2.0 * 0.001 * plain).ln() / (2.0 * 0.001);
    assert!(close(time(&fading), expected, 2e-3));
    // tau is above 1/((L-2) mu): A never comes up.
    assert_eq!(time(&late(4, 0.1, 0.5, &flow(0.51 / plain))), None);
    assert!(time(&late(4, 0.1, 0.5, &flow(0.49 / plain))).is_some());
}

/// Absent, frozen and dropped modalities: times are followed from stage to stage.
#[test]
fn times_go_through_the_stages_of_a_schedule() {
    let two = |schedule: &str, rho: f64, tolerance: f64| {
        let rest = format!(
            "flow: {{rtol: 1.0e-8, until: {{time: 60}}}}\nremedy: {{schedule: {schedule}}}"
        );
        agrees(&late(2, 1e-6, rho, &rest), tolerance);
    };
    let absent = "[{until: 6.0, absent: [B]}, {}]";
    let frozen = "[{until: 2.0, absent: [A]}, {until: 8.0, rate: {B: 0.0}}, {}]";
    two(absent, 0.0, 2e-5);
    two(frozen, 0.0, 2e-5);
    // Correlated modalities: leading order, 1/(2 |D| t).
    two(absent, 0.5, 0.02);
    two(frozen, -0.3, 0.02);
    let three = "[{until: 100.0, absent: [A]}, {until: 200.0, absent: [B], keep: {A: 0.5}}, {}]";
    let rest = format!("flow: {{until: {{time: 1000}}}}\nremedy: {{schedule: {three}}}");
    agrees(&late(4, 0.1, 0.5, &rest), 3e-3);
}

/// A is frozen once it is learned: beside the map that it keeps B comes to another one, and C has another drive (185 in
/// place of 178).
#[test]
fn a_frozen_modality_keeps_its_map() {
    let yaml = "data: {moments: {modalities: {A: 1, B: 1, C: 1}, \
                inputs: [[4, 1, 0.5], [1, 2, 0.8], [0.5, 0.8, 1]], target_map: [[1, 1, 1]]}}\n\
                network: {depth: 4, fusion_layer: 4, width: 30}\n\
                init: {gaussian_norm: {norm: 0.1}}\nflow: {until: {time: 1000}}\n\
                remedy: {schedule: [{until: 45.0}, {rate: {A: 0.0}}]}\n";
    let (_, result) = common::run(yaml);
    agrees(&result, 2e-3);
    let found = result.theory.from_weights.expect("times");
    let last = result.flow.detection.crossings[2].t_learned.expect("C");
    assert!(close(found.times["C"], last, 2e-3), "{found:?} {last}");
}
