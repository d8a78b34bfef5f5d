//! Identities that hold for every network: gradient, conservation laws, symmetries.

use super::common;

use modalflow::flow::{Flow, Observables};
use modalflow::integrate::{Settings, Verdict, integrate};
use modalflow::invariants::balancedness_drift;
use modalflow::network::{Architecture, Stack};
use modalflow::observe::{Lens, Recorder};
use modalflow::scenario::Method;
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

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
    let quadratic = (&map * &moments.inputs * map.transpose()).trace();
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
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

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

    /// Observables against the same definitions, and their rates against the definition of a
    /// derivative along the flow.
    #[test]
    fn observables_match_their_definitions((dims, outputs, depths, shared, seed) in shapes()) {
        let problem = common::random(seed, &dims, outputs, &depths, shared, 0.5);
        let (architecture, moments) = (&problem.architecture, &problem.moments);
        let lens = Lens { architecture, moments };
        let mut flow = Flow::new(architecture, moments);
        let mut rate = vec![0.0; architecture.len()];
        flow.rate(problem.weights.as_slice(), &mut rate);
        let rate = DVector::from_vec(rate);
        let mut observables = Observables::default();
        flow.observe(problem.weights.as_slice(), &mut observables);
        let knot = observables.knot(0.0);
        let expected = plain_map(architecture, &problem.weights);
        let close = |a: f64, b: f64, scale: f64| (a - b).abs() <= 1e-12 * scale.max(1e-300);
        for (a, b) in lens.map(&knot).iter().zip(expected.iter()) {
            prop_assert!(close(*a, *b, expected.norm()));
        }
        let loss = plain_loss(&problem, &problem.weights);
        prop_assert!(close(lens.loss(&knot), loss, 10.0 * (loss + moments.initial_loss)));
        prop_assert!(close(lens.speed(&knot), rate.norm_squared(), 10.0 * rate.norm_squared()));
        let at = |h: f64| {
            let mut flow = Flow::new(architecture, moments);
            let mut observables = Observables::default();
            flow.observe((&problem.weights + &rate * h).as_slice(), &mut observables);
            observables.values
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
            let mut observables = Observables::default();
            flow.observe(weights.as_slice(), &mut observables);
            let mut rate = vec![0.0; weights.len()];
            flow.rate(weights.as_slice(), &mut rate);
            (observables, DVector::from_vec(rate))
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

/// The modalities' order is a matter of bookkeeping.
#[test]
fn swapping_modalities_swaps_their_maps() {
    let plain = common::toy(2.0, 0.5);
    let mut swapped = common::toy(2.0, 0.5);
    swapped.inputs = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, 4.0]);
    swapped.cross = DMatrix::from_row_slice(1, 2, &[plain.cross[1], plain.cross[0]]);
    swapped.loss.covariance = swapped.inputs.clone();
    let architecture = common::network(&plain, 3, 2, 4);
    let weights = DVector::from_fn(architecture.len(), |i, _| {
        ((i * 7919) % 13) as f64 / 13.0 - 0.4
    });
    let half = architecture.layers[2].range.start;
    let mut exchanged = weights.clone();
    exchanged
        .rows_mut(0, half)
        .copy_from(&weights.rows(half, half));
    exchanged
        .rows_mut(half, half)
        .copy_from(&weights.rows(0, half));
    let look = |moments, weights: &DVector<f64>| {
        let mut observables = Observables::default();
        Flow::new(&architecture, moments).observe(weights.as_slice(), &mut observables);
        observables
    };
    let (a, b) = (look(&plain, &weights), look(&swapped, &exchanged));
    for (i, j) in [(0, 1), (1, 0)] {
        assert!((a.values[i] - b.values[j]).abs() < 1e-14);
        assert!((a.rates[i] - b.rates[j]).abs() < 1e-13);
    }
}

/// Along whole runs: the loss never rises, and balancedness is conserved to the tolerance.
#[test]
fn loss_falls_and_balancedness_is_conserved() {
    for (seed, method) in [
        (1, Method::Dopri5),
        (2, Method::Dop853),
        (3, Method::Dopri5),
    ] {
        let rtol = 1e-8;
        let problem = common::random(seed, &[2, 3], 2, &[2, 2], (seed % 2) as usize, 0.3);
        let (architecture, moments) = (&problem.architecture, &problem.moments);
        let lens = Lens {
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
        let track = recorder.finish();
        let losses: Vec<f64> = track.knots().iter().map(|knot| lens.loss(knot)).collect();
        // The integrator's own error, rtol of the loss, is the most it may rise on a plateau.
        let rise = losses
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .fold(f64::MIN, f64::max);
        assert!(rise <= rtol * 1e-3 * losses[0], "rises by {rise:e}");
        let drift =
            balancedness_drift(architecture, &problem.weights, &end.state).expect("two layers");
        assert!(drift < 10.0 * rtol, "drift {drift:e}");
        assert!(
            drift > 1e-17,
            "a drift of zero would mean that nothing was compared"
        );
    }
}
