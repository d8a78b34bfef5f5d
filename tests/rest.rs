//! Runs that rest, runs that only seem to, and what round-off keeps from being known.
//!
//! Times of growing and decaying modes are those of the exact coordinates of two scalar layers,
//! W_m = (a e^{2G} - b e^{-2G})/2 with a = |p + q|^2/2, b = |p - q|^2/2 and dG_m/dt = [(W* - W) S_xx]_m,
//! integrated by another program.

use crate::common;
use approx::assert_relative_eq;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::summary::Summary;
use modalflow::integrate::Outcome;

const METHODS: [&str; 3] = ["exponential", "dopri5", "dop853"];
const REDUCTIONS: [&str; 2] = ["auto", "off"];

/// Every method, with and without reduction.
fn each(mut check: impl FnMut(&str, &str)) {
    for method in METHODS {
        for reduction in REDUCTIONS {
            check(method, reduction);
        }
    }
}

fn run(parts: [&str; 3], method: &str, reduction: &str, until: &str) -> (Problem, RunResult) {
    let [data, network, init] = parts;
    common::run(&format!(
        "data: {data}\nnetwork: {network}\ninit: {init}\n\
         flow: {{method: {method}, reduction: {reduction}, until: {until}}}"
    ))
}

fn last_saddle(result: &RunResult) -> &str {
    let last = result.flow.detection.plateaus.last();
    last.map_or("none", |plateau| &plateau.saddle)
}

/// B's drive is opposed once A is learned, and aligned weights keep their sign: B is never learned.
#[test]
fn aligned_weights_never_come_back() {
    for (rho, r, depth, norm) in [
        (-0.9, 2.0, 2, 1e-3),
        (-0.7, 3.0, 2, 1e-6),
        (-0.9, 2.0, 3, 1e-1),
        (-0.8, 2.5, 4, 1e-1),
    ] {
        each(|method, reduction| {
            let data =
                format!("{{toy: {{rho: {rho}, sigma: {{A: {r}, B: 1}}, target: {{A: 1, B: 1}}}}}}");
            let network = format!("{{depth: {depth}, fusion_layer: {depth}, width: 10}}");
            let init = format!("{{aligned: {{norm: {norm}}}}}");
            let parts = [data.as_str(), network.as_str(), init.as_str()];
            let (_, result) = run(parts, method, reduction, "{loss_gap: 1.0e-6}");
            let case = format!("{rho}, {r}, {depth}, {method}, {reduction}");
            let end = &result.flow.end;
            assert_eq!(end.outcome, Outcome::Stalled, "{case}");
            assert!(end.work.steps < 20_000, "{case}: {} steps", end.work.steps);
            assert_eq!(last_saddle(&result), "M_A", "{case}");
            assert_eq!(result.flow.detection.phase.t_second, None, "{case}");
            let rest = result.flow.rest.as_ref().expect("it rests");
            assert_eq!(common::places(&rest.opposed), [1], "{case}");
            if depth == 2 {
                // The strict saddle stays one: B's weights would grow if they had the other sign.
                assert!(rest.least_eigenvalue.expect("converged") < 0.0, "{case}");
            }
        });
    }
}

/// Nothing drives B at first, then what drives it is opposed to the direction that it was given.
#[test]
fn an_aligned_suppressor_is_not_learned_out_of_round_off() {
    for (seed, (cross, target)) in [(0.5, -0.5), (0.5, -0.5), (0.3, -0.3)]
        .into_iter()
        .enumerate()
    {
        each(|method, reduction| {
            let (_, result) = common::run(&format!(
                "seed: {seed}\n\
                 data: {{moments: {{modalities: {{A: 1, B: 1}}, inputs: [[1, {cross}], [{cross}, 1]], \
                 target_map: [[1, {target}]]}}}}\n\
                 network: {{depth: 2, fusion_layer: 2, width: 20}}\n\
                 init: {{aligned: {{norm: 1.0e-3}}}}\n\
                 flow: {{method: {method}, reduction: {reduction}, until: {{time: 400}}}}"
            ));
            let phase = &result.flow.detection.phase;
            assert_eq!(phase.t_second, None, "{seed}, {method}, {reduction}");
            assert_eq!(result.flow.end.outcome, Outcome::Stalled);
            assert_eq!(last_saddle(&result), "M_A");
        });
    }
}

const SIGN_REVERSAL: &str = "{toy: {rho: 0.8, sigma: {A: 3, B: 1}, target: {A: -0.2, B: 2}}}";
const TWO_LAYERS: &str = "{depth: 2, fusion_layer: 2, width: 10}";

/// A is learned with the wrong sign and turns when B is known: at M_B until t = 77.57, a gap of 1e-6 at
/// 87.559. The full network has lost the mode that turns it, and says so.
#[test]
fn a_learned_modality_turns_exactly_or_not_at_all() {
    each(|method, reduction| {
        let parts = [SIGN_REVERSAL, TWO_LAYERS, "{gaussian: {std: 1.0e-9}}"];
        let (problem, result) = run(parts, method, reduction, "{time: 600, loss_gap: 1.0e-6}");
        let end = &result.flow.end;
        let warnings = Summary::of(&problem, &result).warnings;
        if reduction == "auto" {
            assert_eq!(end.outcome, Outcome::Converged, "{method}");
            assert_relative_eq!(end.time, 87.559, max_relative = 1e-4);
            let lies_at_b = |p: &&modalflow::analysis::detector::Plateau| p.saddle == "M_B";
            let plateaus = &result.flow.detection.plateaus;
            let exit = plateaus.iter().find(lies_at_b).and_then(|p| p.exit);
            assert_relative_eq!(exit.expect("M_B"), 77.57, max_relative = 1e-3);
            assert!(result.flow.balancedness_drift_own < Some(1e-3));
        } else {
            assert!(
                warnings.iter().any(|w| w.contains("cannot be known")),
                "{method}"
            );
            let says_so = warnings.iter().any(|w| w.contains("is not known"));
            assert!(end.outcome == Outcome::Stalled || says_so, "{method}");
        }
    });
}

/// Half height of B's final map after C has turned it: 407.98070 (std 1e-3), 847.7052 (1e-6), 1287.41
/// (1e-9), 1727.12 (1e-12).
#[test]
fn a_third_modality_turns_the_second_on_time() {
    let data = "{moments: {modalities: {A: 1, B: 1, C: 1}, \
                inputs: [[9, 0, 0], [0, 1, -0.45], [0, -0.45, 0.2125]], target_map: [[1, 1, 2.6]]}}";
    for (std, time) in [
        (1e-3, 407.98070),
        (1e-6, 847.7052),
        (1e-9, 1287.41),
        (1e-12, 1727.12),
    ] {
        for method in METHODS {
            let init = format!("{{gaussian: {{std: {std:e}}}}}");
            let parts = [data, TWO_LAYERS, init.as_str()];
            let (_, result) = run(parts, method, "auto", "{time: 3000}");
            let half = result.flow.detection.crossings[1].t_relearned.last();
            assert_relative_eq!(*half.expect("turned"), time, max_relative = 1e-5);
        }
    }
}

/// Weights of any size that still grow are not at rest.
#[test]
fn tiny_weights_that_grow_are_not_at_rest() {
    let toy = "{toy: {rho: 0, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}";
    let three = "{depth: 3, fusion_layer: 3, width: 5}";
    let four = "{depth: 4, fusion_layer: 4, width: 10}";
    let unequal = "{private_layers: {A: 2, B: 5}, shared_layers: 0, width: 5}";
    for (network, init, methods) in [
        (TWO_LAYERS, "{gaussian: {std: 1.0e-12}}", &METHODS[..]),
        (TWO_LAYERS, "{gaussian: {std: 1.0e-20}}", &METHODS[1..]),
        (TWO_LAYERS, "{aligned: {norm: 1.0e-20}}", &METHODS[1..]),
        (three, "{aligned: {norm: 1.0e-7}}", &METHODS[..1]),
        (four, "{aligned: {norm: 1.0e-6}}", &METHODS[..1]),
        (unequal, "{aligned: {norm: 1.0e-3}}", &METHODS[..1]),
    ] {
        for method in methods {
            for reduction in REDUCTIONS {
                let parts = [toy, network, init];
                let (_, result) = run(parts, method, reduction, "{loss_gap: 1.0e-6}");
                let case = format!("{network}, {init}, {method}, {reduction}");
                assert_eq!(result.flow.end.outcome, Outcome::Converged, "{case}");
            }
        }
    }
}

/// B's drive turns round, and Gaussian weights come back: a faded mode that is still known.
#[test]
fn a_shrunk_modality_that_is_known_comes_back() {
    let toy = "{toy: {rho: -0.9, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}";
    for std in ["1.0e-3", "1.0e-6", "1.0e-9"] {
        each(|method, reduction| {
            let init = format!("{{gaussian: {{std: {std}}}}}");
            let parts = [toy, TWO_LAYERS, init.as_str()];
            let (_, result) = run(parts, method, reduction, "{loss_gap: 1.0e-6}");
            assert_eq!(
                result.flow.end.outcome,
                Outcome::Converged,
                "{std}, {method}, {reduction}"
            );
        });
    }
}

/// The modes are an identity of two scalar layers: same maps, layer norms and weights.
#[test]
fn modes_are_the_full_network() {
    let parts = [SIGN_REVERSAL, TWO_LAYERS, "{gaussian: {std: 1.0e-2}}"];
    let (problem, modes) = run(parts, "dopri5", "auto", "{time: 12}");
    let (whole, full) = run(parts, "dopri5", "off", "{time: 12}");
    assert!(problem.reduction.as_ref().expect("modes").has_modes());
    assert!(whole.reduction.is_none());
    for time in [0.0, 1.0, 3.0, 6.0, 12.0] {
        let (a, b) = (
            modes.flow.trajectory.at(time),
            full.flow.trajectory.at(time),
        );
        for (a, b) in a.values.iter().zip(&b.values) {
            assert_relative_eq!(*a, *b, max_relative = 1e-5);
        }
    }
    let (a, b) = (
        modes.flow.final_weights(&problem),
        full.flow.final_weights(&whole),
    );
    assert!((&a - &b).norm() < 1e-5 * b.norm());
}
