//! The scenario: everything that defines a run, as plain data with its defaults.
//!
//! The YAML file and the resolved `scenario.yaml` that a run writes have the same shape.
//! Alternatives (one source of data, one scheme of initial weights) are sibling keys of which
//! exactly one is given; tagged enums would lose the line numbers of errors.
//!
//! | file | what it does |
//! |---|---|
//! | `load.rs` | text to checked scenario: parse, apply `--set`, deserialise, validate |
//! | `learning_rates.rs` | one learning rate or a list |
//! | `activation.rs` | a word, or a word with a number |
//! | `locate.rs` | the line on which a key stands |
//! | `walk.rs` | a walk over the text that stops at a place, for its line |
//! | `data.rs` | the data section |
//! | `images.rs` | images in the data section |
//! | `explain.rs` | typed errors in plain words, the nearest known key |
//! | `quantity.rs` | what figures can show of a cell |
//! | `grid.rs` | a sweep's cells by index |
//! | `overrides.rs` | `--set path=value` |
//! | `sweep.rs` | the axes of a sweep |
//! | `validate/` | every range check |
//!
//! This folder is the only user of serde_yaml.

mod activation;
mod data;
mod explain;
mod grid;
mod images;
mod learning_rates;
mod load;
mod locate;
mod overrides;
mod quantity;
mod sweep;
mod validate;
mod walk;

pub use activation::Activation;
pub use data::{DataSection, IsotropicData, MomentsData, TableData, ToyData, WishartData, XorData};
pub use grid::{Cell, Grid};
pub use images::{IdxFiles, ImagesData, NoiseViews, PixelTable};
pub use learning_rates::LearningRates;
pub use load::{Loaded, Source, schema, to_yaml};
pub use quantity::Quantity;
pub use sweep::{Axis, AxisValue, Column, SweepSection};
pub(crate) use validate::{MOST_DIMENSIONS, check_file_name, count, exactly_one, wrong};

use crate::figures::FigureSection;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The keys that name files.
pub(crate) const FILE_KEYS: [&str; 5] = [
    "data.table.path",
    "data.images.idx.images",
    "data.images.idx.labels",
    "data.images.csv.path",
    "init.file.path",
];

/// Values by modality name, in the order of the file.
pub type ByModality<T> = IndexMap<String, T>;

/// A gradient-flow scenario: data, network, initial weights, flow, and what to do with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name of the run and of its output folder, [A-Za-z0-9_-]+. Default: the file's stem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One line that says what the scenario shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seed of every random draw; each purpose draws from its own stream.
    #[serde(default)]
    pub seed: u64,
    /// Where inputs and targets come from.
    pub data: DataSection,
    /// Depth, fusion and widths.
    pub network: NetworkSection,
    /// Initial weights.
    pub init: InitSection,
    /// Integration of the gradient flow.
    pub flow: FlowSection,
    /// The discrete gradient-descent baseline, from the same initial weights on the same data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descent: Option<DescentSection>,
    /// Thresholds of the plateau detector.
    #[serde(default)]
    pub detector: DetectorSection,
    /// What is written.
    #[serde(default)]
    pub output: OutputSection,
    /// A grid over this scenario, for `modalflow sweep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepSection>,
    /// The figures of the sweep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figure: Vec<FigureSection>,
}

impl Scenario {
    /// The relative tolerance of the flow.
    pub fn rtol(&self) -> f64 {
        self.flow.rtol_of(self.network.activation)
    }

    /// Whether the samples behind the moments are kept: for networks that are not linear, and for
    /// mini-batches.
    pub fn keeps_samples(&self) -> bool {
        let batch = self.descent.as_ref().and_then(|descent| descent.batch);
        !self.network.is_linear() || batch.is_some()
    }

    /// The files that the scenario names, by key.
    pub fn files_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let table = self.data.table.as_mut();
        let table = table.map(|table| ("data.table.path", &mut table.path));
        let images = self.data.images.as_mut();
        let images = images.into_iter().flat_map(ImagesData::files_mut);
        let weights = self.init.file.as_mut();
        let weights = weights.map(|file| ("init.file.path", &mut file.path));
        table.into_iter().chain(images).chain(weights).collect()
    }
}

/// Shape of the network: depth and fusion layer, or private and shared layers; one width, or
/// one a hidden layer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// Depth L: layers from any input to the output, 1 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Fusion layer Lf, 1 (early) to L (late).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion_layer: Option<usize>,
    /// Instead of the two: number of private layers of each modality, up to and including the
    /// fusion layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_layers: Option<ByModality<usize>>,
    /// With private_layers: number of shared layers after the fusion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_layers: Option<usize>,
    /// Width of every hidden layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Instead of width: one number per hidden layer, from the inputs to the output. With
    /// private stacks of different depths, aligned at the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widths: Option<Vec<usize>>,
    /// What every hidden unit does to the sum of its inputs: linear, relu, {leaky_relu: 0.1},
    /// tanh or erf. All but linear need samples.
    #[serde(default, skip_serializing_if = "Activation::is_linear")]
    pub activation: Activation,
    /// Whether hidden units and outputs have biases, which start at 0. They need samples.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub biases: bool,
}

impl NetworkSection {
    /// Whether outputs are linear in the inputs, without an intercept.
    pub fn is_linear(&self) -> bool {
        self.activation.is_linear() && !self.biases
    }
}

/// Scheme of the initial weights: exactly one of the keys.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitSection {
    /// Every weight drawn from N(0, std^2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaussian: Option<GaussianInit>,
    /// Gaussian weights whose expected Frobenius norm is given by layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaussian_norm: Option<NormInit>,
    /// Rank one and aligned across layers, with exact norms: equal to a network of width 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aligned: Option<NormInit>,
    /// Weights from an NPZ file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileInit>,
}

/// Standard deviation of Gaussian initial weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GaussianInit {
    /// Standard deviation of every weight, above 0.
    pub std: f64,
}

/// Norms of the initial layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormInit {
    /// Frobenius norm of every private layer; shared layers have sqrt(M) times it for M
    /// modalities. Above 0.
    pub norm: f64,
}

/// Initial weights from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileInit {
    /// NPZ file with arrays A.1 ... A.{Lf}, B.1 ..., shared.{Lf+1} ... shared.{L}, each of shape
    /// (outputs, inputs), and where there are biases A.1.bias ...; relative to the scenario file.
    pub path: PathBuf,
}

/// Integration of the gradient flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowSection {
    /// Integration method.
    #[serde(default)]
    pub method: Method,
    /// Relative tolerance, 1e-13 to 0.1. Default: 1e-8, and 1e-4 where units have a kink. Steps of networks whose units have a kink are kept to a
    /// hundredth of it, because their error estimates miss as much of a jump of the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtol: Option<f64>,
    /// Absolute tolerance of a step. Default: its relative tolerance times the smallest
    /// root-mean-square of an initial layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atol: Option<f64>,
    /// Whether a smaller network with the same trajectory is integrated where there is one.
    #[serde(default)]
    pub reduction: ReductionChoice,
    /// Most accepted and rejected steps before the run ends with `step_limit`.
    #[serde(default = "default_max_steps")]
    pub max_steps: u64,
    /// When to stop: at the first that is met; at least one is given.
    pub until: Until,
}

impl FlowSection {
    /// The relative tolerance of a network of these units.
    pub fn rtol_of(&self, activation: Activation) -> f64 {
        self.rtol.unwrap_or(match activation.is_smooth() {
            true => 1e-8,
            false => 1e-4,
        })
    }
}

/// Integration method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Exponential or dopri5, by an estimate of their work (docs/method.md).
    #[default]
    Auto,
    /// Exponential Rosenbrock, order 4(3): its cost does not grow with the length of plateaus.
    Exponential,
    /// Explicit Runge-Kutta of Dormand and Prince, order 5(4).
    Dopri5,
    /// Explicit Runge-Kutta of Dormand and Prince, order 8(5,3).
    Dop853,
}

/// Whether to reduce the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReductionChoice {
    /// Where the reduced network is clearly smaller and its error below the tolerance.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// End of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// Flow time, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// Share of the learnable loss that is left, (Loss - Loss_min)/(Loss_0 - Loss_min), between
    /// 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_gap: Option<f64>,
}

/// Discrete gradient descent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescentSection {
    /// Learning rate, or a list of them; each above 0.
    pub learning_rate: LearningRates,
    /// Samples of a mini-batch, 1 or more; without it every step takes all of them. Each epoch is
    /// a permutation of the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u64>,
    /// Momentum mu, from 0 to less than 1. A step then stands for the flow time eta/(1 - mu).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Adam in place of plain steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adam: Option<AdamSection>,
}

/// Constants of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamSection {
    /// Decay of the running mean of the gradient, from 0 to less than 1.
    pub beta1: f64,
    /// Decay of the running mean of its square, from 0 to less than 1.
    pub beta2: f64,
    /// Added to the root of the mean square, above 0.
    pub epsilon: f64,
}

impl Default for AdamSection {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Thresholds of the plateau detector (definitions: [`crate::detect`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorSection {
    /// Share of a drop of the loss at which a plateau is entered and left, between 0 and 0.5.
    pub share: f64,
    /// A minimum of the speed is a plateau when it lies below this share of the lower
    /// neighbouring peak, between 0 and 1.
    pub dip: f64,
    /// A drop counts when it removes at least this share of the learnable loss, between 0 and 1.
    pub drop: f64,
}

impl Default for DetectorSection {
    fn default() -> Self {
        Self {
            share: 0.05,
            dip: 0.1,
            drop: 1e-3,
        }
    }
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputSection {
    /// Rows of trajectory.csv, 2 or more.
    pub samples: usize,
    /// Spacing of the rows in time.
    pub spacing: Spacing,
    /// Whether initial_weights.npz and final_weights.npz are written.
    pub weights: bool,
}

impl Default for OutputSection {
    fn default() -> Self {
        Self {
            samples: 500,
            spacing: Spacing::Linear,
            weights: false,
        }
    }
}

/// Spacing of output rows in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Spacing {
    /// Equal differences.
    #[default]
    Linear,
    /// t = 0, then equal ratios over the last six decades before the end.
    Log,
}

fn default_max_steps() -> u64 {
    10_000_000
}
