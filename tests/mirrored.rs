//! Samples that come with their negatives: their moments, and rectified networks on them beside linear ones.

use super::common;
use approx::assert_relative_eq;
use modalflow::data::{Moments, Samples};
use modalflow::experiment::problem::Problem;
use nalgebra::DMatrix;

fn toy(samples: &str, network: &str, flow: &str) -> String {
    format!(
        "seed: 1\ndata: {{toy: {{rho: 0.3, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, {samples}}}}}\n\
         network: {{{network}}}\ninit: {{gaussian: {{std: 1.0e-6}}}}\nflow: {{{flow}}}\n"
    )
}

const RELU: &str = "depth: 2, fusion_layer: 2, width: 100, activation: relu";

/// Inputs and targets of all samples, a row each, of one block.
fn rows(samples: &Samples, inputs: usize) -> DMatrix<f64> {
    assert_eq!(samples.blocks(), 1);
    let block = samples.block(0);
    let columns = [block.inputs, block.targets].concat();
    DMatrix::from_vec(block.len, inputs + 1, columns)
}

fn samples(problem: &Problem) -> DMatrix<f64> {
    let samples = problem.moments.samples.as_deref().expect("kept");
    rows(samples, problem.moments.inputs_len())
}

#[test]
fn drawn_samples_come_with_their_negatives_and_keep_their_moments() {
    let prepare = |samples: &str| common::prepare(&toy(samples, RELU, "until: {time: 1}"));
    let (plain, mirrored) = (
        prepare("samples: 30, noise: 0.5"),
        prepare("samples: 60, noise: 0.5, mirror: true"),
    );
    let (draws, all) = (samples(&plain), samples(&mirrored));
    assert_eq!(all.rows(0, 30), draws);
    assert_eq!(all.rows(30, 30), -&draws);
    let moments = |problem: &Problem| -> Moments { problem.moments.clone() };
    let (plain, mirrored) = (moments(&plain), moments(&mirrored));
    assert_eq!(plain.inputs.to_matrix(), mirrored.inputs.to_matrix());
    assert_eq!(plain.cross, mirrored.cross);
    assert_eq!(plain.initial_loss, mirrored.initial_loss);
}

#[test]
fn each_number_of_xor_comes_with_its_negative_and_all_four_corners() {
    let problem = common::prepare(
        "data: {xor: {sigma: 1.0, samples: 64, mirror: true}}\n\
         network: {depth: 2, fusion_layer: 2, width: 4, activation: relu}\n\
         init: {gaussian: {std: 0.1}}\nflow: {until: {time: 1}}\n",
    );
    let all = samples(&problem);
    assert!(all.column(0).amax() > 0.5);
    for pair in 0..8 {
        for corner in 0..4 {
            let (row, other) = (8 * pair + corner, 8 * pair + 4 + corner);
            assert_eq!(all[(row, 0)], -all[(other, 0)]);
            for column in 1..3 {
                assert_eq!(all[(row, column)], all[(other, column)]);
            }
            let xor = -all[(row, 1)] * all[(row, 2)];
            assert_eq!(all[(row, 3)], all[(row, 0)] + xor);
            assert_eq!(all[(other, 3)], all[(other, 0)] + xor);
        }
    }
}

#[test]
fn halves_of_samples_are_refused() {
    let refused = |samples: &str| {
        let text = toy(samples, RELU, "until: {time: 1}");
        common::scenario(&text).expect_err("refused").to_string()
    };
    assert!(refused("samples: 31, mirror: true").contains("odd"));
    assert!(refused("mirror: true").contains("data.toy.mirror"));
    let xor = "data: {xor: {sigma: 1.0, samples: 12, mirror: true}}\n\
               network: {depth: 2, fusion_layer: 2, width: 4, activation: relu}\n\
               init: {gaussian: {std: 0.1}}\nflow: {until: {time: 1}}\n";
    let error = common::scenario(xor).expect_err("refused").to_string();
    assert!(error.contains("multiple of 8"), "{error}");
}

/// Of mirrored samples and a linear target, the correlation of y with a unit phi(u x), phi of slope 1 and a, is
/// (1 + a)/2 of that with u x: small rectified networks are linear ones whose time passes at that fraction. What
/// grows is a half for either sign of the inputs, and each holds half of the map at the start: with s = |S_yx|,
///
/// t = 2/(1 + a) (t_linear + ln(2/(1 + a))/(2 s))
#[test]
fn rectified_units_have_the_times_of_linear_theory() {
    for (activation, slope) in [("relu", 0.0), ("{leaky_relu: 0.5}", 0.5)] {
        let sampling = "samples: 256, mirror: true";
        let network = |units: &str| format!("depth: 2, fusion_layer: 2, width: 100{units}");
        let linear = common::prepare(&toy(sampling, &network(""), "until: {time: 40}")).theory();
        let units = format!(", activation: {activation}");
        let flow = "rtol: 1.0e-3, until: {time: 20}";
        let (problem, result) = common::run(&toy(sampling, &network(&units), flow));
        let drive = problem.moments.cross[0].abs();
        let half: f64 = 2.0 / (1.0 + slope);
        let expected = half * (linear.t_first.expect("known") + half.ln() / (2.0 * drive));
        let measured = result.flow.detection.phase.t_first.expect("reached");
        println!(
            "{activation}: {measured} {expected} {:e}",
            measured / expected - 1.0
        );
        assert_relative_eq!(measured, expected, max_relative = 1e-3);
    }
}
