//! The theory curve: loss and total maps by the reduced equations, against time.

use super::InitialScale;
use super::balanced::{Balanced, Start};
use super::coordinates::{GradientCoordinates, frozen_before_shared};
use super::effective_weights::effective_start;
use super::from_weights::FromWeights;
use super::growth::{are_opposed, drive, late_schedule};
use super::two_layer::{Mode, Problem, modes_along};
use crate::data::Moments;
use crate::flow::moments_suffice;
use crate::integrate::{Method, Segment, Settings, Verdict, integrate};
use crate::network::Architecture;
use crate::trajectory::Trajectory;
use nalgebra::{DMatrix, DVector};
use serde::Serialize;

/// The solution of the reduced equations.
#[derive(Debug, Clone)]
pub struct Curve {
    /// The joined total map W, 1 x d, against time.
    pub trajectory: Trajectory,
    /// What its initial values are taken from.
    pub start: CurveStart,
}

/// What the initial values of a theory curve are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveStart {
    /// The initial weights themselves, which are aligned.
    AlignedWeights,
    /// The growing modes of the actual initial weights.
    GrowingModes,
    /// Aligned weights that are learned at the times of the initial ones.
    EffectiveWeights,
}

impl CurveStart {
    /// What it is, for a report.
    pub fn words(self) -> &'static str {
        match self {
            CurveStart::AlignedWeights => "the aligned initial weights",
            CurveStart::GrowingModes => "the growing modes of the initial weights",
            CurveStart::EffectiveWeights => {
                "aligned weights with the same times as the initial weights"
            }
        }
    }
}

/// Most steps. Each plateau and each drop takes some tens of steps, however long it lasts.
const MOST_STEPS: u64 = 100_000;

/// The balanced rank-one solution from t = 0 to `t_end` at the relative tolerance `rtol` (sections on the two-layer network and on
/// the reduction of intermediate and late fusion). Its initial values come from the initial weights
/// alone, never from a run:
///
/// | initial weights | initial norms |
/// |---|---|
/// | aligned, the layers of a stack of one norm | their own: the curve *is* the flow |
/// | any others of two layers | the square root of the growing mode, of each modality in late fusion and of the joint inputs in early fusion |
/// | any others of more layers | those with which aligned weights have the times of the initial ones to leading order, `times` (`effective_weights.rs`) |
/// | others still | none: no curve |
///
/// Each map starts along its drive S_yxm. One that is exactly opposed to what drives the modality
/// when its turn comes, by the times of the initial weights where they are known, is an exception: random weights have a share along either, aligned ones
/// do not and stay at zero.
///
/// None for several outputs, whose maps are not of rank one, for networks of one layer, for those
/// that are not linear, under weight decay, and where a frozen modality feeds shared layers.
pub fn curve(
    moments: &Moments,
    architecture: &Architecture,
    (weights, scale, times): (&DVector<f64>, InitialScale, Option<&FromWeights>),
    (rtol, t_end): (f64, f64),
) -> Option<Curve> {
    let modalities = 0..moments.modalities.len();
    if !moments_suffice(architecture, moments)
        || architecture.weight_decay > 0.0
        || frozen_before_shared(architecture).is_some()
    {
        return None;
    }
    if moments.outputs_len() > 1 || modalities.clone().any(|m| architecture.depth(m) < 2) {
        return None;
    }
    let (state, start) = curve_start(moments, architecture, (weights, scale, times))?;
    let trajectory = solve(moments, architecture, &state, (rtol, t_end))?;
    Some(Curve { trajectory, start })
}

/// The state from which a curve of one output starts, in the coordinates in which all layers learn at one rate.
pub(super) fn curve_start(
    moments: &Moments,
    architecture: &Architecture,
    (weights, scale, times): (&DVector<f64>, InitialScale, Option<&FromWeights>),
) -> Option<(Start, CurveStart)> {
    let even = GradientCoordinates::of_equal_norms(moments, architecture, weights);
    let schedule = times.map_or_else(
        || late_schedule(&even.moments, scale.aligned),
        |times| times.times.values().copied().collect(),
    );
    let directions = directions(&even.moments, architecture, (&schedule, scale.aligned));
    start((moments, architecture), (weights, scale, times), directions)
}

/// The same, in the coordinates in which all layers learn at one rate, for modalities
/// whose maps start along `directions`.
fn start(
    (moments, architecture): (&Moments, &Architecture),
    (weights, scale, times): (&DVector<f64>, InitialScale, Option<&FromWeights>),
    directions: Vec<DVector<f64>>,
) -> Option<(Start, CurveStart)> {
    let even = GradientCoordinates::of(moments, architecture, weights);
    // Shared layers that are balanced with private ones of one norm are not so with scaled ones.
    let has_norm = scale.norm.is_some() && architecture.has_one_rate();
    let (moments, architecture, weights) = even.parts();
    let two_layers = architecture.fusion().filter(|fusion| fusion.depth == 2);
    let is_late = architecture.shared.is_empty();
    let is_flow = scale.aligned && (is_late || has_norm) && has_even_stacks(architecture, weights);
    Some(match two_layers {
        _ if is_flow => (
            aligned_start(architecture, weights, directions),
            CurveStart::AlignedWeights,
        ),
        Some(fusion) if fusion.is_early() => (
            early_start(moments, architecture, weights),
            CurveStart::GrowingModes,
        ),
        Some(fusion) if fusion.is_late() && !scale.aligned => (
            late_start((moments, architecture, weights), directions),
            CurveStart::GrowingModes,
        ),
        _ => (
            effective_start(moments, architecture, weights, times?, directions)?,
            CurveStart::EffectiveWeights,
        ),
    })
}

/// Unit vectors along which the modalities' maps start that are learned by a schedule.
fn directions(
    moments: &Moments,
    architecture: &Architecture,
    (schedule, aligned): (&[Option<f64>], bool),
) -> Vec<DVector<f64>> {
    let direction = |m: usize| {
        let early = drive(moments, &[], m);
        let time = schedule[m].unwrap_or(f64::INFINITY);
        let is_learned = |&other: &usize| schedule[other].is_some_and(|learned| learned < time);
        let learned: Vec<usize> = (0..schedule.len()).filter(is_learned).collect();
        let late = drive(moments, &learned, m);
        // A single private layer turns by itself.
        let is_stuck = !aligned && architecture.fusion_layer(m) > 1;
        let is_replaced = is_stuck && (early.norm() == 0.0 || are_opposed(&early, &late));
        unit(if is_replaced { &late } else { &early })
    };
    (0..schedule.len()).map(direction).collect()
}

/// A drive's direction; the first axis where it is zero.
fn unit(drive: &DMatrix<f64>) -> DVector<f64> {
    let size = drive.norm();
    if size > 0.0 {
        return drive.transpose().column(0) / size;
    }
    DVector::from_fn(drive.len(), |i, _| if i == 0 { 1.0 } else { 0.0 })
}

/// Whether the private layers of each modality are of one norm.
fn has_even_stacks(architecture: &Architecture, weights: &DVector<f64>) -> bool {
    const ROUND_OFF: f64 = 1e-12;
    architecture.private.iter().all(|stack| {
        let first = architecture.view(weights, stack.start).norm();
        let mut norms = stack.clone().map(|l| architecture.view(weights, l).norm());
        norms.all(|norm| (norm - first).abs() <= ROUND_OFF * first)
    })
}

/// Aligned weights, all layers of a stack of one norm.
fn aligned_start(
    architecture: &Architecture,
    weights: &DVector<f64>,
    directions: Vec<DVector<f64>>,
) -> Start {
    let norm = |l: usize| architecture.view(weights, l).norm();
    let shared = architecture.shared.clone().next();
    Start {
        norms: architecture
            .private
            .iter()
            .map(|stack| norm(stack.start))
            .collect(),
        shared: shared.map_or(0.0, norm),
        directions,
    }
}

/// Two layers, fused last: each modality's growing mode, or where its layers are unbalanced the map of balanced
/// ones that are learned at the same time.
fn late_start(
    problem @ (moments, architecture, weights): Problem<'_>,
    directions: Vec<DVector<f64>>,
) -> Start {
    let norm = |(m, direction): (usize, &DVector<f64>)| {
        let drive = drive(moments, &[], m);
        let mode = Mode::new(problem, m, &drive, &[]);
        let mode = mode.filter(|_| drive.transpose().column(0).dot(direction) > 0.0);
        let first = architecture.private[m].start;
        let grown = || modes_along(architecture, weights, [first, first + 1], direction).grown;
        mode.map_or_else(grown, |mode| mode.balanced_start()).sqrt()
    };
    Start {
        norms: directions.iter().enumerate().map(norm).collect(),
        shared: 0.0,
        directions,
    }
}

/// Two layers, fused first: one growing mode of all inputs together, each modality with its share.
fn early_start(moments: &Moments, architecture: &Architecture, weights: &DVector<f64>) -> Start {
    let modalities = 0..moments.modalities.len();
    let drives: Vec<DMatrix<f64>> = modalities.map(|m| drive(moments, &[], m)).collect();
    let total = moments.cross.norm();
    // p + q, p = W^1 n^T with the direction n of all inputs' drive.
    let mut sum = architecture
        .view(weights, architecture.shared.start)
        .transpose();
    for (drive, private) in drives.iter().zip(&architecture.private) {
        sum += architecture.view(weights, private.start) * drive.transpose() / total;
    }
    let norm = 0.5 * sum.norm();
    Start {
        norms: drives
            .iter()
            .map(|drive| norm * drive.norm() / total)
            .collect(),
        shared: norm,
        directions: drives.iter().map(unit).collect(),
    }
}

/// Integrates the reduced equations; None where they start at zero.
fn solve(
    moments: &Moments,
    architecture: &Architecture,
    start: &Start,
    (rtol, t_end): (f64, f64),
) -> Option<Trajectory> {
    let (mut system, state) = Balanced::new(moments, architecture, start);
    let sizes = state.iter().map(|entry| entry.abs());
    let smallest = sizes.filter(|&size| size > 0.0).reduce(f64::min)?;
    let settings = Settings {
        method: Method::Exponential,
        rtol,
        atol: rtol * smallest,
        t_end,
        max_steps: MOST_STEPS,
    };
    let blocks = moments.modalities.iter().map(|m| m.range.clone());
    let mut reader = system.clone();
    let mut trajectory =
        Trajectory::new(reader.knot(0.0, state.as_slice()), blocks.collect(), rtol);
    integrate(
        &mut system,
        state,
        &settings,
        &mut |segment: &mut dyn Segment| {
            let [_, middle, end] = segment.nodes();
            let middle = reader.knot(middle.time, middle.state.as_slice());
            let end = reader.knot(end.time, end.state.as_slice());
            trajectory.push_resolved(middle, end, &mut |time| {
                let state = segment.state_at(time)?;
                Some(reader.knot(time, state.as_slice()))
            });
            Verdict::Continue
        },
    );
    Some(trajectory)
}
