//! Sweeps as a user runs them: the same bytes whatever the threads, the order, the shards and the
//! number of times it was killed.

use super::support::{Sandbox, number};
use predicates::prelude::*;
use std::fs;
use std::io::Read;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// 3 x 4 cells with 2 repeats, random weights and random samples.
const GRID: &str = "\
description: a small grid
seed: 3
data:
  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}, noise: 0.1, samples: 40}
network: {depth: 2, fusion_layer: 2, width: 6}
init: {gaussian: {std: 1.0e-3}}
flow: {rtol: 1.0e-6, until: {time: 30.0}}
sweep:
  axes:
    - {path: data.toy.sigma.A, values: [1.5, 2, 3]}
    - {path: data.toy.rho, from: -0.6, to: 0.6, count: 4}
  repeats: 2
figure:
  - {lines: {x: data.toy.rho, y: ratio, series: data.toy.sigma.A}}
  - {heat: {x: data.toy.rho, y: data.toy.sigma.A, value: ratio}}
  - {scatter: {value: t_second, series: data.toy.sigma.A}}
  - {name: losses, curves: {log_x: true}, select: {data.toy.rho: 0.2}}
  - {name: errors, curves: {value: generalisation}, select: {data.toy.sigma.A: 2}}
  - {portrait: {arrows: 5}, select: {data.toy.sigma.A: 2, data.toy.rho: -0.2}}
";

/// What a sweep is: its table, figures, scenario; provenance apart, its summary.
fn results(sandbox: &Sandbox, folder: &str) -> Vec<(String, Vec<u8>)> {
    let tree = sandbox.tree(folder).into_iter();
    let tree = tree.filter(|(name, _)| !name.starts_with("cells"));
    tree.map(|(name, bytes)| match name.as_str() {
        "summary.json" => {
            let mut summary = sandbox.json(&format!("{folder}/summary.json"));
            summary["provenance"] = serde_json::Value::Null;
            (name, summary.to_string().into_bytes())
        }
        _ => (name, bytes),
    })
    .collect()
}

/// The journals in a folder of cells.
fn journals(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let mut names = sandbox.names(folder);
    names.retain(|name| name.ends_with(".jsonl"));
    names
}

fn journal(sandbox: &Sandbox, folder: &str) -> String {
    let names = journals(sandbox, folder);
    assert_eq!(names.len(), 1, "{names:?}");
    format!("{folder}/{}", names[0])
}

/// A sweep that runs beside the test, seen to have kept some cells; killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(sandbox: &Sandbox, line: &str, cells: &str) -> Self {
        const LONGEST: Duration = Duration::from_secs(100);
        let child = Command::new(env!("CARGO_BIN_EXE_modalflow"))
            .current_dir(sandbox.path(""))
            .args(line.split_whitespace())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program");
        let mut running = Self(child);
        let cells = sandbox.path(cells);
        let size = || {
            let entries = fs::read_dir(&cells).into_iter().flatten().flatten();
            let sizes = entries.filter_map(|entry| entry.metadata().ok());
            sizes.map(|data| data.len()).sum::<u64>()
        };
        let clock = Instant::now();
        while size() < 2000 {
            let end = running.0.try_wait().expect("a child");
            assert!(end.is_none(), "ended before it was seen: {end:?}");
            assert!(clock.elapsed() < LONGEST, "no cells yet");
            std::thread::sleep(Duration::from_millis(1));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --out one --jobs 1");
    sandbox.succeed("sweep fast.yaml --out many --jobs 7 --quiet");
    let one = results(&sandbox, "one/fast");
    assert!(one == results(&sandbox, "many/fast"));
    let names: Vec<&str> = one.iter().map(|(name, _)| name.as_str()).collect();
    let figures = [
        "errors.png",
        "heat.png",
        "lines.png",
        "losses.png",
        "portrait.png",
    ];
    let others = ["scatter.png", "scenario.yaml", "summary.json", "sweep.csv"];
    assert_eq!(names, [&figures[..], &others[..]].concat());
    assert_eq!(sandbox.read("one/fast/sweep.csv").lines().count(), 1 + 24);
    // Without this, equal bytes could mean that nothing is drawn at random.
    sandbox.succeed("sweep fast.yaml --out other --quiet --set seed=4");
    assert!(one != results(&sandbox, "other/fast"));
}

/// However a journal is cut, by a kill at any moment, the same call ends with the same bytes.
#[test]
fn a_sweep_goes_on_from_any_cut_of_its_journal() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    let whole = results(&sandbox, "whole/fast");
    let path = journal(&sandbox, "whole/fast/cells");
    let text = sandbox.read(&path);
    let name = path.rsplit('/').next().expect("a name");
    let header = text.find('\n').expect("a header") + 1;
    let cuts = [
        0,
        5,
        header - 1,
        header,
        header + 7,
        text.len() / 2,
        text.len() - 1,
        text.len(),
    ];
    for cut in cuts {
        let out = format!("cut{cut}");
        sandbox.write(&format!("{out}/fast/cells/{name}"), &text[..cut]);
        let line = format!("sweep fast.yaml --out {out} --quiet");
        sandbox.command(&line).assert().code(0);
        assert!(results(&sandbox, &format!("{out}/fast")) == whole, "{cut}");
        // Cells that were kept were not run again: theirs are the first lines.
        let again = sandbox.read(&format!("{out}/fast/cells/{name}"));
        let kept = text[..cut].rfind('\n').map_or(0, |end| end + 1);
        assert!(again.starts_with(&text[..kept]), "{cut}");
        assert_eq!(again.lines().count(), text.lines().count());
    }
}

/// The real thing: SIGKILL while cells are being written.
#[test]
fn a_killed_sweep_goes_on() {
    let grid = GRID.replace("repeats: 2", "repeats: 60");
    let sandbox = Sandbox::with(&grid);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    let line = "sweep fast.yaml --out killed --quiet --jobs 1";
    drop(Running::start(&sandbox, line, "killed/fast/cells"));
    let lines = |out: &str| {
        let path = journal(&sandbox, &format!("{out}/fast/cells"));
        sandbox.read(&path).lines().count()
    };
    assert!(lines("killed") < lines("whole"), "finished before the kill");
    sandbox
        .command("sweep fast.yaml --out killed --quiet")
        .assert()
        .code(0);
    assert!(results(&sandbox, "killed/fast") == results(&sandbox, "whole/fast"));
}

#[test]
fn merged_shards_are_the_whole() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    for i in 1..=3 {
        let said = sandbox.succeed(&format!("sweep fast.yaml --out part{i} --shard {i}/3"));
        assert!(
            said.contains(&format!("shard {i}/3 is finished, 8 of 24 cells")),
            "{said}"
        );
        assert!(!sandbox.path(&format!("part{i}/fast/sweep.csv")).exists());
    }
    sandbox.succeed("merge part1/fast part2/fast part3/fast --out merged --quiet");
    assert!(results(&sandbox, "merged/fast") == results(&sandbox, "whole/fast"));
    // All shards in one folder, as on a shared disk, and that folder named twice.
    for i in [2, 1, 3] {
        sandbox.succeed(&format!(
            "sweep fast.yaml --out shared --shard {i}/3 --quiet"
        ));
    }
    sandbox.succeed("merge shared/fast shared/fast --out shared --quiet");
    assert!(results(&sandbox, "shared/fast") == results(&sandbox, "whole/fast"));
}

#[test]
fn missing_and_overlapping_shards_are_named() {
    let sandbox = Sandbox::with(GRID);
    for shard in ["1/3", "3/3", "1/2"] {
        let out = shard.replace('/', "of");
        sandbox.succeed(&format!(
            "sweep fast.yaml --out {out} --shard {shard} --quiet"
        ));
    }
    let refused = |line: &str, words: &str| {
        let assert = sandbox.command(line).assert().code(2).stdout("");
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(text.contains(words) && text.contains("help: "), "{text}");
        assert!(!sandbox.path("merged").exists());
    };
    refused(
        "merge 1of3/fast 3of3/fast --out merged",
        "shards are missing: 2/3",
    );
    refused(
        "merge 1of3/fast 1of2/fast --out merged",
        "overlaps with shard",
    );
    refused("merge nowhere --out merged", "no finished shard in nowhere");
    refused("merge 1of3 --out merged", "did you mean 1of3/fast?");
    // A shard that was cut short.
    let path = journal(&sandbox, "1of2/fast/cells");
    let text = sandbox.read(&path);
    let cut = text.trim_end().rfind('\n').expect("lines") + 1;
    sandbox.write(&path, &text[..cut]);
    sandbox.succeed("sweep fast.yaml --out 2of2 --shard 2/2 --quiet");
    refused(
        "merge 1of2/fast 2of2/fast --out merged",
        "not finished: 1/2",
    );
    // Of another scenario.
    sandbox.succeed("sweep fast.yaml --out other --shard 2/2 --quiet --set seed=9");
    refused(
        "merge 2of2/fast other/fast --out merged",
        "another scenario or program",
    );
}

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
    assert_eq!(journals(&sandbox, "outputs/fast/cells").len(), 2);
    assert_ne!(sandbox.read("outputs/fast/sweep.csv"), first);
    // What is no warning is not said where nothing is to be.
    sandbox.succeed("sweep fast.yaml --quiet --set description=else --set output.samples=7");
    assert_eq!(journals(&sandbox, "outputs/fast/cells").len(), 2);
    assert_eq!(sandbox.read("outputs/fast/sweep.csv"), first);
}

/// A table's content defines the cells, its path does not.
#[test]
fn a_changed_table_is_another_sweep() {
    let table = "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n";
    let text = GRID.split_once("data:\n").zip(GRID.split_once("network:"));
    let (before, after) = text.map(|(a, b)| (a.0, b.1)).expect("sections");
    let (after, _) = after.split_once("sweep:\n").expect("a sweep");
    let text = format!(
        "{before}data:\n  table: {{path: t.csv, modalities: {{A: [a], B: [b]}}, targets: [y]}}\nnetwork:{after}sweep: {{repeats: 3}}\n"
    );
    let sandbox = Sandbox::with(&text);
    sandbox.write("t.csv", table);
    sandbox.succeed("sweep fast.yaml --quiet");
    sandbox.write("elsewhere/fast.yaml", &text);
    sandbox.write("elsewhere/t.csv", table);
    sandbox.succeed("sweep elsewhere/fast.yaml --quiet");
    assert_eq!(journals(&sandbox, "outputs/fast/cells").len(), 1);
    sandbox.write("t.csv", &table.replace("2.5", "2.25"));
    sandbox.command("sweep fast.yaml --quiet").assert().code(0);
    assert_eq!(journals(&sandbox, "outputs/fast/cells").len(), 2);
}

/// A triangle of depths and fusion layers: half of the cells are no networks.
const TRIANGLE: &str = "\
data:
  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}
network: {depth: 2, fusion_layer: 1, width: 4}
init: {aligned: {norm: 0.1}}
flow: {rtol: 1.0e-6, until: {time: 10.0}}
sweep:
  axes:
    - {path: network.depth, from: 2, to: 3, count: 2}
    - {path: network.fusion_layer, from: 1, to: 3, count: 3}
";

#[test]
fn failed_cells_are_recorded_and_the_rest_goes_on() {
    let sandbox = Sandbox::with(TRIANGLE);
    let failed = predicate::str::contains("warning: fast: 1 of 6 cells failed");
    sandbox
        .command("sweep fast.yaml")
        .assert()
        .code(4)
        .stderr(failed.clone());
    let table = sandbox.read("outputs/fast/sweep.csv");
    let row = table.lines().nth(3).expect("cell 2");
    assert!(row.starts_with("2,3,0,"), "{row}");
    assert!(
        row.contains(",invalid,\"network.fusion_layer: 3 is more than the depth, 2\",,,"),
        "{row}"
    );
    assert_eq!(table.matches(",time_reached,").count(), 5);
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(number(&summary, "outcomes.invalid"), 1.0);
    assert_eq!(number(&summary, "failures.0.cell"), 2.0);
    // The failure is kept like any result.
    sandbox
        .command("sweep fast.yaml --quiet")
        .assert()
        .code(4)
        .stderr(failed);
}

#[test]
fn fail_fast_stops_at_the_first_failed_cell() {
    let sandbox = Sandbox::with(TRIANGLE);
    let stopped = predicate::str::contains("a cell failed")
        .and(predicate::str::contains("the same call goes on"));
    sandbox
        .command("sweep fast.yaml --fail-fast --jobs 1")
        .assert()
        .code(4)
        .stdout("")
        .stderr(stopped);
    assert!(!sandbox.path("outputs/fast/sweep.csv").exists());
    let lines = sandbox.read(&journal(&sandbox, "outputs/fast/cells"));
    assert_eq!(lines.lines().count(), 1 + 3, "{lines}");
    // As it says, the same call goes on: no other cell fails.
    sandbox
        .command("sweep fast.yaml --fail-fast --jobs 1 --quiet")
        .assert()
        .code(4)
        .stderr(predicate::str::contains("1 of 6 cells failed"));
    assert!(sandbox.path("outputs/fast/sweep.csv").exists());
}

/// A cell that runs out of steps keeps what it measured, and is marked.
#[test]
fn a_cell_out_of_steps_is_marked() {
    let sandbox = Sandbox::with(&TRIANGLE.replace("to: 3, count: 3", "to: 1, count: 1"));
    sandbox
        .command("sweep fast.yaml --quiet --set flow.max_steps=9")
        .assert()
        .code(4);
    let table = sandbox.read("outputs/fast/sweep.csv");
    assert_eq!(table.matches(",step_limit,").count(), 2, "{table}");
}

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

/// What is measured, predicted and named stands in the pictures.
#[test]
fn figures_say_what_they_show() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --svg --quiet");
    let figure = |name: &str| {
        let text = sandbox.read(&format!("outputs/fast/{name}.svg"));
        // The words of an SVG, without its tags.
        let pieces = text.split('<').filter_map(|piece| piece.split_once('>'));
        pieces
            .map(|(_, words)| words.trim())
            .collect::<String>()
            .replace('\u{a0}', " ")
    };
    for (name, words) in [
        (
            "lines",
            &[
                "a small grid",
                "correlation",
                "time ratio (second / first modality)",
                "theory",
            ][..],
        ),
        ("heat", &["measured", "theory", "gap", "standard deviation"]),
        (
            "scatter",
            &[
                "theory: time of the second modality",
                "measured: time of the second modality",
            ],
        ),
        ("losses", &["loss (units of y²)", "time"]),
        ("errors", &["generalisation error (units of y²)"]),
        (
            "portrait",
            &["late fusion", "trajectory", "saddle", "minimum"],
        ),
    ] {
        let found = figure(name);
        for word in words {
            assert!(found.contains(word), "{name}: {word}: {found}");
        }
    }
}

/// A changed figure is drawn from the cells that are there.
#[test]
fn a_changed_figure_runs_no_cell() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet");
    let path = journal(&sandbox, "outputs/fast/cells");
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

/// The seed in the table is the one to run a cell alone with.
#[test]
fn a_cell_run_alone_gives_its_row() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet");
    let table = sandbox.read("outputs/fast/sweep.csv");
    let mut lines = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let row = lines.nth(13).expect("cell 13");
    let field = |name: &str| {
        row[header
            .iter()
            .position(|column| *column == name)
            .expect(name)]
    };
    let line = format!(
        "run fast.yaml --quiet --set seed={} --set data.toy.rho={} --set data.toy.sigma.A={} --set name=alone",
        field("seed"),
        field("data.toy.rho"),
        field("data.toy.sigma.A")
    );
    sandbox.command(&line).assert().code(0);
    let summary = sandbox.json("outputs/alone/summary.json");
    for (column, path) in [
        ("t_first", "phase.t_first"),
        ("ratio", "phase.ratio"),
        ("theory_ratio", "theory.ratio"),
        ("final_loss", "flow.final_loss"),
        ("steps", "flow.steps"),
    ] {
        let kept: f64 = field(column).parse().expect("a number");
        assert_eq!(kept, number(&summary, path), "{column}");
    }
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

/// The mean ratio over the seeds, from weights of 1e-9, is within 2 % of the formula up to
/// |rho| = 0.6, the bound that the growing modes' scatter of 1/sqrt(width) leaves it; what is off at
/// rho = 0.9 goes away as log(1/std) grows.
#[test]
fn the_two_layer_sweep_meets_the_formula() {
    let scenario = fs::read_to_string("scenarios/paper/two_layer.yaml").expect("shipped");
    let sandbox = Sandbox::with(&scenario);
    sandbox.succeed("sweep fast.yaml --quiet");
    let gap = |out: &str, sigma: f64, rho: f64| {
        let path = sandbox.path(&format!("{out}/fast/sweep.csv"));
        let mut reader = csv::Reader::from_path(path).expect("a table");
        let header = reader.headers().expect("a header").clone();
        let place = header.iter().position(|name| name == "ratio");
        let place = place.expect("a column");
        let rows = reader.records().map(|row| row.expect("a row"));
        let rows = rows.filter(|row| row[0].parse() == Ok(sigma) && row[1].parse() == Ok(rho));
        let ratios: Vec<f64> = rows
            .map(|row| row[place].parse().expect("a ratio"))
            .collect();
        assert_eq!(ratios.len(), 5, "{sigma} {rho}");
        let formula = 1.0 + (sigma * sigma - 1.0) / (1.0 - rho * rho);
        ratios.iter().sum::<f64>() / 5.0 / formula - 1.0
    };
    for sigma in [1.5, 2.0, 3.0] {
        for rho in [-0.45, -0.225, 0.0, 0.225, 0.45] {
            let gap = gap("outputs", sigma, rho);
            assert!(gap.abs() < 0.02, "{sigma} {rho}: {gap}");
        }
    }
    let mut gaps = Vec::new();
    for std in ["1e-4", "1e-9", "1e-18"] {
        let line = format!(
            "sweep fast.yaml --quiet --out {std} --set init.gaussian.std={std} --set flow.until.time=1e5 --set figure=[]"
        );
        let axes = "sweep.axes=[{path: data.toy.sigma.A, values: [2]}, {path: data.toy.rho, values: [-0.9, 0.9]}]";
        sandbox
            .command(&line)
            .args(["--set", axes])
            .assert()
            .code(0);
        gaps.push([-0.9, 0.9].map(|rho| gap(std, 2.0, rho).abs()));
    }
    for side in 0..2 {
        assert!(gaps[1][side] < 0.6 * gaps[0][side], "{gaps:?}");
        assert!(gaps[2][side] < 0.6 * gaps[1][side], "{gaps:?}");
    }
}

/// Two sweeps never write to one journal.
#[test]
fn a_journal_has_one_writer() {
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
    drop(running);
}

/// An interrupt keeps what is finished, says so, and ends with 130.
#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_its_cells() {
    let grid = GRID.replace("repeats: 2", "repeats: 2000");
    let sandbox = Sandbox::with(&grid);
    let mut running = Running::start(&sandbox, "sweep fast.yaml --quiet", "outputs/fast/cells");
    let id = running.0.id().to_string();
    Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let end = running.0.wait().expect("an end");
    assert_eq!(end.code(), Some(130));
    let mut text = String::new();
    let said = running.0.stderr.as_mut().expect("standard error");
    said.read_to_string(&mut text).expect("UTF-8");
    assert!(
        text.contains("interrupted") && text.contains("the same call goes on"),
        "{text}"
    );
    let lines = sandbox.read(&journal(&sandbox, "outputs/fast/cells"));
    assert!(lines.ends_with('\n') && lines.lines().count() > 1);
    assert!(!sandbox.path("outputs/fast/sweep.csv").exists());
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
    let text = GRID.split_once("data:\n").zip(GRID.split_once("network:"));
    let (before, after) = text.map(|(a, b)| (a.0, b.1)).expect("sections");
    let (after, _) = after.split_once("sweep:\n").expect("a sweep");
    let scenario = |name: &str| {
        format!(
            "{before}data:\n  table: {{path: outputs/fast/{name}, modalities: {{A: [a], B: [b]}}, targets: [y]}}\nnetwork:{after}sweep: {{repeats: 3}}\nfigure: [{{curves: {{}}}}]\n"
        )
    };
    let sandbox = Sandbox::new();
    let table = "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n";
    for name in ["sweep.csv", "curves.png"] {
        sandbox.write("fast.yaml", &scenario(name));
        sandbox.write(&format!("outputs/fast/{name}"), table);
        let refused = predicate::str::contains("would replace or remove");
        let line = "sweep fast.yaml --quiet";
        sandbox.command(line).assert().code(2).stderr(refused);
        assert_eq!(sandbox.read(&format!("outputs/fast/{name}")), table);
    }
    sandbox.succeed("sweep fast.yaml --quiet --out elsewhere");
}

/// A journal whose header was torn holds no cells, for whoever reads it.
#[test]
fn a_torn_header_is_an_empty_journal() {
    let sandbox = Sandbox::with(GRID);
    for shard in ["1/2", "2/2"] {
        sandbox.succeed(&format!("sweep fast.yaml --quiet --shard {shard}"));
    }
    let names = journals(&sandbox, "outputs/fast/cells");
    let path = format!("outputs/fast/cells/{}", names[0]);
    let text = sandbox.read(&path);
    sandbox.write(&path, &text[..9]);
    let said = sandbox.succeed("sweep fast.yaml --dry-run --shard 1/2");
    assert!(said.contains(", 0 done\n"), "{said}");
    let missing = predicate::str::contains("shards are missing: 1/2");
    sandbox
        .command("merge outputs/fast")
        .assert()
        .code(2)
        .stderr(missing);
    // Zeros at the end, as after a loss of power, cost what stands behind them only.
    let half = text[..text.len() / 2].rfind('\n').expect("lines") + 1;
    sandbox.write(&path, &format!("{}\0\0\0", &text[..half]));
    sandbox
        .command("sweep fast.yaml --quiet --shard 1/2")
        .assert()
        .code(0)
        .stderr(predicate::str::contains("the end of the journal was lost"));
    assert!(sandbox.read(&path).starts_with(&text[..half]));
    sandbox.succeed("merge outputs/fast --quiet");
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

/// Cells of two contents of a file are never mixed, nor is a file that cannot be read for a while
/// taken for one that is wrong.
#[cfg(unix)]
#[test]
fn a_table_that_changes_during_the_sweep_ends_it() {
    let text = GRID.split_once("data:\n").zip(GRID.split_once("network:"));
    let (before, after) = text.map(|(a, b)| (a.0, b.1)).expect("sections");
    let (after, _) = after.split_once("sweep:\n").expect("a sweep");
    let text = format!(
        "{before}data:\n  table: {{path: t.csv, modalities: {{A: [a], B: [b]}}, targets: [y]}}\nnetwork:{after}sweep: {{repeats: 40000}}\n"
    );
    let sandbox = Sandbox::with(&text);
    let table = "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n";
    sandbox.write("t.csv", table);
    let mut running = Running::start(&sandbox, "sweep fast.yaml --quiet", "outputs/fast/cells");
    fs::remove_file(sandbox.path("t.csv")).expect("the table");
    let end = running.0.wait().expect("an end");
    assert_eq!(end.code(), Some(1));
    let mut text = String::new();
    let said = running.0.stderr.as_mut().expect("standard error");
    said.read_to_string(&mut text).expect("UTF-8");
    assert!(text.contains("t.csv changed while the sweep ran"), "{text}");
    let kept = sandbox.read(&journal(&sandbox, "outputs/fast/cells"));
    assert!(!kept.contains("invalid"), "{kept}");
}
