//! The scenario file: reading, positions of mistakes, overrides; sweeps and figures beside a scenario.
//!
//! | file | what it does |
//! |---|---|
//! | `file.rs` | what stands in a file: a scenario, its sweep, its figures |
//! | `load.rs` | text to checked scenario: parse, apply `--set`, deserialise, check |
//! | `events.rs` | YAML text as a value, and the lines on which its keys stand |
//! | `merge.rs` | anchors, aliases and merge keys, and what is wrong with one |
//! | `messages.rs` | why a value is no scenario, in plain words, with the nearest known key |
//! | `grid.rs` | a sweep's cells by index |
//! | `overrides.rs` | `--set path=value` |
//! | `edit.rs` | the text of a scenario with other values, and what a key can hold |
//! | `diagnosis.rs` | a data section, or options alone, as a scenario to diagnose |
//! | `reference.rs` | docs/scenario.md, from the schema |
//! | `sweep/` | the axes of a sweep, and their checks |
//!
//! This folder is the only user of serde_yaml.

mod diagnosis;
mod edit;
mod events;
mod file;
mod grid;
mod load;
mod merge;
mod messages;
mod overrides;
mod reference;
mod sweep;

pub use diagnosis::OptionKey;
pub use edit::{Room, edited, room_of};
pub use file::ScenarioFile;
pub use grid::{Cell, Grid};
pub use load::{Loaded, Source, expand_home, schema, to_yaml};
pub use overrides::Override;
pub use reference::reference;
pub use sweep::{Axis, AxisValue, Column, SweepSection};
