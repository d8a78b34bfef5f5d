//! The section of initial weights: a scheme, and factors beside it.
//!
//! Sources: Zhang, Latham & Saxe (ICML 2024), the sections on small initialisation; for lambda-balanced weights
//! C. Dominé et al., "From Lazy to Rich: Exact Learning Dynamics in Deep Linear Networks" (2024).

use super::{Architecture, Layer, Layout};
use crate::error::{InputError, Result};
use crate::section::{ByModality, check, one_key, within};
use nalgebra::DVector;
use schemars::JsonSchema;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The name of the layers after the fusion.
const SHARED: &str = "shared";

/// Scheme of the initial weights, exactly one of the keys, and factors beside it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(
    title = "a scheme of initial weights",
    extend("unevaluatedProperties" = false, "examples" = [
        {"gaussian": {"std": 1e-3}, "scale": {"A": 2.0, "B": {"1": 0.5}}},
    ])
)]
pub struct InitSection {
    /// The scheme.
    #[serde(flatten)]
    pub scheme: InitScheme,
    /// Factors on the layers that the scheme gives: by modality on its private layers, and `shared` on the layers
    /// after the fusion. A number is the factor of every layer of the stack; a mapping from numbers of layers, as in
    /// their names, has a factor for each of them. The others stay as they are.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    pub scale: ByModality<StackScale>,
}

/// Scheme of the initial weights: exactly one of the keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitScheme {
    /// Every weight drawn from N(0, std^2).
    Gaussian(GaussianInit),
    /// Gaussian weights; the expected Frobenius norm of each layer is given.
    GaussianNorm(NormInit),
    /// Weights of rank one, aligned across layers, with exact norms: such a network trains as one of
    /// width 1.
    Aligned(NormInit),
    /// Aligned weights of two private layers, late fusion, with W2^T W2 - W1 W1^T = lambda I on the hidden unit that
    /// such a network has: the flow keeps lambda.
    LambdaBalanced(LambdaInit),
    /// Weights from an NPZ file.
    File(FileInit),
}

/// Standard deviation of Gaussian initial weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"std": 1e-3}]))]
pub struct GaussianInit {
    /// Standard deviation of every weight.
    #[schemars(transform = within(check::POSITIVE))]
    pub std: f64,
}

/// Norms of the initial layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"norm": 0.01}]))]
pub struct NormInit {
    /// Frobenius norm of every private layer. With M modalities the norm of a shared layer is
    /// sqrt(M) times this number.
    #[schemars(transform = within(check::POSITIVE))]
    pub norm: f64,
}

/// Unbalanced layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"norm": 1e-3, "lambda": {"A": 0.0, "B": 0.1}}]))]
pub struct LambdaInit {
    /// Norm of the balanced part: that of both layers of a modality where lambda is 0, and of the smaller one
    /// elsewhere. The larger one has the norm sqrt(norm^2 + |lambda|).
    #[schemars(transform = within(check::POSITIVE))]
    pub norm: f64,
    /// lambda of each modality: the squared norm of its second layer less that of its first. Where it is large the
    /// modality learns lazily, at one rate for all.
    #[schemars(transform = within(check::MAGNITUDE))]
    pub lambda: ByModality<f64>,
}

impl LambdaInit {
    /// Norms of the two layers of a modality.
    pub(super) fn norms(&self, modality: &str) -> [f64; 2] {
        let lambda = self.lambda.get(modality).copied().unwrap_or_default();
        let larger = self.norm.hypot(lambda.abs().sqrt());
        match lambda >= 0.0 {
            true => [self.norm, larger],
            false => [larger, self.norm],
        }
    }
}

/// Initial weights from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"path": "initial_weights.npz"}]))]
pub struct FileInit {
    /// NPZ file, relative to the scenario file. Its arrays are A.1, ..., A.{Lf}, B.1, ...,
    /// shared.{Lf+1}, ..., shared.{L}, each of shape (outputs, inputs). Networks with biases also
    /// have A.1.bias, ...
    #[schemars(title = "the path of a file")]
    pub path: PathBuf,
}

/// Factors on the layers of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "a factor, or factors by layer")]
pub enum StackScale {
    /// One for all layers.
    All(#[schemars(transform = within(check::POSITIVE))] f64),
    /// By the numbers of layers.
    Layers(#[schemars(transform = within(check::POSITIVE))] ByModality<f64>),
}

impl StackScale {
    /// The factor of the layer of this number.
    fn of(&self, number: &str) -> f64 {
        match self {
            StackScale::All(factor) => *factor,
            StackScale::Layers(factors) => factors.get(number).copied().unwrap_or(1.0),
        }
    }

    /// Checks the factors, and that the stack has the layers `first` to `last`.
    fn check(&self, key: &str, stack: &str, [first, last]: [usize; 2]) -> Result<()> {
        match self {
            StackScale::All(factor) => check::number(key, *factor, check::POSITIVE),
            StackScale::Layers(factors) => {
                let layers: Vec<String> = (first..=last).map(|number| number.to_string()).collect();
                if let Some(name) = factors.keys().find(|name| !layers.contains(name)) {
                    let problem = format!("{stack} has no layer {name}");
                    let remedy = format!("its layers are {}", layers.join(", "));
                    return Err(InputError::at(format!("{key}.{name}"), problem, remedy));
                }
                check::numbers(key, factors, check::POSITIVE)
            }
        }
    }
}

impl InitSection {
    /// Checks numbers, paths and names; `modalities` are those of the data, and `layout` is of the network.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self, layout: &Layout, modalities: &[&str]) -> Result<()> {
        let key = self.key();
        match &self.scheme {
            InitScheme::Gaussian(scheme) => {
                check::number(&format!("{key}.std"), scheme.std, check::POSITIVE)?;
            }
            InitScheme::GaussianNorm(scheme) | InitScheme::Aligned(scheme) => {
                check::number(&format!("{key}.norm"), scheme.norm, check::POSITIVE)?;
            }
            InitScheme::LambdaBalanced(scheme) => {
                check::number(&format!("{key}.norm"), scheme.norm, check::POSITIVE)?;
                let lambda = format!("{key}.lambda");
                check::same_names(&lambda, scheme.lambda.keys(), "the data", modalities)?;
                check::numbers(&lambda, &scheme.lambda, check::MAGNITUDE)?;
                ensure_two_private_layers(key, layout)?;
            }
            InitScheme::File(file) => check::path(&format!("{key}.path"), &file.path)?,
        }
        self.check_scale(layout, modalities)
    }

    fn check_scale(&self, layout: &Layout, modalities: &[&str]) -> Result<()> {
        let deepest = layout.private.iter().copied().max().unwrap_or(0);
        for (name, scale) in &self.scale {
            let key = format!("init.scale.{name}");
            let private = modalities.iter().position(|modality| modality == name);
            let layers = match private.and_then(|m| layout.private.get(m)) {
                Some(&depth) => [1, depth],
                None if name == SHARED => [deepest + 1, deepest + layout.shared],
                None => {
                    let problem = format!("there is no modality {name} in the data");
                    let stacks = modalities.join(", ");
                    let remedy = match layout.shared {
                        0 => format!("give factors to {stacks}"),
                        _ => format!("give factors to {stacks} or {SHARED}"),
                    };
                    return Err(InputError::at(key, problem, remedy));
                }
            };
            if layers[0] > layers[1] {
                let problem = "this network has no layers after the fusion";
                return Err(InputError::at(key, problem, "take the key out"));
            }
            scale.check(&key, name, layers)?;
        }
        Ok(())
    }

    pub(super) fn key(&self) -> &'static str {
        match self.scheme {
            InitScheme::Gaussian(_) => "init.gaussian",
            InitScheme::GaussianNorm(_) => "init.gaussian_norm",
            InitScheme::Aligned(_) => "init.aligned",
            InitScheme::LambdaBalanced(_) => "init.lambda_balanced",
            InitScheme::File(_) => "init.file",
        }
    }

    /// The factor on a layer.
    pub(super) fn factor(&self, layer: &Layer) -> f64 {
        let (stack, number) = layer.name.rsplit_once('.').unwrap_or_default();
        self.scale.get(stack).map_or(1.0, |scale| scale.of(number))
    }

    /// The norm of every private layer, sqrt(M) times of which every shared one has, where the section gives one.
    pub fn norm(&self) -> Option<f64> {
        let is_one = |scale: &StackScale| match scale {
            StackScale::All(factor) => *factor == 1.0,
            StackScale::Layers(factors) => factors.values().all(|factor| *factor == 1.0),
        };
        let norm = match &self.scheme {
            InitScheme::GaussianNorm(scheme) | InitScheme::Aligned(scheme) => Some(scheme.norm),
            InitScheme::LambdaBalanced(scheme) => {
                let is_balanced = scheme.lambda.values().all(|lambda| *lambda == 0.0);
                is_balanced.then_some(scheme.norm)
            }
            InitScheme::Gaussian(_) | InitScheme::File(_) => None,
        };
        norm.filter(|_| self.scale.values().all(is_one))
    }

    /// Whether the weights are of rank one and aligned across layers, whatever their norms.
    pub fn is_aligned(&self) -> bool {
        matches!(
            self.scheme,
            InitScheme::Aligned(_) | InitScheme::LambdaBalanced(_)
        )
    }

    /// Whether no private stack of the initial weights ever comes back from a drive that turns round: aligned layers
    /// of which the two smallest are equal. A single smallest layer passes through zero and changes its sign, as does
    /// a stack of a single layer, which is not asked about here.
    pub fn never_turns(&self, architecture: &Architecture, weights: &DVector<f64>) -> bool {
        const ROUND_OFF: f64 = 1e-12;
        let never = |stack: &std::ops::Range<usize>| {
            let norms = stack.clone().map(|l| architecture.view(weights, l).norm());
            let mut norms: Vec<f64> = norms.collect();
            norms.sort_by(f64::total_cmp);
            match norms[..] {
                [least, next, ..] => next - least <= ROUND_OFF * next,
                _ => true,
            }
        };
        self.is_aligned() && architecture.private.iter().all(never)
    }

    /// The files that it names, by key.
    pub fn files_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        match &mut self.scheme {
            InitScheme::File(file) => vec![("init.file.path".to_owned(), &mut file.path)],
            _ => Vec::new(),
        }
    }
}

fn ensure_two_private_layers(key: &str, layout: &Layout) -> Result<()> {
    if layout.shared == 0 && layout.private.iter().all(|&depth| depth == 2) {
        return Ok(());
    }
    let depths: Vec<String> = layout.private.iter().map(usize::to_string).collect();
    let problem = format!(
        "lambda is that of two private layers and late fusion, and this network has {} private and {} shared layers",
        depths.join(", "),
        layout.shared
    );
    let remedy = "set network.depth and network.fusion_layer to 2, or choose another scheme (aligned beside init.scale has layers of unequal norms at any depth)";
    Err(InputError::at(key, problem, remedy))
}

impl<'de> Deserialize<'de> for InitSection {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(SectionVisitor)
    }
}

/// Reads the scheme and what stands beside it, so that errors keep their paths.
struct SectionVisitor;

impl<'de> Visitor<'de> for SectionVisitor {
    type Value = InitSection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scheme of initial weights")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InitSection, A::Error> {
        let (mut scheme, mut scale) = (None, ByModality::new());
        while let Some(key) = map.next_key::<String>()? {
            match (key.as_str(), &scheme) {
                ("scale", _) => scale = map.next_value()?,
                (_, None) => scheme = Some((one_key::entry(&key, &mut map)?, key)),
                (_, Some((_, other))) => {
                    let both = format!("{other} and {key} are given, of which only one can be");
                    return Err(A::Error::custom(both));
                }
            }
        }
        let (scheme, _) = scheme.ok_or_else(|| A::Error::custom("a scheme is missing"))?;
        Ok(InitSection { scheme, scale })
    }
}

impl<'de> Deserialize<'de> for StackScale {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScaleVisitor)
    }
}

/// Reads a number or a mapping, so that errors keep their paths.
struct ScaleVisitor;

impl<'de> Visitor<'de> for ScaleVisitor {
    type Value = StackScale;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a factor, or factors by layer")
    }

    fn visit_f64<E: Error>(self, factor: f64) -> Result<StackScale, E> {
        Ok(StackScale::All(factor))
    }

    fn visit_i64<E: Error>(self, factor: i64) -> Result<StackScale, E> {
        Ok(StackScale::All(factor as f64))
    }

    fn visit_u64<E: Error>(self, factor: u64) -> Result<StackScale, E> {
        Ok(StackScale::All(factor as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StackScale, A::Error> {
        let mut factors = ByModality::new();
        while let Some((layer, factor)) = map.next_entry()? {
            factors.insert(layer, factor);
        }
        Ok(StackScale::Layers(factors))
    }
}
