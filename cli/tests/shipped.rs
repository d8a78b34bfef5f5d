//! Shipped scenarios, and documents kept in step.

/// Every shipped scenario says what it shows, has a comment, and passes every check.
#[test]
fn shipped_scenarios_are_valid() {
    let folder = std::fs::read_dir("../scenarios").expect("shipped");
    let mut count = 0;
    for entry in folder {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        count += 1;
        let loaded =
            modalflow_cli::scenario::Loaded::read(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
        modalflow::experiment::problem::Problem::prepare(&loaded.file.scenario)
            .unwrap_or_else(|e| panic!("{e}"));
        assert!(loaded.file.scenario.description.is_some(), "{path:?}");
        assert!(
            std::fs::read_to_string(&path)
                .expect("text")
                .starts_with("# "),
            "{path:?}"
        );
    }
    assert!(count >= 15, "{count}");
}

#[test]
fn the_schema_in_docs_is_the_programs() {
    let written = std::fs::read_to_string("../docs/scenario.schema.json").expect("shipped");
    let remedy = "run: cargo run --release -- schema > docs/scenario.schema.json";
    assert!(written == modalflow_cli::scenario::schema(), "{remedy}");
}
