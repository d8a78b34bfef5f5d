//! The XOR task: its data, which parts of it are learned, and ablation.

use super::common;

use approx::assert_relative_eq;
use modalflow::analysis::target_components::{Part, verdict};
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::Learned;
use modalflow::trajectory::Knot;
use modalflow::trajectory::Observables;

fn xor(fusion: usize, network: &str, time: f64) -> String {
    format!(
        "seed: 1\ndata: {{xor: {{sigma: 1.0, samples: 256}}}}\n\
         network: {{depth: 2, fusion_layer: {fusion}, width: 50{network}}}\n\
         init: {{gaussian: {{std: 1.0e-2}}}}\n\
         flow: {{rtol: 1.0e-2, until: {{time: {time}}}}}\n"
    )
}

#[test]
fn samples_are_balanced_and_uncorrelated_to_the_last_digit() {
    let problem = common::prepare(&xor(2, ", activation: relu", 1.0));
    let inputs = problem.moments.inputs.to_matrix();
    assert_eq!(
        inputs.view((1, 1), (2, 2)).clone_owned(),
        nalgebra::DMatrix::identity(2, 2)
    );
    assert!(
        inputs[(0, 1)].abs() < 1e-15 && inputs[(0, 2)].abs() < 1e-15,
        "{inputs}"
    );
    assert_relative_eq!(inputs[(0, 0)], 1.0, max_relative = 0.5);
    let cross = &problem.moments.cross;
    assert_relative_eq!(cross[0], inputs[(0, 0)], max_relative = 1e-14);
    assert!(cross[1].abs() < 1e-15 && cross[2].abs() < 1e-15, "{cross}");
    // The linear part and a bit of variance 1.
    assert_relative_eq!(
        problem.moments.initial_loss,
        0.5 * (inputs[(0, 0)] + 1.0),
        max_relative = 1e-14
    );
    let samples = problem.moments.samples.as_ref().expect("kept");
    let block = samples.block(0);
    for i in 0..block.len {
        let [x, left, right] = [0, 1, 2].map(|k| block.inputs[i + k * block.len]);
        let exclusive = if left == right { -1.0 } else { 1.0 };
        assert_eq!(block.targets[i], x + exclusive);
        assert_eq!([block.parts[i], block.parts[i + block.len]], [x, exclusive]);
    }
}

/// Central differences along the flow, and shares by hand for a network that holds one part.
#[test]
fn parts_are_regressions_with_exact_rates() {
    let problem = common::prepare(&xor(1, ", activation: tanh, biases: true", 1.0));
    let mut flow = modalflow::flow::Flow::new(&problem.architecture, &problem.moments);
    let weights = problem
        .weights
        .map_with_location(|i, _, w| 300.0 * w + 0.1 * (i as f64).sin());
    let mut rate = weights.clone();
    flow.rate(weights.as_slice(), rate.as_mut_slice());
    let observables = problem.observables();
    let mut knot = |shift: f64| {
        let mut observation = Default::default();
        flow.observe((&weights + &rate * shift).as_slice(), &mut observation);
        Knot::of(0.0, &observation)
    };
    let (here, ahead, behind) = (knot(0.0), knot(1e-6), knot(-1e-6));
    let parts = here.values.len() - 2;
    for k in 0..2 {
        assert_eq!(observables.parts(&here)[k], here.values[parts + k]);
        let expected = (observables.parts(&ahead)[k] - observables.parts(&behind)[k]) / 2e-6;
        assert_relative_eq!(
            here.rates[parts + k],
            expected,
            max_relative = 1e-5,
            epsilon = 1e-6
        );
    }
    // The linear part is the input of A, uncorrelated with all else: its share is the map of A.
    assert_relative_eq!(
        observables.parts(&here)[0],
        observables.map(&here)[0],
        max_relative = 1e-12
    );
    assert!(observables.parts(&here)[1].abs() > 1e-6);
}

fn learned(result: &modalflow::experiment::results::RunResult) -> &Learned {
    result.learned.as_ref().expect("a network with units")
}

fn last_loss(
    observables: &Observables<'_>,
    result: &modalflow::experiment::results::RunResult,
) -> f64 {
    observables.loss(result.flow.trajectory.end())
}

#[test]
fn late_fusion_learns_both_parts_and_says_when() {
    let (problem, result) = common::run(&xor(2, ", activation: relu", 15.0));
    assert_eq!(verdict(&learned(&result).parts), "both");
    for part in &learned(&result).parts {
        assert!((part.last - 1.0).abs() < 0.2, "{part:?}");
        let half = part.t_half.expect("learned");
        let k = usize::from(part.name == "xor");
        let there = problem
            .observables()
            .parts(&result.flow.trajectory.at(half))[k];
        assert_relative_eq!(there, 0.5, max_relative = 1e-9);
    }
    // Without a modality its own part of the target is lost, and nothing else.
    let loss = last_loss(&problem.observables(), &result);
    let [a, b] = &learned(&result).ablations[..] else {
        panic!("{:?}", learned(&result).ablations)
    };
    let variance = problem.moments.inputs.entry(0, 0);
    assert_relative_eq!(a.loss, 0.5 * variance, max_relative = 0.2);
    assert_relative_eq!(b.loss, 0.5, max_relative = 0.2);
    assert!(loss < 0.1, "{loss}");
}

/// No linear map explains XOR, and a run that ends before it is learned says so.
#[test]
fn what_is_not_learned_is_not_claimed() {
    let (_, result) = common::run(&xor(2, ", activation: relu", 15.0));
    let xor = learned(&result).parts[1].t_half.expect("learned");
    let linear = learned(&result).parts[0].t_half.expect("learned");
    assert!(linear < xor, "{:?}", learned(&result).parts);
    let (_, short) = common::run(&xor_until(0.5 * (linear + xor)));
    assert_eq!(verdict(&learned(&short).parts), "linear");
    assert_eq!(learned(&short).parts[1].t_half, None);
    let part = |name, last| Part {
        name,
        last,
        t_half: None,
    };
    assert_eq!(verdict(&[part("linear", 0.1), part("xor", 0.2)]), "neither");
    assert_eq!(verdict(&[part("linear", 0.1), part("xor", 0.9)]), "xor");
    let linear: Problem = common::prepare(&xor_linear());
    assert_relative_eq!(linear.moments.loss.floor, 0.5, max_relative = 1e-12);
}

fn xor_until(time: f64) -> String {
    xor(2, ", activation: relu", time)
}

fn xor_linear() -> String {
    xor(2, "", 1.0)
}

/// While XOR is learned the speed of the loss flickers from step to step, as samples cross kinks; that
/// makes no plateaus.
#[test]
fn flicker_makes_no_treads() {
    for (fusion, saddles) in [(1, [vec![], vec![0, 1]]), (2, [vec![], vec![0]])] {
        let text = xor(fusion, ", activation: relu", 12.0).replace("sigma: 1.0", "sigma: 2.0");
        let (_, result) = common::run(&text);
        let plateaus = &result.flow.detection.plateaus;
        let learned: Vec<_> = plateaus.iter().map(|p| p.learned_places()).collect();
        // Nothing, then the linear part: with early fusion there is no saddle of A alone, and the linear
        // network's minimum is the place.
        assert_eq!(learned[..2], saddles.map(Some), "{learned:?}");
        assert!(plateaus.len() <= 4, "{learned:?}");
    }
}

/// From t = 6 on XOR is learned with samples held at the units' kinks, where the rate points at the
/// kink from both sides: steps must stay within the tolerance there, too. Where the trajectory goes
/// is told by descents of small learning rates.
#[test]
fn descent_agrees_where_samples_stay_at_kinks() {
    let text = xor(1, ", activation: relu", 12.0) + "descent: {learning_rate: [0.004, 0.002]}\n";
    let (problem, result) = common::run(&text);
    let observables = problem.observables();
    let last = |trajectory: &modalflow::trajectory::Trajectory| {
        observables.parts(trajectory.end()).to_vec()
    };
    let flow = last(&result.flow.trajectory);
    let [coarse, fine] = [0, 1].map(|k| last(&result.descents[k].descent.trajectory));
    for k in 0..2 {
        let limit = 2.0 * fine[k] - coarse[k];
        let left = (limit - fine[k]).abs();
        assert!(
            (flow[k] - limit).abs() < 1e-2 + left,
            "{flow:?}, {coarse:?}, {fine:?}"
        );
    }
}

/// A target that no linear map explains any of: rectified units learn it, linear ones are refused.
#[test]
fn a_target_that_is_all_xor_is_for_networks_that_are_not_linear() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("xor.csv");
    let corners = "-1,-1,0.5,-1\n-1,1,0.5,1\n1,-1,0.5,1\n1,1,0.5,-1\n";
    let mirrored = "-1,-1,-0.5,-1\n-1,1,-0.5,1\n1,-1,-0.5,1\n1,1,-0.5,-1\n";
    std::fs::write(&path, format!("b1,b2,a,y\n{corners}{mirrored}")).expect("written");
    let text = |activation: &str| {
        format!(
            "data: {{table: {{path: {path:?}, modalities: {{A: [a], B: [b1, b2]}}, targets: [y]}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 40, activation: {activation}}}\n\
             init: {{gaussian: {{std: 0.1}}}}\n\
             flow: {{rtol: 1.0e-2, until: {{time: 60.0, loss_gap: 0.05}}}}\n\
             descent: {{learning_rate: 0.05}}\n"
        )
    };
    let (problem, result) = common::run(&text("relu"));
    assert!(lens_loss_gap(&problem, &result) <= 0.05);
    let visits = &result.descents[0].visits;
    let end = visits.last().expect("M_*");
    assert!(
        visits.iter().all(|v| v.least_distance.is_finite()),
        "{end:?}"
    );
    assert_eq!(result.descents[0].comparison.max_map_gap, None);
    assert_eq!(result.theory.ratio, None);
    assert_eq!(result.flow.detection.phase.first, None);
    let error = common::try_prepare(&text("linear")).expect_err("linear");
    assert!(
        error.to_string().contains("there is nothing to learn"),
        "{error}"
    );
}

fn lens_loss_gap(problem: &Problem, result: &modalflow::experiment::results::RunResult) -> f64 {
    problem.observables().loss_gap(result.flow.trajectory.end())
}
