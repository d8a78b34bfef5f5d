//! A random input covariance and a random true map.

use super::modality::layout;
use super::sampling::by_input;
use super::{About, Content, DataSource, MOST_SAMPLES, Population, check_draws};
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::section::{ByModality, MOST_DIMENSIONS, check, within};
use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Random second moments: the covariance of all d inputs comes from the inverse-Wishart distribution
/// with d + 2 degrees of freedom, whose mean is its scale matrix. The entries of the true map are
/// uniform on (-1, 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "modalities": {"A": 10, "B": 10},
    "scale": {"A": 4.0, "B": 1.0},
    "outputs": 5,
}]))]
pub struct WishartData {
    /// Input dimension of each modality.
    #[schemars(transform = within(check::closed(1, MOST_DIMENSIONS)))]
    pub modalities: ByModality<usize>,
    /// Diagonal of the scale matrix: the mean variance of the inputs of each modality.
    #[schemars(transform = within(check::POSITIVE))]
    pub scale: ByModality<f64>,
    /// Number of outputs.
    #[serde(default = "default_outputs")]
    #[schemars(transform = within(check::closed(1, MOST_DIMENSIONS)))]
    pub outputs: usize,
    /// Standard deviation of the noise added to every output.
    #[serde(default)]
    #[schemars(transform = within(check::closed(0.0, check::LARGEST)))]
    pub noise: f64,
    /// Number of samples that are drawn. Without it the moments of the population are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::closed(1, MOST_SAMPLES)))]
    pub samples: Option<u64>,
    /// Whether half of the samples are drawn, and each comes with its negative, input and target. samples is then even.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub mirror: bool,
}

fn default_outputs() -> usize {
    1
}

impl DataSource for WishartData {
    fn about(&self) -> About<'_> {
        let shape = [self.modalities.values().sum(), self.outputs];
        About {
            depends_on_seed: true,
            ..About::population("wishart", &self.modalities, shape, self.samples)
        }
    }

    fn check(&self) -> Result<()> {
        let key = "data.wishart.modalities";
        check::dims(key, &self.modalities, MOST_DIMENSIONS)?;
        let scale = "data.wishart.scale";
        check::same_names(scale, self.scale.keys(), key, &self.about().modalities)?;
        check::numbers(scale, &self.scale, check::POSITIVE)?;
        let outputs = self.outputs as u64;
        check::count("data.wishart.outputs", outputs, 1..=MOST_DIMENSIONS)?;
        check_draws("data.wishart", self.noise, (self.samples, self.mirror))
    }

    /// A covariance from the inverse-Wishart distribution of d + 2 degrees of freedom and scale matrix
    /// diag(scale_m), which is its mean, and a map (o x d) uniform on (-1, 1).
    fn content(&self, seed: u64) -> Result<Content> {
        let modalities = layout(&self.modalities);
        let diagonal = by_input(&modalities, &self.scale, "data.wishart.scale")?;
        let inputs = inverse_wishart(&diagonal, &mut stream(seed, Purpose::Covariance))?;
        let mut rng = stream(seed, Purpose::TargetMap);
        let map = DMatrix::from_fn(self.outputs, diagonal.len(), |_, _| {
            rng.random_range(-1.0..1.0)
        });
        Ok(Content::Population(Population {
            modalities,
            inputs: inputs.into(),
            map,
            noise: self.noise,
            mirror: self.mirror,
        }))
    }
}

/// Degrees of freedom above the dimension d. With d + 2 the mean of the inverse-Wishart
/// distribution, scale / (degrees - d - 1), exists and is the scale matrix itself.
const EXTRA_DEGREES: usize = 2;

/// A draw (d x d) from the inverse-Wishart distribution with scale matrix Psi = diag(`scale`).
///
/// Its inverse has the Wishart distribution of scale matrix Psi^-1 = C C^T, C = diag(scale)^-1/2, by
/// the Bartlett decomposition C A A^T C^T: A lower triangular, A_ii chi distributed with n - i
/// degrees of freedom (i from 0, n = d + 2), below the diagonal N(0, 1). The draw is then
/// B^T B with B = A^-1 C^-1, one triangular solve: no inverse of a matrix product, whose
/// condition number would be squared.
///
/// Source: Smith & Hocking, "Algorithm AS 53: Wishart Variate Generator", Applied Statistics 21
/// (1972) 341-345.
fn inverse_wishart(scale: &DVector<f64>, rng: &mut impl Rng) -> Result<DMatrix<f64>> {
    let dim = scale.len();
    let mut triangle = DMatrix::zeros(dim, dim);
    for i in 0..dim {
        for j in 0..i {
            triangle[(i, j)] = rng.sample(StandardNormal);
        }
        triangle[(i, i)] = chi(dim + EXTRA_DEGREES - i, rng);
    }
    let root = DMatrix::from_diagonal(&scale.map(f64::sqrt));
    let factor = triangle.solve_lower_triangular(&root).ok_or_else(|| {
        let problem = "the covariance drawn is singular";
        InputError::at("data.wishart", problem, "choose another seed")
    })?;
    let mut covariance = factor.transpose() * &factor;
    // Symmetric to the last digit, which the product is not.
    covariance.fill_upper_triangle_with_lower_triangle();
    Ok(covariance)
}

/// A draw from the chi distribution: by definition, the length of a vector of that many standard
/// normal numbers.
fn chi(degrees: usize, rng: &mut impl Rng) -> f64 {
    DVector::from_fn(degrees, |_, _| rng.sample::<f64, _>(StandardNormal)).norm()
}
