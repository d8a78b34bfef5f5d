//! The trajectories of a run at the states where they are drawn: the flow's, theory's, those of the descents.

use super::Run;
use crate::plot::{Axis, CurveKind};
use crate::report::format::number;
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
    pub(super) fn traces(&self, axis: &Axis) -> Vec<Trace> {
        let flow = &self.result.flow.trajectory;
        let mut trajectories = vec![(CurveKind::Flow, "gradient flow".to_owned(), flow)];
        if let Some(theory) = &self.result.theory_curve {
            let label = "theory (rank one)".to_owned();
            trajectories.push((CurveKind::Theory, label, &theory.curve.trajectory));
        }
        let name = self.descent_name();
        for (i, run) in self.result.descents.iter().enumerate() {
            let label = format!("{name}, η = {}", number(run.descent.learning_rate));
            trajectories.push((CurveKind::Descent(i), label, &run.descent.trajectory));
        }
        let trace = |(kind, label, trajectory): (CurveKind, String, &Trajectory)| {
            let times = drawn_times(trajectory, axis).into_iter();
            let knots = times.map(|time| trajectory.at(time)).collect();
            Trace { kind, label, knots }
        };
        trajectories.into_par_iter().map(trace).collect()
    }
}

/// The times up to the axis' end at which a curve is drawn: about as many knots as are drawn of a long descent,
/// with points between the few of a flow, which is smooth between them, and points that are even on the axis.
fn drawn_times(trajectory: &Trajectory, axis: &Axis) -> Vec<f64> {
    const POINTS: usize = 600;
    const EVEN: u32 = 300;
    let (start, end) = axis.range;
    let last = trajectory.end().time.min(end);
    let knots = trajectory.knots().len().max(1);
    let times = trajectory.times(POINTS / knots);
    let times = times.step_by(knots.div_ceil(POINTS));
    // Between the steps of a short descent there is nothing.
    let even = if trajectory.has_steps() && knots <= POINTS {
        0
    } else {
        EVEN
    };
    let fractions = (0..even).map(|i| f64::from(i) / f64::from(even));
    let even = fractions.map(|fraction| match axis.log {
        true => start * (end / start).powf(fraction),
        false => start + fraction * (end - start),
    });
    let mut drawn: Vec<f64> = times.chain(even).filter(|time| *time < last).collect();
    drawn.push(last);
    drawn.sort_by(f64::total_cmp);
    drawn.dedup();
    drawn
}
