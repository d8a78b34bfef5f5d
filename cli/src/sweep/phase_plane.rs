//! The plane of the total maps of two scalar inputs: where the flow rests, and how it moves.

use super::theory_line::unreduced;
use crate::error::Result;
use modalflow::data::Moments;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::network::Architecture;
use modalflow::theory;

/// The plane of one cell.
#[derive(Debug)]
pub struct PhasePlane {
    /// Its network.
    pub architecture: Architecture,
    /// M_0, M_*, and the unimodal saddles that the architecture has.
    pub points: Vec<CriticalPoint>,
    moments: Moments,
}

/// A critical point of the loss.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalPoint {
    /// The modalities that are learned there.
    pub learned: Vec<usize>,
    /// Its place: the total maps of both modalities.
    pub at: (f64, f64),
}

impl PhasePlane {
    /// The plane of a scenario with two scalar inputs and one output.
    ///
    /// # Errors
    /// As for [`modalflow::experiment::problem::Problem::prepare`].
    pub fn of(scenario: &Scenario) -> Result<Self> {
        Ok(Self::within(&unreduced(scenario.clone())?))
    }

    /// That of a problem with two scalar inputs and one output.
    pub fn within(problem: &Problem) -> Self {
        let observables = problem.observables();
        let point = |learned: Vec<usize>| {
            let map = observables.critical_map(&learned);
            CriticalPoint {
                at: (map[0], map[1]),
                learned,
            }
        };
        let sets = problem.architecture.critical_sets();
        Self {
            points: sets.into_iter().map(point).collect(),
            architecture: problem.architecture.clone(),
            moments: problem.moments.clone(),
        }
    }

    /// The rate of change of both maps under the flow of balanced weights; None where it is not known.
    pub fn velocity(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let rate = theory::map_rate(&self.moments, &self.architecture, &[x, y])?;
        Some((rate[0], rate[1]))
    }
}
