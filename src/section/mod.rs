//! What the sections of a scenario are made of: range checks, and alternatives of which one is given.
//!
//! A section type stands beside the code that it configures, with its serde form, its JSON Schema and
//! its `check()`.
//!
//! | file | what it does |
//! |---|---|
//! | `check.rs` | ranges of numbers, names, paths |
//! | `range.rs` | the same ranges in the JSON Schema |
//! | `one_key.rs` | a mapping with exactly one key as an enum |

pub mod check;
pub mod one_key;
mod range;

use indexmap::IndexMap;
pub use range::within;

/// Values by modality name, in the order of the file.
pub type ByModality<T> = IndexMap<String, T>;

/// Most inputs of all modalities together whose second moments are decomposed as a whole, and most outputs: an
/// eigendecomposition of this size still takes seconds.
pub const MOST_DIMENSIONS: u64 = 2000;

/// Most inputs of all modalities together where few samples, or their independence, spare that.
pub const MOST_INPUTS: u64 = 10_000;
