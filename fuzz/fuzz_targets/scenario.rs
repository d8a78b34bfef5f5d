//! Scenario files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modalflow_fuzz::load;

fuzz_target!(|text: &str| load(text, &[]));
