//! How much of the targets some modalities explain on rows that were not fitted to.
//!
//! Least squares on n rows explains the less of others the more inputs it has, and next to nothing where the inputs are
//! as many as the rows. So maps are fitted with the penalty that generalised cross-validation chooses once, on all rows,
//! and tested on each row by the map of all others, in closed form:
//!
//! ```text
//! W = S_yx (S_xx + lambda I)^-1        GCV(lambda) = |y - y^|^2 / (1 - df/n)^2        df = sum_i h_i
//! y_i - y^_(i) = (y_i - y^_i)/(1 - h_i)        h = diag[X (X^T X/n + lambda I)^-1 X^T]/n, + 1/n where means are taken away
//! ```
//!
//! Both stay finite as the map comes to fit every row: 1 - h_i then vanishes as y_i - y^_i does.
//!
//! Sources: G. H. Golub, M. Heath & G. Wahba, "Generalized cross-validation as a method for choosing a good ridge
//! parameter" (Technometrics 21, 1979); D. M. Allen, "The relationship between variable selection and data augmentation
//! and a method for prediction" (Technometrics 16, 1974).

use super::rows::Part;
use crate::data::Modality;
use nalgebra::{Cholesky, DMatrix, Dyn, SymmetricEigen};

/// Penalties that are tried, over the mean variance of the inputs: from next to none to one that explains nothing,
/// two a decade.
const PENALTIES: i32 = 15;

/// The sets of modalities that are fitted: each alone, all, and, where that is another set, all but one.
pub(super) fn sets(count: usize) -> Vec<Vec<usize>> {
    let alone = (0..count).map(|m| vec![m]);
    let all = std::iter::once((0..count).collect());
    let without = (0..count).map(|left| (0..count).filter(|m| *m != left).collect());
    let without = without.filter(|_| count > 2);
    alone.chain(all).chain(without).collect()
}

/// Ridge regression on sets of modalities.
pub(super) struct Ridge<'m> {
    modalities: &'m [Modality],
    /// Of each set.
    penalties: Vec<f64>,
}

/// Fractions of the targets' power that are explained on rows that were not fitted to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Explained {
    /// By each modality alone.
    pub(super) alone: Vec<f64>,
    /// By all.
    pub(super) joint: f64,
    /// By each modality beyond what all others explain.
    pub(super) unique: Vec<f64>,
}

impl<'m> Ridge<'m> {
    /// With the penalties that these rows choose.
    pub(super) fn of(part: &Part, modalities: &'m [Modality]) -> Self {
        let of_set = |set: Vec<usize>| {
            let spectrum = Spectrum::of(part, &columns(modalities, &set));
            spectrum.penalty(&part.targets)
        };
        Self {
            modalities,
            penalties: sets(modalities.len()).into_iter().map(of_set).collect(),
        }
    }

    /// What is explained of some rows, each by the map of all others.
    pub(super) fn explained(&self, part: &Part) -> Explained {
        let count = self.modalities.len();
        let of_set = self.each(part, sets(count).len());
        let joint = of_set[count];
        // Of two modalities the other one is what is left without one.
        let without = |m: usize| match count {
            2 => of_set[1 - m],
            _ => of_set[count + 1 + m],
        };
        Explained {
            alone: of_set[..count].to_vec(),
            joint,
            unique: (0..count).map(|m| joint - without(m)).collect(),
        }
    }

    /// What each modality alone explains of them.
    pub(super) fn alone(&self, part: &Part) -> Vec<f64> {
        self.each(part, self.modalities.len())
    }

    /// What the first so many sets explain.
    fn each(&self, part: &Part, count: usize) -> Vec<f64> {
        let all = part.targets.norm_squared() / (1.0 - part.of_mean()).powi(2);
        let sets = sets(self.modalities.len()).into_iter().take(count);
        sets.zip(&self.penalties)
            .map(|(set, penalty)| {
                let fit = Fit::new(part, &columns(self.modalities, &set));
                1.0 - fit.left_of_others(*penalty) / all
            })
            .collect()
    }
}

/// Columns of some modalities.
pub(super) fn columns(modalities: &[Modality], set: &[usize]) -> Vec<usize> {
    let ranges = set.iter().map(|&m| modalities[m].range.clone());
    ranges.flatten().collect()
}

/// What a fit to some rows needs, by inputs or by rows, whichever are fewer.
pub(super) struct Fit<'p> {
    part: &'p Part,
    inputs: DMatrix<f64>,
    gram: DMatrix<f64>,
}

impl<'p> Fit<'p> {
    /// By these columns of the inputs.
    pub(super) fn new(part: &'p Part, columns: &[usize]) -> Self {
        let inputs = part.inputs.select_columns(columns);
        let gram = gram(&inputs);
        Self { part, inputs, gram }
    }

    /// The map, d x o, with a penalty over the mean variance of the inputs.
    pub(super) fn map(&self, penalty: f64) -> DMatrix<f64> {
        let (rows, inputs) = self.inputs.shape();
        let Some((factor, _)) = self.factor(penalty) else {
            return DMatrix::zeros(inputs, self.part.targets.ncols());
        };
        let transposed = self.inputs.transpose();
        match self.is_by_inputs() {
            true => factor.solve(&(transposed * &self.part.targets / rows as f64)),
            false => transposed * factor.solve(&self.part.targets) / rows as f64,
        }
    }

    /// The squares that are left of each row by the map of all others, together.
    fn left_of_others(&self, penalty: f64) -> f64 {
        let targets = &self.part.targets;
        let rows = targets.nrows();
        let of_mean = self.part.of_mean();
        let (left, spare) = match self.factor(penalty) {
            None => (targets.clone(), vec![1.0; rows]),
            Some((factor, _)) if self.is_by_inputs() => {
                let weights = &self.inputs * factor.inverse() / rows as f64;
                let fitted = &weights * (self.inputs.transpose() * targets);
                let own = weights.component_mul(&self.inputs).column_sum();
                (targets - fitted, own.iter().map(|h| 1.0 - h).collect())
            }
            Some((factor, penalty)) => {
                let inverse = factor.inverse() * penalty;
                let spare = inverse.diagonal().as_slice().to_vec();
                (inverse * targets, spare)
            }
        };
        let squares = left.row_iter().zip(&spare);
        let squares = squares.map(|(row, spare)| row.norm_squared() / (spare - of_mean).powi(2));
        squares.sum()
    }

    /// The Gram matrix with a penalty over the mean variance, decomposed, and that penalty; None where it cannot be.
    fn factor(&self, penalty: f64) -> Option<(Cholesky<f64, Dyn>, f64)> {
        let scale = self.gram.trace() / self.inputs.ncols().max(1) as f64;
        // Inputs that do not vary stay at 0.
        let penalty = (penalty * scale).max(f64::MIN_POSITIVE);
        let mut gram = self.gram.clone();
        for k in 0..gram.nrows() {
            gram[(k, k)] += penalty;
        }
        Some((Cholesky::new(gram)?, penalty))
    }

    /// Whether the Gram matrix is that of the inputs, not of the rows.
    fn is_by_inputs(&self) -> bool {
        self.inputs.ncols() <= self.inputs.nrows()
    }
}

/// X^T X/n, or X X^T/n where there are fewer rows than inputs.
fn gram(inputs: &DMatrix<f64>) -> DMatrix<f64> {
    let transposed = inputs.transpose();
    let product = match inputs.ncols() <= inputs.nrows() {
        true => transposed * inputs,
        false => inputs * transposed,
    };
    product / inputs.nrows() as f64
}

/// The eigenvalues of the second moment of some inputs, and what brings targets to its eigenvectors.
pub(super) struct Spectrum {
    /// Those of the Gram matrix.
    values: Vec<f64>,
    /// Left singular vectors of the rows, n x r.
    left: DMatrix<f64>,
    /// What brings them back to inputs, d x r: V/(s sqrt(n)).
    right: DMatrix<f64>,
    rows: usize,
    scale: f64,
    /// The fraction of a row's own fit that is its mean's.
    of_mean: f64,
}

impl Spectrum {
    /// Of these columns.
    pub(super) fn of(part: &Part, columns: &[usize]) -> Self {
        /// Eigenvalues below this share of the largest are round-off.
        const ROUND_OFF: f64 = 1e-12;
        let inputs = part.inputs.select_columns(columns);
        let (rows, dim) = inputs.shape();
        let gram = gram(&inputs);
        let scale = gram.trace() / dim.max(1) as f64;
        let eigen = SymmetricEigen::new(gram);
        let least = ROUND_OFF * eigen.eigenvalues.amax();
        let kept: Vec<usize> = (0..eigen.eigenvalues.len())
            .filter(|&k| eigen.eigenvalues[k] > least)
            .collect();
        let vectors = eigen.eigenvectors.select_columns(&kept);
        let values: Vec<f64> = kept.iter().map(|&k| eigen.eigenvalues[k]).collect();
        // Rows X = sqrt(n) U s V^T with the eigenvalues s^2.
        let root = |k: usize| (values[k] * rows as f64).sqrt();
        let divided = |mut matrix: DMatrix<f64>| {
            for (k, mut column) in matrix.column_iter_mut().enumerate() {
                column /= root(k);
            }
            matrix
        };
        let (left, axes) = match dim <= rows {
            true => (divided(&inputs * &vectors), vectors),
            false => {
                let axes = divided(inputs.transpose() * &vectors);
                (vectors, axes)
            }
        };
        Self {
            right: divided(axes),
            left,
            values,
            rows,
            scale,
            of_mean: part.of_mean(),
        }
    }

    /// Number of independent inputs.
    pub(super) fn rank(&self) -> usize {
        self.values.len()
    }

    /// Inputs of unit covariance: sqrt(n) U.
    pub(super) fn whitened(&self) -> DMatrix<f64> {
        &self.left * (self.rows as f64).sqrt()
    }

    fn penalty(&self, targets: &DMatrix<f64>) -> f64 {
        let along = self.left.transpose() * targets;
        self.best(&along, targets.norm_squared())
    }

    /// The penalty of the least GCV, where the targets have these coefficients (r x o) along the left singular vectors.
    fn best(&self, along: &DMatrix<f64>, power: f64) -> f64 {
        let rows = self.rows as f64;
        let squares: Vec<f64> = along.row_iter().map(|row| row.norm_squared()).collect();
        // Directions of the rows that no input has; where there are none, nothing of the targets lies there but round-off.
        let beyond = (rows * (1.0 - self.of_mean) - self.rank() as f64).round();
        let unreached = match beyond >= 1.0 {
            true => (power - squares.iter().sum::<f64>()).max(0.0),
            false => 0.0,
        };
        let score = |penalty: f64| {
            let penalty = penalty * self.scale;
            let left: Vec<f64> = self
                .values
                .iter()
                .map(|value| penalty / (value + penalty))
                .collect();
            let spare = beyond.max(0.0) + left.iter().sum::<f64>();
            let squares = left
                .iter()
                .zip(&squares)
                .map(|(left, square)| square * left * left);
            (unreached + squares.sum::<f64>()) / (spare * spare)
        };
        let tried = (0..PENALTIES).map(|k| 10f64.powf(0.5 * f64::from(k) - 5.0));
        let scored = tried.map(|penalty| (penalty, score(penalty)));
        let best = scored.min_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or(1.0, |(penalty, _)| penalty)
    }

    /// The map (d x o) to targets by the penalty that they choose.
    pub(super) fn fit(&self, targets: &DMatrix<f64>) -> DMatrix<f64> {
        let mut along = self.left.transpose() * targets;
        let penalty = self.best(&along, targets.norm_squared());
        for (k, mut row) in along.row_iter_mut().enumerate() {
            row *= self.values[k] / (self.values[k] + penalty * self.scale);
        }
        &self.right * along
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::layout;
    use crate::linalg::random::{Purpose, stream};
    use rand::RngExt;

    /// Rows of standard normal inputs and targets, without their means.
    fn part(rows: usize, inputs: usize, outputs: usize) -> Part {
        let mut random = stream(7, Purpose::Resampling);
        let mut draw = |columns| {
            let draw = |_, _| random.sample::<f64, _>(rand_distr::StandardNormal);
            centred(DMatrix::from_fn(rows, columns, draw))
        };
        Part {
            inputs: draw(inputs),
            targets: draw(outputs),
        }
    }

    fn centred(mut columns: DMatrix<f64>) -> DMatrix<f64> {
        for mut column in columns.column_iter_mut() {
            let mean = column.mean();
            column.add_scalar_mut(-mean);
        }
        columns
    }

    /// The squares left of each row by a map fitted to all others anew, the means of which are taken away; `penalty` is to
    /// their sums of squares.
    fn fitted_anew(part: &Part, penalty: f64) -> f64 {
        let rows = part.inputs.nrows();
        let of_row = |row: usize| {
            let inputs = part.inputs.clone().remove_row(row);
            let targets = part.targets.clone().remove_row(row);
            let (x, y) = (inputs.row_mean(), targets.row_mean());
            let (inputs, targets) = (centred(inputs), centred(targets));
            let unit = DMatrix::identity(inputs.ncols(), inputs.ncols());
            let gram = inputs.transpose() * &inputs + unit * penalty;
            let map = gram.try_inverse().expect("a penalty") * inputs.transpose() * targets;
            let left = part.targets.row(row) - y - (part.inputs.row(row) - x) * map;
            left.norm_squared()
        };
        (0..rows).map(of_row).sum()
    }

    /// Sherman, Morrison and Woodbury: the closed form is exact, for fewer inputs than rows and for more. Round-off of an inverse
    /// is far below 1e-9.
    #[test]
    fn rows_left_out_in_closed_form_are_those_fitted_anew() {
        for (inputs, penalty) in [(5, 0.3), (30, 0.3), (30, 1e-4)] {
            let part = part(20, inputs, 2);
            let all: Vec<usize> = (0..inputs).collect();
            let fit = Fit::new(&part, &all);
            let scale = fit.gram.trace() / inputs as f64;
            let (found, anew) = (
                fit.left_of_others(penalty),
                fitted_anew(&part, penalty * scale * 20.0),
            );
            assert!(
                (found / anew - 1.0).abs() < 1e-9,
                "{inputs}: {found} {anew}"
            );
        }
    }

    /// Of noise nothing is explained, however many inputs fit it: the mean of the others is the best that there is, and where
    /// nothing is fitted exactly nothing is explained.
    #[test]
    fn many_inputs_choose_a_penalty_against_noise() {
        let part = part(40, 100, 1);
        let modalities = layout([("A", 60), ("B", 40)]);
        let ridge = Ridge::of(&part, &modalities);
        let explained = ridge.explained(&part);
        for alone in &explained.alone {
            assert!((-0.1..0.1).contains(alone), "{explained:?}");
        }
        let nothing = Ridge {
            penalties: vec![1e12; 3],
            modalities: &modalities,
        };
        assert!(nothing.explained(&part).joint.abs() < 1e-9);
    }
}
