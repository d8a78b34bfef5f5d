//! Loss and norms along the trajectories of a run: the flow's, theory's, those of the descents.

use super::Run;
use crate::plot::CurveKind;
use crate::report::format::number;
use modalflow::theory::CurveStart;
use modalflow::trajectory::{Knot, Trajectory};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// Loss and norms along one trajectory.
pub(super) struct Trace {
    pub(super) kind: CurveKind,
    pub(super) label: String,
    pub(super) loss: Vec<(f64, f64)>,
    /// For each modality.
    pub(super) norms: Vec<Vec<(f64, f64)>>,
}

impl Run<'_> {
    /// What kind of descent stands beside the flow.
    fn descent_name(&self) -> String {
        let Some(section) = &self.scenario.descent else {
            return String::new();
        };
        let rule = section.rule().label();
        match section.batch {
            None => rule,
            Some(batch) => format!("{rule}, batches of {batch}"),
        }
    }

    /// The flow's trajectory, then theory's and those of the descents, with their labels.
    fn trajectories(&self) -> Vec<(CurveKind, String, &Trajectory)> {
        let flow = &self.result.flow.trajectory;
        let mut trajectories = vec![(CurveKind::Flow, "gradient flow".to_owned(), flow)];
        trajectories.extend(self.result.theory_curve.as_ref().map(|theory| {
            let label = match theory.curve.start {
                // Said where it explains the distance.
                CurveStart::InitialNorm => "theory (rank one, aligned)",
                CurveStart::AlignedWeights | CurveStart::GrowingModes => "theory (rank one)",
            };
            (
                CurveKind::Theory,
                label.to_owned(),
                &theory.curve.trajectory,
            )
        }));
        let kind = self.descent_name();
        trajectories.extend(self.result.descents.iter().enumerate().map(|(i, run)| {
            let label = format!("{kind}, η = {}", number(run.descent.learning_rate));
            (CurveKind::Descent(i), label, &run.descent.trajectory)
        }));
        trajectories
    }

    /// Loss and norms along every trajectory.
    pub(super) fn traces(&self) -> Vec<Trace> {
        let trace = |(kind, label, trajectory): &(CurveKind, String, &Trajectory)| {
            let knots = knots(trajectory, self.t_end);
            let along = |value: &dyn Fn(&Knot) -> f64| -> Vec<(f64, f64)> {
                knots.iter().map(|knot| (knot.time, value(knot))).collect()
            };
            let modalities = 0..self.observables.moments.modalities.len();
            Trace {
                kind: *kind,
                label: label.clone(),
                loss: along(&|knot| self.observables.loss(knot)),
                norms: modalities
                    .map(|m| along(&|knot| self.observables.norm(knot, m)))
                    .collect(),
            }
        };
        self.trajectories().par_iter().map(trace).collect()
    }
}

/// The states at which a curve is drawn: the knots with points in between resolve every drop, and
/// equidistant ones every slow stretch.
pub(super) fn knots(trajectory: &Trajectory, t_end: f64) -> Vec<Knot> {
    let times = drawn_times(trajectory, t_end).into_iter();
    times.map(|time| trajectory.at(time)).collect()
}

pub(super) fn drawn_times(trajectory: &Trajectory, t_end: f64) -> Vec<f64> {
    const POINTS: usize = 500;
    let knots = trajectory.knots();
    let stride = knots.len().div_ceil(2 * POINTS).max(1);
    let end = trajectory.end().time.min(t_end);
    let even = (0..=POINTS).map(|i| t_end * i as f64 / POINTS as f64);
    let knots = knots.iter().step_by(stride).map(|knot| knot.time);
    let times = knots.chain(even).filter(|time| *time <= end);
    let mut times: Vec<f64> = times.chain([end]).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}
