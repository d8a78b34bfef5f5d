//! Closed-form predictions: one function a formula, from moments, architecture and initial scale.
//!
//! Source of every formula: Zhang, Latham & Saxe, "Understanding Unimodal Bias in Multimodal Deep
//! Linear Networks" (ICML 2024), by the section named with it. Predictions know nothing of runs;
//! `compare` sets them beside measurements and reports the gap.
//!
//! In growth rates |S| is the largest singular value, which is the Frobenius norm for one output,
//! the paper's case; for several outputs the leading singular mode sets the rate.

use crate::data::{Moments, pseudo_inverse, spectral_norm};
use crate::network::Architecture;
use gauss_quad::GaussLegendre;
use nalgebra::{DMatrix, DVector};

/// Everything predicted for one problem. None where no formula applies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Theory {
    /// The modality learned first; None where two are equally fast, or stacks differ in depth.
    pub first: Option<usize>,
    /// The modality learned second.
    pub second: Option<usize>,
    /// Time ratio t_second/t_first.
    pub ratio: Option<f64>,
    /// Time of the first crossing, from the actual initial weights.
    pub t_first: Option<f64>,
    /// Overshoot of the first modality's map in the unimodal phase, o x d_first.
    pub misattribution: Option<DMatrix<f64>>,
    /// Whether the modality learned first contributes less to the output than another.
    pub superficial_preference: Option<bool>,
    /// Times of all modalities over the first one's, in the order of the modalities; None for
    /// those never learned. Late fusion only.
    pub schedule: Option<Vec<Option<f64>>>,
    /// What the predictions assume, and why one is missing.
    pub assumptions: Vec<String>,
}

/// What predictions need to know of the initial weights beside their values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InitialScale {
    /// Norm u0 of every private layer, with sqrt(M) u0 for every shared layer, where the scheme
    /// gives one.
    pub norm: Option<f64>,
    /// Whether the weights are of rank one along S_yxm. Such weights have no share in the modes
    /// that grow when a modality's drive turns round.
    pub aligned: bool,
}

/// All predictions for a problem.
pub fn predict(
    moments: &Moments,
    architecture: &Architecture,
    scale: InitialScale,
    weights: &DVector<f64>,
) -> Theory {
    let mut theory = Theory::default();
    theory.assume("small initial weights (leading order)");
    let Some(depths) = architecture.uniform_depth() else {
        theory.assume("no formula for unequal private depths");
        return theory;
    };
    if depths.0 == 1 {
        theory.assume("no prediction for a single layer: linear regression has no saddles");
        return theory;
    }
    if moments.rank() < moments.inputs_len() {
        theory.assume("dependent inputs: final maps are those of least norm, others fit as well");
    }
    if moments.outputs_len() > 1 {
        theory.assume("several outputs: the leading singular mode sets the growth rates");
    }
    let order = learning_order(moments);
    let (first, second) = (order[0], order[1]);
    match ratio(moments, depths, scale, (first, second)) {
        Ok((ratio, assumption)) => {
            theory.ratio = Some(ratio);
            theory.assume(assumption);
        }
        Err(reason) => theory.assume(reason),
    }
    let [fast, slow] = [first, second].map(|m| growth_rate(moments, m));
    if fast - slow <= 1e-12 * fast {
        theory.assume("the two fastest modalities are equally fast: their order is open");
        return theory;
    }
    theory.first = Some(first);
    theory.second = Some(second);
    theory.superficial_preference = Some(is_preference_superficial(moments, first));
    theory.misattribution = architecture
        .has_saddle(&[first])
        .then(|| misattribution(moments, first));
    if depths.0 == depths.1 {
        let schedule = late_schedule(moments, scale.aligned);
        theory.second = nth_learned(&schedule, 1);
        theory.schedule = Some(schedule);
        if let Some(degrees) = turn(moments, first, second).filter(|_| depths.0 > 2) {
            theory.assume(&format!(
                "the second modality's drive turns by {degrees:.0} degrees when the first is learned; \
                 beyond two layers the formula neglects that"
            ));
        }
        theory.t_first = two_layer_first_time(moments, architecture, weights, first);
    }
    theory
}

impl Theory {
    fn assume(&mut self, assumption: &str) {
        self.assumptions.push(assumption.to_owned());
    }
}

/// The time ratio by the formula for the architecture and what that assumes, or why there is none.
fn ratio(
    moments: &Moments,
    (depth, fusion): (usize, usize),
    scale: InitialScale,
    (first, second): (usize, usize),
) -> Result<(f64, &'static str), &'static str> {
    const NEVER: &str = "no second modality is ever learned from these weights";
    if fusion == 1 {
        return Ok((1.0, "early fusion: all modalities are learned together"));
    }
    if fusion == depth {
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
    let ratio = intermediate_ratio(moments, (first, second), (depth, fusion), norm).ok_or(
        "no second modality is ever learned from aligned weights, or their norm is not below 1",
    )?;
    Ok((
        ratio,
        "intermediate fusion: rank one, balanced, aligned initial layers",
    ))
}

/// Rate |S_yxm| at which a modality's map grows from small weights (sections on the two-layer
/// late-fusion network and on deeper ones).
pub fn growth_rate(moments: &Moments, modality: usize) -> f64 {
    spectral_norm(&moments.block(&moments.cross, modality))
}

/// Modalities in the order of their growth rates, the fastest first.
pub fn learning_order(moments: &Moments) -> Vec<usize> {
    let mut order: Vec<usize> = (0..moments.modalities.len()).collect();
    let rates: Vec<f64> = order.iter().map(|&m| growth_rate(moments, m)).collect();
    order.sort_by(|&a, &b| rates[b].total_cmp(&rates[a]));
    order
}

/// What drives modality B while the modalities A are at their joint least-squares solution:
/// S_yxB - S_yxA S_A^+ S_AB, o x d_B (section on the time ratio of late fusion). Zero where the
/// learned modalities explain B fully.
fn drive(moments: &Moments, learned: &[usize], modality: usize) -> DMatrix<f64> {
    let residual = &moments.cross - moments.critical_map(learned) * &moments.inputs;
    let drive = moments.block(&residual, modality);
    let scale = moments
        .block(&moments.cross, modality)
        .norm()
        .max(moments.cross.norm());
    // What should be zero is left as round-off.
    if drive.norm() > 1e-12 * scale {
        drive
    } else {
        drive * 0.0
    }
}

/// Growth rate b~ = |S_yxB - S_yxA S_A^+ S_AB| of modality B while the modalities A are at their
/// joint least-squares solution (section on the time ratio of late fusion).
pub fn residual_growth_rate(moments: &Moments, learned: &[usize], modality: usize) -> f64 {
    spectral_norm(&drive(moments, learned, modality))
}

/// Cosine of the angle between two drives; None where one is zero.
fn cosine(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Option<f64> {
    let sizes = a.norm() * b.norm();
    (sizes > 0.0).then(|| a.dot(b) / sizes)
}

/// Whether two drives are exactly opposed. Weights small enough not to act on each other retrace
/// their way under the second drive before they grow along it, whatever the depth. At any other
/// angle what has grown has a share in what grows next: for two layers only a logarithm changes,
/// for more a factor of the remaining time (see [`turn`]).
fn are_opposed(a: &DMatrix<f64>, b: &DMatrix<f64>) -> bool {
    cosine(a, b).is_some_and(|cosine| cosine <= -1.0 + 1e-12)
}

/// The angle in degrees by which the second modality's drive turns when the first is learned; None
/// where the drives are parallel, or opposed, which [`early_growth_rate`] accounts for.
fn turn(moments: &Moments, first: usize, second: usize) -> Option<f64> {
    let early = moments.block(&moments.cross, second);
    let cosine = cosine(&early, &drive(moments, &[first], second))?;
    (cosine.abs() < 1.0 - 1e-9).then(|| cosine.acos().to_degrees())
}

/// |S_yxB|, negative where S_yxB is exactly opposed to what drives B once A is learned, as it
/// is for scalar inputs whose correlation outweighs their own effect: B then shrinks at first.
/// With the plain norm instead, the paper's general formula and its toy formula
/// 1 + (r^2 - 1)/(1 - rho^2) disagree for rho r < -1; integration confirms the toy formula.
pub fn early_growth_rate(moments: &Moments, first: usize, second: usize) -> f64 {
    let early = moments.block(&moments.cross, second);
    let opposed = are_opposed(&early, &drive(moments, &[first], second));
    let rate = growth_rate(moments, second);
    if opposed { -rate } else { rate }
}

/// Late fusion, any depth: when each modality is learned, over the time of the first.
///
/// A stack of growth rate s is learned once its accumulated growth, the integral of s, reaches
/// an amount C that the depth and the initial norm set alike for all. Until the first is learned
/// at t_A = C/|S_yxA|, B accumulates |S_yxB| t_A; then it grows at the residual rate b~, so
/// t_B/t_A = 1 + (|S_yxA| - |S_yxB|)/b~ (section on the time ratio of late fusion). With more
/// than two modalities the same argument goes on from saddle to saddle. Growth along a drive that
/// turns round counts against the modality (see [`early_growth_rate`]); weights aligned with the
/// old drive never come back from it.
pub fn late_schedule(moments: &Moments, aligned: bool) -> Vec<Option<f64>> {
    let count = moments.modalities.len();
    let fastest = growth_rate(moments, learning_order(moments)[0]);
    let mut times = vec![None; count];
    let mut grown: Vec<f64> = vec![0.0; count];
    let mut drives: Vec<DMatrix<f64>> = (0..count).map(|m| drive(moments, &[], m)).collect();
    let mut learned: Vec<usize> = Vec::new();
    let mut now = 0.0;
    loop {
        let rates: Vec<f64> = drives
            .iter()
            .map(|drive| spectral_norm(drive) / fastest)
            .collect();
        let waits = (0..count)
            .filter(|m| !learned.contains(m) && rates[*m] > 0.0 && grown[*m].is_finite())
            .map(|m| (m, (1.0 - grown[m]).max(0.0) / rates[m]));
        let Some((next, wait)) = waits.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return times;
        };
        now += wait;
        times[next] = Some(now);
        learned.push(next);
        for m in 0..count {
            grown[m] += rates[m] * wait;
            let turned = drive(moments, &learned, m);
            if are_opposed(&drives[m], &turned) {
                grown[m] = if aligned {
                    f64::NEG_INFINITY
                } else {
                    -grown[m]
                };
            }
            drives[m] = turned;
        }
    }
}

/// The modality that is learned n-th (from 0) in a schedule.
fn nth_learned(schedule: &[Option<f64>], n: usize) -> Option<usize> {
    let mut learned: Vec<(f64, usize)> = schedule
        .iter()
        .enumerate()
        .filter_map(|(m, time)| Some(((*time)?, m)))
        .collect();
    learned.sort_by(|a, b| a.0.total_cmp(&b.0));
    learned.get(n).map(|(_, m)| *m)
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
    (depth, fusion): (usize, usize),
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
    let power = 2.0 - fusion as f64;
    let second_norm = |u: f64| match fusion {
        2 => u.powf(k) * norm.powf(1.0 - k),
        _ => (k * u.powf(power) + (1.0 - k) * norm.powf(power)).powf(1.0 / power),
    };
    let shared = 0.5 * (depth - fusion) as f64;
    // In u = e^x the integrand is smooth over many decades of u.
    let time = integrate(norm.ln(), 0.0, |x| {
        let u = x.exp();
        u.powf(power) / (rate * (u * u + second_norm(u).powi(2)).powf(shared))
    });
    let growth = match fusion {
        2 => -norm.ln(),
        _ => norm.powf(power) / -power,
    };
    let pull = plateau.powf(fusion as f64 / depth as f64 - 1.0);
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

/// Two-layer late fusion, one output and one input in the first modality A: its absolute time
/// t_A = ln(w_inf/w0 - 1)/(2 s), s = |S_yxA|, from the growing mode of the actual initial weights,
/// w0 = 1/4 |p0 + q0|^2 with p0 = W_A^1 (S_yxA/|S_yxA|)^T and q0 = W_A^2^T, and
/// w_inf = s/sigma_A^2 (section on the two-layer late-fusion network). None elsewhere.
pub fn two_layer_first_time(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    first: usize,
) -> Option<f64> {
    let modality = &moments.modalities[first];
    let two_layer_late = architecture.uniform_depth() == Some((2, 2));
    if !two_layer_late || moments.outputs_len() != 1 || modality.dim() != 1 {
        return None;
    }
    let layers = architecture.private[first].clone();
    let sign = moments.cross[(0, modality.range.start)].signum();
    let p = architecture.view(weights, layers.start).column(0) * sign;
    let q = architecture.view(weights, layers.start + 1).transpose();
    let grown = 0.25 * (p + q).norm_squared();
    let rate = growth_rate(moments, first);
    let variance = moments.inputs[(modality.range.start, modality.range.start)];
    let left = rate / variance / grown - 1.0;
    (left > 1.0).then(|| left.ln() / (2.0 * rate))
}

/// Two-layer late fusion, descent of learning rate eta, whose growing modes gain a factor
/// 1 + eta s a step instead of e^{eta s}:
/// t_B/t_A = 1 + [ln(1 + eta s_A) - ln(1 + eta s_B)] / ln(1 + eta b~) (from the section on the
/// two-layer late-fusion network, with Euler's growth factor). None for other networks.
pub fn descent_ratio(
    moments: &Moments,
    architecture: &Architecture,
    learning_rate: f64,
) -> Option<f64> {
    if architecture.uniform_depth() != Some((2, 2)) || moments.modalities.len() != 2 {
        return None;
    }
    let order = learning_order(moments);
    let gain = |rate: f64| (learning_rate * rate).ln_1p();
    let a = gain(growth_rate(moments, order[0]));
    let b = gain(early_growth_rate(moments, order[0], order[1]));
    let residual = gain(residual_growth_rate(moments, &order[..1], order[1]));
    (residual > 0.0).then(|| 1.0 + (a - b) / residual)
}

/// Mis-attribution: the first modality's map at the unimodal saddle minus its final one,
/// S_yxA S_A^+ - W_A*, o x d_A (section on mis-attribution).
pub fn misattribution(moments: &Moments, first: usize) -> DMatrix<f64> {
    let block = |map: &DMatrix<f64>| moments.block(map, first);
    block(&moments.critical_map(&[first])) - block(&moments.loss.optimum)
}

/// What a modality alone removes from the loss: S_yxm S_m^+ S_yxm^T, summed over outputs (section
/// on superficial modality preference).
pub fn contribution(moments: &Moments, modality: usize) -> f64 {
    let range = moments.modalities[modality].range.clone();
    let columns: Vec<usize> = range.collect();
    let inputs = moments
        .inputs
        .select_rows(&columns)
        .select_columns(&columns);
    let cross = moments.block(&moments.cross, modality);
    (&cross * pseudo_inverse(&inputs)).dot(&cross)
}

/// Whether the preference for the modality learned first is superficial: another one lowers the
/// loss more (section on superficial modality preference).
pub fn is_preference_superficial(moments: &Moments, first: usize) -> bool {
    let mine = contribution(moments, first);
    // Equal contributions differ by round-off.
    (0..moments.modalities.len()).any(|m| contribution(moments, m) > mine * (1.0 + 1e-12))
}
