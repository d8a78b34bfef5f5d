//! Diagnoses of networks whose units are not linear.

use super::{FEW, assert_near, diagnose, superficial, two_layers, written};
use crate::common::{Table, run, scenario};
use modalflow::diagnosis::{Diagnosis, Options, Subject};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Three standard normal inputs, each row with its negative, so that half of the units are active.
fn mirrored() -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let rows = (0..64).map(|_| {
        let (a1, a2, b) = (normal(), normal(), normal());
        vec![a1, a2, b, a1 + a2 + 0.5 * b]
    });
    written(&["a1", "a2", "b", "y"], rows)
}

/// The times of docs/nonlinear.md (mirrored samples): ReLU takes 2.06 times as long as linear units, and the ratio is theirs. Five
/// per cent is more than the ln 2 over the logarithm of the growth, ln(1e6), and than what other samples change.
#[test]
fn relu_takes_twice_as_long_and_has_the_ratio_of_linear_units() {
    let table = mirrored();
    let linear = two_layers(&table, "{A: [a1, a2], B: [b]}")
        .replace("holdout: 0.2", "mirror: true")
        .replace("width: 6", "width: 20")
        .replace("std: 1.0e-4", "std: 1.0e-6");
    let relu = linear.replace("width: 20", "width: 20, activation: relu");
    let whole = diagnose(&relu);
    let found = whole.by_samples.clone().expect("relu");
    assert_eq!(
        (found.activation, found.rows, found.width),
        ("relu", 128, Some(20))
    );
    let late = found.layers.last().expect("layers");
    assert_eq!(
        (late.learned.fusion_layer, late.learned.first.as_deref()),
        (Some(2), Some("A"))
    );
    let first =
        late.learned.t_first.expect("measured") / late.linear_theory.t_first.expect("known");
    assert_near(first, 2.06, 0.1);
    assert_near(
        late.learned.ratio.expect("measured") / late.linear_theory.ratio.expect("known"),
        1.0,
        0.05,
    );
    assert_near(
        late.gaps.t_first.expect("both are known"),
        first - 1.0,
        1e-12,
    );
    // The rest of the diagnosis is that of the linear network.
    let linear = diagnose(&linear);
    let same = Diagnosis {
        by_samples: None,
        ..whole
    };
    assert_eq!(same, linear);
}

/// A table without rows to spare and few inputs: the flow of late fusion is that of modalflow run on the same rows.
#[test]
fn the_flow_is_that_of_a_run() {
    ensure_flow_is_that_of_a_run("[y]");
}

/// The same with three outputs.
#[test]
fn of_several_outputs_too() {
    ensure_flow_is_that_of_a_run("[y, a8, a9]");
}

fn ensure_flow_is_that_of_a_run(targets: &str) {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a7], B: [b]}")
        .replace("targets: [y]", &format!("targets: {targets}"))
        .replace("width: 6", "width: 6, activation: relu");
    let found = diagnose(&yaml).by_samples.expect("relu");
    let late = found.layers.last().expect("layers");
    let until = format!(
        "method: chebyshev, rtol: 2.0e-2, until: {{time: {}}}",
        late.t_end
    );
    let (_, run) = run(&yaml.replace("rtol: 1.0e-5, until: {loss_gap: 1.0e-3}", &until));
    let phase = &run.flow.detection.phase;
    // What ends a flow says at which levels its modalities are timed, which is the same here.
    assert_near(
        late.learned.t_first.expect("measured"),
        phase.t_first.expect("measured"),
        1e-6,
    );
    assert_near(
        late.learned.t_second.expect("measured"),
        phase.t_second.expect("measured"),
        1e-6,
    );
}

/// Eight noisy inputs of one modality and two of another on few rows, so that the error on rows left out rises before the flow
/// ends.
fn noisy() -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let names: Vec<String> = (1..=8).map(|k| format!("a{k}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.extend(["b1", "b2", "y"]);
    let rows = (0..40).map(|_| {
        let mut row: Vec<f64> = (0..10).map(|_| normal()).collect();
        row.push(row[0] + row[1] + 0.5 * row[8] + normal());
        row
    });
    written(&names, rows)
}

/// Units of slope 1 are linear: what is told by samples is what the linear flows tell by moments, and the divisions of the rows
/// are the same. Steps by samples are kept to 2e-2: times agree to 5 %, their quotients to 10 %.
#[test]
fn units_of_slope_1_tell_what_linear_ones_do() {
    let table = noisy();
    let yaml = two_layers(&table, "{A: [a1..a8], B: [b1, b2]}")
        .replace("width: 6", "width: 6, activation: {leaky_relu: 1.0}")
        .replace("flow:", "descent: {learning_rate: 0.1}, flow:");
    let whole = diagnose(&yaml);
    let found = whole.by_samples.as_ref().expect("units by samples");
    let near = |a: Option<f64>, b: Option<f64>| {
        let (a, b) = (a.expect("by samples"), b.expect("by moments"));
        assert_near(a / b, 1.0, 0.1);
    };
    for (layer, linear) in found.layers.iter().zip(&whole.layers) {
        assert_eq!(layer.learned.first, linear.learned.first);
        near(layer.steps.steps_first, linear.steps.steps_first);
        near(layer.steps.steps_second, linear.steps.steps_second);
        let divisions = layer.divisions.as_ref().expect("divisions");
        assert_eq!(divisions.divisions, 3);
        let shares: f64 = divisions.first.iter().map(|first| first.share).sum();
        assert_eq!(shares, 1.0);
    }
    // Early fusion ends before its error is least, where 2 % are left.
    let (own, linear) = (&found.layers[1].stopping, &whole.layers[1].stopping);
    near(own.holdout_error, linear.holdout_error);
    assert_eq!(own.stops_before_second, linear.stops_before_second);
    for (share, other) in own.shares.iter().zip(&linear.shares) {
        assert_eq!(share.least_norm, other.least_norm);
        assert_near(
            share.early_stop.expect("by samples"),
            other.early_stop.expect("by moments"),
            0.05,
        );
    }
    let errors = found.recommendation.errors.iter();
    for (own, linear) in errors.zip(&whole.recommendation.errors) {
        near(Some(own.mean), Some(linear.mean));
        let [own, linear] = [own, linear].map(|error| error.bias.expect("biases").median);
        assert_near(own, linear, 0.05);
    }
    assert_eq!(found.recommendation.errors.len(), 2);
    assert!(!whole.remedies.is_empty());
    for (own, linear) in found.remedies.iter().zip(&whole.remedies) {
        assert_eq!((own.remedy, &own.value), (linear.remedy, &linear.value));
        near(own.measured_ratio, linear.measured_ratio);
        near(own.cost.time_factor, linear.cost.time_factor);
        near(own.cost.error_factor, linear.cost.error_factor);
    }
    assert_eq!(found.remedies.len(), whole.remedies.len());
}

/// With biases no remedy is tried that needs outputs of one modality alone.
#[test]
fn remedies_that_do_not_apply_say_so() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}")
        .replace("width: 6", "width: 6, activation: relu, biases: true");
    let found = diagnose(&yaml).by_samples.expect("relu");
    let reason = |remedy: &str| {
        let mut remedies = found.remedies.iter();
        let remedy = remedies.find(|tried| tried.remedy == remedy);
        remedy.expect("a remedy").reason.clone()
    };
    assert_eq!(reason("rate"), None);
    assert!(reason("auxiliary").expect("a reason").contains("biases"));
}

/// Of a network whose every evaluation is dear fewer rows are trained on, and it is said so before.
#[test]
fn the_cost_is_bounded_and_told_before_it_begins() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}")
        .replace("width: 6", "width: 20000, activation: relu");
    let cost = |options: &Options| {
        let subject = Subject::of(&scenario(&yaml).expect("a valid scenario")).expect("data");
        subject.cost(options).expect("data").expect("relu")
    };
    // 20,000 units of 10 inputs and two outputs' worth of weights: 240,000, of which 1.2e12 over 16 flows of 15,000 evaluations
    // pay for 6 rows, below the fewest that are taken.
    let dear = cost(&FEW);
    assert!(
        dear.starts_with("relu units of width 20000 by samples: 2 fusion layers on 50 of "),
        "{dear}"
    );
    let free = cost(&Options {
        is_width_free: true,
        ..FEW
    });
    assert!(
        free.starts_with("relu units of width 20 by samples: 2 fusion layers on "),
        "{free}"
    );
    let linear = yaml.replace(", activation: relu", "");
    let subject = Subject::of(&scenario(&linear).expect("a valid scenario")).expect("data");
    assert_eq!(subject.cost(&FEW).expect("data"), None);
}
