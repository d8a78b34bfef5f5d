//! What the numerical core asks of the heap. A binary of its own, because the counting allocator
//! replaces that of the whole program.

use allocation_counter::measure;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::run::run;
use modalflow::flow::{Flow, Observation};
use modalflow::integrate::Outcome;

fn prepare(text: &str) -> Problem {
    let scenario: Scenario = serde_yaml::from_str(text).expect("a valid scenario");
    Problem::prepare(&scenario).expect("a small problem")
}

fn network(depth: usize, fusion: usize, width: usize, time: f64) -> String {
    format!(
        "data: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}}}}}\n\
         network: {{depth: {depth}, fusion_layer: {fusion}, width: {width}}}\n\
         init: {{gaussian_norm: {{norm: 0.1}}}}\n\
         flow: {{until: {{time: {time}}}}}\n"
    )
}

/// Two modalities of 40 inputs, of which there are five samples.
fn few_samples((depth, fusion, width): (usize, usize, usize)) -> String {
    let toy = network(depth, fusion, width, 1.0);
    let rest = toy.split_once('\n').map_or("", |(_, rest)| rest);
    format!(
        "data: {{isotropic: {{modalities: {{A: 40, B: 40}}, variance: {{A: 2.0, B: 1.0}}, \
         weight: {{A: 1.0, B: 1.0}}, samples: 5}}}}\n{rest}"
    )
}

fn finish(problem: &Problem) -> RunResult {
    let result = run(problem, &mut |_| true);
    assert_eq!(result.outcome(), Outcome::TimeReached);
    result
}

/// Without this, every zero below could be that of a counter nobody feeds.
#[test]
fn the_counter_counts() {
    let info = measure(|| drop(std::hint::black_box(vec![0u8; 1 << 20])));
    assert_eq!((info.count_total, info.bytes_max), (1, 1 << 20));
}

#[test]
fn an_evaluation_allocates_nothing() {
    let toys = [(2, 1, 10), (2, 2, 100), (4, 1, 10), (4, 3, 10), (4, 4, 100)];
    let toys = toys.map(|case| (case, network(case.0, case.1, case.2, 20.0)));
    let few_samples = [(2, 1, 10), (2, 2, 10), (3, 2, 10)].map(|case| (case, few_samples(case)));
    // Products with these are kept.
    let dear = |text: &str, samples| {
        let text = text.replace("A: 40, B: 40", "A: 70, B: 80");
        text.replace("samples: 5", samples)
    };
    let (case, text) = few_samples[1].clone();
    let dear = ["samples: 200", "samples: 70"].map(|samples| (case, dear(&text, samples)));
    let cases = toys.into_iter().chain(few_samples).chain(dear);
    for ((depth, fusion, width), text) in cases {
        let problem = prepare(&text);
        let late = finish(&problem).flow.final_weights(&problem);
        let mut flow = Flow::new(&problem.architecture, &problem.moments);
        let mut rate = vec![0.0; problem.weights.len()];
        let mut observation = Observation::default();
        flow.observe(problem.weights.as_slice(), &mut observation);
        for (when, weights) in [("early", &problem.weights), ("late", &late)] {
            let case = format!("L = {depth}, Lf = {fusion}, width {width}, {when}");
            let weights = weights.as_slice();
            let rates = measure(|| flow.rate(weights, &mut rate));
            assert_eq!(rates.count_total, 0, "rate, {case}");
            let observed = measure(|| flow.observe(weights, &mut observation));
            assert_eq!(observed.count_total, 0, "observe, {case}");
            let losses = measure(|| {
                std::hint::black_box(flow.loss(weights));
            });
            assert_eq!(losses.count_total, 0, "loss, {case}");
            let direction = rate.clone();
            flow.evaluate(weights);
            let products = measure(|| {
                flow.linearise();
                flow.jacobian_product(weights, &direction, &mut rate);
            });
            assert_eq!(products.count_total, 0, "Hessian product, {case}");
        }
    }
}

/// Thin layers only: the general matrix product of wide ones packs its operands.
#[test]
fn a_pass_over_samples_allocates_nothing() {
    for (depth, fusion, units) in [
        (2, 1, "activation: relu"),
        (2, 2, "activation: tanh, biases: true"),
    ] {
        let text = network(depth, fusion, 100, 20.0)
            .replace("width: 100", &format!("width: 100, {units}"))
            .replace("B: 1.0}}}\n", "B: 1.0}, samples: 1000}}\n");
        let problem = prepare(&text);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        pool.expect("threads").install(|| {
            let mut flow = Flow::new(&problem.architecture, &problem.moments);
            let weights = problem.weights.as_slice();
            let mut rate = vec![0.0; weights.len()];
            let mut observation = Observation::default();
            flow.observe(weights, &mut observation);
            let direction = weights.to_vec();
            let calls = measure(|| {
                flow.rate(weights, &mut rate);
                flow.observe(weights, &mut observation);
                std::hint::black_box(flow.loss(weights));
                flow.jacobian_product(weights, &direction, &mut rate);
            });
            assert_eq!(calls.count_total, 0, "L = {depth}, Lf = {fusion}, {units}");
        });
    }
}

/// Peak heap of a whole run in bytes, from the text of the scenario to its results.
fn peak(text: &str) -> u64 {
    let info = measure(|| {
        std::hint::black_box(finish(&prepare(text)));
    });
    println!("peak heap {:.1} MB", info.bytes_max as f64 / 1e6);
    info.bytes_max
}

/// 4,000 inputs have 16 million second moments, of 128 MB.
#[test]
fn few_samples_of_many_inputs_take_no_square_of_memory() {
    let text = few_samples((2, 2, 4))
        .replace("A: 40, B: 40", "A: 2000, B: 2000")
        .replace("time: 1", "time: 0.01");
    let peak = peak(&text);
    assert!(peak < 60_000_000, "{peak} bytes at the peak");
}

/// States are thrown away as the run passes them, so that a longer run holds no more of them.
#[test]
fn memory_does_not_grow_with_time() {
    let [short, long] = [100.0, 400.0].map(|time| peak(&network(4, 4, 100, time)));
    assert!(long < 30_000_000, "{long} bytes at the peak");
    let slack = (short / 10).max(4_000_000);
    assert!(
        long <= short + slack,
        "{short} bytes until 100, {long} until 400"
    );
}
