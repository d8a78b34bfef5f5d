//! Diagnoses that are interrupted.

use super::{FEW, superficial, two_layers};
use crate::common::scenario;
use modalflow::diagnosis::{Diagnosed, Progress};
use std::sync::Mutex;

/// What a monitor is told that says no at the call of this number, from 1, and whether there is a diagnosis.
fn told_until(yaml: &str, last: usize) -> (Vec<Progress>, bool) {
    let told = Mutex::new(Vec::new());
    let monitor = |progress| {
        let mut told = told.lock().expect("no panic");
        told.push(progress);
        told.len() != last
    };
    // One thread, so that the calls have one order.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let scenario = scenario(yaml).expect("a valid scenario");
    let found = pool
        .expect("a thread")
        .install(|| Diagnosed::of(&scenario, &FEW, &monitor));
    let is_whole = found.expect("data that can be used").is_some();
    (told.into_inner().expect("no panic"), is_whole)
}

/// Wherever it is, it ends with nothing, and whoever has said no is not asked again.
#[test]
fn a_diagnosis_ends_where_its_monitor_says_no() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}");
    let (all, is_whole) = told_until(&yaml, usize::MAX);
    assert!(is_whole);
    let end = all.last().expect("calls");
    assert_eq!(end.done, end.of);
    // In each part: halves, permutations, the draws, flows, and the last step of the last remedy.
    for last in [1, 50, 100, 500, all.len() / 2, all.len()] {
        let (told, is_whole) = told_until(&yaml, last);
        assert!(!is_whole, "{last}");
        assert_eq!(told, all[..last], "{last}");
    }
}

/// The flow of this one takes hours: the call comes back because the flow asks at every step.
#[test]
fn a_flow_of_a_diagnosis_ends_where_the_monitor_says_no() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}")
        .replace("width: 6", "width: 50")
        .replace("{gaussian: {std: 1.0e-4}}", "{gaussian_norm: {norm: 0.1}}")
        .replace(
            "rtol: 1.0e-5, until: {loss_gap: 1.0e-3}",
            "method: dopri5, reduction: off, max_steps: 1000000000000, until: {time: 1.0e9}",
        );
    // 40 halves, 39 permutations and the draws of two layers come before.
    let before = 40 + 39 + 2 * 32;
    let (told, is_whole) = told_until(&yaml, before + 100);
    assert!(!is_whole && told.len() == before + 100);
    assert!(told[before..].iter().all(|told| told.done == before as u64));
}
