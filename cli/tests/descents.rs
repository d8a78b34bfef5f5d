//! What report and files say of descents.

use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::run;
use modalflow::experiment::summary::Summary;
use modalflow_cli::report::csv;
use modalflow_cli::scenario::Loaded;

fn run(yaml: &str) -> (Problem, RunResult) {
    let loaded = Loaded::parse("test.yaml".as_ref(), yaml.into(), &[]);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let problem = Problem::prepare(&loaded.file.scenario).expect("a small problem");
    let result = run::run(&problem, &mut |_| true);
    (problem, result)
}

/// With momentum mu a step stands for the time eta/(1 - mu), in the file as well.
#[test]
fn the_last_row_of_a_descent_stands_at_its_end() {
    for stepping in [
        "learning_rate: 5.0e-4, momentum: 0.9",
        "learning_rate: 0.01",
        "learning_rate: 0.01, adam: {}",
    ] {
        let (problem, result) = run(&format!(
            "data: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 5}}\n\
             init: {{gaussian: {{std: 1.0e-2}}}}\nflow: {{rtol: 1.0e-4, until: {{time: 16.0}}}}\n\
             descent: {{{stepping}}}\n"
        ));
        let end = result.descents[0].descent.trajectory.end().time;
        let text = String::from_utf8(csv::descents(&problem, &result)).expect("text");
        let last = text.lines().last().and_then(|line| line.split(',').nth(1));
        let time: f64 = last.expect("a time").parse().expect("a number");
        assert!((time - end).abs() < 1e-6, "{stepping}: {time} {end}");
    }
}

/// What theory and report may say of a descent depends on how it steps.
#[test]
fn what_is_said_of_a_descent_fits_its_rule() {
    let summary = |stepping: &str, activation: &str| {
        let (problem, result) = run(&format!(
            "data: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, samples: 256}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 10, activation: {activation}}}\n\
             init: {{gaussian: {{std: 1.0e-2}}}}\nflow: {{rtol: 1.0e-4, until: {{time: 12.0}}}}\n\
             descent: {{learning_rate: [0.02, 0.01], {stepping}}}\n"
        ));
        let summary = Summary::of(&problem, &result);
        serde_json::to_value(summary).expect("plain data")
    };
    let plain = summary("", "linear");
    let limit = |summary: &serde_json::Value| summary["stability"]["stable_learning_rate"].as_f64();
    let plain_limit = limit(&plain).expect("plain descent has a limit");
    assert!(plain["descent"][0]["theory_ratio"].is_number());
    assert!(plain["convergence_order"].is_object() && plain["descent"][0]["plateaus"].is_array());

    let momentum = summary("momentum: 0.9", "linear");
    let ratio = limit(&momentum).expect("momentum has a limit") / plain_limit;
    assert!((ratio - 1.9).abs() < 1e-9, "{ratio}");
    assert!(momentum["convergence_order"].is_object());

    let adam = summary("adam: {}", "linear");
    assert_eq!(limit(&adam), None);
    assert!(adam["convergence_order"].is_null());

    let batches = summary("batch: 16", "linear");
    assert!(batches["convergence_order"].is_null() && batches["descent"][0]["plateaus"].is_null());

    // A step multiplies the modes of rectified units by another factor than the formula's.
    let relu = summary("", "relu");
    assert!(relu["theory"]["ratio"].is_number());
    assert!(relu["descent"][0]["theory_ratio"].is_null());
}
