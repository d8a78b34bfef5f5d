//! The aligned weights that learn at the same times as the actual ones: where the theory curve of deep random
//! networks starts.
//!
//! Random layers of three layers and more first align, and only then do the reduced equations hold. Aligned layers of
//! the same norm are ahead of them by that time. The effective norms u_m are those with which aligned, balanced layers
//! have the times of the actual weights to leading order (`from_weights/`). For one stack under one drive D that is
//!
//! ```text
//! u = ((L-2) |D| tau)^{-1/(L-2)}
//! ```
//!
//! with its blow-up time tau. In general the times of aligned weights come from the same functions, on a network of one
//! unit a layer, and Newton's method on the logarithms finds the norms: the logarithms of the times are nearly linear in
//! them. Not from the literature; see `homogeneous.rs`.

use super::balanced::Start;
use super::from_weights::{FromWeights, leading_from_weights};
use super::growth::growth_rate;
use crate::data::Moments;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// Largest distance of a time's logarithm from the one asked for: far less than a drop lasts, which is a time of order
/// one after plateaus of hundreds.
const TOLERANCE: f64 = 2e-6;

/// The state of aligned weights along `directions` (unit vectors, one a modality) that has the times `times`. Modalities
/// that have no time keep the norm of their actual map, W_m of `weights`. None where no such state is found.
pub(super) fn effective_start(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    times: &FromWeights,
    directions: Vec<DVector<f64>>,
) -> Option<Start> {
    let count = directions.len();
    if (0..count).all(|m| architecture.fusion_layer(m) == 1) {
        return early(moments, architecture, times.t_first?, directions);
    }
    let wanted: Vec<Option<f64>> = times.times.values().copied().collect();
    let aligned = Aligned::new(moments, architecture, directions)?;
    let guess = aligned.first_guess(times)?;
    let mut logs = DVector::from_fn(count, |m, _| match wanted[m] {
        Some(_) => guess,
        None => actual_log_norm(architecture, weights, m),
    });
    let known: Vec<(usize, f64)> = wanted
        .iter()
        .enumerate()
        .filter_map(|(m, time)| Some((m, (*time)?.ln())))
        .collect();
    solve(&mut logs, &known, |logs| aligned.log_times(logs))?;
    Some(aligned.start(&logs))
}

/// Early fusion: one scale for all layers, in closed form.
fn early(
    moments: &Moments,
    architecture: &Architecture,
    time: f64,
    directions: Vec<DVector<f64>>,
) -> Option<Start> {
    let power = (architecture.deepest() as f64) - 2.0;
    let total = moments.cross.norm();
    let norm = (power * total * time).powf(-1.0 / power);
    let share = |m: usize| growth_rate(moments, m) / total;
    let norms = (0..directions.len()).map(|m| norm * share(m)).collect();
    norm.is_finite().then_some(Start {
        norms,
        shared: norm,
        directions,
    })
}

/// The logarithm of |W_m|^{1/L_m}.
fn actual_log_norm(architecture: &Architecture, weights: &DVector<f64>, m: usize) -> f64 {
    let own = architecture.private[m].clone();
    let layers = own.chain(architecture.shared.clone());
    let map = layers
        .map(|l| architecture.view(weights, l).into_owned())
        .reduce(|map, layer| layer * map);
    let norm = map.map_or(0.0, |map| map.norm());
    norm.max(f64::MIN_POSITIVE).ln() / architecture.depth(m) as f64
}

/// The network of one output and the same layers with one unit in each, whose weights are aligned by construction.
pub(super) fn of_one_unit(moments: &Moments, actual: &Architecture) -> Option<Architecture> {
    let modalities = 0..moments.modalities.len();
    let private: Vec<usize> = modalities.map(|m| actual.fusion_layer(m)).collect();
    let units = vec![1; actual.deepest() - 1];
    Architecture::build(
        &moments.modalities,
        1,
        &private,
        actual.shared.len(),
        &units,
    )
    .ok()
}

impl Start {
    /// The weights of a network of one unit a layer.
    pub(super) fn weights(&self, architecture: &Architecture) -> DVector<f64> {
        let mut weights = DVector::zeros(architecture.len());
        for (l, layer) in architecture.layers.iter().enumerate() {
            let stack = architecture.private.iter().position(|own| own.contains(&l));
            let entries = match stack {
                Some(m) if architecture.is_first(l) => &self.directions[m] * self.norms[m],
                Some(m) => DVector::from_element(1, self.norms[m]),
                None => DVector::from_element(1, self.shared),
            };
            weights
                .rows_range_mut(layer.range.clone())
                .copy_from(&entries);
        }
        weights
    }
}

/// Such a network that learns `moments`.
struct Aligned<'a> {
    moments: &'a Moments,
    architecture: Architecture,
    directions: Vec<DVector<f64>>,
}

impl<'a> Aligned<'a> {
    fn new(
        moments: &'a Moments,
        actual: &Architecture,
        directions: Vec<DVector<f64>>,
    ) -> Option<Self> {
        Some(Self {
            moments,
            architecture: of_one_unit(moments, actual)?,
            directions,
        })
    }

    /// The state of the norms `logs` are the logarithms of, v^2 = sum_m u_m^2.
    fn start(&self, logs: &DVector<f64>) -> Start {
        let norms: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        Start {
            shared: norms.iter().map(|u| u * u).sum::<f64>().sqrt(),
            norms,
            directions: self.directions.clone(),
        }
    }

    /// The logarithms of the times at which the modalities are learned from there.
    fn log_times(&self, logs: &DVector<f64>) -> Option<Vec<Option<f64>>> {
        let weights = self.start(logs).weights(&self.architecture);
        let start = super::from_weights::Start {
            weights: &weights,
            never_turns: false,
        };
        let found = leading_from_weights(self.moments, &self.architecture, start).ok()?;
        let log = |time: &Option<f64>| time.map(f64::ln);
        Some(found.times.values().map(log).collect())
    }

    /// The norm of the stack that is learned first on its own, for all.
    fn first_guess(&self, times: &FromWeights) -> Option<f64> {
        let first = times.first.as_ref()?.index;
        let rate = growth_rate(self.moments, first);
        let power = (self.architecture.depth(first) as f64 - 2.0).max(1.0);
        Some(-(power * rate * times.t_first?).ln() / power)
    }
}

/// Newton's method: moves `logs` until the times of the modalities `known` have the logarithms beside them.
fn solve(
    logs: &mut DVector<f64>,
    known: &[(usize, f64)],
    log_times: impl Fn(&DVector<f64>) -> Option<Vec<Option<f64>>>,
) -> Option<()> {
    /// Far above the error of the times, far below where they bend.
    const STEP: f64 = 0.01;
    /// Largest change of a logarithm at once.
    const LONGEST: f64 = 0.5;
    const MOST_ITERATIONS: usize = 15;
    /// What the error of the times may leave.
    const LOOSEST: f64 = 1e-4;
    let n = known.len();
    let gaps = |logs: &DVector<f64>| -> Option<DVector<f64>> {
        let found = log_times(logs)?;
        let gaps: Option<Vec<f64>> = known
            .iter()
            .map(|&(m, wanted)| Some(found[m]? - wanted))
            .collect();
        gaps.map(DVector::from_vec)
    };
    let mut gap = gaps(logs)?;
    for _ in 0..MOST_ITERATIONS {
        if gap.amax() < TOLERANCE {
            break;
        }
        let mut slopes = DMatrix::zeros(n, n);
        for (k, &(m, _)) in known.iter().enumerate() {
            let mut moved = logs.clone();
            moved[m] += STEP;
            slopes.set_column(k, &((gaps(&moved)? - &gap) / STEP));
        }
        let change = slopes.lu().solve(&gap)?;
        let shortened = (LONGEST / change.amax()).min(1.0);
        for (k, &(m, _)) in known.iter().enumerate() {
            logs[m] -= shortened * change[k];
        }
        gap = gaps(logs)?;
    }
    (gap.amax() < LOOSEST).then_some(())
}
