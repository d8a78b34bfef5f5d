//! What is checked and shown before a sweep runs.

use super::*;

#[test]
fn a_dry_run_shows_the_grid_and_runs_nothing() {
    let sandbox = Sandbox::with(GRID);
    let before = sandbox.tree(".");
    let said = sandbox.succeed("sweep fast.yaml --dry-run --shard 2/4");
    assert!(
        said.starts_with("# fast: 24 cells, 6 of them in shard 2/4, 0 done\n"),
        "{said}"
    );
    assert!(
        said.contains("--- # cell 1, repeat 1\n") && said.contains("--- # cell 5, repeat 1\n"),
        "{said}"
    );
    assert!(
        said.contains("A: 1.5") && said.contains("rho: -0.6"),
        "{said}"
    );
    assert!(sandbox.tree(".") == before);
    sandbox.succeed("sweep fast.yaml --shard 2/4 --quiet");
    let said = sandbox.succeed("sweep fast.yaml --dry-run --shard 2/4 --json");
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((number(&said, "cells"), number(&said, "done")), (24.0, 6.0));
    // What is shown is a scenario that runs.
    let yaml = sandbox.succeed("sweep fast.yaml --dry-run");
    let first = yaml.split("---").nth(1).expect("a document");
    sandbox.write("first.yaml", first);
    sandbox.succeed("check first.yaml --quiet");
}

#[test]
fn what_is_no_sweep_is_refused() {
    let plain = GRID.split_once("sweep:").expect("a sweep").0;
    let sandbox = Sandbox::with(plain);
    let refused = |line: &str, words: &str| {
        let before = sandbox.tree(".");
        let assert = sandbox.command(line).assert().code(2).stdout("");
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(text.contains(words), "{text}");
        assert!(sandbox.tree(".") == before, "{line}");
    };
    refused(
        "sweep fast.yaml",
        "fast.yaml: sweep: the scenario has no sweep section",
    );
    refused("sweep fast.yaml --shard 4/3", "i/n");
    refused("sweep fast.yaml --jobs 0", "--jobs");
    let (unseen, _) = GRID.split_once("figure:").expect("figures");
    sandbox.write(
        "typo.yaml",
        &unseen.replace("data.toy.rho, from", "data.toy.roh, from"),
    );
    refused(
        "sweep typo.yaml",
        "typo.yaml:11: sweep.axes.1: data.toy.roh = -0.6: unknown key \"roh\"",
    );
    sandbox.write("kind.yaml", &unseen.replace("[1.5, 2, 3]", "[1.5, two]"));
    refused(
        "sweep kind.yaml",
        "kind.yaml:10: sweep.axes.0: data.toy.sigma.A = two: expected a number",
    );
    sandbox.write("range.yaml", &unseen.replace("from: -0.6", "from: -1.6"));
    refused(
        "sweep range.yaml",
        "range.yaml:11: sweep.axes.1: data.toy.rho = -1.6: -1.6 is out of range",
    );
    refused("check range.yaml", "range.yaml:11: sweep.axes.1");
    let rho = "path: data.toy.rho, from: -0.6, to: 0.6, count: 4";
    let with_axis = |axis: &str| {
        assert!(unseen.contains(rho));
        sandbox.write("axis.yaml", &unseen.replace(rho, axis));
    };
    // The value that makes no width is the one with a fraction.
    with_axis("path: network.width, values: [10, 20.5]");
    refused(
        "sweep axis.yaml",
        "axis.yaml:11: sweep.axes.1: network.width = 20.5: ",
    );
    // A key beside which another one stands, and one that another section lacks.
    with_axis("path: init.aligned.norm, values: [0.1]");
    refused(
        "sweep axis.yaml",
        "axis.yaml:11: sweep.axes.1: init.aligned.norm = 0.1: init: ",
    );
    with_axis("path: data.toy.sigma.C, values: [2]");
    refused(
        "sweep axis.yaml",
        "axis.yaml:11: sweep.axes.1: data.toy.sigma.C = 2",
    );
    // What an axis overwrites cannot be set.
    sandbox.write("grid.yaml", GRID);
    refused(
        "sweep grid.yaml --set data.toy.rho=0.5",
        "help: set the axis: --set 'sweep.axes.1={path: data.toy.rho, values: [0.5]}'",
    );
}

/// Invalid cells are among the first ones, too.
#[test]
fn a_dry_run_in_json_names_invalid_cells() {
    let sandbox = Sandbox::with(TRIANGLE);
    let said = sandbox.succeed("sweep fast.yaml --dry-run --json");
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(number(&said, "first.0.network.fusion_layer"), 1.0);
    assert_eq!(number(&said, "first.2.cell"), 2.0);
    let error = said["first"][2]["error"].as_str().expect("an error");
    assert!(error.contains("more than the depth"), "{error}");
}

/// A check of a sweep is one of its grid.
#[test]
fn check_counts_the_cells() {
    let sandbox = Sandbox::with(GRID);
    let said = sandbox.succeed("check fast.yaml");
    assert!(said.contains("# sweep: 24 cells\n"), "{said}");
    let said = sandbox.succeed("check fast.yaml --json");
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(number(&said, "size.cells"), 24.0);
}
