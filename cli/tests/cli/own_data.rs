//! Data of a user's own: what the report says of the file, and that the resolved scenario runs again.

use super::support::{Sandbox, at};

const REST: &str = "\
network: {depth: 2, fusion_layer: 2, width: 6}
init: {gaussian: {std: 1.0e-3}}
flow: {until: {time: 5.0}}
output: {samples: 5}
";

/// As a spreadsheet writes it where decimals have a comma: one row has a missing cell.
const EUROPEAN: &str = "id;height;species;y\r\n1;1,5;north;2,25\r\n2;2,5;south;3,5\r\n3;;north;1,0\r\n4;3,5;south;5,75\r\n";

fn rerun(sandbox: &Sandbox) {
    sandbox.succeed("run outputs/fast/scenario.yaml --quiet --out again");
    for name in ["trajectory.csv", "scenario.yaml"] {
        let [first, second] =
            ["outputs", "again"].map(|folder| sandbox.read(&format!("{folder}/fast/{name}")));
        assert_eq!(first, second, "{name}");
    }
}

#[test]
fn a_table_says_how_it_was_read() {
    let table = "data: {table: {path: t/cohort.csv, decimal: \",\", missing: drop, modalities: {A: [height], B: [id]}, label: species}}\n";
    let sandbox = Sandbox::with(&(table.to_owned() + REST));
    sandbox.write("t/cohort.csv", EUROPEAN);
    let report = sandbox.succeed("run fast.yaml");
    let line = "  3 rows used, 1 with missing cells left out; columns separated by semicolons\n";
    assert!(report.contains(line), "{report}");
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(
        *at(&summary, "data.rows"),
        serde_json::json!({"used": 3, "dropped": 1})
    );
    assert_eq!(at(&summary, "data.outputs"), 2);
    let resolved = sandbox.read("outputs/fast/scenario.yaml");
    assert!(
        resolved.contains("    separator: ;\n    decimal: ','\n"),
        "{resolved}"
    );
    rerun(&sandbox);
}

#[test]
fn codes_for_missing_values_draw_a_warning() {
    let table = "data: {table: {path: t.csv, modalities: {A: [a], B: rest}, targets: [y]}}\n";
    let sandbox = Sandbox::with(&(table.to_owned() + REST));
    sandbox.write("t.csv", "a,b,y\n1,2,3\n2,1,4\n3,5,1\n4,1e308,2\n5,3,3\n");
    let assert = sandbox.command("run fast.yaml").assert().code(0);
    let warnings = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(
        warnings.contains("column b of t.csv has 1 value as large as 1e308"),
        "{warnings}"
    );
}

#[test]
fn arrays_are_found_from_the_resolved_scenario() {
    let arrays = "data: {arrays: {modalities: {A: \"x/f.npz#audio\", B: \"x/f.npz#video\"}, label: \"x/f.npz#animal\", components: 0.5}}\n";
    let sandbox = Sandbox::with(&(arrays.to_owned() + REST));
    std::fs::create_dir(sandbox.path("x")).expect("a folder");
    let shipped = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../scenarios/data/features.npz"
    );
    std::fs::copy(shipped, sandbox.path("x/f.npz")).expect("shipped");
    let report = sandbox.succeed("run fast.yaml");
    assert!(report.contains("  300 rows used\n"), "{report}");
    let resolved = sandbox.read("outputs/fast/scenario.yaml");
    assert!(resolved.contains("A: ../../x/f.npz#audio\n"), "{resolved}");
    rerun(&sandbox);
}
