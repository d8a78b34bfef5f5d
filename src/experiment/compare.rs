//! The only place where measurement and prediction meet; descents and the theory curve meet the flow in `distance.rs`.

use super::predictions::BySteps;
use crate::analysis::detector::{Phase, Plateau};
use crate::data::{Loss, Modality};
use crate::linalg::norm;
use crate::network::Fusion;
use crate::theory::{self, FromWeights, Theory};
use crate::trajectory::{Knot, Observables, Trajectory};
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
