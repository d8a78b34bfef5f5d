//! When networks of homogeneous units learn their modalities, from their actual initial weights and the samples.
//!
//! Late fusion: while the outputs f_m of a stack are small nothing feeds back on them. With units for which phi(c z) = c
//! phi(z) (ReLU, leaky ReLU, linear) they follow the homogeneous flow of their correlation with a frozen residual r,
//!
//! ```text
//! dW_m/dt = grad E[<r, f_m(x_m; W_m)>]          r = y at first, then y less what the learned modalities fit
//! ```
//!
//! Two layers grow like e^{2 U t} with the utility U_m, the maximum of |E[r phi(u x_m)]| over unit vectors u; more
//! layers blow up. Where a stack's outputs have a thousandth of the residual's size, it is about to drop: from there it is
//! followed beside the learned stacks, without the others, to where it rests. That tells what is learned, when half of it
//! is, and at which instant the others' residual may jump, which is where the integral of their drive over time is the same.
//!
//! Source: for two layers Kunin et al., "Alternating Gradient Flows" (2025, arXiv 2506.06489); the rest is derived
//! here, as `from_weights/` for linear networks.
//!
//! | file | what it computes |
//! |---|---|
//! | `course.rs` | from saddle to saddle: which modality is learned next, and when |
//! | `fit.rs` | what learned modalities fit |
//! | `utility.rs` | the utilities of two layers |

mod course;
mod fit;
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

/// The times of all modalities from the initial weights of a network on samples, up to the time `limit`; `go_on` is
/// asked along the way.
///
/// # Errors
/// Why they are not known.
pub fn from_samples(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    limit: f64,
    go_on: &dyn Fn() -> bool,
) -> Result<FromWeights, &'static str> {
    let Some(samples) = &moments.samples else {
        return Err("times from the actual weights need samples here");
    };
    ensure_known(moments, architecture)?;
    let mut course = Course::new((moments, samples), architecture, weights, go_on);
    course.go_on(limit)?;
    Ok(course.found())
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
