//! Eigenvalues of the Hessian against dense decompositions and closed forms, growth out of
//! saddles, and the learning rate that curvature allows.

use super::common;
use approx::{assert_abs_diff_eq, assert_relative_eq};
use modalflow::analysis::curvature::{Spectrum, spectrum};
use modalflow::analysis::detector::Kind;
use modalflow::data::Moments;
use modalflow::flow::{Flow, Observation};
use modalflow::integrate::Outcome;
use modalflow::network::{Architecture, Stack};
use modalflow::theory;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

fn at(moments: &Moments, architecture: &Architecture, weights: &DVector<f64>) -> Spectrum {
    let mut flow = Flow::new(architecture, moments);
    spectrum(&mut flow, weights.as_slice(), 3).expect("finite")
}

/// Eigenvalues of the Hessian, assembled from its products with unit vectors, rising; those closer
/// than 1e-7 of the largest are one.
fn dense(moments: &Moments, architecture: &Architecture, weights: &DVector<f64>) -> Vec<f64> {
    let n = architecture.len();
    let mut flow = Flow::new(architecture, moments);
    flow.evaluate(weights.as_slice());
    flow.linearise();
    let mut hessian = DMatrix::zeros(n, n);
    for i in 0..n {
        let unit = DVector::from_fn(n, |k, _| f64::from(k == i));
        let mut product = vec![0.0; n];
        flow.jacobian_product(weights.as_slice(), unit.as_slice(), &mut product);
        hessian.set_column(i, &-DVector::from_vec(product));
    }
    let hessian = (&hessian + hessian.transpose()) * 0.5;
    let mut values: Vec<f64> = SymmetricEigen::new(hessian).eigenvalues.as_slice().to_vec();
    values.sort_by(f64::total_cmp);
    let scale = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    values.dedup_by(|a, b| (*a - *b).abs() < 1e-7 * scale);
    values
}

#[test]
fn eigenvalues_are_those_of_the_dense_hessian() {
    let shapes: [(&[usize], usize, &[usize], usize); 6] = [
        (&[1, 1], 1, &[2, 2], 0),
        (&[2, 1], 2, &[2, 2], 0),
        (&[2, 3], 1, &[1, 1], 1),
        (&[1, 2], 2, &[2, 2], 2),
        (&[2, 1, 2], 1, &[2, 3, 1], 1),
        (&[1, 2], 1, &[4, 4], 0),
    ];
    for (seed, (dims, outputs, depths, shared)) in shapes.into_iter().enumerate() {
        for std in [0.05, 0.6] {
            let random = common::random(seed as u64, dims, outputs, depths, shared, std);
            let (moments, architecture) = (&random.moments, &random.architecture);
            let exact = dense(moments, architecture, &random.weights);
            let found = at(moments, architecture, &random.weights);
            let scale = exact[0].abs().max(exact[exact.len() - 1]);
            assert_eq!(found.least.len(), 3);
            for (value, exact) in found.least.iter().zip(&exact) {
                // The residual bounds the error; dense eigenvalues that were taken for one lie
                // within 1e-7.
                assert!(value.is_converged);
                let error = value.residual + 1e-7 * scale;
                assert_abs_diff_eq!(value.value, *exact, epsilon = error);
            }
            // The ends: residuals of 1e-4 leave errors of their square over the gap to the next.
            let ends = [
                (found.least[0], exact[0]),
                (found.largest, exact[exact.len() - 1]),
            ];
            for (found, exact) in ends {
                assert_abs_diff_eq!(found.value, exact, epsilon = 1e-6 * scale);
            }
            assert!(found.products <= architecture.len() as u64);
        }
    }
}

/// The Hessian at the origin of a two-layer network couples the two layers by S_yxm alone:
/// eigenvalues plus and minus its singular values, once a hidden unit.
#[test]
fn two_layers_at_the_origin_curve_by_the_singular_values() {
    let random = common::random(3, &[2, 1], 2, &[2, 2], 0, 0.0);
    let (moments, architecture) = (&random.moments, &random.architecture);
    let mut singular: Vec<f64> = (0..2)
        .flat_map(|m| {
            let block = moments.block(&moments.cross, m);
            block.singular_values().iter().copied().collect::<Vec<_>>()
        })
        .collect();
    singular.sort_by(|a, b| b.total_cmp(a));
    let found = at(moments, architecture, &random.weights);
    for (value, singular) in found.least.iter().zip(&singular) {
        // Residuals of 1e-4 in an isolated eigenvalue: errors of their square.
        let value = value.converged().expect("converged");
        assert_relative_eq!(value, -singular, max_relative = 1e-7);
    }
    assert_relative_eq!(found.largest.value, singular[0], max_relative = 1e-7);
    assert_eq!(found.gradient_norm, 0.0);
    assert_eq!(
        theory::is_strict_saddle(moments, architecture, &[]),
        Some(true)
    );
}

/// A few dozen weights or 40,400, saddles cost a handful of products: their spectra have few
/// distinct values.
#[test]
fn wide_saddles_cost_a_handful_of_products() {
    let moments = common::toy(2.0, 0.5);
    for (depth, width) in [(2, 100), (4, 100)] {
        let architecture = common::network(&moments, depth, depth, width);
        let weights = at_saddle(&moments, &architecture, 0.01);
        let found = at(&moments, &architecture, &weights);
        assert!(found.products <= 20, "{} products", found.products);
        assert!(found.least.iter().all(|e| e.is_converged));
    }
}

/// Rank-one balanced weights at M_A of toy data, every private layer of B at norm u.
fn at_saddle(moments: &Moments, architecture: &Architecture, u: f64) -> DVector<f64> {
    let depth = architecture.fusion().expect("equal stacks").depth;
    let alone = moments.critical_map(&[0])[(0, 0)];
    let mut weights = DVector::zeros(architecture.len());
    for layer in &architecture.layers {
        weights[layer.range.start] = match layer.stack {
            Stack::Private(1) => u,
            _ => alone.powf(1.0 / depth as f64),
        };
    }
    weights
}

/// b~ and p of the toy data below: S_yx = (5, 2), S_A = 4, S_AB = 1.
const DRIVE: f64 = 0.75;
const ALONE: f64 = 1.25;

/// With two private layers B sees -b~ times the gain p^{1 - 2/L} of the shared layers.
#[test]
fn the_unimodal_saddle_is_strict_for_two_private_layers_alone() {
    let moments = common::toy(2.0, 0.5);
    for (depth, fusion) in [(2, 2), (3, 2), (4, 2), (3, 3), (4, 3), (4, 4)] {
        let architecture = common::network(&moments, depth, fusion, 5);
        let weights = at_saddle(&moments, &architecture, 0.0);
        let least = at(&moments, &architecture, &weights).least[0];
        let exact = match fusion {
            2 => -DRIVE * f64::powf(ALONE, 1.0 - 2.0 / depth as f64),
            _ => 0.0,
        };
        // The round-off of a Hessian of size ten.
        assert_abs_diff_eq!(
            least.converged().expect("converged"),
            exact,
            epsilon = 1e-11
        );
        let strict = |learned: &[usize]| theory::is_strict_saddle(&moments, &architecture, learned);
        assert_eq!(strict(&[0]), Some(fusion == 2));
        assert_eq!(strict(&[]), Some(depth == 2));
        assert_eq!(strict(&[0, 1]), None);
    }
}

/// In the L layers of B, each pair is coupled by -b~ u^{L-2}: the least eigenvalue is L - 1 times
/// that, and tends to zero with u.
#[test]
fn flat_saddles_curve_by_a_power_of_the_weights() {
    let moments = common::toy(2.0, 0.5);
    for depth in [3, 4] {
        let architecture = common::network(&moments, depth, depth, 4);
        for u in [1e-1, 1e-2, 1e-3] {
            let weights = at_saddle(&moments, &architecture, u);
            let least = at(&moments, &architecture, &weights).least[0];
            let least = least.converged().expect("converged");
            let exact = -(depth as f64 - 1.0) * DRIVE * f64::powi(u, depth as i32 - 2);
            // B acts on itself, and on A through the correlation, by its map u^L over b~.
            assert_relative_eq!(
                least,
                exact,
                max_relative = 20.0 * u.powi(depth as i32) + 1e-6
            );
        }
    }
}

/// d ln|W_m|/dt of a state, from the flow itself.
fn growth(moments: &Moments, architecture: &Architecture, weights: &DVector<f64>) -> [f64; 2] {
    let mut observation = Observation::default();
    Flow::new(architecture, moments).observe(weights.as_slice(), &mut observation);
    [0, 1].map(|m| observation.rates[m] / observation.values[m])
}

fn map_norms(moments: &Moments, architecture: &Architecture, weights: &DVector<f64>) -> Vec<f64> {
    let mut observation = Observation::default();
    Flow::new(architecture, moments).observe(weights.as_slice(), &mut observation);
    observation.values[..2].iter().map(|w| w.abs()).collect()
}

#[test]
fn aligned_weights_escape_at_the_predicted_rates() {
    let moments = common::toy(2.0, 0.5);
    for (depth, fusion) in [(2, 2), (3, 3), (4, 4), (3, 2), (4, 2), (4, 3)] {
        let architecture = common::network(&moments, depth, fusion, 3);
        let case = format!("L = {depth}, Lf = {fusion}");
        let predict = |learned: &[usize], m, weights| {
            let norms = map_norms(&moments, &architecture, weights);
            let rate = theory::escape_rate(&moments, &architecture, learned, m, &norms);
            rate.unwrap_or_else(|reason| panic!("{case}: {reason}"))
        };
        // Neglected are the growth of the shared layers by B, u^2 against 1, and B's own map.
        const SMALL: f64 = 1e-4;
        let weights = at_saddle(&moments, &architecture, SMALL);
        let measured = growth(&moments, &architecture, &weights)[1];
        let predicted = predict(&[0], 1, &weights);
        assert_relative_eq!(measured, predicted, max_relative = 10.0 * SMALL * SMALL);
        // From the origin: what is learned of the maps themselves, u^L against 1, is neglected.
        let weights = common::aligned(&architecture, 1e-3);
        let measured = growth(&moments, &architecture, &weights);
        for (m, measured) in measured.into_iter().enumerate() {
            let predicted = predict(&[], m, &weights);
            assert_relative_eq!(measured, predicted, max_relative = 1e-5);
        }
    }
}

#[test]
fn what_has_no_formula_says_why() {
    let moments = common::toy(2.0, 0.5);
    let early = common::network(&moments, 3, 1, 3);
    assert!(theory::escape_rate(&moments, &early, &[0], 1, &[1.0, 0.1]).is_err());
    assert!(theory::escape_rate(&moments, &early, &[], 1, &[0.1, 0.1]).is_err());
    let several = common::random(1, &[1, 1], 2, &[2, 2], 1, 0.1);
    let (moments, architecture) = (&several.moments, &several.architecture);
    assert!(theory::escape_rate(moments, architecture, &[0], 1, &[1.0, 0.1]).is_err());
}

const THREE: &str = "data: {moments: {modalities: {A: 1, B: 1, C: 1}, \
     inputs: [[9, 1, 0], [1, 3, 0.5], [0, 0.5, 1]], target_map: [[1, 1, 1]]}}\n";

/// The state caught on every plateau is the one where the detector finds the loss slowest, for every
/// method: gradient and speed agree, |grad|^2 = -dLoss/dt. And from aligned weights the modality
/// that escapes does so at theory's rate.
#[test]
fn states_are_caught_where_treads_are_slowest() {
    for (depth, norm, until) in [(2, 1e-5, 60.0), (3, 0.01, 600.0)] {
        for method in ["dopri5", "exponential"] {
            let yaml = format!(
                "{THREE}network: {{depth: {depth}, fusion_layer: {depth}, width: 4}}\n\
                 init: {{aligned: {{norm: {norm}}}}}\n\
                 flow: {{method: {method}, rtol: 1e-8, until: {{time: {until}}}}}\n"
            );
            let (problem, result) = common::run(&yaml);
            let observables = problem.observables();
            let plateaus = &result.flow.detection.plateaus;
            let learned: Vec<usize> = plateaus
                .iter()
                .map(|plateau| plateau.learned.as_ref().map_or(9, Vec::len))
                .collect();
            assert_eq!(learned, [0, 1, 2, 3], "{method}, L = {depth}");
            for (plateau, curvature) in plateaus.iter().zip(&result.flow.curvature.plateaus) {
                assert_eq!(plateau.kind, Kind::Plateau);
                let curvature = curvature.as_ref().expect("finite");
                assert!(
                    curvature.hessian_products <= 32,
                    "{method}, L = {depth}: {} products",
                    curvature.hessian_products
                );
                let least = curvature.least_eigenvalues[0].expect("converged");
                let Some(exit) = plateau.exit else {
                    assert!(least > -1e-3, "a minimum: {least}");
                    continue;
                };
                assert!(least < 0.0);
                let off = (curvature.time - plateau.slowest.time).abs();
                assert!(off < 0.1 * (exit - plateau.entry), "{method}: {off}");
                // The detector looks between knots, where the speed is flat around its minimum.
                let speed = observables.speed(&plateau.slowest).sqrt();
                assert_relative_eq!(curvature.gradient_norm, speed, max_relative = 0.1);
            }
            for (k, escape) in result.escapes.iter().enumerate() {
                let Some(escape) = escape else {
                    assert_eq!(k, 3, "nothing escapes from the minimum");
                    continue;
                };
                assert_eq!(escape.modality.index, k);
                // The saddle is approached to the share of the loss that the plateau still loses.
                let gap = escape.gap.expect("a formula for late fusion");
                assert!(gap.abs() < 0.02, "{method}, L = {depth}: {escape:?}");
            }
        }
    }
}

fn late_fusion(rho: f64, descent: &str) -> String {
    format!(
        "data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: 10}}\ninit: {{gaussian: {{std: 1e-4}}}}\n\
         flow: {{until: {{time: 40}}}}\n{descent}"
    )
}

/// Two layers of late fusion: where only A is learned, A's mode curves by sigma_A^2 times the
/// squares of its two layers, 2 sigma_A^2 |W_A|: 8 without correlation at any time after A is
/// learned; 10 at rho = 0.5, where A overshoots to 5/4 on the plateau and comes back.
#[test]
fn descent_is_stable_up_to_the_limit_that_curvature_sets() {
    for (rho, largest) in [(0.0, 8.0), (0.5, 10.0)] {
        let limit = 2.0 / largest;
        let rates = format!(
            "descent: {{learning_rate: [{}, {}]}}\n",
            0.97 * limit,
            1.1 * limit
        );
        let (problem, result) = common::run(&late_fusion(rho, &rates));
        let stability = result
            .flow
            .curvature
            .stability
            .expect("asked for by descent");
        // Evaluations lie 2 % of the weights apart; on a plateau that is nothing.
        assert_relative_eq!(stability.largest_eigenvalue, largest, max_relative = 2e-3);
        let found = stability.stable_learning_rate.expect("curves upwards");
        assert_relative_eq!(found, limit, max_relative = 2e-3);
        let work = result.flow.end.work;
        // A product is about two evaluations of the gradient: a fraction of the run.
        let evaluations = work.rhs_evaluations + 2 * work.hessian_products;
        assert!(
            4 * stability.products < evaluations,
            "{} products beside the run's {work:?}",
            stability.products
        );
        let [below, above] = &result.descents[..] else {
            panic!("two descents");
        };
        // Below the limit descent goes the flow's way, down every drop...
        let loss = |time: f64, descent: &modalflow::experiment::results::DescentRun| {
            problem
                .observables()
                .loss(&descent.descent.trajectory.at(time))
        };
        assert_eq!(below.descent.outcome, Outcome::TimeReached);
        assert_eq!(common::place(&below.phase.first), Some(0));
        assert!(loss(40.0, below) < 1e-3, "{}", loss(40.0, below));
        // ... above it A's mode flips over from step to step and never settles on the plateau.
        let unsettled = above.descent.outcome == Outcome::Diverged
            || (0..50).any(|i| {
                let time = 6.0 + 0.1 * f64::from(i);
                loss(time, above) > 1.2 * result_loss(&problem, &result, time)
            });
        assert!(unsettled, "{:?}", above.descent.outcome);
    }
    let (_, result) = common::run(&late_fusion(0.0, ""));
    assert!(result.flow.curvature.stability.is_none());
}

fn result_loss(
    problem: &modalflow::experiment::problem::Problem,
    result: &modalflow::experiment::results::RunResult,
    time: f64,
) -> f64 {
    problem.observables().loss(&result.flow.trajectory.at(time))
}
