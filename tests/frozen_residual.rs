//! When networks of homogeneous units learn each modality, against their runs, and where linear theory knows it too.

use super::common;
use approx::assert_relative_eq;
use modalflow::experiment::problem::Problem;
use modalflow::flow::Flow;
use modalflow::theory::{self, FromWeights};
use nalgebra::DVector;
use std::cell::Cell;

fn from_samples(problem: &Problem) -> FromWeights {
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    theory::from_samples(
        moments,
        architecture,
        &problem.weights,
        (1e-4, f64::INFINITY),
        &|| true,
    )
    .expect("known")
}

fn xor(network: &str) -> String {
    format!(
        "seed: 1\ndata: {{xor: {{sigma: 3.0, samples: 256}}}}\n\
         network: {{depth: 2, width: 100, activation: relu, {network}}}\n\
         init: {{gaussian: {{std: 1.0e-2}}}}\n\
         flow: {{rtol: 1.0e-2, until: {{time: 12}}}}\n"
    )
}

/// Half of the linear part and half of XOR: the run's own error is some 0.2 %, since samples rest at kinks.
#[test]
fn the_halves_of_a_late_run_are_those_of_its_stacks_alone() {
    let (_, result) = common::run(&xor("fusion_layer: 2"));
    let parts = result.learned.expect("not linear").predicted;
    let gap = |k: usize| parts[k].gap.expect("both are learned").abs();
    assert!(gap(0) < 1e-3, "{parts:?}");
    assert!(gap(1) < 5e-3, "{parts:?}");
    let first = result.theory.first.expect("known");
    let second = result.theory.second.expect("known");
    assert_eq!([first.name.as_str(), second.name.as_str()], ["A", "B"]);
}

/// Early fusion: units that A's drop leaves small learn XOR. Samples rest at kinks, so that at this tolerance the run itself is
/// out by some thousandths: 0.8100 and 11.471 at a tenth of it.
#[test]
fn the_halves_of_an_early_run_are_those_of_its_units() {
    let scenario = xor("fusion_layer: 1").replace("rtol: 1.0e-2", "rtol: 1.0e-1");
    let (_, result) = common::run(&scenario);
    let parts = result.learned.expect("not linear").predicted;
    for (k, exact) in [0.81006, 11.4714].into_iter().enumerate() {
        let gap = parts[k].gap.expect("both are learned").abs();
        assert!(gap < 4e-3, "{parts:?}");
        let predicted = parts[k].t_half.expect("known");
        assert_relative_eq!(predicted, exact, max_relative = 4e-3);
    }
}

/// Three layers with a shared one become active as a whole: what their first drop leaves has no time, and the report says why.
#[test]
fn deeper_networks_with_shared_layers_have_the_time_of_their_first_drop() {
    for fusion in [1, 2] {
        let (_, result) = common::run(&format!(
            "seed: 1\ndata: {{xor: {{sigma: 3.0, samples: 256}}}}\n\
             network: {{depth: 3, fusion_layer: {fusion}, width: 30, activation: relu}}\n\
             init: {{gaussian: {{std: 2.0e-2}}}}\nflow: {{rtol: 1.0e-1, until: {{time: 8}}}}\n"
        ));
        let found = result.theory.from_weights.expect("known");
        let measured = result.flow.detection.phase.t_first.expect("learned");
        // The tolerance of both.
        assert_relative_eq!(found.t_first.expect("known"), measured, max_relative = 4e-3);
        assert_eq!(found.times.get("B"), Some(&None));
        let assumptions = result.theory.assumptions;
        let says = assumptions.iter().any(|a| a.contains("first drop only"));
        assert!(says, "{assumptions:?}");
    }
}

/// Twelve samples of sixteen inputs: what the least-squares map of least norm makes of A is not what A comes to, and half of it
/// comes 2.6 % earlier. What is left are the other modality's inputs, by which A's outputs can be fitted as well.
#[test]
fn where_many_maps_fit_a_modality_has_come_to_what_it_has() {
    let (_, result) = common::run(
        "seed: 1\ndata: {isotropic: {modalities: {A: 8, B: 8}, variance: {A: 4.0, B: 1.0}, \
         weight: {A: 1.0, B: 1.0}, noise: 0.0, samples: 12}}\n\
         network: {depth: 2, fusion_layer: 2, width: 20, activation: relu}\n\
         init: {gaussian: {std: 1.0e-4}}\nflow: {rtol: 1.0e-2, until: {time: 40}}\n",
    );
    let found = result.theory.from_weights.expect("late").t_first;
    let measured = result.flow.detection.phase.t_first.expect("learned");
    assert_relative_eq!(found.expect("known"), measured, max_relative = 4e-3);
}

/// Targets of which linear maps explain parts, so that a modality drops in two steps; three layers among them. Steps are kept to
/// a hundredth of `rtol`, and samples that rest at kinks make the run itself out by some thousandths.
#[test]
fn modalities_that_are_learned_in_two_drops_have_the_times_of_their_runs() {
    let problems = [
        (
            0,
            "A: {size: 2.025, linear: 0.421, sigma: 0.847, bits: 2}, \
             B: {size: 1.227, linear: 0.918, sigma: 1.256, bits: 3}",
            2,
            "{std: 0.001}",
        ),
        (
            6,
            "A: {size: 2.278, linear: 0.485, sigma: 0.848, bits: 3}, \
             B: {size: 0.655, linear: 0.586, sigma: 1.379, bits: 0}",
            2,
            "{std: 0.001}",
        ),
        (
            11,
            "A: {size: 1.153, linear: 0.56, sigma: 1.34, bits: 2}, \
             B: {size: 1.152, linear: 0.855, sigma: 0.807, bits: 3}",
            3,
            "{std: 0.02}",
        ),
    ];
    for (seed, parts, depth, init) in problems {
        let rtol = if depth == 2 { 1e-2 } else { 1e-1 };
        let (_, result) = common::run(&format!(
            "seed: {seed}\ndata: {{additive: {{{parts}, samples: 256}}}}\n\
             network: {{depth: {depth}, fusion_layer: {depth}, width: 50, activation: relu}}\n\
             init: {{gaussian: {init}}}\nflow: {{rtol: {rtol}, until: {{time: 60, loss_gap: 0.01}}}}\n"
        ));
        let found = result.theory.from_weights.expect("late");
        let phase = &result.flow.detection.phase;
        assert_eq!(found.first, phase.first, "{seed}");
        let gap = |found: Option<f64>, measured: Option<f64>| {
            found.expect("known") / measured.expect("learned") - 1.0
        };
        for gap in [
            gap(found.t_first, phase.t_first),
            gap(found.ratio, phase.ratio),
        ] {
            assert!(gap.abs() < 4e-3, "{seed}: {gap}");
        }
    }
}

/// Two scalar modalities, 128 samples, each with its negative.
fn table(network: &str, init: &str) -> Problem {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/two_scalars.csv"
    );
    common::prepare(&format!(
        "seed: 1\ndata: {{table: {{path: {path}, modalities: {{A: [a], B: [b]}}, targets: [y], \
         standardise: false, mirror: true}}}}\nnetwork: {{{network}}}\ninit: {{{init}}}\n\
         flow: {{until: {{time: 1}}}}\n"
    ))
}

/// The utilities of mirrored samples with a linear target are (1 + a)/2 |S_yxm|.
#[test]
fn utilities_of_mirrored_samples_are_half_of_their_moments() {
    for (activation, slope) in [("relu", 0.0), ("{leaky_relu: 0.5}", 0.5)] {
        let network = format!("depth: 2, fusion_layer: 2, width: 10, activation: {activation}");
        let problem = table(&network, "gaussian: {std: 0.01}");
        let found = problem.theory().utilities.expect("two layers");
        for (m, found) in found.iter().enumerate() {
            let exact = 0.5 * (1.0 + slope) * problem.moments.cross[m].abs();
            assert_relative_eq!(found.utility, exact, max_relative = 1e-12);
            assert_eq!(found.agreement, 1.0);
        }
    }
}

/// Kunin et al.: sqrt(2)/4 for XOR, in either of the two directions of a diagonal.
#[test]
fn the_utility_of_xor_is_the_reference_number() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/xor.csv");
    let problem = common::prepare(&format!(
        "data: {{table: {{path: {path}, modalities: {{A: [left, right]}}, targets: [y], standardise: false}}}}
network: {{depth: 2, fusion_layer: 2, width: 4, activation: relu}}
init: {{gaussian: {{std: 0.01}}}}
flow: {{until: {{time: 1}}}}"
    ));
    let found = problem.theory().utilities.expect("two layers");
    assert_relative_eq!(found[0].utility, 2.0_f64.sqrt() / 4.0, max_relative = 1e-6);
    // The directions of the other diagonal are as good.
    assert_eq!(found[0].agreement, 1.0, "{found:?}");
}

/// Theory asks whether to go on in the search for utilities, and at each step of a stack; what it was not waited for is missing.
#[test]
fn theory_that_is_not_waited_for_says_so() {
    let problem = common::prepare(&xor("fusion_layer: 2"));
    let asked = |most: u32| {
        let calls = Cell::new(0);
        let theory = problem.theory_while(&|| {
            calls.set(calls.get() + 1);
            calls.get() <= most
        });
        (theory, calls.get())
    };
    let (all, calls) = asked(u32::MAX);
    assert!(all.from_weights.is_some() && all.utilities.is_some());
    // The last calls are those of the stacks.
    let (without_times, _) = asked(calls - 3);
    let (without_any, few) = asked(5);
    assert!(few < 10, "{few}");
    assert!(without_times.utilities.is_some() && without_any.utilities.is_none());
    for theory in [without_times, without_any] {
        assert_eq!(theory.from_weights, None);
        let reason = theory::NOT_WAITED_FOR.to_owned();
        assert!(
            theory.assumptions.contains(&reason),
            "{:?}",
            theory.assumptions
        );
    }
}

/// Linear units are homogeneous too. Steps have a tolerance of 1e-4, and straight lines between outputs miss a thousandth;
/// the drops of linear theory are of the next order as well.
#[test]
fn linear_stacks_have_the_times_of_linear_theory() {
    for (depth, init) in [
        (2, "gaussian: {std: 1.0e-4}"),
        (3, "gaussian_norm: {norm: 0.05}"),
        (4, "gaussian_norm: {norm: 0.1}"),
    ] {
        let network = format!("depth: {depth}, fusion_layer: {depth}, width: 10");
        let linear = table(&network, init);
        let expected = linear.theory().from_weights.expect("late");
        let found = from_samples(&table(&(network + ", activation: {leaky_relu: 1.0}"), init));
        let pairs = [
            (found.t_first, expected.t_first),
            (found.t_second, expected.t_second),
        ];
        for (found, expected) in pairs {
            let (found, expected) = (found.expect("learned"), expected.expect("learned"));
            assert_relative_eq!(found, expected, max_relative = 2e-3);
        }
    }
}

/// A dormant stack sees what the others leave, and they see nothing of it. It is homogeneous: with a tiny last layer
/// it feeds back on nothing, and the gradients of its other layers are as much smaller.
#[test]
fn a_dormant_stack_is_driven_without_feedback() {
    const TINY: f64 = 1e-7;
    let problem = table(
        "depth: 3, fusion_layer: 3, width: 6, activation: relu",
        "gaussian: {std: 0.5}",
    );
    let architecture = &problem.architecture;
    let rate = |flow: Flow<'_>, weights: &DVector<f64>| {
        let mut flow = flow;
        let mut rate = DVector::zeros(weights.len());
        flow.rate(weights.as_slice(), rate.as_mut_slice());
        rate
    };
    let flow = || Flow::on_samples(architecture, &problem.moments);
    // The six units of the first stack.
    let is_active: Vec<bool> = (0..12).map(|unit| unit < 6).collect();
    let last = architecture.layers[architecture.private[1].end - 1]
        .range
        .clone();
    let mut small = problem.weights.clone();
    small.rows_range_mut(last.clone()).scale_mut(TINY);
    let (active, limit) = (
        rate(flow().with_active(&is_active), &problem.weights),
        rate(flow(), &small),
    );
    for (m, scale) in [(0, 1.0), (1, TINY)] {
        for layer in &architecture.layers[architecture.private[m].clone()] {
            let scale = if layer.range == last { 1.0 } else { scale };
            for k in layer.range.clone() {
                // To first order in the tiny layer, beside rates of up to about 1.
                assert!((active[k] - limit[k] / scale).abs() < 1e-6, "{m}: {k}");
            }
        }
    }
    // Active, it feeds back.
    assert!((rate(flow(), &problem.weights) - active).amax() > 1e-2);
}

/// Where nothing is known there is a reason, and no time.
#[test]
fn other_networks_have_no_times() {
    let theory = common::prepare(&xor("fusion_layer: 2, biases: true")).theory();
    assert!(theory.from_weights.is_none());
    let says = |words: &str| theory.assumptions.iter().any(|a| a.contains(words));
    assert!(says("times from the actual weights are known"));
}
