//! Cross-entropy: its gradient and Hessian against differences, its first stage beside that of squared loss, what it is
//! at critical points, and when runs end.

use super::common;
use approx::assert_relative_eq;

use modalflow::data::{Loss, Moments, Samples};
use modalflow::flow::{Flow, Observation};
use modalflow::integrate::Outcome;
use modalflow::network::{Activation, Architecture};
use nalgebra::{DMatrix, DVector};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use std::fmt::Write as _;
use std::sync::Arc;

/// A network over samples whose classes are drawn, as targets of cross-entropy.
struct Case {
    moments: Moments,
    architecture: Architecture,
    weights: DVector<f64>,
}

const CLASSES: usize = 4;

fn case(depths: &[usize], shared: usize, units: (Activation, bool), std: f64) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    // Two blocks of samples.
    let (samples, dims) = (150, [3, 2]);
    let inputs = DMatrix::from_fn(samples, 5, |_, _| StandardNormal.sample(&mut rng));
    let mut targets = DMatrix::from_element(samples, CLASSES, -1.0 / CLASSES as f64);
    for row in 0..samples {
        targets[(row, rng.random_range(0..CLASSES))] += 1.0;
    }
    let count = samples as f64;
    let mut moments = Moments::new(
        common::modalities(&dims),
        inputs.tr_mul(&inputs) / count,
        targets.tr_mul(&inputs) / count,
        targets.norm_squared() / count,
    );
    let samples = Samples::new(&inputs, &targets).compared_by(Loss::CrossEntropy);
    moments.samples = Some(Arc::new(samples));
    let depth = depths.iter().max().expect("a modality") + shared;
    let widths = vec![4; depth - 1];
    let architecture = Architecture::build(&moments.modalities, CLASSES, depths, shared, &widths)
        .and_then(|architecture| architecture.with_units(units.0, units.1))
        .expect("a small network");
    let weights = DVector::from_fn(architecture.len(), |_, _| {
        let normal: f64 = StandardNormal.sample(&mut rng);
        std * normal
    });
    Case {
        moments,
        architecture,
        weights,
    }
}

fn rate(flow: &mut Flow<'_>, weights: &DVector<f64>) -> DVector<f64> {
    let mut rate = vec![0.0; weights.len()];
    flow.rate(weights.as_slice(), &mut rate);
    DVector::from_vec(rate)
}

/// The derivative of `f` at 0 by differences over five points: the error is h^4/30 of its fifth derivative, and round-off
/// over h.
fn derivative<T>(f: impl Fn(f64) -> T) -> T
where
    T: std::ops::Sub<Output = T> + std::ops::Mul<f64, Output = T>,
{
    const H: f64 = 1e-3;
    let (near, far) = (f(H) - f(-H), f(2.0 * H) - f(-2.0 * H));
    near * (2.0 / (3.0 * H)) - far * (1.0 / (12.0 * H))
}

/// Networks of every kind, with units that are smooth.
fn smooth_cases() -> Vec<Case> {
    [
        (vec![2, 2], 0, (Activation::Linear, false)),
        (vec![1, 1], 2, (Activation::Linear, false)),
        (vec![2, 3], 1, (Activation::Tanh, true)),
    ]
    .into_iter()
    .map(|(depths, shared, units)| case(&depths, shared, units, 0.6))
    .collect()
}

#[test]
fn the_gradient_is_that_of_differences() {
    for case in smooth_cases() {
        let mut flow = Flow::new(&case.architecture, &case.moments);
        let found = rate(&mut flow, &case.weights);
        let differences = DVector::from_fn(case.weights.len(), |k, _| {
            let loss = |step: f64| {
                let mut weights = case.weights.clone();
                weights[k] += step;
                flow.clone().loss(weights.as_slice())
            };
            -derivative(loss)
        });
        // Five-point differences: 1e-12 of fifth derivatives of order 1 to 1e3.
        let error = (&found - &differences).amax() / found.amax();
        assert!(error < 1e-8, "{error:e}");
    }
}

/// Away from kinks the loss of rectified units is as smooth; a step of 1e-3 crosses none at this state.
#[test]
fn the_gradient_of_rectified_units_is_that_of_differences() {
    let case = case(&[2, 2], 0, (Activation::Relu, false), 0.6);
    let mut flow = Flow::new(&case.architecture, &case.moments);
    let found = rate(&mut flow, &case.weights);
    // Weights of the last layers meet no kink.
    let last = case.architecture.layers[1].range.clone();
    for k in last {
        let loss = |step: f64| {
            let mut weights = case.weights.clone();
            weights[k] += step;
            flow.clone().loss(weights.as_slice())
        };
        let error = (found[k] + derivative(loss)).abs() / found.amax();
        assert!(error < 1e-8, "{error:e}");
    }
}

#[test]
fn hessian_products_are_differences_of_gradients() {
    for case in smooth_cases() {
        let mut flow = Flow::new(&case.architecture, &case.moments);
        let direction = DVector::from_fn(case.weights.len(), |k, _| (k as f64 * 0.7).cos());
        let mut product = vec![0.0; direction.len()];
        flow.evaluate(case.weights.as_slice());
        flow.linearise();
        flow.jacobian_product(case.weights.as_slice(), direction.as_slice(), &mut product);
        let product = DVector::from_vec(product);
        let along = |step: f64| rate(&mut flow.clone(), &(&case.weights + &direction * step));
        let error = (&product - derivative(along)).amax() / product.amax();
        // As above, with steps along a direction of norm 5.
        assert!(error < 1e-7, "{error:e}");
    }
}

#[test]
fn observed_rates_are_derivatives_of_observed_values() {
    let case = case(&[2, 2], 1, (Activation::Tanh, true), 0.6);
    let flow = Flow::new(&case.architecture, &case.moments);
    let observe = |weights: &DVector<f64>| {
        let mut observation = Observation::default();
        flow.clone().observe(weights.as_slice(), &mut observation);
        observation
    };
    let along = rate(&mut flow.clone(), &case.weights);
    let values = |step: f64| DVector::from_vec(observe(&(&case.weights + &along * step)).values);
    let rates = DVector::from_vec(observe(&case.weights).rates);
    let differences = derivative(values);
    // The last value is the accuracy, which jumps.
    let smooth = rates.len() - 1;
    for k in 0..smooth {
        let error = (rates[k] - differences[k]).abs();
        assert!(error < 1e-8 * (1.0 + rates[k].abs()), "{k}: {error:e}");
    }
    assert_eq!(rates[smooth], 0.0);
}

/// At zero outputs both losses have the same residual: rates differ by the order of the outputs, the std to the power of
/// the depth.
#[test]
fn small_weights_move_as_under_squared_loss() {
    let difference = |units: Activation, depth: usize, std: f64| {
        let small = case(&[depth, depth], 0, (units, false), std);
        let samples = small.moments.samples.as_deref().cloned();
        let samples = samples.expect("kept").compared_by(Loss::Squared);
        let mut squared = small.moments.clone();
        squared.samples = Some(Arc::new(samples));
        let [entropy, square] = [&small.moments, &squared].map(|moments| {
            let mut flow = Flow::on_samples(&small.architecture, moments);
            rate(&mut flow, &small.weights)
        });
        (&entropy - &square).norm() / square.norm()
    };
    for (activation, depth, std) in [
        (Activation::Linear, 2, 1e-3),
        (Activation::Relu, 2, 1e-3),
        (Activation::Relu, 3, 1e-2),
    ] {
        let [large, small] = [std, 0.1 * std].map(|std| difference(activation, depth, std));
        assert!(large < 1e-2, "{activation:?}, {depth} layers: {large:e}");
        // Corrections are of the order of the outputs themselves.
        assert_relative_eq!(large / small, 10f64.powi(depth as i32), max_relative = 2e-2);
    }
}

/// Classes that overlap, two scalar modalities of which A tells more; a table of `rows` rows.
fn overlapping(rows: usize) -> common::Table {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut text = String::from("a,b,kind\n");
    for _ in 0..rows {
        let kind = rng.random_range(0..3_usize);
        let mut noise = || -> f64 { StandardNormal.sample(&mut rng) };
        let a = [1.0, 0.0, -1.0][kind] + noise();
        let b = [0.0, 0.5, -0.5][kind] + noise();
        let _ = writeln!(text, "{a},{b},{}", ["x", "y", "z"][kind]);
    }
    common::table(text.as_bytes())
}

fn scenario(table: &common::Table, rest: &str) -> String {
    format!(
        "loss: cross_entropy\n\
         data: {{table: {{path: {}, modalities: {{A: [a], B: [b]}}, label: kind}}}}\n{rest}",
        table.path.display()
    )
}

#[test]
fn a_minimum_has_the_fit_of_least_squares() {
    let table = overlapping(300);
    let text = scenario(
        &table,
        "network: {depth: 2, fusion_layer: 2, width: 5}\n\
         init: {gaussian: {std: 1.0e-3}}\n\
         flow: {until: {time: 400}}\n",
    );
    let (problem, result) = common::run(&text);
    let observables = problem.observables();
    let end = result.flow.trajectory.end();
    let map = DVector::from_column_slice(observables.map(end));
    let least = DVector::from_column_slice(problem.moments.loss.optimum.as_slice());
    let gap = (&map - &least).norm() / least.norm();
    // What is left to go by t = 400, and the tolerance of 1e-8.
    assert!(gap < 1e-5, "{gap:e}");
    assert_eq!(problem.moments.zero_loss(), 3f64.ln());
    let loss = observables.loss(end);
    assert!(loss < 3f64.ln() && loss > 0.1, "{loss}");
    let accuracy = observables.accuracy(end).expect("classes");
    assert!(accuracy > 0.5 && accuracy < 1.0, "{accuracy}");
}

#[test]
fn times_are_those_predicted() {
    let table = overlapping(300);
    for activation in ["linear", "relu"] {
        let text = scenario(
            &table,
            &format!(
                "network: {{depth: 2, fusion_layer: 2, width: 30, activation: {activation}}}\n\
                 init: {{gaussian: {{std: 1.0e-5}}}}\n\
                 flow: {{rtol: 1.0e-4, until: {{time: 200}}}}\n"
            ),
        );
        let (_, result) = common::run(&text);
        let phase = &result.flow.detection.phase;
        let found = result.theory.from_weights.as_ref().expect("late fusion");
        assert_eq!(phase.first, result.theory.first);
        assert_eq!(phase.first, found.first);
        let gap = |measured: Option<f64>, predicted: Option<f64>| {
            measured.expect("reached") / predicted.expect("predicted") - 1.0
        };
        // Steps of the run and of the prediction: 1e-4.
        for gap in [
            gap(phase.t_first, found.t_first),
            gap(phase.t_second, found.t_second),
        ] {
            assert!(gap.abs() < 1e-3, "{activation}: {gap:e}");
        }
    }
}

#[test]
fn a_run_ends_at_the_loss_or_the_accuracy_that_is_asked_for() {
    let table = overlapping(120);
    let text = |until: &str| {
        scenario(
            &table,
            &format!(
                "network: {{depth: 2, fusion_layer: 2, width: 5}}\n\
                 init: {{gaussian: {{std: 1.0e-2}}}}\n\
                 flow: {{until: {until}}}\n\
                 descent: {{learning_rate: 0.05}}\n"
            ),
        )
    };
    let (problem, result) = common::run(&text("{loss: 0.9}"));
    let observables = problem.observables();
    assert_eq!(result.flow.end.outcome, Outcome::Converged);
    let loss = observables.loss(result.flow.trajectory.end());
    assert!((loss - 0.9).abs() < 1e-9, "{loss}");
    let descent = &result.descents[0].descent;
    assert_eq!(descent.outcome, Outcome::Converged);
    assert!(descent.final_loss <= 0.9 && descent.final_loss > 0.89);

    let (problem, result) = common::run(&text("{accuracy: 0.6}"));
    assert_eq!(result.flow.end.outcome, Outcome::Converged);
    let end = result.flow.trajectory.end();
    let accuracy = problem.observables().accuracy(end).expect("classes");
    // One sample of 120 more, at most.
    assert!((0.6..0.6 + 1.0 / 60.0).contains(&accuracy), "{accuracy}");
}

#[test]
fn what_is_not_defined_is_refused() {
    let table = overlapping(20);
    let network = "network: {depth: 2, fusion_layer: 2, width: 3}\ninit: {gaussian: {std: 0.1}}\n";
    let refused = |rest: &str| {
        let text = scenario(&table, &format!("{network}{rest}"));
        common::scenario(&text).expect_err("refused").to_string()
    };
    let until = "flow: {until: {time: 1}}\n";
    for (remedy, key) in [
        ("{auxiliary: {A: 1.0}}", "remedy.auxiliary"),
        ("{keep: {A: 0.5}}", "remedy.keep"),
        ("{modulate: {alpha: 0.3}}", "remedy.modulate"),
        (
            "{schedule: [{until: 0.5, absent: [B]}, {}]}",
            "remedy.schedule",
        ),
    ] {
        let error = refused(&format!("{until}remedy: {remedy}\n"));
        assert!(error.contains(key) && error.contains("squared"), "{error}");
    }
    let numbers =
        "loss: cross_entropy\ndata: {toy: {sigma: {A: 1.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}\n";
    let error = common::scenario(&format!("{numbers}{network}{until}")).expect_err("refused");
    assert!(error.to_string().contains("needs a class"), "{error}");
    let squared = "data: {toy: {sigma: {A: 1.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}\n";
    let accurate = "flow: {until: {accuracy: 0.9}}\n";
    let error = common::scenario(&format!("{squared}{network}{accurate}")).expect_err("refused");
    assert!(error.to_string().contains("flow.until.accuracy"), "{error}");
    let deep = "flow: {until: {loss: 1.0e-3}}\n";
    let noisy = "data: {toy: {sigma: {A: 1.0, B: 1.0}, target: {A: 1.0, B: 1.0}, noise: 1.0}}\n";
    let error = common::try_prepare(&format!("{noisy}{network}{deep}")).expect_err("refused");
    assert!(error.to_string().contains("least loss"), "{error}");
}
