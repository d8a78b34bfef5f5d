//! How large data are, and what their moments will take: known once they are read, before anything is decomposed.

use super::{Content, Modality, Places};
use crate::linalg::Size;

/// The size of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Inputs of each modality.
    pub dims: Vec<usize>,
    /// Number of outputs.
    pub outputs: usize,
    /// Samples that are trained on; None for a population.
    pub samples: Option<u64>,
    /// Of the second moments trained on.
    pub inputs: Size,
    /// Of those of the generalisation error, where there is one.
    pub error: Option<Size>,
    /// Samples that are held out.
    pub held_out: u64,
    /// Of the population that samples are drawn from.
    population: Option<Size>,
}

impl Content {
    /// The input streams.
    pub fn modalities(&self) -> &[Modality] {
        match self {
            Content::Population(population) => &population.modalities,
            Content::Rows { training, .. } => &training.modalities,
        }
    }

    /// Its size, where so many samples are drawn from a population, or none.
    pub fn extent(&self, drawn: Option<u64>) -> Extent {
        let dims: Vec<usize> = self.modalities().iter().map(Modality::dim).collect();
        let inputs: usize = dims.iter().sum();
        match self {
            Content::Population(population) => {
                let own = population.inputs.size();
                let drawn_size = drawn.map(|count| Size::of_samples(count, inputs));
                Extent {
                    dims,
                    outputs: population.map.nrows(),
                    samples: drawn,
                    inputs: drawn_size.unwrap_or(own),
                    error: drawn.map(|_| own),
                    held_out: 0,
                    population: drawn.map(|_| own),
                }
            }
            Content::Rows { training, holdout } => {
                let count = training.inputs.nrows() as u64;
                let held_out = holdout.as_ref().map(|rows| rows.inputs.nrows() as u64);
                Extent {
                    dims,
                    outputs: training.targets.ncols(),
                    samples: Some(count),
                    inputs: Size::of_samples(count, inputs),
                    error: held_out.map(|count| Size::of_samples(count, inputs)),
                    held_out: held_out.unwrap_or(0),
                    population: None,
                }
            }
        }
    }
}

impl Extent {
    /// By-products that are kept beside a map.
    pub fn by_products(&self) -> Places {
        Places::of(self.outputs * self.inputs.dim(), self.inputs, self.error)
    }

    /// Bytes of the second moments and of the inverses of all inputs and of each modality.
    pub fn bytes(&self) -> u64 {
        let own = self.dims.iter().map(|&dim| self.inputs.block(dim).bytes());
        // The moments of a population stay for the generalisation error, those of held out rows too.
        let error = self.error.map_or(0, Size::bytes);
        2 * self.inputs.bytes() + own.sum::<u64>() + error
    }

    /// Multiplications that the second moments take, about: draws from a population, sums over samples, and
    /// the inverses of all inputs together, of each modality, and of what is held out.
    pub fn moments_work(&self) -> u64 {
        let samples = self.samples.unwrap_or(0);
        let dim = self.inputs.dim() as u64;
        let sum = |size: Size, count: u64| match size {
            Size::Whole(_) => count * dim * dim,
            Size::Diagonal(_) | Size::Factor { .. } => 0,
        };
        let draws = self.population.map_or(0, |size| {
            let root = match size {
                Size::Whole(_) => size.inverse_work(),
                Size::Diagonal(_) | Size::Factor { .. } => 0,
            };
            root + samples * size.product_work() as u64
        });
        let own = self.dims.iter().map(|&dim| self.inputs.block(dim));
        let held_out = self.error.filter(|_| self.held_out > 0);
        let held_out = held_out.map_or(0, |size| sum(size, self.held_out) + size.inverse_work());
        draws
            + sum(self.inputs, samples)
            + self.inputs.inverse_work()
            + own.map(Size::inverse_work).sum::<u64>()
            + held_out
    }
}
