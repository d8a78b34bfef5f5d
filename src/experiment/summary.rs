//! `summary.json`: everything measured and predicted of a run, as plain data.

use super::cautions;
use super::compare::{self, Escape, TheoryGap, WeightsGap};
use super::data_summary::DataSummary;
use super::distance::{Comparison, CurveComparison, Orders};
use super::problem::Problem;
use super::results::{DescentRun, Learned, RunResult};
use super::stall::StallSummary;
use super::verify::Verification;
use crate::analysis::curvature::{Curvature, Sharpness};
use crate::analysis::detector::{Crossing, ModeCrossing, Phase, Plateau};
use crate::analysis::generalisation::Generalising;
use crate::integrate::{Branches, Outcome};
use crate::theory::{self, Balance, FromWeights, Theory};
use serde::{Serialize, Serializer};

/// The content of `summary.json`, apart from its scenario and its provenance. Missing values are null; numbers that are not finite too.
#[derive(Debug, Clone, Serialize)]
pub struct Summary<'r> {
    /// What the data say before any training.
    pub data: DataSummary,
    /// How the integration went.
    pub flow: FlowSummary<'r>,
    /// The unimodal phase of the flow.
    pub phase: &'r Phase,
    /// What was learned beyond total maps; only for networks that are not linear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned: Option<&'r Learned>,
    /// When each modality was learned.
    pub crossings: &'r [Crossing],
    /// When each mode was learned, and when theory expects it; empty for one output.
    pub modes: Vec<ModeSummary<'r>>,
    /// Plateaus of the loss.
    pub plateaus: Vec<PlateauSummary<'r>>,
    /// The generalisation error along the flow; null where there is neither population nor hold-out.
    pub generalisation: Option<&'r Generalising>,
    /// Predictions, and their gaps to the measurements.
    pub theory: TheorySummary<'r>,
    /// The largest curvature along the flow and the learning rate it allows; null without descent.
    pub stability: Option<Sharpness>,
    /// Discrete descents.
    pub descent: &'r [DescentRun],
    /// Whether the modality that was learned first contributes less to the output than another; null
    /// where none is learned first (early fusion, a single modality).
    pub superficial_preference: Option<bool>,
    /// Descents against the flow.
    pub comparison: Vec<Comparison>,
    /// Order of convergence of descent to the flow, from two learning rates on.
    pub convergence_order: Option<Orders>,
    /// The run repeated by another method, where that was asked for.
    pub verification: Option<&'r Verification>,
    /// What the user should know before trusting the run.
    pub warnings: Vec<String>,
}

/// How the integration went.
#[derive(Debug, Clone, Serialize)]
pub struct FlowSummary<'r> {
    /// Integration method that was used.
    pub method: &'static str,
    /// Why it ended.
    pub outcome: Outcome,
    /// Time reached.
    pub t_end: f64,
    /// Loss reached.
    pub final_loss: f64,
    /// Generalisation error reached, where there is one.
    pub final_generalisation: Option<f64>,
    /// Fraction of the samples whose class has the largest output at the end; only under cross-entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Fraction of the outputs' power at the end that their best linear fit explains, under cross-entropy of that of
    /// the probabilities; only for networks that are not linear, and under cross-entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linear_share: Option<f64>,
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps.
    pub rejected_steps: u64,
    /// Evaluations of the right-hand side.
    pub rhs_evaluations: u64,
    /// Products of the Hessian with a vector.
    pub hessian_products: u64,
    /// Mean dimension of the Krylov spaces; null for explicit methods, which build none.
    pub krylov_mean: Option<f64>,
    /// Largest dimension of a Krylov space.
    pub krylov_max: Option<u64>,
    /// Drift of the conserved matrices over the squared norm of the weights.
    pub balancedness_drift: Option<f64>,
    /// Largest drift of a conserved matrix over its own size at the start (that of balanced weights, which
    /// vanishes, over the squared norm of the initial layers): where it is not small, what grows out of
    /// modes that had shrunk is not known.
    pub balancedness_drift_own: Option<f64>,
    /// How often a modulated flow switched, and how long it slid; absent for any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modulation: Option<Branches>,
    /// Why a run that is stalled does not go on; null for all others.
    pub stalled: Option<StallSummary<'r>>,
    /// Relative error to which the trajectory between steps is kept, beside the integrator's.
    pub track_tolerance: f64,
    /// Number of weights of the network.
    pub weights: usize,
    /// The smaller network that was integrated in its place.
    pub reduction: ReductionSummary,
}

/// The reduction of the network.
#[derive(Debug, Clone, Serialize)]
pub struct ReductionSummary {
    /// Whether a reduced network was integrated.
    pub used: bool,
    /// Number of weights of the full network.
    pub full_weights: usize,
    /// Number of weights of the reduced one.
    pub reduced_weights: Option<usize>,
    /// Length of the paths that span its bases: each step extends them by one layer, forward and backward.
    #[serde(rename = "sweeps")]
    pub path_length: Option<usize>,
    /// Estimated bound of the relative error of times and of the maps' shapes.
    pub error_bound: Option<f64>,
}

impl<'r> FlowSummary<'r> {
    fn of(problem: &Problem, result: &'r RunResult) -> Self {
        let flow = &result.flow;
        let (observables, last, work) =
            (problem.observables(), flow.trajectory.end(), &flow.end.work);
        let reduction = problem.network(flow.is_reduced).reduction;
        Self {
            method: flow.method.name(),
            outcome: flow.end.outcome,
            t_end: flow.end.time,
            final_loss: observables.loss(last),
            final_generalisation: observables.generalisation(last),
            accuracy: observables.accuracy(last),
            linear_share: observables.linear_share(last),
            steps: work.steps,
            rejected_steps: work.rejected_steps,
            rhs_evaluations: work.rhs_evaluations,
            hessian_products: work.hessian_products,
            krylov_mean: work.krylov_mean(),
            krylov_max: work.krylov_mean().map(|_| work.krylov_max),
            balancedness_drift: flow.balancedness_drift,
            balancedness_drift_own: flow.balancedness_drift_own,
            modulation: flow.branches,
            stalled: StallSummary::of(problem, result),
            track_tolerance: flow.trajectory.tolerance(),
            weights: problem.architecture.len(),
            reduction: ReductionSummary {
                used: reduction.is_some(),
                full_weights: problem.architecture.len(),
                reduced_weights: reduction.map(|r| r.weights.len()),
                path_length: reduction.map(|r| r.path_length),
                error_bound: reduction.map(|r| r.error_bound),
            },
        }
    }
}

/// A plateau of the flow: what is known of it beyond its place.
#[derive(Debug, Clone, Serialize)]
pub struct PlateauSummary<'r> {
    /// The plateau.
    #[serde(flatten)]
    pub plateau: &'r Plateau,
    /// Curvature of the loss where the speed is least; None for descents.
    pub curvature: Option<PlateauCurvature<'r>>,
    /// Growth of the modality that is learned next; None for descents, and where there is not
    /// exactly one.
    pub escape: Option<&'r Escape>,
}

/// The curvature on a plateau, and what theory and descent make of it.
#[derive(Debug, Clone, Serialize)]
pub struct PlateauCurvature<'r> {
    /// The curvature.
    #[serde(flatten)]
    pub curvature: &'r Curvature,
    /// Whether theory's saddle has a direction of negative curvature; None where it is none.
    pub is_strict: Option<bool>,
}

pub(super) fn bare_plateaus<S: Serializer>(
    plateaus: &Option<Vec<Plateau>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let bare = |plateau| PlateauSummary {
        plateau,
        curvature: None,
        escape: None,
    };
    let plateaus = plateaus.as_ref();
    let bare: Option<Vec<_>> = plateaus.map(|plateaus| plateaus.iter().map(bare).collect());
    bare.serialize(serializer)
}

/// When a mode was learned, measured and predicted.
#[derive(Debug, Clone, Serialize)]
pub struct ModeSummary<'r> {
    /// Measured.
    #[serde(flatten)]
    pub crossing: &'r ModeCrossing,
    /// Theory's time; None where it has none.
    pub theory_t: Option<f64>,
    /// (measured - theory)/|theory|.
    pub gap: Option<f64>,
}

impl<'r> ModeSummary<'r> {
    fn of(crossing: &'r ModeCrossing, theory: &Theory) -> Self {
        let theory_t = theory.mode_time(crossing.modality.index, crossing.mode);
        Self {
            crossing,
            theory_t,
            gap: compare::relative_gap(crossing.t_learned, theory_t),
        }
    }
}

/// Predictions and their gaps.
#[derive(Debug, Clone, Serialize)]
pub struct TheorySummary<'r> {
    /// The predictions.
    #[serde(flatten)]
    pub theory: &'r Theory,
    /// Relative gaps (measured - predicted)/predicted; null where nothing was measured.
    pub gap: Option<TheoryGap>,
    /// The solution of the reduced equations against the flow; null where there is none.
    pub curve: Option<CurveComparison>,
    /// The times from the actual initial weights; null where they are not known.
    pub from_weights: Option<FromWeightsSummary<'r>>,
    /// What would make the time ratio 1; null where theory has no order.
    pub balance: Option<Balance>,
}

/// The times from the actual initial weights, and how far the measured ones are from them.
#[derive(Debug, Clone, Serialize)]
pub struct FromWeightsSummary<'r> {
    /// The predictions.
    #[serde(flatten)]
    pub found: &'r FromWeights,
    /// Relative gaps (measured - predicted)/predicted; null where nothing was measured.
    pub gaps: Option<WeightsGap>,
}

impl<'r> TheorySummary<'r> {
    /// Predictions, beside a run's gaps and its theory curve where there is a run.
    pub fn of(
        problem: &Problem,
        theory: &'r Theory,
        gap: Option<TheoryGap>,
        curve: Option<CurveComparison>,
    ) -> Self {
        let of_weights = |found| FromWeightsSummary {
            found,
            gaps: gap.map(|gap| gap.weights),
        };
        Self {
            theory,
            gap,
            curve,
            from_weights: theory.from_weights.as_ref().map(of_weights),
            balance: problem.balance(theory),
        }
    }
}

impl<'r> Summary<'r> {
    /// The summary of a run.
    pub fn of(problem: &Problem, result: &'r RunResult) -> Self {
        let detection = &result.flow.detection;
        Self {
            data: DataSummary::of(problem),
            flow: FlowSummary::of(problem, result),
            phase: &detection.phase,
            learned: result.learned.as_ref(),
            crossings: &detection.crossings,
            modes: detection
                .modes
                .iter()
                .map(|mode| ModeSummary::of(mode, &result.theory))
                .collect(),
            plateaus: plateaus(problem, result),
            generalisation: result.generalisation.as_ref(),
            stability: result.flow.curvature.stability,
            theory: TheorySummary::of(
                problem,
                &result.theory,
                Some(result.theory_gap),
                result.theory_curve.as_ref().map(|curve| curve.comparison),
            ),
            descent: &result.descents,
            superficial_preference: compare::superficial_preference(
                &problem.observables(),
                &detection.phase,
            ),
            comparison: result.descents.iter().map(|run| run.comparison).collect(),
            convergence_order: result.orders,
            verification: None,
            warnings: warnings(problem, result),
        }
    }
}

/// What was known before the run, and what it shows.
fn warnings(problem: &Problem, result: &RunResult) -> Vec<String> {
    let before = problem.warnings.iter().cloned();
    before
        .chain(cautions::after(problem, &result.flow))
        .collect()
}

/// The flow's plateaus with curvature and escape.
fn plateaus<'r>(problem: &Problem, result: &'r RunResult) -> Vec<PlateauSummary<'r>> {
    let flow = &result.flow;
    // An interrupted run may lack either.
    let curvatures = flow.curvature.plateaus.iter().map(Option::as_ref);
    let escapes = result.escapes.iter().map(Option::as_ref);
    let known = curvatures
        .chain(std::iter::repeat(None))
        .zip(escapes.chain(std::iter::repeat(None)));
    let plateaus = flow.detection.plateaus.iter();
    plateaus
        .zip(known)
        .map(|(plateau, (curvature, escape))| {
            let is_strict = plateau.learned_places().and_then(|learned| {
                theory::is_strict_saddle(&problem.moments, &problem.architecture, &learned)
            });
            PlateauSummary {
                plateau,
                curvature: curvature.map(|curvature| PlateauCurvature {
                    curvature,
                    is_strict,
                }),
                escape,
            }
        })
        .collect()
}
