//! The least loss that a network can reach where its widths are below the rank of W*.

use crate::common;
use approx::assert_relative_eq;
use modalflow::data::{Moments, RankBounds};
use modalflow::integrate::Outcome;
use nalgebra::DMatrix;

fn bottleneck(width: usize, (method, reduction): (&str, &str)) -> String {
    format!(
        "data: {{moments: {{modalities: {{A: 2, B: 2}}, \
         inputs: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], \
         target_map: [[3, 0, 0.5, 0], [0, 2, 0, 1]]}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: {width}}}\n\
         init: {{gaussian: {{std: 1.0e-3}}}}\n\
         flow: {{method: {method}, reduction: {reduction}, until: {{loss_gap: 1.0e-6}}}}"
    )
}

/// Aligned weights stay of rank one, however wide the network: 2.125 as at width 1. With a shared layer the joined
/// map is of rank one too, and keeps only the larger of its modes, 3^2 + 0.5^2 against 2^2 + 1^2: 2.5.
#[test]
fn aligned_weights_converge_to_the_best_map_of_rank_one() {
    let wide =
        bottleneck(8, ("auto", "auto")).replace("gaussian: {std: 1.0e-3}", "aligned: {norm: 0.01}");
    let early = wide.replace("fusion_layer: 2", "fusion_layer: 1");
    let deep = wide.replace("{depth: 2, fusion_layer: 2,", "{depth: 3, fusion_layer: 2,");
    for (yaml, least) in [(wide, 2.125), (early, 2.5), (deep, 2.5)] {
        let (problem, result) = common::run(&yaml);
        assert_relative_eq!(problem.moments.least.loss, least, max_relative = 1e-12);
        assert_eq!(result.flow.end.outcome, Outcome::Converged, "{yaml}");
        let last = result.flow.detection.plateaus.last().expect("an end");
        assert_eq!(last.saddle, "M_*");
    }
}

/// Rank one a modality: the modes 2 of A and 0.5 of B stay out of reach, (2^2 + 0.5^2)/2 = 2.125.
#[test]
fn a_bottleneck_converges_to_what_it_can_reach() {
    for method in ["auto", "exponential", "dopri5", "dop853"] {
        for reduction in ["auto", "off"] {
            let (problem, result) = common::run(&bottleneck(1, (method, reduction)));
            assert_relative_eq!(problem.moments.least.loss, 2.125, max_relative = 1e-14);
            assert!(problem.moments.least.is_proven);
            let end = &result.flow.end;
            assert_eq!(end.outcome, Outcome::Converged, "{method}, {reduction}");
            assert!(end.work.steps < 5_000, "{} steps", end.work.steps);
            let loss = problem.observables().loss(result.flow.trajectory.end());
            // The gap is to what there is to learn, 7.125 - 2.125.
            assert!((0.0..1.001 * 5e-6).contains(&(loss - 2.125)), "{loss}");
            let last = result.flow.detection.plateaus.last().expect("an end");
            assert_eq!(last.saddle, "M_*");
            // A alone learns its first mode, and keeps it.
            let misattribution = result.theory.misattribution.expect("M_A");
            assert!(misattribution.abs() < 1e-12, "{misattribution}");
        }
    }
}

#[test]
fn without_a_bottleneck_everything_is_as_it_was() {
    let wide = common::prepare(&bottleneck(2, ("auto", "auto"))).moments;
    assert!(!wide.least.is_bound());
    assert_eq!(wide.least.map, wide.loss.optimum);
    assert_eq!(wide.least.loss.to_bits(), wide.loss.floor.to_bits());
    // Rank one anyway: the width of one is no bottleneck.
    let one = common::random(3, &[3, 2], 1, &[2, 2], 0, 0.1).moments;
    let mut bound = one.clone();
    let own = vec![1, 1];
    bound.bound_ranks(&RankBounds { own, joint: 1 });
    assert_eq!(bound, one);
}

/// The loss of the best map of rank r, from the singular values of W* S^{1/2}: half the sum of the
/// squares of those left out (Eckart & Young).
#[test]
fn a_bound_on_the_joined_map_is_reduced_rank_regression() {
    let mut moments = common::random(7, &[3, 2], 3, &[1, 1], 1, 0.1).moments;
    let eigen = moments.inputs.to_matrix().symmetric_eigen();
    let root = &eigen.eigenvectors
        * DMatrix::from_diagonal(&eigen.eigenvalues.map(f64::sqrt))
        * eigen.eigenvectors.transpose();
    let mut values: Vec<f64> = (&moments.loss.optimum * root)
        .singular_values()
        .iter()
        .copied()
        .collect();
    values.sort_by(|a, b| b.total_cmp(a));
    for joint in 1..3 {
        let left: f64 = values[joint..].iter().map(|s| s * s).sum();
        moments.bound_ranks(&RankBounds {
            own: vec![3, 3],
            joint,
        });
        assert_relative_eq!(
            moments.least.loss,
            moments.loss.floor + 0.5 * left,
            max_relative = 1e-12
        );
        assert!(moments.least.is_proven);
        assert_eq!(moments.least.map.rank(1e-9), joint);
    }
}

/// Correlated modalities, and both kinds of bounds: no map near the one found is better, and it is
/// within the bounds.
#[test]
fn taking_turns_ends_at_a_least_loss() {
    for (own, joint) in [([1, 2], 3), ([1, 1], 3), ([1, 2], 2), ([1, 1], 1)] {
        let mut moments = common::random(11, &[3, 2], 3, &[2, 2], 1, 0.1).moments;
        moments.bound_ranks(&RankBounds {
            own: own.to_vec(),
            joint,
        });
        let least = &moments.least;
        for (m, own) in own.into_iter().enumerate() {
            assert!(moments.block(&least.map, m).rank(1e-9) <= own);
        }
        assert!(least.map.rank(1e-9) <= joint);
        assert_relative_eq!(
            least.loss,
            moments.loss.loss(least.map.as_slice()),
            max_relative = 1e-12
        );
        assert!(moments.excess(least.map.as_slice()) < 1e-15 * moments.initial_loss);
        // Stationary in every factor of W_m = C U V_m: the range of C is that of the joined map.
        let range = least.map.clone().svd(true, false).u.expect("asked for");
        let range = range.columns(0, least.map.rank(1e-9));
        let residual = range * range.transpose() * moments.residual(&[0, 1]);
        for m in 0..2 {
            let (map, left) = (moments.block(&least.map, m), moments.block(&residual, m));
            let along = (&left * map.transpose()).norm() + (map.transpose() * &left).norm();
            // The loss has settled to round-off, its gradient to the root of that.
            assert!(
                along < 1e-5 * moments.cross.norm(),
                "{own:?}, {joint}: {along:e}"
            );
        }
        ensure_not_better(&moments);
    }
}

/// Factors near those of the map found, of the same ranks, have no smaller loss.
fn ensure_not_better(moments: &Moments) {
    let least = &moments.least;
    for k in 0..50 {
        let wave = |i: usize| 1e-3 * f64::sin(1.0 + 2.3 * (i + 17 * k) as f64);
        let left = DMatrix::from_fn(3, 3, |i, j| f64::from(u8::from(i == j)) + wave(3 * i + j));
        let mut map = left * &least.map;
        for (m, start, dim) in [(0, 0, 3), (1, 3, 2)] {
            let right = DMatrix::from_fn(dim, dim, |i, j| {
                f64::from(u8::from(i == j)) + wave(9 + 4 * i + j + 50 * m)
            });
            let block = map.columns(start, dim) * right;
            map.columns_mut(start, dim).copy_from(&block);
        }
        let loss = moments.loss.loss(map.as_slice());
        assert!(
            loss >= least.loss - 1e-12 * moments.initial_loss,
            "{loss} < {}",
            least.loss
        );
    }
}
