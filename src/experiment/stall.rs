//! Why a run that is stalled does not go on, for report and `summary.json`.

use super::problem::Problem;
use super::results::RunResult;
use crate::analysis::detector::Plateau;
use crate::analysis::rest::Rest;
use crate::data::Modality;
use crate::theory;
use serde::Serialize;

/// A run that rests: the evidence, and what theory said.
#[derive(Debug, Clone, Serialize)]
pub struct StallSummary<'r> {
    /// The evidence.
    #[serde(flatten)]
    pub rest: &'r Rest,
    /// Whether theory's saddle there has a direction of negative curvature; None where it is none.
    pub is_strict: Option<bool>,
    /// Modalities that theory never learns from these weights; None where it makes no prediction.
    pub never_learned: Option<Vec<Modality>>,
    /// All of that in words.
    pub reason: String,
}

impl<'r> StallSummary<'r> {
    /// None for a run that does not rest.
    pub(super) fn of(problem: &Problem, result: &'r RunResult) -> Option<Self> {
        let rest = result.flow.rest.as_ref()?;
        let last = result.flow.detection.plateaus.last();
        let last = last.filter(|plateau| plateau.exit.is_none());
        let learned = last.and_then(Plateau::learned_places);
        let is_strict = learned.and_then(|learned| {
            theory::is_strict_saddle(&problem.moments, &problem.architecture, &learned)
        });
        let schedule = result.theory.schedule.as_ref();
        let never_learned = schedule.map(|schedule| {
            let modalities = problem.moments.modalities.iter().zip(schedule);
            let never = modalities.filter(|(_, time)| time.is_none());
            never.map(|(modality, _)| modality.clone()).collect()
        });
        let mut stall = Self {
            rest,
            is_strict,
            never_learned,
            reason: String::new(),
        };
        stall.reason = stall.words(problem);
        Some(stall)
    }

    /// The evidence, one part after the other.
    fn words(&self, problem: &Problem) -> String {
        let decays = problem.architecture.weight_decay > 0.0;
        let is_known = problem.moments.decayed_minimum().is_some();
        let names = |modalities: &[Modality]| {
            let names: Vec<&str> = modalities.iter().map(|m| m.name.as_str()).collect();
            names.join(", ")
        };
        let rest = self.rest;
        let mut parts = vec![format!(
            "gradient {:.1e}, least eigenvalue of the Hessian {}",
            rest.gradient_norm,
            rest.least_eigenvalue
                .map_or("not converged".to_owned(), |value| format!("{value:.3e}"))
        )];
        if !rest.opposed.is_empty() {
            parts.push(format!(
                "the aligned weights of {} shrink for ever: what drives them is exactly opposed to them",
                names(&rest.opposed)
            ));
        }
        if !rest.faded.is_empty() {
            parts.push(format!(
                "the weights of {} have shrunk to round-off or to the integrator's error: whether and when they \
                 grow again cannot be told from this run",
                names(&rest.faded)
            ));
        }
        parts.push(match &self.never_learned {
            Some(never) if !never.is_empty() => {
                format!(
                    "theory: {} is never learned from these weights",
                    names(never)
                )
            }
            Some(_) => "theory expects every modality to be learned in the end".to_owned(),
            None if is_known => "this is not where loss and weight decay together are least".to_owned(),
            None if decays => "weights that decay come to rest where the loss still pulls at them: a loss gap is never closed"
                .to_owned(),
            None => "theory makes no prediction here".to_owned(),
        });
        match self.is_strict {
            Some(true) => parts.push("a strict saddle by theory".to_owned()),
            Some(false) => parts.push("a flat saddle by theory".to_owned()),
            None => {}
        }
        parts.join("; ")
    }
}
