//! Same scenario, same bytes: in another folder, from another place, and from the scenario that
//! a run has written.

use super::support::{DESCENT, FAST, Sandbox};
use std::collections::BTreeMap;

/// The files of a run, the summary without its provenance.
fn files(sandbox: &Sandbox, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut tree = sandbox.tree(folder);
    let summary = tree.remove("summary.json").expect("a summary");
    let summary = String::from_utf8(summary).expect("UTF-8");
    // It stands last, so that everything before it can be compared byte for byte.
    let (before, provenance) = summary
        .split_once("\n  \"provenance\": {")
        .expect("a provenance");
    assert!(provenance.ends_with("\n  }\n}\n") && provenance.contains("wall_seconds"));
    tree.insert("summary.json".into(), before.into());
    tree
}

fn assert_same(sandbox: &Sandbox, one: &str, other: &str) {
    let (one, other) = (files(sandbox, one), files(sandbox, other));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for (name, bytes) in &one {
        if *bytes != other[name] {
            let text = [bytes, &other[name]].map(|bytes| String::from_utf8_lossy(bytes));
            let lines = text[0].lines().zip(text[1].lines());
            let differing: Vec<_> = lines.filter(|(one, other)| one != other).take(5).collect();
            panic!("{name} differs: {differing:#?}");
        }
    }
}

/// Random weights, random samples, two descents, everything written.
const RANDOM: &str = "\
seed: 7
data:
  toy: {rho: 0.3, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}, noise: 0.1, samples: 64}
network: {depth: 3, fusion_layer: 2, width: 5}
init: {gaussian_norm: {norm: 0.1}}
flow: {until: {time: 30.0, loss_gap: 1.0e-4}}
output: {samples: 30, spacing: log, weights: true}
";

const TABLE: &str = "\
data:
  table: {path: data/numbers.csv, modalities: {A: [a], B: [b]}, targets: [y], holdout: 0.25}
network: {depth: 2, fusion_layer: 2, width: 5}
init: {gaussian: {std: 1.0e-3}}
flow: {until: {time: 5.0}}
output: {samples: 20, weights: true}
";

const NUMBERS: &str =
    "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n4,1,3.5\n-2,-2,-3\n1,0,1.2\n0,1,0.7\n";

#[test]
fn two_runs_write_the_same_bytes() {
    let sandbox = Sandbox::with(&(RANDOM.to_owned() + DESCENT));
    sandbox.succeed("run fast.yaml --svg --out one");
    sandbox.succeed("run fast.yaml --svg --out other --quiet");
    assert_same(&sandbox, "one/fast", "other/fast");
    // Without this, equal bytes could mean that nothing is drawn at random.
    sandbox.succeed("run fast.yaml --svg --out third --quiet --set seed=8");
    let (one, third) = (files(&sandbox, "one/fast"), files(&sandbox, "third/fast"));
    for name in [
        "trajectory.csv",
        "summary.json",
        "initial_weights.npz",
        "loss.png",
    ] {
        assert!(
            one[name] != third[name],
            "{name} does not depend on the seed"
        );
    }
}

/// One after the other in one call is the same as each on its own.
#[test]
fn a_run_does_not_depend_on_the_runs_before_it() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write("random.yaml", RANDOM);
    sandbox.succeed("run fast.yaml random.yaml --out both --quiet");
    sandbox.succeed("run random.yaml --out alone --quiet");
    assert_same(&sandbox, "both/random", "alone/random");
}

#[test]
fn the_written_scenario_gives_the_same_results() {
    for (case, text) in [("fast", FAST), ("random", RANDOM)] {
        let sandbox = Sandbox::with(&(text.to_owned() + DESCENT));
        sandbox.succeed("run fast.yaml --out one --quiet");
        sandbox.write("elsewhere/marker", case);
        sandbox
            .command("run ../one/fast/scenario.yaml --out ../other --quiet")
            .current_dir(sandbox.path("elsewhere"))
            .assert()
            .code(0);
        assert_same(&sandbox, "one/fast", "other/fast");
    }
}

/// Paths in a scenario are relative to its file, those in the written one to that.
#[test]
fn the_written_scenario_finds_its_table_and_weights() {
    let sandbox = Sandbox::new();
    sandbox.write("study/table.yaml", TABLE);
    sandbox.write("study/data/numbers.csv", NUMBERS);
    sandbox.succeed("run study/table.yaml --out study/first --quiet");
    let init = "init: {file: {path: first/table/initial_weights.npz}}";
    let weights = TABLE.replace("init: {gaussian: {std: 1.0e-3}}", init);
    sandbox.write("study/weights.yaml", &weights);
    sandbox.succeed("run study/weights.yaml --out one --quiet");
    assert!(
        !sandbox
            .read("one/weights/scenario.yaml")
            .contains(&*sandbox.path("").to_string_lossy())
    );
    sandbox.write("elsewhere/deep/marker", "");
    sandbox
        .command("run ../../one/weights/scenario.yaml --out ../../other --quiet")
        .current_dir(sandbox.path("elsewhere/deep"))
        .assert()
        .code(0);
    assert_same(&sandbox, "one/weights", "other/weights");
    // The weights read are those that were written.
    let (first, second) = (
        sandbox.tree("study/first/table"),
        sandbox.tree("one/weights"),
    );
    for name in ["initial_weights.npz", "final_weights.npz"] {
        assert!(first[name] == second[name], "{name}");
    }
}

/// `..` leads out of the folder a link points to, not out of the one it stands in.
#[cfg(unix)]
#[test]
fn the_written_scenario_finds_its_table_through_a_linked_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("study/table.yaml", TABLE);
    sandbox.write("study/data/numbers.csv", NUMBERS);
    sandbox.write("large/disk/results/marker", "");
    let target = sandbox.path("large/disk/results");
    std::os::unix::fs::symlink(target, sandbox.path("study/outputs")).expect("a link");
    sandbox.succeed("run study/table.yaml --out study/outputs --quiet");
    sandbox.succeed("check study/outputs/table/scenario.yaml --quiet");
}

/// Weights of an earlier run may start the next one under the same name.
#[test]
fn a_run_never_removes_what_it_was_started_from() {
    let sandbox = Sandbox::with(RANDOM);
    sandbox.succeed("run fast.yaml --quiet");
    let before = sandbox.tree("outputs/fast");
    let line = "run fast.yaml --quiet --set output.weights=false --set init={\"file\":{\"path\":\"outputs/fast/final_weights.npz\"}}";
    sandbox
        .command(line)
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicates::str::contains("outputs/fast/final_weights.npz"));
    assert!(sandbox.tree("outputs/fast") == before);
}

/// However a scenario is named, its results are the same.
#[test]
fn the_place_of_the_call_does_not_matter() {
    let sandbox = Sandbox::new();
    sandbox.write("study/table.yaml", TABLE);
    sandbox.write("study/data/numbers.csv", NUMBERS);
    sandbox.succeed("run study/table.yaml --out one --quiet");
    let absolute = sandbox.path("study/table.yaml");
    sandbox
        .command("--quiet --out ../other run")
        .arg(absolute)
        .current_dir(sandbox.path("study"))
        .assert()
        .code(0);
    assert_same(&sandbox, "one/table", "other/table");
}
