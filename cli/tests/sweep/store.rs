//! The engine and its store, on cells whose work is made up.

use super::grid;
use modalflow::integrate::Outcome;
use modalflow_cli::error::Error;
use modalflow_cli::scenario::{Cell, Grid};
use modalflow_cli::sweep::{
    CellOutcome, CellStore, Finished, Header, Plan, Row, Shard, Value, number, run_cells,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

fn header(cells: u64, shard: Shard) -> Header {
    Header {
        sweep: "identity".into(),
        cells,
        shard,
    }
}

fn store(folder: &Path, grid: &Grid, shard: Shard) -> CellStore {
    let store = CellStore::open(folder, header(grid.len(), shard));
    store.unwrap_or_else(|error| panic!("{error}"))
}

/// What is kept of a cell.
fn row(store: &mut CellStore, cell: u64) -> Row {
    let finished = store.get(cell).unwrap_or_else(|error| panic!("{error}"));
    finished.expect("kept").row
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
    let mut first = store(folder.path(), &grid, Shard::WHOLE);
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
    let mut second = store(folder.path(), &grid, Shard::WHOLE);
    assert_eq!(second.len(), begun);
    run_cells(&grid, &mut second, &plan, &work, &|| true, &mut |_| {})
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(second.missing().is_empty());
    let runs = runs.into_inner().expect("no panic");
    assert!(
        runs.len() == 500 && runs.values().all(|count| *count == 1),
        "{runs:?}"
    );
    assert_eq!(row(&mut second, 123).reason.as_deref(), Some("cell 123"));
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
    let mut store = store(folder.path(), &grid, Shard::WHOLE);
    run_cells(&grid, &mut store, &plan, &work, &|| true, &mut |_| {})
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        store.outcomes(),
        [("invalid".to_owned(), 5), ("panicked".to_owned(), 1)]
    );
    let row = row(&mut store, 4);
    assert_eq!(row.outcome, CellOutcome::Panicked);
    assert_eq!(row.reason.as_deref(), Some("a bug in cell 4"));
}

/// Shards are disjoint and cover the grid.
#[test]
fn shards_divide_the_cells() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = grid("{repeats: 23}");
    let mut all = Vec::new();
    for index in 0..4 {
        let shard = Shard { index, count: 4 };
        all.extend(store(folder.path(), &grid, shard).missing());
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

const NAME: &str = "identity.jsonl";

/// The bytes of a store of three cells, of which two are kept.
fn two_of_three() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = store(folder.path(), &grid("{repeats: 3}"), Shard::WHOLE);
    for cell in [0, 1] {
        let kept = store.keep(cell, &finished(&format!("cell {cell}")));
        kept.unwrap_or_else(|error| panic!("{error}"));
    }
    std::fs::read(folder.path().join(NAME)).expect("a file")
}

/// What comes of opening a store of these bytes.
fn opened(bytes: &[u8], use_it: &mut dyn FnMut(Result<CellStore, Error>, &Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(NAME);
    std::fs::write(&path, bytes).expect("a file");
    let store = CellStore::open(folder.path(), header(3, Shard::WHOLE));
    use_it(store, &path);
}

/// However a kill cuts the file, what was whole is kept, and the rest can be kept after it.
#[test]
fn a_store_cut_anywhere_goes_on() {
    let bytes = two_of_three();
    for cut in 0..=bytes.len() {
        // The header is no cell.
        let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
        let whole = whole.saturating_sub(1) as u64;
        opened(&bytes[..cut], &mut |store, path| {
            let mut store = store.unwrap_or_else(|error| panic!("{cut}: {error}"));
            assert_eq!(store.len(), whole, "{cut}");
            for cell in whole..3 {
                let kept = store.keep(cell, &finished(&format!("cell {cell}")));
                kept.unwrap_or_else(|error| panic!("{error}"));
            }
            drop(store);
            let store = CellStore::look(path, header(3, Shard::WHOLE));
            let store = store.unwrap_or_else(|error| panic!("{cut}: {error}"));
            let mut store = store.expect("begun");
            for cell in 0..3 {
                let reason = row(&mut store, cell).reason;
                assert_eq!(reason, Some(format!("cell {cell}")), "{cut}");
            }
        });
    }
}

/// What a store holds must be what was written there; if not, it is named and left as it is.
#[test]
fn a_damaged_store_is_refused() {
    let bytes = two_of_three();
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (head, cell) = (lines[0], lines[2]);
    let cases = [
        (
            format!("{head}nonsense\n{cell}"),
            ":2: this line is not a finished cell",
        ),
        // Zeros, as a loss of power may leave them, with a whole line behind them.
        (
            format!("{head}\0\0\0{cell}"),
            ":2: this line is not a finished cell",
        ),
        // A cell that the grid has not.
        (
            format!("{head}{}", cell.replace("[1,", "[3,")),
            ":2: this line is not a finished cell",
        ),
        // A row of another table.
        (
            format!("{head}[1,{{\"row\":{{\"outcome\":\"converged\"}}}}]\n"),
            ":2: this line is not a finished cell",
        ),
        (
            format!("{text}{}", cell.replace("cell 1", "cell one")),
            "identity.jsonl:4: cell 1 has another result in ",
        ),
        ("{}\n".to_owned(), ":1: the file belongs to something else"),
        (
            "of something else, without a line end".to_owned(),
            "belongs to something else",
        ),
        ("\0\u{1}\u{2}\n\n".to_owned(), "belongs to something else"),
    ];
    for (text, words) in cases {
        opened(text.as_bytes(), &mut |store, path| {
            let error = store.expect_err("damaged");
            assert_eq!(error.exit_code(), 2);
            let said = error.to_string();
            assert!(
                said.contains(words) && said.contains("identity.jsonl:"),
                "{said}"
            );
            assert!(
                said.contains("help: ") && said.contains("move it away"),
                "{said}"
            );
            assert_eq!(std::fs::read(path).expect("a file"), text.as_bytes());
        });
    }
}

/// What the operating system refuses is no reason to move or delete anything.
#[test]
fn a_refusal_of_the_system_advises_nothing_rash() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(NAME)).expect("a folder");
    let header = || header(3, Shard::WHOLE);
    let looked = CellStore::look(&folder.path().join(NAME), header()).map(drop);
    let opened = CellStore::open(folder.path(), header()).map(drop);
    let mut errors = vec![looked.expect_err("a folder"), opened.expect_err("a folder")];
    if cfg!(target_os = "linux") {
        // A device that is always full.
        let folder = tempfile::tempdir().expect("a folder");
        symlink_to_a_full_device(&folder.path().join(NAME));
        let full = CellStore::open(folder.path(), header()).map(drop);
        errors.push(full.expect_err("no space"));
    }
    for error in errors {
        let said = error.to_string();
        assert!(said.contains("os error") && said.contains(NAME), "{said}");
        let rash = ["move", "delete", "cut"];
        assert!(!rash.iter().any(|word| said.contains(word)), "{said}");
    }
}

#[cfg(unix)]
fn symlink_to_a_full_device(path: &Path) {
    std::os::unix::fs::symlink("/dev/full", path).expect("a link");
}

#[cfg(not(unix))]
fn symlink_to_a_full_device(_: &Path) {}

/// Two writers on a file system without locks leave equal lines twice: one of them counts.
#[test]
fn a_cell_that_stands_twice_is_one() {
    let text = String::from_utf8(two_of_three()).expect("text");
    let cell = text.lines().nth(2).expect("a cell");
    opened(format!("{text}{cell}\n").as_bytes(), &mut |store, _| {
        let store = store.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((store.len(), store.missing()), (2, vec![2]));
    });
}

/// A number is read back as the one that was kept, to the last bit; what is not finite as none,
/// as it stands in the table.
#[test]
fn rows_are_read_back_as_they_were_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = store(folder.path(), &grid("{repeats: 3}"), Shard::WHOLE);
    let outcome = CellOutcome::Run(Outcome::TimeReached);
    let mut kept = finished("\"quoted\", and µ").row;
    kept.outcome = outcome;
    let numbers = [
        ("t_end", 0.1 + 0.2),
        ("t_first", 5.0),
        ("final_loss", -0.0),
        ("initial_loss", 5e-324),
        ("ratio_gap", f64::INFINITY),
    ];
    let values = numbers
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), number(value)?)));
    kept.measured.extend(values);
    kept.measured.insert("steps".into(), Value::Count(5));
    let result = Finished {
        row: kept.clone(),
        trajectory: None,
    };
    store
        .keep(2, &result)
        .unwrap_or_else(|error| panic!("{error}"));
    let read = row(&mut store, 2);
    let Some(Value::Number(final_loss)) = read.measured.get("final_loss") else {
        panic!("{read:?}");
    };
    assert_eq!(final_loss.to_bits(), (-0.0_f64).to_bits());
    assert!(!read.measured.contains_key("ratio_gap"));
    assert_eq!(read, kept);
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
        let mut store = store(folder.path(), &grid, Shard::WHOLE);
        run_cells(&grid, &mut store, &plan, &work, &|| true, &mut |_| {})
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(store.missing().len(), left);
    }
}
