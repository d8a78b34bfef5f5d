//! Few directions of many inputs, in which the flow is nearly that of all.
//!
//! From small weights a network first follows S_yx, then what comes of it through S_xx: its maps stay in the space of S_xy,
//! S_xx S_xy, S_xx^2 S_xy, ... of the modalities that are learned, and later terms matter ever less, as in partial least
//! squares and in Lanczos' process. So the rows of a modality of many inputs are turned to an orthonormal basis Q of the
//! first terms of its own and of those of all inputs together. Gaussian initial weights
//! W Q are as random as W, and of norm |W| sqrt(k/d) where W has d inputs and Q has k columns.

use crate::data::{Content, Modality, Rows, layout};
use crate::network::{InitScheme, InitSection, StackScale};
use crate::section::ByModality;
use nalgebra::{DMatrix, SVD};
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

/// Content whose modalities of many inputs are turned to few directions; as it is where none has many, where there are no
/// rows, and where the initial weights are made for all inputs.
pub(super) fn few(content: Arc<Content>, init: &InitSection) -> (Arc<Content>, Vec<Seen>) {
    let Content::Rows { training, holdout } = &*content else {
        return (content, Vec::new());
    };
    let most = FEWEST.max(TERMS * training.targets.ncols());
    let is_many = |modality: &Modality| modality.dim() > most;
    let is_free = init.scale.is_empty() && !matches!(init.scheme, InitScheme::File(_));
    if !is_free || !training.modalities.iter().any(is_many) {
        return (content, Vec::new());
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
    let turned = |rows: &Rows| Box::new(turned(rows, &bases));
    let training = turned(training);
    let seen = seen(&content, &training.modalities);
    let holdout = holdout.as_deref().map(turned);
    (Arc::new(Content::Rows { training, holdout }), seen)
}

fn seen(content: &Content, turned: &[Modality]) -> Vec<Seen> {
    let pairs = content.modalities().iter().zip(turned);
    let changed = pairs.filter(|(before, after)| before.dim() != after.dim());
    changed
        .map(|(before, after)| Seen {
            name: before.name.clone(),
            inputs: before.dim(),
            directions: after.dim(),
        })
        .collect()
}

/// The initial weights of a network that sees few directions.
pub(super) fn initial_weights(init: &InitSection, seen: &[Seen]) -> InitSection {
    let mut init = init.clone();
    if matches!(init.scheme, InitScheme::GaussianNorm(_)) {
        for modality in seen {
            let factor = (modality.directions as f64 / modality.inputs as f64).sqrt();
            let first = ByModality::from_iter([("1".to_owned(), factor)]);
            init.scale
                .insert(modality.name.clone(), StackScale::Layers(first));
        }
    }
    init
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
    }
}
