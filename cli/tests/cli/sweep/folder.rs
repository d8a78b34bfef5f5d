//! What stands in the folder of a sweep, and who may write to it.

use super::*;

/// A changed scenario starts anew; a changed title or figure does not.
#[test]
fn cells_of_another_scenario_are_never_mixed_in() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet");
    let first = sandbox.read("outputs/fast/sweep.csv");
    let other = "cells of another version of the scenario or of the program are left alone";
    sandbox
        .command("sweep fast.yaml --set flow.rtol=1e-5")
        .assert()
        .code(0)
        .stderr(predicate::str::contains(other));
    assert_eq!(stores(&sandbox, "outputs/fast/cells").len(), 2);
    assert_ne!(sandbox.read("outputs/fast/sweep.csv"), first);
    // What is no warning is not said where nothing is to be.
    sandbox.succeed("sweep fast.yaml --quiet --set description=else --set output.samples=7");
    assert_eq!(stores(&sandbox, "outputs/fast/cells").len(), 2);
    assert_eq!(sandbox.read("outputs/fast/sweep.csv"), first);
}

/// A table's content defines the cells, its path does not.
#[test]
fn a_changed_table_is_another_sweep() {
    let text = over_table("t.csv", "sweep: {repeats: 3}");
    let sandbox = Sandbox::with(&text);
    sandbox.write("t.csv", TABLE);
    sandbox.succeed("sweep fast.yaml --quiet");
    sandbox.write("elsewhere/fast.yaml", &text);
    sandbox.write("elsewhere/t.csv", TABLE);
    sandbox.succeed("sweep elsewhere/fast.yaml --quiet");
    assert_eq!(stores(&sandbox, "outputs/fast/cells").len(), 1);
    sandbox.write("t.csv", &TABLE.replace("2.5", "2.25"));
    sandbox.command("sweep fast.yaml --quiet").assert().code(0);
    assert_eq!(stores(&sandbox, "outputs/fast/cells").len(), 2);
}

/// A changed figure is drawn from the cells that are there.
#[test]
fn a_changed_figure_runs_no_cell() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet");
    let path = store(&sandbox, "outputs/fast/cells");
    let before = sandbox.read(&path);
    let set = "figure=[{\"name\":\"steps\",\"lines\":{\"x\":\"data.toy.rho\",\"y\":\"steps\"}},{\"curves\":{},\"name\":\"a\",\"select\":{\"data.toy.rho\":0.2}},{\"curves\":{},\"name\":\"b\",\"select\":{\"data.toy.sigma.A\":2}},{\"portrait\":{},\"select\":{\"data.toy.sigma.A\":2,\"data.toy.rho\":-0.2}}]";
    sandbox
        .command("sweep fast.yaml --quiet --set")
        .arg(set)
        .assert()
        .code(0)
        .stderr("");
    assert_eq!(sandbox.read(&path), before);
    assert!(sandbox.path("outputs/fast/steps.png").exists());
}

/// The written scenario is the same sweep: its cells are found finished.
#[test]
fn the_written_scenario_is_the_same_sweep() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet");
    let before = results(&sandbox, "outputs/fast");
    let said = sandbox.succeed("sweep outputs/fast/scenario.yaml --dry-run");
    assert!(said.starts_with("# fast: 24 cells, 24 done\n"), "{said}");
    sandbox.succeed("sweep outputs/fast/scenario.yaml --quiet");
    assert!(before == results(&sandbox, "outputs/fast"));
}

/// Two sweeps never write to one store, and what is refused leaves nothing behind.
#[test]
fn a_store_has_one_writer() {
    let grid = GRID.replace("repeats: 2", "repeats: 2000");
    let sandbox = Sandbox::with(&grid);
    let running = Running::start(&sandbox, "sweep fast.yaml --quiet", "outputs/fast/cells");
    let refused = |line: &str, words: &str| {
        let assert = sandbox.command(line).assert().code(2);
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(text.contains(words), "{text}");
    };
    refused("sweep fast.yaml --quiet", "another process is writing");
    // Nor do two scenarios to one folder.
    refused(
        "sweep fast.yaml --quiet --set seed=4",
        "another process is at work in",
    );
    assert_eq!(stores(&sandbox, "outputs/fast/cells").len(), 1);
    drop(running);
    // Who was killed holds nothing.
    sandbox.succeed("sweep fast.yaml --quiet --set seed=4 --set sweep.repeats=1");
}

/// What an earlier sweep wrote and this one does not is removed; what is not a sweep's stays.
#[test]
fn no_picture_of_an_earlier_sweep_stays() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet --svg");
    sandbox.write("outputs/fast/mine.png", "not a sweep's");
    assert!(sandbox.path("outputs/fast/heat.svg").exists());
    let figures = "figure=[{\"scatter\":{\"value\":\"ratio\"}}]";
    sandbox.succeed(&format!("sweep fast.yaml --quiet --set {figures}"));
    let mut names = sandbox.names("outputs/fast");
    names.retain(|name| !name.starts_with("cells"));
    assert_eq!(
        names,
        [
            "mine.png",
            "scatter.png",
            "scenario.yaml",
            "summary.json",
            "sweep.csv"
        ]
    );
}

/// Results stay whole until they are replaced as a whole, and are said not to be the call's own.
#[test]
fn earlier_results_are_named_as_such() {
    let sandbox = Sandbox::with(TRIANGLE);
    sandbox.command("sweep fast.yaml --quiet").assert().code(4);
    let before = results(&sandbox, "outputs/fast");
    let earlier = predicate::str::contains("in outputs/fast are those of an earlier call");
    sandbox
        .command("sweep fast.yaml --quiet --fail-fast --jobs 1 --set flow.rtol=1e-5")
        .assert()
        .code(4)
        .stderr(earlier.clone());
    sandbox
        .command("sweep fast.yaml --quiet --shard 2/6 --set flow.rtol=1e-5")
        .assert()
        .code(0)
        .stderr(earlier);
    assert!(before == results(&sandbox, "outputs/fast"));
}

/// Like a run, a sweep replaces no file that it starts from.
#[test]
fn a_sweep_does_not_replace_its_input() {
    let sweep = "sweep: {repeats: 3}\nfigure: [{curves: {}}]";
    let sandbox = Sandbox::new();
    for name in ["sweep.csv", "curves.png"] {
        let path = format!("outputs/fast/{name}");
        sandbox.write("fast.yaml", &over_table(&path, sweep));
        sandbox.write(&path, TABLE);
        let refused = predicate::str::contains("would replace or remove");
        let line = "sweep fast.yaml --quiet";
        sandbox.command(line).assert().code(2).stderr(refused);
        assert_eq!(sandbox.read(&path), TABLE);
    }
    sandbox.succeed("sweep fast.yaml --quiet --out elsewhere");
}
