//! Grids by index, and the engine on work made for it.

use modalflow::data::{Source, ToyData};
use modalflow::experiment::Scenario;
use modalflow_cli::scenario::{AxisValue, Cell, Grid, Loaded};
use modalflow_cli::sweep::{
    CellOutcome, Finished, Header, Kept, Plan, Row, Shard, Table, run_cells,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

fn grid(sweep: &str) -> Grid {
    let text = format!(
        "\
seed: 11
data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: 4, fusion_layer: 2, width: 3}}
init: {{aligned: {{norm: 0.1}}}}
flow: {{until: {{time: 1.0}}}}
sweep: {sweep}
"
    );
    let loaded = Loaded::parse("grid.yaml".as_ref(), text, &[]);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    Grid::of(&loaded).unwrap_or_else(|error| panic!("{error}"))
}

fn toy(scenario: &Scenario) -> &ToyData {
    match &scenario.data {
        Source::Toy(toy) => toy,
        other => panic!("{other:?}"),
    }
}

fn cells(grid: &Grid) -> Vec<Cell> {
    (0..grid.len()).map(|index| grid.cell(index)).collect()
}

/// The last axis varies fastest, linked axes move together, repeats follow each other.
#[test]
fn cells_are_counted_like_digits() {
    let grid = grid(
        "{repeats: 2, axes: [{path: data.toy.rho, values: [0, 0.5]}, \
         {linked: [{path: network.depth, values: [2, 3, 4]}, {path: network.fusion_layer, values: [2, 3, 1]}]}]}",
    );
    let paths: Vec<&str> = grid.columns().map(|column| column.path.as_str()).collect();
    assert_eq!(
        paths,
        ["data.toy.rho", "network.depth", "network.fusion_layer"]
    );
    let numbers = |cell: &Cell| -> Vec<f64> {
        cell.values
            .iter()
            .filter_map(AxisValue::as_number)
            .collect()
    };
    let shown: Vec<(u64, Vec<f64>)> = cells(&grid)
        .iter()
        .map(|cell| (cell.repeat, numbers(cell)))
        .collect();
    let pairs = [[2.0, 2.0], [3.0, 3.0], [4.0, 1.0]];
    let mut expected = Vec::new();
    for rho in [0.0, 0.5] {
        for [depth, fusion] in pairs {
            for repeat in 0..2 {
                expected.push((repeat, vec![rho, depth, fusion]));
            }
        }
    }
    assert_eq!(shown, expected);
    let scenario = grid
        .scenario(&grid.cell(10))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (scenario.network.depth, scenario.network.fusion_layer),
        (Some(4), Some(1))
    );
    assert_eq!(toy(&scenario).rho, 0.5);
}

/// Every cell has a seed of its own, which depends on its number and the sweep's seed alone.
#[test]
fn seeds_are_the_cells_own() {
    let long = grid("{repeats: 50, axes: [{path: data.toy.rho, values: [0, 0.5]}]}");
    let seeds: Vec<u64> = cells(&long).iter().map(|cell| cell.seed).collect();
    let mut distinct = seeds.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), seeds.len());
    assert!(seeds.iter().all(|seed| *seed < 1 << 53));
    let other = grid("{repeats: 100}");
    let same: Vec<u64> = cells(&other).iter().map(|cell| cell.seed).collect();
    assert_eq!(seeds, same);
    for (cell, seed) in cells(&long).iter().zip(&seeds) {
        let scenario = long
            .scenario(cell)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.seed, *seed);
    }
    let given = grid("{axes: [{path: seed, from: 5, to: 7, count: 3}]}");
    let given: Vec<u64> = cells(&given).iter().map(|cell| cell.seed).collect();
    assert_eq!(given, [5, 6, 7]);
    // Beyond what a real number holds exactly.
    let large = (1_u64 << 53) + 1;
    let axis = format!(
        "{{axes: [{{path: seed, values: [{}, {large}]}}]}}",
        large - 1
    );
    let given: Vec<u64> = cells(&self::grid(&axis))
        .iter()
        .map(|cell| cell.seed)
        .collect();
    assert_eq!(given, [large - 1, large]);
}

/// A null on an axis takes the key away.
#[test]
fn null_is_the_absent_key() {
    let grid = grid("{axes: [{path: data.toy.samples, values: [null, 50]}]}");
    let samples: Vec<Option<u64>> = cells(&grid)
        .iter()
        .map(|cell| {
            grid.scenario(cell)
                .unwrap_or_else(|error| panic!("{error}"))
        })
        .map(|scenario| toy(&scenario).samples)
        .collect();
    assert_eq!(samples, [None, Some(50)]);
}

fn kept(folder: &Path, grid: &Grid, shard: Shard) -> Kept {
    let header = Header {
        sweep: "identity".into(),
        cells: grid.len(),
        shard,
    };
    Kept::open(folder, header).unwrap_or_else(|error| panic!("{error}"))
}

fn finished(words: &str) -> Finished {
    Finished {
        row: Row::failed(CellOutcome::Invalid, words),
        trajectory: None,
    }
}

/// Each cell is run once, by whichever thread; what is kept is not run again.
#[test]
fn every_cell_is_run_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 500}");
    let runs = Mutex::new(BTreeMap::new());
    let work = |cell: &Cell, _: &dyn Fn() -> bool| {
        *runs
            .lock()
            .expect("no panic")
            .entry(cell.index)
            .or_insert(0) += 1;
        Some(finished(&format!("cell {}", cell.index)))
    };
    let plan = Plan {
        jobs: 5,
        fail_fast: false,
    };
    let mut first = kept(folder.path(), &grid, Shard::WHOLE);
    // Stopped after about a hundred cells by whoever watches.
    let count = std::sync::atomic::AtomicU64::new(0);
    let go_on = || count.load(std::sync::atomic::Ordering::Relaxed) < 100;
    let mut monitor = |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    run_cells(&grid, &mut first, &plan, &work, &go_on, &mut monitor)
        .unwrap_or_else(|e| panic!("{e}"));
    let begun = first.len();
    assert!((100..500).contains(&begun), "{begun}");
    drop(first);
    let mut second = kept(folder.path(), &grid, Shard::WHOLE);
    assert_eq!(second.len(), begun);
    run_cells(&grid, &mut second, &plan, &work, &|| true, &mut |_| {})
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(second.missing().is_empty());
    let runs = runs.into_inner().expect("no panic");
    assert!(
        runs.len() == 500 && runs.values().all(|count| *count == 1),
        "{runs:?}"
    );
    let row = second
        .row(123)
        .unwrap_or_else(|e| panic!("{e}"))
        .expect("kept");
    assert!(row.contains("cell 123"), "{row}");
}

/// A cell in which the program fails is recorded like any other failure.
#[test]
fn a_panic_is_the_cells_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 6}");
    let work = |cell: &Cell, _: &dyn Fn() -> bool| match cell.index {
        4 => panic!("a bug in cell 4"),
        _ => Some(finished("fine")),
    };
    let plan = Plan {
        jobs: 2,
        fail_fast: false,
    };
    let mut kept = kept(folder.path(), &grid, Shard::WHOLE);
    run_cells(&grid, &mut kept, &plan, &work, &|| true, &mut |_| {})
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        kept.outcomes(),
        [("invalid".to_owned(), 5), ("panicked".to_owned(), 1)]
    );
    let row = kept.row(4).unwrap_or_else(|e| panic!("{e}")).expect("kept");
    assert!(row.contains("panicked,a bug in cell 4"), "{row}");
}

/// Shards are disjoint and cover the grid.
#[test]
fn shards_divide_the_cells() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 23}");
    let mut all = Vec::new();
    for index in 0..4 {
        let shard = Shard { index, count: 4 };
        all.extend(kept(folder.path(), &grid, shard).missing());
    }
    all.sort_unstable();
    assert_eq!(all, (0..23).collect::<Vec<u32>>());
    for (typed, shard) in [("1/1", Shard::WHOLE), ("3/8", Shard { index: 2, count: 8 })] {
        assert_eq!(typed.parse(), Ok(shard));
        assert_eq!(shard.to_string(), typed);
    }
    for typed in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3"] {
        assert!(typed.parse::<Shard>().is_err(), "{typed}");
    }
}

/// What is in a journal must be what was written there.
#[test]
fn a_damaged_journal_is_refused() {
    let grid = grid("{repeats: 3}");
    let header = "{\"sweep\":\"identity\",\"cells\":3,\"shard\":{\"index\":0,\"count\":1}}\n";
    let cell =
        |index: u32| format!("{{\"cell\":{index},\"outcome\":\"converged\",\"row\":\"x\"}}\n");
    let cases = [
        (format!("{header}nonsense\n"), "not a finished cell"),
        (format!("{header}{}", cell(3)), "not a finished cell"),
        (
            format!("{header}{}{}", cell(1), cell(1).replace("\"x\"", "\"y\"")),
            "identity.jsonl:3: cell 1 has another result in ",
        ),
        ("{}\n".to_owned(), "belongs to something else"),
    ];
    for (text, words) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("identity.jsonl"), &text).expect("a file");
        let header = Header {
            sweep: "identity".into(),
            cells: grid.len(),
            shard: Shard::WHOLE,
        };
        let error = Kept::open(folder.path(), header).expect_err("damaged");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Two writers on a file system without locks leave equal lines twice: one of them counts.
#[test]
fn a_cell_that_stands_twice_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 3}");
    let header = "{\"sweep\":\"identity\",\"cells\":3,\"shard\":{\"index\":0,\"count\":1}}\n";
    let cell = "{\"cell\":1,\"outcome\":\"converged\",\"row\":\"x\"}\n";
    let path = folder.path().join("identity.jsonl");
    std::fs::write(path, format!("{header}{cell}{cell}")).expect("a file");
    let kept = kept(folder.path(), &grid, Shard::WHOLE);
    assert_eq!((kept.len(), kept.missing()), (1, vec![0, 2]));
}

/// A row of another table is an error, not a cell without values.
#[test]
fn a_row_with_other_columns_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 1}");
    let header = "{\"sweep\":\"identity\",\"cells\":1,\"shard\":{\"index\":0,\"count\":1}}\n";
    let cell = "{\"cell\":0,\"outcome\":\"converged\",\"row\":\"0,11,converged\"}\n";
    let path = folder.path().join("identity.jsonl");
    std::fs::write(path, format!("{header}{cell}")).expect("a file");
    let mut kept = kept(folder.path(), &grid, Shard::WHOLE);
    let mut table = Table {
        grid: &grid,
        kept: &mut kept,
    };
    let error = table.each(&mut |_| {}).expect_err("other columns");
    assert!(error.to_string().contains("the row of cell 0"), "{error}");
}

/// --fail-fast stops at what fails now: cells that failed in earlier calls keep nobody from going
/// on.
#[test]
fn fail_fast_goes_on_past_earlier_failures() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 4}");
    let plan = Plan {
        jobs: 1,
        fail_fast: true,
    };
    let work = |_: &Cell, _: &dyn Fn() -> bool| Some(finished("fails"));
    for left in [3, 2] {
        let mut kept = kept(folder.path(), &grid, Shard::WHOLE);
        run_cells(&grid, &mut kept, &plan, &work, &|| true, &mut |_| {})
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(kept.missing().len(), left);
    }
}
