//! When networks of homogeneous units learn their modalities, from their actual initial weights and the samples.
//!
//! While the outputs f_v of a *voice* are small nothing feeds back on them. A voice is the stack of a modality in late fusion, a hidden
//! unit of two layers with early fusion, and all of a deeper network with shared layers. With units for which phi(c z) = c
//! phi(z) (ReLU, leaky ReLU, linear) it follows the homogeneous flow of its correlation with the residual r,
//!
//! ```text
//! dW_v/dt = grad E[<r, f_v(x; W_v)>]          r = y at first, then y less the outputs of the voices that are heard
//! ```
//!
//! Two layers grow like e^{2 U t} with the utility U_m, the maximum of |E[r phi(u x_m)]| over unit vectors u; more
//! layers blow up. A voice waits in this way until its own outputs would take a hundredth off its rate,
//!
//! ```text
//! |grad 1/2 E|f_v|^2| = 0.01 |grad E[<r, f_v>]|          both by its own weights
//! ```
//!
//! From there on it is heard: it goes through its drop together with the others that are, and those that wait follow what
//! they leave while they move. Units wait together, since many of them learn the same: once they are felt as one, the largest are heard,
//! all but those that make less than a hundredth of what they all do. So what is learned first is learned as if it were
//! alone, and the rest is driven by that. What its own feedback has done to a voice by the time that it is heard, some hundredths of
//! its time constant, is made up for to first order.
//!
//! A deeper network with shared layers is one voice: all of it is heard from its first drop on, and beyond that there is nothing to predict.
//!
//! Source: for two layers Kunin et al., "Alternating Gradient Flows" (2025, arXiv 2506.06489); the rest is derived
//! here, as `from_weights/` for linear networks.
//!
//! | file | what it computes |
//! |---|---|
//! | `course.rs` | from saddle to saddle: which modality is learned next, and when |
//! | `stage.rs` | voices in flow from where some more are heard to where the next ones are |
//! | `track.rs` | when a modality is learned along its way |
//! | `utility.rs` | the utilities of two layers |
//! | `voices.rs` | what comes to be heard as one |

mod course;
mod stage;
mod track;
mod utility;
mod voices;

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
    Course::new((moments, architecture), weights, (rtol, limit)).go_on(go_on)
}

/// Whether these networks follow a frozen residual until they drop.
fn ensure_known(moments: &Moments, architecture: &Architecture) -> Result<(), &'static str> {
    if !architecture.activation.is_homogeneous() || !architecture.biases.is_empty() {
        return Err(
            "times from the actual weights are known for homogeneous units without biases only (relu, leaky_relu)",
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
