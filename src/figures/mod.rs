//! Results as figures: what is drawn, not how.
//!
//! | file | figures |
//! |---|---|
//! | `run.rs` | of a run |
//! | `sweep.rs` | of a sweep: which kind, in which formats |
//! | `graphs.rs` | of a sweep: points and lines, heat maps, measured against theory |
//! | `families.rs` | of a sweep: curves in time, phase portraits |
//! | `words.rs` | what axes and quantities are called |

mod families;
mod graphs;
mod run;
mod sweep;
mod words;

pub use run::run_figure;
pub use sweep::sweep_figure;
