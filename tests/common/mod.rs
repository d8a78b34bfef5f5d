//! Problems made by hand, apart from the crate's own data and initialisation code.

use modalflow::data::{Modality, Moments, Source};
use modalflow::error::InputError;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::network::{Architecture, Stack};
use modalflow::section::one_key;
use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::Value;

/// Two scalar inputs, standard deviations `r` and 1, correlation `rho`, y = x_A + x_B.
pub fn toy(r: f64, rho: f64) -> Moments {
    let inputs = DMatrix::from_row_slice(2, 2, &[r * r, rho * r, rho * r, 1.0]);
    let map = DMatrix::from_row_slice(1, 2, &[1.0, 1.0]);
    let power = (&map * &inputs * map.transpose())[(0, 0)];
    Moments::new(modalities(&[1, 1]), inputs.clone(), map * inputs, power)
}

/// Modalities A, B, ... of the given dimensions.
pub fn modalities(dims: &[usize]) -> Vec<Modality> {
    let mut start = 0;
    dims.iter()
        .enumerate()
        .map(|(m, &dim)| {
            let range = start..start + dim;
            start = range.end;
            Modality {
                index: m,
                name: char::from(b'A' + m as u8).to_string(),
                range,
            }
        })
        .collect()
}

/// Depth and fusion layer with one width.
pub fn network(moments: &Moments, depth: usize, fusion: usize, width: usize) -> Architecture {
    let depths = vec![fusion; moments.modalities.len()];
    let widths = vec![width; depth - 1];
    Architecture::build(
        &moments.modalities,
        moments.outputs_len(),
        &depths,
        depth - fusion,
        &widths,
    )
    .expect("a small network")
}

/// Rank-one weights along the first hidden unit, scalar inputs, one output: a network of width 1
/// inside a wider one.
pub fn aligned(architecture: &Architecture, norm: f64) -> DVector<f64> {
    let mut weights = DVector::zeros(architecture.len());
    for layer in &architecture.layers {
        weights[layer.range.start] = match layer.stack {
            Stack::Private(_) => norm,
            Stack::Shared => norm * (architecture.modalities.len() as f64).sqrt(),
        };
    }
    weights
}

/// A random problem: covariance, map, depths and widths drawn from `seed`.
pub struct Random {
    pub moments: Moments,
    pub architecture: Architecture,
    pub weights: DVector<f64>,
}

/// A small random problem with Gaussian weights of the given standard deviation.
pub fn random(
    seed: u64,
    dims: &[usize],
    outputs: usize,
    depths: &[usize],
    shared: usize,
    std: f64,
) -> Random {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |rows: usize, cols: usize| {
        DMatrix::from_fn(rows, cols, |_, _| StandardNormal.sample(&mut rng))
    };
    let inputs_len: usize = dims.iter().sum();
    let root: DMatrix<f64> = normal(inputs_len, inputs_len + 2);
    let inputs = &root * root.transpose() / (inputs_len + 2) as f64;
    let map: DMatrix<f64> = normal(outputs, inputs_len);
    let power = (&map * &inputs * map.transpose()).trace();
    let moments = Moments::new(modalities(dims), inputs.clone(), &map * inputs, power);
    let depth = depths.iter().max().expect("a modality") + shared;
    let widths: Vec<usize> = (0..depth - 1)
        .map(|l| 2 + (seed as usize + 3 * l) % 5)
        .collect();
    let architecture = Architecture::build(&moments.modalities, outputs, depths, shared, &widths)
        .expect("a small network");
    let weights = normal(architecture.len(), 1).column(0) * std;
    Random {
        moments,
        architecture,
        weights,
    }
}

/// Prepares and runs a scenario given as text.
pub fn run(yaml: &str) -> (Problem, RunResult) {
    let problem = prepare(yaml);
    let result = modalflow::experiment::run::run(&problem, &mut |_| true);
    (problem, result)
}

/// Prepares a scenario given as text.
pub fn prepare(yaml: &str) -> Problem {
    try_prepare(yaml).unwrap_or_else(|error| panic!("{error}"))
}

/// The same where the scenario may be refused.
pub fn try_prepare(yaml: &str) -> Result<Problem, InputError> {
    /// A machine of 16 GiB.
    const MEMORY: u64 = 1 << 34;
    Problem::prepare_within(&scenario(yaml)?, MEMORY)
}

/// A checked scenario from its text.
pub fn scenario(yaml: &str) -> Result<Scenario, InputError> {
    let scenario: Scenario = serde_yaml::from_str(yaml).expect("well formed");
    scenario.check()?;
    Ok(scenario)
}

/// Places of modalities, which tests speak of by number.
pub fn places<'m>(modalities: impl IntoIterator<Item = &'m Modality>) -> Vec<usize> {
    modalities
        .into_iter()
        .map(|modality| modality.index)
        .collect()
}

/// The place of a modality, if any.
pub fn place(modality: &Option<Modality>) -> Option<usize> {
    modality.as_ref().map(|modality| modality.index)
}

/// The moments of a data section, or the error as users read it.
pub fn try_moments(seed: u64, data: Value) -> Result<Moments, String> {
    let moments = Moments::of(&parsed(data), seed, false).and_then(|moments| {
        moments.ensure_learnable(true)?;
        Ok(moments)
    });
    moments.map_err(|error| error.to_string())
}

fn parsed(data: Value) -> Source {
    one_key::deserialize(data).expect("the test's data are well formed")
}

/// The moments of a data section that can be used.
pub fn moments(seed: u64, data: Value) -> Moments {
    try_moments(seed, data).expect("the test's data are usable")
}

/// A table in a folder of its own.
pub struct Table {
    /// The file, t.csv.
    pub path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

/// A table of these bytes.
pub fn table(bytes: &[u8]) -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.csv");
    std::fs::write(&path, bytes).expect("written");
    Table {
        path,
        _folder: folder,
    }
}
