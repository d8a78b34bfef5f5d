//! How fast a modality escapes from a saddle, and whether the saddle is strict.
//!
//! Both follow from the rank-one, balanced reduction of the flow (Zhang, Latham & Saxe, ICML 2024,
//! sections on deep late-fusion and intermediate-fusion networks): every private layer of modality
//! m has norm u_m, every one of the n shared layers norm s, |W_m| = u_m^Lf s^n, and
//!
//! ```text
//! du_m/dt = r_m s^n u_m^{Lf-1}            ds/dt = s^{n-1} sum_m r_m u_m^Lf
//! s^2     = sum_m u_m^2                   (balancedness at the fusion)
//! ```
//!
//! with the drive r_m = |S_yxm - S_yxS S_S^+ S_Sm| near the saddle M_S, which is zero for m in S.

use super::coordinates::{GradientCoordinates, frozen_before_shared, gain};
use super::growth::residual_growth_rate;
use crate::data::Moments;
use crate::flow::moments_suffice;
use crate::linalg::spectral_norm;
use crate::network::Architecture;
use nalgebra::DVector;

/// Growth rate d ln|W_m|/dt of modality m, which is not learned yet, near the saddle M_S of the
/// modalities S = `learned`. `norms` are the current norms of all total maps.
///
/// ```text
/// late fusion (n = 0)             L_m r_m u_m^{L_m-2}                                 u_m = |W_m|^{1/L_m}
/// shared layers, S not empty      Lf r_m g u_m^{Lf-2}                                 u_m = (|W_m|/g)^{1/Lf}
/// shared layers, S empty          Lf r_m s^n u_m^{Lf-2} + n s^{n-2} sum_k r_k u_k^Lf     u_k = (|W_k|/s^n)^{1/Lf}
/// ```
///
/// S holds the shared layers up: their gain is g = s^n with s^2 = sum over S of u_k^2 and
/// |W_k| = |S_yxS S_S^+| there, so that for one learned modality g = p^{1-Lf/L}. Where nothing is
/// learned, the same relation with the current norms gives s. Two layers of late fusion give
/// 2 r_m: exponential growth at twice the drive. Learning rates that differ by modality are other inputs and other
/// norms (`coordinates.rs`).
///
/// # Errors
/// Why there is no formula.
pub fn escape_rate(
    moments: &Moments,
    architecture: &Architecture,
    learned: &[usize],
    modality: usize,
    norms: &[f64],
) -> Result<f64, &'static str> {
    if !moments_suffice(architecture, moments) {
        return Err("growth rates are those of linear networks under squared loss");
    }
    if architecture.weight_decay > 0.0 {
        return Err("growth rates are those without weight decay");
    }
    if let Some(reason) = frozen_before_shared(architecture) {
        return Err(reason);
    }
    if !architecture.has_saddle(learned) {
        return Err("the network has no such saddle");
    }
    if architecture.has_one_rate() {
        return rate_of_one(moments, architecture, learned, modality, norms);
    }
    let weights = DVector::zeros(architecture.len());
    let even = GradientCoordinates::of(moments, architecture, &weights);
    let norm = |(m, norm): (usize, &f64)| match gain(architecture, m) {
        0.0 => 0.0,
        gain => norm / gain,
    };
    let norms: Vec<f64> = norms.iter().enumerate().map(norm).collect();
    rate_of_one(&even.moments, &even.architecture, learned, modality, &norms)
}

/// The same for one learning rate of all layers.
fn rate_of_one(
    moments: &Moments,
    architecture: &Architecture,
    learned: &[usize],
    modality: usize,
    norms: &[f64],
) -> Result<f64, &'static str> {
    let own = architecture.fusion_layer(modality);
    if own < 2 {
        return Err("no growth rate for a modality with a single private layer");
    }
    let drive = |m: usize| residual_growth_rate(moments, learned, m);
    let power = own as f64;
    let shared = architecture.shared.len() as f64;
    if shared == 0.0 {
        let u = norms[modality].powf(1.0 / power);
        return Ok(power * drive(modality) * u.powf(power - 2.0));
    }
    if moments.outputs_len() > 1 {
        return Err("no growth rate for shared layers with several outputs");
    }
    if learned.is_empty() {
        let all: Vec<usize> = (0..norms.len()).collect();
        let s = shared_norm(architecture, &all, norms)?;
        let norm = |m: usize| (norms[m] / s.powf(shared)).powf(1.0 / power);
        let pull: f64 = all.iter().map(|&m| drive(m) * norm(m).powf(power)).sum();
        let private = power * drive(modality) * s.powf(shared) * norm(modality).powf(power - 2.0);
        return Ok(private + shared * s.powf(shared - 2.0) * pull);
    }
    let critical = moments.critical_map(learned);
    let saddle = |m: usize| spectral_norm(&moments.block(&critical, m));
    let saddle: Vec<f64> = (0..norms.len()).map(saddle).collect();
    let gain = shared_norm(architecture, learned, &saddle)?.powf(shared);
    let u = (norms[modality] / gain).powf(1.0 / power);
    Ok(power * drive(modality) * gain * u.powf(power - 2.0))
}

/// Norm s of each shared layer that the given modalities hold up:
/// s^2 = sum_k (|W_k|/s^n)^{2/Lf}, so s = (sum_k |W_k|^{2/Lf})^{Lf/(2L)}.
fn shared_norm(
    architecture: &Architecture,
    modalities: &[usize],
    norms: &[f64],
) -> Result<f64, &'static str> {
    let own = architecture.fusion_layer(modalities[0]);
    if modalities
        .iter()
        .any(|&m| architecture.fusion_layer(m) != own)
    {
        return Err("no growth rate for shared layers behind stacks of unequal depth");
    }
    let own = own as f64;
    let depth = own + architecture.shared.len() as f64;
    let sum: f64 = modalities.iter().map(|&m| norms[m].powf(2.0 / own)).sum();
    Ok(sum.powf(own / (2.0 * depth)))
}

/// Whether the saddle M_S of the modalities S = `learned` has a direction of negative curvature:
/// M_0 where some driven modality has two layers in all, the others where one has two private
/// layers. Elsewhere the escape is flat to second order, its growth algebraic in time, and the
/// least eigenvalue of the Hessian tends to zero. None where M_S is no saddle: the minimum, or no
/// critical point at all (section on the loss landscape); and for networks that are not linear, under cross-entropy, and under
/// weight decay, which moves the saddles.
pub fn is_strict_saddle(
    moments: &Moments,
    architecture: &Architecture,
    learned: &[usize],
) -> Option<bool> {
    let count = architecture.modalities.len();
    let mut driven = (0..count)
        .filter(|m| !learned.contains(m) && architecture.stack_rate_factor(*m) > 0.0)
        .filter(|m| residual_growth_rate(moments, learned, *m) > 0.0)
        .peekable();
    let is_known = moments_suffice(architecture, moments)
        && architecture.weight_decay == 0.0
        && frozen_before_shared(architecture).is_none();
    if driven.peek().is_none() || !architecture.has_saddle(learned) || !is_known {
        return None;
    }
    Some(driven.any(|m| match learned {
        [] => architecture.depth(m) == 2,
        _ => architecture.fusion_layer(m) == 2,
    }))
}
