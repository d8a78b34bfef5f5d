//! Products of a layer with a few small columns: the inner loops of the gradient.
//!
//! Matrices are stored by columns. `w` is a layer (rows x cols); its small partner has `n`
//! columns, n being a number of inputs or outputs. Each kernel reads or writes the layer once
//! for every four small columns, so that it runs at the speed of memory. General matrix
//! products pack their operands first and lose that for n = 1.

use std::ops::Range;

/// A matrix stored by columns.
#[derive(Debug, Clone, Copy)]
pub struct ByColumns<'m> {
    /// Its entries.
    pub entries: &'m [f64],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
}

impl<'m> ByColumns<'m> {
    /// These entries as a matrix, rows x cols.
    pub fn new(entries: &'m [f64], rows: usize, cols: usize) -> Self {
        debug_assert_eq!(entries.len(), rows * cols);
        Self {
            entries,
            rows,
            cols,
        }
    }
}

/// Number of columns handled in one pass.
pub(super) const PASS: usize = 4;

/// out (rows x n) = w (rows x cols) * p (cols x n).
pub fn multiply(w: ByColumns<'_>, p: &[f64], out: &mut [f64]) {
    let ByColumns {
        entries: w,
        rows,
        cols,
    } = w;
    if rows < PASS {
        return multiply_few_rows(w, rows, p, cols, out);
    }
    out.fill(0.0);
    let columns = p.len() / cols;
    for (pass, w) in w.chunks(PASS * rows).enumerate() {
        for column in 0..columns {
            let first = column * cols + PASS * pass;
            let out = &mut out[column * rows..(column + 1) * rows];
            add_pass(w, |k| p[first + k], out);
        }
    }
}

/// out += the sum of some columns, each times its factor.
pub fn combine(columns: &[f64], factor: impl Fn(usize) -> f64, out: &mut [f64]) {
    for (pass, columns) in columns.chunks(PASS * out.len()).enumerate() {
        add_pass(columns, |k| factor(PASS * pass + k), out);
    }
}

/// The same for up to four columns. Four are added together: each entry of `out` is loaded and stored
/// once for them.
fn add_pass(columns: &[f64], factor: impl Fn(usize) -> f64, out: &mut [f64]) {
    let rows = out.len();
    if columns.len() < PASS * rows {
        for (k, column) in columns.chunks_exact(rows).enumerate() {
            add_scaled(factor(k), column, out);
        }
        return;
    }
    let [f0, f1, f2, f3] = [0, 1, 2, 3].map(factor);
    let (c0, rest) = columns.split_at(rows);
    let (c1, rest) = rest.split_at(rows);
    let (c2, c3) = rest.split_at(rows);
    for ((((y, a), b), c), d) in out.iter_mut().zip(c0).zip(c1).zip(c2).zip(c3) {
        *y += (a * f0 + b * f1) + (c * f2 + d * f3);
    }
}

/// The output layer has few rows: run along its columns, the long side.
fn multiply_few_rows(w: &[f64], rows: usize, p: &[f64], cols: usize, out: &mut [f64]) {
    for (p, out) in p.chunks_exact(cols).zip(out.chunks_exact_mut(rows)) {
        if rows == 1 {
            out[0] = dot(w, p);
            continue;
        }
        for (i, y) in out.iter_mut().enumerate() {
            let row = w[i..].iter().step_by(rows);
            *y = row.zip(p).map(|(a, x)| a * x).sum();
        }
    }
}

/// out (cols x n) = w^T (cols x rows) * b (rows x n).
pub fn multiply_transposed(w: ByColumns<'_>, b: &[f64], out: &mut [f64]) {
    let ByColumns {
        entries: w,
        rows,
        cols,
    } = w;
    if rows < PASS {
        // The output layer: run along its columns, the long side.
        for (b, out) in b.chunks_exact(rows).zip(out.chunks_exact_mut(cols)) {
            out.fill(0.0);
            for (i, factor) in b.iter().enumerate() {
                add_strided(*factor, &w[i..], rows, out, 1);
            }
        }
        return;
    }
    for (j, column) in w.chunks_exact(rows).enumerate() {
        for (k, b) in b.chunks_exact(rows).enumerate() {
            out[k * cols + j] = dot(column, b);
        }
    }
}

/// out (rows x cols) = b (rows x n) * c^T (n x cols), with c given as cols x n.
pub fn outer(b: &[f64], rows: usize, c: &[f64], cols: usize, out: &mut [f64]) {
    debug_assert_eq!(out.len(), rows * cols);
    if rows < PASS {
        out.fill(0.0);
        for (b, c) in b.chunks_exact(rows).zip(c.chunks_exact(cols)) {
            for (i, factor) in b.iter().enumerate() {
                add_strided(*factor, c, 1, &mut out[i..], rows);
            }
        }
        return;
    }
    for (pass, (b, c)) in b.chunks(PASS * rows).zip(c.chunks(PASS * cols)).enumerate() {
        for (j, out) in out.chunks_exact_mut(rows).enumerate() {
            match b.len() / rows {
                1 => outer_column::<1>(b, rows, c, cols, j, pass > 0, out),
                2 => outer_column::<2>(b, rows, c, cols, j, pass > 0, out),
                3 => outer_column::<3>(b, rows, c, cols, j, pass > 0, out),
                _ => outer_column::<4>(b, rows, c, cols, j, pass > 0, out),
            }
        }
    }
}

fn outer_column<const N: usize>(
    b: &[f64],
    rows: usize,
    c: &[f64],
    cols: usize,
    j: usize,
    add: bool,
    out: &mut [f64],
) {
    let columns: [&[f64]; N] = std::array::from_fn(|k| &b[k * rows..(k + 1) * rows]);
    let factors: [f64; N] = std::array::from_fn(|k| c[k * cols + j]);
    for (i, y) in out.iter_mut().enumerate() {
        let sum: f64 = (0..N).map(|k| columns[k][i] * factors[k]).sum();
        *y = if add { *y + sum } else { sum };
    }
}

/// out += factor * x.
pub fn add_scaled(factor: f64, x: &[f64], out: &mut [f64]) {
    for (y, x) in out.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// out += factor * x, every `x_stride`-th entry of x to every `out_stride`-th of out.
fn add_strided(factor: f64, x: &[f64], x_stride: usize, out: &mut [f64], out_stride: usize) {
    if x_stride == 1 && out_stride == 1 {
        // Known to be contiguous, the loop runs on vector registers.
        return add_scaled(factor, x, out);
    }
    let entries = x.iter().step_by(x_stride);
    for (y, x) in out.iter_mut().step_by(out_stride).zip(entries) {
        *y += factor * x;
    }
}

/// Euclidean norm; of matrices the Frobenius norm. Squares that would under- or overflow are scaled
/// first.
pub fn norm(entries: &[f64]) -> f64 {
    const SAFE: std::ops::Range<f64> = 1e-280..1e280;
    let square = dot(entries, entries);
    if SAFE.contains(&square) || square == 0.0 && entries.iter().all(|&x| x == 0.0) {
        return square.sqrt();
    }
    let largest = entries.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let scaled = entries.iter().map(|x| (x / largest) * (x / largest));
    largest * scaled.sum::<f64>().sqrt()
}

/// Scalar product, summed in eight independent lanes so that additions need not wait.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f64 = a_blocks
        .remainder()
        .iter()
        .zip(b_blocks.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for k in 0..LANES {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// Most columns of [`sums_along`].
pub(super) const GROUP: usize = 8;

/// Rows that are taken at once: so many entries stay in the nearest cache.
const STRIP: usize = 128;

/// Scalar products of a vector, given by its entries, with some rows of up to [`GROUP`] columns, which have
/// `height` entries each and stand one after the other; zero for columns that are not there. Entries are asked
/// for in strips that stay in the nearest cache, once for all columns.
pub(super) fn sums_along(
    (columns, height): (&[f64], usize),
    rows: Range<usize>,
    entry: impl Fn(usize) -> f64,
) -> [f64; GROUP] {
    const LANES: usize = 8;
    let mut lanes = [[0.0; LANES]; GROUP];
    let mut strip = [0.0; STRIP];
    for start in (0..rows.len()).step_by(STRIP) {
        let strip = &mut strip[..STRIP.min(rows.len() - start)];
        for (i, value) in strip.iter_mut().enumerate() {
            *value = entry(start + i);
        }
        for (lanes, column) in lanes.iter_mut().zip(columns.chunks_exact(height)) {
            let column = &column[rows.start + start..][..strip.len()];
            for (x, y) in strip.chunks(LANES).zip(column.chunks(LANES)) {
                for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
                    *lane += x * y;
                }
            }
        }
    }
    lanes.map(|lanes| lanes.iter().sum())
}

/// Some rows of [`PASS`] columns of `height` entries, used both ways: adds the columns, each times its factor,
/// to `out`, and gives back their scalar products with a vector, given by its entries. Fewer columns only without
/// rows.
pub(super) fn both_ways(
    (columns, height): (&[f64], usize),
    rows: Range<usize>,
    entry: impl Fn(usize) -> f64,
    factor: impl Fn(usize) -> f64,
    out: &mut [f64],
) -> [f64; PASS] {
    if rows.is_empty() {
        return [0.0; PASS];
    }
    let factors = [0, 1, 2, 3].map(factor);
    let mut lanes = [[0.0; BOTH_LANES]; PASS];
    let mut values = [0.0; STRIP];
    for (s, out) in out.chunks_mut(STRIP).enumerate() {
        let first = s * STRIP;
        let values = &mut values[..out.len()];
        for (i, value) in values.iter_mut().enumerate() {
            *value = entry(first + i);
        }
        let strip = |k: usize| &columns[k * height + rows.start + first..][..out.len()];
        let strip = [0, 1, 2, 3].map(strip);
        strip_both_ways(strip, values, factors, out, &mut lanes);
    }
    lanes.map(|lanes| lanes.iter().sum())
}

/// Independent sums of [`both_ways`], so that additions need not wait.
const BOTH_LANES: usize = 4;

/// One strip of rows of [`both_ways`]; lane l of column k takes every [`BOTH_LANES`]-th product.
fn strip_both_ways(
    columns: [&[f64]; PASS],
    values: &[f64],
    factors: [f64; PASS],
    out: &mut [f64],
    lanes: &mut [[f64; BOTH_LANES]; PASS],
) {
    let whole = out.len() - out.len() % BOTH_LANES;
    let mut sums = *lanes;
    for i in (0..whole).step_by(BOTH_LANES) {
        let mut added = [0.0; BOTH_LANES];
        for k in 0..PASS {
            let column = &columns[k][i..i + BOTH_LANES];
            for l in 0..BOTH_LANES {
                sums[k][l] += column[l] * values[i + l];
                added[l] += column[l] * factors[k];
            }
        }
        for (out, added) in out[i..i + BOTH_LANES].iter_mut().zip(added) {
            *out += added;
        }
    }
    for i in whole..out.len() {
        for k in 0..PASS {
            sums[k][i - whole] += columns[k][i] * values[i];
            out[i] += columns[k][i] * factors[k];
        }
    }
    *lanes = sums;
}

/// A size signed by its direction: the Frobenius norm of `difference`, positive where it points
/// along `last` (an overshoot) and negative against it. For one input and output it is the
/// overshoot itself.
pub fn overshoot(difference: &[f64], last: &[f64]) -> f64 {
    let along: f64 = difference.iter().zip(last).map(|(d, l)| d * l).sum();
    let size = norm(difference);
    if along < 0.0 { -size } else { size }
}
