//! Products of a layer with a block of samples.
//!
//! A panel holds one column a unit, n samples long, the columns one after the other. `w` is a layer
//! (rows x cols, by columns). Thin layers run along the samples, four columns at a time; wide ones
//! go to the general matrix product, which packs its operands first.

use crate::linalg::dot;
use nalgebra::{DMatrixView, DMatrixViewMut};

/// A side from which on packing pays.
const WIDE: usize = 8;

/// Shape of a layer, and the number of samples of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) samples: usize,
}

impl Shape {
    fn is_wide(self) -> bool {
        self.rows.min(self.cols).min(self.samples) >= WIDE
    }
}

/// out (n x rows) += a (n x cols) w^T: what a layer sends on.
pub(super) fn send(w: &[f64], shape: Shape, a: &[f64], out: &mut [f64]) {
    let Shape {
        rows,
        cols,
        samples,
    } = shape;
    if shape.is_wide() {
        let a = DMatrixView::from_slice(a, samples, cols);
        let w = DMatrixView::from_slice_with_strides(w, cols, rows, rows, 1);
        DMatrixViewMut::from_slice(out, samples, rows).gemm(1.0, &a, &w, 1.0);
        return;
    }
    for (j, out) in out.chunks_exact_mut(samples).enumerate() {
        combine(a, cols, |i| w[j + i * rows], out);
    }
}

/// out (n x cols) += delta (n x rows) w: what comes back through a layer.
pub(super) fn pull(w: &[f64], shape: Shape, delta: &[f64], out: &mut [f64]) {
    let Shape {
        rows,
        cols,
        samples,
    } = shape;
    if shape.is_wide() {
        let delta = DMatrixView::from_slice(delta, samples, rows);
        let w = DMatrixView::from_slice(w, rows, cols);
        DMatrixViewMut::from_slice(out, samples, cols).gemm(1.0, &delta, &w, 1.0);
        return;
    }
    for (i, out) in out.chunks_exact_mut(samples).enumerate() {
        combine(delta, rows, |j| w[j + i * rows], out);
    }
}

/// out (rows x cols) += delta^T (rows x n) a (n x cols): a layer's rate.
pub(super) fn gather(delta: &[f64], shape: Shape, a: &[f64], out: &mut [f64]) {
    let Shape {
        rows,
        cols,
        samples,
    } = shape;
    if shape.is_wide() {
        let delta = DMatrixView::from_slice_with_strides(delta, rows, samples, samples, 1);
        let a = DMatrixView::from_slice(a, samples, cols);
        DMatrixViewMut::from_slice(out, rows, cols).gemm(1.0, &delta, &a, 1.0);
        return;
    }
    for (a, out) in a.chunks_exact(samples).zip(out.chunks_exact_mut(rows)) {
        for (delta, out) in delta.chunks_exact(samples).zip(out) {
            *out += dot(delta, a);
        }
    }
}

/// out += sum over `count` columns of their factors times the columns.
fn combine(columns: &[f64], count: usize, factor: impl Fn(usize) -> f64, out: &mut [f64]) {
    const PASS: usize = 4;
    let n = out.len();
    let whole = count - count % PASS;
    for k in (0..whole).step_by(PASS) {
        let [f0, f1, f2, f3] = [0, 1, 2, 3].map(|i| factor(k + i));
        let (c0, rest) = columns[k * n..(k + PASS) * n].split_at(n);
        let (c1, rest) = rest.split_at(n);
        let (c2, c3) = rest.split_at(n);
        for ((((y, a), b), c), d) in out.iter_mut().zip(c0).zip(c1).zip(c2).zip(c3) {
            *y += (f0 * a + f1 * b) + (f2 * c + f3 * d);
        }
    }
    for k in whole..count {
        let factor = factor(k);
        for (y, a) in out.iter_mut().zip(&columns[k * n..(k + 1) * n]) {
            *y += factor * a;
        }
    }
}
