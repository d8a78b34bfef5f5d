//! Time ratios, mis-attribution and superficial preference.

use super::growth::{
    early_growth_rate, explains_nothing, growth_rate, late_schedule, nth_learned,
    residual_growth_rate,
};
use super::{InitialScale, NEVER};
use crate::data::Moments;
use crate::linalg::spectral_norm;
use crate::network::Fusion;
use gauss_quad::GaussLegendre;
use nalgebra::DMatrix;

/// The time ratio by the formula for the architecture and what that assumes, or why there is none.
pub(super) fn ratio(
    moments: &Moments,
    fusion: Fusion,
    scale: InitialScale,
    (first, second): (usize, usize),
) -> Result<(f64, &'static str), &'static str> {
    if fusion.is_early() {
        let map = |m: usize| moments.block(&moments.least.map, m);
        let is_learned = |&m: &usize| !explains_nothing(moments, &map(m), m);
        let learned = (0..moments.modalities.len()).filter(is_learned);
        return match learned.count() {
            2.. => Ok((1.0, "early fusion: all modalities are learned together")),
            _ => Err("no second modality has anything that a linear map learns"),
        };
    }
    if fusion.is_late() {
        let schedule = late_schedule(moments, scale.aligned);
        let second = nth_learned(&schedule, 1).ok_or(NEVER)?;
        let ratio = schedule[second].ok_or(NEVER)?;
        return Ok((
            ratio,
            "late fusion: private stacks grow independently at first",
        ));
    }
    if moments.modalities.len() != 2 {
        return Err("the time ratio of intermediate fusion is known for two modalities only");
    }
    let Some(norm) = scale.norm else {
        return Err(
            "the time ratio of intermediate fusion needs layers of equal initial norm \
                    (init.aligned or init.gaussian_norm)",
        );
    };
    let ratio = intermediate_ratio(moments, (first, second), fusion, norm);
    let ratio = ratio.ok_or(match norm < 1.0 {
        true => "no second modality is ever learned from aligned weights",
        false => "the time ratio of intermediate fusion needs an initial norm below 1",
    })?;
    Ok((
        ratio,
        "intermediate fusion: rank one, balanced, aligned initial layers",
    ))
}

/// Intermediate fusion (1 < Lf < L), two modalities, private layers of norm u0 and shared layers
/// of sqrt(2) u0: the time ratio t_B/t_A (section on intermediate fusion).
///
/// With a = |S_yxA|, k = |S_yxB|/|S_yxA|, b~ the residual growth rate and p = |S_yxA S_A^+|:
///
/// ```text
/// u_B(u) = u^k u0^{1-k}                                     Lf = 2
///        = (k u^{2-Lf} + (1-k) u0^{2-Lf})^{1/(2-Lf)}        Lf > 2
/// I      = int_{u0}^1 du / [a u^{Lf-1} (u^2 + u_B(u)^2)^{(L-Lf)/2}]
/// ratio  = 1 + ln(1/u0) (1-k) p^{Lf/L-1} / (b~ I)                      Lf = 2
///        = 1 + u0^{2-Lf} (1-k) p^{Lf/L-1} / ((Lf-2) b~ I)              Lf > 2
/// ```
///
/// None where B is never learned from aligned weights, or u0 is not below 1.
pub fn intermediate_ratio(
    moments: &Moments,
    (first, second): (usize, usize),
    fusion: Fusion,
    norm: f64,
) -> Option<f64> {
    let rate = growth_rate(moments, first);
    let k = early_growth_rate(moments, first, second) / rate;
    let residual_rate = residual_growth_rate(moments, &[first], second);
    let plateau = spectral_norm(&moments.block(&moments.critical_map(&[first]), first));
    // Aligned weights, which the formula is for, never return from a drive that turns round.
    if k < 0.0 || residual_rate == 0.0 || !(0.0..1.0).contains(&norm) {
        return None;
    }
    let power = 2.0 - fusion.layer as f64;
    let second_norm = |u: f64| match fusion.layer {
        2 => u.powf(k) * norm.powf(1.0 - k),
        _ => (k * u.powf(power) + (1.0 - k) * norm.powf(power)).powf(1.0 / power),
    };
    let shared = 0.5 * fusion.shared_layers() as f64;
    // In u = e^x the integrand is smooth over many decades of u.
    let time = integrate(norm.ln(), 0.0, |x| {
        let u = x.exp();
        u.powf(power) / (rate * (u * u + second_norm(u).powi(2)).powf(shared))
    });
    let growth = match fusion.layer {
        2 => -norm.ln(),
        _ => norm.powf(power) / -power,
    };
    let pull = plateau.powf(fusion.layer as f64 / fusion.depth as f64 - 1.0);
    Some(1.0 + growth * (1.0 - k) * pull / (residual_rate * time))
}

/// Integral of a smooth function over logarithmic scales: Gauss-Legendre of 32 points on panels
/// no longer than 1, exact to round-off for the powers of e^x that occur here.
fn integrate(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    const POINTS: usize = 32;
    let Ok(rule) = GaussLegendre::new(POINTS) else {
        return f64::NAN;
    };
    let panels = (to - from).ceil().max(1.0);
    let length = (to - from) / panels;
    (0..panels as usize)
        .map(|i| {
            let start = from + i as f64 * length;
            rule.integrate(start, start + length, &f)
        })
        .sum()
}

/// Mis-attribution: the first modality's map at the unimodal saddle minus its final one,
/// S_yxA S_A^+ - W_A*, o x d_A (section on mis-attribution), or the same of the best maps of the ranks that the
/// network allows. Entries below the round-off of the two least-squares
/// solutions are zero.
pub fn misattribution(moments: &Moments, first: usize) -> DMatrix<f64> {
    let block = |map: &DMatrix<f64>| moments.block(map, first);
    let resting = moments.resting_map(&[first]);
    let (alone, last) = (
        block(&resting.unwrap_or_else(|| moments.critical_map(&[first]))),
        block(moments.decayed_minimum().unwrap_or(&moments.least.map)),
    );
    let round_off = solution_round_off(moments) * (alone.norm() + last.norm());
    (alone - last).map(|entry| if entry.abs() > round_off { entry } else { 0.0 })
}

/// Relative error that round-off leaves in a least-squares solution S_yx S_xx^+: a few epsilon times
/// the condition number of S_xx (N. J. Higham, "Accuracy and Stability of Numerical Algorithms" (2002),
/// chapter 7), here by Frobenius norms, which bound it from above. At most 1e-8: inputs in very different units have a
/// large condition number and accurate solutions all the same.
pub fn solution_round_off(moments: &Moments) -> f64 {
    let condition = moments.inputs.norm() * moments.inverse().norm();
    (4.0 * f64::EPSILON * condition).min(1e-8)
}

/// What a modality alone removes from the loss: S_yxm S_m^+ S_yxm^T, summed over outputs (section
/// on superficial modality preference).
pub fn contribution(moments: &Moments, modality: usize) -> f64 {
    let block = |map: &DMatrix<f64>| moments.block(map, modality);
    block(&moments.critical_map(&[modality])).dot(&block(&moments.cross))
}

/// Whether the preference for the modality learned first is superficial: another one lowers the
/// loss more (section on superficial modality preference).
pub fn is_preference_superficial(moments: &Moments, first: usize) -> bool {
    let mine = contribution(moments, first);
    // Equal contributions differ by round-off.
    (0..moments.modalities.len()).any(|m| contribution(moments, m) > mine * (1.0 + 1e-12))
}
