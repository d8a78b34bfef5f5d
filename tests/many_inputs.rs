//! Few samples of many inputs: second moments as a thin factor, against the same moments as entries.

use crate::common;
use approx::assert_relative_eq;
use modalflow::data::{Loss, Moments, Rows};
use modalflow::experiment::Cost;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::run;
use modalflow::flow::Flow;
use modalflow::linalg::SemiDefinite;
use modalflow::network::Architecture;
use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const SAMPLES: usize = 7;
const DIMS: [usize; 3] = [16, 3, 20];
const OUTPUTS: usize = 2;

fn normal(rows: usize, cols: usize, seed: u64) -> DMatrix<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    DMatrix::from_fn(rows, cols, |_, _| StandardNormal.sample(&mut rng))
}

fn rows() -> Rows {
    Rows {
        modalities: common::modalities(&DIMS),
        inputs: normal(SAMPLES, DIMS.iter().sum(), 1),
        targets: normal(SAMPLES, OUTPUTS, 2),
        parts: None,
        reading: None,
        loss: Loss::Squared,
    }
}

/// The same moments with all entries of S_xx.
fn whole(thin: &Moments) -> Moments {
    let mut whole = Moments::new(
        thin.modalities.clone(),
        thin.inputs.to_matrix(),
        thin.cross.clone(),
        2.0 * thin.initial_loss,
    );
    whole.generalisation = thin.generalisation.clone();
    whole
}

fn both() -> (Moments, Moments) {
    let thin = rows().moments().expect("finite moments");
    assert_eq!(
        thin.inputs.inner_len(),
        SAMPLES,
        "the moments are kept as a factor"
    );
    let whole = whole(&thin);
    assert_eq!(whole.inputs.inner_len(), 0);
    (thin, whole)
}

fn assert_close(a: &DMatrix<f64>, b: &DMatrix<f64>, tolerance: f64) {
    let (difference, size) = ((a - b).norm(), a.norm().max(b.norm()));
    assert!(
        difference <= tolerance * size,
        "{difference:.1e} of {size:.1e}"
    );
}

/// The samples' covariances have condition numbers below 100 on their span: a few hundred roundings.
const ROUNDING: f64 = 1e-12;

#[test]
fn products_and_norms_are_those_of_the_entries() {
    let inputs = rows().inputs;
    let entries = inputs.transpose() * &inputs / SAMPLES as f64;
    let thin = SemiDefinite::of_samples(&inputs);
    let map = normal(OUTPUTS, entries.nrows(), 3);
    let other = normal(OUTPUTS, entries.nrows(), 4);
    assert_close(&thin.to_matrix(), &entries, ROUNDING);
    assert_close(&thin.after(&map), &(&map * &entries), ROUNDING);
    assert_close(
        &thin.columns_after(&map, 16..19),
        &(&map * entries.columns(16, 3)),
        ROUNDING,
    );
    let part = map.columns(16, 23);
    let moment = part * entries.view((16, 16), (23, 23)) * part.transpose();
    assert_close(&thin.moment(part.as_view(), 16..39), &moment, ROUNDING);
    let product = (&map * &entries * other.transpose()).trace();
    let found = thin.inner_product(OUTPUTS, |p| map[p], |p| other[p]);
    assert_relative_eq!(found, product, max_relative = ROUNDING);
    let square = (&map * &entries * map.transpose()).trace();
    assert_relative_eq!(
        thin.square(OUTPUTS, |p| map[p]),
        square,
        max_relative = ROUNDING
    );
    assert_relative_eq!(thin.norm(), entries.norm(), max_relative = ROUNDING);
    let columns = entries.columns(16, 3).norm();
    assert_relative_eq!(thin.columns_norm(16..19), columns, max_relative = ROUNDING);
    let trace = entries.view((16, 16), (3, 3)).trace();
    assert_relative_eq!(thin.trace(16..19), trace, max_relative = ROUNDING);
    let vector = DVector::from_column_slice(map.row(0).transpose().as_slice());
    let times = &entries * &vector - thin.times(&vector);
    assert!(times.norm() <= ROUNDING * entries.norm() * vector.norm());
}

/// Above 128 inputs sums run in lanes, and squares over half of the entries.
#[test]
fn many_entries_are_summed_like_few() {
    let dim = 203;
    let root = normal(dim, dim, 8);
    let entries = &root * root.transpose();
    let (a, b) = (normal(OUTPUTS, dim, 9), normal(OUTPUTS, dim, 10));
    let kept = SemiDefinite::from(entries.clone());
    let square = (&a * &entries * a.transpose()).trace();
    assert_relative_eq!(
        kept.square(OUTPUTS, |p| a[p]),
        square,
        max_relative = ROUNDING
    );
    let product = (&a * &entries * b.transpose()).trace();
    let found = kept.inner_product(OUTPUTS, |p| a[p], |p| b[p]);
    assert!((found - product).abs() <= ROUNDING * square);
    let mut applied = DMatrix::zeros(dim, OUTPUTS);
    kept.apply(|i, k| a[(k, i)], &mut [], applied.as_mut_slice());
    assert_close(&applied, &(&entries * a.transpose()), ROUNDING);
    let part = a.columns(30, 150);
    let moment = part * entries.view((30, 30), (150, 150)) * part.transpose();
    assert_close(&kept.moment(part.as_view(), 30..180), &moment, ROUNDING);
    let power = kept.power(part.as_view(), 30..180);
    assert_relative_eq!(power, moment.trace(), max_relative = ROUNDING);
}

/// Penrose's four conditions, rank and largest eigenvalue.
#[test]
fn a_factor_has_a_pseudo_inverse() {
    let thin = SemiDefinite::of_samples(&rows().inputs);
    let inverse = thin.pseudo_inverse();
    assert_eq!(inverse.rank, SAMPLES);
    let (s, plus) = (thin.to_matrix(), inverse.matrix.to_matrix());
    assert_close(&(&s * &plus * &s), &s, ROUNDING);
    assert_close(&(&plus * &s * &plus), &plus, ROUNDING);
    for product in [&s * &plus, &plus * &s] {
        assert_close(&product, &product.transpose(), ROUNDING);
    }
    let largest = s.symmetric_eigenvalues().max();
    assert_relative_eq!(inverse.largest, largest, max_relative = ROUNDING);
}

/// Two equal samples and one of zeros are of rank one; zeros alone of rank none.
#[test]
fn dependent_samples_count_once() {
    let row = normal(1, 12, 5);
    let samples = DMatrix::from_rows(&[row.row(0), row.row(0), (&row * 0.0).row(0)]);
    let inverse = SemiDefinite::of_samples(&samples).pseudo_inverse();
    assert_eq!(inverse.rank, 1);
    let zeros = SemiDefinite::of_samples(&DMatrix::zeros(3, 12)).pseudo_inverse();
    assert_eq!((zeros.rank, zeros.largest), (0, 0.0));
    assert_eq!(zeros.matrix.to_matrix(), DMatrix::zeros(12, 12));
}

/// Of three modalities the second has fewer inputs than samples.
#[test]
fn solutions_are_those_of_the_entries() {
    let (thin, whole) = both();
    assert_eq!(thin.rank(), whole.rank());
    assert_close(&thin.loss.optimum, &whole.loss.optimum, ROUNDING);
    assert_eq!((thin.loss.floor, whole.loss.floor), (0.0, 0.0));
    for learned in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[0, 1],
        &[1, 2],
        &[0, 2],
        &[0, 1, 2],
    ] {
        let [a, b] = [&thin, &whole].map(|moments| moments.critical_map(learned));
        assert_close(&a, &b, 10.0 * ROUNDING);
        let difference = (thin.residual(learned) - whole.residual(learned)).norm();
        assert!(difference <= 10.0 * ROUNDING * thin.cross.norm());
        let others: Vec<usize> = learned
            .iter()
            .flat_map(|&m| thin.modalities[m].range.clone())
            .collect();
        for m in (0..3).filter(|m| !learned.contains(m)) {
            let range = thin.modalities[m].range.clone();
            let left = [&thin, &whole].map(|moments| {
                let left = moments.inputs.unexplained(range.clone(), &others);
                left.to_matrix()
            });
            let scale = thin.inputs.norm();
            assert!((&left[0] - &left[1]).norm() <= 10.0 * ROUNDING * scale);
        }
    }
    for m in 0..3 {
        let [a, b] = [&thin, &whole].map(|moments| moments.own_inverse(m).to_matrix());
        assert_close(&a, &b, 10.0 * ROUNDING);
        let [a, b] = [&thin, &whole].map(|moments| moments.largest_variance(m));
        assert_relative_eq!(a, b, max_relative = ROUNDING);
        let [a, b] = [&thin, &whole].map(|moments| moments.columns_norm(m));
        assert_relative_eq!(a, b, max_relative = ROUNDING);
    }
}

#[test]
fn the_flow_is_that_of_the_entries() {
    let (thin, whole) = both();
    for (depths, shared) in [([2, 2, 2], 0), ([1, 1, 1], 2), ([2, 3, 1], 1)] {
        let architecture = Architecture::build(
            &thin.modalities,
            OUTPUTS,
            &depths,
            shared,
            &[5, 4, 6][..2 + shared.min(1)],
        )
        .expect("a small network");
        let weights = normal(architecture.len(), 1, 6);
        let direction = normal(architecture.len(), 1, 7);
        let [a, b] = [&thin, &whole].map(|moments| {
            let mut flow = Flow::new(&architecture, moments);
            let mut rate = DMatrix::zeros(weights.len(), 1);
            let mut product = rate.clone();
            flow.rate(weights.as_slice(), rate.as_mut_slice());
            flow.linearise();
            let (point, along) = (weights.as_slice(), direction.as_slice());
            flow.jacobian_product(point, along, product.as_mut_slice());
            (rate, product, flow.loss(point))
        });
        assert_close(&a.0, &b.0, ROUNDING);
        assert_close(&a.1, &b.1, ROUNDING);
        assert_relative_eq!(a.2, b.2, max_relative = ROUNDING);
    }
}

fn drawn(network: &str) -> Problem {
    common::prepare(&format!(
        "data: {{isotropic: {{modalities: {{A: 20, B: 24}}, variance: {{A: 2.0, B: 1.0}}, \
         weight: {{A: 1.0, B: -0.5}}, noise: 0.1, samples: 5}}}}\n\
         network: {network}\ninit: {{gaussian: {{std: 0.02}}}}\nflow: {{until: {{time: 2}}}}\n"
    ))
}

/// Whole runs, with everything that is measured along them.
#[test]
fn runs_are_those_of_the_entries() {
    for network in [
        "{depth: 2, fusion_layer: 2, width: 6}",
        "{depth: 3, fusion_layer: 1, width: 6}",
        "{depth: 3, fusion_layer: 2, width: 6}",
    ] {
        let thin = drawn(network);
        assert_eq!(thin.moments.inputs.inner_len(), 5);
        let mut entries = thin.clone();
        entries.moments = whole(&thin.moments);
        let [a, b] = [&thin, &entries].map(|problem| run(problem, &mut |_| true));
        let (first, last) = (
            a.flow.detection.phase.t_first,
            b.flow.detection.phase.t_first,
        );
        let (first, last) = (first.expect("a time"), last.expect("a time"));
        assert_relative_eq!(first, last, max_relative = 1e-6);
        let observables = thin.observables();
        for time in [0.0, 0.5 * first, first, 2.0] {
            let [a, b] = [&a, &b].map(|result| result.flow.trajectory.at(time));
            let scale = thin.moments.initial_loss;
            let [loss, other] = [&a, &b].map(|knot| observables.loss(knot) / scale);
            assert!(
                (loss - other).abs() < 1e-6,
                "{network} {time}: {loss} {other}"
            );
            let [error, other] = [&a, &b].map(|knot| observables.generalisation(knot));
            let (error, other) = (error.expect("a population"), other.expect("a population"));
            assert_relative_eq!(error, other, max_relative = 1e-6);
        }
    }
}

/// What the first layers do to inputs that no sample has never changes, and the map ends at W* on the span of
/// the samples: exact properties of gradient flow on few samples.
#[test]
fn weights_move_in_the_span_of_the_samples_alone() {
    let problem = drawn("{depth: 2, fusion_layer: 2, width: 6}");
    let result = run(&problem, &mut |_| true);
    let end = result.flow.final_weights(&problem);
    for (m, modality) in problem.moments.modalities.iter().enumerate() {
        let first = problem.architecture.private[m].start;
        let [before, after] = [&problem.weights, &end]
            .map(|weights| problem.architecture.view(weights, first).into_owned());
        let inputs = problem.moments.inputs.block(modality.range.clone());
        // The projection on the span, S_m S_m^+.
        let projection = inputs.after(&problem.moments.own_inverse(m).to_matrix());
        let moved = &after - &before;
        assert!(moved.norm() > before.norm(), "it has learned");
        let outside = &moved - &moved * projection;
        assert!(
            outside.norm() < 1e-10 * moved.norm(),
            "{:e}",
            outside.norm()
        );
    }
    let map = problem
        .observables()
        .map(result.flow.trajectory.end())
        .to_vec();
    let left = DMatrix::from_column_slice(1, 44, &map) - &problem.moments.loss.optimum;
    let left = problem.moments.inputs.after(&left).norm() / problem.moments.cross.norm();
    assert!(left < 1e-3, "{left:e}");
}

/// What a product costs, and that independent inputs are kept by their variances.
#[test]
fn work_grows_with_the_samples_and_not_with_the_square_of_the_inputs() {
    let source = |samples: &str| {
        format!(
            "data: {{isotropic: {{modalities: {{A: 5000, B: 5000}}, variance: {{A: 2.0, B: 1.0}}, \
             weight: {{A: 1.0, B: 1.0}}{samples}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 2}}\n\
             init: {{gaussian: {{std: 1e-3}}}}\nflow: {{until: {{time: 0.1}}}}\n"
        )
    };
    let few = common::prepare(&source(", samples: 4"));
    assert_eq!(few.moments.inputs.size().product_work(), 2 * 4 * 10_000);
    // Each first layer (2 x 5000): back and its rate. Each second one (1 x 2): forward from 5000 inputs, back, its
    // rate, and the pull of 5000 inputs. And one product with S_xx.
    let cost = Cost::of(&few);
    let layers = 2 * (2 * 2 * 5000) + 2 * (2 * (5000 + 2) + 2 * 5000);
    assert_eq!(cost.multiplications, layers + 2 * 4 * 10_000);
    assert_eq!(
        (cost.forecast.inputs, cost.rank, cost.forecast.outputs),
        (10_000, 4, 1)
    );
    assert_eq!(
        (cost.forecast.weights, cost.integrated_weights),
        (20_004, 20_004)
    );
    let population = common::prepare(&source(""));
    assert_eq!(population.moments.inputs.size().product_work(), 10_000);
    assert_eq!(population.moments.rank(), 10_000);
}
