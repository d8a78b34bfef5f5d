//! A scenario made ready, run, and set beside theory.
//!
//! | file | what it does |
//! |---|---|
//! | `scenario.rs` | everything that defines a run, as plain data |
//! | `problem.rs` | a scenario made ready: moments, weights, tolerances |
//! | `run.rs` | its results |
//! | `compare.rs` | measured against predicted, flow against descent |
//! | `verify.rs` | a run repeated by another method |
//! | `memory.rs` | the memory of a run, estimated beforehand |

pub mod compare;
pub mod memory;
pub mod problem;
pub mod run;
mod scenario;
pub mod verify;

pub use scenario::Scenario;
