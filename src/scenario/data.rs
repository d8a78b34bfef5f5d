//! The data section: where inputs and targets come from.

use super::{ByModality, ImagesData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Source of data: exactly one of the keys.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// One scalar input a modality, one scalar target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toy: Option<ToyData>,
    /// A given input covariance and a given target map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<MomentsData>,
    /// Independent inputs, one variance and one true weight a modality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isotropic: Option<IsotropicData>,
    /// A random input covariance (inverse Wishart) and a random target map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wishart: Option<WishartData>,
    /// Columns of a CSV file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableData>,
    /// A linear part in A and the exclusive or of two inputs in B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xor: Option<XorData>,
    /// Two views of labelled images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImagesData>,
}

impl DataSection {
    /// Number of samples drawn from a population; None for population moments and files.
    pub fn samples(&self) -> Option<u64> {
        let toy = self.toy.as_ref().and_then(|toy| toy.samples);
        let moments = self.moments.as_ref().and_then(|given| given.samples);
        let isotropic = self.isotropic.as_ref().and_then(|source| source.samples);
        let wishart = self.wishart.as_ref().and_then(|source| source.samples);
        let xor = self.xor.as_ref().map(|xor| xor.samples);
        toy.or(moments).or(isotropic).or(wishart).or(xor)
    }
}

impl DataSection {
    /// Whether the data depend on the seed.
    pub fn is_drawn(&self) -> bool {
        let holds_out = self.table.as_ref().is_some_and(|table| table.holdout > 0.0);
        let hides = self
            .images
            .as_ref()
            .is_some_and(|images| images.noise.is_some());
        self.samples().is_some() || self.wishart.is_some() || holds_out || hides
    }

    /// Numbers of inputs and outputs, as far as the section itself tells them.
    pub fn shape(&self) -> Option<[usize; 2]> {
        let sum = |dims: &ByModality<usize>| dims.values().sum();
        if let Some(toy) = &self.toy {
            Some([toy.sigma.len(), 1])
        } else if let Some(given) = &self.moments {
            Some([sum(&given.modalities), given.target_map.len()])
        } else if let Some(isotropic) = &self.isotropic {
            Some([sum(&isotropic.modalities), 1])
        } else if let Some(wishart) = &self.wishart {
            Some([sum(&wishart.modalities), wishart.outputs])
        } else {
            self.xor.as_ref().map(|_| [3, 1])
        }
    }
}

/// One scalar input a modality: x_m with standard deviation sigma_m, every pair correlated by
/// rho, and y = sum_m target_m x_m + noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToyData {
    /// Correlation coefficient of every pair of inputs, -1/(M-1) to 1 for M modalities.
    #[serde(default)]
    pub rho: f64,
    /// Standard deviation of each modality's input, above 0. Two modalities or more.
    pub sigma: ByModality<f64>,
    /// True weight of each modality; the same modalities as sigma.
    pub target: ByModality<f64>,
    /// Standard deviation of the noise added to the target.
    #[serde(default)]
    pub noise: f64,
    /// Number of samples drawn; without it the population's moments are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
}

/// Given second moments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MomentsData {
    /// Input dimension of each modality; the order fixes the blocks of the matrices.
    pub modalities: ByModality<usize>,
    /// Input covariance, d x d rows, symmetric and positive semi-definite.
    pub inputs: Vec<Vec<f64>>,
    /// True map, o x d rows.
    pub target_map: Vec<Vec<f64>>,
    /// Standard deviation of the noise added to every output.
    #[serde(default)]
    pub noise: f64,
    /// Number of samples drawn; without it the population's moments are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
}

/// Independent inputs: every input of a modality has its variance and its true weight, and
/// y = sum_m weight_m (sum of the inputs of m) + noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IsotropicData {
    /// Input dimension of each modality.
    pub modalities: ByModality<usize>,
    /// Variance of every input of a modality, above 0.
    pub variance: ByModality<f64>,
    /// True weight of every input of a modality.
    pub weight: ByModality<f64>,
    /// Standard deviation of the noise added to the target.
    #[serde(default)]
    pub noise: f64,
    /// Number of samples drawn; without it the population's moments are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
}

/// Random second moments: covariance from the inverse-Wishart distribution with d + 2 degrees
/// of freedom, whose mean is its scale matrix; true map uniform on (-1, 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WishartData {
    /// Input dimension of each modality.
    pub modalities: ByModality<usize>,
    /// Diagonal of the scale matrix, one number a modality: its inputs' mean variance.
    pub scale: ByModality<f64>,
    /// Number of outputs.
    #[serde(default = "default_outputs")]
    pub outputs: usize,
    /// Standard deviation of the noise added to every output.
    #[serde(default)]
    pub noise: f64,
    /// Number of samples drawn; without it the population's moments are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
}

/// Columns of a CSV file with a header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableData {
    /// The file, relative to the scenario file.
    pub path: PathBuf,
    /// Input columns of each modality.
    pub modalities: ByModality<Vec<String>>,
    /// Target columns.
    pub targets: Vec<String>,
    /// Whether every column is shifted to mean 0 and scaled to variance 1 (over the rows that
    /// are trained on).
    #[serde(default = "default_true")]
    pub standardise: bool,
    /// Share of the rows, drawn at random, kept out of training for the generalisation error.
    #[serde(default)]
    pub holdout: f64,
}

/// y = x_A + XOR(x_B): x_A Gaussian, x_B of two inputs -1 or 1, XOR(x_B) = 1 where they differ and
/// -1 where they are equal. Each x_A is paired with all four x_B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XorData {
    /// Standard deviation of x_A, above 0.
    pub sigma: f64,
    /// Number of samples, a multiple of 4.
    pub samples: u64,
}

fn default_outputs() -> usize {
    1
}

fn default_true() -> bool {
    true
}
