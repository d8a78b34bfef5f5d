//! What happened in a trajectory: plateaus, half-height crossings, the unimodal phase.
//!
//! The loss is a staircase. Its speed -dLoss/dt peaks at each drop and has a minimum on each
//! plateau. With L_s the loss at such a minimum, the plateau is *entered* when the drop into it is
//! done up to a share eps, and *left* when the next drop has begun by a share eps. A minimum
//! below `dip` times the lower neighbouring peak is a plateau, a shallower one a shoulder; a drop
//! counts when it removes at least `drop` of the learnable loss. With units that have a kink the speed
//! flickers as samples cross it, and its mean over ten such drops serves.
//!
//! A modality is learned when the norm of its total map reaches half of a level: for the first
//! modality its value at the unimodal saddle, for the others their final value. Where the
//! architecture has no such saddle (early fusion), or the second modality is learned before that
//! half is reached, the final value serves for the first as well.
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), sections on the time ratio; the thresholds of
//! plateaus are this project's. Detection knows nothing of theory's predictions, and works the
//! same on flow and on descent.
//!
//! | file | what it finds |
//! |---|---|
//! | `plateaus.rs` | plateaus of the loss staircase, and the saddles they lie at |
//! | `phase.rs` | half-height crossings, the unimodal phase |

mod phase;
mod plateaus;
mod section;

pub use section::DetectorSection;

use crate::data::Modality;
use crate::trajectory::{Knot, Observables, Trajectory};
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
    /// M_0, M_A, M_AB, ..., M_*, or `other`.
    pub saddle: String,
    /// Modalities learned at the critical point it lies at, in order; None where it lies at none of
    /// the critical points M_S of this architecture.
    pub learned: Option<Vec<Modality>>,
    /// When the drop into it is done up to the share eps; 0 where the run starts on it.
    pub entry: f64,
    /// When the next drop has begun by the share eps; None where the run ends on it.
    pub exit: Option<f64>,
    /// exit - entry.
    pub length: Option<f64>,
    /// The loss where the speed is least.
    pub loss: f64,
    /// The trajectory there.
    #[serde(skip)]
    pub slowest: Knot,
}

impl Plateau {
    /// Whether exactly these modalities, by place, are learned on it.
    pub fn is_of(&self, learned: &[usize]) -> bool {
        let places = self.learned_places();
        places.as_deref() == Some(learned)
    }

    /// Places of the modalities that are learned on it.
    pub fn learned_places(&self) -> Option<Vec<usize>> {
        let learned = self.learned.as_ref()?;
        Some(learned.iter().map(|modality| modality.index).collect())
    }
}

/// When a modality is learned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossing {
    /// The modality.
    pub modality: Modality,
    /// First time at half of its norm at the unimodal saddle M_m.
    pub t_half_unimodal: Option<f64>,
    /// First time at half of its final norm.
    pub t_half_final: Option<f64>,
    /// Frobenius norm of its map at the unimodal saddle.
    #[serde(skip)]
    pub unimodal_norm: f64,
    /// Frobenius norm of its final map.
    #[serde(skip)]
    pub final_norm: f64,
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
    /// Half-height crossings, one entry a modality.
    pub crossings: Vec<Crossing>,
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
    let crossings: Vec<Crossing> = (0..observables.architecture.modalities.len())
        .map(|m| phase::crossing(trajectory, observables, m))
        .collect();
    let phase = phase::phase(observables, &crossings, &plateaus);
    Detection {
        plateaus,
        crossings,
        phase,
    }
}

/// Times looked at inside each interval of the trajectory's knots. The knots resolve the trajectory
/// to its tolerance; these points only place extrema of the speed between them.
const BETWEEN_KNOTS: usize = 3;
