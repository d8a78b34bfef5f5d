//! Networks with activations and biases: their flow against definitions, and where it must agree
//! with that of linear networks.

use super::common;

use modalflow::analysis::balancedness::balancedness_drift;
use modalflow::data::{Moments, Samples};
use modalflow::flow::{Flow, Observation};
use modalflow::integrate::step_tolerance;
use modalflow::integrate::{Method, Outcome, Pair, Segment, Settings, Verdict, integrate};
use modalflow::network::Activation;
use modalflow::network::{Architecture, Spaces};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::sync::Arc;

/// Samples of a random problem, with a network of every kind of unit over them.
#[derive(Debug)]
struct Case {
    inputs: DMatrix<f64>,
    targets: DMatrix<f64>,
    moments: Moments,
    architecture: Architecture,
    weights: DVector<f64>,
}

const ACTIVATIONS: [Activation; 5] = [
    Activation::Linear,
    Activation::Relu,
    Activation::LeakyRelu(0.1),
    Activation::Tanh,
    Activation::Erf,
];

type Shape = (Vec<usize>, usize, Vec<usize>, usize);

fn case(
    (dims, outputs, depths, shared): &Shape,
    widths: &[usize],
    units: (Activation, bool),
    samples: usize,
    seed: u64,
) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |rows: usize, cols: usize| {
        DMatrix::from_fn(rows, cols, |_, _| StandardNormal.sample(&mut rng))
    };
    let inputs: DMatrix<f64> = normal(samples, dims.iter().sum());
    let targets: DMatrix<f64> = normal(samples, *outputs);
    let count = samples as f64;
    let mut moments = Moments::new(
        common::modalities(dims),
        inputs.tr_mul(&inputs) / count,
        targets.tr_mul(&inputs) / count,
        targets.norm_squared() / count,
    );
    moments.samples = Some(Arc::new(Samples::new(&inputs, &targets)));
    let architecture = Architecture::build(&moments.modalities, *outputs, depths, *shared, widths)
        .and_then(|architecture| architecture.with_units(units.0, units.1))
        .expect("a small network");
    let weights = normal(architecture.len(), 1).column(0) * 0.6;
    Case {
        inputs,
        targets,
        moments,
        architecture,
        weights,
    }
}

/// Dimensions, outputs, private depths and shared layers; activation and biases; a number of
/// samples of one block or of several.
fn cases() -> impl Strategy<Value = Case> {
    let shape = (2usize..=3).prop_flat_map(|modalities| {
        (
            prop::collection::vec(1usize..=10, modalities),
            1usize..=9,
            prop::collection::vec(1usize..=3, modalities),
            0usize..=2,
        )
    });
    let samples = prop_oneof![1usize..=20, 129usize..=300];
    let units = (prop::sample::select(&ACTIVATIONS[..]), any::<bool>());
    (shape, units, samples, any::<u64>()).prop_map(|(shape, units, samples, seed)| {
        let depth = shape.2.iter().max().expect("a modality") + shape.3;
        let widths: Vec<usize> = (0..depth)
            .map(|l| 2 + (seed as usize % 11 + 5 * l) % 11)
            .collect();
        case(&shape, &widths[..depth - 1], units, samples, seed)
    })
}

/// Predictions (P x o) by whole matrices, and the least |z| of a hidden unit.
fn plain(case: &Case, weights: &DVector<f64>) -> (DMatrix<f64>, f64) {
    let (architecture, spaces) = (&case.architecture, Spaces::of(&case.architecture));
    let samples = case.inputs.nrows();
    let mut panels: Vec<DMatrix<f64>> = spaces
        .dims()
        .iter()
        .map(|&dim| DMatrix::zeros(samples, dim))
        .collect();
    panels.push(DMatrix::zeros(samples, architecture.outputs));
    let outputs = panels.len() - 1;
    let mut least = f64::INFINITY;
    let mut finished = vec![false; panels.len()];
    for (l, layer) in architecture.layers.iter().enumerate() {
        let from = match (spaces.input(l), layer.stack) {
            (Some(space), _) => {
                if !finished[space] {
                    if let Some(bias) = architecture.biases.get(space) {
                        for mut row in panels[space].row_iter_mut() {
                            row += weights.rows_range(bias.range.clone()).transpose();
                        }
                    }
                    least = panels[space]
                        .iter()
                        .fold(least, |least, z| least.min(z.abs()));
                    panels[space].apply(|z| *z = phi(architecture.activation, *z));
                    finished[space] = true;
                }
                panels[space].clone()
            }
            (None, modalflow::network::Stack::Private(m)) => {
                let range = architecture.modalities[m].range.clone();
                case.inputs.columns(range.start, range.len()).into_owned()
            }
            (None, modalflow::network::Stack::Shared) => {
                unreachable!("shared layers start from hidden units")
            }
        };
        panels[spaces.output(l).unwrap_or(outputs)] +=
            from * architecture.view(weights, l).transpose();
    }
    let mut prediction = panels.swap_remove(outputs);
    if let Some(bias) = architecture.biases.last() {
        for mut row in prediction.row_iter_mut() {
            row += weights.rows_range(bias.range.clone()).transpose();
        }
    }
    (prediction, least)
}

/// By other means than the crate's own.
fn phi(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Linear => z,
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu(slope) => z.max(slope * z),
        Activation::Tanh => 1.0 - 2.0 / ((2.0 * z).exp() + 1.0),
        // Maclaurin series; |z| stays below 6 here, where the function is 1 to round-off.
        Activation::Erf if z.abs() > 3.0 => z.signum() * (1.0 - tail(z.abs())),
        Activation::Erf => {
            let (mut term, mut sum) = (z, z);
            for k in 1..120 {
                term *= -z * z / f64::from(k);
                sum += term / f64::from(2 * k + 1);
            }
            std::f64::consts::FRAC_2_SQRT_PI * sum
        }
    }
}

/// 1 - erf z for z > 3, by its continued fraction.
fn tail(z: f64) -> f64 {
    let fraction = (1..200)
        .rev()
        .fold(z, |below, k| z + f64::from(k) / 2.0 / below);
    (-z * z).exp() / fraction / std::f64::consts::PI.sqrt()
}

fn plain_loss(case: &Case, weights: &DVector<f64>) -> f64 {
    (&case.targets - plain(case, weights).0).norm_squared() / (2.0 * case.targets.nrows() as f64)
}

const STEP: f64 = 1e-6;

/// Steps of this size cross no kink where all sums are further away from zero.
fn is_clear_of_kinks(case: &Case) -> bool {
    case.architecture.activation.is_smooth() || plain(case, &case.weights).1 > 100.0 * STEP
}

fn rate(flow: &mut Flow<'_>, weights: &DVector<f64>) -> DVector<f64> {
    let mut rate = DVector::zeros(weights.len());
    flow.rate(weights.as_slice(), rate.as_mut_slice());
    rate
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn loss_and_gradient_match_their_definitions(case in cases()) {
        prop_assume!(is_clear_of_kinks(&case));
        let mut flow = Flow::on_samples(&case.architecture, &case.moments);
        let loss = plain_loss(&case, &case.weights);
        let own = flow.loss(case.weights.as_slice());
        prop_assert!((own - loss).abs() <= 1e-12 * loss, "{own} and {loss}");
        let rate = rate(&mut flow, &case.weights);
        let scale = 1.0 + rate.amax();
        // Forty weights of the larger networks, spread over all layers.
        for i in (0..rate.len()).step_by(1 + rate.len() / 40) {
            let at = |shift: f64| {
                let mut moved = case.weights.clone();
                moved[i] += shift;
                plain_loss(&case, &moved)
            };
            let expected = (at(-STEP) - at(STEP)) / (2.0 * STEP);
            let error = (rate[i] - expected).abs();
            prop_assert!(error < 1e-6 * scale, "entry {i}: {} and {expected}", rate[i]);
        }
    }

    #[test]
    fn hessian_products_match_differences_of_the_gradient(case in cases()) {
        prop_assume!(is_clear_of_kinks(&case));
        let mut flow = Flow::on_samples(&case.architecture, &case.moments);
        let direction = DVector::from_fn(case.weights.len(), |i, _| f64::sin(1.7 * i as f64)).normalize();
        let mut product = direction.clone();
        flow.evaluate(case.weights.as_slice());
        flow.linearise();
        flow.jacobian_product(case.weights.as_slice(), direction.as_slice(), product.as_mut_slice());
        let ahead = rate(&mut flow, &(&case.weights + &direction * STEP));
        let behind = rate(&mut flow, &(&case.weights - &direction * STEP));
        let expected = (ahead - behind) / (2.0 * STEP);
        let error = (&product - &expected).amax();
        prop_assert!(error < 1e-6 * (1.0 + expected.amax()), "{product} and {expected}");
    }

    /// Map, layer norms, loss and power; and the loss falls by the squared norm of the gradient.
    #[test]
    fn observed_rates_are_derivatives_along_the_flow(case in cases()) {
        prop_assume!(is_clear_of_kinks(&case));
        let mut flow = Flow::on_samples(&case.architecture, &case.moments);
        let mut here = Observation::default();
        flow.observe(case.weights.as_slice(), &mut here);
        let rate = rate(&mut flow, &case.weights);
        let step = STEP / (1.0 + rate.norm());
        let mut at = |shift: f64| {
            let mut observation = Observation::default();
            flow.observe((&case.weights + &rate * shift).as_slice(), &mut observation);
            DVector::from_vec(observation.values)
        };
        let expected = (at(step) - at(-step)) / (2.0 * step);
        let rates = DVector::from_vec(here.rates);
        let scale = 1.0 + rate.norm_squared() + expected.amax();
        // The fit is as ill-conditioned as the few inputs are.
        let condition = 1.0 + case.moments.inputs.norm() * case.moments.inverse().norm();
        prop_assert!((&rates - &expected).amax() < 1e-6 * scale * condition, "{rates} and {expected}");
        let loss = rates.len() - 2;
        prop_assert!((rates[loss] + rate.norm_squared()).abs() <= 1e-12 * scale);
    }

    /// The total map of a network is the regression of its outputs on its inputs.
    #[test]
    fn total_map_and_power_match_their_definitions(case in cases()) {
        prop_assume!(case.inputs.nrows() > case.inputs.ncols());
        let mut flow = Flow::on_samples(&case.architecture, &case.moments);
        let mut observation = Observation::default();
        flow.observe(case.weights.as_slice(), &mut observation);
        let prediction = plain(&case, &case.weights).0;
        let expected = case.inputs.clone().svd(true, true).solve(&prediction, 1e-12).expect("a solution");
        let map = DMatrix::from_column_slice(prediction.ncols(), case.inputs.ncols(), &observation.values[..expected.len()]);
        let condition = 1.0 + case.moments.inputs.norm() * case.moments.inverse().norm();
        let error = (map.transpose() - &expected).norm();
        prop_assert!(error < 1e-12 * condition * condition * (1.0 + expected.norm()), "{error:e}");
        let power = prediction.norm_squared() / prediction.nrows() as f64;
        let own = observation.values[observation.values.len() - 1];
        prop_assert!((own - power).abs() <= 1e-12 * power);
    }

    /// A linear network sees no more of the samples than their moments.
    #[test]
    fn samples_and_moments_of_a_linear_network_agree(case in cases()) {
        let plain = case.architecture.clone().with_units(Activation::Linear, false).expect("the same layers");
        let weights = case.weights.rows(0, plain.len()).into_owned();
        let mut by_moments = Flow::new(&plain, &case.moments);
        let mut by_samples = Flow::on_samples(&plain, &case.moments);
        let mut expected = Observation::default();
        let mut own = Observation::default();
        by_moments.observe(weights.as_slice(), &mut expected);
        by_samples.observe(weights.as_slice(), &mut own);
        let (a, b) = (rate(&mut by_moments, &weights), rate(&mut by_samples, &weights));
        prop_assert!((&a - &b).norm() <= 1e-10 * (1.0 + a.norm()));
        // Dependent inputs leave the map open, and the fit is the least one.
        if case.inputs.nrows() > case.inputs.ncols() {
            let condition = 1.0 + case.moments.inputs.norm() * case.moments.inverse().norm();
            let scale = 1.0 + DVector::from_column_slice(&expected.values).norm() + a.norm_squared();
            let pairs = expected.values.iter().zip(&own.values).chain(expected.rates.iter().zip(&own.rates));
            for (a, b) in pairs {
                prop_assert!((a - b).abs() <= 1e-10 * scale * condition.max(1.0), "{a} and {b}");
            }
        }
    }

    #[test]
    fn a_leaky_unit_of_slope_1_is_linear(case in cases()) {
        let biases = !case.architecture.biases.is_empty();
        let units = |activation| case.architecture.clone().with_units(activation, biases).expect("the same layers");
        let (leaky, linear) = (units(Activation::LeakyRelu(1.0)), units(Activation::Linear));
        let a = rate(&mut Flow::on_samples(&leaky, &case.moments), &case.weights);
        let b = rate(&mut Flow::on_samples(&linear, &case.moments), &case.weights);
        prop_assert!((&a - &b).norm() <= 1e-12 * b.norm());
    }

    #[test]
    fn permuting_hidden_units_changes_nothing(case in cases()) {
        let spaces = Spaces::of(&case.architecture);
        // Every hidden space turned round by one unit.
        let turned = |dim: usize, i: usize| (i + 1) % dim;
        let mut permuted = case.weights.clone();
        for (l, layer) in case.architecture.layers.iter().enumerate() {
            let place = |space: Option<usize>, i: usize| space.map_or(i, |s| turned(spaces.dims()[s], i));
            for j in 0..layer.cols {
                for i in 0..layer.rows {
                    let (row, col) = (place(spaces.output(l), i), place(spaces.input(l), j));
                    permuted[layer.range.start + row + col * layer.rows] = case.weights[layer.range.start + i + j * layer.rows];
                }
            }
        }
        for (bias, &dim) in case.architecture.biases.iter().zip(spaces.dims()) {
            for i in 0..dim {
                permuted[bias.range.start + turned(dim, i)] = case.weights[bias.range.start + i];
            }
        }
        let mut flow = Flow::on_samples(&case.architecture, &case.moments);
        let [mut a, mut b] = [Observation::default(), Observation::default()];
        flow.observe(case.weights.as_slice(), &mut a);
        flow.observe(permuted.as_slice(), &mut b);
        let [a, b] = [a, b].map(|o| DVector::from_vec(o.values));
        prop_assert!((&a - &b).norm() <= 1e-11 * (1.0 + a.norm()), "{a} and {b}");
    }
}

fn settings(method: Method, rtol: f64, t_end: f64) -> Settings {
    Settings {
        method,
        rtol,
        atol: rtol,
        t_end,
        max_steps: 1_000_000,
    }
}

fn end(flow: &mut Flow<'_>, case: &Case, settings: &Settings) -> DVector<f64> {
    let go_on = &mut |_: &mut dyn Segment| Verdict::Continue;
    let end = integrate(flow, case.weights.clone(), settings, go_on);
    assert_eq!(
        end.outcome,
        Outcome::TimeReached,
        "{settings:?}, t = {}",
        end.time
    );
    end.state
}

const DOPRI5: Method = Method::RungeKutta(Pair::Dopri5);

fn two_inputs(activation: Activation, biases: bool) -> Case {
    let shape = (vec![2, 2], 1, vec![2, 2], 1);
    case(&shape, &[4, 3], (activation, biases), 40, 3)
}

#[test]
fn a_trajectory_of_slope_1_is_the_linear_one() {
    let leaky = two_inputs(Activation::LeakyRelu(1.0), false);
    let linear = two_inputs(Activation::Linear, false);
    let settings = settings(DOPRI5, 1e-10, 2.0);
    let a = end(
        &mut Flow::new(&leaky.architecture, &leaky.moments),
        &leaky,
        &settings,
    );
    let b = end(
        &mut Flow::new(&linear.architecture, &linear.moments),
        &linear,
        &settings,
    );
    assert!(
        (&a - &b).norm() <= 1e-12 * b.norm(),
        "{:e}",
        (&a - &b).norm()
    );
    assert!(
        (&a - &leaky.weights).norm() > 0.1,
        "the weights hardly moved"
    );
}

/// The sums are dealt to lanes by the samples alone.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let shape = (vec![3, 2], 2, vec![2, 1], 1);
    let case = case(&shape, &[40, 40], (Activation::Relu, true), 3000, 8);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        pool.install(|| {
            let mut observation = Observation::default();
            let mut flow = Flow::new(&case.architecture, &case.moments);
            flow.observe(case.weights.as_slice(), &mut observation);
            (rate(&mut flow, &case.weights), observation)
        })
    };
    assert_eq!(on(1), on(3));
}

/// Gradient descent of so many steps until t = 0.5.
fn descended(flow: &mut Flow<'_>, weights: &DVector<f64>, steps: u32) -> DVector<f64> {
    let eta = 0.5 / f64::from(steps);
    let mut weights = weights.clone();
    for _ in 0..steps {
        let rate = rate(flow, &weights);
        weights.axpy(eta, &rate, 1.0);
    }
    weights
}

/// At kinks the rate jumps or its derivative does; the error must still follow the tolerance. The
/// reference is an independent discretisation: the limit eta -> 0 of gradient descent, of which two
/// learning rates take the first order away. What is left of it is told by a coarser pair. A few
/// kinks' errors add up, of either sign.
#[test]
fn the_tolerance_holds_across_kinks() {
    for (activation, biases) in [
        (Activation::Relu, true),
        (Activation::LeakyRelu(0.2), false),
    ] {
        let case = two_inputs(activation, biases);
        let mut flow = Flow::new(&case.architecture, &case.moments);
        let [coarse, fine, finest] =
            [2_000, 4_000, 8_000].map(|steps| descended(&mut flow, &case.weights, steps));
        let limit = 2.0 * &finest - &fine;
        let left = (&limit - (2.0 * fine - coarse)).norm() / limit.norm();
        let methods = [DOPRI5, Method::RungeKutta(Pair::Dop853)];
        for (method, rtol) in methods
            .into_iter()
            .flat_map(|method| [1e-2, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5].map(|rtol| (method, rtol)))
        {
            let steps = step_tolerance(activation, rtol);
            let state = end(&mut flow, &case, &settings(method, steps, 0.5));
            let error = (state - &limit).norm() / limit.norm();
            assert!(
                error < 3.0 * rtol + left,
                "{method:?}, {activation:?} at {rtol:e}: {error:e}, reference {left:e}"
            );
        }
    }
}

#[test]
fn exponential_and_explicit_steps_agree_where_units_are_smooth() {
    for activation in [Activation::Tanh, Activation::Erf] {
        let case = two_inputs(activation, true);
        let mut flow = Flow::new(&case.architecture, &case.moments);
        let exact = end(&mut flow, &case, &settings(DOPRI5, 1e-11, 3.0));
        let state = end(&mut flow, &case, &settings(Method::Exponential, 1e-8, 3.0));
        let error = (state - &exact).norm() / exact.norm();
        assert!(error < 1e-6, "{activation:?}: {error:e}");
    }
}

/// Rectified units conserve the difference of squared norms on either side of each unit, linear
/// ones the whole matrix, biases included; others nothing.
#[test]
fn balancedness_is_conserved_as_far_as_it_should_be() {
    for activation in ACTIVATIONS {
        for biases in [false, true] {
            let case = two_inputs(activation, biases);
            let mut flow = Flow::new(&case.architecture, &case.moments);
            let state = end(&mut flow, &case, &settings(DOPRI5, 1e-6, 0.5));
            let drift = balancedness_drift(&case.architecture, &case.weights, &state, (1.0, 0.0));
            match activation {
                Activation::Tanh | Activation::Erf => assert_eq!(drift, None),
                _ => assert!(
                    drift.is_some_and(|d| d < 1e-5),
                    "{activation:?}, {biases}: {drift:?}"
                ),
            }
            // The meter moves: half of one layer does not conserve it.
            let mut half = state.clone();
            half.rows_mut(0, 3).scale_mut(0.9);
            let drift = balancedness_drift(&case.architecture, &case.weights, &half, (1.0, 0.0));
            assert!(drift.is_none_or(|d| d > 1e-5), "{activation:?}: {drift:?}");
        }
    }
}

fn late(activation: &str, more: &str) -> String {
    format!(
        "seed: 1\ndata: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, samples: 512}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: 50, activation: {activation}}}\n\
         init: {{gaussian: {{std: 1.0e-5}}}}\nflow: {{rtol: 1.0e-4, until: {{time: 45.0}}}}\n{more}"
    )
}

/// The shipped scenarios: 8,192 samples, width 100, rho = 0. The formula is of leading order in the
/// logarithm of weights of 1e-4; the linear network is 1 % below it, too.
#[test]
fn rectified_late_fusion_meets_the_linear_formula() {
    for name in ["1_5", "2", "3"] {
        let path = format!("scenarios/nonlinear/relu_late_{name}.yaml");
        let text = std::fs::read_to_string(path).expect("shipped");
        let problem = common::prepare(&text);
        let plan = modalflow::experiment::run::Plan::measuring(&problem);
        let flow = modalflow::experiment::run::run_flow(&problem, &plan, &mut |_| true);
        let ratio = flow.detection.phase.ratio.expect("both are learned");
        let gap = ratio / problem.theory().ratio.expect("late fusion") - 1.0;
        assert!(gap.abs() < 0.02, "{name}: {gap}");
    }
}

/// Half of the units are active: the ratio is the linear one and all times are doubled.
#[test]
fn rectified_late_fusion_has_the_linear_ratio_at_twice_the_time() {
    let (relu, result) = common::run(&late("relu", ""));
    let (_, linear) = common::run(&late("linear", ""));
    let (phase, linear) = (&result.flow.detection.phase, &linear.flow.detection.phase);
    let ratio = phase.ratio.expect("both are learned") / result.theory.ratio.expect("late fusion");
    assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    let slower = phase.t_first.expect("A") / linear.t_first.expect("A");
    assert!((slower - 2.0).abs() < 0.3, "{slower}");
    assert_eq!(result.theory.t_first, None);
    let observables = relu.observables();
    let share = observables
        .linear_share(result.flow.trajectory.end())
        .expect("outputs");
    assert!((0.99..=1.0 + 1e-9).contains(&share), "{share}");
    let saddles: Vec<_> = result
        .flow
        .detection
        .plateaus
        .iter()
        .map(|p| p.learned_places())
        .collect();
    assert_eq!(saddles, [Some(vec![]), Some(vec![0]), Some(vec![0, 1])]);
}

/// Descent, its comparison and a check by another method need not know what the units do.
#[test]
fn descent_and_verification_work_on_any_network() {
    let text = late("relu", "descent: {learning_rate: [0.02, 0.01]}\n");
    let (problem, result) = common::run(&text);
    let orders = result.orders.expect("two learning rates");
    assert!(
        (orders.t_first.expect("crossings") - 1.0).abs() < 0.1,
        "{orders:?}"
    );
    let check = modalflow::experiment::verify::verify(&problem, &result.flow, &mut |_| true);
    assert_eq!(check.method, "dop853");
    assert!(check.max_map_gap.is_some_and(|gap| gap < 1e-4), "{check:?}");
}
