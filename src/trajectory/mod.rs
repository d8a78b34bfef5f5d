//! A trajectory of observation, as piecewise polynomials.
//!
//! | file | what it has |
//! |---|---|
//! | `dense.rs` | [`Trajectory`]: knots, joining of pieces |
//! | `hermite.rs` | interpolation between knots, and its error |
//! | `refine.rs` | refinement of pieces by re-stepping |
//! | `observables.rs` | [`Observables`]: what is read off a knot |
//! | `recorder.rs` | [`Recorder`]: the trajectory of an integration as it comes |
//! | `output.rs` | the output section, and the times that it asks for |

mod dense;
mod hermite;
mod observables;
mod output;
mod recorder;
mod refine;

pub use dense::{Knot, Trajectory, most_bytes};
pub use hermite::interpolation_error;
pub use observables::Observables;
pub use output::{OutputSection, Spacing, sample_times};
pub use recorder::Recorder;
