//! `--verify` judges: honest runs agree with their check with room to spare, wrong ones do not.

use super::common;
use modalflow::experiment::run::{Plan, run_flow};
use modalflow::experiment::verify::{Verification, verify};

/// A run as its scenario asks for it, and its check.
fn verified(yaml: &str) -> Verification {
    let problem = common::prepare(yaml);
    let flow = run_flow(&problem, &Plan::measuring(&problem), &mut |_| true);
    verify(&problem, &flow, &mut |_| true)
}

/// Two and four layers, every kind of fusion, vector inputs, several outputs; all that ships has
/// the same ingredients (measured there: at most a twentieth of what is allowed).
const HONEST: &[&str] = &[
    "data: {toy: {rho: 0.5, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 2, fusion_layer: 2, width: 20}
init: {gaussian: {std: 1e-6}}
flow: {until: {time: 30}",
    "data: {toy: {rho: 0, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 4, fusion_layer: 4, width: 20}
init: {gaussian_norm: {norm: 0.1}}
flow: {until: {loss_gap: 1e-6}",
    "data: {toy: {rho: 0, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 4, fusion_layer: 2, width: 20}
init: {gaussian_norm: {norm: 0.03}}
flow: {until: {loss_gap: 1e-6}",
    "data: {toy: {rho: 0.2, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 4, fusion_layer: 1, width: 20}
init: {aligned: {norm: 0.1}}
flow: {until: {loss_gap: 1e-6}",
    "data: {wishart: {modalities: {A: 4, B: 3}, scale: {A: 2, B: 1}}}
network: {depth: 2, fusion_layer: 2, width: 20}
init: {gaussian: {std: 1e-9}}
flow: {until: {time: 300}",
    // Large initial weights: no mode grows from something small.
    "data: {toy: {rho: 0, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 2, fusion_layer: 2, width: 20}
init: {gaussian: {std: 0.15}}
flow: {until: {time: 30}",
];

#[test]
fn honest_runs_agree_with_room_to_spare() {
    for yaml in HONEST {
        for method in ["exponential", "dopri5", "dop853"] {
            for rtol in [1e-4, 1e-8] {
                let yaml = format!("{yaml}, method: {method}, rtol: {rtol:e}}}");
                let check = verified(&yaml);
                assert_eq!(check.agrees, Some(true), "{yaml}: {check:?}");
                let largest = check.largest.expect("a judgement");
                assert!(largest.excess() < 0.5, "{yaml}: {largest:?}");
            }
        }
    }
}

/// An absolute tolerance above the initial weights lets the integrator ignore their growth
/// (the times of these weights, 4.605 and 18.421, come out off by some percent).
#[test]
fn a_tolerance_above_the_initial_weights_is_found_out() {
    for method in ["exponential", "dopri5", "dop853"] {
        let check = verified(&format!(
            "data: {{toy: {{rho: 0, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: 2, fusion_layer: 2, width: 1}}
init: {{aligned: {{norm: 1e-8}}}}
flow: {{method: {method}, atol: 1e-6, until: {{time: 40}}}}"
        ));
        assert_eq!(check.agrees, Some(false), "{method}: {check:?}");
        assert!(check.largest.expect("a judgement").excess() > 10.0);
    }
}

/// A run made at 1e-2 that passes itself off as one of 1e-8.
#[test]
fn a_run_that_lost_its_accuracy_is_found_out() {
    for yaml in HONEST {
        let problem = common::prepare(&format!("{yaml}}}"));
        let lossy = common::prepare(&format!("{yaml}, rtol: 1e-2}}"));
        let plan = Plan {
            tolerances: lossy.tolerances,
            ..Plan::measuring(&problem)
        };
        let flow = run_flow(&problem, &plan, &mut |_| true);
        let check = verify(&problem, &flow, &mut |_| true);
        assert_eq!(check.agrees, Some(false), "{yaml}: {check:?}");
    }
}
