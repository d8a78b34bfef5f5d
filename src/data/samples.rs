//! Samples kept one by one, in blocks that fit into a processor's cache.

use super::Loss;
use crate::linalg::{SemiDefinite, pseudo_inverse};
use nalgebra::DMatrix;
use std::ops::Range;

/// Samples of a block: a hundred hidden units of them are 100 kB.
pub const BLOCK: usize = 128;

/// Inputs and targets of every sample.
///
/// They are stored block after block, each block by columns, so that one column of a block, an
/// input of its samples, is contiguous.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    len: usize,
    /// Number of inputs d and outputs o.
    dims: [usize; 2],
    inputs: Vec<f64>,
    targets: Vec<f64>,
    /// The parts of the target, where it is known to have some.
    pub parts: Option<Parts>,
    /// What compares outputs with the targets.
    pub loss: Loss,
}

/// Functions of the inputs that the target is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Their names; part k is a function of modality k alone where there is one, and what follows of several.
    pub names: &'static [&'static str],
    /// E[f f^T]^+ of the vector f of all K parts, K x K.
    pub inverse: SemiDefinite,
    values: Vec<f64>,
}

/// A few samples next to each other.
#[derive(Debug, Clone, Copy)]
pub struct Block<'s> {
    /// Number of samples n.
    pub len: usize,
    /// Inputs, n x d by columns.
    pub inputs: &'s [f64],
    /// Targets, n x o by columns.
    pub targets: &'s [f64],
    /// Parts of the targets, n x K by columns; empty where none are known.
    pub parts: &'s [f64],
}

impl Samples {
    /// From inputs (P x d) and targets (P x o), a row each a sample.
    pub fn new(inputs: &DMatrix<f64>, targets: &DMatrix<f64>) -> Self {
        Self {
            len: inputs.nrows(),
            dims: [inputs.ncols(), targets.ncols()],
            inputs: blocks(inputs),
            targets: blocks(targets),
            parts: None,
            loss: Loss::Squared,
        }
    }

    /// The same samples compared by another loss, for which the targets are.
    pub fn compared_by(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// The same samples with the parts of their target (P x K).
    pub fn with_parts(self, names: &'static [&'static str], parts: &DMatrix<f64>) -> Self {
        let parts = Parts {
            names,
            inverse: pseudo_inverse(&(parts.tr_mul(parts) / parts.nrows() as f64)).into(),
            values: blocks(parts),
        };
        Self {
            parts: Some(parts),
            ..self
        }
    }

    /// Storage for a few of these samples, without what is known of all.
    pub fn batch(&self) -> Self {
        Self {
            len: 0,
            dims: self.dims,
            inputs: Vec::new(),
            targets: Vec::new(),
            parts: None,
            loss: self.loss,
        }
    }

    /// Takes over the samples of these numbers from another set of the same dimensions.
    pub fn gather(&mut self, from: &Samples, numbers: &[usize]) {
        self.len = numbers.len();
        self.inputs.resize(self.len * self.dims[0], 0.0);
        self.targets.resize(self.len * self.dims[1], 0.0);
        let sides = [
            (&mut self.inputs, &from.inputs, self.dims[0]),
            (&mut self.targets, &from.targets, self.dims[1]),
        ];
        for (to, source, columns) in sides {
            for (row, &number) in numbers.iter().enumerate() {
                let (to_first, to_stride) = place(row, numbers.len(), columns);
                let (first, stride) = place(number, from.len, columns);
                for j in 0..columns {
                    to[to_first + j * to_stride] = source[first + j * stride];
                }
            }
        }
    }

    /// The same samples with some of the inputs at zero.
    pub fn without(&self, inputs: Range<usize>) -> Self {
        let mut samples = self.clone();
        for k in 0..self.blocks() {
            let rows = k * BLOCK..((k + 1) * BLOCK).min(self.len);
            let start = rows.start * self.dims[0];
            let columns = start + inputs.start * rows.len()..start + inputs.end * rows.len();
            samples.inputs[columns].fill(0.0);
        }
        samples
    }

    /// Sets some inputs of one sample to zero.
    pub fn drop_inputs(&mut self, row: usize, inputs: Range<usize>) {
        let (first, stride) = place(row, self.len, self.dims[0]);
        for j in inputs {
            self.inputs[first + j * stride] = 0.0;
        }
    }

    /// Number of samples P.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.len.div_ceil(BLOCK)
    }

    /// Number of samples of the largest block.
    pub fn largest_block(&self) -> usize {
        self.len.min(BLOCK)
    }

    /// The k-th block.
    pub fn block(&self, k: usize) -> Block<'_> {
        let rows = k * BLOCK..((k + 1) * BLOCK).min(self.len);
        let [inputs, targets] = self.dims;
        let parts = self.parts.as_ref().map_or(&[][..], |parts| {
            let count = parts.names.len();
            &parts.values[rows.start * count..rows.end * count]
        });
        Block {
            parts,
            len: rows.len(),
            inputs: &self.inputs[rows.start * inputs..rows.end * inputs],
            targets: &self.targets[rows.start * targets..rows.end * targets],
        }
    }
}

/// Where a sample's first column stands among the blocks of `len` samples of some columns, and how
/// far its next column is.
fn place(row: usize, len: usize, columns: usize) -> (usize, usize) {
    let start = row - row % BLOCK;
    let stride = BLOCK.min(len - start);
    (start * columns + row % BLOCK, stride)
}

/// A matrix (P x n) block after block, each by columns.
fn blocks(matrix: &DMatrix<f64>) -> Vec<f64> {
    let len = matrix.nrows();
    let mut blocks = Vec::with_capacity(matrix.len());
    for row in (0..len).step_by(BLOCK) {
        blocks.extend(matrix.rows(row, BLOCK.min(len - row)).iter());
    }
    blocks
}
