//! Absolute times of two layers from their actual initial weights, of the flow and of descent.

use super::common;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::trajectory::Knot;

/// Late fusion of two scalar inputs from Gaussian weights.
fn late(rho: f64, r: f64, std: f64, rest: &str) -> RunResult {
    let yaml = format!(
        "data: {{toy: {{rho: {rho}, sigma: {{A: {r}, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: 100}}\ninit: {{gaussian: {{std: {std:e}}}}}\n{rest}"
    );
    common::run(&yaml).1
}

/// The second crossing. Without correlation the formula is exact but for the order of the initial map.
///
/// With it, A lags behind B's growth instead of following at once. A balanced A keeps the residual
/// G_A = 1/2 d ln W_A/dt, which drives B by beta = S_AB/S_A times as much. With W_A = P - beta W_B to
/// leading order, B is late by
///
/// ```text
/// beta^2/2 int_0^{W_B*/2} dW / [(P - beta W) (b~ - lambda W)]
///     = beta^2/2 [ln 2 + ln(1 - beta W_B*/(2 P))] / (lambda P - beta b~)
/// ```
///
/// whatever the initial weights: 0.1 to 1 % of t_B here. The lag's own next order is b~/s_A of it, at most 0.25 (measured: 4 to 16 %).
#[test]
fn the_second_crossing_from_the_initial_weights() {
    for (rho, r) in [
        (0.0, 2.0),
        (0.0, 1.5),
        (0.5, 2.0),
        (-0.5, 2.0),
        (0.8, 2.0),
        (-0.5, 3.0),
        (0.5, 1.5f64),
    ] {
        let beta = rho / r;
        let (plateau, unexplained) = (1.0 + beta, 1.0 - rho * rho);
        let logarithms = 2.0f64.ln() + (1.0 - 0.5 * beta / plateau).ln();
        let lag = 0.5 * beta * beta * logarithms / (unexplained * (plateau - beta));
        for std in [1e-9, 1e-6, 1e-4] {
            let result = late(rho, r, std, "flow: {until: {loss_gap: 1e-6}}");
            let gap = result.theory_gap.t_second.expect("B");
            let measured = result.flow.detection.phase.t_second.expect("B");
            let late = measured - result.theory.t_second.expect("B");
            // The initial map is 30 std^2; the integrator is within rtol = 1e-8 of times of 20.
            let exact = 2e-7 + 1e3 * std * std;
            let tolerance = if rho == 0.0 { exact } else { 0.2 * lag };
            assert!((late - lag).abs() < tolerance, "{rho} {r} {std:e}");
            assert!(gap.abs() < 0.01, "{rho} {r} {std:e}: {gap}");
        }
    }
}

/// Times are given where their formula holds: not for a second modality whose drive turns, nor for
/// one that is above its level from the start, nor for other depths.
#[test]
fn no_absolute_time_without_a_formula() {
    let theory = |rest: &str| {
        let yaml = format!(
            "data: {{toy: {{rho: 0.5, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n{rest}\n\
             flow: {{until: {{time: 1}}}}"
        );
        let theory = common::prepare(&yaml).theory();
        (theory.t_first.is_some(), theory.t_second.is_some())
    };
    let two = "network: {depth: 2, fusion_layer: 2, width: 5}\ninit: ";
    assert_eq!(
        theory(&format!("{two}{{gaussian: {{std: 1e-6}}}}")),
        (true, true)
    );
    assert_eq!(
        theory(&format!("{two}{{aligned: {{norm: 10}}}}")),
        (false, false)
    );
    let three = "network: {depth: 3, fusion_layer: 3, width: 5}\ninit: {aligned: {norm: 0.1}}";
    assert_eq!(theory(three), (false, false));
    let turning = common::prepare(
        "data: {moments: {modalities: {A: 1, B: 2}, inputs: [[4, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], \
         target_map: [[1, 0.3, 0.5]]}}\n\
         network: {depth: 2, fusion_layer: 2, width: 5}\ninit: {gaussian: {std: 1e-6}}\n\
         flow: {until: {time: 1}}",
    )
    .theory();
    assert!(turning.t_first.is_some() && turning.t_second.is_none());
}

/// When the power of A's outputs is a quarter of what it is where A alone is learned, read off the
/// trajectory.
fn half_power(problem: &Problem, result: &RunResult) -> f64 {
    let observables = problem.observables();
    let power = |map: &[f64]| {
        let mut alone = vec![0.0; map.len()];
        alone[observables.block(0)].copy_from_slice(&map[observables.block(0)]);
        problem.moments.loss.output_power(&alone)
    };
    let level = power(problem.moments.critical_map(&[0]).as_slice());
    let trajectory = &result.flow.trajectory;
    let reached = |knot: &Knot| power(observables.map(knot)) >= 0.25 * level;
    let mut before = 0.0;
    for time in trajectory.times(3) {
        if reached(&trajectory.at(time)) {
            return trajectory.first_time(before, time, reached);
        }
        before = time;
    }
    panic!("A is never learned");
}

/// Vector inputs of A. Where its drive is an eigenvector of S_A the formula is that of one input;
/// elsewhere it is of leading order in the logarithm of the initial weights: the time is off by less
/// than 1/s_A whatever these are, 0.02 of it here.
#[test]
fn the_first_crossing_for_vector_inputs() {
    for (inputs, map, tolerance) in [
        (
            "[[4, 0, 0], [0, 4, 0], [0, 0, 1]]",
            "[[0.6, 0.8, 0.5]]",
            1e-7,
        ),
        (
            "[[4, 1, 0], [1, 2, 0], [0, 0, 1]]",
            "[[0.6, 0.8, 0.5]]",
            0.02,
        ),
    ] {
        let late = |std: f64| {
            let yaml = format!(
                "data: {{moments: {{modalities: {{A: 2, B: 1}}, inputs: {inputs}, target_map: {map}}}}}\n\
                 network: {{depth: 2, fusion_layer: 2, width: 50}}\ninit: {{gaussian: {{std: {std:e}}}}}\n\
                 flow: {{until: {{loss_gap: 1e-4}}}}"
            );
            let (problem, result) = common::run(&yaml);
            let measured = half_power(&problem, &result);
            let rate = modalflow::theory::growth_rate(&problem.moments, 0);
            (measured - result.theory.t_first.expect("A")) * rate
        };
        let [large, small] = [1e-6, 1e-9].map(late);
        assert!(small.abs() < tolerance && large.abs() < tolerance);
    }
}

/// Descent's first crossing: the formula is of second order in the learning rate, so that halving
/// that quarters the gap, to a factor of 1.2 for the third order. The growth factor alone,
/// eta needed/(2 ln(1 + eta s)), would be off by 3/4 ln 2 of a step.
#[test]
fn descent_first_crossing_from_the_initial_weights() {
    let rest = "flow: {until: {time: 20}}\ndescent: {learning_rate: [0.08, 0.04, 0.02, 0.01]}";
    for (rho, std) in [(0.0, 1e-6), (0.5, 1e-6), (0.0, 1e-3)] {
        let result = late(rho, 2.0, std, rest);
        let gaps: Vec<f64> = result
            .descents
            .iter()
            .map(|run| run.theory.t_first_gap.expect("A"))
            .collect();
        assert!(gaps[0].abs() < 0.005, "{gaps:?}");
        for pair in gaps.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((order - 2.0).abs() < 0.27, "{gaps:?}: order {order}");
        }
        // The formula of the ratio has no such correction: its gap is that of the flow's and a
        // share eta s/ln(1/w0) of it.
        let ratios = result.descents.iter().map(|run| run.theory.ratio_gap);
        assert!(ratios.flatten().all(|gap| gap.abs() < 0.03));
    }
}
