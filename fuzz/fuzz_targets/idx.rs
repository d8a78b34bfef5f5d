//! Images and labels in IDX files: a file of either kind beside a small sound one of the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modalflow_fuzz::{file, prepare};
use serde_json::{Value, json};

/// Most images for which labels are made.
const MOST: u32 = 100;

fuzz_target!(|bytes: &[u8]| {
    let count = bytes.get(4..8).and_then(|count| count.try_into().ok());
    let count = count.map_or(4, u32::from_be_bytes);
    let made = if (1..=MOST).contains(&count) {
        count
    } else {
        4
    };
    if bytes.get(3) == Some(&1) {
        let pixels = (0..made * 4).map(|pixel| (pixel * 37 % 256) as u8);
        read(bytes, &idx(&[made, 2, 2], pixels), json!({"halves": true}));
        return;
    }
    let labels = idx(&[made], (0..made).map(|label| (label % 3) as u8));
    read(&labels, bytes, json!({"halves": true}));
    let noise = json!({"both": 0.5, "only_A": 0.25, "only_B": 0.25});
    read(
        &labels,
        bytes,
        json!({"noise": noise, "limit": 2, "centre": false}),
    );
});

/// An IDX file of unsigned bytes.
fn idx(lengths: &[u32], entries: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, lengths.len() as u8];
    bytes.extend(lengths.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(entries);
    bytes
}

fn read(labels: &[u8], images: &[u8], mut section: Value) {
    section["idx"] = json!({"images": file("images", images), "labels": file("labels", labels)});
    prepare(&json!({ "images": section }));
}
