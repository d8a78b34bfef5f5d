//! When networks of homogeneous units learn their modalities, from their actual initial weights and the samples.
//!
//! Late fusion: while the outputs f_m of a stack are small nothing feeds back on them. With units for which phi(c z) = c
//! phi(z) (ReLU, leaky ReLU, linear) they follow the homogeneous flow of their correlation with the residual r,
//!
//! ```text
//! dW_m/dt = grad E[<r, f_m(x_m; W_m)>]          r = y at first, then y less the outputs of the stacks that are heard
//! ```
//!
//! Two layers grow like e^{2 U t} with the utility U_m, the maximum of |E[r phi(u x_m)]| over unit vectors u; more
//! layers blow up. A stack waits in this way until its own outputs would take a hundredth off its rate,
//!
//! ```text
//! |grad 1/2 E|f_m|^2| = 0.01 |grad E[<r, f_m>]|          both by its own weights
//! ```
//!
//! From there on it is heard: it goes through its drop together with the others that are, and those that wait follow what
//! they leave while they move. So the first modality is learned as if it were alone, and the others are driven by
//! that. What its own feedback has done to a stack by the time that it is heard, some hundredths of its time constant, is made up
//! for to first order.
//!
//! Source: for two layers Kunin et al., "Alternating Gradient Flows" (2025, arXiv 2506.06489); the rest is derived
//! here, as `from_weights/` for linear networks.
//!
//! | file | what it computes |
//! |---|---|
//! | `course.rs` | from saddle to saddle: which modality is learned next, and when |
//! | `stage.rs` | stacks in flow from where one more is heard to where the next one is |
//! | `track.rs` | when a modality is learned along its way |
//! | `utility.rs` | the utilities of two layers |

mod course;
mod stage;
mod track;
mod utility;

pub use utility::{Utility, hidden_utility, utilities};

use super::from_weights::FromWeights;
use crate::data::Moments;
use crate::network::Architecture;
use course::Course;
use nalgebra::DVector;

/// Why there are no times where whoever asked for them ended the search.
pub const NOT_WAITED_FOR: &str =
    "times from the actual weights are not known: they take longer than was waited for them";

/// The times of all modalities from the initial weights of a network on samples, up to the time `limit`, by steps of
/// a relative tolerance of `rtol` or 1e-4, whichever is coarser; `go_on` is asked along the way.
///
/// # Errors
/// Why they are not known.
pub fn from_samples(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    (rtol, limit): (f64, f64),
    go_on: &dyn Fn() -> bool,
) -> Result<FromWeights, &'static str> {
    if moments.samples.is_none() {
        return Err("times from the actual weights need samples here");
    }
    ensure_known(moments, architecture)?;
    Course::new((moments, architecture), weights, rtol).go_on(limit, go_on)
}

/// Whether these networks follow a frozen residual until they drop.
fn ensure_known(moments: &Moments, architecture: &Architecture) -> Result<(), &'static str> {
    if !architecture.activation.is_homogeneous() || !architecture.biases.is_empty() {
        return Err(
            "times from the actual weights are known for homogeneous units without biases only (relu, leaky_relu)",
        );
    }
    if !architecture.shared.is_empty() {
        return Err(
            "times from the actual weights are known for late fusion only where moments do not suffice: \
             in shared layers what is learned goes on moving",
        );
    }
    let mut modalities = 0..moments.modalities.len();
    if modalities.any(|m| architecture.depth(m) < 2) {
        return Err("a single layer has no saddles to wait at");
    }
    if moments.exposure().is_some() || architecture.weight_decay > 0.0 {
        return Err(
            "times from the actual weights are not known here under dropped modalities, auxiliary losses or weight decay",
        );
    }
    Ok(())
}
