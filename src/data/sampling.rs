//! Gaussian populations, and the empirical moments of samples from them.

use super::second_moments::ensure_finite;
use super::{Generalisation, Modality, Moments, Quadratic, Samples};
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::section::ByModality;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand::RngExt;
use rand_distr::StandardNormal;

/// The population y = W x + noise n with x ~ N(0, S_xx) and n ~ N(0, 1) in every output.
pub struct Population {
    /// The input streams.
    pub modalities: Vec<Modality>,
    /// S_xx, d x d; may be singular.
    pub inputs: DMatrix<f64>,
    /// The true map W, o x d.
    pub map: DMatrix<f64>,
    /// Standard deviation of the noise on every output.
    pub noise: f64,
}

impl Population {
    /// The moments trained on: the population's own, or those of `samples` draws from it. Draws
    /// come with the generalisation error 1/2 tr[(V - W) S_xx (V - W)^T] of a map V (the noise
    /// that no map can predict is not counted).
    ///
    /// # Errors
    /// An input error where the moments overflow.
    pub fn moments(&self, samples: Option<u64>, seed: u64) -> Result<Moments> {
        ensure_finite(&self.inputs)?;
        if let Some(samples) = samples {
            return self.drawn_moments(samples, seed);
        }
        let outputs = self.map.nrows() as f64;
        let cross = &self.map * &self.inputs;
        let power = cross.dot(&self.map) + outputs * self.noise * self.noise;
        Moments::checked(self.modalities.clone(), self.inputs.clone(), cross, power)
    }

    /// Empirical second moments: means over the samples, no mean subtracted, as the population's
    /// mean is known to be zero. Samples are drawn one at a time: memory does not grow with their
    /// number.
    fn drawn_moments(&self, samples: u64, seed: u64) -> Result<Moments> {
        let (outputs, dim) = self.map.shape();
        let count = samples as f64;
        // Sums of x x^T (d x d) and, of the unit noise n, of n x^T (o x d) and n^T n.
        let mut inputs = DMatrix::zeros(dim, dim);
        let mut noise_cross = DMatrix::zeros(outputs, dim);
        let mut noise_power = 0.0;
        self.draw(samples, seed, |x, n| {
            inputs.syger(1.0, x, x, 1.0);
            noise_cross.ger(1.0, n, x, 1.0);
            noise_power += n.norm_squared();
        });
        // syger fills the lower triangle only.
        inputs.fill_upper_triangle_with_lower_triangle();
        inputs /= count;
        let noise_cross = noise_cross / count * self.noise;
        let signal_cross = &self.map * &inputs;
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
        let (outputs, dim) = self.map.shape();
        let mut inputs = DMatrix::zeros(samples as usize, dim);
        let mut targets = DMatrix::zeros(samples as usize, outputs);
        let mut row = 0;
        self.draw(samples, seed, |x, n| {
            inputs.row_mut(row).tr_copy_from(x);
            let y = &self.map * x + n * self.noise;
            targets.row_mut(row).tr_copy_from(&y);
            row += 1;
        });
        Samples::new(&inputs, &targets)
    }

    /// Draws x and the unit noise n, one sample at a time.
    fn draw(&self, samples: u64, seed: u64, mut take: impl FnMut(&DVector<f64>, &DVector<f64>)) {
        let (outputs, dim) = self.map.shape();
        let root = square_root(&self.inputs);
        let mut input_rng = stream(seed, Purpose::Samples);
        let mut noise_rng = stream(seed, Purpose::Noise);
        let mut normal = DVector::zeros(dim);
        let mut x = DVector::zeros(dim);
        let mut n = DVector::zeros(outputs);
        for _ in 0..samples {
            normal.apply(|z| *z = input_rng.sample(StandardNormal));
            n.apply(|z| *z = noise_rng.sample(StandardNormal));
            x.gemv(1.0, &root, &normal, 0.0);
            take(&x, &n);
        }
    }
}

/// F with F F^T = `covariance`, from its eigenvalues: unlike a Cholesky factor it exists where
/// the covariance is singular. Negative eigenvalues are round-off there.
fn square_root(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(covariance.clone());
    let roots = eigen.eigenvalues.map(|value| value.max(0.0).sqrt());
    eigen.eigenvectors * DMatrix::from_diagonal(&roots)
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
