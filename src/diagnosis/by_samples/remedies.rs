//! What the remedies of the linear network do to late fusion of units that are not linear.

use super::{Leg, SAMPLED_PARTS, Sampled, SampledLayer};
use crate::diagnosis::clock::{Clock, Ongoing};
use crate::diagnosis::remedies::{Cost, RemedyResult, RemedyValue};
use crate::diagnosis::stopping::{Descending, Stopping};
use rayon::prelude::*;
use serde::Serialize;

/// A remedy with the value that balances the linear network, and what a run of these units with it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledRemedy {
    /// `rate`, `auxiliary`, `keep` or `modulate`.
    pub remedy: &'static str,
    /// Its value, that of the linear network.
    pub value: RemedyValue,
    /// The time ratio of the run with it; null where no second modality was learned.
    pub measured_ratio: Option<f64>,
    /// How much less of the outputs' power the modalities other than the first have at the early stop than in the least-norm
    /// solution.
    pub bias: Option<f64>,
    /// What it costs, beside the run without it.
    pub cost: Cost,
    /// Why it was not run, or why something is missing.
    pub reason: Option<String>,
}

/// Remedies that need an output of each modality's own.
const OF_OWN_OUTPUTS: [&str; 2] = ["auxiliary", "modulate"];

impl Sampled {
    /// Runs the remedies of the linear network on the last fusion layer, as far as it went without them.
    pub(in crate::diagnosis) fn remedies(
        &self,
        of_linear: &[RemedyResult],
        late: &(SampledLayer, Leg),
        clock: &Clock<'_>,
    ) -> Ongoing<Vec<SampledRemedy>> {
        clock.expect(of_linear.len() * SAMPLED_PARTS as usize);
        let run = |remedy: &RemedyResult| self.with(remedy, late, clock);
        of_linear.par_iter().with_max_len(1).map(run).collect()
    }

    fn with(
        &self,
        remedy: &RemedyResult,
        (late, leg): &(SampledLayer, Leg),
        clock: &Clock<'_>,
    ) -> Ongoing<SampledRemedy> {
        let mut found = SampledRemedy {
            remedy: remedy.remedy,
            value: remedy.value.clone(),
            measured_ratio: None,
            bias: None,
            cost: Cost::default(),
            reason: None,
        };
        if self.network.biases && OF_OWN_OUTPUTS.contains(&remedy.remedy) {
            clock.tick(SAMPLED_PARTS)?;
            found.reason = Some("with biases no output is of one modality alone".to_owned());
            return Ok(found);
        }
        let problem = self.problem(*leg, |scenario| scenario.remedy = remedy.section())?;
        let flow = self.flow(&problem, clock)?;
        let phase = &flow.detection.phase;
        let stopping = Stopping::of((&problem, &flow), Descending::default());
        let no_second = "no second modality is learned by the end of the run";
        let no_stop = "there are no rows held out";
        let reasons = [
            phase.t_second.is_none().then_some(no_second),
            stopping.reason(phase, no_stop),
        ];
        let reasons: Vec<&str> = reasons.into_iter().flatten().collect();
        found.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        Ok(SampledRemedy {
            measured_ratio: phase.ratio,
            bias: stopping.bias,
            cost: Cost::of(
                [phase.t_second, late.learned.t_second],
                [stopping.holdout_error, late.stopping.holdout_error],
            ),
            ..found
        })
    }
}
