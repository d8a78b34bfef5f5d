//! `summary.json`: everything measured and predicted, as plain data.

use super::curvature::{
    CurvatureSummary, EscapeSummary, StabilitySummary, add_curvature, stability_factor,
    stability_warning,
};
use super::generalisation::{GeneralisationSummary, generalisation_summary};
use super::learned::{LearnedSummary, VisitsSummary, learned, visits};
use super::saddle_name;
use crate::scenario::ScenarioFile;
use modalflow::analysis::detector::{Detection, Kind, Phase};
use modalflow::experiment::compare::{Comparison, CurveComparison, Orders, TheoryGap};
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::{DescentRun, RunResult};
use modalflow::experiment::verify::Verification;
use modalflow::integrate::Outcome;
use modalflow::linalg::norm;
use modalflow::theory::{self, Theory};
use modalflow::trajectory::overshoot;
use serde::Serialize;

/// Entries up to which a map is written out.
pub const MOST_MAP_ENTRIES: usize = 64;

/// The content of `summary.json`. Missing values are null; numbers that are not finite too.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Name of the run.
    pub name: String,
    /// The scenario with every default filled in.
    pub scenario: ScenarioFile,
    /// What the data say before any training.
    pub data: DataSummary,
    /// How the integration went.
    pub flow: FlowSummary,
    /// The unimodal phase of the flow.
    pub phase: PhaseSummary,
    /// What was learned beyond total maps; only for networks that are not linear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned: Option<LearnedSummary>,
    /// When each modality reached half of its levels.
    pub crossings: Vec<CrossingSummary>,
    /// Treads of the loss staircase.
    pub plateaus: Vec<PlateauSummary>,
    /// The generalisation error along the flow; null where there is neither population nor hold-out.
    pub generalisation: Option<GeneralisationSummary>,
    /// Predictions, and their gaps to the measurements.
    pub theory: TheorySummary,
    /// The largest curvature along the flow and the learning rate it allows; null without descent.
    pub stability: Option<StabilitySummary>,
    /// Discrete descents.
    pub descent: Vec<DescentSummary>,
    /// Descents against the flow.
    pub comparison: Vec<Comparison>,
    /// Order of convergence of descent to the flow, from two learning rates on.
    pub convergence_order: Option<Orders>,
    /// The run repeated by another method, where that was asked for.
    pub verification: Option<Verification>,
    /// What the user should know before trusting the run.
    pub warnings: Vec<String>,
    /// Where the numbers come from; the only part that differs between equal runs.
    pub provenance: Option<Provenance>,
}

/// Moments of the data in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct DataSummary {
    /// One entry a modality.
    pub modalities: Vec<ModalitySummary>,
    /// Number of outputs.
    pub outputs: usize,
    /// Loss_0 = 1/2 tr S_yy.
    pub initial_loss: f64,
    /// Loss_min.
    pub minimum_loss: f64,
}

/// One modality's moments in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct ModalitySummary {
    /// Name.
    pub name: String,
    /// Input dimension.
    pub dim: usize,
    /// |S_yxm|, the largest singular value: the growth rate from small weights.
    pub correlation_norm: f64,
    /// |S_yxm S_m^+|, Frobenius norm of its map at the unimodal saddle.
    pub unimodal_norm: f64,
    /// Loss at the unimodal saddle.
    pub unimodal_loss: f64,
    /// Frobenius norm of its final map.
    pub final_norm: f64,
}

/// How the integration went.
#[derive(Debug, Clone, Serialize)]
pub struct FlowSummary {
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
    /// Share of the outputs' power at the end that their best linear fit explains; only for
    /// networks that are not linear.
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
    /// Sweeps that found its bases: each extends them by one layer, forward and backward.
    pub sweeps: Option<usize>,
    /// Estimated bound of the relative error of times and of the maps' shapes.
    pub error_bound: Option<f64>,
}

/// The unimodal phase.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseSummary {
    /// The modality learned first.
    pub first: Option<String>,
    /// The modality learned second.
    pub second: Option<String>,
    /// When the first is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// t_second - t_first.
    pub length: Option<f64>,
    /// t_second / t_first.
    pub ratio: Option<f64>,
    /// Size of (first modality's map on the plateau - its final map), positive for an overshoot.
    pub misattribution: Option<f64>,
    /// That difference, o rows of d_first numbers; null for more than 64 entries.
    pub misattribution_map: Option<Vec<Vec<f64>>>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// When a modality reached half of its levels.
#[derive(Debug, Clone, Serialize)]
pub struct CrossingSummary {
    /// The modality.
    pub modality: String,
    /// First time at half of its norm at the unimodal saddle.
    pub t_half_unimodal: Option<f64>,
    /// First time at half of its final norm.
    pub t_half_final: Option<f64>,
}

/// A tread of the loss staircase.
#[derive(Debug, Clone, Serialize)]
pub struct PlateauSummary {
    /// `plateau` or `shoulder`.
    pub kind: &'static str,
    /// M_0, M_A, M_AB, ..., M_*, or `other`.
    pub saddle: String,
    /// Names of the modalities learned there; null where the saddle is `other`.
    pub learned: Option<Vec<String>>,
    /// When the drop into it is done.
    pub entry: f64,
    /// When the next drop has begun; null where the run ends on it.
    pub exit: Option<f64>,
    /// exit - entry.
    pub length: Option<f64>,
    /// Loss where the speed is least.
    pub loss: f64,
    /// Curvature of the loss there; null for descents.
    pub curvature: Option<CurvatureSummary>,
    /// Growth of the modality that is learned next; null for descents, and where there is not
    /// exactly one.
    pub escape: Option<EscapeSummary>,
}

/// Predictions.
#[derive(Debug, Clone, Serialize)]
pub struct TheorySummary {
    /// The modality learned first.
    pub first: Option<String>,
    /// The modality learned second.
    pub second: Option<String>,
    /// Time ratio.
    pub ratio: Option<f64>,
    /// Absolute time of the first crossing.
    pub t_first: Option<f64>,
    /// Absolute time of the second crossing.
    pub t_second: Option<f64>,
    /// Size of the mis-attribution, positive for an overshoot.
    pub misattribution: Option<f64>,
    /// The mis-attribution, o rows of d_first numbers; null for more than 64 entries.
    pub misattribution_map: Option<Vec<Vec<f64>>>,
    /// Whether the modality learned first contributes less than another.
    pub superficial_preference: Option<bool>,
    /// Times of all modalities over the first one's; null for those never learned.
    pub schedule: Option<Vec<Option<f64>>>,
    /// What the predictions assume, and why one is missing.
    pub assumptions: Vec<String>,
    /// Relative gaps (measured - predicted)/predicted; null where nothing was measured.
    pub gap: Option<TheoryGap>,
    /// The solution of the reduced equations against the flow; null where there is none.
    pub curve: Option<CurveComparison>,
}

/// A discrete descent.
#[derive(Debug, Clone, Serialize)]
pub struct DescentSummary {
    /// Learning rate.
    pub learning_rate: f64,
    /// Steps done; where it diverged, the step at which it was seen.
    pub steps: u64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Loss after the last step.
    pub final_loss: f64,
    /// Its unimodal phase.
    pub phase: PhaseSummary,
    /// Its plateaus; null for mini-batches, whose noise makes treads of its own.
    pub plateaus: Option<Vec<PlateauSummary>>,
    /// How near it came to the saddles and to the minimum, how often and for how long.
    pub visits: Vec<VisitsSummary>,
    /// Theory's first crossing at this learning rate.
    pub theory_t_first: Option<f64>,
    /// Its relative gap (measured - predicted)/predicted.
    pub theory_t_first_gap: Option<f64>,
    /// Theory's time ratio at this learning rate.
    pub theory_ratio: Option<f64>,
    /// Its relative gap.
    pub theory_ratio_gap: Option<f64>,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Serialize)]
pub struct Provenance {
    /// Version of modalflow.
    pub version: &'static str,
    /// Commit it was built from.
    pub git: Option<&'static str>,
    /// Compiler it was built with.
    pub rustc: Option<&'static str>,
    /// When the run started, seconds since 1970-01-01 UTC.
    pub started: u64,
    /// How long data, initial weights and their reduction took, in seconds.
    pub prepare_seconds: f64,
    /// How long the run took after that, verification and pictures apart, in seconds.
    pub wall_seconds: f64,
}

/// The predictions of a problem, with the gaps of a run where there is one.
pub fn theory_summary(problem: &Problem, theory: &Theory, gap: Option<TheoryGap>) -> TheorySummary {
    let name = |m: usize| problem.moments.modalities[m].name.clone();
    let shown = theory
        .misattribution
        .as_ref()
        .zip(theory.first)
        .map(|(map, first)| {
            let last = problem.moments.block(&problem.moments.loss.optimum, first);
            let size = overshoot(map.as_slice(), last.as_slice());
            (size, rows(map.as_slice(), problem.moments.outputs_len()))
        });
    TheorySummary {
        first: theory.first.map(name),
        second: theory.second.map(name),
        ratio: theory.ratio,
        t_first: theory.t_first,
        t_second: theory.t_second,
        misattribution: shown.as_ref().map(|(size, _)| *size),
        misattribution_map: shown.and_then(|(_, map)| map),
        superficial_preference: theory.superficial_preference,
        schedule: theory.schedule.clone(),
        assumptions: theory.assumptions.clone(),
        gap,
        curve: None,
    }
}

/// The summary of a run; provenance is added by whoever knows the clock.
pub fn summary(name: &str, problem: &Problem, result: &RunResult) -> Summary {
    let detection = &result.flow.detection;
    let mut plateaus = plateaus(problem, detection);
    add_curvature(&mut plateaus, problem, result);
    Summary {
        name: name.to_owned(),
        scenario: problem.scenario.clone().into(),
        data: data_summary(problem),
        flow: flow_summary(problem, result),
        phase: phase_summary(problem, &detection.phase),
        learned: learned(problem, result),
        crossings: crossings(problem, detection),
        plateaus,
        generalisation: generalisation_summary(problem, result),
        stability: result
            .flow
            .curvature
            .stability
            .as_ref()
            .map(|stability| StabilitySummary::of(stability, stability_factor(problem))),
        theory: TheorySummary {
            curve: result.theory_curve.as_ref().map(|curve| curve.comparison),
            ..theory_summary(problem, &result.theory, Some(result.theory_gap))
        },
        descent: result
            .descents
            .iter()
            .map(|run| descent_summary(problem, run))
            .collect(),
        comparison: result.comparisons.clone(),
        convergence_order: result.orders,
        verification: None,
        warnings: problem
            .warnings
            .iter()
            .cloned()
            .chain(stability_warning(problem, result))
            .collect(),
        provenance: None,
    }
}

/// Moments of a problem's data in a few numbers.
pub fn data_summary(problem: &Problem) -> DataSummary {
    let moments = &problem.moments;
    let lens = problem.lens();
    let modality = |m: usize| {
        let unimodal = moments.critical_map(&[m]);
        ModalitySummary {
            name: moments.modalities[m].name.clone(),
            dim: moments.modalities[m].dim(),
            correlation_norm: theory::growth_rate(moments, m),
            unimodal_norm: norm(&unimodal.as_slice()[lens.block(m)]),
            unimodal_loss: moments.loss.loss(unimodal.as_slice()),
            final_norm: norm(&moments.loss.optimum.as_slice()[lens.block(m)]),
        }
    };
    DataSummary {
        modalities: (0..moments.modalities.len()).map(modality).collect(),
        outputs: moments.outputs_len(),
        initial_loss: moments.initial_loss,
        minimum_loss: moments.loss.floor,
    }
}

fn flow_summary(problem: &Problem, result: &RunResult) -> FlowSummary {
    let flow = &result.flow;
    let last = flow.track.end();
    FlowSummary {
        method: flow.method.name(),
        outcome: flow.end.outcome,
        t_end: flow.end.time,
        final_loss: problem.lens().loss(last),
        final_generalisation: problem.lens().generalisation(last),
        linear_share: problem.lens().linear_share(last),
        steps: flow.end.work.steps,
        rejected_steps: flow.end.work.rejected_steps,
        rhs_evaluations: flow.end.work.rhs_evaluations,
        hessian_products: flow.end.work.hessian_products,
        krylov_mean: flow.end.work.krylov_mean(),
        krylov_max: flow
            .end
            .work
            .krylov_mean()
            .map(|_| flow.end.work.krylov_max),
        balancedness_drift: flow.balancedness_drift,
        track_tolerance: flow.track.tolerance(),
        weights: problem.architecture.len(),
        reduction: reduction_summary(problem, flow.is_reduced),
    }
}

fn reduction_summary(problem: &Problem, used: bool) -> ReductionSummary {
    let reduction = problem.network(used).reduction;
    ReductionSummary {
        used: reduction.is_some(),
        full_weights: problem.architecture.len(),
        reduced_weights: reduction.map(|r| r.weights.len()),
        sweeps: reduction.map(|r| r.path_length),
        error_bound: reduction.map(|r| r.error_bound),
    }
}

fn phase_summary(problem: &Problem, phase: &Phase) -> PhaseSummary {
    let name = |m: usize| problem.moments.modalities[m].name.clone();
    let shown = phase
        .misattribution
        .as_ref()
        .zip(phase.first)
        .map(|(map, first)| {
            let last = &problem.moments.loss.optimum.as_slice()[problem.lens().block(first)];
            (
                overshoot(map, last),
                rows(map, problem.moments.outputs_len()),
            )
        });
    PhaseSummary {
        first: phase.first.map(name),
        second: phase.second.map(name),
        t_first: phase.t_first,
        t_second: phase.t_second,
        length: phase.length(),
        ratio: phase.ratio(),
        misattribution: shown.as_ref().map(|(size, _)| *size),
        misattribution_map: shown.and_then(|(_, map)| map),
        reason: phase.reason.clone(),
    }
}

/// A matrix stored by columns, as rows; None where it is too large to be read.
fn rows(matrix: &[f64], rows: usize) -> Option<Vec<Vec<f64>>> {
    let row = |k: usize| matrix.iter().skip(k).step_by(rows).copied().collect();
    (matrix.len() <= MOST_MAP_ENTRIES).then(|| (0..rows).map(row).collect())
}

fn crossings(problem: &Problem, detection: &Detection) -> Vec<CrossingSummary> {
    let named = problem.moments.modalities.iter().zip(&detection.crossings);
    named
        .map(|(modality, crossing)| CrossingSummary {
            modality: modality.name.clone(),
            t_half_unimodal: crossing.unimodal.time,
            t_half_final: crossing.last.time,
        })
        .collect()
}

fn plateaus(problem: &Problem, detection: &Detection) -> Vec<PlateauSummary> {
    let name = |&m: &usize| problem.moments.modalities[m].name.clone();
    let summarise = |plateau: &modalflow::analysis::detector::Plateau| PlateauSummary {
        kind: match plateau.kind {
            Kind::Plateau => "plateau",
            Kind::Shoulder => "shoulder",
        },
        saddle: saddle_name(&problem.architecture, plateau.learned.as_deref()),
        learned: plateau
            .learned
            .as_ref()
            .map(|learned| learned.iter().map(name).collect()),
        entry: plateau.entry,
        exit: plateau.exit,
        length: plateau.exit.map(|exit| exit - plateau.entry),
        loss: plateau.loss,
        curvature: None,
        escape: None,
    };
    detection.plateaus.iter().map(summarise).collect()
}

fn descent_summary(problem: &Problem, run: &DescentRun) -> DescentSummary {
    let section = problem.scenario.descent.as_ref();
    let is_noisy = section.is_some_and(|section| section.batch.is_some());
    DescentSummary {
        learning_rate: run.descent.learning_rate,
        steps: run.descent.steps,
        outcome: run.descent.outcome,
        final_loss: run.descent.final_loss,
        phase: phase_summary(problem, &run.detection.phase),
        plateaus: (!is_noisy).then(|| plateaus(problem, &run.detection)),
        visits: visits(problem, run),
        theory_t_first: run.theory.t_first,
        theory_t_first_gap: run.theory.t_first_gap,
        theory_ratio: run.theory.ratio,
        theory_ratio_gap: run.theory.ratio_gap,
    }
}
