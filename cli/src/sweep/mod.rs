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
//! | `quantities.rs` | the table of quantities: how each is measured, predicted, and shown |
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
mod findings;
mod identity;
mod phase_plane;
mod quantities;
mod quantity;
mod row;
mod shard;
mod store;
mod table;
mod theory_line;

pub use cell::{DrawnTrajectory, Finished, invalid, run_cell};
pub use identity::identity;
pub use phase_plane::{CriticalPoint, PhasePlane};
pub use quantities::Need;
pub use quantity::Quantity;
pub use row::{CellOutcome, Row, Value, Values, number};
pub use shard::Shard;
pub use store::{CellStore, Header};
pub use table::{Record, Table};
pub use theory_line::TheoryLine;

use crate::error::Result;
use crate::scenario::{Cell, Grid};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

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
    monitor: &mut dyn FnMut(SweepProgress),
) -> Result<()> {
    let stop = AtomicBool::new(false);
    let running = || go_on() && !stop.load(Ordering::Relaxed);
    let missing = store.missing();
    let next = AtomicU64::new(0);
    let (sender, receiver) = sync_channel(4 * plan.jobs.max(1));
    let worker = Worker {
        grid,
        missing: &missing,
        next: &next,
        work,
        running: &running,
        stop_at_failure: plan.fail_fast.then_some(&stop),
    };
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.max(1) {
            let sender = sender.clone();
            let worker = &worker;
            scope.spawn(move || worker.run(&sender));
        }
        drop(sender);
        let result = keep_all(store, receiver, monitor);
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// Takes in cells as they end.
fn keep_all(
    store: &mut CellStore,
    finished_cells: Receiver<(Cell, Finished)>,
    monitor: &mut dyn FnMut(SweepProgress),
) -> Result<()> {
    for (before, (cell, result)) in finished_cells.into_iter().enumerate() {
        store.keep(cell.index, &result)?;
        monitor(SweepProgress {
            finished: before as u64 + 1,
            failed: store.failed(),
        });
    }
    Ok(())
}

/// What the threads share.
struct Worker<'a> {
    grid: &'a Grid,
    missing: &'a [u32],
    next: &'a AtomicU64,
    work: &'a Work<'a>,
    running: &'a (dyn Fn() -> bool + Sync),
    /// Set at the first failed cell.
    stop_at_failure: Option<&'a AtomicBool>,
}

impl Worker<'_> {
    /// Runs cells until none is left, or nobody takes them in any more.
    fn run(&self, sender: &SyncSender<(Cell, Finished)>) {
        while (self.running)() {
            let place = self.next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(&index) = self.missing.get(place) else {
                return;
            };
            let cell = self.grid.cell(index.into());
            let Some(finished) = self.finish(&cell) else {
                return;
            };
            if let (Some(stop), false) = (self.stop_at_failure, finished.row.outcome.is_success()) {
                stop.store(true, Ordering::Relaxed);
            }
            if sender.send((cell, finished)).is_err() {
                return;
            }
        }
    }

    /// A failure of the program is the cell's, not the sweep's.
    fn finish(&self, cell: &Cell) -> Option<Finished> {
        let work = || (self.work)(cell, self.running);
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Some(Finished {
                row: Row::failed(CellOutcome::Panicked, words.unwrap_or("no words")),
                trajectory: None,
            })
        })
    }
}
