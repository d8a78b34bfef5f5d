//! What happened in a trajectory: plateaus, half-height crossings, the unimodal phase.
//!
//! The loss is a staircase. Its speed -dLoss/dt peaks at each drop and has a minimum on each
//! plateau. With L_s the loss at such a minimum, the plateau is *entered* when the drop into it is
//! done up to a share eps, and *left* when the next drop has begun by a share eps. A minimum
//! below `dip` times the lower neighbouring peak is a plateau, a shallower one a shoulder; a drop
//! counts when it removes at least `drop` of the learnable loss. With units that have a kink the speed
//! flickers as samples cross it, and its mean over ten such drops serves.
//!
//! A modality is learned by what its map does to the outputs: when the root of their power,
//! tr[W_m S_m W_m^T]^{1/2}, reaches half of its value on the first plateau on which the modality is learned
//! (`learning.rs`).
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), sections on the time ratio; the thresholds of
//! plateaus are this project's. Detection knows nothing of theory's predictions, and works the
//! same on flow and on descent.
//!
//! | file | what it finds |
//! |---|---|
//! | `staircase.rs` | loss and speed along a trajectory, the minima of the speed |
//! | `critical_points.rs` | the critical point that a plateau lies at |
//! | `plateaus.rs` | the plateaus |
//! | `learning.rs` | when modalities and modes are learned, the unimodal phase |
//! | `section.rs` | the thresholds |

mod critical_points;
mod learning;
mod plateaus;
mod section;
mod staircase;

pub use section::DetectorSection;

use crate::data::Modality;
use crate::trajectory::{Knot, Observables, Trajectory};
use critical_points::CriticalPoint;
use indexmap::IndexMap;
use serde::Serialize;

/// Whether a minimum of the speed is deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The speed falls below `dip` times the lower neighbouring peak.
    Plateau,
    /// A shallower minimum.
    Shoulder,
}

impl Kind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Plateau => "plateau",
            Kind::Shoulder => "shoulder",
        }
    }
}

/// A plateau of the loss, deep or shallow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plateau {
    /// How deep its minimum of the speed is.
    pub kind: Kind,
    /// M_0, M_A, M_AB, M_{A1 B2} where only some modes are learned, M_*, or `other`.
    pub saddle: String,
    /// Modalities learned at the critical point it lies at, in order; None where it lies at none that is
    /// known.
    pub learned: Option<Vec<Modality>>,
    /// Whether all modes of these modalities are learned.
    #[serde(skip)]
    pub is_full: bool,
    /// The rank of each modality's map at that critical point: the number of singular values of W_m S_m^{1/2}
    /// above `share` times the largest.
    pub rank: Option<IndexMap<String, usize>>,
    /// The power of each modality's outputs at `time`, over their final power; None where that is zero, and where
    /// it is more than a hundred times that, in weights far larger than what they learn.
    pub power: IndexMap<String, Option<f64>>,
    /// When the drop into it is done up to the share eps; 0 where the run starts on it.
    pub entry: f64,
    /// When the next drop has begun by the share eps; None where the run ends on it.
    pub exit: Option<f64>,
    /// exit - entry.
    pub length: Option<f64>,
    /// When the speed is least, or where the run ends on it, the end.
    pub time: f64,
    /// The loss then.
    pub loss: f64,
    /// The trajectory there.
    #[serde(skip)]
    pub slowest: Knot,
    /// The critical point it lies at, or the nearest one.
    #[serde(skip)]
    pub(crate) nearest: CriticalPoint,
}

impl Plateau {
    /// Whether exactly these modalities, by place, are learned on it, in all their modes.
    pub fn is_of(&self, learned: &[usize]) -> bool {
        let places = self.learned_places();
        places.as_deref() == Some(learned)
    }

    /// Places of the modalities that are learned on it in all their modes.
    pub fn learned_places(&self) -> Option<Vec<usize>> {
        let learned = self.learned.as_ref().filter(|_| self.is_full)?;
        Some(learned.iter().map(|modality| modality.index).collect())
    }
}

/// When a modality is learned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossing {
    /// The modality.
    pub modality: Modality,
    /// First time at half of its level; None where that is not reached.
    pub t_learned: Option<f64>,
    /// Times at which it is learned once more, each after a plateau on which it is not: its map had to turn.
    pub t_relearned: Vec<f64>,
    /// Whether it is not learned any more at the end, as where a later stage leaves it out.
    #[serde(skip)]
    pub is_lost: bool,
    /// Root of the power of its outputs, tr[W_m S_m W_m^T]^{1/2}, on the first plateau on which it is learned,
    /// in units of y; None where there is no such plateau.
    pub level: Option<f64>,
}

/// When a mode of a modality is learned; for several outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModeCrossing {
    /// The modality.
    pub modality: Modality,
    /// Its place among the modality's modes, from 1: the strongest first.
    pub mode: usize,
    /// First time at half of its level; None where that is not reached.
    pub t_learned: Option<f64>,
    /// The singular value of W_m S_m^{1/2} on the first plateau on which the mode is learned, in units of y.
    pub level: f64,
}

impl ModeCrossing {
    /// Its name: A1 is the strongest mode of modality A.
    pub fn name(&self) -> String {
        format!("{}{}", self.modality.name, self.mode)
    }
}

/// The unimodal phase: from the first modality's half height to the second one's.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Phase {
    /// The modality learned first.
    pub first: Option<Modality>,
    /// The modality learned second.
    pub second: Option<Modality>,
    /// When the first is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// Length of the unimodal phase, t_second - t_first.
    pub length: Option<f64>,
    /// The time ratio t_second / t_first; None where the first is learned from the start.
    pub ratio: Option<f64>,
    /// Size of the first modality's map on the unimodal plateau minus its final map, positive for an
    /// overshoot.
    pub misattribution: Option<f64>,
    /// That difference, o rows of d_first numbers; None where it is too large to be read.
    pub misattribution_map: Option<Vec<Vec<f64>>>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// Everything detected in one trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Plateaus in order of time.
    pub plateaus: Vec<Plateau>,
    /// When each modality is learned.
    pub crossings: Vec<Crossing>,
    /// When each mode is learned, in order within a modality; empty for one output and for networks that
    /// are not linear.
    pub modes: Vec<ModeCrossing>,
    /// The unimodal phase.
    pub phase: Phase,
}

/// Detects plateaus, crossings and the unimodal phase in a trajectory.
pub fn detect(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    thresholds: &DetectorSection,
) -> Detection {
    let plateaus = plateaus::plateaus(trajectory, observables, thresholds);
    let (crossings, modes) = learning::crossings(trajectory, observables, &plateaus, thresholds);
    let phase = learning::phase(observables, &crossings, &plateaus, Some(thresholds));
    Detection {
        plateaus,
        crossings,
        modes,
        phase,
    }
}

/// The phase of a trajectory whose noise makes plateaus of its own, that of a descent by mini-batches:
/// modalities count as learned at half of the levels that were found in another one, the flow's.
pub fn phase_at_levels(
    trajectory: &Trajectory,
    observables: &Observables<'_>,
    flow: &Detection,
) -> Phase {
    let crossings = learning::crossings_at_levels(trajectory, observables, &flow.crossings);
    learning::phase(observables, &crossings, &[], None)
}

/// Maps smaller than this share of the whole are zero: least-squares solutions leave round-off.
const ROUND_OFF: f64 = 1e-12;
