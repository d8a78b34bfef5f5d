//! The memory of a run, estimated before anything is drawn or integrated.

use super::Scenario;
use super::cost::Forecast;
use crate::data::Extent;
use crate::error::{InputError, Result};
use crate::flow;
use crate::network::Architecture;
use crate::trajectory;

/// Vectors of the length of the state that a run holds at its peak: ode_solvers' stages,
/// continuous output and temporaries, the segment's states, and the initial weights.
const STATE_VECTORS: u64 = 40;

/// Flows of one run: integrated, recorded, and two watched for their curvature.
const FLOWS: u64 = 4;

/// A sample's places: its row while it is drawn, a block, and a block with a modality left out.
const COPIES: u64 = 3;

const NUMBER: u64 = size_of::<f64>() as u64;

const GIB: f64 = (1u64 << 30) as f64;

/// Copies of the flow's trajectory: its own, what another thread can look at, and one while either is replaced.
const TRAJECTORIES: u64 = 3;

/// Bytes of a run but for its trajectories: the state of `architecture`, second moments of `extent`, and so many samples
/// kept.
pub fn of_run(
    architecture: &Architecture,
    extent: &Extent,
    samples: u64,
    is_of_moments: bool,
) -> u64 {
    let states = (architecture.len() as u64).saturating_mul(STATE_VECTORS * NUMBER);
    let kept = of_samples(samples, [architecture.inputs(), architecture.outputs]);
    let flows = if is_of_moments {
        0
    } else {
        flow::sampled_memory(architecture, samples).saturating_mul(FLOWS)
    };
    let parts = [kept, flows, extent.bytes()];
    parts.into_iter().fold(states, u64::saturating_add)
}

/// Bytes of the trajectories of a run at most: those of the flow, of each descent, and of the theory curve.
pub fn of_trajectories(
    architecture: &Architecture,
    extent: &Extent,
    descents: u64,
    is_of_moments: bool,
) -> u64 {
    let measured = architecture.measured_len();
    let by_products = match is_of_moments {
        true => extent.by_products().len,
        false => 0,
    };
    let one = trajectory::most_bytes(measured, by_products);
    one.saturating_mul(TRAJECTORIES + descents + 1)
}

/// Bytes of samples of so many inputs and outputs.
fn of_samples(samples: u64, [inputs, outputs]: [usize; 2]) -> u64 {
    samples.saturating_mul((inputs + outputs) as u64 * COPIES * NUMBER)
}

/// Makes sure that a run fits into `available` bytes.
///
/// # Errors
/// An input error that names the sizes.
pub fn ensure_fits(forecast: &Forecast, available: u64) -> Result<()> {
    let Some((needed, available)) = shortage(forecast.memory_bytes, available) else {
        return Ok(());
    };
    let (samples, remedy) = match forecast.kept_samples {
        0 => (String::new(), "choose smaller widths, or fewer inputs"),
        samples => (
            format!(" and {samples} samples"),
            "choose smaller widths or fewer samples",
        ),
    };
    let problem = format!(
        "{} weights{samples} need about {needed:.1} GiB to integrate, and this machine has {available:.1} GiB",
        forecast.weights,
    );
    Err(InputError::at("network", problem, remedy))
}

/// Makes sure that samples which have to be kept fit into `available` bytes, before any is drawn.
///
/// # Errors
/// An input error at the number of samples.
pub fn ensure_samples_fit(scenario: &Scenario, available: u64) -> Result<()> {
    let about = scenario.data.get().about();
    // Moments alone are summed sample by sample, where the source can.
    let are_kept = scenario.keeps_samples() || about.holds_samples;
    let drawn = about.sampling.drawn();
    let (Some(samples), Some(shape), true) = (drawn, about.shape, are_kept) else {
        return Ok(());
    };
    match shortage(of_samples(samples, shape), available) {
        None => Ok(()),
        Some((needed, available)) => {
            let problem = format!(
                "{samples} samples need about {needed:.1} GiB, and this machine has {available:.1} GiB"
            );
            let remedy = "choose fewer samples: a few thousand are enough for most questions";
            Err(InputError::at("data", problem, remedy))
        }
    }
}

/// GiB needed and there, where less is there than needed.
fn shortage(needed: u64, available: u64) -> Option<(f64, f64)> {
    (needed > available).then(|| (needed as f64 / GIB, available as f64 / GIB))
}
