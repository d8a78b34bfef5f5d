//! The results of a scenario, as plain data that serialise themselves.

use super::compare::{DescentTheory, Escape, TheoryGap};
use super::distance::{Comparison, CurveComparison, Orders};
use super::problem::Problem;
use super::summary;
use crate::analysis::ablation::Ablation;
use crate::analysis::curvature::CurvatureAlongRun;
use crate::analysis::detector::{Detection, Phase, Plateau};
use crate::analysis::generalisation::Generalising;
use crate::analysis::rest::Rest;
use crate::analysis::saddle_visits::Visits;
use crate::analysis::target_components::Part;
use crate::descent::Descent;
use crate::integrate::{Branches, End, Method, Outcome};
use crate::theory::{Curve, Theory};
use crate::trajectory::Trajectory;
use nalgebra::DVector;
use serde::Serialize;
use std::sync::Arc;

/// The flow's part of the results.
#[derive(Debug, Clone)]
pub struct FlowRun {
    /// The method of the integration.
    pub method: Method,
    /// Whether the reduced network was integrated.
    pub is_reduced: bool,
    /// How the integration ended; the state is that of the network integrated.
    pub end: End,
    /// The trajectory.
    pub trajectory: Trajectory,
    /// What happened in it.
    pub detection: Detection,
    /// Frobenius norm of the drift of the conserved balancedness matrices, over the squared norm
    /// of the weights. None for networks of depth 1, which conserve none, and for interrupted runs.
    pub balancedness_drift: Option<f64>,
    /// Largest drift of a conserved matrix over its own size; None likewise.
    pub balancedness_drift_own: Option<f64>,
    /// What shows that the flow rests, where it ended for that.
    pub rest: Option<Rest>,
    /// The branches of a modulated flow; None for any other.
    pub branches: Option<Branches>,
    /// The curvature of the loss on each of the detected plateaus; along the whole run as well
    /// where a descent is asked for. Empty in verifications.
    pub curvature: CurvatureAlongRun,
}

/// One descent's part of the results.
#[derive(Debug, Clone, Serialize)]
pub struct DescentRun {
    /// The descent.
    #[serde(flatten)]
    pub descent: Descent,
    /// Its unimodal phase.
    pub phase: Phase,
    /// Its plateaus; None for mini-batches, whose noise makes plateaus of its own.
    #[serde(serialize_with = "summary::bare_plateaus")]
    pub plateaus: Option<Vec<Plateau>>,
    /// Its visits to the saddles and to the minimum.
    pub visits: Vec<Visits>,
    /// Theory at this learning rate, and its gaps.
    #[serde(flatten)]
    pub theory: DescentTheory,
    /// Its distance from the flow.
    #[serde(skip)]
    pub comparison: Comparison,
}

/// The theory curve's part of the results.
#[derive(Debug, Clone)]
pub struct TheoryCurve {
    /// The curve, over the flow's time.
    pub curve: Curve,
    /// How far the flow is from it.
    pub comparison: CurveComparison,
}

/// What a network that is not linear learned.
#[derive(Debug, Clone, Serialize)]
pub struct Learned {
    /// Which parts of the target: both, neither, or a name; None where the target has no known parts.
    pub verdict: Option<String>,
    /// The parts; empty where none are known.
    pub parts: Vec<Part>,
    /// When theory learns each of them from the actual initial weights.
    #[serde(rename = "from_weights")]
    pub predicted: Vec<PredictedPart>,
    /// The loss at the flow's end with the inputs of one modality at zero.
    #[serde(rename = "ablation")]
    pub ablations: Vec<Ablation>,
}

/// When theory says that half of a part of the target is learned.
#[derive(Debug, Clone, Serialize)]
pub struct PredictedPart {
    /// The part's name.
    pub name: &'static str,
    /// When its modality is learned, from the actual initial weights.
    pub t_half: Option<f64>,
    /// (measured - predicted)/|predicted|.
    pub gap: Option<f64>,
}

/// All results of a scenario, or those that an interrupted run had come to.
#[derive(Debug, Clone)]
pub struct RunResult {
    /// Whether nothing is missing: the run was not interrupted.
    pub is_complete: bool,
    /// The flow.
    pub flow: Arc<FlowRun>,
    /// What was learned beyond total maps; None for linear networks.
    pub learned: Option<Learned>,
    /// Descents in the order of the scenario's learning rates.
    pub descents: Vec<DescentRun>,
    /// The flow's generalisation, where there is a population or a hold-out.
    pub generalisation: Option<Generalising>,
    /// Predictions.
    pub theory: Theory,
    /// The flow's measurements against the predictions.
    pub theory_gap: TheoryGap,
    /// The solution of theory's reduced equations; None where they make no prediction.
    pub theory_curve: Option<TheoryCurve>,
    /// How each plateau is left, measured against predicted.
    pub escapes: Vec<Option<Escape>>,
    /// Order of convergence of descent to the flow, from two learning rates on.
    pub orders: Option<Orders>,
}

impl FlowRun {
    /// The first outcome of this flow and these descents that is not a success; the flow's own where
    /// all are.
    pub fn outcome_with<'a>(&self, descents: impl IntoIterator<Item = &'a DescentRun>) -> Outcome {
        let descents = descents.into_iter().map(|run| run.descent.outcome);
        std::iter::once(self.end.outcome)
            .chain(descents)
            .find(|outcome| !outcome.is_success())
            .unwrap_or(self.end.outcome)
    }

    /// Weights of the full network at the end.
    pub fn final_weights(&self, problem: &Problem) -> DVector<f64> {
        let reduction = problem.network(self.is_reduced).reduction;
        reduction.map_or_else(
            || self.end.state.clone(),
            |reduction| reduction.lift(&problem.weights, &self.end.state),
        )
    }
}

impl RunResult {
    /// Interrupted where something is missing; else the first outcome that is not a success, and the
    /// flow's own where all are.
    pub fn outcome(&self) -> Outcome {
        match self.is_complete {
            true => self.flow.outcome_with(&self.descents),
            false => Outcome::Interrupted,
        }
    }
}
