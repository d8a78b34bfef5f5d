//! Symmetric positive semi-definite matrices, stored as their rank allows.
//!
//! The second moment of P samples of d inputs has the rank min(P, d) at most. With few samples it is the
//! product of a thin factor C (d x r) with its transpose, and whatever is asked of it costs multiples of
//! d r, where the d x d entries would take d^2 and their decomposition d^3:
//!
//! ```text
//! S = C C^T        W S = (W C) C^T        tr[W S W^T] = |W C|^2        S^+ = D D^T,  D = C V L^-1
//! ```
//!
//! with C^T C = V L V^T, an eigendecomposition of r x r. All inner loops run along the columns of C, which
//! are contiguous.
//!
//! | file | what it does |
//! |---|---|
//! | `mod.rs` | the forms, their entries and norms |
//! | `products.rs` | products with vectors and maps |
//! | `whole.rs` | those with all entries of a matrix, from half of them |
//! | `size.rs` | how large a matrix is, known before it is there |
//! | `inverse.rs` | pseudo-inverse, and what some inputs leave unexplained of others |

mod inverse;
mod products;
mod size;
mod whole;

pub use inverse::Inverse;
pub use size::Size;

use nalgebra::{DMatrix, DVector};
use std::ops::Range;
use std::sync::Arc;

/// A symmetric positive semi-definite matrix S, d x d. Copies share their entries.
#[derive(Debug, Clone, PartialEq)]
pub struct SemiDefinite(Arc<Form>);

#[derive(Debug, PartialEq)]
enum Form {
    /// All entries.
    Whole(DMatrix<f64>),
    /// Zero outside this diagonal.
    Diagonal(DVector<f64>),
    /// C C^T.
    Factor {
        /// C, d x r.
        columns: DMatrix<f64>,
        /// The diagonal of S.
        diagonal: DVector<f64>,
    },
}

/// The largest rank r at which d x d entries are better kept as a factor, whose products take 2 d r
/// multiplications where the entries' take d^2.
pub fn thin_rank(dim: usize) -> usize {
    dim / 2
}

impl Default for SemiDefinite {
    /// The matrix of no rows.
    fn default() -> Self {
        Self::diagonal(DVector::zeros(0))
    }
}

impl From<DMatrix<f64>> for SemiDefinite {
    fn from(matrix: DMatrix<f64>) -> Self {
        Self(Arc::new(Form::Whole(matrix)))
    }
}

impl SemiDefinite {
    /// The matrix of this diagonal, whose entries are not negative.
    pub fn diagonal(entries: DVector<f64>) -> Self {
        Self(Arc::new(Form::Diagonal(entries)))
    }

    /// The mean of x x^T over samples (P x d, a row each).
    pub fn of_samples(samples: &DMatrix<f64>) -> Self {
        let count = samples.nrows() as f64;
        if samples.nrows() <= thin_rank(samples.ncols()) {
            return Self::of_factor(samples.transpose() / count.sqrt());
        }
        // General products are much faster than nalgebra's tr_mul on thousands of rows.
        let mut entries = samples.transpose() * samples / count;
        // Symmetric to the last digit, which the product is not.
        entries.fill_upper_triangle_with_lower_triangle();
        entries.into()
    }

    /// C C^T, from C (d x r): as entries where C is not thin.
    fn of_factor(columns: DMatrix<f64>) -> Self {
        if columns.ncols() <= thin_rank(columns.nrows()) {
            return Self::of_thin(columns);
        }
        let mut entries = &columns * columns.transpose();
        entries.fill_upper_triangle_with_lower_triangle();
        entries.into()
    }

    fn of_thin(columns: DMatrix<f64>) -> Self {
        let mut diagonal = DVector::zeros(columns.nrows());
        for column in columns.column_iter() {
            diagonal.zip_apply(&column, |sum: &mut f64, entry| *sum += entry * entry);
        }
        Self(Arc::new(Form::Factor { columns, diagonal }))
    }

    /// The diagonal where all else is known to be zero.
    pub fn as_diagonal(&self) -> Option<&DVector<f64>> {
        match &*self.0 {
            Form::Diagonal(entries) => Some(entries),
            Form::Whole(_) | Form::Factor { .. } => None,
        }
    }

    /// Number of rows and columns d.
    pub fn dim(&self) -> usize {
        match &*self.0 {
            Form::Whole(entries) => entries.nrows(),
            Form::Diagonal(entries) => entries.len(),
            Form::Factor { columns, .. } => columns.nrows(),
        }
    }

    /// Length of the workspace that [`SemiDefinite::apply`] needs for each vector.
    pub fn inner_len(&self) -> usize {
        match &*self.0 {
            Form::Whole(_) | Form::Diagonal(_) => 0,
            Form::Factor { columns, .. } => columns.ncols(),
        }
    }

    /// How large it is as it is stored.
    pub fn size(&self) -> Size {
        match &*self.0 {
            Form::Whole(entries) => Size::Whole(entries.nrows()),
            Form::Diagonal(entries) => Size::Diagonal(entries.len()),
            Form::Factor { columns, .. } => Size::Factor {
                dim: columns.nrows(),
                rank: columns.ncols(),
            },
        }
    }

    /// The entry of a row and a column.
    pub fn entry(&self, row: usize, column: usize) -> f64 {
        match &*self.0 {
            Form::Whole(entries) => entries[(row, column)],
            Form::Diagonal(entries) if row == column => entries[row],
            Form::Diagonal(_) => 0.0,
            Form::Factor { diagonal, .. } if row == column => diagonal[row],
            Form::Factor { columns, .. } => columns.row(row).dot(&columns.row(column)),
        }
    }

    /// All entries, d x d.
    pub fn to_matrix(&self) -> DMatrix<f64> {
        match &*self.0 {
            Form::Whole(entries) => entries.clone(),
            Form::Diagonal(entries) => DMatrix::from_diagonal(entries),
            Form::Factor { columns, .. } => columns * columns.transpose(),
        }
    }

    /// Sum of the diagonal's entries in a range.
    pub fn trace(&self, range: Range<usize>) -> f64 {
        match &*self.0 {
            Form::Whole(entries) => range.map(|i| entries[(i, i)]).sum(),
            Form::Diagonal(diagonal) | Form::Factor { diagonal, .. } => {
                diagonal.rows_range(range).iter().sum()
            }
        }
    }

    /// Whether every entry is a number, and small enough to be summed.
    pub fn is_finite(&self) -> bool {
        match &*self.0 {
            Form::Whole(entries) => entries.iter().all(|entry| entry.is_finite()),
            Form::Diagonal(entries) => entries.iter().all(|entry| entry.is_finite()),
            // Every entry of C C^T and of C^T C is at most the trace.
            Form::Factor { diagonal, .. } => diagonal.sum().is_finite(),
        }
    }

    /// Rows and columns of these numbers.
    pub fn select(&self, numbers: &[usize]) -> Self {
        match &*self.0 {
            Form::Whole(entries) => entries.select_rows(numbers).select_columns(numbers).into(),
            Form::Diagonal(entries) => Self::diagonal(entries.select_rows(numbers)),
            Form::Factor { columns, .. } => Self::of_factor(columns.select_rows(numbers)),
        }
    }

    /// Rows and columns of a range.
    pub fn block(&self, range: Range<usize>) -> Self {
        match &*self.0 {
            Form::Whole(entries) => entries.view_range(range.clone(), range).into_owned().into(),
            Form::Diagonal(entries) => Self::diagonal(entries.rows_range(range).into_owned()),
            Form::Factor { columns, .. } => Self::of_factor(columns.rows_range(range).into_owned()),
        }
    }

    /// The same matrix with a factor `own` on each diagonal block and a factor `cross` of both its ranges on every other
    /// one; own >= cross^2. The ranges (with own and cross) cover it in order.
    pub fn reweighted(&self, blocks: &[(Range<usize>, f64, f64)]) -> Self {
        match &*self.0 {
            Form::Whole(entries) => {
                let mut entries = entries.clone();
                for (rows, own, left) in blocks {
                    for (columns, _, right) in blocks {
                        let factor = if rows == columns { *own } else { left * right };
                        let mut block = entries.view_range_mut(rows.clone(), columns.clone());
                        block *= factor;
                    }
                }
                entries.into()
            }
            Form::Diagonal(entries) => {
                let mut entries = entries.clone();
                for (range, own, _) in blocks {
                    entries.rows_range_mut(range.clone()).scale_mut(*own);
                }
                Self::diagonal(entries)
            }
            // What a diagonal block has beyond cross^2 is a factor of its own.
            Form::Factor { columns, .. } => {
                let rank = columns.ncols();
                let beyond = |(own, cross): (f64, f64)| (own - cross * cross).max(0.0).sqrt();
                let more = blocks
                    .iter()
                    .filter(|(_, own, cross)| beyond((*own, *cross)) > 0.0);
                let mut factor = DMatrix::zeros(self.dim(), rank * (1 + more.clone().count()));
                for (range, _, cross) in blocks {
                    let own = columns.rows_range(range.clone()) * *cross;
                    factor
                        .view_range_mut(range.clone(), 0..rank)
                        .copy_from(&own);
                }
                for (k, (range, own, cross)) in more.enumerate() {
                    let own = columns.rows_range(range.clone()) * beyond((*own, *cross));
                    let place = (k + 1) * rank..(k + 2) * rank;
                    factor.view_range_mut(range.clone(), place).copy_from(&own);
                }
                Self::of_factor(factor)
            }
        }
    }

    /// Whether every entry between two ranges that do not overlap satisfies `condition`.
    pub fn all_between(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        condition: impl Fn(f64, [usize; 2]) -> bool,
    ) -> bool {
        columns.into_iter().all(|j| {
            let mut rows = rows.clone();
            rows.all(|i| condition(self.entry(i, j), [i, j]))
        })
    }

    /// Frobenius norm of S.
    pub fn norm(&self) -> f64 {
        self.columns_norm(0..self.dim())
    }

    /// Frobenius norm of the columns of a range.
    pub fn columns_norm(&self, range: Range<usize>) -> f64 {
        match &*self.0 {
            Form::Whole(entries) => entries.columns_range(range).norm(),
            Form::Diagonal(entries) => entries.rows_range(range).norm(),
            // |C C_m^T|^2 = tr[(C^T C) (C_m^T C_m)]
            Form::Factor { columns, .. } => {
                let own = columns.rows_range(range).into_owned();
                let square = gram(columns).dot(&gram(&own));
                square.max(0.0).sqrt()
            }
        }
    }
}

/// C^T C, symmetric to the last digit.
fn gram(columns: &DMatrix<f64>) -> DMatrix<f64> {
    let mut gram = columns.transpose() * columns;
    gram.fill_upper_triangle_with_lower_triangle();
    gram
}
