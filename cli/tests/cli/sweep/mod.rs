//! Sweeps as a user runs them: the same bytes whatever the threads, the order, the shards and the
//! number of times it was killed.

mod folder;
mod formula;
mod refused;
mod resume;
mod shards;
mod slurm;

use super::support::{Sandbox, at, number};
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

/// A table of four rows.
const TABLE: &str = "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n";

/// The grid's network on the table at `path`, with another sweep and other figures.
fn over_table(path: &str, sweep: &str) -> String {
    let (before, rest) = GRID.split_once("data:\n").expect("data");
    let (_, rest) = rest.split_once("network:").expect("a network");
    let (network, _) = rest.split_once("sweep:\n").expect("a sweep");
    format!(
        "{before}data:\n  table: {{path: {path}, modalities: {{A: [a], B: [b]}}, targets: [y]}}\nnetwork:{network}{sweep}\n"
    )
}

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

/// The stores in a folder of cells.
fn stores(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let mut names = sandbox.names(folder);
    names.retain(|name| name.ends_with(".jsonl"));
    names
}

fn store(sandbox: &Sandbox, folder: &str) -> String {
    let names = stores(sandbox, folder);
    assert_eq!(names.len(), 1, "{names:?}");
    format!("{folder}/{}", names[0])
}

/// A sweep that runs beside the test, seen to have kept further cells; killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(sandbox: &Sandbox, line: &str, cells: &str) -> Self {
        const LONGEST: Duration = Duration::from_secs(100);
        let cells = sandbox.path(cells);
        let size = || {
            let entries = fs::read_dir(&cells).into_iter().flatten().flatten();
            let sizes = entries.filter_map(|entry| entry.metadata().ok());
            sizes.map(|data| data.len()).sum::<u64>()
        };
        let before = size();
        let child = Command::new(env!("CARGO_BIN_EXE_modalflow"))
            .current_dir(sandbox.path(""))
            .args(line.split_whitespace())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program");
        let mut running = Self(child);
        let clock = Instant::now();
        while size() < before + 2000 {
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

/// Files and lists of columns on axes, with anchors under a key of the author's own. A file that changes is another
/// sweep; the scenario in the folder runs again from there.
#[test]
fn files_and_lists_vary() {
    let sandbox = Sandbox::new();
    let table = |factor: f64| {
        let row = |i: u32| {
            let [a, b, c] = [2.1, 3.3, 5.7].map(|rate| (rate * f64::from(i)).sin());
            format!("{a},{b},{c},{}\n", factor * a + 0.5 * b + 0.2 * c)
        };
        "x1,x2,x3,y\n".to_owned() + &(0..40).map(row).collect::<String>()
    };
    sandbox.write("a.csv", &table(1.0));
    sandbox.write("b.csv", &table(2.0));
    sandbox.write(
        "files.yaml",
        "x-shared: &shared {depth: 2, fusion_layer: 2}
data: {table: {path: a.csv, modalities: {A: [x1], B: [x2]}, targets: [y]}}
network: {<<: *shared, width: 4}
init: {gaussian: {std: 1.0e-4}}
flow: {until: {time: 5}}
sweep:
  axes:
    - {path: data.table.path, values: [a.csv, b.csv]}
    - {path: data.table.modalities.B, values: [[x2], [x2, x3]]}
",
    );
    sandbox.succeed("sweep files.yaml");
    let csv = sandbox.read("outputs/files/sweep.csv");
    let cells: Vec<&str> = csv.lines().skip(1).collect();
    let starts = ["a.csv,x2,", "a.csv,x2 x3,", "b.csv,x2,", "b.csv,x2 x3,"];
    assert!(
        cells.len() == 4
            && cells
                .iter()
                .zip(starts)
                .all(|(cell, start)| cell.starts_with(start))
    );
    let again = sandbox.succeed("sweep outputs/files/scenario.yaml --out again");
    assert!(!again.contains("are done"), "{again}");
    let results = |csv: String| -> Vec<String> {
        let lines = csv
            .lines()
            .skip(1)
            .map(|line| line.splitn(3, ',').nth(2).unwrap_or_default().to_owned());
        lines.collect()
    };
    assert_eq!(results(csv), results(sandbox.read("again/files/sweep.csv")));
    sandbox.write("b.csv", &table(3.0));
    let notes = sandbox
        .command("sweep files.yaml")
        .output()
        .expect("runs")
        .stderr;
    let notes = String::from_utf8_lossy(&notes).into_owned();
    assert!(notes.contains("another version of the scenario"), "{notes}");
}

/// Letters that the font lacks are drawn as boxes, and said so.
#[test]
fn titles_in_other_scripts_draw_a_warning() {
    let sweep = "sweep: {axes: [{path: data.toy.rho, values: [0, 0.2]}]}\nfigure:\n  - {title: TITLE, lines: {x: data.toy.rho, y: ratio}}\n";
    for (title, missing) in [("学習 ratio", "学 習"), ("Verhältnis ρ", "")] {
        let sandbox =
            Sandbox::with(&(crate::cli::support::FAST.to_owned() + &sweep.replace("TITLE", title)));
        let output = sandbox.command("sweep fast.yaml").output().expect("runs");
        assert!(output.status.success());
        let notes = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("the font of the figures lacks {missing} and");
        assert!(notes.contains(&expected) != missing.is_empty(), "{notes}");
    }
}
