//! How much of the targets some modalities explain on rows that were not fitted to.
//!
//! Least squares on n rows explains the less of others the more inputs it has, and next to nothing where the inputs are
//! as many as the rows. So maps are fitted with the penalty that generalised cross-validation chooses once, on all rows:
//!
//! ```text
//! W = S_yx (S_xx + lambda I)^-1        GCV(lambda) = |y - y^|^2 / (1 - df/n)^2,   df = tr[S_xx (S_xx + lambda I)^-1]
//! ```
//!
//! Source: G. H. Golub, M. Heath & G. Wahba, "Generalized cross-validation as a method for choosing a good ridge
//! parameter" (Technometrics 21, 1979).

use super::rows::{Part, Split};
use crate::data::Modality;
use nalgebra::{Cholesky, DMatrix, SymmetricEigen};

/// Penalties that are tried, over the mean variance of the inputs: from next to none to one that explains nothing,
/// two a decade.
const PENALTIES: i32 = 15;

/// The sets of modalities that are fitted: each alone, all, and, where that is another set, all but one.
pub(super) fn sets(count: usize) -> Vec<Vec<usize>> {
    let alone = (0..count).map(|m| vec![m]);
    let all = std::iter::once((0..count).collect());
    let without = (0..count).map(|left| (0..count).filter(|m| *m != left).collect());
    let without = without.filter(|_| count > 2);
    alone.chain(all).chain(without).collect()
}

/// The squares that the fits of some sets leave, and all there are, of rows that were not fitted to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Squares {
    /// For each set.
    left: Vec<f64>,
    all: f64,
}

/// Fractions of the targets' power that are explained on rows that were not fitted to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Explained {
    /// By each modality alone.
    pub(super) alone: Vec<f64>,
    /// By all.
    pub(super) joint: f64,
    /// By each modality beyond what all others explain.
    pub(super) unique: Vec<f64>,
}

impl Squares {
    /// Those of a division, with a penalty for each set.
    pub(super) fn of(split: &Split, modalities: &[Modality], penalties: &[f64]) -> Self {
        let left = sets(modalities.len()).into_iter().zip(penalties);
        let left = left.map(|(set, penalty)| {
            let columns = columns(modalities, &set);
            let map = Fit::new(&split.training, &columns).map(*penalty);
            let fitted = split.test.inputs.select_columns(&columns) * map;
            (&split.test.targets - fitted).norm_squared()
        });
        Self {
            left: left.collect(),
            all: split.test.targets.norm_squared(),
        }
    }

    /// Those of several divisions together.
    pub(super) fn sum(parts: &[Self]) -> Self {
        let sets = parts.first().map_or(0, |part| part.left.len());
        let left = (0..sets).map(|set| parts.iter().map(|part| part.left[set]).sum());
        Self {
            left: left.collect(),
            all: parts.iter().map(|part| part.all).sum(),
        }
    }

    /// As fractions, of so many modalities.
    pub(super) fn explained(&self, count: usize) -> Explained {
        let of = |set: usize| 1.0 - self.left[set] / self.all;
        let joint = of(count);
        // Of two modalities the other one is what is left without one.
        let without = |m: usize| match count {
            2 => of(1 - m),
            _ => of(count + 1 + m),
        };
        Explained {
            alone: (0..count).map(of).collect(),
            joint,
            unique: (0..count).map(|m| joint - without(m)).collect(),
        }
    }
}

/// The penalty of each set, by generalised cross-validation on these rows.
pub(super) fn penalties(part: &Part, modalities: &[Modality]) -> Vec<f64> {
    let of_set = |set: Vec<usize>| {
        let spectrum = Spectrum::of(part, &columns(modalities, &set));
        spectrum.penalty(&part.targets)
    };
    sets(modalities.len()).into_iter().map(of_set).collect()
}

/// Columns of some modalities.
pub(super) fn columns(modalities: &[Modality], set: &[usize]) -> Vec<usize> {
    let ranges = set.iter().map(|&m| modalities[m].range.clone());
    ranges.flatten().collect()
}

/// What a fit to some rows needs, by inputs or by rows, whichever are fewer.
pub(super) struct Fit<'p> {
    part: &'p Part,
    inputs: DMatrix<f64>,
    gram: DMatrix<f64>,
}

impl<'p> Fit<'p> {
    /// By these columns of the inputs.
    pub(super) fn new(part: &'p Part, columns: &[usize]) -> Self {
        let inputs = part.inputs.select_columns(columns);
        let gram = gram(&inputs);
        Self { part, inputs, gram }
    }

    /// The map, d x o, with a penalty over the mean variance of the inputs.
    pub(super) fn map(&self, penalty: f64) -> DMatrix<f64> {
        let (rows, inputs) = self.inputs.shape();
        let mut gram = self.gram.clone();
        let scale = gram.trace() / inputs.max(1) as f64;
        for k in 0..gram.nrows() {
            // An input that does not vary stays at 0.
            gram[(k, k)] += (penalty * scale).max(f64::MIN_POSITIVE);
        }
        let zero = || DMatrix::zeros(inputs, self.part.targets.ncols());
        let Some(factor) = Cholesky::new(gram) else {
            return zero();
        };
        let transposed = self.inputs.transpose();
        match inputs <= rows {
            true => factor.solve(&(transposed * &self.part.targets / rows as f64)),
            false => transposed * factor.solve(&self.part.targets) / rows as f64,
        }
    }
}

/// X^T X/n, or X X^T/n where there are fewer rows than inputs.
fn gram(inputs: &DMatrix<f64>) -> DMatrix<f64> {
    let transposed = inputs.transpose();
    let product = match inputs.ncols() <= inputs.nrows() {
        true => transposed * inputs,
        false => inputs * transposed,
    };
    product / inputs.nrows() as f64
}

/// The eigenvalues of the second moment of some inputs, and what brings targets to its eigenvectors.
pub(super) struct Spectrum {
    /// Those of the Gram matrix.
    values: Vec<f64>,
    /// Left singular vectors of the rows, n x r.
    left: DMatrix<f64>,
    /// What brings them back to inputs, d x r: V/(s sqrt(n)).
    right: DMatrix<f64>,
    rows: usize,
    scale: f64,
}

impl Spectrum {
    /// Of these columns.
    pub(super) fn of(part: &Part, columns: &[usize]) -> Self {
        /// Eigenvalues below this share of the largest are round-off.
        const ROUND_OFF: f64 = 1e-12;
        let inputs = part.inputs.select_columns(columns);
        let (rows, dim) = inputs.shape();
        let gram = gram(&inputs);
        let scale = gram.trace() / dim.max(1) as f64;
        let eigen = SymmetricEigen::new(gram);
        let least = ROUND_OFF * eigen.eigenvalues.amax();
        let kept: Vec<usize> = (0..eigen.eigenvalues.len())
            .filter(|&k| eigen.eigenvalues[k] > least)
            .collect();
        let vectors = eigen.eigenvectors.select_columns(&kept);
        let values: Vec<f64> = kept.iter().map(|&k| eigen.eigenvalues[k]).collect();
        // Rows X = sqrt(n) U s V^T with the eigenvalues s^2.
        let root = |k: usize| (values[k] * rows as f64).sqrt();
        let divided = |mut matrix: DMatrix<f64>| {
            for (k, mut column) in matrix.column_iter_mut().enumerate() {
                column /= root(k);
            }
            matrix
        };
        let (left, axes) = match dim <= rows {
            true => (divided(&inputs * &vectors), vectors),
            false => {
                let axes = divided(inputs.transpose() * &vectors);
                (vectors, axes)
            }
        };
        Self {
            right: divided(axes),
            left,
            values,
            rows,
            scale,
        }
    }

    /// Number of independent inputs.
    pub(super) fn rank(&self) -> usize {
        self.values.len()
    }

    /// Inputs of unit covariance: sqrt(n) U.
    pub(super) fn whitened(&self) -> DMatrix<f64> {
        &self.left * (self.rows as f64).sqrt()
    }

    fn penalty(&self, targets: &DMatrix<f64>) -> f64 {
        let along = self.left.transpose() * targets;
        self.best(&along, targets.norm_squared())
    }

    /// The penalty of the least GCV, where the targets have these coefficients (r x o) along the left singular vectors.
    fn best(&self, along: &DMatrix<f64>, power: f64) -> f64 {
        let rows = self.rows as f64;
        let squares: Vec<f64> = along.row_iter().map(|row| row.norm_squared()).collect();
        let score = |penalty: f64| {
            let shrunk = |value: f64| value / (value + penalty * self.scale);
            let kept: Vec<f64> = self.values.iter().map(|value| shrunk(*value)).collect();
            // One direction is the mean's.
            let freedom = 1.0 + kept.iter().sum::<f64>();
            let gone = kept.iter().zip(&squares);
            let gone: f64 = gone.map(|(kept, s)| s * (1.0 - (1.0 - kept).powi(2))).sum();
            let spare = (1.0 - freedom / rows).max(1.0 / rows);
            (power - gone).max(0.0) / (spare * spare)
        };
        let tried = (0..PENALTIES).map(|k| 10f64.powf(0.5 * f64::from(k) - 5.0));
        let scored = tried.map(|penalty| (penalty, score(penalty)));
        let best = scored.min_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or(1.0, |(penalty, _)| penalty)
    }

    /// The map (d x o) to targets by the penalty that they choose.
    pub(super) fn fit(&self, targets: &DMatrix<f64>) -> DMatrix<f64> {
        let mut along = self.left.transpose() * targets;
        let penalty = self.best(&along, targets.norm_squared());
        for (k, mut row) in along.row_iter_mut().enumerate() {
            row *= self.values[k] / (self.values[k] + penalty * self.scale);
        }
        &self.right * along
    }
}
