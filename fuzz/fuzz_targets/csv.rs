//! Tables. The first three bytes choose how the section says that the rest is to be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modalflow_fuzz::{file, prepare};
use serde_json::{Value, json};

const SEPARATORS: [&str; 6] = ["auto", ",", ";", "|", "tab", "blank"];

fuzz_target!(|bytes: &[u8]| {
    let [separator, reading, columns, table @ ..] = bytes else {
        return;
    };
    let flag = |bit: u8| reading >> bit & 1 == 1;
    if flag(6) {
        return pixels(table, *columns);
    }
    let mut section = json!({
        "path": file("table.csv", table),
        "separator": SEPARATORS[usize::from(*separator) % SEPARATORS.len()],
        "decimal": if flag(0) { "," } else { "." },
        "header": !flag(1),
        "missing": if flag(2) { "drop" } else { "refuse" },
        "standardise": !flag(3),
        "whiten": flag(4),
        "mirror": flag(5),
        "holdout": if flag(5) { 0.3 } else { 0.0 },
    });
    let fields = section.as_object_mut().expect("an object");
    fields.extend(chosen(*columns).as_object().expect("an object").clone());
    prepare(&json!({ "table": section }));
});

/// Columns by name, number, pattern and range, and as a label.
fn chosen(choice: u8) -> Value {
    match choice % 8 {
        0 => json!({"modalities": {"A": ["a"], "B": ["b"]}, "targets": ["y"]}),
        1 => json!({"modalities": {"A": ["a*"], "B": "rest"}, "targets": ["y*"]}),
        2 => json!({"modalities": {"A": ["a..b"], "B": ["*c*d*"]}, "label": "y"}),
        3 => json!({"modalities": {"A": [1], "B": ["2..3"]}, "targets": [4]}),
        4 => json!({"modalities": {"A": ["1"], "B": "rest"}, "label": "2"}),
        5 => json!({"modalities": {"A": ["a", "b"], "B": "rest"}, "ignore": ["i*"], "label": "y"}),
        6 => json!({"modalities": {"A": ["a*"], "B": ["b*"]}, "targets": ["y"], "components": 0.9}),
        _ => json!({"modalities": {"A": ["*"]}, "ignore": ["y"], "targets": ["y"]}),
    }
}

/// The table as images, a pixel a column.
fn pixels(table: &[u8], choice: u8) {
    let mut csv = json!({"path": file("images.csv", table)});
    if choice >= 128 {
        csv["width"] = json!(choice % 8 + 1);
    }
    let views = match choice >> 3 & 1 {
        0 => json!({"csv": csv, "halves": true}),
        _ => {
            json!({"csv": csv, "noise": {"both": 0.5, "only_A": 0.25, "only_B": 0.25}, "centre": false})
        }
    };
    prepare(&json!({ "images": views }));
}
