//! The right-hand side and the Hessian-vector product against the time of reading the weights
//! three and five times, in the same run.
//!
//! A gradient has to read every weight for the forward and the backward product and to write
//! every rate: three passes over memory are the least it can cost. Its derivative in a direction
//! reads the direction as well, twice: five passes. The ratios printed at the end are what matters;
//! absolute times are the machine's.

use criterion::{BenchmarkId, Criterion};
use modalflow::data::{Modality, Moments};
use modalflow::flow::Flow;
use modalflow::network::Architecture;
use nalgebra::{DMatrix, DVector};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn problem(width: usize, depth: usize) -> (Moments, Architecture, DVector<f64>) {
    let modality = |name: &str, i| Modality {
        index: i,
        name: name.into(),
        range: i..i + 1,
    };
    let inputs = DMatrix::from_row_slice(2, 2, &[4.0, 1.0, 1.0, 1.0]);
    let cross = DMatrix::from_row_slice(1, 2, &[5.0, 2.0]);
    let moments = Moments::new(vec![modality("A", 0), modality("B", 1)], inputs, cross, 7.0);
    let widths = vec![width; depth - 1];
    let depths = [depth, depth];
    let architecture = Architecture::build(&moments.modalities, 1, &depths, 0, &widths)
        .unwrap_or_else(|error| panic!("{error}"));
    let weights = DVector::from_fn(architecture.len(), |i, _| {
        1e-3 * ((i * 7919 % 101) as f64 - 50.0)
    });
    (moments, architecture, weights)
}

/// Reads every weight several times, in eight lanes as the kernels do.
fn stream(weights: &[f64], times: usize) -> f64 {
    (0..times)
        .map(|_| {
            let mut lanes = [0.0; 8];
            for block in black_box(weights).chunks_exact(8) {
                for (lane, weight) in lanes.iter_mut().zip(block) {
                    *lane += weight;
                }
            }
            lanes.iter().sum::<f64>()
        })
        .sum()
}

/// Least time of a call over repeated batches: the machine's noise only ever adds.
fn least(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    call();
    let calls = (2e-3 / start.elapsed().as_secs_f64()).clamp(1.0, 1e5) as u32;
    let batch = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    (0..60)
        .map(|_| batch(&mut call))
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let mut criterion = Criterion::default()
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500))
        .configure_from_args();
    let mut ratios = Vec::new();
    for depth in [2, 4] {
        for width in [10, 100, 1000] {
            let (moments, architecture, weights) = problem(width, depth);
            let mut flow = Flow::new(&architecture, &moments);
            let mut rate = vec![0.0; weights.len()];
            let mut group = criterion.benchmark_group(format!("L = {depth}"));
            group.bench_function(BenchmarkId::new("right-hand side", width), |b| {
                b.iter(|| flow.rate(black_box(weights.as_slice()), &mut rate));
            });
            group.bench_function(BenchmarkId::new("three streams", width), |b| {
                b.iter(|| stream(black_box(weights.as_slice()), 3));
            });
            flow.evaluate(weights.as_slice());
            flow.linearise();
            let direction = rate.clone();
            let mut product = vec![0.0; weights.len()];
            group.bench_function(BenchmarkId::new("Hessian product", width), |b| {
                b.iter(|| {
                    flow.jacobian_product(weights.as_slice(), black_box(&direction), &mut product);
                });
            });
            group.finish();
            let right_hand_side = least(|| flow.rate(black_box(weights.as_slice()), &mut rate));
            let hessian_product = least(|| {
                flow.jacobian_product(weights.as_slice(), black_box(&direction), &mut product);
            });
            let streams = [3, 5].map(|times| {
                least(|| {
                    black_box(stream(weights.as_slice(), times));
                })
            });
            ratios.push((depth, width, [right_hand_side, hessian_product], streams));
        }
    }
    println!(
        "\n  L   width   right-hand side   three streams   ratio   Hessian product   five streams   ratio"
    );
    for (depth, width, times, streams) in ratios {
        print!("{depth:>3} {width:>7}");
        for (time, stream) in times.into_iter().zip(streams) {
            let ratio = time / stream;
            print!(
                " {:>14.3} us {:>12.3} us {ratio:>7.2}",
                1e6 * time,
                1e6 * stream
            );
        }
        println!();
    }
    criterion.final_summary();
}
