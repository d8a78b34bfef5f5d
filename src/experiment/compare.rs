//! The only place where measurement and prediction, flow and descent meet.

use super::predictions::BySteps;
use crate::analysis::detector::{Phase, Plateau};
use crate::data::{Loss, Modality};
use crate::linalg::norm;
use crate::network::Fusion;
use crate::theory::{self, Curve, CurveStart, FromWeights, Theory};
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};
use serde::Serialize;

/// Relative gap (measured - expected)/|expected|; None where either is missing or the expected
/// value is zero.
pub fn relative_gap(measured: Option<f64>, expected: Option<f64>) -> Option<f64> {
    let (measured, expected) = (measured?, expected?);
    (expected != 0.0).then(|| (measured - expected) / expected.abs())
}

/// Measured against predicted, as relative gaps (measured - predicted)/|predicted|; None unless the
/// same modalities were learned first and second, or theory predicts no order (early fusion).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct TheoryGap {
    /// Whether the modality learned first is the predicted one.
    pub first_agrees: Option<bool>,
    /// Whether the second one is as well, so that times of both may be compared.
    #[serde(skip)]
    pub same_order: bool,
    /// Of the time ratio.
    pub ratio: Option<f64>,
    /// Of the first crossing's absolute time.
    pub t_first: Option<f64>,
    /// Of the second crossing's.
    pub t_second: Option<f64>,
    /// Of the mis-attribution's signed size.
    pub misattribution: Option<f64>,
    /// Of theory's times from the actual initial weights.
    #[serde(skip)]
    pub weights: WeightsGap,
}

/// Measured against predicted from the actual initial weights, as relative gaps; None unless the same modalities
/// were learned first and second, or none is (early fusion).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct WeightsGap {
    /// Of the first crossing's time.
    pub t_first: Option<f64>,
    /// Of the second crossing's.
    pub t_second: Option<f64>,
    /// Of the time ratio.
    pub ratio: Option<f64>,
}

impl WeightsGap {
    fn of(phase: &Phase, found: &FromWeights) -> Self {
        let is_same = |measured: &Option<Modality>, predicted: &Option<Modality>| match predicted {
            None => found.first.is_none(),
            Some(predicted) => measured
                .as_ref()
                .is_some_and(|m| m.index == predicted.index),
        };
        let same_first = is_same(&phase.first, &found.first);
        let same_order = same_first && is_same(&phase.second, &found.second);
        let gap = |is_same, measured: Option<f64>, predicted| {
            relative_gap(measured.filter(|_| is_same), predicted)
        };
        Self {
            t_first: gap(same_first, phase.t_first, found.t_first),
            t_second: gap(same_order, phase.t_second, found.t_second),
            ratio: gap(same_order, phase.ratio, found.ratio),
        }
    }
}

/// Sets a trajectory's phase beside its prediction.
pub fn with_theory(observables: &Observables<'_>, phase: &Phase, theory: &Theory) -> TheoryGap {
    let same = |measured: &Option<Modality>, predicted: &Option<Modality>| {
        Some(measured.as_ref()?.index == predicted.as_ref()?.index)
    };
    let first_agrees = same(&phase.first, &theory.first);
    let same_first = first_agrees == Some(true);
    let same_order = same_first && same(&phase.second, &theory.second) == Some(true);
    // All modalities of early fusion are learned together: theory predicts no order, but a ratio.
    let fusion = observables.architecture.fusion();
    let no_order = fusion.is_some_and(Fusion::is_early) && theory.first.is_none();
    let scale = phase.first.as_ref().map(|first| {
        let last = &observables.final_map().as_slice()[observables.block(first.index)];
        norm(last)
    });
    // Without correlation nothing is mis-attributed, and there is no scale for a gap.
    let is_scaled =
        |predicted: &f64| same_first && scale.is_some_and(|scale| predicted.abs() > 1e-12 * scale);
    TheoryGap {
        first_agrees,
        same_order,
        ratio: relative_gap(phase.ratio.filter(|_| same_order || no_order), theory.ratio),
        t_first: relative_gap(phase.t_first.filter(|_| same_first), theory.t_first),
        t_second: relative_gap(phase.t_second.filter(|_| same_order), theory.t_second),
        misattribution: relative_gap(
            phase.misattribution,
            theory.misattribution.filter(is_scaled),
        ),
        weights: theory
            .from_weights
            .as_ref()
            .map_or_else(WeightsGap::default, |found| WeightsGap::of(phase, found)),
    }
}

/// Whether the modality that was learned first contributes less to the output than another (theory's
/// criterion of a superficial preference, for the measured order). None where no modality is learned first: early fusion
/// has no unimodal saddle, a single modality no other.
pub fn superficial_preference(observables: &Observables<'_>, phase: &Phase) -> Option<bool> {
    let first = phase.first.as_ref()?.index;
    let architecture = observables.architecture;
    // What contributes is told by least squares.
    let is_alone = architecture.modalities.len() > 1
        && architecture.has_saddle(&[first])
        && observables.moments.compared_by() == Loss::Squared;
    is_alone.then(|| theory::is_preference_superficial(observables.moments, first))
}

/// The escape of a modality from the saddle of a plateau: how fast its map grows there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Escape {
    /// The modality learned on the next plateau and not on this one.
    pub modality: Modality,
    /// When the growth is measured.
    pub time: f64,
    /// d ln|W_m|/dt.
    pub measured_rate: f64,
    /// Theory's, for the norms of the maps at that time.
    pub predicted_rate: Option<f64>,
    /// (measured - predicted)/|predicted|.
    pub gap: Option<f64>,
    /// Why there is no prediction.
    pub reason: Option<&'static str>,
}

/// The escape from each plateau; None where not exactly one modality is learned between a plateau and
/// the next one.
///
/// Growth is measured halfway from where the loss falls most slowly, or from the start of the run on the
/// plateau that it starts on, to the exit: before that the map may still be what came from earlier drives,
/// or from weights that are not aligned as growing ones are.
pub fn escapes(
    observables: &Observables<'_>,
    plateaus: &[Plateau],
    trajectory: &Trajectory,
) -> Vec<Option<Escape>> {
    let escape = |(k, plateau): (usize, &Plateau)| {
        let learned = plateau.learned_places()?;
        let next = plateaus.get(k + 1)?.learned_places()?;
        let mut new = next.iter().filter(|m| !learned.contains(m));
        let (Some(&modality), None) = (new.next(), new.next()) else {
            return None;
        };
        let start = match plateau.entry {
            0.0 => 0.0,
            _ => plateau.time,
        };
        let knot = trajectory.at(0.5 * (start + plateau.exit?));
        let measured_rate = growth_of(observables, &knot, modality)?;
        let count = observables.architecture.modalities.len();
        let norms: Vec<f64> = (0..count).map(|m| observables.norm(&knot, m)).collect();
        let predicted = theory::escape_rate(
            observables.moments,
            observables.architecture,
            &learned,
            modality,
            &norms,
        );
        Some(Escape {
            modality: observables.architecture.modalities[modality].clone(),
            time: knot.time,
            measured_rate,
            predicted_rate: predicted.ok(),
            gap: relative_gap(Some(measured_rate), predicted.ok()),
            reason: predicted.err(),
        })
    };
    plateaus.iter().enumerate().map(escape).collect()
}

/// d ln|W_m|/dt of one modality; None where its map is zero.
fn growth_of(observables: &Observables<'_>, knot: &Knot, modality: usize) -> Option<f64> {
    let block = observables.block(modality);
    let size: f64 = knot.values[block.clone()].iter().map(|w| w * w).sum();
    let along = knot.values[block.clone()].iter().zip(&knot.rates[block]);
    let rate = along.map(|(w, rate)| w * rate).sum::<f64>();
    (size >= f64::MIN_POSITIVE).then(|| rate / size)
}

/// Theory at a descent's learning rate, with the relative gaps (measured - predicted)/|predicted|.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct DescentTheory {
    /// Time of the first crossing.
    #[serde(rename = "theory_t_first")]
    pub t_first: Option<f64>,
    /// Its gap.
    #[serde(rename = "theory_t_first_gap")]
    pub t_first_gap: Option<f64>,
    /// Time ratio.
    #[serde(rename = "theory_ratio")]
    pub ratio: Option<f64>,
    /// Its gap.
    #[serde(rename = "theory_ratio_gap")]
    pub ratio_gap: Option<f64>,
    /// Why a prediction is missing that theory has for the flow.
    #[serde(rename = "theory_reason")]
    pub reason: Option<&'static str>,
}

/// Sets a descent's phase beside the predictions at its learning rate.
pub fn descent_with_theory(phase: &Phase, theory: &Theory, predictions: BySteps) -> DescentTheory {
    let BySteps {
        t_first,
        ratio,
        reason,
    } = predictions;
    // All modalities of early fusion are learned together: theory has no order.
    let same_first = theory.first.is_none() || phase.first == theory.first;
    let same_order = theory.first.is_none() || same_first && phase.second == theory.second;
    DescentTheory {
        t_first,
        t_first_gap: relative_gap(phase.t_first.filter(|_| same_first), t_first),
        ratio,
        ratio_gap: relative_gap(phase.ratio.filter(|_| same_order), ratio),
        reason,
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
