//! Samples kept one by one, in blocks that fit into a processor's cache.

use super::{moments, pseudo_inverse, table, toy, wishart};
use crate::error::{InputError, Result};
use crate::scenario::DataSection;
use nalgebra::DMatrix;

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
    /// S_xx^+ of these samples, d x d.
    pub inverse: DMatrix<f64>,
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
}

impl Samples {
    /// From inputs (P x d) and targets (P x o), a row each a sample.
    pub fn new(inputs: &DMatrix<f64>, targets: &DMatrix<f64>) -> Self {
        let len = inputs.nrows();
        let blocks = |matrix: &DMatrix<f64>| {
            let mut blocks = Vec::with_capacity(matrix.len());
            for row in (0..len).step_by(BLOCK) {
                blocks.extend(matrix.rows(row, BLOCK.min(len - row)).iter());
            }
            blocks
        };
        let covariance = inputs.tr_mul(inputs) / len as f64;
        Self {
            len,
            dims: [inputs.ncols(), targets.ncols()],
            inputs: blocks(inputs),
            targets: blocks(targets),
            inverse: pseudo_inverse(&covariance),
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
        Block {
            len: rows.len(),
            inputs: &self.inputs[rows.start * inputs..rows.end * inputs],
            targets: &self.targets[rows.start * targets..rows.end * targets],
        }
    }
}

/// Inputs (P x d) and targets (P x o) of the samples behind a scenario's moments.
///
/// # Errors
/// An input error where the data have none, or the table cannot be used.
pub(super) fn of(data: &DataSection, seed: u64) -> Result<(DMatrix<f64>, DMatrix<f64>)> {
    if let Some(table) = &data.table {
        return table::samples(table, seed);
    }
    let population = if let Some(toy) = &data.toy {
        toy::population(toy)
    } else if let Some(given) = &data.moments {
        moments::population(given)
    } else if let Some(wishart) = &data.wishart {
        wishart::population(wishart, seed)
    } else {
        return Err(none().into());
    };
    let samples = asked_for(data).ok_or_else(none)?;
    Ok(population?.samples(samples, seed))
}

/// The number of samples that a scenario asks to draw; None where it draws none.
pub fn asked_for(data: &DataSection) -> Option<u64> {
    let toy = data.toy.as_ref().and_then(|toy| toy.samples);
    let moments = data.moments.as_ref().and_then(|m| m.samples);
    let wishart = data.wishart.as_ref().and_then(|w| w.samples);
    toy.or(moments).or(wishart)
}

fn none() -> InputError {
    let remedy = "give the number of samples with the data";
    InputError::at("data", "there are no samples", remedy)
}
