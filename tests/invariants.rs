//! Identities that hold for every network: gradient, conservation laws, symmetries.

use super::common;

use modalflow::analysis::balancedness::balancedness_drift;
use modalflow::data::Moments;
use modalflow::flow::{Flow, Observation};
use modalflow::integrate::{Method, Pair, Settings, Verdict, integrate};
use modalflow::network::{Architecture, Stack};
use modalflow::trajectory::Knot;
use modalflow::trajectory::{Observables, Recorder};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Dimensions, outputs, private depths and shared layers of a small network.
fn shapes() -> impl Strategy<Value = (Vec<usize>, usize, Vec<usize>, usize, u64)> {
    (2usize..=3).prop_flat_map(|modalities| {
        (
            prop::collection::vec(1usize..=6, modalities),
            1usize..=6,
            prop::collection::vec(1usize..=3, modalities),
            0usize..=3,
            any::<u64>(),
        )
    })
}

/// The loss as the definition has it: products of whole matrices, expanded over moments.
fn plain_loss(problem: &common::Random, weights: &DVector<f64>) -> f64 {
    let map = plain_map(&problem.architecture, weights);
    let moments = &problem.moments;
    let quadratic = (moments.inputs.after(&map) * map.transpose()).trace();
    moments.initial_loss - map.dot(&moments.cross) + 0.5 * quadratic
}

fn plain_map(architecture: &Architecture, weights: &DVector<f64>) -> DMatrix<f64> {
    let layer = |l: usize| architecture.view(weights, l).into_owned();
    let chain = |start: DMatrix<f64>, layers: std::ops::Range<usize>| {
        layers.fold(start, |product, l| layer(l) * product)
    };
    let mut map = DMatrix::zeros(architecture.outputs, architecture.inputs());
    for (m, modality) in architecture.modalities.iter().enumerate() {
        let private = chain(
            DMatrix::identity(modality.dim(), modality.dim()),
            architecture.private[m].clone(),
        );
        let total = chain(private, architecture.shared.clone());
        map.columns_mut(modality.range.start, modality.dim())
            .copy_from(&total);
    }
    map
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// Central differences of order 4 of an independent loss: their truncation error at step
    /// 1e-3 is 1e-12 of the fifth derivative, their round-off 1e-13 of the loss.
    #[test]
    fn gradient_matches_finite_differences((dims, outputs, depths, shared, seed) in shapes()) {
        let problem = common::random(seed, &dims, outputs, &depths, shared, 0.5);
        let mut flow = Flow::new(&problem.architecture, &problem.moments);
        let mut rate = vec![0.0; problem.architecture.len()];
        flow.rate(problem.weights.as_slice(), &mut rate);
        let scale = problem.moments.initial_loss + rate.iter().fold(0.0f64, |a, r| a.max(r.abs()));
        let step = 1e-3;
        for i in 0..problem.weights.len() {
            let loss = |shift: f64| {
                let mut moved = problem.weights.clone();
                moved[i] += shift;
                plain_loss(&problem, &moved)
            };
            let slope = (8.0 * (loss(step) - loss(-step)) - (loss(2.0 * step) - loss(-2.0 * step))) / (12.0 * step);
            prop_assert!((rate[i] + slope).abs() <= 1e-8 * scale, "weight {}: {} {}", i, rate[i], slope);
        }
    }

    /// The gradient's derivative against central differences of order 4 of the gradient, whose
    /// truncation error is 1e-12 of a fifth derivative; and J is symmetric to round-off.
    #[test]
    fn hessian_product_is_the_gradients_derivative((dims, outputs, depths, shared, seed) in shapes()) {
        let problem = common::random(seed, &dims, outputs, &depths, shared, 0.5);
        let mut flow = Flow::new(&problem.architecture, &problem.moments);
        let n = problem.weights.len();
        let directions = [1.7, 2.9].map(|f| DVector::from_fn(n, |i, _| (f * i as f64 + 0.3).sin()));
        flow.evaluate(problem.weights.as_slice());
        flow.linearise();
        // The point stays while other states are evaluated.
        let mut rate = |weights: &DVector<f64>| {
            let mut rate = DVector::zeros(n);
            flow.rate(weights.as_slice(), rate.as_mut_slice());
            rate
        };
        let step = 1e-3;
        let differences = directions.each_ref().map(|v| {
            let mut at = |shift: f64| rate(&(&problem.weights + v * shift));
            (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
        });
        let products = directions.each_ref().map(|v| {
            let mut product = DVector::zeros(n);
            flow.jacobian_product(problem.weights.as_slice(), v.as_slice(), product.as_mut_slice());
            product
        });
        let scale = problem.moments.initial_loss + products[0].norm() + products[1].norm();
        for (product, difference) in products.iter().zip(&differences) {
            prop_assert!((product - difference).norm() <= 1e-7 * scale, "{} {}", product, difference);
        }
        let mixed = [directions[0].dot(&products[1]), directions[1].dot(&products[0])];
        prop_assert!((mixed[0] - mixed[1]).abs() <= 1e-13 * scale * directions[0].norm(), "{:?}", mixed);
    }

    /// Observation against the same definitions, and their rates against the definition of a
    /// derivative along the flow.
    #[test]
    fn observables_match_their_definitions((dims, outputs, depths, shared, seed) in shapes()) {
        let problem = common::random(seed, &dims, outputs, &depths, shared, 0.5);
        let (architecture, moments) = (&problem.architecture, &problem.moments);
        let observables = Observables { architecture, moments };
        let mut flow = Flow::new(architecture, moments);
        let mut rate = vec![0.0; architecture.len()];
        flow.rate(problem.weights.as_slice(), &mut rate);
        let rate = DVector::from_vec(rate);
        let mut observation = Observation::default();
        flow.observe(problem.weights.as_slice(), &mut observation);
        let knot = Knot::of(0.0, &observation);
        let expected = plain_map(architecture, &problem.weights);
        let close = |a: f64, b: f64, scale: f64| (a - b).abs() <= 1e-12 * scale.max(1e-300);
        for (a, b) in observables.map(&knot).iter().zip(expected.iter()) {
            prop_assert!(close(*a, *b, expected.norm()));
        }
        let loss = plain_loss(&problem, &problem.weights);
        prop_assert!(close(observables.loss(&knot), loss, 10.0 * (loss + moments.initial_loss)));
        prop_assert!(close(observables.speed(&knot), rate.norm_squared(), 10.0 * rate.norm_squared()));
        let at = |h: f64| {
            let mut flow = Flow::new(architecture, moments);
            let mut observation = Observation::default();
            flow.observe((&problem.weights + &rate * h).as_slice(), &mut observation);
            observation.values
        };
        // Central difference of order 4; its truncation error is that of a polynomial of the
        // depth's degree along a line, relative to the rates.
        let h = 1e-3 / (1.0 + rate.norm());
        let (a, b, c, d) = (at(h), at(-h), at(2.0 * h), at(-2.0 * h));
        let size = knot.rates.iter().chain(&knot.values).fold(0.0f64, |m, x| m.max(x.abs()));
        for i in 0..a.len() {
            let slope = (8.0 * (a[i] - b[i]) - (c[i] - d[i])) / (12.0 * h);
            prop_assert!((slope - knot.rates[i]).abs() <= 1e-7 * (1.0 + rate.norm()) * size, "entry {}", i);
        }
    }

    /// Hidden units have no names.
    #[test]
    fn permuting_hidden_units_changes_nothing(seed in any::<u64>(), shared in 0usize..=2) {
        let problem = common::random(seed, &[2, 1], 2, &[2, 2], shared, 0.5);
        let permuted = permute_hidden(&problem.architecture, &problem.weights);
        let value = |weights: &DVector<f64>| {
            let mut flow = Flow::new(&problem.architecture, &problem.moments);
            let mut observation = Observation::default();
            flow.observe(weights.as_slice(), &mut observation);
            let mut rate = vec![0.0; weights.len()];
            flow.rate(weights.as_slice(), &mut rate);
            (observation, DVector::from_vec(rate))
        };
        let (plain, rate) = value(&problem.weights);
        let (moved, moved_rate) = value(&permuted);
        // Sums in another order: round-off.
        for (a, b) in plain.values.iter().chain(&plain.rates).zip(moved.values.iter().chain(&moved.rates)) {
            prop_assert!((a - b).abs() <= 1e-13 * (1.0 + a.abs()) * 10.0);
        }
        let expected = permute_hidden(&problem.architecture, &rate);
        prop_assert!((expected - &moved_rate).norm() <= 1e-13 * (1.0 + moved_rate.norm()) * 10.0);
    }
}

/// Reverses the units of the space after each modality's first layer.
fn permute_hidden(architecture: &Architecture, state: &DVector<f64>) -> DVector<f64> {
    let mut out = state.clone();
    for stack in &architecture.private {
        let (first, second) = (
            &architecture.layers[stack.start],
            &architecture.layers[stack.start + 1],
        );
        assert_eq!(first.stack, second.stack);
        assert!(matches!(first.stack, Stack::Private(_)));
        for row in 0..first.rows {
            for col in 0..first.cols {
                out[first.range.start + col * first.rows + row] =
                    state[first.range.start + col * first.rows + first.rows - 1 - row];
            }
        }
        for col in 0..second.cols {
            for row in 0..second.rows {
                out[second.range.start + col * second.rows + row] =
                    state[second.range.start + (second.cols - 1 - col) * second.rows + row];
            }
        }
    }
    out
}

/// The modalities' order is a matter of bookkeeping: three scalar inputs, unlike in every number,
/// in two orders, with the same weights in their places.
#[test]
fn reordering_modalities_reorders_their_maps() {
    let order = [2, 0, 1];
    let plain = common::random(5, &[1, 1, 1], 1, &[2, 2, 2], 1, 0.5);
    let inputs = plain.moments.inputs.select(&order);
    let cross = plain.moments.cross.select_columns(&order);
    let power = 2.0 * plain.moments.initial_loss;
    let moments = Moments::new(common::modalities(&[1, 1, 1]), inputs, cross, power);
    let stack = plain.architecture.layers[1].range.end;
    let mut weights = plain.weights.clone();
    for (to, from) in order.into_iter().enumerate() {
        let block = plain.weights.rows(from * stack, stack);
        weights.rows_mut(to * stack, stack).copy_from(&block);
    }
    let look = |moments: &Moments, weights: &DVector<f64>| {
        let mut observation = Observation::default();
        let mut flow = Flow::new(&plain.architecture, moments);
        flow.observe(weights.as_slice(), &mut observation);
        (flow.loss(weights.as_slice()), observation)
    };
    let (loss, a) = look(&plain.moments, &plain.weights);
    let (reordered_loss, b) = look(&moments, &weights);
    // Sums in another order: round-off.
    assert!((loss - reordered_loss).abs() < 1e-13 * loss);
    for (to, from) in order.into_iter().enumerate() {
        assert!((a.values[from] - b.values[to]).abs() < 1e-14);
        assert!((a.rates[from] - b.rates[to]).abs() < 1e-13);
    }
    assert!(
        (a.values[0] - b.values[0]).abs() > 1e-3,
        "the modalities differ"
    );
}

/// Along whole runs: the loss never rises, and balancedness is conserved to the tolerance.
#[test]
fn loss_falls_and_balancedness_is_conserved() {
    for (seed, method) in [
        (1, Method::RungeKutta(Pair::Dopri5)),
        (2, Method::RungeKutta(Pair::Dop853)),
        (3, Method::Exponential),
    ] {
        let rtol = 1e-8;
        let problem = common::random(seed, &[2, 3], 2, &[2, 2], (seed % 2) as usize, 0.3);
        let (architecture, moments) = (&problem.architecture, &problem.moments);
        let observables = Observables {
            architecture,
            moments,
        };
        let mut flow = Flow::new(architecture, moments);
        let mut recorder = Recorder::new(flow.clone(), problem.weights.as_slice(), rtol);
        let settings = Settings {
            method,
            rtol,
            atol: rtol * 0.1,
            t_end: 30.0,
            max_steps: 1_000_000,
        };
        let end = integrate(
            &mut flow,
            problem.weights.clone(),
            &settings,
            &mut |segment| {
                recorder.record(segment);
                Verdict::Continue
            },
        );
        let trajectory = recorder.finish();
        let losses: Vec<f64> = trajectory
            .knots()
            .iter()
            .map(|knot| observables.loss(knot))
            .collect();
        // Near the minimum the loss is the square of what is left, so the integrator's error of rtol
        // may show as rtol^2 and round-off; a drop by a wrong sign or step would be far more.
        let rise = losses
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .fold(f64::MIN, f64::max);
        let round_off = 100.0 * (f64::EPSILON + rtol * rtol) * losses[0];
        assert!(rise <= round_off, "rises by {rise:e}");
        let drift = balancedness_drift(architecture, &problem.weights, &end.state, (1.0, 0.0))
            .expect("two layers");
        assert!(drift < 10.0 * rtol, "drift {drift:e}");
        assert!(
            drift > 1e-17,
            "a drift of zero would mean that nothing was compared"
        );
    }
}
