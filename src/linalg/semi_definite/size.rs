//! How large a semi-definite matrix is as it is stored, and what work it makes: known before it is there.

use super::thin_rank;
use super::whole::SHORT;

/// The form in which a matrix is stored, by its number of rows and, of a factor, its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// All entries.
    Whole(usize),
    /// Zero outside the diagonal.
    Diagonal(usize),
    /// A thin factor.
    Factor {
        /// Its rows d.
        dim: usize,
        /// Its columns r.
        rank: usize,
    },
}

impl Size {
    /// That of the second moments of so many samples of `dim` inputs.
    pub fn of_samples(count: u64, dim: usize) -> Self {
        match usize::try_from(count) {
            Ok(rank) if rank <= thin_rank(dim) => Size::Factor { dim, rank },
            _ => Size::Whole(dim),
        }
    }

    /// That of a block on the diagonal, of `dim` rows.
    pub fn block(self, dim: usize) -> Self {
        match self {
            Size::Whole(_) => Size::Whole(dim),
            Size::Diagonal(_) => Size::Diagonal(dim),
            Size::Factor { rank, .. } => Size::of_samples(rank as u64, dim),
        }
    }

    /// Number of rows.
    pub fn dim(self) -> usize {
        match self {
            Size::Whole(dim) | Size::Diagonal(dim) | Size::Factor { dim, .. } => dim,
        }
    }

    /// Multiplications of a product with one vector.
    pub fn product_work(self) -> usize {
        match self {
            Size::Whole(dim) => dim * dim,
            Size::Diagonal(dim) => dim,
            Size::Factor { dim, rank } => 2 * dim * rank,
        }
    }

    /// Whether a product with a vector takes so many multiplications an entry of it that products which are
    /// asked for more than once are worth keeping.
    pub fn is_dear(self) -> bool {
        self.product_work() > SHORT * self.dim()
    }

    /// Bytes that its numbers take.
    pub fn bytes(self) -> u64 {
        let numbers = match self {
            Size::Whole(dim) => dim * dim,
            Size::Diagonal(dim) => dim,
            // The factor, and the diagonal of the matrix.
            Size::Factor { dim, rank } => dim * rank + dim,
        };
        (numbers * size_of::<f64>()) as u64
    }

    /// Multiplications of its eigendecomposition and of the pseudo-inverse, about: 9 n^3 operations for all
    /// eigenvectors, half of them multiplications (G. H. Golub & C. F. Van Loan, "Matrix Computations", 4th edition
    /// (2013), section 8.3), and products of the size of the matrix.
    pub fn inverse_work(self) -> u64 {
        let of_eigen = |n: u64| 9 * n.pow(3) / 2;
        match self {
            Size::Whole(dim) => of_eigen(dim as u64) + (dim as u64).pow(3),
            Size::Diagonal(dim) => dim as u64,
            Size::Factor { dim, rank } => {
                of_eigen(rank as u64) + 2 * dim as u64 * (rank as u64).pow(2)
            }
        }
    }
}
