//! A grid of runs: in parallel, resumable, in shards.
//!
//! Every finished cell is appended at once to a store (`cells/<identity>.jsonl` in the output
//! folder); what it holds is not run again. Cells depend on nothing but their number, so that
//! neither threads, nor order, nor shards change a byte of the results. Of the grid only each
//! cell's place in the store is held in memory.
//!
//! | file | what it does |
//! |---|---|
//! | `mod.rs` | runs cells in parallel and keeps them |
//! | `cell.rs` | a cell's scenario to its results |
//! | `entry.rs` | what is known of a quantity: how it is measured, predicted, and shown |
//! | `quantities.rs` | the table of quantities |
//! | `quantity.rs` | an entry of it, as figures name it |
//! | `findings.rs` | what quantities are measured from |
//! | `row.rs` | results to a row of `sweep.csv` |
//! | `identity.rs` | what the results depend on, as a number |
//! | `store.rs` | finished cells in a file; shards joined to one |
//! | `shard.rs` | equal parts of a grid |
//! | `theory_line.rs` | theory between the cells |
//! | `phase_plane.rs` | the flow in the plane of two maps |
//! | `table.rs` | the rows read back, for figures and the report |

mod cell;
mod entry;
mod findings;
mod identity;
mod machine;
mod phase_plane;
mod quantities;
mod quantity;
mod row;
mod shard;
mod store;
mod table;
mod theory_line;

pub use cell::{DrawnTrajectory, Finished, invalid, run_cell, run_problem};
pub use entry::Need;
pub use identity::{ensure_files, identity, identity_with};
pub use machine::{memory, processor};
pub use phase_plane::{CriticalPoint, PhasePlane};
pub use quantity::Quantity;
pub use row::{CellOutcome, Row, Value, Values, csv_line, header, number};
pub use shard::Shard;
pub use store::{CellStore, Header};
pub use table::{Record, Table};
pub use theory_line::TheoryLine;

use crate::error::Result;
use crate::scenario::{Cell, Grid};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How cells are run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Threads.
    pub jobs: usize,
    /// Whether the first cell that fails ends the sweep; those that failed earlier do not.
    pub fail_fast: bool,
}

/// How far a sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepProgress {
    /// Cells finished by this call.
    pub finished: u64,
    /// Cells that failed, those of earlier calls included.
    pub failed: u64,
}

/// What a sweep does with a cell: its results, or None where it was told to stop.
pub type Work<'w> = dyn Fn(&Cell, &dyn Fn() -> bool) -> Option<Finished> + Sync + 'w;

/// Runs the cells that are not kept yet, and keeps each as it ends. `go_on` is asked between
/// cells and within them, on any thread; `monitor` is told of every finished cell.
///
/// # Errors
/// A write error where a cell cannot be kept.
pub fn run_cells(
    grid: &Grid,
    store: &mut CellStore,
    plan: &Plan,
    work: &Work<'_>,
    go_on: &(dyn Fn() -> bool + Sync),
    monitor: &mut (dyn FnMut(SweepProgress) + Send),
) -> Result<()> {
    let missing = store.missing();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let running = || go_on() && !stop.load(Ordering::Relaxed);
    let count = 0_u64;
    let kept = Mutex::new((store, monitor, count, Ok(())));
    // A failed cell may end the sweep, and one that cannot be kept does.
    let keep = |cell: &Cell, finished: &Finished| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, monitor, count, result) = &mut *kept;
        if let Err(error) = store.keep(cell.index, finished) {
            *result = Err(error);
            return false;
        }
        *count += 1;
        monitor(SweepProgress {
            finished: *count,
            failed: store.failed(),
        });
        !plan.fail_fast || finished.row.outcome.is_success()
    };
    let run = || {
        while running() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(&index) = missing.get(place) else {
                return;
            };
            let cell = grid.cell(index.into());
            let Some(finished) = finish(&cell, work, &running) else {
                return;
            };
            if !keep(&cell, &finished) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.max(1) {
            scope.spawn(run);
        }
    });
    let (_, _, _, result) = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    result
}

/// Runs one cell by itself. A failure of the program is the cell's, not the sweep's.
pub fn finish(cell: &Cell, work: &Work<'_>, running: &dyn Fn() -> bool) -> Option<Finished> {
    catch_unwind(AssertUnwindSafe(|| work(cell, running))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
        Some(Finished {
            row: Row::failed(CellOutcome::Panicked, words.unwrap_or("no words")),
            trajectory: None,
        })
    })
}
