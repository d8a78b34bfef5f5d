//! Targets of which a linear map can learn a part: their moments, utilities in closed form, and when each modality is learned.

use super::common;

use modalflow::experiment::problem::Problem;
use modalflow::theory::{Utility, growth_rate, hidden_utility, utilities};
use std::f64::consts::FRAC_2_PI;

/// So many samples that averages beside a target of size 2 are within a few per cent of a third.
const SAMPLES: u64 = 100_000;

/// Two layers of a ReLU network on such data.
fn problem(a: &str, b: &str) -> Problem {
    common::prepare(&format!(
        "{{name: t, seed: 1, data: {{additive: {{A: {a}, B: {b}, samples: {SAMPLES}}}}}, \
         network: {{depth: 2, fusion_layer: 2, width: 2, activation: relu}}, init: {{gaussian: {{std: 0.01}}}}, \
         flow: {{until: {{time: 1.0}}}}}}"
    ))
}

fn utilities_of(problem: &Problem) -> (Vec<Utility>, f64) {
    let (moments, network) = (&problem.moments, &problem.architecture);
    let found = utilities(moments, network, &|| true).expect("two layers on samples");
    let hidden = hidden_utility(moments, network, &found);
    (found, hidden)
}

fn near(value: f64, exact: f64) {
    assert!((value - exact).abs() < 0.05 * exact, "{value} {exact}");
}

/// |S_yxm| = sigma size sqrt(linear), and the power of the target is the sum of the squares of the sizes.
#[test]
fn a_linear_map_sees_the_linear_share() {
    let a = "{size: 2.0, linear: 0.5, sigma: 1.5}";
    let moments = problem(a, "{size: 1.0, linear: 0.25, sigma: 0.5, bits: 3}").moments;
    near(growth_rate(&moments, 0), 1.5 * 2.0 * 0.5f64.sqrt());
    near(growth_rate(&moments, 1), 0.5 * 0.5);
    near(2.0 * moments.initial_loss, 4.0 + 1.0);
}

/// One Gaussian input: U = sigma size/2 (sqrt(l) + sqrt(1 - l) s) with s = sqrt(1 - 2/pi), from E[e relu(z)] = s/2. XOR of
/// two bits: sqrt(2)/4, of which no linear map explains anything.
#[test]
fn utilities_are_those_of_the_closed_forms() {
    let (linear, s) = (0.3f64, (1.0 - FRAC_2_PI).sqrt());
    let a = "{size: 2.0, linear: 0.3, sigma: 1.5}";
    let (found, hidden) = utilities_of(&problem(a, "{linear: 1.0}"));
    near(
        found[0].utility,
        0.5 * 1.5 * 2.0 * (linear.sqrt() + (1.0 - linear).sqrt() * s),
    );
    near(found[1].utility, 0.5);
    near(
        hidden,
        1.0 - linear.sqrt() / (linear.sqrt() + (1.0 - linear).sqrt() * s),
    );
    let (found, hidden) = utilities_of(&problem(a, "{linear: 0.0, bits: 2}"));
    near(found[1].utility, 2f64.sqrt() / 4.0);
    near(hidden, 1.0);
}

/// The phase is told by the parts of the target, and the times from the weights are theirs: to 1 %, as outputs of a
/// thousandth feed back on each other, and drops are instants.
#[test]
fn a_modality_is_learned_when_half_of_its_part_is() {
    let (_, result) = common::run(
        "{name: t, seed: 1, data: {additive: {A: {size: 3.0}, B: {linear: 0.5}, samples: 256}}, \
         network: {depth: 2, fusion_layer: 2, width: 30, activation: relu}, init: {gaussian: {std: 1.0e-3}}, \
         flow: {rtol: 1.0e-2, until: {time: 40.0, loss_gap: 1.0e-2}}}",
    );
    let phase = &result.flow.detection.phase;
    let learned = result.learned.as_ref().expect("parts");
    for (time, part) in [phase.t_first, phase.t_second].iter().zip(&learned.parts) {
        assert_eq!(*time, part.t_half, "{}", part.name);
    }
    let theory = result.theory.from_weights.as_ref().expect("times");
    for (time, predicted) in [
        (phase.t_first, theory.t_first),
        (phase.t_second, theory.t_second),
    ] {
        let (time, predicted) = (time.expect("learned"), predicted.expect("learned"));
        assert!((time / predicted - 1.0).abs() < 0.01, "{time} {predicted}");
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_at_its_key() {
    for (a, rho, key) in [
        ("{bits: 1}", 0.0, "data.additive.A.bits"),
        ("{bits: 2}", 0.5, "data.additive.rho"),
        ("{linear: 1.5}", 0.0, "data.additive.A.linear"),
        ("{size: 0.0}", 0.0, "data.additive.A.size"),
    ] {
        let text = format!(
            "{{name: t, data: {{additive: {{A: {a}, B: {{}}, rho: {rho}, samples: 8}}}}, \
             network: {{depth: 2, fusion_layer: 2, width: 2}}, init: {{gaussian: {{std: 0.01}}}}, \
             flow: {{until: {{time: 1.0}}}}}}"
        );
        let error = common::scenario(&text).expect_err(key).to_string();
        assert!(error.contains(key), "{error}");
    }
}
