//! Arrays in files that NumPy and safetensors wrote (tests/fixtures/arrays.py).

use super::common::{moments, try_moments};
use modalflow::data::Moments;
use nalgebra::dmatrix;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EPS: f64 = f64::EPSILON;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The array at a file's name, `arrays.npz#f8`.
fn array(name: &str) -> String {
    folder().join(name).display().to_string()
}

fn section(first: &str, extra: Value) -> Value {
    let mut section = json!({
        "modalities": {"A": array(first), "B": array("arrays.npz#vector")},
        "target": array("arrays.npz#vector"),
        "standardise": false,
    });
    let fields = section.as_object_mut().expect("an object");
    fields.extend(extra.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    json!({ "arrays": section })
}

fn error_of(first: &str, extra: Value) -> String {
    let error = try_moments(0, section(first, extra)).expect_err(first);
    error.replace(&format!("{}/", folder().display()), "")
}

/// Columns (0, 1, 2, 3, 4), counted downwards where there are signs, and (1, 0, 1, 0, 1).
fn expect_counting(name: &str, sign: f64) {
    let read = moments(0, section(name, json!({})));
    // Fifths of sums of small whole numbers: 30, 6, 3.
    let expected =
        dmatrix![6.0, sign * 1.2, sign * 6.0; sign * 1.2, 0.6, 1.2; sign * 6.0, 1.2, 6.0];
    assert!(
        (&read.inputs.to_matrix() - expected).amax() < 8.0 * EPS,
        "{name}: {}",
        read.inputs.to_matrix()
    );
    assert_eq!(read.reading.expect("a file").used, 5);
}

#[test]
fn numbers_of_every_type_and_order_are_read() {
    for name in ["f2", "f4", "f8", "i1", "i2", "i4", "i8"] {
        expect_counting(&format!("arrays.npz#{name}"), -1.0);
        expect_counting(&format!("arrays.npz#big_{name}"), -1.0);
        expect_counting(&format!("arrays.safetensors#{name}"), -1.0);
    }
    for name in ["u1", "u2", "u4", "u8"] {
        expect_counting(&format!("arrays.npz#{name}"), 1.0);
        expect_counting(&format!("arrays.safetensors#{name}"), 1.0);
    }
    expect_counting("arrays.safetensors#bf16", -1.0);
    expect_counting("float.npy", -1.0);
    let flags = moments(0, section("arrays.npz#bool", json!({})));
    assert_eq!(
        flags.inputs.to_matrix().view((0, 0), (2, 2)),
        dmatrix![0.8, 0.4; 0.4, 0.6]
    );
    let flags = moments(0, section("arrays.safetensors#bool", json!({})));
    assert_eq!(
        flags.inputs.to_matrix().view((0, 0), (2, 2)),
        dmatrix![0.8, 0.4; 0.4, 0.6]
    );
}

/// The least normal and subnormal half, the largest, and a fraction with all bits: against NumPy's doubles.
#[test]
fn halves_are_what_numpy_says_they_are() {
    let read = moments(0, section("arrays.npz#half", json!({})));
    let numbers = [
        6.103515625e-05,
        5.960464477539063e-08,
        65504.0,
        -0.333251953125,
        1.0,
    ];
    let cross: f64 = numbers
        .iter()
        .zip([0.0, 1.0, 2.0, 3.0, 4.0])
        .map(|(x, k)| x * k / 5.0)
        .sum();
    assert!((read.inputs.entry(0, 1) - cross).abs() < 8.0 * EPS * cross);
    let square: f64 = numbers.iter().map(|x| x * x / 5.0).sum();
    assert!((read.inputs.entry(0, 0) - square).abs() < 8.0 * EPS * square);
    let read = moments(0, section("arrays.safetensors#fraction", json!({})));
    // (0.5, -0.25, 3, 1.5, 256) with (0, 1, 2, 3, 4): (-0.25 + 6 + 4.5 + 1024)/5.
    assert_eq!(read.inputs.entry(0, 1), 206.85);
}

/// Labels zebra, ape, zebra, Äffchen, ape against the column 0, 1, 2, 3, 4.
#[test]
fn labels_are_texts_or_whole_numbers() {
    let cross = |label: &str| {
        let extra = json!({"target": null, "label": array(label)});
        moments(0, section("arrays.npz#vector", extra))
            .cross
            .column(0)
            .into_owned()
    };
    // Mean of the product less the product of the means, for each class.
    let class = |rows: &[f64]| (rows.iter().sum::<f64>() - 2.0 * rows.len() as f64) / 5.0;
    let texts = [class(&[1.0, 4.0]), class(&[0.0, 2.0]), class(&[3.0])];
    // The mean of a raw input is not taken out, that of the label is: the same product.
    for label in ["arrays.npz#unicode", "arrays.npz#big_unicode"] {
        let found = cross(label);
        assert!(
            found
                .iter()
                .zip(texts)
                .all(|(a, b)| (a - b).abs() < 8.0 * EPS),
            "{label}: {found}"
        );
    }
    let found = cross("arrays.npz#bytes");
    let texts = [class(&[1.0, 4.0]), class(&[3.0]), class(&[0.0, 2.0])];
    assert!(
        found
            .iter()
            .zip(texts)
            .all(|(a, b)| (a - b).abs() < 8.0 * EPS),
        "{found}"
    );
    let numbers = [class(&[3.0]), class(&[1.0, 4.0]), class(&[0.0, 2.0])];
    let found = cross("arrays.npz#integers");
    assert!(
        found
            .iter()
            .zip(numbers)
            .all(|(a, b)| (a - b).abs() < 8.0 * EPS),
        "{found}"
    );
}

#[test]
fn arrays_are_standardised_and_whitened_like_tables() {
    let read = moments(0, section("arrays.npz#i4", json!({"standardise": true})));
    assert!((read.inputs.to_matrix().diagonal().add_scalar(-1.0)).amax() < 8.0 * EPS);
    // The signed column is the target's negative.
    assert!((read.cross[(0, 0)] + 1.0).abs() < 8.0 * EPS);
    let white: Moments = moments(0, section("arrays.npz#i4", json!({"whiten": true})));
    let own = white.inputs.to_matrix().view((0, 0), (2, 2)).into_owned();
    assert!((own - dmatrix![1.0, 0.0; 0.0, 1.0]).amax() < 8.0 * EPS);
}

#[test]
fn unusable_arrays_say_where_and_why() {
    let none = json!({});
    let cases: &[(&str, Value, &[&str])] = &[
        (
            "none.npy",
            none.clone(),
            &["none.npy: cannot read the file", "data.arrays.modalities.A"],
        ),
        (
            "numpy.npz",
            none.clone(),
            &[
                "numpy.npz: the file has",
                "name one in data.arrays.modalities.A: numpy.npz#",
            ],
        ),
        (
            "arrays.npz#g8",
            none.clone(),
            &["arrays.npz: array g8: no such array"],
        ),
        (
            "arrays.safetensors#g8",
            none.clone(),
            &["arrays.safetensors: array g8: no such array", "bf16"],
        ),
        (
            "arrays.npz#short",
            none.clone(),
            &["arrays.npz: array vector: 5 rows, where arrays.npz#short has 4"],
        ),
        (
            "arrays.npz#cube",
            none.clone(),
            &["arrays.npz: array cube: shape (5, 2, 2)", "reshape"],
        ),
        (
            "arrays.npz#empty",
            none.clone(),
            &["arrays.npz: array empty: there are no rows"],
        ),
        (
            "arrays.npz#complex",
            none.clone(),
            &[
                "arrays.npz: array complex: elements of type '<c16'",
                "float64",
            ],
        ),
        (
            "arrays.npz#unicode",
            none.clone(),
            &["arrays.npz: array unicode: the array holds texts", "label"],
        ),
        (
            "arrays.npz#nan",
            none.clone(),
            &[
                "arrays.npz: array nan: the number at [3, 0] is NaN",
                "isfinite",
            ],
        ),
        (
            "arrays.safetensors#f8_e4",
            none.clone(),
            &["arrays.safetensors: array f8_e4: elements of type F8_E4M3"],
        ),
        (
            "arrays.py",
            none.clone(),
            &[
                "data.arrays.modalities.A: arrays.py is no array",
                ".safetensors#name",
            ],
        ),
        (
            "float.npy",
            json!({"target": array("arrays.npz#short")}),
            &["arrays.npz: array short: 4 rows, where float.npy has 5"],
        ),
        (
            "float.npy",
            json!({"target": null, "label": array("arrays.npz#f8")}),
            &[
                "arrays.npz: array f8: shape (5, 2) where one label",
                "argmax",
            ],
        ),
        (
            "float.npy",
            json!({"target": null, "label": array("arrays.npz#half")}),
            &["arrays.npz: array half: the label of row 0 is 0.00006"],
        ),
        (
            "arrays.npz#constant",
            json!({"standardise": true}),
            &[
                "arrays.npz: array constant, column 0: all 5 rows trained on have the value 7; as flat are array \
                 constant, column 1",
                "data.arrays.standardise",
            ],
        ),
    ];
    for (first, extra, parts) in cases {
        let error = error_of(first, extra.clone());
        assert!(error.starts_with(parts[0]), "{error}\nfor\n{}", parts[0]);
        assert!(
            parts.iter().all(|part| error.contains(part)),
            "{error}\nfor\n{parts:?}"
        );
    }
}

/// The time of parsing a header doubles with each list in another, and its numbers may be meant to overflow.
/// Found by fuzzing.
#[test]
fn headers_made_to_harm_are_refused() {
    let header =
        |extra: &str| format!("{{'descr': '<f8', 'fortran_order': False, 'shape': (1,), {extra}}}");
    let lists = "not in NPY format, or an array of records";
    let sides = "(4294967296, 4294967296, 4294967296)";
    let cases = [
        (header(&format!("'x': {}", "[".repeat(40))), lists),
        (header(&format!("'x': {}", "{1:".repeat(40))), lists),
        (header(&format!("'x': {}", "[(1, 2), ".repeat(40))), lists),
        (
            header(&format!("\"shape\": {sides}, 'x': \"'shape': (1,)\"")),
            "its shape cannot be read",
        ),
    ];
    let scratch = tempfile::tempdir().expect("a folder");
    let path = scratch.path().join("x.npy");
    for (header, expected) in cases {
        let length = (header.len() as u16).to_le_bytes();
        let bytes = [
            b"\x93NUMPY\x01\x00",
            &length[..],
            header.as_bytes(),
            &[0; 8],
        ]
        .concat();
        std::fs::write(&path, bytes).expect("written");
        let data = json!({"arrays": {"modalities": {"A": path}, "target": path}});
        let error = try_moments(0, data).expect_err(&header);
        let expected = format!("x.npy: the array cannot be read: {expected}");
        assert!(error.contains(&expected), "{error}\nfor\n{header}");
    }
}

/// Cut short or changed anywhere, a file gives an error or numbers, and never a panic.
#[test]
fn damaged_files_never_panic() {
    let scratch = tempfile::tempdir().expect("a folder");
    for name in ["float.npy", "arrays.safetensors", "arrays.npz"] {
        let bytes = std::fs::read(folder().join(name)).expect("a fixture");
        let path = scratch.path().join(name);
        let file = match name {
            "float.npy" => path.display().to_string(),
            _ => format!("{}#f8", path.display()),
        };
        for place in (0..bytes.len()).step_by(bytes.len() / 100) {
            let mut changed = bytes.clone();
            changed[place] ^= 0x55;
            for damaged in [&changed[..], &bytes[..place]] {
                std::fs::write(&path, damaged).expect("written");
                let _ = try_moments(
                    0,
                    json!({"arrays": {"modalities": {"A": file}, "target": file}}),
                );
            }
        }
    }
}
