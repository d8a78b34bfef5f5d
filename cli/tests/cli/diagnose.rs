//! `modalflow diagnose`: its files, its options, and what it refuses.

use super::support::{Sandbox, at, number};
use serde_json::Value;
use std::fmt::Write;

/// A small network and few resamples, so that a call takes no time.
const QUICK: &str = "--depth 2 --width 6 --resamples 20 --divisions 3 --init-std 1e-3";

/// The same as a scenario's keys.
const FILE: &str = "\
data:
  table: {path: t.csv, modalities: {A: [a1, a2], B: [b]}, targets: [y]}
";

/// Sixty rows of two modalities.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut text = "a1,a2,b,y,word,hole\n".to_owned();
    for k in 0..60 {
        let (a, b) = (f64::from(k * 7 % 11), f64::from(k * 5 % 13));
        let noise = f64::from(k * 3 % 7);
        let _ = writeln!(text, "{a},{},{b},{},word,", a + noise, a + b + 0.5 * noise);
    }
    sandbox.write("t.csv", &text);
    sandbox.write("d.yaml", FILE);
    sandbox
}

/// What was found, without where it comes from.
fn found(sandbox: &Sandbox, name: &str) -> Value {
    let mut found = sandbox.json(&format!("outputs/{name}/diagnosis.json"));
    let map = found.as_object_mut().expect("a mapping");
    map.remove("provenance");
    map.remove("name");
    map["scenario"]
        .as_object_mut()
        .expect("a mapping")
        .remove("name");
    found
}

#[test]
fn a_diagnosis_is_a_page_a_figure_and_numbers() {
    let sandbox = sandbox();
    let page = sandbox.succeed(&format!("diagnose d.yaml {QUICK} --learning-rate 0.1"));
    assert!(page.starts_with("d\n\n  A is learned first"), "{page}");
    let words: Vec<&str> = page.split_whitespace().collect();
    let words = words.join(" ");
    assert!(
        words
            .contains("times as late as the first (10 to 90 % of 32 draws). In the run of seed 0 "),
        "{page}"
    );
    assert!(words.contains("Nothing is said of a deep"), "{page}");
    assert_eq!(
        sandbox.names("outputs/d"),
        ["diagnosis.json", "diagnosis.md", "diagnosis.png"]
    );
    let markdown = sandbox.read("outputs/d/diagnosis.md");
    assert!(
        markdown.starts_with("# Diagnosis of d\n\n- A is learned first"),
        "{markdown}"
    );
    assert!(markdown.contains("](diagnosis.png)") && markdown.contains("```yaml\nname: d\n"));
    let found = sandbox.json("outputs/d/diagnosis.json");
    for path in [
        "modalities.0.inputs",
        "modalities.0.rank",
        "modalities.0.growth_rate",
        "modalities.0.explained_alone",
        "modalities.0.explained_unique",
        "first.confidence",
        "superficial.confidence",
        "layers.1.fusion_layer",
        "layers.1.t_first",
        "layers.1.t_second",
        "layers.1.ratio",
        "layers.1.steps_first",
        "layers.1.steps_second",
        "layers.1.stable_learning_rate",
        "layers.1.early_stop",
        "layers.1.early_stop_steps",
        "layers.1.holdout_error",
        "layers.1.bias",
        "recommendation.errors.1.bias.median",
        "remedies.0.predicted_ratio",
        "remedies.0.measured_ratio",
        "remedies.0.cost.time_factor",
        "remedies.0.cost.error_factor",
        "noise_floor.p_value",
        "rows.used",
        "rows.dropped",
    ] {
        number(&found, path);
    }
    // What is a word, or may be missing.
    for path in [
        "modalities.0.name",
        "modalities.0.fits_alone",
        "first.name",
        "superficial.verdict",
        "layers.1.plateau_loss",
        "recommendation.fusion_layer",
        "recommendation.reason",
        "remedies.0.remedy",
        "remedies.0.value",
    ] {
        at(&found, path);
    }
    assert_eq!(found["scenario"]["data"]["table"]["holdout"], 0.2);
    assert_eq!(found["rows"]["used"], 60);
}

/// With units that are not linear the page has their times by samples too, and the cost is told before it begins.
#[test]
fn relu_stands_beside_the_linear_units() {
    let sandbox = sandbox();
    let said = sandbox
        .command(&format!(
            "diagnose d.yaml {QUICK} --learning-rate 0.1 --activation relu"
        ))
        .output()
        .expect("the program");
    let [page, note] =
        [said.stdout, said.stderr].map(|said| String::from_utf8(said).expect("UTF-8"));
    let words: Vec<&str> = page.split_whitespace().collect();
    let words = words.join(" ");
    assert!(
        words.contains("With relu units, in a run of late fusion by samples, "),
        "{words}"
    );
    assert!(
        words.contains(
            "The same with relu units, by samples A flow for each fusion layer, on 48 rows"
        ),
        "{words}"
    );
    assert!(words.contains("Of linear units: "), "{words}");
    assert!(
        note.starts_with(
            "note: d: relu units of width 6 by samples: 2 fusion layers on 48 of 48 rows"
        ),
        "{note}"
    );
    let found = sandbox.json("outputs/d/diagnosis.json");
    assert_eq!(found["scenario"]["network"]["activation"], "relu");
    for path in [
        "rows",
        "rtol",
        "layers.0.fusion_layer",
        "layers.1.t_first",
        "layers.1.linear_theory.ratio",
        "layers.1.gaps.ratio",
        "layers.1.steps_first",
        "layers.1.early_stop",
        "layers.1.holdout_error",
        "layers.1.bias",
        "layers.1.shares.0.early_stop",
        "layers.1.divisions.ratio.median",
        "remedies.0.measured_ratio",
        "remedies.0.cost.error_factor",
    ] {
        number(&found, &format!("by_samples.{path}"));
    }
    assert_eq!(at(&found, "by_samples.activation"), "relu");
    assert_eq!(at(&found, "by_samples.method"), "chebyshev");
}

/// What options give is what a file gives, and a key that is not given has the same default.
#[test]
fn options_make_the_scenario_of_a_file() {
    let sandbox = sandbox();
    let data = "--table t.csv --modality A=a1,a2 --modality B=b --target y --name o";
    let options =
        format!("diagnose {data} {QUICK} --seed 3 --learning-rate 0.1 --batch 10 --holdout 0.3");
    sandbox.succeed(&options);
    let scenario = "seed: 3
data:
  table: {path: t.csv, modalities: {A: [a1, a2], B: [b]}, targets: [y], holdout: 0.3}
network: {depth: 2, fusion_layer: 2, width: 6}
init: {gaussian: {std: 1.0e-3}}
descent: {learning_rate: 0.1, batch: 10}
";
    sandbox.write("f.yaml", scenario);
    sandbox.succeed("diagnose f.yaml --resamples 20 --divisions 3");
    assert_eq!(found(&sandbox, "o"), found(&sandbox, "f"));
}

#[test]
fn printed_json_is_the_file() {
    let sandbox = sandbox();
    let line = sandbox.succeed(&format!("diagnose d.yaml {QUICK} --json"));
    let printed: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!(printed, sandbox.json("outputs/d/diagnosis.json"));
}

#[test]
fn a_bad_call_is_one_error_that_names_the_option() {
    let sandbox = sandbox();
    let data = "--table t.csv --modality A=a1,a2 --modality B=b";
    for (line, message) in [
        (
            "".to_owned(),
            "neither a scenario nor the option --modality",
        ),
        (data.to_owned(), "neither --target nor --label"),
        (format!("{data} --target y --label y"), "--label"),
        (format!("{data} --target z"), "column"),
        (format!("{data} --target y --depth 0"), "--depth 0"),
        (format!("{data} --target y --width none"), "--width"),
        (format!("{data} --target y --holdout 2"), "--holdout 2"),
        (format!("{data} --target y --batch 3"), "--learning-rate"),
        (format!("{data} --target y --init-std -1"), "--init-std"),
        (
            format!("{data} --target y --activation cube"),
            "--activation cube",
        ),
        (format!("{data} --target y --resamples 3"), "--resamples"),
        (
            "--table t.csv --modality A=a1 --target y".to_owned(),
            "one modality only",
        ),
        (
            "--modality A --modality B=b.npy --target y.npy".to_owned(),
            "--modality A: ",
        ),
        (
            "--modality A=a.npy --modality B=b.npy --target y.npy".to_owned(),
            "a.npy",
        ),
        (
            "--modality A=a.txt --modality B=b.npy --target y.npy".to_owned(),
            "--modality A=a.txt",
        ),
        (
            "--table t.csv --modality A=a1 --modality A=a2 --target y".to_owned(),
            "A is given twice",
        ),
        (
            "--table t.csv --modality a-b=a1 --modality B=b --target y".to_owned(),
            "a letter first",
        ),
        (
            "--table u.csv --modality A=a1 --modality B=b --target y".to_owned(),
            "it is relative to the current folder",
        ),
        (
            "--table t.csv --modality A=a1,word --modality B=b --target y".to_owned(),
            "give it as --label if it is what is to be told",
        ),
        (
            "--table t.csv --modality A=a1,hole --modality B=b --target y".to_owned(),
            "or give --set data.table.missing=drop to leave out rows",
        ),
        (
            "--modality A=none.npy --modality B=none.npy --target none.npy".to_owned(),
            "check --modality A=none.npy: it is relative to the current folder",
        ),
        ("d.yaml --modality A=a1".to_owned(), "--modality"),
        ("none.yaml".to_owned(), "none.yaml: there is no such file"),
    ] {
        sandbox.refuse(&format!("diagnose {line}"), message);
    }
}

/// A number taken for classes, a rate at which descent is not stable, and a column without variance are pointed out; and
/// the verdict speaks of several draws of the weights.
#[test]
fn what_looks_wrong_is_said() {
    let sandbox = Sandbox::new();
    let mut text = "a1,a2,b,y\n".to_owned();
    for k in 0..60 {
        let _ = writeln!(text, "{},3,{},{}", k * 7 % 11, k * 5 % 13, k % 30);
    }
    sandbox.write("t.csv", &text);
    let call = format!(
        "diagnose --table t.csv --modality A=a1,a2 --modality B=b {QUICK} --learning-rate 90"
    );
    let run = |line: &str| {
        let output = sandbox.command(line).assert().code(0).get_output().clone();
        [output.stdout, output.stderr].map(|text| {
            let text = String::from_utf8_lossy(&text).into_owned();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
    };
    let [_, warnings] = run(&format!("{call} --label y"));
    assert!(
        warnings.contains("30 outputs of 48 rows trained on"),
        "{warnings}"
    );
    let [page, warnings] = run(&format!("{call} --target y"));
    assert!(
        warnings.contains("descent.learning_rate 90 is larger than"),
        "{warnings}"
    );
    assert!(!warnings.contains("outputs of"), "{warnings}");
    assert!(
        page.contains("A: 1 input is left out, without variance on the rows trained on: column a2"),
        "{page}"
    );
}

/// B grows faster from small weights, and its deeper stack is learned later: the page says both.
#[test]
fn a_network_that_learns_another_modality_first_is_said_so() {
    let sandbox = Sandbox::with(
        "data: {toy: {rho: 0, sigma: {A: 1.0, B: 1.2}, target: {A: 1, B: 1}}}\n\
         network: {private_layers: {A: 2, B: 3}, shared_layers: 0, width: 20}\n",
    );
    let page = sandbox.succeed("diagnose fast.yaml");
    let words: Vec<&str> = page.split_whitespace().collect();
    let page = words.join(" ");
    assert!(
        page.contains("B grows fastest from small weights"),
        "{page}"
    );
    assert!(
        page.contains("the initial weights decide who is first (A from 100 % of 32 draws)"),
        "{page}"
    );
    assert!(!page.contains("B is learned first"), "{page}");
}
