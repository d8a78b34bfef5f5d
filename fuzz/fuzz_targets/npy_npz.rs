//! NumPy's files, NPY and NPZ: as arrays of data and as initial weights.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modalflow_fuzz::{arrays, file, prepare_from};
use serde_json::json;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK") {
        arrays(
            &file("arrays.npz", bytes),
            &["f8", "i4", "vector", "unicode"],
        );
        weights(bytes);
    } else {
        arrays(&file("array.npy", bytes), &[]);
        weights(&archive(bytes));
    }
});

/// An archive with this array as every layer. Fuzzing an archive itself seldom gets past its checksums.
fn archive(array: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for layer in ["A.1", "B.1", "shared.2"] {
        archive
            .start_file(format!("{layer}.npy"), SimpleFileOptions::default())
            .and_then(|()| Ok(archive.write_all(array)?))
            .expect("an archive in memory");
    }
    archive.finish().expect("an archive in memory").into_inner()
}

/// Initial weights of a network whose layers are all 3 x 3.
fn weights(bytes: &[u8]) {
    let data = json!({"wishart": {
        "modalities": {"A": 3, "B": 3}, "scale": {"A": 2, "B": 1}, "outputs": 3,
    }});
    let path = file("weights.npz", bytes);
    prepare_from(&data, &json!({"file": {"path": path}}));
}
