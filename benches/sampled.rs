//! One pass over 8,192 samples: loss and gradient of two layers of 100 rectified units a modality.
//!
//! Prints the least time of a call in milliseconds and the program's peak memory in megabytes, for
//! `benches/peers/samples.py`, which sets PyTorch's forward and backward passes beside them.

use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::flow::Flow;
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
        let mut flow = Flow::new(&problem.architecture, &problem.moments);
        let mut rate = vec![0.0; problem.weights.len()];
        let mut call = || {
            let start = Instant::now();
            flow.rate(problem.weights.as_slice(), &mut rate);
            start.elapsed().as_secs_f64()
        };
        let least = (0..300).map(|_| call()).fold(f64::INFINITY, f64::min);
        println!("{case} {:.4} ms", 1e3 * least);
    }
    let memory = peak_memory().map_or("unknown".to_owned(), |mb| format!("{mb:.1} MB"));
    println!("memory {memory}");
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
