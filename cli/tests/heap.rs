//! What the explored page leaves on the heap. A binary of its own, because the counting allocator replaces that of the
//! whole program.

#[path = "explore/wander.rs"]
mod wander;

use modalflow_cli::explore::Session;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Mutex;
use std::time::Duration;
use wander::wander;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that so many states leave behind, of all threads.
fn left_by(session: &Session, seed: u64, states: usize) -> i64 {
    let region = Region::new(HEAP);
    wander(session, seed, states);
    let change = region.change();
    change.bytes_allocated as i64 - change.bytes_deallocated as i64
}

/// What each state left behind would add up.
fn ensure_nothing_is_left(states: usize) {
    // The count is of the whole process.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let session = Session::new(None, &[], Duration::from_secs(600)).expect("a scenario");
    // What is made once and kept.
    left_by(&session, 1, 100);
    let left = left_by(&session, 2, states);
    // A queue between threads may hold a block more or less.
    assert!(left.abs() < 4096, "{left} bytes after {states} states");
}

#[test]
fn states_leave_nothing_on_the_heap() {
    ensure_nothing_is_left(300);
}

#[test]
#[ignore = "minutes: make states"]
fn ten_thousand_states_end_in_no_panic_and_leave_nothing_on_the_heap() {
    ensure_nothing_is_left(10_000);
}
