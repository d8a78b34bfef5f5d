//! Initial weights.
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), the sections on small initialisation; aligned
//! weights are the rank-one solutions of their analysis of the unimodal phase.

use super::{Architecture, InitScheme, InitSection, Layer, Spaces, Stack, npz};
use crate::data::Moments;
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::section::check;
use nalgebra::{DMatrix, DVector, DVectorView, SymmetricEigen};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// The initial state: all weights of `architecture`, layer after layer, each by columns.
///
/// | scheme | weights |
/// |---|---|
/// | gaussian | N(0, std^2) |
/// | gaussian_norm | N(0, s^2), s = norm/sqrt(rows cols): expected squared Frobenius norm norm^2, M norm^2 for shared layers of M modalities |
/// | aligned | rank one, of norms exactly norm and sqrt(M) norm: a network of width 1 |
/// | lambda_balanced | the same with the private norms norm and sqrt(norm^2 + |lambda|), the second layer's the larger for lambda > 0 |
/// | file | arrays of an NPZ file, opened at its path as it stands |
///
/// Each layer is then multiplied by its factor of `scale`.
///
/// # Errors
/// An input error where the file cannot be used, and where all weights are zero (the flow would
/// never leave the saddle M_0) or one is not finite.
pub fn initial_weights(
    init: &InitSection,
    seed: u64,
    moments: &Moments,
    architecture: &Architecture,
) -> Result<DVector<f64>> {
    let modalities = architecture.modalities.len();
    let mut weights = match &init.scheme {
        InitScheme::Gaussian(scheme) => gaussian(architecture, seed, |_| scheme.std),
        InitScheme::GaussianNorm(scheme) => gaussian(architecture, seed, |layer| {
            layer_norm(layer, scheme.norm, modalities) / (layer.range.len() as f64).sqrt()
        }),
        InitScheme::Aligned(scheme) => aligned(moments, architecture, seed, |l| {
            layer_norm(&architecture.layers[l], scheme.norm, modalities)
        }),
        InitScheme::LambdaBalanced(scheme) => {
            let norm = |l: usize| match architecture.layers[l].stack {
                Stack::Private(m) => {
                    let [first, second] = scheme.norms(&architecture.modalities[m].name);
                    if architecture.is_first(l) {
                        first
                    } else {
                        second
                    }
                }
                Stack::Shared => 0.0,
            };
            aligned(moments, architecture, seed, norm)
        }
        InitScheme::File(file) => npz::read(&file.path, architecture)?,
    };
    ensure_usable(init.key(), &weights)?;
    for layer in &architecture.layers {
        let factor = init.factor(layer);
        let entries = &mut weights.as_mut_slice()[layer.range.clone()];
        entries.iter_mut().for_each(|weight| *weight *= factor);
    }
    if !init.scale.is_empty() {
        ensure_usable("init.scale", &weights)?;
    }
    Ok(weights)
}

/// The smallest root-mean-square of the layers of `state` that are not all zero; 0 where all
/// are. It scales the integrator's default absolute tolerance.
pub fn smallest_layer_rms(architecture: &Architecture, state: &DVector<f64>) -> f64 {
    architecture
        .layers
        .iter()
        .map(|layer| rms(state.rows_range(layer.range.clone())))
        .filter(|&rms| rms > 0.0)
        .min_by(f64::total_cmp)
        .unwrap_or(0.0)
}

/// Root-mean-square, scaled by the largest entry: squares of weights below 1e-162 underflow.
fn rms(weights: DVectorView<'_, f64>) -> f64 {
    let largest = weights.amax();
    if largest == 0.0 {
        return 0.0;
    }
    largest * (weights / largest).norm() / (weights.len() as f64).sqrt()
}

fn ensure_usable(key: &str, weights: &DVector<f64>) -> Result<()> {
    if !weights.iter().all(|weight| weight.is_finite()) {
        let problem = "some initial weights are not finite";
        return Err(InputError::at(key, problem, "choose smaller weights"));
    }
    if weights.amax() > check::LARGEST && key == "init.scale" {
        let problem = format!("the largest initial weight is {:e}", weights.amax());
        return Err(InputError::at(key, problem, "choose smaller factors"));
    }
    if weights.amax() == 0.0 {
        return Err(InputError::at(
            key,
            "all initial weights are zero: the flow would never leave the saddle M_0",
            "choose weights that are small but not zero",
        ));
    }
    Ok(())
}

/// Frobenius norm of a layer: shared layers carry all M modalities, and balancedness at the
/// fusion gives them sqrt(M) times the norm of a private one.
fn layer_norm(layer: &Layer, norm: f64, modalities: usize) -> f64 {
    match layer.stack {
        Stack::Private(_) => norm,
        Stack::Shared => norm * (modalities as f64).sqrt(),
    }
}

/// Independent Gaussian weights in the order of the state, `std` giving each layer's standard
/// deviation.
fn gaussian(architecture: &Architecture, seed: u64, std: impl Fn(&Layer) -> f64) -> DVector<f64> {
    let mut rng = stream(seed, Purpose::InitialWeights);
    let mut state = DVector::zeros(architecture.len());
    for layer in &architecture.layers {
        let std = std(layer);
        for weight in &mut state.as_mut_slice()[layer.range.clone()] {
            *weight = std * rng.sample::<f64, _>(StandardNormal);
        }
    }
    state
}

/// Rank-one layers norm(l) * r_out r_in^T with unit vectors r that adjacent layers share, so that
/// W_m^tot is a positive multiple of u v_m^T. Hidden directions are random; all private stacks
/// end in the same direction of the fusion space.
fn aligned(
    moments: &Moments,
    architecture: &Architecture,
    seed: u64,
    norm: impl Fn(usize) -> f64,
) -> DVector<f64> {
    let mut rng = stream(seed, Purpose::AlignedDirections);
    let spaces = Spaces::of(architecture);
    let dims = spaces.dims().iter();
    let hidden: Vec<_> = dims.map(|&dim| direction(dim, &mut rng)).collect();
    let modalities = architecture.modalities.len();
    let crosses: Vec<_> = (0..modalities)
        .map(|m| moments.block(&moments.cross, m))
        .collect();
    // Without shared layers each modality has a direction of the outputs of its own.
    let targets = match architecture.shared.is_empty() {
        true => crosses.iter().map(leading_output).collect(),
        false => vec![leading_output(&moments.cross); modalities],
    };
    let mut state = DVector::zeros(architecture.len());
    for (l, layer) in architecture.layers.iter().enumerate() {
        let m = match layer.stack {
            Stack::Private(m) => m,
            Stack::Shared => 0,
        };
        let input = match spaces.input(l) {
            Some(space) => &hidden[space],
            None => &input_direction(&crosses[m], &targets[m]),
        };
        let output = spaces.output(l).map_or(&targets[m], |space| &hidden[space]);
        let matrix = output * norm(l) * input.transpose();
        state.as_mut_slice()[layer.range.clone()].copy_from_slice(matrix.as_slice());
    }
    state
}

/// A unit vector of random direction.
fn direction(dim: usize, rng: &mut impl Rng) -> DVector<f64> {
    DVector::from_fn(dim, |_, _| rng.sample::<f64, _>(StandardNormal)).normalize()
}

/// The leading left singular vector of S (o x d); 1 for one output. Its sign does not matter:
/// the input directions derived from it turn with it.
fn leading_output(cross: &DMatrix<f64>) -> DVector<f64> {
    let largest = cross.amax();
    // Scaled: the squares in S S^T neither overflow nor underflow.
    let scaled = cross / if largest > 0.0 { largest } else { 1.0 };
    let eigen = SymmetricEigen::new(&scaled * scaled.transpose());
    eigen
        .eigenvectors
        .column(eigen.eigenvalues.imax())
        .normalize()
}

/// S_m^T u normalised; the first axis where S_m tells nothing in the direction u.
fn input_direction(cross: &DMatrix<f64>, output: &DVector<f64>) -> DVector<f64> {
    let direction = cross.transpose() * output;
    let largest = direction.amax();
    if largest == 0.0 {
        return DVector::from_fn(direction.len(), |i, _| if i == 0 { 1.0 } else { 0.0 });
    }
    (direction / largest).normalize()
}
