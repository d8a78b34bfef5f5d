//! The reduced network against the full one: identities, sizes, measured errors.

use super::common;
use modalflow::data::Moments;
use modalflow::flow::Flow;
use modalflow::flow::reduction::Reduction;
use modalflow::integrate::{Method, Pair, Settings, Verdict, integrate};
use modalflow::network::{Architecture, Spaces, Stack};
use modalflow::trajectory::Trajectory;
use modalflow::trajectory::{Observables, Recorder};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Data and a network with Gaussian weights.
struct Problem {
    moments: Moments,
    architecture: Architecture,
    weights: DVector<f64>,
}

/// Inputs, outputs, private depths, shared layers, width of a network.
type Shape<'s> = (&'s [usize], usize, &'s [usize], usize, usize);

/// Gaussian weights: a standard deviation, or expected norms of the layers.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Std(f64),
    Norm(f64),
}

impl Problem {
    fn random(seed: u64, shape: Shape<'_>, scale: Scale) -> Self {
        let (dims, outputs, depths, shared, _) = shape;
        let moments = common::random(seed, dims, outputs, depths, shared, 1.0).moments;
        Self::with(moments, seed, shape, scale)
    }

    fn with(moments: Moments, seed: u64, shape: Shape<'_>, scale: Scale) -> Self {
        let (_, outputs, depths, shared, width) = shape;
        let depth = depths.iter().max().expect("a modality") + shared;
        let widths = vec![width; depth - 1];
        let architecture =
            Architecture::build(&moments.modalities, outputs, depths, shared, &widths)
                .expect("a small network");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut weights = DVector::zeros(architecture.len());
        for layer in &architecture.layers {
            let std = match scale {
                Scale::Std(std) => std,
                Scale::Norm(norm) => {
                    let modalities = if layer.stack == Stack::Shared {
                        dims(&moments)
                    } else {
                        1
                    };
                    norm * (modalities as f64 / layer.range.len() as f64).sqrt()
                }
            };
            for weight in weights
                .rows_mut(layer.range.start, layer.range.len())
                .iter_mut()
            {
                let draw: f64 = StandardNormal.sample(&mut rng);
                *weight = std * draw;
            }
        }
        Self {
            moments,
            architecture,
            weights,
        }
    }

    /// Two scalar inputs, rho = 0.5, one output, uniform depth.
    fn toy(seed: u64, depth: usize, fusion: usize, width: usize, scale: Scale) -> Self {
        let shape = (&[1, 1][..], 1, &[fusion, fusion][..], depth - fusion, width);
        Self::with(common::toy(2.0, 0.5), seed, shape, scale)
    }

    fn find(&self, tolerance: f64) -> Option<Reduction> {
        Reduction::find(&self.architecture, &self.weights, tolerance)
    }

    fn rate(&self, weights: &DVector<f64>) -> DVector<f64> {
        rate(&self.architecture, &self.moments, weights)
    }
}

fn dims(moments: &Moments) -> usize {
    moments.modalities.len()
}

fn rate(architecture: &Architecture, moments: &Moments, weights: &DVector<f64>) -> DVector<f64> {
    let mut rate = DVector::zeros(weights.len());
    Flow::new(architecture, moments).rate(weights.as_slice(), rate.as_mut_slice());
    rate
}

/// Tolerance of the integrations that measure errors.
const RTOL: f64 = 1e-11;

fn integrated(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    t_end: f64,
) -> (Trajectory, DVector<f64>) {
    let mut flow = Flow::new(architecture, moments);
    let mut recorder = Recorder::new(flow.clone(), weights.as_slice(), RTOL);
    let settings = Settings {
        method: Method::RungeKutta(Pair::Dop853),
        rtol: RTOL,
        atol: RTOL * weights.amax() * 1e-2,
        t_end,
        max_steps: 1_000_000,
    };
    let end = integrate(&mut flow, weights.clone(), &settings, &mut |segment| {
        recorder.record(segment);
        Verdict::Continue
    });
    (recorder.finish(), end.state)
}

/// Times at which the norms of the maps first reach 0.3, 0.5 and 0.7 of their final values.
fn crossings(
    moments: &Moments,
    architecture: &Architecture,
    trajectory: &Trajectory,
) -> Vec<Option<f64>> {
    let observables = Observables {
        architecture,
        moments,
    };
    let levels = (0..dims(moments)).flat_map(|m| [0.3, 0.5, 0.7].map(|share| (m, share)));
    levels
        .map(|(m, share)| {
            let level = share * moments.block(&moments.loss.optimum, m).norm();
            let reached = |knot: &_| observables.norm(knot, m) >= level;
            let mut before = 0.0;
            for time in trajectory.times(3) {
                if reached(&trajectory.at(time)) {
                    return (time > 0.0).then(|| trajectory.first_time(before, time, reached));
                }
                before = time;
            }
            None
        })
        .collect()
}

/// Largest relative difference of the times at which the maps of both networks cross their
/// levels, and how many were compared.
fn time_error(problem: &Problem, reduction: &Reduction, t_end: f64) -> (f64, usize) {
    let times = |architecture: &Architecture, weights: &DVector<f64>| {
        let (trajectory, _) = integrated(&problem.moments, architecture, weights, t_end);
        crossings(&problem.moments, architecture, &trajectory)
    };
    let full = times(&problem.architecture, &problem.weights);
    let reduced = times(&reduction.architecture, &reduction.weights);
    let pairs = full.into_iter().zip(reduced);
    let errors: Vec<f64> = pairs
        .filter_map(|(a, b)| Some((b? / a? - 1.0).abs()))
        .collect();
    (errors.iter().copied().fold(0.0, f64::max), errors.len())
}

/// The reduced change of a state, as a change of the full one.
fn lifted_change(problem: &Problem, reduction: &Reduction, change: &DVector<f64>) -> DVector<f64> {
    let origin = DVector::zeros(problem.weights.len());
    reduction.lift(&origin, &(&reduction.weights + change))
}

/// A learned state of the reduced network, and the share of the full network's rate there that
/// leaves the subspace.
fn leak(problem: &Problem, reduction: &Reduction, t_end: f64) -> (DVector<f64>, f64) {
    let (_, later) = integrated(
        &problem.moments,
        &reduction.architecture,
        &reduction.weights,
        t_end,
    );
    let reduced = rate(&reduction.architecture, &problem.moments, &later);
    let full = problem.rate(&reduction.lift(&problem.weights, &later));
    let outside = &full - lifted_change(problem, reduction, &reduced);
    (later, outside.norm() / full.norm())
}

/// Two layers: d_m + o directions a modality, or d + o in a common space, hold everything.
#[test]
fn two_layers_are_exact() {
    for (depths, shared, widths) in [([2, 2], 0, vec![5, 4]), ([1, 1], 1, vec![7])] {
        let shape = (&[3, 2][..], 2, &depths[..], shared, 50);
        let problem = Problem::random(3, shape, Scale::Std(1e-9));
        let reduction = problem.find(1e-13).expect("exact at any tolerance");
        let layers = &reduction.architecture.layers;
        let inner = layers
            .iter()
            .map(|layer| layer.rows)
            .filter(|rows| *rows != 2);
        let mut found: Vec<usize> = inner.collect();
        found.dedup();
        assert_eq!(found, widths[..found.len()]);
        assert_eq!(reduction.path_length, 1);
        assert!(reduction.error_bound <= 1e-11);
        // Halfway up: the rates are neither tiny nor vanishing.
        let (_, leak) = leak(&problem, &reduction, 12.0);
        assert!(leak < 1e-12, "{leak:e} of the rate leaves the subspace");
        // Both integrations err by about the tolerance a step, over some hundred steps.
        let (error, compared) = time_error(&problem, &reduction, 60.0);
        assert!(compared > 0);
        assert!(error < 100.0 * RTOL, "times differ by {error:e}");
    }
}

/// Nothing has moved at the start, to the last bit.
#[test]
fn the_start_lifts_to_the_start() {
    let problem = Problem::toy(2, 4, 3, 40, Scale::Norm(0.3));
    let reduction = problem.find(1e-4).expect("smaller");
    let start = reduction.lift(&problem.weights, &reduction.weights);
    assert_eq!(start, problem.weights);
}

/// Omitted couplings enter the maps twice, so the rate that leaves the subspace is of the order
/// of the error's square root.
#[test]
fn later_rates_stay_in_the_subspace() {
    for tolerance in [1e-2, 1e-4, 1e-6] {
        let problem = Problem::toy(2, 3, 3, 40, Scale::Norm(0.3));
        let reduction = problem.find(tolerance).expect("smaller");
        let (later, leak) = leak(&problem, &reduction, 1.0);
        assert!((&later - &reduction.weights).norm() > 0.1 * reduction.weights.norm());
        assert!(
            leak <= reduction.error_bound.sqrt(),
            "{tolerance:e}: {leak:e}"
        );
        assert!(leak > 1e-9, "a cut leaves something");
    }
}

/// |W|^2 is that of the reduced layer and of the constant part, for the smallest weights too.
#[test]
fn layer_norms_follow_from_the_reduced_ones() {
    for (depth, scale) in [(2, Scale::Std(1e-9)), (3, Scale::Norm(0.2))] {
        let problem = Problem::toy(4, depth, depth, 60, scale);
        let reduction = problem.find(1e-6).expect("smaller");
        let later = &reduction.weights * 1.7;
        let full = reduction.lift(&problem.weights, &later);
        for (l, constant) in reduction.constant_norms_squared().iter().enumerate() {
            let whole = problem.architecture.view(&full, l).norm_squared();
            let sum = reduction.architecture.view(&later, l).norm_squared() + constant;
            // Bases are orthonormal to round-off.
            assert!(
                (sum / whole - 1.0).abs() < 1e-13,
                "layer {l}: {sum:e} {whole:e}"
            );
        }
    }
}

proptest! {
    // A fixed seed: what is tested is an estimate, which may fail for one problem in thousands.
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    /// Never optimistic: measured errors keep to the bound, up to the integrators' own errors.
    #[test]
    fn measured_errors_keep_to_the_bound(
        seed in any::<u64>(),
        dims in prop::collection::vec(1usize..=3, 2..=3),
        outputs in 1usize..=2,
        fusion in 1usize..=3,
        uneven in 0usize..=1,
        shared in 0usize..=2,
        width in 16usize..=40,
        norm in 0.3f64..1.0,
        digits in 1i32..=6,
    ) {
        let mut depths = vec![fusion; dims.len()];
        depths[0] += uneven;
        let longest = fusion + uneven + shared;
        prop_assume!((2..=4).contains(&longest) && fusion + shared >= 2);
        let problem = Problem::random(seed, (&dims, outputs, &depths, shared, width), Scale::Norm(norm));
        let Some(reduction) = problem.find(10f64.powi(-digits)) else {
            return Ok(());
        };
        prop_assert!(reduction.error_bound <= 10f64.powi(-digits).max(1e-12));
        let (error, _) = time_error(&problem, &reduction, 20.0);
        // Each integration is off by some hundred times the tolerance of a step.
        prop_assert!(error <= reduction.error_bound + 300.0 * RTOL, "{:e} > {:e}", error, reduction.error_bound);
    }
}

/// Rank-one weights that follow each other make a network of width 1, however small.
#[test]
fn aligned_weights_collapse_to_width_one() {
    for norm in [0.1, 1e-9] {
        for (depth, fusion) in [(2, 2), (4, 1), (4, 3), (4, 4)] {
            let moments = common::toy(2.0, 0.5);
            let architecture = common::network(&moments, depth, fusion, 30);
            let weights = common::aligned(&architecture, norm);
            let reduction = Reduction::find(&architecture, &weights, 1e-13).expect("smaller");
            assert_eq!(reduction.weights.len(), architecture.layers.len());
            for (l, constant) in reduction.constant_norms_squared().iter().enumerate() {
                let size = architecture.view(&weights, l).norm();
                let reduced = reduction.weights[l].abs();
                assert!((reduced / size - 1.0).abs() < 1e-14);
                assert!(*constant < 1e-14 * size * size);
            }
            assert!(reduction.error_bound <= 1e-11);
        }
    }
}

/// Hidden units have no names.
#[test]
fn permuted_hidden_units_give_the_same_reduction() {
    let problem = Problem::toy(5, 4, 4, 50, Scale::Norm(0.2));
    let architecture = &problem.architecture;
    let (first, second) = (&architecture.layers[0], &architecture.layers[1]);
    let mut permuted = problem.weights.clone();
    for (layer, by_rows) in [(first, true), (second, false)] {
        let mut matrix = DMatrix::from_column_slice(
            layer.rows,
            layer.cols,
            &problem.weights.as_slice()[layer.range.clone()],
        );
        for i in 0..25 {
            if by_rows {
                matrix.swap_rows(i, 49 - i);
            } else {
                matrix.swap_columns(i, 49 - i);
            }
        }
        permuted.as_mut_slice()[layer.range.clone()].copy_from_slice(matrix.as_slice());
    }
    let plain = problem.find(1e-6).expect("smaller");
    let moved = Reduction::find(architecture, &permuted, 1e-6).expect("smaller");
    assert_eq!(plain.architecture, moved.architecture);
    // The estimate is a difference of nearly equal maps: it keeps fewer digits than they.
    assert!((plain.error_bound / moved.error_bound - 1.0).abs() < 1e-3);
}

/// Where the hidden layers are strong or narrow, longer paths matter too: no reduction.
#[test]
fn large_or_narrow_networks_fall_back() {
    let large = Problem::toy(6, 4, 3, 20, Scale::Std(0.3));
    assert!(large.find(1e-6).is_none());
    let narrow = Problem::toy(6, 2, 2, 3, Scale::Norm(0.1));
    assert!(narrow.find(1e-1).is_none());
    let linear = Problem::random(6, (&[3, 2], 2, &[1, 1], 0, 10), Scale::Norm(0.1));
    assert!(linear.find(1e-1).is_none());
}

/// The standard case, pinned: a change of the bases or of the estimate shows here.
#[test]
fn sizes_of_the_standard_case() {
    let problem = Problem::toy(1, 4, 4, 100, Scale::Norm(0.1));
    assert_eq!(problem.weights.len(), 40_400);
    let sizes = [1e-4, 1e-6, 1e-8].map(|tolerance| {
        let reduction = problem.find(tolerance).expect("smaller");
        assert!(reduction.error_bound <= tolerance);
        (reduction.path_length, reduction.weights.len())
    });
    assert_eq!(sizes, [(5, 196), (5, 196), (7, 900)]);
}

/// Gradient descent has the same identity: Euler's steps on both networks pass the same maps.
#[test]
fn descent_agrees_step_for_step() {
    for (depth, scale, eta) in [(2, Scale::Norm(1e-2), 0.02), (3, Scale::Norm(0.5), 0.005)] {
        let problem = Problem::toy(7, depth, depth, 40, scale);
        let reduction = problem.find(1e-9).expect("smaller");
        let (mut full, mut reduced) = (problem.weights.clone(), reduction.weights.clone());
        for _ in 0..400 {
            full += problem.rate(&full) * eta;
            reduced += rate(&reduction.architecture, &problem.moments, &reduced) * eta;
        }
        let moved = (&full - &problem.weights).norm();
        assert!(moved > 0.5, "something was learned: {moved}");
        let gap = (reduction.lift(&problem.weights, &reduced) - &full).norm() / moved;
        // States differ by the coupling, the square root of the error of maps and times.
        assert!(gap < 10.0 * reduction.error_bound.sqrt(), "{gap:e}");
        let loss = |architecture: &Architecture, weights: &DVector<f64>| {
            Flow::new(architecture, &problem.moments).loss(weights.as_slice())
        };
        let (a, b) = (
            loss(&problem.architecture, &full),
            loss(&reduction.architecture, &reduced),
        );
        assert!((a - b).abs() < 100.0 * reduction.error_bound * a, "{a} {b}");
    }
}

/// A network of width 3 in a wider one, whose other units join each other only: the paths from inputs and outputs close.
fn embedded(seed: u64, shape: Shape<'_>) -> Problem {
    const CORE: usize = 3;
    let mut problem = Problem::random(seed, shape, Scale::Norm(0.4));
    let spaces = Spaces::of(&problem.architecture);
    let mut rng = ChaCha8Rng::seed_from_u64(seed + 1);
    let mut rotation = |dim: usize| {
        let drawn = DMatrix::from_fn(dim, dim, |_, _| StandardNormal.sample(&mut rng));
        drawn.qr().q()
    };
    let rotations: Vec<DMatrix<f64>> = spaces.dims().iter().map(|dim| rotation(*dim)).collect();
    for l in 0..problem.architecture.layers.len() {
        let mut layer = problem.architecture.view(&problem.weights, l).into_owned();
        let is_core = |space: Option<usize>, unit: usize| space.is_none() || unit < CORE;
        let (input, output) = (spaces.input(l), spaces.output(l));
        let mixes = |row, column| match (input, output) {
            (Some(_), Some(_)) => is_core(output, row) != is_core(input, column),
            _ => !(is_core(output, row) && is_core(input, column)),
        };
        layer = DMatrix::from_fn(layer.nrows(), layer.ncols(), |row, column| {
            match mixes(row, column) {
                true => 0.0,
                false => layer[(row, column)],
            }
        });
        layer = output.map_or(layer.clone(), |space| &rotations[space] * &layer);
        layer = input.map_or(layer.clone(), |space| layer * rotations[space].transpose());
        let range = problem.architecture.layers[l].range.clone();
        problem
            .weights
            .rows_range_mut(range)
            .copy_from_slice(layer.as_slice());
    }
    problem
}

/// Under weight decay what stands between the complements fades at the rate of its layer: weights, maps and norms of the full
/// network are those of the reduced one, to the integrations' errors.
#[test]
fn what_is_left_out_fades_as_in_the_full_network() {
    let shapes: [(&[usize], usize); 4] = [(&[3, 3], 0), (&[4, 4], 0), (&[1, 1], 3), (&[2, 2], 2)];
    for (private, shared) in shapes {
        let mut problem = embedded(7, (&[2, 2], 1, private, shared, 24));
        let factors = if private[0] > 1 {
            [0.5, 2.0]
        } else {
            [1.0, 1.0]
        };
        problem.architecture = problem.architecture.with_rate_factors(&factors);
        problem.architecture.weight_decay = 0.05;
        let reduction = problem.find(1e-9).expect("a smaller network");
        assert!(
            reduction.error_bound <= 1e-11,
            "{:e}",
            reduction.error_bound
        );
        let time = 6.0;
        let (full, end) = integrated(
            &problem.moments,
            &problem.architecture,
            &problem.weights,
            time,
        );
        let small = (&reduction.architecture, &reduction.weights);
        let (reduced, small_end) = integrated(&problem.moments, small.0, small.1, time);
        let lifted = reduction.lift(&problem.weights, &small_end);
        let error = (&lifted - &end).norm() / end.norm();
        assert!(
            error < 1e-8,
            "{private:?} {shared}: weights differ by {error:e}"
        );
        let values = |trajectory: &Trajectory| DVector::from_vec(trajectory.end().values.clone());
        let error = (values(&full) - values(&reduced)).norm() / values(&full).norm();
        assert!(
            error < 1e-8,
            "{private:?} {shared}: maps and norms differ by {error:e}"
        );
        // What is left out is no small part, and has faded.
        let core = problem.weights.norm_squared() - reduction.weights.norm_squared();
        assert!(core.abs() < 1e-9 * problem.weights.norm_squared());
        assert!((end.norm_squared() / problem.weights.norm_squared() - 1.0).abs() > 0.05);
    }
}

/// Runs with the reduction and without it, through stages too: the same maps and norms of layers at any time.
#[test]
fn decaying_runs_are_the_same_with_the_reduction() {
    let schedule =
        "remedy: {schedule: [{until: 6.0, absent: [B]}, {until: 20.0, rate: {A: 0.5}}, {}]}";
    for (depth, fusion, rest) in [(3, 3, schedule), (4, 4, ""), (3, 1, ""), (4, 2, "")] {
        let yaml = |reduction: &str| {
            format!(
                "data: {{toy: {{rho: 0.3, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}}}}}\n\
                 network: {{depth: {depth}, fusion_layer: {fusion}, width: 40}}\n\
                 init: {{gaussian_norm: {{norm: 0.4}}}}\n\
                 flow: {{rtol: 1.0e-7, weight_decay: 0.02, reduction: {reduction}, until: {{time: 40}}}}\n{rest}"
            )
        };
        let [(small, reduced), (problem, full)] =
            ["auto", "off"].map(|reduction| common::run(&yaml(reduction)));
        assert!(reduced.flow.is_reduced && !full.flow.is_reduced);
        let observables = problem.observables();
        for time in [0.0, 2.0, 10.0, 25.0, 40.0] {
            let [a, b] = [&reduced, &full].map(|run| run.flow.trajectory.at(time));
            for m in 0..2 {
                let (a, b) = (observables.norm(&a, m), observables.norm(&b, m));
                assert!(
                    (a - b).abs() < 1e-4 * b,
                    "{depth} {fusion} map {m} at {time}: {a} {b}"
                );
            }
            for l in 0..problem.architecture.layers.len() {
                let (a, b) = (observables.layer_norm(&a, l), observables.layer_norm(&b, l));
                assert!(
                    (a - b).abs() < 1e-5 * b,
                    "{depth} {fusion} layer {l} at {time}: {a} {b}"
                );
            }
        }
        let written = reduced.flow.final_weights(&small);
        let error = (&written - full.flow.final_weights(&problem)).norm() / written.norm();
        // Couplings that are left out enter the maps squared.
        assert!(
            error < 3e-4,
            "{depth} {fusion}: written weights differ by {error:e}"
        );
    }
}
