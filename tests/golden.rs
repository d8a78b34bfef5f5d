//! Pinned results and work counts of shipped scenarios.

use super::common;

/// Work and results of the main scenario. A change of the method shows here first; the counts may
/// differ a little between machines, whose elementary functions differ in the last digit.
#[test]
fn late_fusion_keeps_its_work_and_its_numbers() {
    let yaml = std::fs::read_to_string("scenarios/late_fusion.yaml").expect("shipped");
    let (_, result) = common::run(&yaml);
    let work = result.flow.end.work;
    let near = |count: u64, pinned: u64| {
        assert!(
            count.abs_diff(pinned) * 50 <= pinned,
            "{count} instead of {pinned}: {work:?}"
        );
    };
    near(work.steps, 269);
    near(work.rhs_evaluations, 3092);
    assert!(work.rejected_steps <= 5, "{work:?}");
    let phase = &result.flow.detection.phase;
    let gaps = [(phase.t_first, 2.979337), (phase.t_second, 11.85018)];
    for (measured, pinned) in gaps {
        let measured = measured.expect("learned");
        assert!(
            (measured - pinned).abs() < 1e-6 * pinned,
            "{measured} {pinned}"
        );
    }
    let steps: Vec<u64> = result
        .descents
        .iter()
        .map(|run| run.descent.steps)
        .collect();
    assert_eq!(steps, [250, 500, 1000, 2000]);
    let order = result
        .orders
        .and_then(|orders| orders.t_first)
        .expect("four rates");
    assert!((0.9..=1.1).contains(&order), "{order}");
}
