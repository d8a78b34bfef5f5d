//! What a finished run of a cell is measured from.

use modalflow::analysis::detector::Phase;
use modalflow::analysis::generalisation::{Generalising, generalise};
use modalflow::analysis::saddle_visits::Visits;
use modalflow::analysis::target_components::{self, Part};
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::{DescentRun, FlowRun};
use modalflow::integrate::Work;
use modalflow::theory::Theory;

/// A run, and what is found in it.
pub(super) struct Findings<'a> {
    pub(super) problem: &'a Problem,
    pub(super) flow: &'a FlowRun,
    pub(super) phase: &'a Phase,
    pub(super) theory: &'a Theory,
    pub(super) work: Work,
    /// The descent at the first learning rate, where one is asked for.
    pub(super) descent: Option<&'a DescentRun>,
    /// None where there is neither a population nor a hold-out.
    generalisation: Option<Generalising>,
    /// Empty where the target has no known parts.
    pub(super) parts: Vec<Part>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(
        problem: &'a Problem,
        flow: &'a FlowRun,
        theory: &'a Theory,
        descent: Option<&'a DescentRun>,
    ) -> Self {
        let observables = problem.observables();
        Self {
            generalisation: generalise(&flow.trajectory, &observables),
            parts: target_components::parts(&observables, &flow.trajectory),
            phase: &flow.detection.phase,
            work: flow.end.work,
            problem,
            flow,
            theory,
            descent,
        }
    }

    /// The generalisation error along the run.
    pub(super) fn generalised(&self) -> Option<&Generalising> {
        self.generalisation.as_ref()
    }

    /// The least share that a modality has at the end of what it has at the minimum, by the root of the power of its
    /// outputs. None where none has any there, for networks that are not linear, and under cross-entropy.
    pub(super) fn least_share(&self) -> Option<f64> {
        let observables = self.problem.observables();
        let least = observables.final_map().as_slice();
        let end = self.flow.trajectory.end();
        let share = |m: usize| {
            let whole = observables.map_power(least, m);
            (whole > 0.0).then(|| (observables.power(end, m) / whole).sqrt())
        };
        let is_linear = observables.moments_suffice();
        let modalities = 0..observables.architecture.modalities.len();
        let shares = modalities.filter(|_| is_linear).filter_map(share);
        shares.reduce(f64::min)
    }

    /// The share of the learnable loss that is gone on the plateau where the first modality alone
    /// is learned.
    pub(super) fn first_gain(&self) -> Option<f64> {
        let first = self.phase.first.as_ref()?.index;
        let mut plateaus = self.flow.detection.plateaus.iter();
        let alone = plateaus.find(|plateau| plateau.is_of(&[first]))?;
        let (moments, observables) = (&self.problem.moments, self.problem.observables());
        Some((moments.zero_loss() - alone.loss) / observables.learnable_loss())
    }

    /// A part of the target.
    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// When a part is learned, by the actual initial weights.
    pub(super) fn part_by_weights(&self, name: &str) -> Option<Option<f64>> {
        let place = self.parts.iter().position(|part| part.name == name)?;
        Some(self.theory.from_weights.as_ref()?.time(place))
    }

    /// The descent's visits to the saddle where its first modality alone is learned.
    pub(super) fn visits(&self) -> Option<&Visits> {
        let descent = self.descent?;
        let alone = [descent.phase.first.clone()?];
        descent.visits.iter().find(|visits| visits.learned == alone)
    }
}
