//! Two layers: absolute times from the actual initial weights, of the flow and of descent.
//!
//! While they are small, p = W_m^1 n^T and q = W_m^2^T (h-vectors, n the direction of the drive
//! S_yxm) grow in their common part (p + q)/2 at the rate s = |S_yxm|, and everything else fades.
//! So W_m comes out of the *growing mode* w0 = 1/4 |p0 + q0|^2, along n, and saturates like a logistic
//! function where its inputs' variance along n lets it:
//!
//! ```text
//! dw/dt = 2 w (s - lambda w)        lambda = n S_m n^T,  w_inf = s/lambda
//! ```
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), section on the two-layer late-fusion network. The fading mode
//! 1/4 |p0 - q0|^2 is kept beside it (`two_modes.rs`), so that the times of a scalar modality are exact for
//! any initial weights: for unbalanced layers, and for large ones. Along an eigenvector n of S_m they are so, too,
//! for aligned weights, and otherwise but for corrections of the order of the initial map. Elsewhere W_m turns while
//! it saturates, and the times are of leading order in log w0: off by the order of 1/s whatever the initial weights.

use super::growth::{
    drive, early_growth_rate, growth_rate, learning_order, residual_growth_rate, turn,
};
use super::heavy_ball::HeavyBall;
use super::two_modes::{Course, TwoModes};
use crate::data::Moments;
use crate::linalg::SemiDefinite;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// Moments, network and initial weights.
pub(super) type Problem<'a> = (&'a Moments, &'a Architecture, &'a DVector<f64>);

/// Where the two modes start of a stack of two layers (`layers`: the first and the second) that is driven along
/// `direction`, d entries.
pub(super) fn modes_along(
    architecture: &Architecture,
    weights: &DVector<f64>,
    layers: [usize; 2],
    direction: &DVector<f64>,
) -> TwoModes {
    let [p, q] = halves(architecture, weights, layers, direction);
    TwoModes::of(&p, &q)
}

/// p and q of it.
fn halves(
    architecture: &Architecture,
    weights: &DVector<f64>,
    layers: [usize; 2],
    direction: &DVector<f64>,
) -> [DVector<f64>; 2] {
    let p = architecture.view(weights, layers[0]) * direction;
    let q = architecture.view(weights, layers[1]).transpose();
    [p, q.column(0).into_owned()]
}

/// A mode on its way from its initial value to the level at which its modality counts as learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mode {
    /// w0, and the fading mode.
    pub(super) start: TwoModes,
    /// s and w_inf.
    pub(super) course: Course,
    /// The level.
    level: f64,
}

impl Mode {
    /// A modality's mode along `drive` (1 x d), its inputs having the covariance that
    /// the learned modalities `learned` leave unexplained; it is learned once the power of its outputs, the square of
    /// |W_m|_S = sqrt(tr W_m S_m W_m^T), is a quarter of what it is where it is at its place beside
    /// them. For one input that is half of its norm. None without a drive.
    pub(super) fn along(
        (moments, architecture, weights): Problem<'_>,
        modality: usize,
        drive: &DMatrix<f64>,
        learned: &[usize],
    ) -> Option<Self> {
        let rate = drive.norm();
        if rate == 0.0 {
            return None;
        }
        let direction = drive.transpose().column(0) / rate;
        let own = unexplained(moments, &[], modality);
        let size = |map: DMatrix<f64>| own.whole_moment(&map).trace().sqrt();
        let mut all = learned.to_vec();
        all.push(modality);
        all.sort_unstable();
        let plateau = moments.block(&moments.critical_map(&all), modality);
        let first = architecture.private[modality].start;
        Some(Self {
            start: modes_along(architecture, weights, [first, first + 1], &direction),
            course: Course {
                rate,
                limit: limit(moments, drive, (modality, learned)),
            },
            level: 0.5 * size(plateau) / size(drive / rate),
        })
    }

    /// The same; None where the map starts above the level, or saturates below it, so that the modality creeps up
    /// later.
    pub(super) fn new(
        problem: Problem<'_>,
        modality: usize,
        drive: &DMatrix<f64>,
        learned: &[usize],
    ) -> Option<Self> {
        Self::along(problem, modality, drive, learned).filter(Self::is_ordered)
    }

    /// Whether the map starts below the level and saturates above it.
    pub(super) fn is_ordered(&self) -> bool {
        self.start.map() < self.level && self.level < self.course.limit
    }

    /// How long it takes to the level; infinite where it has no growing part.
    pub(super) fn wait(&self) -> f64 {
        self.wait_from(self.start)
    }

    /// The same from what earlier drives have made of the start.
    pub(super) fn wait_from(&self, modes: TwoModes) -> f64 {
        modes.wait(self.course, self.level)
    }

    /// The map of balanced layers that reach the level at the same time.
    pub(super) fn balanced_start(&self) -> f64 {
        if self.start.are_balanced(self.course) {
            return self.start.grown;
        }
        let heights = self.course.limit / self.level - 1.0;
        self.course.limit / (1.0 + heights * (2.0 * self.course.rate * self.wait()).exp())
    }
}

/// w_inf = |D|/(n S n^T) of a modality along its drive D (1 x d) != 0, n = D/|D|, its inputs having the covariance S
/// that the `learned` modalities leave unexplained.
pub(super) fn limit(
    moments: &Moments,
    drive: &DMatrix<f64>,
    (modality, learned): (usize, &[usize]),
) -> f64 {
    let rate = drive.norm();
    let direction = drive.transpose().column(0) / rate;
    let covariance = unexplained(moments, learned, modality);
    rate / direction.dot(&covariance.times(&direction))
}

/// Whether some modality's layers start so unequal that formulas for balanced layers do not hold for them: one
/// of |p| and |q| is more than twice the other one, or the fading mode has a part in the saturation.
pub(super) fn are_unbalanced(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> bool {
    const FACTOR: f64 = 2.0;
    let is_unbalanced = |m: usize| {
        let drive = drive(moments, &[], m);
        let rate = drive.norm();
        if rate == 0.0 {
            return false;
        }
        let direction = drive.transpose().column(0) / rate;
        let first = architecture.private[m].start;
        let [p, q] = halves(architecture, weights, [first, first + 1], &direction);
        let limit = limit(moments, &drive, (m, &[]));
        let course = Course { rate, limit };
        let (p_norm, q_norm) = (p.norm(), q.norm());
        p_norm.max(q_norm) > FACTOR * p_norm.min(q_norm)
            || !TwoModes::of(&p, &q).are_balanced(course)
    };
    applies(moments, architecture) && (0..moments.modalities.len()).any(is_unbalanced)
}

/// Whether the formulas of this file hold: late fusion, two layers, one output.
pub(super) fn applies(moments: &Moments, architecture: &Architecture) -> bool {
    is_two_layer_late(architecture) && moments.outputs_len() == 1
}

pub(super) fn is_two_layer_late(architecture: &Architecture) -> bool {
    let fusion = architecture.fusion();
    fusion.is_some_and(|fusion| fusion.is_late() && fusion.depth == 2)
}

/// The mode of the modality learned first, A, and its growth rate s_A.
fn first_mode(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    first: usize,
) -> Option<(Mode, f64)> {
    if !applies(moments, architecture) {
        return None;
    }
    let early = drive(moments, &[], first);
    let mode = Mode::new((moments, architecture, weights), first, &early, &[])?;
    (mode.start.grown > 0.0).then(|| (mode, early.norm()))
}

/// Two-layer late fusion, one output: the absolute times t_A and t_B of the first two crossings.
///
/// ```text
/// t_A = needed_A / (2 s_A)
/// t_B = t_A + (needed_B - 2 s_B t_A) / (2 b~)
/// ```
///
/// For one input and balanced layers needed = ln(w_inf/w0 - 1). B accumulates at its early rate s_B until A is
/// learned (exactly until its half height, for a logistic A) and at the residual rate b~ from then
/// on; s_B counts negative, and B's mode is that of the later drive, where the two are
/// opposed. B's formula takes A to follow B's growth at once: the two are correlated, so B's
/// variance is what A leaves of it. With the fading mode the logarithms are those of `two_modes.rs`. Without correlation both times are exact whatever the weights. None where a
/// drive turns by another angle, and for other networks.
pub fn two_layer_times(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    (first, second): (usize, Option<usize>),
) -> [Option<f64>; 2] {
    let Some((mode, _)) = first_mode(moments, architecture, weights, first) else {
        return [None, None];
    };
    let t_first = mode.wait();
    let t_second = second
        .filter(|&second| turn(moments, first, second).is_none())
        .and_then(|second| {
            let late = drive(moments, &[first], second);
            let problem = (moments, architecture, weights);
            let mode = Mode::new(problem, second, &late, &[first])?;
            let early = Course {
                rate: early_growth_rate(moments, first, second),
                limit: mode.course.limit,
            };
            let time = t_first + mode.wait_from(mode.start.after(early, t_first));
            (t_first < time && time < f64::INFINITY).then_some(time)
        });
    [Some(t_first), t_second]
}

/// What the `learned` modalities leave unexplained of a modality's inputs, linearly:
/// S_m - S_mA S_A^+ S_Am.
fn unexplained(moments: &Moments, learned: &[usize], modality: usize) -> SemiDefinite {
    let own = moments.modalities[modality].range.clone();
    let others = learned.iter();
    let others: Vec<usize> = others
        .flat_map(|&m| moments.modalities[m].range.clone())
        .collect();
    moments.inputs.unexplained(own, &others)
}

/// The first crossing's time by the steps of a descent, in the time that they stand for.
///
/// While the mode is small it grows by the recursion of the steps, at a rate gamma from a share a of its start (plain steps
/// multiply it by 1 + eta s instead of e^{eta s}); in saturation they follow da/dt = f - lag f f' for da/dt = f(a) =
/// a (s - lambda a^2), w = a^2 (`heavy_ball.rs`). Together
///
/// ```text
/// t_A = [needed_A - 2 ln a] / (2 gamma) + 3/2 lag ln[(1 - level/w_inf) / (1 - w0/w_inf)]        + O(eta^2)
/// ```
///
/// where the error no longer grows with needed_A. None where [`two_layer_times`] has none, and where the fading mode
/// has a part in the saturation.
pub fn descent_first_time(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    first: usize,
    steps: HeavyBall,
) -> Option<f64> {
    let (mode, rate) = first_mode(moments, architecture, weights, first)?;
    if !mode.start.are_balanced(mode.course) {
        return None;
    }
    let needed = 2.0 * rate * mode.wait();
    let (rate, share) = steps.growth(rate);
    let growth = (0.5 * needed - share.ln()) / rate;
    let left =
        (1.0 - mode.level / mode.course.limit) / (1.0 - mode.start.grown / mode.course.limit);
    Some(growth + 1.5 * steps.lag() * left.ln())
}

/// Two-layer late fusion by the steps of a descent, whose modes of the rates s grow at gamma(s):
/// t_B/t_A = 1 + [gamma(s_A) - gamma(s_B)] / gamma(b~) (from the section on the two-layer late-fusion network; gamma is
/// ln(1 + eta s)/eta for plain steps). None for other networks.
pub fn descent_ratio(
    moments: &Moments,
    architecture: &Architecture,
    steps: HeavyBall,
) -> Option<f64> {
    if !is_two_layer_late(architecture) || moments.modalities.len() != 2 {
        return None;
    }
    let order = learning_order(moments);
    let growth = |rate: f64| steps.growth(rate).0;
    let a = growth(growth_rate(moments, order[0]));
    let b = growth(early_growth_rate(moments, order[0], order[1]));
    let residual = growth(residual_growth_rate(moments, &order[..1], order[1]));
    (residual > 0.0).then(|| 1.0 + (a - b) / residual)
}
