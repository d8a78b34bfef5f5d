//! How far descents and the theory curve are from the flow, and the order in which descents tend to it.

use super::compare::relative_gap;
use crate::analysis::detector::Phase;
use crate::linalg::norm;
use crate::theory::{Curve, CurveStart};
use crate::trajectory::{Knot, Observables, Trajectory};
use serde::Serialize;

/// Largest distances between another trajectory, a descent's steps or the theory curve, and the
/// flow at the same time.
#[derive(Debug, Clone)]
pub struct Distance<'a> {
    observables: Observables<'a>,
    flow: &'a Trajectory,
    /// max |Loss - Loss_flow| / Loss_0.
    pub max_loss_gap: f64,
    /// When that is.
    pub max_loss_gap_time: f64,
    /// max |W - W_flow| / |W*|, Frobenius norms of the joined total maps; None where W* is zero.
    pub max_map_gap: Option<f64>,
}

impl<'a> Distance<'a> {
    /// Nothing compared yet.
    pub fn new(observables: Observables<'a>, flow: &'a Trajectory) -> Self {
        Self {
            observables,
            flow,
            max_loss_gap: 0.0,
            max_loss_gap_time: 0.0,
            max_map_gap: observables.moments.is_linearly_learnable().then_some(0.0),
        }
    }

    /// Takes in a knot; those after the flow's end have nothing to be compared with.
    pub fn add(&mut self, step: &Knot) {
        if step.time > self.flow.end().time {
            return;
        }
        let flow = self.flow.at(step.time);
        let loss_gap = (self.observables.loss(step) - self.observables.loss(&flow)).abs();
        let loss_gap = loss_gap / self.observables.moments.zero_loss();
        // What is no number is no agreement.
        if loss_gap.is_nan() || loss_gap > self.max_loss_gap {
            self.max_loss_gap = loss_gap;
            self.max_loss_gap_time = step.time;
        }
        let maps = self
            .observables
            .map(step)
            .iter()
            .zip(self.observables.map(&flow));
        let map_gap = maps.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let scale = norm(self.observables.moments.loss.optimum.as_slice());
        self.max_map_gap = self.max_map_gap.map(|gap| gap.max(map_gap / scale));
    }
}

/// How far the flow is from the theory curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurveComparison {
    /// What the curve's initial values are taken from.
    pub start: CurveStart,
    /// The curve's first crossing.
    pub t_first: Option<f64>,
    /// The curve's second crossing.
    pub t_second: Option<f64>,
    /// (flow - curve)/curve of the first crossing's time.
    pub t_first_gap: Option<f64>,
    /// The same of the second crossing's time.
    pub t_second_gap: Option<f64>,
    /// max |Loss_flow - Loss_curve| / Loss_0.
    pub max_loss_gap: f64,
    /// When that is.
    pub max_loss_gap_time: f64,
    /// max |W_flow - W_curve| / |W*|, Frobenius norms of the joined total maps.
    pub max_map_gap: Option<f64>,
}

/// Sets the flow, its trajectory and phase, beside the theory curve and the phase detected in that.
pub fn with_curve(
    observables: Observables<'_>,
    (flow, flow_phase): (&Trajectory, &Phase),
    (curve, curve_phase): (&Curve, &Phase),
) -> CurveComparison {
    let mut distance = Distance::new(observables, flow);
    let both = [flow, &curve.trajectory];
    for time in both.iter().flat_map(|trajectory| trajectory.scan()) {
        // The curve ends early where its steps run out.
        if time <= curve.trajectory.end().time {
            distance.add(&curve.trajectory.at(time));
        }
    }
    let same_first = flow_phase.first == curve_phase.first;
    let same_order = same_first && flow_phase.second == curve_phase.second;
    CurveComparison {
        start: curve.start,
        t_first: curve_phase.t_first,
        t_second: curve_phase.t_second,
        t_first_gap: relative_gap(
            flow_phase.t_first.filter(|_| same_first),
            curve_phase.t_first,
        ),
        t_second_gap: relative_gap(
            flow_phase.t_second.filter(|_| same_order),
            curve_phase.t_second,
        ),
        max_loss_gap: distance.max_loss_gap,
        max_loss_gap_time: distance.max_loss_gap_time,
        max_map_gap: distance.max_map_gap,
    }
}

/// How far a discrete descent is from the flow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Learning rate of the descent.
    pub learning_rate: f64,
    /// max over the descent's steps that are looked at of |Loss_descent(n) - Loss_flow(t_n)| / Loss_0, t_n the flow time
    /// that step n stands at (eta n for plain steps).
    pub max_loss_gap: f64,
    /// The time of that step.
    pub max_loss_gap_time: f64,
    /// The same for the Frobenius norm of the difference of total maps, over |W*|; None where W* is
    /// zero.
    pub max_map_gap: Option<f64>,
    /// (descent - flow)/flow of the first crossing's time.
    pub t_first_gap: Option<f64>,
    /// The same of the second crossing's time.
    pub t_second_gap: Option<f64>,
    /// The same of the time ratio.
    pub ratio_gap: Option<f64>,
}

/// Sums up a descent's distance from the flow.
pub fn with_flow(
    learning_rate: f64,
    distance: &Distance<'_>,
    descent: &Phase,
    flow: &Phase,
) -> Comparison {
    let same = descent.first == flow.first && descent.second == flow.second;
    let gap = |of: fn(&Phase) -> Option<f64>| relative_gap(of(descent).filter(|_| same), of(flow));
    Comparison {
        learning_rate,
        max_loss_gap: distance.max_loss_gap,
        max_loss_gap_time: distance.max_loss_gap_time,
        max_map_gap: distance.max_map_gap,
        t_first_gap: gap(|phase| phase.t_first),
        t_second_gap: gap(|phase| phase.t_second),
        ratio_gap: gap(|phase| phase.ratio),
    }
}

/// Measured order of convergence of descent to the flow: slopes of log gap over log learning
/// rate. Euler's method is of order 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Orders {
    /// Of the first crossing's time.
    pub t_first: Option<f64>,
    /// Of the second crossing's time.
    pub t_second: Option<f64>,
    /// Of the largest loss gap, which saturates once the curves are a whole drop apart.
    pub max_loss_gap: Option<f64>,
    /// Of the largest map gap, which saturates as well.
    pub max_map_gap: Option<f64>,
}

/// Orders of convergence from the comparisons at two or more learning rates.
pub fn orders(comparisons: &[Comparison]) -> Option<Orders> {
    let order = |gap: fn(&Comparison) -> Option<f64>| {
        let points: Vec<(f64, f64)> = comparisons
            .iter()
            .filter_map(|c| Some((c.learning_rate.ln(), gap(c)?.abs().ln())))
            .filter(|(_, gap)| gap.is_finite())
            .collect();
        slope(&points)
    };
    (comparisons.len() >= 2).then(|| Orders {
        t_first: order(|c| c.t_first_gap),
        t_second: order(|c| c.t_second_gap),
        max_loss_gap: order(|c| Some(c.max_loss_gap)),
        max_map_gap: order(|c| c.max_map_gap),
    })
}

/// Slope of the least-squares line; None for fewer than two points.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / count;
    let covariance: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    (points.len() >= 2 && variance > 0.0).then(|| covariance / variance)
}
