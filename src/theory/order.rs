//! The order in which two-layer late fusion learns the modalities, from the actual initial weights.
//!
//! Growth rates alone decide it as the weights vanish. At any finite scale the initial weights have a say:
//! of two modalities of about equal rate the one with the larger growing mode is first.

use super::growth::{drive, growth_rate, in_order, late_schedule, learning_order};
use super::modes::{ModalityModes, modes};
use super::two_layer::{Mode, Problem, applies};
use super::two_modes::{Course, TwoModes};
use crate::data::Moments;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// Relative size below which a number is what round-off left of zero.
const ROUND_OFF: f64 = 1e-12;

/// Relative distance within which rates and times count as equal.
const EQUAL: f64 = 1e-12;

/// How much later than another a modality is learned that is past its level by then, relative to that time.
pub(super) const RIGHT_AFTER: f64 = 1e-9;

/// The order in which the modalities are learned.
pub(super) struct Order {
    /// Their places, the first one first.
    pub(super) places: Vec<usize>,
    /// Whether the first two are learned at the same time.
    pub(super) is_open: bool,
    /// The absolute times from the initial weights, where these decide on another order than growth rates
    /// do.
    pub(super) overruling: Option<Vec<Option<f64>>>,
}

impl Order {
    /// From the modalities' own times where the initial weights give them, by the growth rates
    /// elsewhere.
    pub(super) fn of(
        moments: &Moments,
        architecture: &Architecture,
        aligned: bool,
        weights: &DVector<f64>,
    ) -> Self {
        let by_rates = learning_order(moments);
        let [fast, slow] = [by_rates[0], by_rates[1]].map(|m| growth_rate(moments, m));
        let are_rates_equal = fast - slow <= EQUAL * fast;
        let Some(schedule) = two_layer_schedule(moments, architecture, weights) else {
            return Self {
                is_open: are_rates_equal,
                places: by_rates,
                overruling: None,
            };
        };
        let places = order_of(&schedule, moments);
        // What is past its level when its turn comes is learned right after (`two_layer_schedule`).
        let equal = match are_rates_equal {
            true => 2.0 * RIGHT_AFTER,
            false => EQUAL,
        };
        let is_open = match (schedule[places[0]], schedule[places[1]]) {
            (Some(earlier), Some(later)) => later - earlier <= equal * later,
            _ => false,
        };
        let formula = late_schedule(moments, aligned);
        let overrules = !is_open && places_of(&schedule) != places_of(&formula);
        Self {
            places,
            is_open,
            overruling: overrules.then_some(schedule),
        }
    }
}

/// A time during which the drive of a modality is constant (to leading order).
struct Stage {
    /// 1 x d_m.
    drive: DMatrix<f64>,
    length: f64,
}

/// When each modality is learned, in the order of the modalities: absolute times from the actual initial
/// weights, to leading order (section on the two-layer late-fusion network). None for one that never is.
///
/// While a stack is small, every hidden unit i of it follows the linear flow of z_i = (W^1_i, W^2_i),
/// d_m + 1 entries,
///
/// ```text
/// dz_i/dt = K z_i        K = [0, D^T; D, 0]        D = S_yxm at first, S_yxm - W_S S_Sm once S is learned
/// ```
///
/// so that the growing mode of the drive at hand starts from what all earlier drives have made of
/// the weights, whatever the angles by which they turned. Along drives that do not turn, as those of one input, the
/// approach to the place that the modality has in the end is followed as well, so that uncorrelated scalar modalities
/// have their exact times whatever the weights. From saddle to saddle the modality that reaches
/// its level first is the next. With several outputs the leading modes of [`modes`] serve, where they are
/// known.
///
/// None where a modality is not small, or creeps up to its level later than its leading mode; and for
/// other networks.
pub fn two_layer_schedule(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> Option<Vec<Option<f64>>> {
    if !architecture.is_linear() {
        return None;
    }
    if moments.outputs_len() > 1 {
        let modes = modes(moments, architecture, weights).ok()?;
        // A leading mode that starts above its level has no time.
        let is_large = |of: &ModalityModes| !of.modes.is_empty() && of.first_time().is_none();
        if modes.iter().any(is_large) {
            return None;
        }
        return Some(modes.iter().map(ModalityModes::first_time).collect());
    }
    if !applies(moments, architecture) {
        return None;
    }
    let count = moments.modalities.len();
    let mut times = vec![None; count];
    let mut stages: Vec<Vec<Stage>> = (0..count).map(|_| Vec::new()).collect();
    let mut learned: Vec<usize> = Vec::new();
    let mut now = 0.0;
    loop {
        let mut next: Option<(usize, f64)> = None;
        for m in (0..count).filter(|m| times[*m].is_none()) {
            let wait = wait((moments, architecture, weights), &stages[m], &learned, m)?;
            if wait < next.map_or(f64::INFINITY, |(_, least)| least) {
                next = Some((m, wait));
            }
        }
        let Some((next, wait)) = next else {
            return Some(times);
        };
        for (m, stages) in stages.iter_mut().enumerate() {
            let drive = drive(moments, &learned, m);
            stages.push(Stage {
                drive,
                length: wait,
            });
        }
        // One that is past its level by then is learned right after: the times stay in order.
        now += wait.max(RIGHT_AFTER * now);
        times[next] = Some(now);
        learned.push(next);
        learned.sort_unstable();
    }
}

/// How long a modality still waits on the saddle of the `learned` ones, infinite where nothing takes it
/// away; None where that is not known.
fn wait(problem: Problem<'_>, stages: &[Stage], learned: &[usize], modality: usize) -> Option<f64> {
    let moments = problem.0;
    let drive = drive(moments, learned, modality);
    let Some(mode) = Mode::along(problem, modality, &drive, learned) else {
        return Some(f64::INFINITY);
    };
    let start = start(problem, stages, (&drive, &mode), modality);
    if start.grown == 0.0 {
        return Some(f64::INFINITY);
    }
    mode.is_ordered().then(|| mode.wait_from(start))
}

/// The modes along `drive` (1 x d_m) after the stages; `mode` is the modality's along it.
fn start(
    problem: Problem<'_>,
    stages: &[Stage],
    (drive, mode): (&DMatrix<f64>, &Mode),
    modality: usize,
) -> TwoModes {
    let direction = drive.transpose().column(0) / drive.norm();
    let along = |stage: &Stage| (&stage.drive * &direction)[(0, 0)];
    let is_parallel = |stage: &Stage| along(stage).abs() >= (1.0 - ROUND_OFF) * stage.drive.norm();
    if !stages.iter().all(is_parallel) {
        let [grown, faded] =
            [1.0, -1.0].map(|output| carried(problem, stages, &direction, (modality, output)));
        return TwoModes { grown, faded };
    }
    let limit = mode.course.limit;
    let after = |modes: TwoModes, stage: &Stage| {
        let rate = along(stage);
        modes.after(Course { rate, limit }, stage.length)
    };
    stages.iter().fold(mode.start, after)
}

/// 1/4 |p + q|^2 along the direction n after the stages, or 1/4 |p - q|^2 where `output` is -1, taken back to
/// the initial weights: p + q = sum_i z_i . v with v = (n, 1), and z_i . v after a time t under a drive D is
/// z_i(0) . e^{K t} v.
///
/// Taking v back instead of the weights forward keeps what has faded, however small it is beside
/// what has grown.
fn carried(
    (_, architecture, weights): Problem<'_>,
    stages: &[Stage],
    direction: &DVector<f64>,
    (modality, mut output): (usize, f64),
) -> f64 {
    let mut inputs = direction.clone();
    for stage in stages.iter().rev() {
        let rate = stage.drive.norm();
        if rate == 0.0 {
            continue;
        }
        let direction = stage.drive.transpose().column(0) / rate;
        let size = (inputs.norm_squared() + output * output).sqrt();
        let along = direction.dot(&inputs);
        // Drives are known to round-off: what should not grow must not grow out of it.
        let part = |part: f64| {
            if part.abs() > ROUND_OFF * size {
                part
            } else {
                0.0
            }
        };
        let growing = 0.5 * part(along + output) * (rate * stage.length).exp();
        let fading = 0.5 * part(along - output) * (-rate * stage.length).exp();
        inputs.axpy(growing + fading - along, &direction, 1.0);
        output = growing - fading;
    }
    let layers = architecture.private[modality].start;
    let p = architecture.view(weights, layers) * inputs;
    let q = architecture.view(weights, layers + 1).transpose() * output;
    let sum = (&p + &q).norm();
    // Aligned weights have nothing in the mode that fades: p = -q but for round-off.
    if sum > ROUND_OFF * (p.norm() + q.norm()) {
        0.25 * sum * sum
    } else {
        0.0
    }
}

/// The modalities that a schedule learns, in their order.
fn places_of(schedule: &[Option<f64>]) -> Vec<usize> {
    in_order(schedule).into_iter().map(|(_, m)| m).collect()
}

/// The modalities in the order of a schedule, the ones never learned behind, by their growth rates.
fn order_of(schedule: &[Option<f64>], moments: &Moments) -> Vec<usize> {
    let mut order = places_of(schedule);
    let never = learning_order(moments).into_iter();
    order.extend(never.filter(|&m| schedule[m].is_none()));
    order
}
