//! One pass over 8,192 samples: loss and gradient of two layers of 100 rectified units a modality, of one scalar input each
//! under squared loss, and of 1, 8 and 32 each under cross-entropy of ten classes.
//!
//! Prints the least time of a call in milliseconds and the program's peak memory in megabytes, for
//! `benches/peers/samples.py`, which sets PyTorch's forward and backward passes beside them.

use modalflow::data::{Loss, Moments, Samples, layout};
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::flow::Flow;
use modalflow::network::{Activation, Architecture};
use nalgebra::DMatrix;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    for (case, fusion) in [("early", 1), ("late", 2)] {
        let text = format!(
            "data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}, samples: 8192}}}}\n\
             network: {{depth: 2, fusion_layer: {fusion}, width: 100, activation: relu}}\n\
             init: {{gaussian: {{std: 0.1}}}}\nflow: {{until: {{time: 1}}}}\n"
        );
        let scenario: Scenario = serde_yaml::from_str(&text).expect("a valid scenario");
        let problem = Problem::prepare(&scenario);
        let problem = problem.unwrap_or_else(|error| panic!("{error}"));
        let flow = Flow::new(&problem.architecture, &problem.moments);
        print_least(case, flow, problem.weights.as_slice());
    }
    for inputs in [1, 8, 32] {
        let (moments, architecture) = classes(inputs);
        let weights: Vec<f64> = (0..architecture.len())
            .map(|k| 0.1 * (k as f64 * 1.7).sin())
            .collect();
        let flow = Flow::new(&architecture, &moments);
        print_least(&format!("classes_{inputs}"), flow, &weights);
    }
    let memory = peak_memory().map_or("unknown".to_owned(), |mb| format!("{mb:.1} MB"));
    println!("memory {memory}");
}

/// Prints the least time of 300 calls.
fn print_least(case: &str, mut flow: Flow<'_>, weights: &[f64]) {
    let mut rate = vec![0.0; weights.len()];
    let mut call = || {
        let start = Instant::now();
        flow.rate(weights, &mut rate);
        start.elapsed().as_secs_f64()
    };
    let least = (0..300).map(|_| call()).fold(f64::INFINITY, f64::min);
    println!("{case} {:.4} ms", 1e3 * least);
}

/// 8,192 samples of two modalities of some inputs each, of ten classes in turn, and a late-fusion network for them.
fn classes(each: usize) -> (Moments, Architecture) {
    const SAMPLES: usize = 8192;
    const CLASSES: usize = 10;
    let inputs = DMatrix::from_fn(SAMPLES, 2 * each, |row, column| {
        ((row * 2 * each + column) as f64 * 0.61).sin()
    });
    let targets = DMatrix::from_fn(SAMPLES, CLASSES, |row, class| {
        f64::from(u8::from(row % CLASSES == class)) - 1.0 / CLASSES as f64
    });
    let count = SAMPLES as f64;
    let modalities = layout([("A", each), ("B", each)]);
    let mut moments = Moments::new(
        modalities.clone(),
        inputs.tr_mul(&inputs) / count,
        targets.tr_mul(&inputs) / count,
        targets.norm_squared() / count,
    );
    let samples = Samples::new(&inputs, &targets).compared_by(Loss::CrossEntropy);
    moments.samples = Some(Arc::new(samples));
    let architecture = Architecture::build(&modalities, CLASSES, &[2, 2], 0, &[100])
        .and_then(|architecture| architecture.with_units(Activation::Relu, false))
        .unwrap_or_else(|error| panic!("{error}"));
    (moments, architecture)
}

/// Largest resident size so far, in megabytes, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1e3)
}
