//! `summary.json`: everything measured and predicted of a run, as plain data.

use super::cautions;
use super::compare::{self, Comparison, CurveComparison, Escape, Orders, TheoryGap, WeightsGap};
use super::problem::Problem;
use super::results::{DescentRun, Learned, RunResult};
use super::stall::StallSummary;
use super::verify::Verification;
use crate::analysis::curvature::{Curvature, Sharpness};
use crate::analysis::detector::{Crossing, ModeCrossing, Phase, Plateau};
use crate::analysis::generalisation::Generalising;
use crate::data::{Loss, Modality, Reading};
use crate::integrate::{Branches, Outcome};
use crate::linalg::norm;
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

/// Moments of the data in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct DataSummary {
    /// One entry a modality.
    pub modalities: Vec<ModalitySummary>,
    /// Rows of the file that the samples come from; only where they come from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Reading>,
    /// Number of outputs.
    pub outputs: usize,
    /// Loss_0, of outputs that are all zero: 1/2 tr S_yy, under cross-entropy ln K.
    pub initial_loss: f64,
    /// Loss_min, of the least-squares solution; None under cross-entropy, whose minimum need not be at finite weights.
    pub minimum_loss: Option<f64>,
    /// The least loss that the network can reach: above Loss_min where its maps have a smaller rank than
    /// that solution. None for networks that are not linear and under cross-entropy, where it is not known.
    pub reachable_loss: Option<f64>,
    /// The loss at the minimum of loss and mu/2 |w|^2 together, where weight decay lets the network rest; absent without
    /// weight decay, and where that minimum is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resting_loss: Option<f64>,
    /// Whether no weights have a smaller loss; else it is the least that was found.
    pub is_reachable_loss_proven: Option<bool>,
}

/// One modality's moments in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct ModalitySummary {
    /// The modality.
    pub name: Modality,
    /// Input dimension.
    pub dim: usize,
    /// |S_yxm|, the largest singular value: the growth rate from small weights.
    pub correlation_norm: f64,
    /// |S_yxm S_m^+|, Frobenius norm of its map at the unimodal saddle.
    pub unimodal_norm: f64,
    /// Loss at the unimodal saddle; None under cross-entropy.
    pub unimodal_loss: Option<f64>,
    /// Frobenius norm of its final map; under weight decay of that at rest, where it is known.
    pub final_norm: f64,
}

impl DataSummary {
    /// What the moments of a problem say before any training.
    pub fn of(problem: &Problem) -> Self {
        let moments = &problem.moments;
        let observables = problem.observables();
        let round_off = theory::solution_round_off(moments);
        let size = |map: &[f64], m: usize| {
            let power = observables.map_power(map, m);
            let is_zero = power.sqrt() <= round_off * observables.total_power(map).sqrt();
            if is_zero {
                0.0
            } else {
                norm(&map[observables.block(m)])
            }
        };
        let last = observables.final_map().as_slice();
        let is_squared = moments.compared_by() == Loss::Squared;
        let is_of_moments = problem.scenario.is_of_moments();
        let modality = |modality: &Modality| {
            let unimodal = moments.critical_map(&[modality.index]);
            let correlation_norm = theory::growth_rate(moments, modality.index);
            // The square of what round-off leaves of the distance from the minimum.
            let excess = moments.loss.excess(unimodal.as_slice());
            let is_minimum = excess <= round_off * f64::EPSILON * moments.initial_loss;
            ModalitySummary {
                name: modality.clone(),
                dim: modality.dim(),
                correlation_norm,
                unimodal_norm: match correlation_norm > 0.0 {
                    true => norm(&unimodal.as_slice()[observables.block(modality.index)]),
                    false => 0.0,
                },
                unimodal_loss: is_squared.then_some(match is_minimum {
                    true => moments.loss.floor,
                    false => moments.loss.floor + excess,
                }),
                final_norm: size(last, modality.index),
            }
        };
        Self {
            modalities: moments.modalities.iter().map(modality).collect(),
            rows: moments.reading.clone(),
            outputs: moments.outputs_len(),
            initial_loss: moments.zero_loss(),
            minimum_loss: is_squared.then_some(moments.loss.floor),
            resting_loss: moments
                .decayed_minimum()
                .map(|map| moments.loss.loss(map.as_slice())),
            reachable_loss: is_of_moments.then_some(moments.least.loss),
            is_reachable_loss_proven: is_of_moments.then_some(moments.least.is_proven),
        }
    }
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
