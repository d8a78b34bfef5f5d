//! Unbalanced layers: lambda-balanced weights, factors on layers, and the exact times of two layers.

use super::common;
use approx::assert_relative_eq;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::theory::CurveStart;
use modalflow::trajectory::Knot;
use nalgebra::DMatrix;

/// Late fusion of two layers and two scalar inputs, y = x_A + x_B.
fn yaml(rho: f64, r: f64, init: &str) -> String {
    format!(
        "data: {{toy: {{rho: {rho}, sigma: {{A: {r}, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: 20}}\ninit: {init}\n\
         flow: {{rtol: 1e-10, until: {{loss_gap: 1e-6, time: 1e6}}}}"
    )
}

fn lambda(norm: f64, [a, b]: [f64; 2]) -> String {
    format!("{{lambda_balanced: {{norm: {norm:e}, lambda: {{A: {a:e}, B: {b:e}}}}}}}")
}

/// Measured times of A and B.
fn measured(result: &RunResult) -> [f64; 2] {
    let phase = &result.flow.detection.phase;
    let times = [&phase.t_first, &phase.t_second].map(|time| time.expect("learned"));
    match common::place(&phase.first) {
        Some(0) => times,
        _ => [times[1], times[0]],
    }
}

/// Times of A and B by the actual weights.
fn predicted(problem: &Problem) -> [f64; 2] {
    let found = problem.theory().from_weights.expect("two layers");
    ["A", "B"].map(|name| found.times[name].expect("learned"))
}

/// int dw / [(s - v w) sqrt(lambda^2 + 4 w^2)] up to half of s/v, by Simpson's rule in x, w = lambda/2 sinh x.
fn quadrature([s, v]: [f64; 2], lambda: f64, start: f64) -> f64 {
    let n = 20_000;
    let [from, to] = [start, 0.5 * s / v].map(|w| (2.0 * w / lambda).asinh());
    let step = (to - from) / f64::from(n);
    let rate = |i: i32| {
        let w = 0.5 * lambda * (from + step * f64::from(i)).sinh();
        0.5 / (s - v * w)
    };
    let weight = |i: i32| match i {
        _ if i == 0 || i == n => 1.0,
        _ if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=n).map(|i| weight(i) * rate(i)).sum::<f64>() * step / 3.0
}

/// dw/dt = (s - sigma^2 w) sqrt(lambda^2 + 4 w^2), exact for any lambda: the reference numbers, quadrature, and the run.
#[test]
fn half_heights_are_exact_for_any_lambda() {
    for (norm, lambda_m, reference) in [(1e-9, 1.0, 0.149507377), (1e-6, 9.0, 0.019207539)] {
        let (problem, result) = common::run(&yaml(0.0, 2.0, &lambda(norm, [lambda_m; 2])));
        let times = predicted(&problem);
        assert!((times[0] - reference).abs() < 1e-9, "{times:?}");
        assert_relative_eq!(times[1], 4.0 * times[0], max_relative = 1e-12);
        let t_first = problem.theory().t_first.expect("A");
        assert_relative_eq!(t_first, times[0], max_relative = 1e-14);
        for (predicted, measured) in times.iter().zip(measured(&result)) {
            assert_relative_eq!(*predicted, measured, max_relative = 1e-8);
        }
    }
    for (norm, lambda_m) in [
        (1e-6, 1e-9),
        (1e-3, 1e-3),
        (0.1, -0.3),
        (0.05, 50.0),
        (1e-4, 1e5),
    ] {
        let problem = common::prepare(&yaml(0.0, 2.0, &lambda(norm, [lambda_m; 2])));
        let start = norm * norm.hypot(lambda_m.abs().sqrt());
        let exact = quadrature([4.0, 4.0], lambda_m.abs(), start);
        assert_relative_eq!(predicted(&problem)[0], exact, max_relative = 1e-10);
    }
}

/// lambda of B alone: 4.00, 1.53, 0.87, 0.53, by running, and by the actual weights.
#[test]
fn the_unimodal_phase_ends_as_lambda_grows() {
    for (lambda_b, ratio) in [(0.0, 4.0), (1e-4, 1.53), (1e-2, 0.87), (0.1, 0.53)] {
        let (problem, result) = common::run(&yaml(0.0, 2.0, &lambda(1e-6, [0.0, lambda_b])));
        let [a, b] = measured(&result);
        assert!((b / a - ratio).abs() < 5e-3, "{lambda_b}: {}", b / a);
        let times = predicted(&problem);
        assert_relative_eq!(times[1] / times[0], b / a, max_relative = 1e-7);
        let first = problem.theory().first;
        assert_eq!(common::place(&first), Some(usize::from(ratio < 1.0)));
        // The formula keeps its word where the order is its own, and the report says what it assumes.
        let said = problem.theory().assumptions;
        let unequal = said.iter().any(|text| text.contains("start unequal"));
        assert_eq!(unequal, lambda_b > 0.0, "{said:?}");
        if ratio > 1.0 {
            assert_eq!(problem.theory().ratio, Some(4.0));
        }
    }
}

/// Without correlation a scalar modality is exact for weights of any size. The detector takes the level from where the
/// plateau is, hence the half height itself.
#[test]
fn large_random_weights_have_their_exact_times() {
    for std in [1e-3, 0.03, 0.06] {
        let (problem, result) =
            common::run(&yaml(0.0, 2.0, &format!("{{gaussian: {{std: {std}}}}}")));
        let (observables, trajectory) = (problem.observables(), &result.flow.trajectory);
        for (m, predicted) in predicted(&problem).into_iter().enumerate() {
            let is_there = |knot: &Knot| observables.map(knot)[m] >= 0.5;
            let measured = trajectory.first_time(0.0, trajectory.end().time, is_there);
            assert_relative_eq!(predicted, measured, max_relative = 1e-8);
        }
    }
}

/// With correlation the drive of B keeps its sign or turns; to leading order in small maps, from saddle to saddle.
#[test]
fn the_second_modality_follows_from_its_own_lambda() {
    for (rho, lambdas, bound) in [
        (0.5, [0.0, 1e-8], 0.01),
        (-0.5, [1e-5, 1e-5], 0.01),
        (0.5, [1e-3, 1e-6], 0.01),
        // rho r < -1: B shrinks at first. Balanced, aligned weights would never come back.
        (-0.9, [0.0, 1e-5], 0.01),
    ] {
        let (problem, result) = common::run(&yaml(rho, 2.0, &lambda(1e-6, lambdas)));
        for (predicted, measured) in predicted(&problem).iter().zip(measured(&result)) {
            assert!(
                (predicted / measured - 1.0).abs() < bound,
                "{rho} {lambdas:?}: {predicted} {measured}"
            );
        }
        let t_second = problem.theory().t_second.expect("parallel drives");
        assert!((t_second / measured(&result)[1] - 1.0).abs() < bound);
    }
    let never = common::prepare(&yaml(-0.9, 2.0, &lambda(1e-6, [0.0; 2]))).theory();
    assert_eq!(common::place(&never.second), None);
}

/// W2^T W2 - W1 W1^T = lambda u u^T on the one hidden direction in use, W_m > 0 along S_yxm.
#[test]
fn lambda_balanced_weights_are_what_they_are_called() {
    let vector = "{moments: {modalities: {A: 2, B: 1}, inputs: [[4, 1, 0], [1, 2, 0], [0, 0, 1]], \
                  target_map: [[0.6, 0.8, 0.5], [0.1, 0.2, 0.3]]}}";
    let text = yaml(0.0, 1.0, &lambda(0.1, [0.7, -0.02]));
    let (_, rest) = text.split_once('\n').expect("lines");
    let problem = common::prepare(&format!("data: {vector}\n{rest}"));
    for (m, lambda) in [(0, 0.7), (1, -0.02f64)] {
        let layer = |l: usize| {
            problem
                .architecture
                .view(&problem.weights, 2 * m + l)
                .into_owned()
        };
        let [first, second]: [DMatrix<f64>; 2] = [layer(0), layer(1)];
        let difference = second.transpose() * &second - &first * first.transpose();
        let eigenvalues = difference.clone().symmetric_eigenvalues();
        assert!((difference.trace() - lambda).abs() < 1e-15);
        let squares: f64 = eigenvalues.iter().map(|value| value * value).sum();
        assert!((squares - lambda * lambda).abs() < 1e-15);
        let norms = [first.norm(), second.norm()];
        assert!((norms[0].min(norms[1]) - 0.1).abs() < 1e-15);
        let cross = problem.moments.block(&problem.moments.cross, m);
        let reached = (&second * &first).dot(&cross);
        assert_relative_eq!(
            reached,
            norms[0] * norms[1] * modalflow::linalg::spectral_norm(&cross),
            max_relative = 1e-12
        );
    }
    assert_eq!(problem.scenario.init.norm(), None);
    assert!(problem.scenario.init.is_aligned());
    // lambda = 0 is the scheme of aligned weights, to the bit.
    let aligned = common::prepare(&yaml(0.3, 2.0, "{aligned: {norm: 0.1}}"));
    let balanced = common::prepare(&yaml(0.3, 2.0, &lambda(0.1, [0.0; 2])));
    assert_eq!(aligned.weights, balanced.weights);
    assert_eq!(balanced.scenario.init.norm(), Some(0.1));
    assert_eq!(aligned.theory(), balanced.theory());
}

/// Factors act on their layers alone, beside any scheme.
#[test]
fn factors_scale_their_layers() {
    let network = "network: {depth: 3, fusion_layer: 2, width: 5}";
    let text = |init: &str| {
        yaml(0.3, 2.0, init).replace("network: {depth: 2, fusion_layer: 2, width: 20}", network)
    };
    for scheme in [
        "gaussian: {std: 0.1}",
        "gaussian_norm: {norm: 0.1}",
        "aligned: {norm: 0.1}",
    ] {
        let plain = common::prepare(&text(&format!("{{{scheme}}}")));
        let scale = "scale: {A: 2, B: {\"1\": 0.5}, shared: {\"3\": 4.0}}";
        let scaled = common::prepare(&text(&format!("{{{scale}, {scheme}}}")));
        for (l, factor) in [2.0, 2.0, 0.5, 1.0, 4.0].into_iter().enumerate() {
            let layer =
                |problem: &Problem| problem.architecture.view(&problem.weights, l).into_owned();
            assert_eq!(layer(&plain) * factor, layer(&scaled), "{scheme} {l}");
        }
        assert_eq!(scaled.scenario.init.norm(), None);
        assert_eq!(
            scaled.scenario.init.is_aligned(),
            scheme.starts_with("aligned")
        );
        let ones = common::prepare(&text(&format!("{{{scheme}, scale: {{B: {{\"2\": 1}}}}}}")));
        assert_eq!(ones.scenario.init.norm(), plain.scenario.init.norm());
    }
}

/// Stacks of one norm each, but not of one for all: the curve of late fusion is still the flow.
#[test]
fn scaled_aligned_stacks_have_their_curve() {
    for (depth, rho) in [(2, 0.5), (4, -0.3)] {
        let text = yaml(rho, 2.0, "{aligned: {norm: 0.1}, scale: {B: 1.5}}").replace(
            "depth: 2, fusion_layer: 2",
            &format!("depth: {depth}, fusion_layer: {depth}"),
        );
        let (problem, result) = common::run(&text);
        let t_end = result.flow.trajectory.end().time;
        let curve = problem
            .theory_curve(&problem.theory(), t_end)
            .expect("aligned");
        assert_eq!(curve.start, CurveStart::AlignedWeights);
        let observables = problem.observables();
        for time in result.flow.trajectory.times(50) {
            let (flow, theory) = (result.flow.trajectory.at(time), curve.trajectory.at(time));
            for (a, b) in observables.map(&flow).iter().zip(&theory.values) {
                assert!((a - b).abs() < 1e-5, "{depth} {time}: {a} {b}");
            }
        }
    }
}

/// What comes back from a drive that turns round: unequal smallest layers do, equal ones never.
#[test]
fn aligned_stacks_that_never_turn() {
    let turning = |init: &str, depth: usize| {
        let text = yaml(-0.9, 2.0, init).replace(
            "depth: 2, fusion_layer: 2",
            &format!("depth: {depth}, fusion_layer: {depth}"),
        );
        common::run(&text).1.flow.detection.phase.t_second.is_some()
    };
    assert!(!turning("{aligned: {norm: 0.1}, scale: {B: 0.5}}", 2));
    assert!(turning(
        "{aligned: {norm: 0.1}, scale: {B: {\"1\": 0.5}}}",
        2
    ));
    assert!(turning(
        "{aligned: {norm: 0.3}, scale: {B: {\"2\": 0.5}}}",
        3
    ));
    // The two smallest layers stay equal.
    assert!(!turning(
        "{aligned: {norm: 0.3}, scale: {B: {\"2\": 2}}}",
        3
    ));
}
