//! Which parts of a target were learned, and when: of data whose target is known to be a sum.
//!
//! A part counts as learned where the outputs hold more than half of it at the end of the run; when,
//! is told by the first time that they hold half.

use crate::trajectory::{Knot, Observables, Trajectory};
use serde::Serialize;

/// What became of one part of the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// How much of it is in the outputs at the end, by regression.
    pub last: f64,
    /// First time that half of it is in the outputs.
    pub t_half: Option<f64>,
}

impl Part {
    /// Whether more than half of it is in the outputs at the end.
    pub fn is_learned(&self) -> bool {
        self.last > HALF
    }
}

const HALF: f64 = 0.5;

/// The parts of the target along a run; empty where none are known.
pub fn parts(observables: &Observables<'_>, trajectory: &Trajectory) -> Vec<Part> {
    let names = observables.part_names().iter().enumerate();
    names
        .map(|(k, name)| Part {
            name,
            last: observables.parts(trajectory.end())[k],
            t_half: first_at_half(observables, trajectory, k),
        })
        .collect()
}

fn first_at_half(observables: &Observables<'_>, trajectory: &Trajectory, k: usize) -> Option<f64> {
    let reached = |knot: &Knot| observables.parts(knot)[k] >= HALF;
    trajectory.first_crossing((0.0, trajectory.end().time), reached)
}

/// `linear and xor`, `linear`, ..., `neither`: the parts learned.
pub fn verdict(parts: &[Part]) -> String {
    let learned = parts.iter().filter(|part| part.is_learned());
    let names: Vec<&str> = learned.map(|part| part.name).collect();
    match names.len() {
        0 => "neither".to_owned(),
        2 if parts.len() == 2 => "both".to_owned(),
        _ => names.join(" and "),
    }
}
