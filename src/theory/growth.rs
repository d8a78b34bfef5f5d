//! How fast modalities grow from small weights, and when late fusion learns them.

use crate::data::Moments;
use crate::linalg::spectral_norm;
use nalgebra::DMatrix;

/// Rate |S_yxm| at which a modality's map grows from small weights (sections on the two-layer
/// late-fusion network and on deeper ones).
pub fn growth_rate(moments: &Moments, modality: usize) -> f64 {
    spectral_norm(&drive(moments, &[], modality))
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
pub(super) fn drive(moments: &Moments, learned: &[usize], modality: usize) -> DMatrix<f64> {
    match learned {
        [] => part(moments, &moments.cross, modality),
        _ => part(moments, &moments.residual(learned), modality),
    }
}

/// The drives of all modalities, as [`drive`] gives them one by one.
pub(super) fn drives(moments: &Moments, learned: &[usize]) -> Vec<DMatrix<f64>> {
    let residual = match learned {
        [] => moments.cross.clone(),
        _ => moments.residual(learned),
    };
    let modalities = 0..moments.modalities.len();
    modalities.map(|m| part(moments, &residual, m)).collect()
}

/// The part of a residual correlation (o x d) that drives one modality.
pub(super) fn part(moments: &Moments, residual: &DMatrix<f64>, modality: usize) -> DMatrix<f64> {
    let drive = moments.block(residual, modality);
    // What should be zero is left as round-off of the sums behind it. By Cauchy and Schwarz they are of at most
    // this size, whatever the units of inputs and targets.
    let range = moments.modalities[modality].range.clone();
    let variance = moments.inputs.trace(range);
    let scale = (2.0 * moments.initial_loss * variance).sqrt();
    if drive.norm() > 1e-12 * scale {
        drive
    } else {
        drive * 0.0
    }
}

/// Whether what a map (o x d_m) of one modality adds to the outputs is what round-off leaves of nothing.
pub(super) fn explains_nothing(moments: &Moments, map: &DMatrix<f64>, modality: usize) -> bool {
    let range = &moments.modalities[modality].range;
    let mut joined = DMatrix::zeros(map.nrows(), moments.inputs_len());
    joined.columns_mut(range.start, range.len()).copy_from(map);
    let power = moments.inputs.after(&joined).dot(&joined).max(0.0);
    power.sqrt() <= 1e-10 * (2.0 * moments.initial_loss).sqrt()
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
/// for more a factor of the remaining time (`turn`).
pub fn are_opposed(a: &DMatrix<f64>, b: &DMatrix<f64>) -> bool {
    cosine(a, b).is_some_and(|cosine| cosine <= -1.0 + 1e-12)
}

/// The angle in degrees by which the second modality's drive turns when the first is learned; None
/// where the drives are parallel, or opposed, which [`early_growth_rate`] accounts for.
pub(super) fn turn(moments: &Moments, first: usize, second: usize) -> Option<f64> {
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
    /// Relative distance of times that are equal.
    const EQUAL: f64 = 1e-12;
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
        let waits: Vec<(usize, f64)> = waits.collect();
        let least = waits.iter().map(|(_, wait)| *wait).reduce(f64::min);
        // Of equal ones the first, whatever round-off says.
        let is_next = |wait: f64| least.is_some_and(|least| wait - least <= EQUAL * (now + least));
        let Some(&(next, _)) = waits.iter().find(|(_, wait)| is_next(*wait)) else {
            return times;
        };
        let wait = least.unwrap_or(0.0);
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

/// The modalities that are learned in a schedule, the first one first, each behind its time.
pub(super) fn in_order(schedule: &[Option<f64>]) -> Vec<(f64, usize)> {
    let times = schedule.iter().enumerate();
    let times = times.filter_map(|(m, time)| Some(((*time)?, m)));
    let mut learned: Vec<(f64, usize)> = times.collect();
    learned.sort_by(|a, b| a.0.total_cmp(&b.0));
    learned
}

/// The modality that is learned n-th (from 0) in a schedule.
pub(super) fn nth_learned(schedule: &[Option<f64>], n: usize) -> Option<usize> {
    in_order(schedule).get(n).map(|(_, m)| *m)
}
