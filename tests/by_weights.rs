//! What the times from the actual initial weights say of the order, and where they say nothing.

use super::common;
use approx::assert_relative_eq;
use modalflow::theory::{FromWeights, Theory};

/// Two scalar inputs of variance 4 and 1.
fn toy(network: &str, init: &str, rho: f64, target: f64) -> String {
    format!(
        "seed: 1
data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: {target}}}}}}}
network: {{{network}, width: 30}}
init: {{{init}}}
flow: {{until: {{time: 1.0e5, loss_gap: 1.0e-6}}}}"
    )
}

/// Three modalities of three, three and two inputs.
fn vectors(seed: u64, network: &str, norm: f64, outputs: usize) -> String {
    format!(
        "seed: {seed}
data: {{wishart: {{modalities: {{A: 3, B: 3, C: 2}}, outputs: {outputs}, scale: {{A: 4, B: 1, C: 2}}}}}}
network: {{{network}}}
init: {{gaussian_norm: {{norm: {norm}}}}}
flow: {{until: {{time: 300, loss_gap: 1.0e-6}}}}"
    )
}

const SMALL: &str = "gaussian_norm: {norm: 0.1}";

fn of(theory: &Theory) -> &FromWeights {
    theory.from_weights.as_ref().expect("known")
}

fn says(theory: &Theory, words: &str) -> bool {
    theory.assumptions.iter().any(|known| known.contains(words))
}

fn same_names(theory: &Theory) -> bool {
    let found = of(theory);
    theory.first == found.first && theory.second == found.second
}

/// One mode of A is learned first, and the others do not see the rest of A: no later time is known, and none is
/// another order.
#[test]
fn of_several_outputs_the_first_time_is_known() {
    let yaml = vectors(3, "depth: 4, fusion_layer: 4, width: 20", 0.1, 2)
        + "\ndescent: {learning_rate: [0.002]}";
    let (_, result) = common::run(&yaml);
    let theory = &result.theory;
    let found = of(theory);
    assert!(result.theory_gap.weights.t_first.expect("first").abs() < 2e-3);
    assert_eq!((found.t_second, found.ratio), (None, None));
    assert!(says(theory, "mode by mode"));
    assert!(!says(theory, "decide the order") && !says(theory, "no second modality"));
    assert!(theory.second.is_some() && theory.ratio.is_some());
    let by_steps = &result.descents[0].theory;
    assert!(
        by_steps.t_first_gap.expect("first").abs() < 2e-3,
        "{by_steps:?}"
    );
    assert_eq!(by_steps.ratio, None);
    // Where no modality has a second mode, all is known.
    let one = common::prepare(&yaml.replace("gaussian_norm", "aligned")).theory();
    assert!(of(&one).ratio.is_some() && !says(&one, "mode by mode"));
}

/// B's drive turns round when A is learned, and aligned weights have nothing along it but round-off.
#[test]
fn aligned_weights_never_come_back() {
    let aligned = toy(
        "depth: 4, fusion_layer: 3",
        "aligned: {norm: 0.1}",
        -0.9,
        1.0,
    );
    let theory = common::prepare(&aligned).theory();
    assert_eq!((of(&theory).t_second, of(&theory).ratio), (None, None));
    assert!(says(&theory, "no second modality"));
    // Random ones do.
    let random = common::prepare(&aligned.replace("aligned", "gaussian_norm")).theory();
    assert!(of(&random).t_second.is_some());
}

#[test]
fn what_cannot_be_learned_has_no_time() {
    for (depth, fusion) in [(4, 1), (3, 1), (2, 1), (4, 3), (4, 4)] {
        let network = format!("depth: {depth}, fusion_layer: {fusion}");
        let theory = common::prepare(&toy(&network, SMALL, 0.0, 0.0)).theory();
        assert_eq!(theory.ratio, None, "{network}");
        assert!(says(&theory, "no second modality"), "{network}");
        assert!(!says(&theory, "another one"), "{network}");
        assert_eq!(theory.second, None, "{network}");
        if depth > 2 {
            let found = of(&theory);
            let times: Vec<_> = found.times.values().collect();
            assert!(times[0].is_some() && times[1].is_none(), "{times:?}");
            assert_eq!((found.t_second, found.ratio), (None, None));
        }
    }
    // A explains all that B does.
    for rho in [-1.0, 1.0] {
        let theory = common::prepare(&toy("depth: 4, fusion_layer: 2", SMALL, rho, 1.0)).theory();
        assert!(says(&theory, "no second modality") && !says(&theory, "another one"));
    }
}

/// A and C are at their levels together, before the shared layers tell them apart.
#[test]
fn equal_times_leave_the_order_to_the_formulas() {
    let network = "depth: 3, fusion_layer: 2, width: 15";
    let theory = common::prepare(&vectors(7, network, 0.05, 1)).theory();
    assert!(of(&theory).is_open);
    assert_eq!(common::place(&theory.first), Some(2));
    assert!(same_names(&theory));
    assert!(says(&theory, "their order is open") && !says(&theory, "such ratios"));
    // A modality past its level when the first one is learned: two layers, of which one starts far larger.
    let yaml = toy(
        "depth: 2, fusion_layer: 2",
        "lambda_balanced: {lambda: {A: 0, B: 1.0e-4}, norm: 1.0e-6}",
        0.5,
        1.0,
    );
    let theory = common::prepare(&yaml).theory();
    assert!(of(&theory).is_open && same_names(&theory) && theory.first.is_some());
    assert!(says(&theory, "their order is open") && !says(&theory, "such ratios"));
}

/// Two modalities that nothing tells apart: nobody names one of them.
#[test]
fn equal_modalities_have_no_order() {
    for (depth, fusion) in [(2, 2), (3, 2), (3, 3), (4, 2), (4, 3), (4, 4)] {
        let network = format!("depth: {depth}, fusion_layer: {fusion}");
        let yaml = toy(&network, "aligned: {norm: 0.1}", 0.0, 1.0).replace("A: 2", "A: 1");
        let theory = common::prepare(&yaml).theory();
        assert_eq!((&theory.first, &theory.second), (&None, &None), "{network}");
        assert!(same_names(&theory), "{network}");
        assert!(says(&theory, "their order is open"), "{network}");
        assert!(!says(&theory, "decide"), "{network}");
        assert_relative_eq!(of(&theory).ratio.expect("both"), 1.0, max_relative = 1e-5);
    }
}

/// The large layer of B makes it first, so that it grows along the drive that it has then.
#[test]
fn the_curve_starts_in_the_order_of_the_weights() {
    let yaml = toy(
        "depth: 2, fusion_layer: 2",
        "lambda_balanced: {lambda: {A: 0, B: 0.01}, norm: 1.0e-6}",
        -0.9,
        1.0,
    );
    let (_, result) = common::run(&yaml);
    assert_eq!(common::place(&result.theory.first), Some(1));
    let curve = result.theory_curve.expect("late fusion").comparison;
    assert!(curve.t_first_gap.expect("B first").abs() < 2e-3);
    assert!(curve.t_second_gap.expect("then A").abs() < 2e-3);
}

/// Times of four layers are those of larger weights times the square of the ratio of norms, to round-off of the levels:
/// also where the clock has no digits left for the last step.
#[test]
fn the_smallest_weights_have_times() {
    let found = |fusion: u32, norm: f64| {
        let network = format!("depth: 4, fusion_layer: {fusion}");
        let init = format!("gaussian_norm: {{norm: {norm:e}}}");
        let theory = common::prepare(&toy(&network, &init, 0.3, 1.0)).theory();
        let found = of(&theory);
        (found.t_first.expect("A"), found.ratio.expect("B"))
    };
    for (fusion, norm) in [(2, 1e-7), (3, 1e-7), (2, 1e-12), (4, 1e-50)] {
        let (t_first, ratio) = found(fusion, norm);
        let (larger, larger_ratio) = found(fusion, 1e-5);
        let scale = (1e-5_f64 / norm).powi(2);
        assert_relative_eq!(t_first, larger * scale, max_relative = 1e-4);
        assert_relative_eq!(ratio, larger_ratio, max_relative = 1e-4);
    }
}

#[test]
fn maps_above_their_level_have_no_times() {
    for fusion in [1, 2, 3, 4] {
        let network = format!("depth: 4, fusion_layer: {fusion}");
        let theory =
            common::prepare(&toy(&network, "gaussian_norm: {norm: 10}", 0.3, 1.0)).theory();
        assert_eq!(theory.from_weights, None, "{fusion}");
        assert!(says(&theory, "a map starts above its level"), "{fusion}");
    }
}

/// Where no aligned weights have these times there is no curve, and a word on it.
#[test]
fn a_missing_curve_has_a_reason() {
    let network = "depth: 3, fusion_layer: 3, width: 15";
    let (_, result) = common::run(&vectors(6, network, 0.05, 1));
    assert!(result.theory_curve.is_none() && result.theory.from_weights.is_some());
    assert!(says(&result.theory, "no theory curve"));
    let (_, result) = common::run(&toy("depth: 4, fusion_layer: 3", SMALL, 0.3, 1.0));
    assert!(result.theory_curve.is_some() && !says(&result.theory, "no theory curve"));
}

/// Predictions of steps that are missing have a reason.
#[test]
fn a_missing_prediction_of_steps_has_a_reason() {
    let deep = toy("depth: 4, fusion_layer: 4", SMALL, 0.3, 1.0)
        + "\ndescent: {learning_rate: [0.02, 0.001], momentum: 0.9}";
    let unbalanced = toy(
        "depth: 2, fusion_layer: 2",
        "lambda_balanced: {lambda: {A: 0, B: 0.01}, norm: 1.0e-6}",
        0.0,
        1.0,
    ) + "\ndescent: {learning_rate: [0.01]}";
    let unstable = toy("depth: 2, fusion_layer: 2", SMALL, 0.3, 1.0)
        + "\ndescent: {learning_rate: [0.4, 5.0, 0.01]}";
    let (_, deep) = common::run(&deep);
    let (_, unbalanced) = common::run(&unbalanced);
    let (_, unstable) = common::run(&unstable);
    let reasons = |descents: &[modalflow::experiment::results::DescentRun]| {
        let reason = |run: &modalflow::experiment::results::DescentRun| {
            assert_eq!(run.theory.reason.is_none(), run.theory.ratio.is_some());
            run.theory.reason.unwrap_or_default()
        };
        descents.iter().map(reason).collect::<Vec<_>>()
    };
    let found = reasons(&deep.descents);
    assert!(
        found[0].contains("more than a fifth") && found[1].is_empty(),
        "{found:?}"
    );
    let found = reasons(&unbalanced.descents);
    assert!(found[0].contains("balanced layers"), "{found:?}");
    let found = reasons(&unstable.descents);
    assert!(
        !found[0].is_empty() && found[1].contains("diverged"),
        "{found:?}"
    );
    assert!(found[2].is_empty());
}

/// Two layers without times have a reason of their own.
#[test]
fn two_layers_say_why_they_have_no_times() {
    let two = |fusion: u32, norm: f64| {
        let network = format!("depth: 2, fusion_layer: {fusion}");
        common::prepare(&toy(
            &network,
            &format!("gaussian_norm: {{norm: {norm}}}"),
            0.3,
            1.0,
        ))
        .theory()
    };
    let early = two(1, 0.1);
    assert!(early.from_weights.is_none() && says(&early, "for late fusion only"));
    let large = two(2, 3.0);
    assert!(large.from_weights.is_none() && says(&large, "starts above its level"));
    let outputs = vectors(3, "depth: 2, fusion_layer: 2, width: 20", 0.1, 2);
    let outputs = common::prepare(&outputs).theory();
    assert!(outputs.from_weights.is_none() && says(&outputs, "modes of several outputs"));
}
