//! The utilities of two layers: how fast the best unit of a modality grows.

use super::super::growth::growth_rate;
use crate::data::Moments;
use crate::linalg::random::{Purpose, stream};
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::Serialize;

/// The largest |E[y phi(u x_m)]| over unit vectors u, at half of which squared norms of units grow per time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Utility {
    /// The modality's name.
    pub modality: String,
    /// U_m.
    pub utility: f64,
    /// The direction u where it is attained, d_m numbers.
    pub direction: Vec<f64>,
    /// The share of the starts that came to it.
    pub agreement: f64,
}

/// Starts of the search: it finds local maxima.
const STARTS: usize = 32;

/// The utilities of the modalities of a network of two layers with homogeneous units, for the targets as residual; None
/// where there are no samples, or more layers, or `go_on` ends the search.
pub fn utilities(
    moments: &Moments,
    architecture: &Architecture,
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<Utility>> {
    let samples = moments.samples.as_ref()?;
    let is_known = architecture.activation.is_homogeneous() && architecture.biases.is_empty();
    let mut depths = moments
        .modalities
        .iter()
        .map(|m| architecture.depth(m.index));
    if !is_known || depths.any(|depth| depth != 2) {
        return None;
    }
    let outputs = architecture.outputs;
    let utility = |range: std::ops::Range<usize>| {
        let mut blocks = Vec::new();
        for k in 0..samples.blocks() {
            let block = samples.block(k);
            let own = &block.inputs[range.start * block.len..range.end * block.len];
            blocks.push((
                DMatrix::from_column_slice(block.len, range.len(), own),
                DMatrix::from_column_slice(block.len, outputs, block.targets),
            ));
        }
        Search {
            architecture,
            blocks,
            count: samples.len() as f64,
            go_on,
        }
        .best(range.len())
    };
    let named = moments.modalities.iter().map(|modality| {
        let (utility, direction, agreement) = utility(modality.range.clone())?;
        Some(Utility {
            modality: modality.name.clone(),
            utility,
            direction: direction.as_slice().to_vec(),
            agreement,
        })
    });
    named.collect()
}

/// How much of a modality's utility no linear map explains, 1 - (1 + a) |S_yxm|/(2 U_m), of the modality that has most of it: 0
/// where units grow as linear theory says, 1 where it sees nothing. Units of slope a below 0 are
/// (1 + a)/2 times a linear map and (1 - a)/2 times an even function, so that U_m is at least (1 + a) |S_yxm|/2.
pub fn hidden_utility(
    moments: &Moments,
    architecture: &Architecture,
    utilities: &[Utility],
) -> f64 {
    let slope = architecture.activation.slope().unwrap_or(0.0);
    let linear = 0.5 * (1.0 + slope);
    let hidden = |(m, own): (usize, &Utility)| match own.utility > 0.0 {
        true => 1.0 - linear * growth_rate(moments, m) / own.utility,
        false => 0.0,
    };
    utilities.iter().enumerate().map(hidden).fold(0.0, f64::max)
}

/// The samples of one modality: inputs (n x d_m) and targets (n x o) of each block.
struct Search<'a> {
    architecture: &'a Architecture,
    blocks: Vec<(DMatrix<f64>, DMatrix<f64>)>,
    count: f64,
    /// Asked before each step.
    go_on: &'a dyn Fn() -> bool,
}

impl Search<'_> {
    /// The best of all starts: its utility, its direction, and the share of starts that came as far. None where it
    /// was ended.
    fn best(&self, inputs: usize) -> Option<(f64, DVector<f64>, f64)> {
        /// Relative distance of maxima that count as one.
        const SAME: f64 = 1e-3;
        let mut random = stream(0, Purpose::Directions);
        let found: Option<Vec<(f64, DVector<f64>)>> = (0..STARTS)
            .map(|_| {
                let start = DVector::from_fn(inputs, |_, _| random.sample(StandardNormal));
                self.climb(start.normalize())
            })
            .collect();
        let found = found?;
        let best = found.iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let (most, direction) = best.cloned()?;
        let same = found
            .iter()
            .filter(|(utility, _)| *utility >= (1.0 - SAME) * most);
        Some((most, direction, same.count() as f64 / STARTS as f64))
    }

    /// Climbs along the gradient, by steps that are halved until they lead up; None where it is ended.
    fn climb(&self, mut unit: DVector<f64>) -> Option<(f64, DVector<f64>)> {
        const MOST_STEPS: u32 = 200;
        const HALVINGS: u32 = 20;
        const GAIN: f64 = 1e-9;
        let (mut utility, mut gradient) = self.utility(&unit);
        for _ in 0..MOST_STEPS {
            if !(self.go_on)() {
                return None;
            }
            let size = gradient.norm();
            if size == 0.0 {
                break;
            }
            let mut step = 4.0 / size;
            let better = (0..HALVINGS).find_map(|_| {
                let next = (&unit + &gradient * step).normalize();
                step *= 0.5;
                let (there, change) = self.utility(&next);
                (there > utility).then_some((there, change, next))
            });
            let Some((there, change, next)) = better else {
                break;
            };
            let gain = there - utility;
            (utility, gradient, unit) = (there, change, next);
            if gain <= GAIN * utility {
                break;
            }
        }
        Some((utility, unit))
    }

    /// |E[y phi(u x)]| and its gradient.
    fn utility(&self, unit: &DVector<f64>) -> (f64, DVector<f64>) {
        let outputs = self
            .blocks
            .first()
            .map_or(0, |(_, targets)| targets.ncols());
        let mut correlation = DVector::<f64>::zeros(outputs);
        let mut slopes = Vec::with_capacity(self.blocks.len());
        for (inputs, targets) in &self.blocks {
            let mut units = inputs * unit;
            let mut slope = DVector::zeros(units.len());
            self.architecture
                .activation
                .apply(units.as_mut_slice(), slope.as_mut_slice(), &mut []);
            correlation += targets.tr_mul(&units);
            slopes.push(slope);
        }
        correlation /= self.count;
        let utility = correlation.norm();
        let mut gradient = DVector::zeros(unit.len());
        if utility > 0.0 {
            let along = &correlation / utility;
            for ((inputs, targets), slope) in self.blocks.iter().zip(&slopes) {
                gradient += inputs.tr_mul(&(targets * &along).component_mul(slope));
            }
        }
        (utility, gradient / self.count)
    }
}
