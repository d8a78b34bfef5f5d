//! Whether there is anything to learn: what permuted targets seem to show.
//!
//! Rows of targets that are given to other rows of inputs tell nothing of them, so whatever growth rate and explained
//! power they have is that of noise. The statistics of the targets as they are, each over its mean and spread under
//! permutation, and the largest of them, have a place among those of the permuted ones: the p-value is exact whatever
//! the data. Source: E. S. Edgington & P. Onghena, *Randomization Tests*; the largest of several statistics by
//! P. H. Westfall & S. S. Young, *Resampling-Based Multiple Testing* (1993).

use super::clock::{Ongoing, Tick};
use super::ridge::{Spectrum, columns, sets};
use super::rows::{Part, Pool, Split, cross};
use crate::linalg::random::{Purpose, cell_seed, stream};
use crate::linalg::spectral_norm;
use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;

/// Divisions that explained power is measured on.
const DIVISIONS: u64 = 2;

/// Below this p-value the data show more than noise.
pub const SIGNIFICANT: f64 = 0.05;

/// What permuted targets seem to show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseFloor {
    /// Number of permutations.
    pub permutations: usize,
    /// How often the largest of all statistics is as large by chance.
    pub p_value: f64,
    /// Whether the data do not exceed the noise: the p-value is above 0.05.
    pub is_all_noise: bool,
    /// For each modality what 95 % of the permutations stay below.
    pub modalities: Vec<ModalityFloor>,
    /// The same of the power that all modalities together explain on rows that were not fitted to.
    pub explained_joint: f64,
}

/// What 95 % of the permutations stay below.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModalityFloor {
    /// The modality.
    pub name: String,
    /// Of its growth rate.
    pub growth_rate: f64,
    /// Of the power that it explains alone, on rows that were not fitted to.
    pub explained_alone: f64,
}

/// A division whose inputs are decomposed.
struct Decomposed {
    rows: [Vec<usize>; 2],
    test: Part,
    sets: Vec<(Vec<usize>, Spectrum)>,
}

/// The floor of a pool of rows; `tick` is called after each permutation.
pub(super) fn floor(
    pool: &Pool,
    (permutations, seed): (usize, u64),
    tick: &Tick<'_>,
) -> Ongoing<NoiseFloor> {
    let modalities = &pool.modalities;
    let count = modalities.len();
    let decomposed: Vec<Decomposed> = (0..DIVISIONS)
        .into_par_iter()
        .map(|division| {
            let mut random = stream(cell_seed(!seed, division), Purpose::Resampling);
            let rows = pool.random_rows(0.5, &mut random);
            let Split { training, test } = pool.split(&rows[0], &rows[1]);
            let sets = sets(count).into_iter().take(count + 1).map(|set| {
                let columns = columns(modalities, &set);
                let spectrum = Spectrum::of(&training, &columns);
                (columns, spectrum)
            });
            let sets = sets.collect();
            Decomposed { rows, test, sets }
        })
        .collect();
    let observed = statistics(pool, &decomposed, &pool.targets);
    let permuted: Vec<Vec<f64>> = (0..permutations as u64)
        .into_par_iter()
        .map(|k| {
            let mut random = stream(cell_seed(!seed, DIVISIONS + k), Purpose::Resampling);
            let mut order: Vec<usize> = (0..pool.len()).collect();
            order.shuffle(&mut random);
            let found = statistics(pool, &decomposed, &pool.targets.select_rows(&order));
            tick()?;
            Ok(found)
        })
        .collect::<Ongoing<_>>()?;
    let floor = |place: usize| {
        let mut values: Vec<f64> = permuted.iter().map(|found| found[place]).collect();
        values.sort_by(f64::total_cmp);
        let at = (0.95 * values.len() as f64).ceil() as usize;
        values
            .get(at.saturating_sub(1))
            .copied()
            .unwrap_or(f64::NAN)
    };
    let p_value = p_value(&observed, &permuted);
    Ok(NoiseFloor {
        permutations,
        p_value,
        is_all_noise: p_value > SIGNIFICANT,
        modalities: (0..count)
            .map(|m| ModalityFloor {
                name: modalities[m].name.clone(),
                growth_rate: floor(m),
                explained_alone: floor(count + m),
            })
            .collect(),
        explained_joint: floor(2 * count),
    })
}

/// Growth rates, explained power of each modality alone, and of all together, where the rows have these targets.
fn statistics(pool: &Pool, decomposed: &[Decomposed], targets: &DMatrix<f64>) -> Vec<f64> {
    let growth = |modality| spectral_norm(&cross(targets, &pool.inputs, modality));
    let growth = pool.modalities.iter().map(growth);
    let sets = decomposed.first().map_or(0, |division| division.sets.len());
    let (mut left, mut all) = (vec![0.0; sets], 0.0);
    for Decomposed { rows, test, sets } in decomposed {
        let (fitted_to, tested_on) = pool.scaled_targets(targets, rows);
        all += tested_on.norm_squared();
        for ((columns, spectrum), left) in sets.iter().zip(&mut left) {
            let fitted = test.inputs.select_columns(columns) * spectrum.fit(&fitted_to);
            *left += (&tested_on - fitted).norm_squared();
        }
    }
    let explained = left.into_iter().map(|left| 1.0 - left / all);
    growth.chain(explained).collect()
}

/// The place of the largest statistic, over its mean and spread, among those of the permutations.
fn p_value(observed: &[f64], permuted: &[Vec<f64>]) -> f64 {
    let count = permuted.len() as f64;
    let everything = || permuted.iter().map(Vec::as_slice).chain([observed]);
    let moments: Vec<(f64, f64)> = (0..observed.len())
        .map(|place| {
            let values = || everything().map(move |found| found[place]);
            let mean = values().sum::<f64>() / (count + 1.0);
            let square = values().map(|value| (value - mean).powi(2)).sum::<f64>();
            (mean, (square / (count + 1.0)).sqrt())
        })
        .collect();
    let largest = |found: &[f64]| {
        let scores = found.iter().zip(&moments);
        let scores = scores.map(|(value, (mean, spread))| (value - mean) / spread);
        scores
            .filter(|score| score.is_finite())
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let own = largest(observed);
    let as_large = permuted
        .iter()
        .filter(|found| largest(found) >= own)
        .count();
    (1.0 + as_large as f64) / (1.0 + count)
}
