//! The scenario file: reading, positions of mistakes, overrides; sweeps and figures beside a scenario.
//!
//! | file | what it does |
//! |---|---|
//! | `file.rs` | what stands in a file: a scenario, its sweep, its figures |
//! | `load.rs` | text to checked scenario: parse, apply `--set`, deserialise, check |
//! | `locate.rs` | the line on which a key stands |
//! | `walk.rs` | a walk over the text that stops at a place, for its line |
//! | `explain.rs` | typed errors in plain words, the nearest known key |
//! | `figure.rs` | what is drawn of a sweep |
//! | `grid.rs` | a sweep's cells by index |
//! | `overrides.rs` | `--set path=value` |
//! | `sweep/` | the axes of a sweep |
//! | `validate/` | checks of sweeps and figures |
//!
//! This folder is the only user of serde_yaml.

mod explain;
mod figure;
mod file;
mod grid;
mod load;
mod locate;
mod overrides;
mod sweep;
mod validate;
mod walk;

pub use figure::{
    CurvesFigure, FigureSection, HeatFigure, LinesFigure, PortraitFigure, Quantity, ScatterFigure,
    Trajectory,
};
pub use file::ScenarioFile;
pub use grid::{Cell, Grid};
pub use load::{Loaded, Source, schema, to_yaml};
pub use sweep::{Axis, AxisValue, Column, SweepSection};
