//! Theory's reduced equations in time, against the flow of the full network.

use super::common;
use approx::assert_relative_eq;
use modalflow::experiment::results::TheoryCurve;
use modalflow::theory::CurveStart;

const TOY: &str = "data: {toy: {rho: RHO, sigma: {A: R, B: 1}, target: {A: 1, B: 1}}}\n";

fn toy(rho: f64, r: f64, rest: &str) -> String {
    let data = TOY
        .replace("RHO", &rho.to_string())
        .replace('R', &r.to_string());
    format!("{data}{rest}\n")
}

fn curve(yaml: &str) -> TheoryCurve {
    let (_, result) = common::run(yaml);
    result.theory_curve.expect("a curve")
}

/// Aligned weights are what the reduced equations are about: the curve is the flow, integrated by
/// another method on other code. Its relative distance is that of two integrations at rtol 1e-9 over
/// some thousand steps.
#[test]
fn from_aligned_weights_the_curve_is_the_flow() {
    let vectors = "data: {moments: {modalities: {A: 1, B: 2, C: 1}, inputs: [[4, 0.2, 0, 0.3], \
                   [0.2, 2, 0.1, 0.2], [0, 0.1, 0.5, 0], [0.3, 0.2, 0, 0.8]], \
                   target_map: [[1, -1, 0.3, 1]]}}\n";
    let cases = [
        toy(0.5, 2.0, "network: {depth: 2, fusion_layer: 2, width: 4}"),
        toy(0.0, 2.0, "network: {depth: 3, fusion_layer: 2, width: 4}"),
        toy(0.0, 2.0, "network: {depth: 4, fusion_layer: 1, width: 4}"),
        toy(-0.5, 2.0, "network: {depth: 4, fusion_layer: 3, width: 4}"),
        toy(0.5, 2.0, "network: {depth: 4, fusion_layer: 4, width: 4}"),
        toy(
            0.2,
            1.2,
            "network: {private_layers: {A: 3, B: 2}, shared_layers: 1, width: 4}",
        ),
        format!("{vectors}network: {{depth: 3, fusion_layer: 2, width: 4}}\n"),
        format!("{vectors}network: {{depth: 2, fusion_layer: 2, width: 4}}\n"),
    ];
    for case in cases {
        let yaml = format!(
            "{case}init: {{aligned: {{norm: 0.1}}}}\n\
             flow: {{method: dopri5, rtol: 1e-9, until: {{time: 60}}}}"
        );
        let TheoryCurve { curve, comparison } = curve(&yaml);
        assert_eq!(curve.start, CurveStart::AlignedWeights);
        assert!(comparison.max_loss_gap < 1e-7, "{case}: {comparison:?}");
        assert!(
            comparison.max_map_gap.is_some_and(|gap| gap < 1e-7),
            "{case}: {comparison:?}"
        );
        for gap in [comparison.t_first_gap, comparison.t_second_gap] {
            assert!(gap.expect("crossed").abs() < 1e-7, "{case}: {comparison:?}");
        }
    }
}

/// Two layers, no correlation: W_m = 1/(1 + (1/u0^2 - 1) e^{-2 sigma_m^2 t}), to the curve's own tolerance
/// of 1e-9 a step over some hundred steps.
#[test]
fn two_layers_follow_the_closed_form() {
    let rest = "network: {depth: 2, fusion_layer: 2, width: 3}\n\
                init: {aligned: {norm: 1e-3}}\nflow: {until: {time: 16}}";
    let curve = curve(&toy(0.0, 2.0, rest)).curve;
    for i in 0..=1000 {
        let time = 16.0 * f64::from(i) / 1000.0;
        let knot = curve.trajectory.at(time);
        for (m, variance) in [(0, 4.0), (1, 1.0f64)] {
            let exact = 1.0 / (1.0 + (1e6 - 1.0) * (-2.0 * variance * time).exp());
            assert_relative_eq!(knot.values[m], exact, max_relative = 1e-7);
        }
    }
}

/// From random weights two layers follow the curve that starts from their growing modes: what else
/// there is of the weights fades. It changes the maps by the order of the initial map 1e-10, and
/// the curves by the two integrations' errors. With rho = -0.5 and r = 3 B's drive turns
/// round, and B comes out of the opposed mode.
#[test]
fn small_random_weights_of_two_layers_follow_the_curve() {
    for (rho, r, fusion) in [(0.5, 2.0, 2), (-0.5, 3.0, 2), (0.0, 2.0, 1), (0.5, 2.0, 1)] {
        let rest = format!(
            "network: {{depth: 2, fusion_layer: {fusion}, width: 30}}\n\
             init: {{gaussian: {{std: 1e-6}}}}\n\
             flow: {{method: dopri5, rtol: 1e-9, until: {{time: 60}}}}"
        );
        let TheoryCurve { curve, comparison } = curve(&toy(rho, r, &rest));
        assert_eq!(curve.start, CurveStart::GrowingModes);
        assert!(comparison.max_loss_gap < 1e-5, "{comparison:?}");
        assert!(comparison.t_second_gap.expect("B").abs() < 1e-5);
    }
}

/// A balanced stack of two layers or more keeps its sign: an aligned one whose drive turns round
/// shrinks and stays at zero, in the curve and in the flow.
#[test]
fn an_aligned_stack_never_returns_from_an_opposed_drive() {
    let rest = "network: {depth: 2, fusion_layer: 2, width: 3}\n\
                init: {aligned: {norm: 1e-3}}\nflow: {until: {time: 20}}";
    let TheoryCurve { curve, comparison } = curve(&toy(-0.5, 3.0, rest));
    assert_eq!(comparison.t_second, None);
    assert!(curve.trajectory.end().values[1].abs() < 1e-6);
    assert!(
        (curve.trajectory.end().values[0] - 1.0).abs() > 0.1,
        "A alone"
    );
}

/// Deep random weights: the curve starts from the aligned weights that have the same times. The bounds are a few times
/// the largest gaps of the times themselves at this norm, which are of order one over times of tens (see `blow_up.rs`).
#[test]
fn deep_random_weights_follow_the_curve_from_their_effective_weights() {
    for (depth, fusion, first, second) in [
        (4, 4, 1e-3, 1e-3),
        (4, 3, 1e-3, 1e-2),
        (4, 2, 1e-3, 1e-2),
        (4, 1, 2e-3, 1e-2),
        (3, 2, 5e-3, 2e-2),
    ] {
        for rho in [-0.9, 0.0, 0.9] {
            let rest = format!(
                "seed: 1\nnetwork: {{depth: {depth}, fusion_layer: {fusion}, width: 30}}\n\
                 init: {{gaussian: {{std: 0.02}}}}\nflow: {{until: {{time: 1e7, loss_gap: 1e-4}}}}"
            );
            let TheoryCurve { curve, comparison } = curve(&toy(rho, 2.0, &rest));
            assert_eq!(curve.start, CurveStart::EffectiveWeights);
            let found = [comparison.t_first_gap, comparison.t_second_gap]
                .map(|gap| gap.expect("crossed").abs());
            assert!(
                found[0] < first && found[1] < second,
                "{depth} {fusion} {rho}: {found:?}"
            );
        }
    }
}

/// Random data, three modalities of three inputs each whose drives turn by any angle. The curve knows the drops, which
/// last a few per cent of the times here, and of the second time leaves what the turning of random weights adds to that
/// of aligned ones. The times from the weights know the drops, too.
#[test]
fn random_data_follow_the_curve() {
    for seed in 1..=5 {
        let yaml = format!(
            "seed: {seed}\ndata: {{wishart: {{modalities: {{A: 3, B: 3, C: 3}}, scale: {{A: 2, B: 1.5, C: 1}}}}}}\n\
             network: {{depth: 3, fusion_layer: 3, width: 30}}\ninit: {{gaussian_norm: {{norm: 0.05}}}}\n\
             flow: {{until: {{time: 1e9, loss_gap: 1e-4}}}}\n"
        );
        let (_, result) = common::run(&yaml);
        let comparison = result.theory_curve.expect("a curve").comparison;
        let gaps = [comparison.t_first_gap, comparison.t_second_gap]
            .map(|gap| gap.expect("crossed").abs());
        assert!(gaps[0] < 5e-3 && gaps[1] < 1e-2, "{seed}: {gaps:?}");
        let first = result.theory_gap.weights.t_first.expect("known");
        assert!(first.abs() < 5e-3, "{seed}: {first}");
    }
}

/// Stacks of two and three layers: the shallow one grows exponentially, the deep one blows up. The shallow one's
/// other mode fades as exp(-2 t), which is some per cent here.
#[test]
fn stacks_of_unequal_depth_follow_the_curve() {
    let rest = "network: {private_layers: {A: 2, B: 3}, shared_layers: 0, width: 30}\n\
                init: {gaussian_norm: {norm: 0.1}}\nflow: {until: {time: 100, loss_gap: 1e-4}}";
    let TheoryCurve { curve, comparison } = curve(&toy(0.3, 1.0, rest));
    assert_eq!(curve.start, CurveStart::EffectiveWeights);
    for gap in [comparison.t_first_gap, comparison.t_second_gap] {
        assert!(gap.expect("crossed").abs() < 0.02, "{comparison:?}");
    }
}

/// A single deep modality has a time and so a curve, too, which knows what the time leaves out: how the map saturates.
#[test]
fn a_single_deep_modality_follows_the_curve() {
    let yaml = "data: {moments: {modalities: {A: 2}, inputs: [[3, 0], [0, 3]], target_map: [[1, -1]]}}\n\
                network: {private_layers: {A: 3}, shared_layers: 0, width: 20}\ninit: {gaussian: {std: 0.02}}\n\
                flow: {until: {time: 1e4, loss_gap: 1e-4}}\n";
    let comparison = curve(yaml).comparison;
    assert!(
        comparison.t_first_gap.expect("crossed").abs() < 0.01,
        "{comparison:?}"
    );
}

/// Where nothing can be said there is no curve: several outputs, and modalities that are fused first beside others.
#[test]
fn no_curve_for_several_outputs_or_without_times() {
    let until = "flow: {until: {time: 1}}";
    let rest = format!(
        "network: {{private_layers: {{A: 1, B: 2}}, shared_layers: 2, width: 3}}\n\
         init: {{gaussian: {{std: 0.1}}}}\n{until}"
    );
    assert!(common::run(&toy(0.0, 2.0, &rest)).1.theory_curve.is_none());
    let yaml = format!(
        "data: {{moments: {{modalities: {{A: 1, B: 1}}, inputs: [[4, 0], [0, 1]], target_map: [[1, 1], [0, 1]]}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: 3}}\ninit: {{aligned: {{norm: 0.1}}}}\n{until}"
    );
    assert!(common::run(&yaml).1.theory_curve.is_none());
}
