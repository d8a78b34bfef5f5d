//! Pinned results and work counts of shipped scenarios, and documents kept in step.

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

/// Every shipped scenario says what it shows, has a comment, and passes every check.
#[test]
fn shipped_scenarios_are_valid() {
    let folder = std::fs::read_dir("scenarios").expect("shipped");
    let mut count = 0;
    for entry in folder {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        count += 1;
        let loaded =
            modalflow::scenario::Loaded::read(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
        modalflow::problem::Problem::prepare(&loaded.scenario).unwrap_or_else(|e| panic!("{e}"));
        assert!(loaded.scenario.description.is_some(), "{path:?}");
        assert!(
            std::fs::read_to_string(&path)
                .expect("text")
                .starts_with("# "),
            "{path:?}"
        );
    }
    assert!(count >= 14, "{count}");
}

#[test]
fn the_schema_in_docs_is_the_programs() {
    let written = std::fs::read_to_string("docs/scenario.schema.json").expect("shipped");
    let remedy = "run: cargo run --release -- schema > docs/scenario.schema.json";
    assert!(written == modalflow::scenario::schema(), "{remedy}");
}
