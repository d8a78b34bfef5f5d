//! The trajectories of a run at the states where they are drawn: the flow's, theory's, those of the descents.

use super::Run;
use crate::plot::CurveKind;
use crate::report::format::number;
use modalflow::theory::CurveStart;
use modalflow::trajectory::{Knot, Trajectory};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// The states along one trajectory.
pub(super) struct Trace {
    pub(super) kind: CurveKind,
    pub(super) label: String,
    pub(super) knots: Vec<Knot>,
}

impl Trace {
    /// A value against time.
    pub(super) fn points(&self, value: impl Fn(&Knot) -> f64) -> Vec<(f64, f64)> {
        let knots = self.knots.iter();
        knots.map(|knot| (knot.time, value(knot))).collect()
    }
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

    /// The flow, then theory and the descents, with their labels.
    pub(super) fn traces(&self) -> Vec<Trace> {
        let flow = &self.result.flow.trajectory;
        let mut trajectories = vec![(CurveKind::Flow, "gradient flow".to_owned(), flow)];
        if let Some(theory) = &self.result.theory_curve {
            let label = match theory.curve.start {
                // Said where it explains the distance.
                CurveStart::InitialNorm => "theory (rank one, aligned)",
                CurveStart::AlignedWeights | CurveStart::GrowingModes => "theory (rank one)",
            };
            let trajectory = &theory.curve.trajectory;
            trajectories.push((CurveKind::Theory, label.to_owned(), trajectory));
        }
        let name = self.descent_name();
        for (i, run) in self.result.descents.iter().enumerate() {
            let label = format!("{name}, η = {}", number(run.descent.learning_rate));
            trajectories.push((CurveKind::Descent(i), label, &run.descent.trajectory));
        }
        let trace = |(kind, label, trajectory): (CurveKind, String, &Trajectory)| {
            let times = drawn_times(trajectory, self.t_end).into_iter();
            let knots = times.map(|time| trajectory.at(time)).collect();
            Trace { kind, label, knots }
        };
        trajectories.into_par_iter().map(trace).collect()
    }
}

/// The times at which a curve is drawn: the knots with points in between resolve every drop, and
/// equidistant ones every slow stretch.
fn drawn_times(trajectory: &Trajectory, t_end: f64) -> Vec<f64> {
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
