//! Losses as functions of the total map, and the error on data that are not trained on.

use crate::linalg::SemiDefinite;
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
    pub covariance: SemiDefinite,
    /// The loss at the optimum.
    pub floor: f64,
}

impl Quadratic {
    /// The mean squared error 1/2 E|y - W x|^2 of data with these moments: S_xx (d x d) and its pseudo-inverse,
    /// S_yx (o x d) and tr S_yy.
    pub(super) fn of_moments(
        inputs: &SemiDefinite,
        inverse: &SemiDefinite,
        cross: &DMatrix<f64>,
        target_power: f64,
    ) -> Self {
        let optimum = inverse.after(cross);
        // tr(S_yy - W* S_xx W*^T), with S_yx W*^T = W* S_xx W*^T by the normal equations. A
        // noiseless target leaves round-off of either sign: the loss has no negative floor.
        let explained = cross.dot(&optimum);
        let rest = target_power - explained;
        let round_off = 8.0 * f64::EPSILON * inputs.dim() as f64 * target_power;
        Self {
            optimum,
            covariance: inputs.clone(),
            floor: if rest <= round_off { 0.0 } else { 0.5 * rest },
        }
    }

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
        half_square(self.square(|p| a[p] - b[p]))
    }

    /// The loss above the floor of a map whose G = (optimum - W) covariance is known, d x o by columns.
    pub fn excess_by(&self, map: &[f64], residual: &[f64]) -> f64 {
        let (optimum, outputs) = (self.optimum.as_slice(), self.optimum.nrows());
        half_square(along_product(outputs, |p| optimum[p] - map[p], residual))
    }

    /// Half the power E|W x|^2 of the outputs of a joined map, o x d, stored by columns.
    pub fn output_power(&self, map: &[f64]) -> f64 {
        half_square(self.square(|p| map[p]))
    }

    /// The loss's rate of change tr[(W - optimum) covariance (dW/dt)^T] where the joined map `map`
    /// changes at `map_rate`, both o x d, stored by columns.
    pub fn rate(&self, map: &[f64], map_rate: &[f64]) -> f64 {
        let optimum = self.optimum.as_slice();
        let outputs = self.optimum.nrows();
        let left = |p| map[p] - optimum[p];
        self.covariance
            .inner_product(outputs, left, |p| map_rate[p])
    }

    /// The same of a map whose G = (optimum - W) covariance is known, d x o by columns: -tr[G (dW/dt)^T].
    pub fn rate_by(&self, map_rate: &[f64], residual: &[f64]) -> f64 {
        -along_product(self.optimum.nrows(), |p| map_rate[p], residual)
    }

    /// tr[a covariance a^T] of a map by its entries.
    fn square(&self, a: impl Fn(usize) -> f64) -> f64 {
        self.covariance.square(self.optimum.nrows(), a)
    }
}

/// tr[A B] of a map A (o x d), given by its entries, and B (d x o), both by columns.
pub(crate) fn along_product(outputs: usize, a: impl Fn(usize) -> f64, b: &[f64]) -> f64 {
    let columns = b.chunks_exact(b.len() / outputs).enumerate();
    let sums = columns.map(|(k, column)| {
        let entries = column.iter().enumerate();
        entries.map(|(i, b)| a(k + i * outputs) * b).sum::<f64>()
    });
    sums.sum()
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
