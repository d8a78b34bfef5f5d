//! Products with all entries of a matrix. Those of many rows run at the speed of memory, and read no entry above
//! the diagonal, which stands below it as well.

use super::products::groups_of;
use crate::linalg::products::{GROUP, PASS, both_ways, sums_along};
use nalgebra::DMatrix;
use std::ops::Range;

/// Sums of up to so many terms are taken in order. Longer ones would wait for each addition, and run in lanes.
pub(super) const SHORT: usize = 128;

/// out (rows of a range x n, by columns) = S X with the rows and columns of that range, where `entry` gives the
/// entries of X by row, from the range's start, and column. Columns of S, which are contiguous, are its rows.
pub(super) fn apply_whole(
    entries: &DMatrix<f64>,
    range: Range<usize>,
    entry: impl Fn(usize, usize) -> f64,
    out: &mut [f64],
) {
    if range.len() > SHORT {
        return apply_half(entries, range, entry, out);
    }
    for (k, out) in out.chunks_exact_mut(range.len()).enumerate() {
        for (out, column) in out.iter_mut().zip(columns_of(entries, &range)) {
            *out = column[range.clone()]
                .iter()
                .enumerate()
                .map(|(i, s)| entry(i, k) * s)
                .sum();
        }
    }
}

/// Columns of a range.
fn columns_of<'m>(
    entries: &'m DMatrix<f64>,
    range: &Range<usize>,
) -> impl Iterator<Item = &'m [f64]> {
    let dim = entries.nrows();
    entries.as_slice()[range.start * dim..range.end * dim].chunks_exact(dim)
}

/// The same from half of S: below its diagonal and, in small blocks, on it. What stands below the diagonal serves
/// for its row and for its column, and is read once for all columns of X.
fn apply_half(
    entries: &DMatrix<f64>,
    range: Range<usize>,
    entry: impl Fn(usize, usize) -> f64,
    out: &mut [f64],
) {
    let dim = entries.nrows();
    let own = &entries.as_slice()[range.start * dim..range.end * dim];
    out.fill(0.0);
    for (g, group) in own.chunks(PASS * dim).enumerate() {
        let first = g * PASS;
        let end = range.len().min(first + PASS);
        let rows = range.start + end..range.end;
        for (k, out) in out.chunks_exact_mut(range.len()).enumerate() {
            let value = |i: usize| entry(i, k);
            let (done, rest) = out.split_at_mut(end);
            let below = both_ways(
                (group, dim),
                rows.clone(),
                |i| value(end + i),
                |j| value(first + j),
                rest,
            );
            for (j, below) in (first..end).zip(below) {
                let entry = |i: usize| entries[(range.start + i, range.start + j)];
                let inside: f64 = (first..end).map(|i| value(i) * entry(i)).sum();
                done[j] += inside + below;
            }
        }
    }
}

/// tr[A S A^T] of a matrix (n x a range of the inputs) by its entries, with the rows and columns of that range;
/// from half of them.
pub(super) fn whole_square(
    entries: &DMatrix<f64>,
    range: Range<usize>,
    n: usize,
    a: impl Fn(usize) -> f64,
) -> f64 {
    let dim = entries.nrows();
    let own = &entries.as_slice()[range.start * dim..range.end * dim];
    let mut sum = 0.0;
    for (g, group) in own.chunks(GROUP * dim).enumerate() {
        let first = g * GROUP;
        let end = range.len().min(first + GROUP);
        for k in 0..n {
            let value = |i: usize| a(k + i * n);
            let rows = range.start + end..range.end;
            let below = sums_along((group, dim), rows, |i| value(end + i));
            for (j, below) in (first..end).zip(below) {
                let entry = |i: usize| entries[(range.start + i, range.start + j)];
                let inside: f64 = (first..end).map(|i| value(i) * entry(i)).sum();
                sum += value(j) * (inside + 2.0 * below);
            }
        }
    }
    sum
}

/// tr[A S B^T] of two matrices (n x d) by their entries.
pub(super) fn whole_product(
    entries: &DMatrix<f64>,
    n: usize,
    a: impl Fn(usize) -> f64,
    b: impl Fn(usize) -> f64,
) -> f64 {
    let dim = entries.nrows();
    let mut sum = 0.0;
    if dim > SHORT {
        for (g, group) in groups_of(entries).enumerate() {
            for k in 0..n {
                let along = sums_along(group, 0..dim, |i| a(k + i * n));
                let count = group.0.len() / dim;
                let along = along[..count].iter().enumerate();
                sum += along
                    .map(|(j, x)| x * b(k + (g * GROUP + j) * n))
                    .sum::<f64>();
            }
        }
        return sum;
    }
    for (i, column) in entries.as_slice().chunks_exact(dim).enumerate() {
        for (j, weight) in column.iter().enumerate() {
            for k in 0..n {
                sum += weight * a(k + i * n) * b(k + j * n);
            }
        }
    }
    sum
}
