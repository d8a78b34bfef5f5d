//! When networks of homogeneous units learn their modalities, from their actual initial weights and the samples.
//!
//! While the outputs f_g of a group of units are small nothing feeds back on them: the group is *dormant*. A group is the stack of a
//! modality in late fusion, a hidden unit of two layers with early fusion, and all of a deeper network with shared layers. With
//! units for which phi(c z) = c phi(z) (ReLU, leaky ReLU, linear) it follows the homogeneous flow of its correlation with the residual r,
//!
//! ```text
//! dW_g/dt = grad E[<r, f_g(x; W_g)>]          r = y at first, then y less the outputs of the groups that are active
//! ```
//!
//! Two layers grow like e^{2 U t} with the utility U_m, the maximum of |E[r phi(u x_m)]| over unit vectors u; more
//! layers blow up. A group is dormant until its own outputs would take a hundredth off its rate,
//!
//! ```text
//! |grad 1/2 E|f_g|^2| = 0.01 |grad E[<r, f_g>]|          both by its own weights
//! ```
//!
//! From there on it is *active*: it goes through its drop together with the others that are, and those that are dormant follow what
//! they leave while they move. Units are dormant together, since many of them learn the same: once their common outputs feed back so much the
//! largest become active, all but those that make less than a hundredth of what they all do. So what is learned first is learned as if
//! it were alone, and the rest is driven by that. What its own feedback has done to a group by the time that it becomes active, some
//! hundredths of its time constant, is made up for to first order.
//!
//! A deeper network with shared layers is one group: all of it is active from its first drop on, and beyond that there is nothing to predict.
//!
//! Source: for two layers, and for dormant and active units, Kunin et al., "Alternating Gradient Flows" (2025, arXiv 2506.06489); the rest is derived
//! here, as `from_weights/` for linear networks.
//!
//! | file | what it computes |
//! |---|---|
//! | `course.rs` | from saddle to saddle: which modality is learned next, and when |
//! | `stage.rs` | the flow from where some groups become active to where the next ones do |
//! | `track.rs` | when a modality is learned along its way |
//! | `utility.rs` | the utilities of two layers |
//! | `groups.rs` | what becomes active as one |

mod course;
mod groups;
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
