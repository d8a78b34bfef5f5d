//! Names of columns and arrays that are not there: the one that was meant is named.

use modalflow::error::InputError;
use modalflow_cli::error::Error;

#[test]
fn the_name_that_was_meant_is_named() {
    let message = |name: &str, known: &[&str]| {
        let error = InputError::at(format!("column {name}"), "no such column", "look again");
        Error::from(error.with_unknown(name, known.iter().copied())).to_string()
    };
    assert_eq!(
        message("b", &["a", "bb", "y"]),
        "column b: no such column, did you mean bb?\n  help: look again"
    );
    let array = message("shared.4", &["A.1", "A.2", "B.1", "B.2", "shared.3"]);
    assert!(array.contains("did you mean shared.3?"), "{array}");
    let unlike = message("weight", &["a", "bb", "y"]);
    assert!(!unlike.contains("did you mean"), "{unlike}");
}
