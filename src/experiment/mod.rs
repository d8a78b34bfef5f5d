//! A scenario made ready, run, and set beside theory.
//!
//! | file | what it does |
//! |---|---|
//! | `scenario.rs` | everything that defines a run, as plain data |
//! | `outline.rs` | a scenario whose data are there, before anything is decomposed |
//! | `problem.rs` | a scenario made ready: moments, weights, tolerances |
//! | `cautions.rs` | what keeps it from being run, and what to know before trusting a run |
//! | `immobile.rs` | which modalities cannot be learned |
//! | `stages.rs` | its stages before the last one, where it has a schedule |
//! | `predictions.rs` | what theory says of it |
//! | `integration.rs` | its flow integrated, and recorded on the way |
//! | `run.rs` | from a problem to its results |
//! | `descents.rs` | its descents |
//! | `results.rs` | results that serialise themselves |
//! | `summary.rs` | all of them in one record |
//! | `data_summary.rs` | its part on the data |
//! | `stall.rs` | why a run that is stalled does not go on |
//! | `compare.rs` | measured against predicted |
//! | `distance.rs` | how far descents and the theory curve are from the flow |
//! | `verify.rs` | a run repeated by another method |
//! | `agreement.rs` | what the two may differ by, and whether they do |
//! | `memory.rs` | the memory of a run, estimated beforehand |
//! | `modulated.rs` | theory's curve and times under gradient modulation |
//! | `cost.rs` | its size and work, estimated beforehand |

pub mod agreement;
pub(crate) mod cautions;
pub mod compare;
mod cost;
pub mod data_summary;
pub mod descents;
pub mod distance;
mod immobile;
mod integration;
pub mod memory;
mod modulated;
mod outline;
mod predictions;
pub mod problem;
pub mod results;
pub mod run;
mod scenario;
pub mod stages;
mod stall;
pub mod summary;
pub mod verify;

pub use cost::{Cost, CurvatureCost, DescentCost, Forecast};
pub use outline::Outline;
pub use scenario::Scenario;
pub use stall::StallSummary;
