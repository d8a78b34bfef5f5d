//! Each modality's share of a map, and whether the weak one keeps its due.

use crate::data::{Modality, Moments};
use crate::linalg::norm;
use crate::linalg::spectral_norm;
use crate::trajectory::Knot;
use crate::trajectory::Observables;
use nalgebra::DMatrix;
use serde::Serialize;

/// The weak modality counts as biased against below this ratio of its share to its true share.
/// Least squares on samples moves shares by some percent either way: in ten draws of the setting of
/// `scenarios/few_samples.yaml` with 7 samples an input the least-norm share is at most 2 % short.
pub const BIASED: f64 = 0.9;

/// A run has converged when at most this share of the learnable loss is left. Slow directions of
/// the inputs still move the maps when little loss is left: in the setting of
/// `scenarios/few_samples.yaml` shares are within 5 % of their last values here, and up to 16 % off at ten
/// times as much.
pub const CONVERGED: f64 = 1e-4;

/// Shares of the true map below this are round-off of zero.
const NO_SHARE: f64 = 1e-12;

/// A modality's share |W_m|^2/|W|^2 (Frobenius norms) of a joined map W (o x d).
///
/// Shares of the map, not of the output's variance tr(W_m S_m W_m^T): they need no covariance,
/// so that they are the same thing for populations, samples and hold-outs, and they are squares of the
/// norms that all else here is told by. Inputs of different units want to be standardised first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// The modality.
    pub modality: Modality,
    /// Of the map at the end of the run.
    #[serde(rename = "final")]
    pub last: Option<f64>,
    /// Of the least-squares solution of least norm.
    pub least_norm: Option<f64>,
    /// Of the true map; None where that is not known, on a hold-out.
    pub truth: Option<f64>,
}

/// Whether the weak modality keeps less of the map than is its due, at convergence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bias {
    /// The verdict.
    pub verdict: Verdict,
    /// The weak modality: of those in the true map the one with the smallest |S_yxm| (largest
    /// singular value, population moments), which grows last from small weights. None where
    /// the truth is not known, or is of one modality only.
    #[serde(rename = "modality")]
    pub weak: Option<Modality>,
    /// Its final share of the map.
    pub share: Option<f64>,
    /// Its share of the true map.
    pub true_share: Option<f64>,
    /// share / true_share = `by_samples` times `by_flow`.
    pub ratio: Option<f64>,
    /// Its share of the least-norm solution over its true share: what finite samples do.
    pub by_samples: Option<f64>,
    /// Its final share over its share of the least-norm solution: what the flow adds.
    pub by_flow: Option<f64>,
    /// The ratio below which the modality counts as biased against, [`BIASED`].
    pub threshold: f64,
    /// Which factor is below the threshold where the verdict is that it is biased.
    pub cause: Option<Cause>,
    /// Why the verdict is open.
    pub reason: Option<String>,
}

/// The verdict on permanent bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The weak modality's share is below [`BIASED`] times its true share.
    Biased,
    /// It is not.
    NotBiased,
    /// Nothing can be said.
    Open,
}

impl Verdict {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Biased => "biased",
            Verdict::NotBiased => "not_biased",
            Verdict::Open => "open",
        }
    }
}

/// Where a bias comes from: which of the two factors of the ratio is below [`BIASED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The flow: the least-norm solution does not have it.
    Flow,
    /// Least squares on few samples: the flow's end is as good as the least-norm solution.
    Samples,
    /// Both, or neither alone.
    Both,
}

/// Shares of every modality at the end of a run.
pub(super) fn shares(observables: &Observables<'_>, end: &Knot) -> Vec<Share> {
    let moments = observables.moments;
    let last = shares_of(observables, observables.map(end));
    let least_norm = shares_of(observables, moments.loss.optimum.as_slice());
    let truth = true_map(moments).and_then(|map| shares_of(observables, map.as_slice()));
    let of = |shares: &Option<Vec<f64>>, m: usize| shares.as_ref().map(|shares| shares[m]);
    (0..moments.modalities.len())
        .map(|m| Share {
            modality: moments.modalities[m].clone(),
            last: of(&last, m),
            least_norm: of(&least_norm, m),
            truth: of(&truth, m),
        })
        .collect()
}

/// Shares of a joined map, o x d by columns; None for the zero map and for what is no number.
fn shares_of(observables: &Observables<'_>, map: &[f64]) -> Option<Vec<f64>> {
    // Norms over the whole first: squares of small maps would underflow.
    let whole = norm(map);
    let share = |m: usize| (norm(&map[observables.block(m)]) / whole).powi(2);
    (whole > 0.0 && whole.is_finite()).then(|| {
        (0..observables.moments.modalities.len())
            .map(share)
            .collect()
    })
}

fn true_map(moments: &Moments) -> Option<&DMatrix<f64>> {
    moments.generalisation.as_ref()?.true_map()
}

/// The verdict from the shares and the share of the learnable loss that is left.
pub(super) fn bias(observables: &Observables<'_>, shares: &[Share], loss_gap: f64) -> Bias {
    let weak = weak(observables.moments, shares);
    let over = |a: Option<f64>, b: Option<f64>| super::quotient(a?, b?);
    let of_weak = weak.map(|m| &shares[m]);
    let ratio = of_weak.and_then(|share| over(share.last, share.truth));
    let by_samples = of_weak.and_then(|share| over(share.least_norm, share.truth));
    let by_flow = of_weak.and_then(|share| over(share.last, share.least_norm));
    // What is no number has not converged either.
    let has_converged = loss_gap <= CONVERGED;
    let reason = match ratio {
        _ if true_map(observables.moments).is_none() => {
            Some("the true map is not known: a hold-out has none".to_owned())
        }
        _ if weak.is_none() => Some("the true map is of one modality only".to_owned()),
        _ if !has_converged => Some(format!(
            "the run has not converged: {loss_gap:.1e} of the learnable loss is left, where {CONVERGED:e} is asked for"
        )),
        None => Some("the final map is zero or no number".to_owned()),
        Some(_) => None,
    };
    let is_biased = ratio.is_some_and(|ratio| ratio < BIASED);
    let verdict = match &reason {
        Some(_) => Verdict::Open,
        None if is_biased => Verdict::Biased,
        None => Verdict::NotBiased,
    };
    Bias {
        verdict,
        weak: of_weak.map(|share| share.modality.clone()),
        share: of_weak.and_then(|share| share.last),
        true_share: of_weak.and_then(|share| share.truth),
        ratio,
        by_samples,
        by_flow,
        threshold: BIASED,
        cause: (verdict == Verdict::Biased).then(|| cause(by_samples, by_flow)),
        reason,
    }
}

/// Of the modalities in the true map the one with the smallest |S_yxm| in the population.
fn weak(moments: &Moments, shares: &[Share]) -> Option<usize> {
    let population = moments.generalisation.as_ref()?.error();
    let cross = population.covariance.after(true_map(moments)?);
    let present = |m: &usize| shares[*m].truth.is_some_and(|share| share > NO_SHARE);
    let present: Vec<usize> = (0..shares.len()).filter(present).collect();
    let strength = |m: usize| spectral_norm(&moments.block(&cross, m));
    let weakest = present
        .iter()
        .map(|&m| (m, strength(m)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    weakest.filter(|_| present.len() > 1).map(|(m, _)| m)
}

fn cause(by_samples: Option<f64>, by_flow: Option<f64>) -> Cause {
    let is_below = |factor: Option<f64>| factor.is_some_and(|factor| factor < BIASED);
    match (is_below(by_samples), is_below(by_flow)) {
        (true, false) => Cause::Samples,
        (false, true) => Cause::Flow,
        (true, true) | (false, false) => Cause::Both,
    }
}
