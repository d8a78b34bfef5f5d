//! Few directions of many inputs, in which the flow is nearly that of all.
//!
//! From small weights a network first follows S_yx, then what comes of it through S_xx: its maps stay in the space of S_xy,
//! S_xx S_xy, S_xx^2 S_xy, ... of the modalities that are learned, and later terms matter ever less, as in partial least
//! squares and in Lanczos' process. So the rows of a modality of many inputs are turned to an orthonormal basis Q of the
//! first terms of its own and of those of all inputs together. The initial weights are those of all inputs, W, turned to the
//! same basis: a run with all inputs starts from the same weights and learns at the same times.

use crate::data::{Content, Modality, Moments, Rows, layout};
use crate::error::Result;
use crate::experiment::Scenario;
use crate::network::{self, Architecture, InitScheme, InitSection, Stack};
use nalgebra::{DMatrix, DVector, SVD};
use serde::Serialize;
use std::sync::Arc;

/// Fewest directions of a modality that has more inputs, and terms where the outputs are many.
const FEWEST: usize = 20;
const TERMS: usize = 3;

/// How many directions of a modality the flows see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The modality.
    pub name: String,
    /// Its inputs.
    pub inputs: usize,
    /// The directions.
    pub directions: usize,
}

/// The directions in which the flows see the modalities of many inputs.
#[derive(Debug, Clone, Default)]
pub(super) struct Directions {
    /// The modalities with all their inputs; none where no modality has many.
    modalities: Vec<Modality>,
    /// Orthonormal columns (d x k), for modalities of many inputs.
    bases: Vec<Option<DMatrix<f64>>>,
}

/// Content whose modalities of many inputs are turned to few directions; as it is where none has many, where there are no
/// rows, and where a file gives the initial weights, which need not be small.
pub(super) fn few(content: Arc<Content>, init: &InitSection) -> (Arc<Content>, Directions) {
    let Content::Rows { training, holdout } = &*content else {
        return (content, Directions::default());
    };
    let most = FEWEST.max(TERMS * training.targets.ncols());
    let is_many = |modality: &Modality| modality.dim() > most;
    let is_free = !matches!(init.scheme, InitScheme::File(_));
    if !is_free || !training.modalities.iter().any(is_many) {
        return (content, Directions::default());
    }
    let terms = most.div_ceil(2);
    let joint = krylov(&training.inputs, &training.targets, terms);
    let bases: Vec<Option<DMatrix<f64>>> = training
        .modalities
        .iter()
        .map(|modality| {
            let basis = || {
                let own = training.inputs.columns_range(modality.range.clone());
                let own = krylov(&own.into_owned(), &training.targets, terms);
                let (start, of_all) = (own.ncols(), joint.rows_range(modality.range.clone()));
                let mut both = own.insert_columns(start, of_all.ncols(), 0.0);
                both.columns_mut(start, of_all.ncols()).copy_from(&of_all);
                orthonormal(both, most)
            };
            is_many(modality).then(basis)
        })
        .collect();
    let modalities = training.modalities.clone();
    let turned = |rows: &Rows| Box::new(turned(rows, &bases));
    let training = turned(training);
    let holdout = holdout.as_deref().map(turned);
    let content = Arc::new(Content::Rows { training, holdout });
    (content, Directions { modalities, bases })
}

impl Directions {
    /// How many there are of each modality of many inputs.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let pairs = self.modalities.iter().zip(&self.bases);
        let seen = |(modality, basis): (&Modality, &Option<DMatrix<f64>>)| {
            Some(Seen {
                name: modality.name.clone(),
                inputs: modality.dim(),
                directions: basis.as_ref()?.ncols(),
            })
        };
        pairs.filter_map(seen).collect()
    }

    /// The initial weights of the network `small`, which sees these directions: those of a scenario's network of all inputs,
    /// turned. None where it sees all inputs, and where the scheme has the same weights in any basis.
    pub(super) fn weights(
        &self,
        scenario: &Scenario,
        moments: &Moments,
        small: &Architecture,
    ) -> Result<Option<DVector<f64>>> {
        let is_drawn = matches!(
            scenario.init.scheme,
            InitScheme::Gaussian(_) | InitScheme::GaussianNorm(_)
        );
        if self.modalities.is_empty() || !is_drawn {
            return Ok(None);
        }
        let whole = Architecture::of(&scenario.network, &self.modalities, small.outputs)?;
        let drawn = network::initial_weights(&scenario.init, scenario.seed, moments, &whole)?;
        let mut weights = DVector::zeros(small.len());
        let layers = small.layers.iter().zip(&whole.layers).enumerate();
        for (l, (layer, of_whole)) in layers {
            let mut own = weights.rows_range_mut(layer.range.clone());
            match self.basis(small, l) {
                None => own.copy_from(&drawn.rows_range(of_whole.range.clone())),
                Some(basis) => {
                    let turned = whole.view(&drawn, l) * basis;
                    own.copy_from_slice(turned.as_slice());
                }
            }
        }
        Ok(Some(weights))
    }

    /// The basis of the inputs of a layer, where it reads inputs and these are turned.
    fn basis(&self, architecture: &Architecture, layer: usize) -> Option<&DMatrix<f64>> {
        match architecture.layers[layer].stack {
            Stack::Private(m) if architecture.is_first(layer) => self.bases[m].as_ref(),
            _ => None,
        }
    }
}

/// An orthonormal basis of S_xy, S_xx S_xy, ... of some inputs (n x d) and targets (n x o), of about `most` directions, by a
/// block Lanczos process.
fn krylov(inputs: &DMatrix<f64>, targets: &DMatrix<f64>, most: usize) -> DMatrix<f64> {
    let transposed = inputs.transpose();
    let outputs = targets.ncols();
    let mut basis = orthonormal(&transposed * targets, outputs);
    let mut last = basis.clone();
    while basis.ncols() < most && last.ncols() > 0 {
        let mut next = &transposed * (inputs * &last);
        // Twice is enough: round-off of the first time is taken away by the second.
        for _ in 0..2 {
            next -= &basis * (basis.transpose() * &next);
        }
        last = orthonormal(next, outputs);
        let start = basis.ncols();
        basis = basis.insert_columns(start, last.ncols(), 0.0);
        basis.columns_mut(start, last.ncols()).copy_from(&last);
    }
    basis
}

/// An orthonormal basis of the columns, of those directions in which they are longest, `most` at the most.
fn orthonormal(columns: DMatrix<f64>, most: usize) -> DMatrix<f64> {
    /// Shorter ones, over the longest, are round-off.
    const ROUND_OFF: f64 = 1e-10;
    let rows = columns.nrows();
    let SVD {
        u, singular_values, ..
    } = SVD::new(columns, true, false);
    let Some(u) = u.filter(|_| !singular_values.is_empty()) else {
        return DMatrix::zeros(rows, 0);
    };
    let least = ROUND_OFF * singular_values.max();
    let mut kept: Vec<usize> = (0..singular_values.len())
        .filter(|&k| singular_values[k] > least)
        .collect();
    kept.sort_by(|&a, &b| singular_values[b].total_cmp(&singular_values[a]));
    kept.truncate(most);
    u.select_columns(&kept)
}

fn turned(rows: &Rows, bases: &[Option<DMatrix<f64>>]) -> Rows {
    let (mut columns, mut dims) = (Vec::new(), Vec::new());
    for (modality, basis) in rows.modalities.iter().zip(bases) {
        let own = rows.inputs.columns_range(modality.range.clone());
        let own = match basis {
            None => own.into_owned(),
            Some(basis) => own * basis,
        };
        dims.push((modality.name.clone(), own.ncols()));
        columns.extend_from_slice(own.as_slice());
    }
    let count = rows.inputs.nrows();
    Rows {
        modalities: layout(dims),
        inputs: DMatrix::from_vec(count, columns.len() / count.max(1), columns),
        targets: rows.targets.clone(),
        parts: None,
        reading: rows.reading.clone(),
        loss: rows.loss,
    }
}
