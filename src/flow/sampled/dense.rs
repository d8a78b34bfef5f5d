//! Products of a layer with a block of samples.
//!
//! A panel holds one column a unit, n samples long, the columns one after the other. `w` is a layer
//! (rows x cols, by columns). Thin layers run along the samples, four columns at a time; wide ones
//! go to the general matrix product, which packs its operands first.

use crate::linalg::{combine, dot};
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
        combine(&a[..cols * samples], |i| w[j + i * rows], out);
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
        combine(&delta[..rows * samples], |j| w[j + i * rows], out);
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
