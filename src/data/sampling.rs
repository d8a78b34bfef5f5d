//! Gaussian populations, and the empirical moments of samples from them.

use super::second_moments::ensure_finite;
use super::{Generalisation, Loss, Modality, Moments, Quadratic, Rows, Samples};
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::linalg::{SemiDefinite, Size};
use crate::section::ByModality;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand::RngExt;
use rand_distr::StandardNormal;

/// The population y = W x + noise n with x ~ N(0, S_xx) and n ~ N(0, 1) in every output.
pub struct Population {
    /// The input streams.
    pub modalities: Vec<Modality>,
    /// S_xx, d x d; may be singular.
    pub inputs: SemiDefinite,
    /// The true map W, o x d.
    pub map: DMatrix<f64>,
    /// Standard deviation of the noise on every output.
    pub noise: f64,
    /// Whether half of the samples are drawn, and each comes with its negative.
    pub mirror: bool,
}

impl Population {
    /// The moments trained on: the population's own, or those of `samples` draws from it. Draws
    /// come with the generalisation error 1/2 tr[(V - W) S_xx (V - W)^T] of a map V (the noise
    /// that no map can predict is not counted).
    ///
    /// # Errors
    /// An input error where the moments overflow.
    pub fn moments(&self, samples: Option<u64>, seed: u64) -> Result<Moments> {
        ensure_finite(&self.inputs, [])?;
        if let Some(samples) = samples {
            return self.drawn_moments(samples, seed);
        }
        let outputs = self.map.nrows() as f64;
        let cross = self.inputs.after(&self.map);
        let power = cross.dot(&self.map) + outputs * self.noise * self.noise;
        Moments::checked(self.modalities.clone(), self.inputs.clone(), cross, power)
    }

    /// Empirical second moments: means over the samples, no mean subtracted, as the population's
    /// mean is known to be zero. Samples are drawn one at a time: memory does not grow with their
    /// number, but few samples of many inputs are kept in place of their moments.
    fn drawn_moments(&self, samples: u64, seed: u64) -> Result<Moments> {
        let (outputs, dim) = self.map.shape();
        // Negatives have the same second moments.
        let samples = self.draws(samples);
        let count = samples as f64;
        let mut inputs = InputSum::new(samples, dim);
        // Sums of the unit noise n: n x^T (o x d) and n^T n.
        let mut noise_cross = DMatrix::zeros(outputs, dim);
        let mut noise_power = 0.0;
        self.draw(samples, seed, |x, n| {
            inputs.add(x);
            noise_cross.ger(1.0, n, x, 1.0);
            noise_power += n.norm_squared();
        });
        let inputs = inputs.mean(count);
        let noise_cross = noise_cross / count * self.noise;
        let signal_cross = inputs.after(&self.map);
        // y = W x + noise n, multiplied out: noiseless samples then stay noiseless to the last
        // digit, whatever the number of samples summed.
        let power = signal_cross.dot(&self.map)
            + 2.0 * noise_cross.dot(&self.map)
            + self.noise * self.noise * (noise_power / count);
        let cross = signal_cross + noise_cross;
        let mut moments = Moments::checked(self.modalities.clone(), inputs, cross, power)?;
        moments.generalisation = Some(Generalisation::Population(Quadratic {
            optimum: self.map.clone(),
            covariance: self.inputs.clone(),
            floor: 0.0,
        }));
        Ok(moments)
    }

    /// The draws whose moments [`Population::moments`] takes, each by itself.
    pub fn samples(&self, samples: u64, seed: u64) -> Samples {
        self.rows(samples, seed).samples()
    }

    /// How many of so many samples are drawn.
    fn draws(&self, samples: u64) -> u64 {
        match self.mirror {
            true => samples / 2,
            false => samples,
        }
    }

    /// The same draws, a row each; their negatives, where there are any, come after all of them.
    pub fn rows(&self, samples: u64, seed: u64) -> Rows {
        let (outputs, dim) = self.map.shape();
        let draws = self.draws(samples);
        let mut inputs = DMatrix::zeros(samples as usize, dim);
        let mut targets = DMatrix::zeros(samples as usize, outputs);
        let mut row = 0;
        self.draw(draws, seed, |x, n| {
            inputs.row_mut(row).tr_copy_from(x);
            let y = &self.map * x + n * self.noise;
            targets.row_mut(row).tr_copy_from(&y);
            row += 1;
        });
        if self.mirror {
            for values in [&mut inputs, &mut targets] {
                let negatives = -values.rows(0, row);
                values.rows_mut(row, row).copy_from(&negatives);
            }
        }
        Rows {
            modalities: self.modalities.clone(),
            inputs,
            targets,
            parts: None,
            reading: None,
            loss: Loss::Squared,
        }
    }

    /// Draws x and the unit noise n, one sample at a time.
    fn draw(&self, samples: u64, seed: u64, mut take: impl FnMut(&DVector<f64>, &DVector<f64>)) {
        let (outputs, dim) = self.map.shape();
        let root = Root::of(&self.inputs);
        let mut input_rng = stream(seed, Purpose::Samples);
        let mut noise_rng = stream(seed, Purpose::Noise);
        let mut normal = DVector::zeros(dim);
        let mut x = DVector::zeros(dim);
        let mut n = DVector::zeros(outputs);
        for _ in 0..samples {
            normal.apply(|z| *z = input_rng.sample(StandardNormal));
            n.apply(|z| *z = noise_rng.sample(StandardNormal));
            root.apply(&normal, &mut x);
            take(&x, &n);
        }
    }
}

/// Sum of x x^T over samples, or few samples themselves.
enum InputSum {
    /// d x d, the lower triangle.
    Moments(DMatrix<f64>),
    /// So many rows of P x d are there.
    Samples(usize, DMatrix<f64>),
}

impl InputSum {
    fn new(samples: u64, dim: usize) -> Self {
        match Size::of_samples(samples, dim) {
            Size::Factor { rank, .. } => Self::Samples(0, DMatrix::zeros(rank, dim)),
            _ => Self::Moments(DMatrix::zeros(dim, dim)),
        }
    }

    fn add(&mut self, x: &DVector<f64>) {
        match self {
            Self::Moments(sum) => sum.syger(1.0, x, x, 1.0),
            Self::Samples(count, rows) => {
                rows.row_mut(*count).tr_copy_from(x);
                *count += 1;
            }
        }
    }

    /// Their mean.
    fn mean(self, count: f64) -> SemiDefinite {
        match self {
            Self::Moments(mut sum) => {
                sum.fill_upper_triangle_with_lower_triangle();
                (sum / count).into()
            }
            Self::Samples(_, rows) => SemiDefinite::of_samples(&rows),
        }
    }
}

/// F with F F^T = S, d x d.
enum Root {
    /// Roots of the variances of independent inputs.
    Diagonal(DVector<f64>),
    Whole(DMatrix<f64>),
}

impl Root {
    /// From the eigenvalues: unlike a Cholesky factor it exists where the covariance is singular. Negative
    /// eigenvalues are round-off there.
    fn of(covariance: &SemiDefinite) -> Self {
        let root = |value: f64| value.max(0.0).sqrt();
        if let Some(variances) = covariance.as_diagonal() {
            return Self::Diagonal(variances.map(root));
        }
        let eigen = SymmetricEigen::new(covariance.to_matrix());
        let roots = eigen.eigenvalues.map(root);
        Self::Whole(eigen.eigenvectors * DMatrix::from_diagonal(&roots))
    }

    /// x = F z.
    fn apply(&self, z: &DVector<f64>, x: &mut DVector<f64>) {
        match self {
            Self::Diagonal(roots) => x.cmpy(1.0, roots, z, 0.0),
            Self::Whole(root) => x.gemv(1.0, root, z, 0.0),
        }
    }
}

/// The number of each input, which is that of its modality.
///
/// # Errors
/// An input error where a modality has no number in `values`, which stand at `key`.
pub(super) fn by_input(
    modalities: &[Modality],
    values: &ByModality<f64>,
    key: &str,
) -> Result<DVector<f64>> {
    let mut numbers = Vec::new();
    for Modality { name, range, .. } in modalities {
        let value = values.get(name).ok_or_else(|| {
            let problem = format!("no number for modality {name}");
            InputError::at(key, problem, format!("add {name}: 1.0"))
        })?;
        numbers.resize(range.end, *value);
    }
    Ok(DVector::from_vec(numbers))
}
