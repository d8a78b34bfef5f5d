//! What there is to know of the rows before anything is learned from them.

use super::ridge::{Fit, Spectrum, columns};
use super::rows::{Part, Pool, standardised};
use crate::data::Modality;
use nalgebra::DMatrix;
use serde::Serialize;
use std::collections::HashMap;

/// Most columns of a kind that are listed.
const MOST_LISTED: usize = 20;

/// One modality, as its inputs tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModalityReading {
    /// Its name.
    pub name: String,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of independent inputs.
    pub rank: usize,
    /// Whether it alone fits the rows exactly: late fusion then need not learn the others.
    pub fits_alone: bool,
    /// Whether that is for its rank, with which any target would be fitted.
    pub fits_any_target: bool,
    /// Inputs that were left out because they do not vary, by name.
    pub left_out: Vec<String>,
    /// Inputs kept that do not vary, by name; the first twenty.
    pub constant: Vec<String>,
    /// Inputs that repeat an earlier one, of this modality or another; the first twenty.
    pub duplicates: Vec<Duplicate>,
    /// |S_yxm|, the largest singular value: the rate at which its map grows from small weights.
    pub growth_rate: f64,
    /// All singular values of S_yxm, the largest first: the rates of its modes. Empty for one output.
    pub modes: Vec<f64>,
    /// Fraction of the targets' power that it explains alone, on rows that were not fitted to.
    pub explained_alone: Option<f64>,
    /// What it adds to that of all others, on rows that were not fitted to.
    pub explained_unique: Option<f64>,
}

/// An input that repeats an earlier one. Inputs without names have their place in the modality, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Its name.
    pub input: String,
    /// The modality of the earlier one.
    pub of_modality: String,
    /// The name of the earlier one.
    pub of: String,
}

/// A smaller part of the targets' power is nothing.
const NOTHING: f64 = 0.005;

impl ModalityReading {
    /// Whether it adds to what the others explain, as far as is known.
    pub fn adds(&self) -> bool {
        self.explained_unique.is_none_or(|own| own > NOTHING)
    }
}

/// How other scalings of the inputs would change growth rates and order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherScaling {
    /// `standardise` or `whiten`.
    pub scaling: &'static str,
    /// Growth rates, in the order of the modalities.
    pub growth_rates: Vec<f64>,
    /// The modality learned first.
    pub first: String,
    /// The time ratio of late fusion; null where a second modality is never learned.
    pub late_ratio: Option<f64>,
}

/// The modalities of some rows, without what they explain.
pub(super) fn modalities(pool: &Pool) -> Vec<ModalityReading> {
    let part = Part {
        inputs: pool.inputs.clone(),
        targets: pool.targets.clone(),
    };
    let free = pool.len() - usize::from(part.is_centred());
    let mut readings: Vec<ModalityReading> = pool
        .modalities
        .iter()
        .map(|modality| reading(&part, modality, free))
        .collect();
    name_odd_columns(pool, &mut readings);
    readings
}

/// Number of independent inputs of all modalities together.
pub(super) fn rank(pool: &Pool) -> usize {
    let part = Part {
        inputs: pool.inputs.clone(),
        targets: DMatrix::zeros(pool.len(), 0),
    };
    let all: Vec<usize> = (0..pool.inputs.ncols()).collect();
    Spectrum::of(&part, &all).rank()
}

/// One modality of rows of which so many are free to fit.
fn reading(part: &Part, modality: &Modality, free: usize) -> ModalityReading {
    let rank = Spectrum::of(part, &modality.range.clone().collect::<Vec<_>>()).rank();
    let fits_any_target = rank >= free;
    let modes = part.cross(modality).singular_values().as_slice().to_vec();
    ModalityReading {
        name: modality.name.clone(),
        inputs: modality.dim(),
        rank,
        fits_alone: fits_any_target || fits(part, modality),
        fits_any_target,
        left_out: Vec::new(),
        constant: Vec::new(),
        duplicates: Vec::new(),
        growth_rate: modes.first().copied().unwrap_or(0.0),
        modes: several(modes),
        explained_alone: None,
        explained_unique: None,
    }
}

/// The modes where there are several outputs.
pub(super) fn several(modes: Vec<f64>) -> Vec<f64> {
    if modes.len() > 1 { modes } else { Vec::new() }
}

/// Whether least squares by one modality leaves round-off only.
fn fits(part: &Part, modality: &Modality) -> bool {
    const ROUND_OFF: f64 = 1e-9;
    let columns = columns(std::slice::from_ref(modality), &[0]);
    let map = Fit::new(part, &columns).map(1e-12);
    let fitted = part.inputs.columns_range(modality.range.clone()) * map;
    (&part.targets - fitted).norm_squared() <= ROUND_OFF * part.targets.norm_squared()
}

/// Names the columns without variance, and those that repeat an earlier one.
fn name_odd_columns(pool: &Pool, readings: &mut [ModalityReading]) {
    let mut seen: HashMap<Vec<u64>, (&str, String)> = HashMap::new();
    for (modality, reading) in pool.modalities.iter().zip(readings) {
        for (place, k) in modality.range.clone().enumerate() {
            let column = pool.inputs.column(k);
            let name = pool.names.get(k).cloned();
            let name = name.unwrap_or_else(|| (place + 1).to_string());
            let bits = column.iter().map(|x| x.to_bits()).collect();
            if column.iter().all(|x| *x == column[0]) {
                reading.constant.push(name);
            } else if let Some((of_modality, of)) = seen.get(&bits) {
                reading.duplicates.push(Duplicate {
                    input: name,
                    of_modality: (*of_modality).to_owned(),
                    of: of.clone(),
                });
            } else {
                seen.insert(bits, (&modality.name, name));
            }
        }
        reading.constant.truncate(MOST_LISTED);
        reading.duplicates.truncate(MOST_LISTED);
    }
}

/// What standardising every column, and whitening every modality, would change.
pub(super) fn other_scalings(pool: &Pool) -> Vec<OtherScaling> {
    let standardised = (standardised(&pool.inputs), None);
    let whitened = whitened(pool);
    [("standardise", Some(standardised)), ("whiten", whitened)]
        .into_iter()
        .filter_map(|(scaling, changed)| {
            let (inputs, modalities) = changed?;
            let modalities = modalities.unwrap_or_else(|| pool.modalities.clone());
            let targets = pool.targets.clone();
            let rates = super::rates::Rates::of(&Part { inputs, targets }, &modalities);
            Some(OtherScaling {
                scaling,
                first: modalities[super::rates::fastest(&rates.growth)]
                    .name
                    .clone(),
                growth_rates: rates.growth,
                late_ratio: rates.late_ratio,
            })
        })
        .collect()
}

type Changed = (DMatrix<f64>, Option<Vec<Modality>>);

/// Each modality at unit covariance, in as many directions as it has; None where one has none.
fn whitened(pool: &Pool) -> Option<Changed> {
    let (mut dims, mut columns) = (Vec::new(), Vec::new());
    let mut centred = pool.inputs.clone();
    for mut column in centred.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    let part = Part {
        inputs: centred,
        targets: pool.targets.clone(),
    };
    for modality in &pool.modalities {
        let own: Vec<usize> = modality.range.clone().collect();
        let white = Spectrum::of(&part, &own).whitened();
        dims.push((modality.name.clone(), white.ncols()));
        columns.extend_from_slice(white.as_slice());
    }
    let rows = pool.len();
    let is_whole = dims.iter().all(|(_, dim)| *dim > 0);
    is_whole.then(|| {
        let inputs = DMatrix::from_vec(rows, columns.len() / rows, columns);
        (inputs, Some(crate::data::layout(dims)))
    })
}
