//! Losses as functions of the total map, and the error on data that are not trained on.

use nalgebra::DMatrix;

/// A quadratic loss of the joined total map W (o x d):
/// floor + 1/2 tr[(W - optimum) covariance (W - optimum)^T].
///
/// The form that subtracts first: the expanded one, 1/2 tr(S_yy - 2 W S_xy + W S_xx W^T), loses
/// all digits near the minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadratic {
    /// The map of least loss, o x d (the least-norm one where the covariance is singular).
    pub optimum: DMatrix<f64>,
    /// Second moment of the inputs, d x d.
    pub covariance: DMatrix<f64>,
    /// The loss at the optimum.
    pub floor: f64,
}

impl Quadratic {
    /// The loss of the joined map `map`, o x d, stored by columns.
    pub fn loss(&self, map: &[f64]) -> f64 {
        self.floor + self.excess(map)
    }

    /// The loss above the floor of the joined map `map`, o x d, stored by columns.
    pub fn excess(&self, map: &[f64]) -> f64 {
        self.excess_between(map, self.optimum.as_slice())
    }

    /// 1/2 tr[(a - b) covariance (a - b)^T] of two joined maps, o x d, stored by columns.
    pub fn excess_between(&self, a: &[f64], b: &[f64]) -> f64 {
        let difference = |p| a[p] - b[p];
        half_square(self.product(difference, difference))
    }

    /// Half the power E|W x|^2 of the outputs of a joined map, o x d, stored by columns.
    pub fn output_power(&self, map: &[f64]) -> f64 {
        half_square(self.product(|p| map[p], |p| map[p]))
    }

    /// The loss's rate of change tr[(W - optimum) covariance (dW/dt)^T] where the joined map `map`
    /// changes at `map_rate`, both o x d, stored by columns.
    pub fn rate(&self, map: &[f64], map_rate: &[f64]) -> f64 {
        let optimum = self.optimum.as_slice();
        self.product(|p| map[p] - optimum[p], |p| map_rate[p])
    }

    /// tr[a covariance b^T] of two maps by their entries. The covariance is symmetric, so that its
    /// columns, which are contiguous, are its rows.
    fn product(&self, a: impl Fn(usize) -> f64, b: impl Fn(usize) -> f64) -> f64 {
        let outputs = self.optimum.nrows();
        let columns = self
            .covariance
            .as_slice()
            .chunks_exact(self.covariance.nrows());
        let mut sum = 0.0;
        for (i, column) in columns.enumerate() {
            for (j, weight) in column.iter().enumerate() {
                for k in 0..outputs {
                    sum += weight * a(k + i * outputs) * b(k + j * outputs);
                }
            }
        }
        sum
    }
}

/// Half a square. Round-off where the covariance is singular must not become a negative loss, nor
/// what is no number a loss of 0.
fn half_square(square: f64) -> f64 {
    if square < 0.0 { 0.0 } else { 0.5 * square }
}

/// The error on data that are not trained on.
#[derive(Debug, Clone, PartialEq)]
pub enum Generalisation {
    /// Against the population that the samples were drawn from; its optimum is the true map. The
    /// noise that no map can predict is not counted.
    Population(Quadratic),
    /// The loss on the rows held out; its optimum is what fits them best, not a true map.
    HoldOut(Quadratic),
}

impl Generalisation {
    /// The error as a function of the joined map.
    pub fn error(&self) -> &Quadratic {
        match self {
            Self::Population(error) | Self::HoldOut(error) => error,
        }
    }

    /// The true map, o x d, where it is known.
    pub fn true_map(&self) -> Option<&DMatrix<f64>> {
        match self {
            Self::Population(error) => Some(&error.optimum),
            Self::HoldOut(_) => None,
        }
    }
}
