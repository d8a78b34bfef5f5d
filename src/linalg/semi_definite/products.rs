//! Products of a semi-definite matrix with vectors and maps.

use super::whole::{SHORT, apply_whole, whole_product, whole_square};
use super::{Form, SemiDefinite};
use crate::linalg::products::{GROUP, sums_along};
use crate::linalg::{ByColumns, add_scaled, multiply, multiply_transposed};
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut, DVector};
use std::ops::Range;

impl SemiDefinite {
    /// out (d x n, by columns) = S X, where `entry` gives the entries of X (d x n) by row and column.
    /// `inner` is workspace of n [`SemiDefinite::inner_len`]; nothing is allocated.
    pub fn apply(&self, entry: impl Fn(usize, usize) -> f64, inner: &mut [f64], out: &mut [f64]) {
        let dim = self.dim();
        match &*self.0 {
            Form::Whole(entries) => apply_whole(entries, 0..dim, entry, out),
            Form::Diagonal(entries) => {
                for (k, out) in out.chunks_exact_mut(dim).enumerate() {
                    for (i, (out, s)) in out.iter_mut().zip(entries).enumerate() {
                        *out = entry(i, k) * s;
                    }
                }
            }
            Form::Factor { columns, .. } => {
                for (k, out) in out.chunks_exact_mut(dim).enumerate() {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = entry(i, k);
                    }
                }
                let factor = ByColumns::new(columns.as_slice(), dim, columns.ncols());
                multiply_transposed(factor, out, inner);
                multiply(factor, inner, out);
            }
        }
    }

    /// out (rows of a range x n, by columns) = S_R X with the rows and columns R of that range, where `entry` gives
    /// the entries of X by row, from the range's start, and column. `inner` is workspace of n
    /// [`SemiDefinite::inner_len`]; nothing is allocated.
    pub fn apply_block(
        &self,
        range: Range<usize>,
        entry: impl Fn(usize, usize) -> f64,
        inner: &mut [f64],
        out: &mut [f64],
    ) {
        let columns = match &*self.0 {
            Form::Whole(entries) => return apply_whole(entries, range, entry, out),
            Form::Diagonal(entries) => {
                for (p, out) in out.iter_mut().enumerate() {
                    let (i, k) = (p % range.len(), p / range.len());
                    *out = entry(i, k) * entries[range.start + i];
                }
                return;
            }
            Form::Factor { columns, .. } => columns,
        };
        let rank = columns.ncols();
        for (k, out) in out.chunks_exact_mut(range.len()).enumerate() {
            for (g, group) in groups_of(columns).enumerate() {
                let along = sums_along(group, range.clone(), |i| entry(i, k));
                let inner = &mut inner[k * rank..(k + 1) * rank];
                for (inner, along) in inner[g * GROUP..].iter_mut().zip(along) {
                    *inner = along;
                }
            }
            out.fill(0.0);
            let own = columns.as_slice().chunks_exact(columns.nrows());
            for (column, factor) in own.zip(&inner[k * rank..(k + 1) * rank]) {
                add_scaled(*factor, &column[range.clone()], out);
            }
        }
    }

    /// tr[A S A^T] of a matrix (n x d) by its entries, which stand by columns. Nothing is allocated.
    pub fn square(&self, n: usize, a: impl Fn(usize) -> f64) -> f64 {
        let columns = match &*self.0 {
            Form::Whole(entries) if entries.nrows() > SHORT => {
                return whole_square(entries, 0..entries.nrows(), n, a);
            }
            Form::Whole(_) | Form::Diagonal(_) => return self.inner_product(n, &a, &a),
            Form::Factor { columns, .. } => columns,
        };
        let groups = groups_of(columns).flat_map(|group| (0..n).map(move |k| (group, k)));
        let squares = groups.map(|(group, k)| {
            let along = sums_along(group, 0..self.dim(), |i| a(k + i * n));
            along.iter().map(|x| x * x).sum::<f64>()
        });
        squares.sum()
    }

    /// tr[A S B^T] of two matrices (n x d) by their entries, which stand by columns. Nothing is allocated.
    pub fn inner_product(
        &self,
        n: usize,
        a: impl Fn(usize) -> f64,
        b: impl Fn(usize) -> f64,
    ) -> f64 {
        let mut sum = 0.0;
        match &*self.0 {
            Form::Whole(entries) => return whole_product(entries, n, a, b),
            Form::Diagonal(entries) => {
                for (i, weight) in entries.iter().enumerate() {
                    for k in 0..n {
                        sum += weight * a(k + i * n) * b(k + i * n);
                    }
                }
            }
            Form::Factor { columns, .. } => {
                for group in groups_of(columns) {
                    for k in 0..n {
                        let along_a = sums_along(group, 0..self.dim(), |i| a(k + i * n));
                        let along_b = sums_along(group, 0..self.dim(), |i| b(k + i * n));
                        sum += along_a.iter().zip(along_b).map(|(a, b)| a * b).sum::<f64>();
                    }
                }
            }
        }
        sum
    }

    /// A S, of A (n x d).
    pub fn after(&self, map: &DMatrix<f64>) -> DMatrix<f64> {
        match &*self.0 {
            Form::Whole(entries) => map * entries,
            _ => {
                let mut inner = vec![0.0; self.inner_len() * map.nrows()];
                let mut product = DMatrix::zeros(self.dim(), map.nrows());
                self.apply(|i, k| map[(k, i)], &mut inner, product.as_mut_slice());
                product.transpose()
            }
        }
    }

    /// Writes A S, of A (n x d). A factor takes its workspace from the heap.
    pub fn write_after(&self, map: DMatrixView<'_, f64>, mut out: DMatrixViewMut<'_, f64>) {
        match &*self.0 {
            Form::Whole(entries) => out.gemm(1.0, &map, entries, 0.0),
            _ => out.copy_from(&self.after(&map.into_owned())),
        }
    }

    /// The columns of a range of A S, of A (n x d).
    pub fn columns_after(&self, map: &DMatrix<f64>, range: Range<usize>) -> DMatrix<f64> {
        match &*self.0 {
            Form::Whole(entries) => map * entries.columns_range(range),
            _ => self.after(map).columns_range(range).into_owned(),
        }
    }

    /// S x.
    pub fn times(&self, vector: &DVector<f64>) -> DVector<f64> {
        match &*self.0 {
            Form::Whole(entries) => entries * vector,
            _ => {
                let (mut inner, mut product) =
                    (vec![0.0; self.inner_len()], DVector::zeros(self.dim()));
                self.apply(|i, _| vector[i], &mut inner, product.as_mut_slice());
                product
            }
        }
    }

    /// A S A^T (n x n) of A (n x a range of the inputs), with the rows and columns of that range.
    pub fn moment(&self, map: DMatrixView<'_, f64>, range: Range<usize>) -> DMatrix<f64> {
        match &*self.0 {
            Form::Whole(entries) if range.len() > SHORT => {
                let dim = entries.nrows();
                let own = &entries.as_slice()[range.start * dim..range.end * dim];
                along_columns(own, dim, &map, range).transpose() * map.transpose()
            }
            Form::Whole(entries) => {
                map * entries.view_range(range.clone(), range) * map.transpose()
            }
            Form::Diagonal(entries) => {
                let scaled = |k, i| map[(k, i)] * entries[range.start + i];
                DMatrix::from_fn(map.nrows(), map.ncols(), scaled) * map.transpose()
            }
            Form::Factor { columns, .. } => {
                let outputs = along_columns(columns.as_slice(), columns.nrows(), &map, range);
                outputs.transpose() * outputs
            }
        }
    }

    /// tr[A S A^T] of A (n x a range of the inputs), with the rows and columns of that range.
    pub fn power(&self, map: DMatrixView<'_, f64>, range: Range<usize>) -> f64 {
        match &*self.0 {
            Form::Whole(entries) if range.len() > SHORT => {
                let n = map.nrows();
                whole_square(entries, range, n, |p| map[(p % n, p / n)])
            }
            _ => self.moment(map, range).trace(),
        }
    }

    /// A S A^T (n x n) of A (n x d).
    pub fn whole_moment(&self, map: &DMatrix<f64>) -> DMatrix<f64> {
        self.moment(map.as_view(), 0..self.dim())
    }
}

/// Columns in groups of as many as are worked on together.
pub(super) fn groups_of(columns: &DMatrix<f64>) -> impl Iterator<Item = (&[f64], usize)> {
    let groups = columns.as_slice().chunks(GROUP * columns.nrows());
    groups.map(|group| (group, columns.nrows()))
}

/// C_R^T A^T (c x n): each of c columns, of which the rows of a range count, times each row of A (n x that range).
fn along_columns(
    columns: &[f64],
    height: usize,
    map: &DMatrixView<'_, f64>,
    rows: Range<usize>,
) -> DMatrix<f64> {
    let count = columns.len() / height;
    let mut products = DMatrix::zeros(count, map.nrows());
    for (g, group) in columns.chunks(GROUP * height).enumerate() {
        let first = g * GROUP;
        for k in 0..map.nrows() {
            let along = sums_along((group, height), rows.clone(), |i| map[(k, i)]);
            let size = GROUP.min(count - first);
            let mut out = products.view_mut((first, k), (size, 1));
            out.copy_from_slice(&along[..size]);
        }
    }
    products
}
