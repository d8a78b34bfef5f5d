//! Results as figures: what is drawn, not how.
//!
//! | file | figures |
//! |---|---|
//! | `run.rs` | of a run |
//! | `sweep.rs` | of a sweep: which kind, in which formats |
//! | `graphs.rs` | of a sweep: points and lines, heat maps, measured against theory |
//! | `families.rs` | of a sweep: curves in time, phase portraits |
//! | `tally.rs` | of a sweep: runs summed up, and those left out |
//! | `theory_line.rs` | of a sweep: theory between the values of an axis |
//! | `words.rs` | what axes and quantities are called |

mod families;
mod graphs;
mod run;
mod sweep;
mod tally;
mod theory_line;
mod words;

pub use run::run_figure;
pub use sweep::{sweep_chart, sweep_figure};
