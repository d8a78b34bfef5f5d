//! Arrays in safetensors files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modalflow_fuzz::{arrays, file};

fuzz_target!(|bytes: &[u8]| arrays(&file("arrays.safetensors", bytes), &["a", "b", "f8", "i4"]));
