//! The curvature that one run meets: on its plateaus, and where asked for along its whole way.

use super::sharpness::{Sharpness, SharpnessTracker};
use super::snapshots::{PlateauSnapshot, Snapshots};
use super::{Eigenvalue, Spectrum, spectrum};
use crate::flow::Flow;
use crate::integrate::Segment;
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};
use nalgebra::DVector;
use serde::Serialize;
use std::ops::RangeInclusive;

/// Least eigenvalues computed on a plateau.
const LEAST: usize = 3;

/// Eigenvalues of the loss's Hessian where a run was slow. Each distinct one is listed once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curvature {
    /// When.
    pub time: f64,
    /// Euclidean norm of the gradient.
    pub gradient_norm: f64,
    /// The least eigenvalues, rising; None where one is not converged.
    pub least_eigenvalues: Vec<Option<f64>>,
    /// Norms of their residuals: an eigenvalue is no further away than this.
    pub least_residuals: Vec<f64>,
    /// The largest eigenvalue lambda_max; None where it is not converged.
    pub largest_eigenvalue: Option<f64>,
    /// Norm of its residual.
    pub largest_residual: f64,
    /// 2/lambda_max: plain descent with smaller learning rates is stable here.
    pub stable_learning_rate: Option<f64>,
    /// Products of the Hessian with a vector that it took.
    pub hessian_products: u64,
}

impl Curvature {
    fn of(time: f64, spectrum: &Spectrum) -> Self {
        Self {
            time,
            gradient_norm: spectrum.gradient_norm,
            least_eigenvalues: spectrum.least.iter().map(Eigenvalue::converged).collect(),
            least_residuals: spectrum.least.iter().map(|e| e.residual).collect(),
            largest_eigenvalue: spectrum.largest.converged(),
            largest_residual: spectrum.largest.residual,
            stable_learning_rate: spectrum.stable_learning_rate(),
            hessian_products: spectrum.products,
        }
    }
}

/// The curvature of the loss along a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CurvatureAlongRun {
    /// One entry a plateau; None where the Hessian is not finite.
    pub plateaus: Vec<Option<Curvature>>,
    /// The largest eigenvalue of all; None where it was not followed.
    pub stability: Option<Sharpness>,
}

impl CurvatureAlongRun {
    /// The same with learning rates times `factor`, that of the kind of descent; without them where
    /// there is none.
    pub fn with_stability_factor(mut self, factor: Option<f64>) -> Self {
        let scale = |rate: &mut Option<f64>| {
            *rate = rate.zip(factor).map(|(rate, factor)| rate * factor);
        };
        for curvature in self.plateaus.iter_mut().flatten() {
            scale(&mut curvature.stable_learning_rate);
        }
        if let Some(stability) = &mut self.stability {
            scale(&mut stability.stable_learning_rate);
        }
        self
    }
}

/// Where a plateau of the loss staircase is slowest.
#[derive(Debug, Clone, PartialEq)]
pub struct Slowest {
    /// The time of least speed.
    pub time: f64,
    /// From the plateau's entry to its exit.
    pub plateau: RangeInclusive<f64>,
}

/// Watches a run pass.
#[derive(Debug)]
pub struct CurvatureMonitor<'a> {
    flow: Flow<'a>,
    plateaus: Snapshots<'a>,
    sharpest: Option<SharpnessTracker<'a>>,
}

impl<'a> CurvatureMonitor<'a> {
    /// Starts at a run's first knot and weights. Drops of the loss of less than `least_drop` do not
    /// separate plateaus.
    pub fn new(flow: Flow<'a>, start: &Knot, weights: &DVector<f64>, least_drop: f64) -> Self {
        let observables = Observables {
            architecture: flow.architecture(),
            moments: flow.moments(),
        };
        Self {
            plateaus: Snapshots::new(observables, least_drop, start, weights),
            sharpest: None,
            flow,
        }
    }

    /// Follows the largest eigenvalue from the initial weights on: some products for every 2 % by
    /// which the weights move.
    pub fn follow_largest(&mut self, weights: &DVector<f64>) {
        self.sharpest = Some(SharpnessTracker::new(self.flow.clone(), weights));
    }

    /// Goes on with another flow of the same network, from a state on. The Hessian on plateaus is that of the last one.
    pub fn enter(&mut self, flow: Flow<'a>, time: f64, state: &DVector<f64>) {
        if let Some(sharpest) = &mut self.sharpest {
            sharpest.enter(flow.clone(), time, state);
        }
        self.flow = flow;
    }

    /// Takes in a segment, which `trajectory` ends with.
    pub fn pass(&mut self, segment: &mut dyn Segment, trajectory: &Trajectory) {
        self.plateaus.pass(segment, trajectory);
        if let Some(sharpest) = &mut self.sharpest {
            sharpest.pass(segment);
        }
    }

    /// The curvature on the plateaus that were found in the run, given its last state.
    pub fn finish(
        mut self,
        time: f64,
        state: &DVector<f64>,
        slowest: impl Iterator<Item = Slowest>,
    ) -> CurvatureAlongRun {
        let caught = self.plateaus.finish(time, state);
        let plateaus = slowest.map(|slowest| curvature_near(&mut self.flow, &caught, &slowest));
        CurvatureAlongRun {
            plateaus: plateaus.collect(),
            stability: self
                .sharpest
                .and_then(|largest| largest.finish(time, state)),
        }
    }
}

/// The curvature at the caught state of a plateau that is nearest to its slowest point; None where none was
/// caught there.
fn curvature_near(
    flow: &mut Flow<'_>,
    caught: &[PlateauSnapshot],
    slowest: &Slowest,
) -> Option<Curvature> {
    // At the minimum of the loss the speed is round-off, and its least value may be anywhere.
    let off = |caught: &PlateauSnapshot| (caught.time - slowest.time).abs();
    let nearest = caught
        .iter()
        .filter(|caught| slowest.plateau.contains(&caught.time))
        .min_by(|a, b| off(a).total_cmp(&off(b)))?;
    let spectrum = spectrum(flow, nearest.state.as_slice(), LEAST)?;
    Some(Curvature::of(nearest.time, &spectrum))
}
