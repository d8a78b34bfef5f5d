//! Principal components and whitening of the inputs of one modality.

use crate::error::{InputError, Result};
use nalgebra::{DMatrix, DVector, RowDVector, SVD};

/// Rows of a block of which a triangular factor is made: few copies in memory, and fast.
const BLOCK: usize = 4096;

/// The transformation of one modality's inputs, x -> (x - mean) axes.
pub(super) struct Transformation {
    /// Mean of the rows trained on, 1 x d.
    mean: RowDVector<f64>,
    /// d x k: principal axes, the one of the largest variance first, and each divided by the standard
    /// deviation along it where the inputs are whitened. The largest entry of each is positive.
    axes: DMatrix<f64>,
}

impl Transformation {
    /// That of the rows trained on (n x d): the fewest components that explain the fraction `explained` of
    /// the variance, or as many as the rank; of unit variance where `whiten` asks for it.
    ///
    /// The rank is that of the covariance, as everywhere else: variances up to max(n, d) epsilon times the largest
    /// count as zero. Columns that depend on each other but for their last decimals so make no input of their own.
    ///
    /// # Errors
    /// An input error at `key` where the inputs do not vary.
    pub fn of(
        rows: &DMatrix<f64>,
        explained: Option<f64>,
        whiten: bool,
        key: &str,
    ) -> Result<Self> {
        let mean = rows.row_mean();
        let centred = centred(rows, &mean);
        let (n, d) = rows.shape();
        let (values, mut axes) = if n < d {
            let qr = centred.transpose().qr();
            let (values, vectors) = left_singular(qr.r(), key)?;
            (values, qr.q() * vectors)
        } else {
            left_singular(triangle(&centred).transpose(), key)?
        };
        let cutoff = (n.max(d) as f64 * f64::EPSILON).sqrt() * values.max();
        let rank = values.iter().take_while(|value| **value > cutoff).count();
        if rank == 0 {
            let problem = "the inputs of this modality do not vary";
            let remedy = "take the modality out, or set whiten: false and leave components out";
            return Err(InputError::at(key, problem, remedy));
        }
        let kept = explained.map_or(rank, |fraction| {
            fewest(&values.as_slice()[..rank], fraction)
        });
        axes = axes.columns(0, kept).into_owned();
        for (mut axis, value) in axes.column_iter_mut().zip(&values) {
            let sign = sign(axis.as_slice());
            let deviation = value / (n as f64).sqrt();
            axis *= if whiten { sign / deviation } else { sign };
        }
        Ok(Self { mean, axes })
    }

    /// The transformed rows, n x k.
    pub fn apply(&self, rows: &DMatrix<f64>) -> DMatrix<f64> {
        centred(rows, &self.mean) * &self.axes
    }
}

fn centred(rows: &DMatrix<f64>, mean: &RowDVector<f64>) -> DMatrix<f64> {
    let mut rows = rows.clone();
    for (mut column, mean) in rows.column_iter_mut().zip(mean) {
        column.add_scalar_mut(-mean);
    }
    rows
}

/// R (d x d) of a QR decomposition of n >= d rows, block by block.
fn triangle(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let (n, d) = rows.shape();
    let step = BLOCK.max(d);
    let mut factor = DMatrix::zeros(0, d);
    for start in (0..n).step_by(step) {
        let block = rows.rows(start, step.min(n - start));
        let mut stacked = factor.insert_rows(0, block.nrows(), 0.0);
        stacked.rows_mut(0, block.nrows()).copy_from(&block);
        factor = stacked.qr().r();
    }
    factor
}

/// Singular values, the largest first, and left singular vectors of a square matrix.
fn left_singular(matrix: DMatrix<f64>, key: &str) -> Result<(DVector<f64>, DMatrix<f64>)> {
    let most = 100 * (matrix.nrows() + 10);
    let svd = SVD::try_new(matrix, true, false, f64::EPSILON, most);
    let parts = svd.and_then(|svd| Some((svd.singular_values, svd.u?)));
    parts.ok_or_else(|| {
        let problem = "the principal components of this modality cannot be computed";
        let remedy = "set whiten: false and leave components out";
        InputError::at(key, problem, remedy)
    })
}

/// The fewest of these singular values whose squares make up a fraction of the sum of squares.
fn fewest(values: &[f64], fraction: f64) -> usize {
    let total: f64 = values.iter().map(|value| value * value).sum();
    let round_off = values.len() as f64 * f64::EPSILON;
    let mut sum = 0.0;
    let enough = values.iter().position(|value| {
        sum += value * value;
        sum >= total * (fraction - round_off)
    });
    enough.map_or(values.len(), |last| last + 1)
}

/// The sign of the largest entry; of the first one among those that are as large but for round-off.
fn sign(axis: &[f64]) -> f64 {
    const ALIKE: f64 = 1.0 - 1e-9;
    let largest = axis.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let first = axis.iter().find(|x| x.abs() >= ALIKE * largest);
    first.map_or(1.0, |x| x.signum())
}
