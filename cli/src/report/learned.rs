//! What was learned beyond total maps, and the visits of descents to saddles, in `summary.json`
//! and in the report.

use super::format::{cells, number, optional, table};
use super::saddle_name;
use super::summary::DescentSummary;
use modalflow::analysis::target_components::verdict;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::{DescentRun, RunResult};
use serde::Serialize;
use std::fmt::Write;

/// What a network that is not linear learned.
#[derive(Debug, Clone, Serialize)]
pub struct LearnedSummary {
    /// Which parts of the target: both, neither, or a name; null where the target has no known parts.
    pub verdict: Option<String>,
    /// The parts.
    pub parts: Vec<PartSummary>,
    /// The flow's last state with the inputs of one modality at zero.
    pub ablation: Vec<AblationSummary>,
}

/// A part of the target.
#[derive(Debug, Clone, Serialize)]
pub struct PartSummary {
    /// Its name.
    pub name: &'static str,
    /// How much of it is in the outputs at the end, by regression.
    pub last: f64,
    /// First time that half of it is.
    pub t_half: Option<f64>,
}

/// A modality left out.
#[derive(Debug, Clone, Serialize)]
pub struct AblationSummary {
    /// The modality.
    pub modality: String,
    /// The loss without its inputs.
    pub loss: f64,
}

/// The summary of a run; None for linear networks.
pub(super) fn learned(problem: &Problem, result: &RunResult) -> Option<LearnedSummary> {
    if problem.architecture.is_linear() {
        return None;
    }
    let parts = result.parts.iter().map(|part| PartSummary {
        name: part.name,
        last: part.last,
        t_half: part.t_half,
    });
    let ablation = result.ablations.iter().map(|ablation| AblationSummary {
        modality: problem.moments.modalities[ablation.modality].name.clone(),
        loss: ablation.loss,
    });
    Some(LearnedSummary {
        verdict: (!result.parts.is_empty()).then(|| verdict(&result.parts)),
        parts: parts.collect(),
        ablation: ablation.collect(),
    })
}

/// The same in the report.
pub(super) fn push_learned(text: &mut String, learned: Option<&LearnedSummary>) {
    let Some(learned) = learned else { return };
    let ablation = learned.ablation.iter();
    let ablation = ablation.map(|a| format!("{} without {}", number(a.loss), a.modality));
    let losses: Vec<String> = ablation.collect();
    if !losses.is_empty() {
        let _ = writeln!(text, "  loss at the end {}", losses.join(", "));
    }
    if let Some(verdict) = &learned.verdict {
        let parts = learned.parts.iter().map(|part| {
            let (last, time) = (number(part.last), optional(part.t_half));
            format!("{} {last} (half at t = {time})", part.name)
        });
        let parts: Vec<String> = parts.collect();
        let _ = writeln!(
            text,
            "  learned: {verdict}; share of each part: {}",
            parts.join(", ")
        );
    }
}

/// The visits of a descent to a saddle or to the minimum.
#[derive(Debug, Clone, Serialize)]
pub struct VisitsSummary {
    /// M_0, M_A, ..., M_*.
    pub saddle: String,
    /// The modalities learned there.
    pub learned: Vec<String>,
    /// The least distance in the metric of the loss, over the learnable loss.
    pub least_distance: f64,
    /// When that was.
    pub time: f64,
    /// How often the descent came within `detector.share` of it.
    pub visits: u64,
    /// How long it stayed there in all.
    pub duration: f64,
}

/// The visits of one descent.
pub(super) fn visits(problem: &Problem, run: &DescentRun) -> Vec<VisitsSummary> {
    let name = |&m: &usize| problem.moments.modalities[m].name.clone();
    let visits = run.visits.iter().map(|visits| VisitsSummary {
        saddle: saddle_name(&problem.architecture, Some(&visits.learned)),
        learned: visits.learned.iter().map(name).collect(),
        least_distance: visits.least_distance,
        time: visits.time,
        visits: visits.count,
        duration: visits.duration,
    });
    visits.collect()
}

/// How near the descents came to the saddles that lie between start and minimum.
pub(super) fn push_visits(text: &mut String, descents: &[DescentSummary]) {
    let mut rows = vec![cells([
        "descent, eta",
        "saddle",
        "visits",
        "duration",
        "nearest",
        "at t",
    ])];
    for descent in descents {
        let all = descent.visits.iter().map(|v| v.learned.len()).max();
        let is_between = |count: usize| count > 0 && Some(count) < all;
        let between = descent
            .visits
            .iter()
            .filter(|v| is_between(v.learned.len()));
        rows.extend(between.map(|visits| {
            vec![
                number(descent.learning_rate),
                visits.saddle.clone(),
                visits.visits.to_string(),
                number(visits.duration),
                number(visits.least_distance),
                number(visits.time),
            ]
        }));
    }
    if rows.len() > 1 {
        let _ = write!(text, "\n{}", table(&rows));
    }
}
