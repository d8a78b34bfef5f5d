//! Theory beside what was measured, in words.

use super::support::Sandbox;

/// Two layers, of which B's second one starts larger: predicted as a tie, learned B first.
const UNBALANCED: &str = "\
data: {toy: {rho: 0.5, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 2, fusion_layer: 2, width: 10}
init: {lambda_balanced: {lambda: {A: 0, B: 1.0e-4}, norm: 1.0e-6}}
flow: {until: {time: 50}}
";

const DEEP: &str = "\
seed: 1
data: {toy: {rho: 0.2, sigma: {A: 2, B: 1.4, C: 1}, target: {A: 1, B: 1, C: 1}}}
network: {depth: 4, fusion_layer: 4, width: 20}
init: {gaussian_norm: {norm: 0.1}}
flow: {until: {time: 1.0e4, loss_gap: 1.0e-6}}
";

/// The cells of a row.
fn row<'r>(report: &'r str, label: &str) -> Vec<&'r str> {
    let mut lines = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix(label));
    lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect()
}

#[test]
fn a_length_has_a_gap_in_the_predicted_order_only() {
    let sandbox = Sandbox::with(UNBALANCED);
    let report = sandbox.succeed("run fast.yaml");
    assert_eq!(
        row(&report, "learned first")[..3],
        ["B", "A", "differs"],
        "{report}"
    );
    let length = row(&report, "unimodal phase");
    assert_eq!((length.len(), length[2]), (5, "-"), "{report}");
    let report = sandbox.succeed("run fast.yaml --set data.toy.rho=0");
    let length = row(&report, "unimodal phase");
    assert!(length[2] == "%" || length[3] == "%", "{report}");
}

/// The formulas' times and those from the weights stand in columns of their own, for all modalities.
#[test]
fn every_modality_has_its_time_from_the_weights() {
    let report = Sandbox::with(DEEP).succeed("run fast.yaml");
    let line = report
        .lines()
        .find(|line| line.contains("divided by t_first"));
    let heading = line.unwrap_or_default();
    assert!(
        heading.contains("  theory  ") && heading.trim_end().ends_with("from weights"),
        "{report}"
    );
    let table = &report[report.find(heading).unwrap_or_default()..];
    let last = row(table, "C ");
    assert_eq!(last.len(), 4, "{report}");
    let numbers: Vec<f64> = last
        .iter()
        .map(|cell| cell.parse().expect("a number"))
        .collect();
    let [_, measured, formula, weights] = numbers[..] else {
        panic!("{report}");
    };
    assert!(
        (measured / weights - 1.0).abs() < 0.02 && (measured / formula - 1.0).abs() > 0.02,
        "{report}"
    );
}

#[test]
fn descents_without_a_prediction_say_why() {
    let steps = "descent: {learning_rate: [0.02, 0.001], momentum: 0.9}\n";
    let report = Sandbox::with(&(DEEP.to_owned() + steps)).succeed("run fast.yaml");
    assert!(
        report.contains("no prediction at eta = 0.02: such steps"),
        "{report}"
    );
}

/// A sweep sums up both gaps.
#[test]
fn a_sweep_has_a_row_for_the_weights() {
    let sweep = "sweep: {axes: [{path: seed, values: [1, 2]}]}\n";
    let sandbox = Sandbox::with(&(DEEP.to_owned() + sweep));
    let report = sandbox.succeed("sweep fast.yaml");
    let weights = row(&report, "weights_ratio");
    assert_eq!(weights[0], "2", "{report}");
    assert!(!row(&report, "weights_t_first").is_empty(), "{report}");
    let gaps = sandbox.json("outputs/fast/summary.json")["gaps"].clone();
    let of = |key: &str| {
        let gap = gaps
            .as_array()
            .into_iter()
            .flatten()
            .find(|gap| gap["quantity"] == key);
        gap.and_then(|gap| gap["mean"].as_f64()).expect("compared")
    };
    assert!(of("weights_ratio") < 0.1 * of("ratio"), "{gaps}");
}

/// Equally fast modalities: no strength of modulation changes who is ahead.
#[test]
fn nobody_is_ahead_of_an_equal() {
    let report = Sandbox::with(&UNBALANCED.replace("A: 2", "A: 1").replace("1.0e-4", "0"))
        .succeed("theory fast.yaml");
    assert!(!report.contains("modulation:"), "{report}");
}
