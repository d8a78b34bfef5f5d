//! The scenario file: reading, positions of mistakes, overrides; sweeps and figures beside a scenario.
//!
//! | file | what it does |
//! |---|---|
//! | `file.rs` | what stands in a file: a scenario, its sweep, its figures |
//! | `load.rs` | text to checked scenario: parse, apply `--set`, deserialise, check |
//! | `events.rs` | YAML text as a value, and the lines on which its keys stand |
//! | `messages.rs` | why a value is no scenario, in plain words, with the nearest known key |
//! | `figure.rs` | what is drawn of a sweep |
//! | `grid.rs` | a sweep's cells by index |
//! | `overrides.rs` | `--set path=value` |
//! | `sweep/` | the axes of a sweep |
//! | `validate/` | checks of sweeps and figures |
//!
//! This folder is the only user of serde_yaml.

mod events;
mod figure;
mod file;
mod grid;
mod load;
mod messages;
mod overrides;
mod sweep;
mod validate;

pub use figure::{
    CurvesFigure, FigureSection, HeatFigure, LinesFigure, PortraitFigure, Quantity, ScatterFigure,
    Trajectory,
};
pub use file::ScenarioFile;
pub use grid::{Cell, Grid};
pub use load::{Loaded, Source, schema, to_yaml};
pub use sweep::{Axis, AxisValue, Column, SweepSection};
