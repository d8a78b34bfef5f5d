//! What finite learning rates do to the times of deep networks, against descent itself.

use super::common;
use modalflow::experiment::results::RunResult;

/// Two scalar inputs of variance 4 and 1, with a descent.
fn run((depth, fusion): (u32, u32), rho: f64, descent: &str) -> RunResult {
    let yaml = format!(
        "seed: 1
data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: {depth}, fusion_layer: {fusion}, width: 20}}
init: {{gaussian_norm: {{norm: 0.1}}}}
flow: {{method: dopri5, rtol: 1.0e-9, until: {{time: 1.0e4, loss_gap: 1.0e-5}}}}
descent: {{{descent}}}"
    );
    common::run(&yaml).1
}

/// By how many steps of `step` descent is later at the first and the second modality: measured and predicted.
fn delays(result: &RunResult, step: f64) -> [[f64; 2]; 2] {
    let (flow, descent) = (&result.flow.detection.phase, &result.descents[0]);
    let found = result.theory.from_weights.as_ref().expect("deep");
    let theory = descent.theory;
    let predicted = theory.t_first.expect("a prediction");
    let second = predicted * theory.ratio.expect("both");
    let over =
        |later: Option<f64>, earlier: Option<f64>| (later.unwrap() - earlier.unwrap()) / step;
    [
        [
            over(descent.phase.t_first, flow.t_first),
            over(Some(predicted), found.t_first),
        ],
        [
            over(descent.phase.t_second, flow.t_second),
            over(Some(second), found.t_second),
        ],
    ]
}

/// The first modality: to the relative order of the times themselves, and the second one to half a step, since the drop of the
/// first takes a time of order one, in which its drive turns (the theory lets it jump).
#[test]
fn descent_is_late_by_so_many_steps() {
    for (network, rho) in [
        ((4, 4), 0.5),
        ((4, 4), -0.7),
        ((3, 3), 0.0),
        ((4, 3), 0.5),
        ((4, 2), -0.7),
    ] {
        let result = run(network, rho, "learning_rate: 0.002");
        let [first, second] = delays(&result, 0.002);
        assert!(
            (first[0] - first[1]).abs() < 0.025 * first[0],
            "{network:?} {rho}: {first:?}"
        );
        assert!(
            (second[0] - second[1]).abs() < 0.7,
            "{network:?} {rho}: {second:?}"
        );
    }
}

/// Its momentum multiplies what a step lags by (1 + mu)/(1 - mu), and the velocity's start costs some steps more: of
/// 12, the second order in eta leaves some per cent at this rate.
#[test]
fn momentum_is_late_by_its_recursion() {
    for (network, rho) in [((4, 4), 0.0), ((3, 3), 0.5), ((4, 3), -0.7)] {
        let result = run(network, rho, "learning_rate: 0.0005, momentum: 0.5");
        let [first, _] = delays(&result, 0.001);
        assert!(
            (first[0] - first[1]).abs() < 0.04 * first[0],
            "{network:?} {rho}: {first:?}"
        );
    }
    // Two layers, where a mode's growth is exact: t_A to second order in eta.
    let error = |rate: f64| {
        let yaml = format!(
            "data: {{toy: {{rho: 0, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: 2, fusion_layer: 2, width: 4}}
init: {{aligned: {{norm: 1e-9}}}}
flow: {{method: dop853, rtol: 1e-10, until: {{time: 40}}}}
descent: {{learning_rate: {rate}, momentum: 0.5}}"
        );
        let (_, result) = common::run(&yaml);
        let descent = &result.descents[0];
        let predicted = descent.theory.t_first.expect("two layers");
        (descent.phase.t_first.expect("crosses") - predicted).abs()
    };
    let (coarse, fine) = (error(0.01), error(0.005));
    // A quarter at half of the rate, but for the third order.
    assert!(fine < 3e-3 && coarse / fine > 3.3, "{coarse} {fine}");
}
