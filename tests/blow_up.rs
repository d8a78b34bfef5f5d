//! Times from the actual initial weights, against reference numbers and the flow.

use super::common;
use approx::assert_relative_eq;
use modalflow::theory::blow_up_time;
use nalgebra::{DMatrix, dmatrix};

fn unit() -> DMatrix<f64> {
    dmatrix![1.0]
}

/// Blow-up times by quadrature in stretched time with 30 digits, from other code.
#[test]
fn blow_up_times_are_the_reference_numbers() {
    let a = [
        dmatrix![0.10; -0.05],
        dmatrix![0.08, 0.02; -0.03, 0.06],
        dmatrix![0.05, 0.09],
    ];
    let b = [
        dmatrix![0.07; 0.04],
        dmatrix![0.05, -0.06; 0.02, 0.09],
        dmatrix![-0.04, 0.08],
    ];
    let between = [
        dmatrix![0.04, -0.07; 0.09, 0.03],
        dmatrix![0.06, 0.05; -0.02, 0.08],
    ];
    for (stack, middle, three, four) in [
        (a, &between[0], 13.0844401595, 53.3008756326),
        (b, &between[1], 12.2237359290, 82.7494569273),
    ] {
        let time = blow_up_time(&stack, &unit(), 1e-12).expect("grows");
        assert_relative_eq!(time, three, max_relative = 1e-9);
        let [first, second, last] = stack;
        let time = blow_up_time(&[first, second, middle.clone(), last], &unit(), 1e-12);
        assert_relative_eq!(time.expect("grows"), four, max_relative = 1e-9);
    }
}

/// Aligned layers of norm u0: u^{2-L}/(L-2), and 1/s of it under the drive s.
#[test]
fn aligned_layers_blow_up_at_the_closed_form() {
    for depth in [3, 4, 6] {
        for drive in [1.0, 2.5] {
            let layers = vec![dmatrix![0.1]; depth];
            let time = blow_up_time(&layers, &(unit() * drive), 1e-12).expect("grows");
            let exact = 0.1_f64.powi(2 - depth as i32) / ((depth - 2) as f64 * drive);
            assert_relative_eq!(time, exact, max_relative = 1e-10);
        }
    }
}

/// An aligned stack that its drive opposes shrinks for ever; fewer layers never blow up.
#[test]
fn what_never_blows_up_has_no_time() {
    let layers = vec![dmatrix![0.1]; 3];
    assert_eq!(blow_up_time(&layers, &dmatrix![-1.0], 1e-9), None);
    assert_eq!(blow_up_time(&layers[..2], &unit(), 1e-9), None);
    assert_eq!(blow_up_time(&layers, &dmatrix![0.0], 1e-9), None);
    let uneven = [dmatrix![0.1; 0.1], dmatrix![0.1], dmatrix![0.1]];
    assert_eq!(blow_up_time(&uneven, &unit(), 1e-9), None);
}

/// The largest gaps of a run's ratio and first time to theory from its weights.
fn gaps(yaml: &str) -> [f64; 2] {
    let (_, result) = common::run(yaml);
    let gap = result.theory_gap.weights;
    let found = result.theory.from_weights.as_ref().expect("known");
    let phase = &result.flow.detection.phase;
    assert!(gap.ratio.is_some(), "{phase:?}, {found:?}");
    [gap.ratio, gap.t_first].map(|gap| gap.expect("in that order").abs())
}

/// Two scalar inputs of variance 4 and 1, layers of expected norm `norm`.
fn toy(seed: u64, (depth, fusion): (u32, u32), rho: f64, norm: f64) -> String {
    format!(
        "seed: {seed}
data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: {depth}, fusion_layer: {fusion}, width: 40}}
init: {{gaussian_norm: {{norm: {norm}}}}}
flow: {{until: {{time: 1.0e6, loss_gap: 1.0e-4}}}}"
    )
}

/// Four layers of norm 0.1, where the published formulas are off by tens of per cent. The bounds are those that an
/// independent integration of the same equations left for other seeds.
#[test]
fn random_weights_tell_the_times_of_deep_networks() {
    for seed in 0..3 {
        for rho in [-0.5, 0.0, 0.5] {
            let [ratio, first] = gaps(&toy(seed, (4, 4), rho, 0.1));
            assert!(
                ratio < 1e-3 && first < 3e-3,
                "late, {seed}, {rho}: {ratio} {first}"
            );
            let [ratio, first] = gaps(&toy(seed, (4, 3), rho, 0.1));
            assert!(
                ratio < 6e-3 && first < 5e-3,
                "layer 3, {seed}, {rho}: {ratio} {first}"
            );
            let [ratio, _] = gaps(&toy(seed, (4, 2), rho, 0.1));
            assert!(ratio < 1.5e-2, "layer 2, {seed}, {rho}: {ratio}");
        }
    }
}

/// The terms that leading order leaves out vanish with the weights: times of four layers grow like norm^{-2}, and
/// their errors, of order one, do not. The largest gap of three correlations, since single ones pass through zero.
#[test]
fn gaps_vanish_with_the_weights() {
    for fusion in [4, 3] {
        let gap = |norm| {
            let gaps = [-0.5, 0.0, 0.5].map(|rho| gaps(&toy(1, (4, fusion), rho, norm))[0]);
            gaps.into_iter().fold(0.0, f64::max)
        };
        let slope = (gap(0.1_f64) / gap(0.03)).ln() / (0.1_f64 / 0.03).ln();
        assert!(slope > 1.5, "{fusion}: {slope}");
    }
}

/// Vector inputs whose drives turn, three modalities, and stacks of different depths: what no formula has.
#[test]
fn drives_that_turn_and_stacks_that_differ() {
    let turning = |network: &str| {
        format!(
            "seed: 5
data:
  moments:
    modalities: {{A: 2, B: 2, C: 1}}
    inputs: [[4, 0, 0.9, 0.6, 0.2], [0, 1, 0.3, 0, 0.1], [0.9, 0.3, 1, 0, 0], [0.6, 0, 0, 1, 0.2], [0.2, 0.1, 0, 0.2, 0.5]]
    target_map: [[1, 0.5, 0.4, -1.2, 0.8]]
network: {network}
init: {{gaussian_norm: {{norm: 0.05}}}}
flow: {{until: {{time: 1.0e6, loss_gap: 1.0e-6}}}}"
        )
    };
    for network in [
        "{depth: 3, fusion_layer: 3, width: 30}",
        "{depth: 4, fusion_layer: 4, width: 30}",
        "{private_layers: {A: 3, B: 4, C: 3}, shared_layers: 0, width: 30}",
    ] {
        let (_, result) = common::run(&turning(network));
        let found = result.theory.from_weights.as_ref().expect("known");
        for crossing in &result.flow.detection.crossings {
            let predicted = found.times[&crossing.modality.name];
            let (Some(measured), Some(predicted)) = (crossing.t_learned, predicted) else {
                assert_eq!(crossing.t_learned, predicted, "{network}");
                continue;
            };
            let gap = (measured - predicted).abs() / predicted;
            assert!(
                gap < 0.02,
                "{network}, {}: {measured} {predicted}",
                crossing.modality.name
            );
        }
    }
}

/// Where growth rates are all but equal the initial weights decide, seed by seed.
#[test]
fn the_order_is_that_of_the_weights() {
    let mut orders = [0; 2];
    for seed in 0..6 {
        let yaml =
            toy(seed, (4, 4), 0.0, 0.1).replace("A: 2, B: 1}, target", "A: 1.02, B: 1}, target");
        let (_, result) = common::run(&yaml);
        let first = common::place(&result.theory.first);
        assert_eq!(
            first,
            common::place(&result.flow.detection.phase.first),
            "{seed}"
        );
        orders[first.expect("an order")] += 1;
    }
    assert!(orders.iter().all(|count| *count > 0), "{orders:?}");
}

/// Aligned stacks of three layers of norm u0 are learned at 1/(s u0), of which a drop of 1/(3 s) is u0/3.
#[test]
fn what_is_neglected_is_a_drop_over_its_time() {
    let yaml = "data: {toy: {rho: 0, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 3, fusion_layer: 3, width: 4}
init: {aligned: {norm: 0.1}}
flow: {until: {time: 1}}";
    let theory = common::prepare(yaml).theory();
    let found = theory.from_weights.expect("three layers");
    assert_relative_eq!(
        found.neglected.expect("two drops"),
        0.1 / 3.0,
        max_relative = 1e-4
    );
    let said = |words: &str| theory.assumptions.iter().any(|said| said.contains(words));
    assert!(
        said("(trusted up to 20 %): nearly all"),
        "{:?}",
        theory.assumptions
    );
    let larger = common::prepare(&yaml.replace("norm: 0.1", "norm: 0.8")).theory();
    let said = |words: &str| larger.assumptions.iter().any(|said| said.contains(words));
    assert!(
        said("(trusted up to 20 %): many"),
        "{:?}",
        larger.assumptions
    );
}

/// A modality that has nothing to learn has no time, whatever the fusion.
#[test]
fn what_has_nothing_to_learn_has_no_time() {
    for network in [
        "depth: 4, fusion_layer: 4",
        "depth: 4, fusion_layer: 3",
        "private_layers: {A: 3, B: 2}, shared_layers: 0",
    ] {
        for rho in [0.0, 0.5] {
            let yaml = format!(
                "data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 0}}}}}}
network: {{{network}, width: 10}}
init: {{gaussian_norm: {{norm: 0.1}}}}
flow: {{until: {{time: 1}}}}"
            );
            let found = common::prepare(&yaml)
                .theory()
                .from_weights
                .expect("A has one");
            let times: Vec<Option<f64>> = found.times.values().copied().collect();
            assert!(
                times[0].is_some_and(|time| time > 0.0),
                "{network}: {times:?}"
            );
            if rho == 0.0 || !network.starts_with("private") {
                assert_eq!(times[1], None, "{network} {rho}: {times:?}");
            }
        }
    }
}

/// Equal modalities are learned in their own order, whatever the last digits of their times.
#[test]
fn equal_times_do_not_decide_the_order() {
    let yaml = "data: {toy: {rho: 0.2, sigma: {A: 2, B: 1, C: 1}, target: {A: 1, B: 1, C: 1}}}
network: {depth: 3, fusion_layer: 3, width: 4}
init: {aligned: {norm: 0.05}}
flow: {until: {time: 1}}";
    let theory = common::prepare(yaml).theory();
    let found = theory.from_weights.expect("three layers");
    assert!(found.is_open);
    assert_eq!(found.second.expect("B").name, "B");
    // The formula's ratio is not overruled.
    assert!(theory.ratio.is_some());
}

/// Intermediate fusion of equal aligned modalities: all are learned together, two of three as well, and the third after.
#[test]
fn modalities_that_tie_before_shared_layers_are_learned_together() {
    for fusion in [2, 3] {
        let times = |third: f64| {
            let yaml = format!(
                "data: {{toy: {{rho: 0, sigma: {{A: 1, B: 1, C: {third}}}, target: {{A: 1, B: 1, C: 1}}}}}}
network: {{depth: 4, fusion_layer: {fusion}, width: 4}}
init: {{aligned: {{norm: 0.05}}}}
flow: {{until: {{time: 1}}}}"
            );
            let found = common::prepare(&yaml).theory().from_weights.expect("deep");
            let times: Vec<f64> = found.times.values().flatten().copied().collect();
            times
        };
        let equal = times(1.0);
        assert_eq!(equal, [equal[0]; 3], "{fusion}");
        let weaker = times(0.7);
        assert_eq!(weaker[0], weaker[1], "{fusion}");
        assert!(weaker[2] > weaker[1], "{fusion}: {weaker:?}");
    }
}

/// Aligned stacks of uncorrelated scalar modalities: half heights by an implicit solver at a relative tolerance of
/// 1e-11, from other code. The blow-up alone would say 12.5 and 50, 1250 and 5000, 25 and 100.
#[test]
fn aligned_stacks_are_half_way_up_when_the_flow_is() {
    for (depth, norm, first, second) in [
        (4, 0.1, 12.43214496, 49.72857985),
        (4, 0.01, 1249.933383, 4999.733530),
        (3, 0.01, 24.78742483, 99.14969931),
    ] {
        let yaml = format!(
            "data: {{toy: {{rho: 0, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: {depth}, fusion_layer: {depth}, width: 3}}
init: {{aligned: {{norm: {norm}}}}}
flow: {{until: {{time: 1}}}}"
        );
        let found = common::prepare(&yaml).theory().from_weights.expect("deep");
        // The tolerance of the homogeneous flow, from one drop to the next.
        assert_relative_eq!(found.t_first.expect("A"), first, max_relative = 1e-5);
        assert_relative_eq!(found.t_second.expect("B"), second, max_relative = 5e-5);
    }
}

/// Three layers: times grow like 1/norm, and what is of the order of one in them is known, whatever the weights. So the
/// gaps fall with the second power of the norm at least, and not with the first.
#[test]
fn three_layers_leave_the_second_order() {
    let gap = |norm| {
        let gaps = [-0.5, 0.3].map(|rho| gaps(&toy(1, (3, 3), rho, norm)));
        let largest = |k: usize| gaps.iter().map(|gap| gap[k]).fold(0.0, f64::max);
        [largest(0), largest(1)]
    };
    let (large, small) = (gap(0.2), gap(0.05));
    for (which, (large, small)) in large.into_iter().zip(small).enumerate() {
        let slope = (large / small).ln() / 4.0_f64.ln();
        assert!(slope > 1.5, "{which}: {large} {small} {slope}");
    }
}

/// Early fusion drops along all its inputs together, and its ratio waits for the weaker modality's own residual: the
/// caution is 1/(3 * 3/4 t), whichever modality has the first name.
#[test]
fn the_caution_of_early_fusion_knows_no_names() {
    for sigma in ["A: 2, B: 1", "A: 1, B: 2"] {
        let yaml = format!(
            "data: {{toy: {{rho: 0.5, sigma: {{{sigma}}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: 3, fusion_layer: 1, width: 4}}
init: {{aligned: {{norm: 0.1}}}}
flow: {{until: {{time: 1}}}}"
        );
        let found = common::prepare(&yaml).theory().from_weights.expect("deep");
        let expected = 1.0 / (3.0 * 0.75 * found.t_first.expect("both"));
        assert_relative_eq!(
            found.neglected.expect("known"),
            expected,
            max_relative = 1e-9
        );
    }
}
