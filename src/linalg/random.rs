//! Reproducible random numbers: one stream of ChaCha12 for each purpose.
//!
//! Streams of one seed are independent, so that a draw depends on the seed and its purpose
//! alone: not on what else was drawn before, nor on order or threads.

use rand::rngs::ChaCha12Rng;
use rand::{Rng, SeedableRng};

/// What random numbers are drawn for. The numbers are part of the format of a seed: a changed
/// one changes the results of every scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// A random input covariance.
    Covariance = 1,
    /// A random true map.
    TargetMap = 2,
    /// Inputs of samples.
    Samples = 3,
    /// Noise on the targets of samples: apart from the inputs, so that a scenario with more
    /// noise has the same inputs.
    Noise = 4,
    /// Rows of a table kept out of training.
    HoldOut = 5,
    /// The division of the rows of a table into folds.
    Folds = 10,
    /// Gaussian initial weights.
    InitialWeights = 6,
    /// Directions in the hidden spaces of aligned initial weights.
    AlignedDirections = 7,
    /// Starting vectors of eigenvalue computations.
    EigenvalueStart = 8,
    /// Directions of units whose growth is looked for.
    Directions = 11,
    /// Seeds of the cells of a sweep.
    Cells = 9,
    /// The order of samples in mini-batches.
    Batches = 20,
    /// Which of two views show the image.
    Views = 21,
    /// Modalities that are dropped from the samples of mini-batches.
    Dropping = 22,
    /// Parts of the rows of a diagnosis, and permuted targets.
    Resampling = 23,
}

/// The random numbers of `seed` for `purpose`, from their beginning.
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// The seed of a sweep's cell: the number at place `index` of the stream of seeds, so that it
/// depends on the sweep's seed and the cell's number alone. Below 2^53: whole numbers up to there
/// survive readers that know floating-point numbers only.
pub fn cell_seed(seed: u64, index: u64) -> u64 {
    let mut rng = stream(seed, Purpose::Cells);
    // Words of the generator have 32 bits.
    rng.set_word_pos(2 * u128::from(index));
    rng.next_u64() >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned, so that an update of a crate that changes the numbers does not pass unseen.
    #[test]
    fn first_draws_of_a_stream_are_pinned() {
        let mut rng = stream(1, Purpose::InitialWeights);
        let draws: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(
            draws,
            [
                4853514489147289662,
                3899217890349398123,
                3929269593570528685
            ]
        );
    }

    /// Seeds by place are those drawn one after the other.
    #[test]
    fn seeds_of_cells_are_those_of_their_stream() {
        let mut rng = stream(5, Purpose::Cells);
        for index in 0..40 {
            assert_eq!(cell_seed(5, index), rng.next_u64() >> 11, "{index}");
        }
        assert_ne!(cell_seed(5, 0), cell_seed(6, 0));
    }

    #[test]
    fn seeds_and_purposes_have_streams_of_their_own() {
        let first = |seed, purpose| stream(seed, purpose).next_u64();
        let draw = first(1, Purpose::Samples);
        assert_eq!(draw, first(1, Purpose::Samples));
        assert_ne!(draw, first(1, Purpose::Noise));
        assert_ne!(draw, first(2, Purpose::Samples));
    }
}
