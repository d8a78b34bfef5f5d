//! The network section: depth and fusion, widths, units.

use super::Activation;
use crate::error::{InputError, Result};
use crate::section::{ByModality, check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

const LAYERS: RangeInclusive<u64> = 1..=64;
const WIDTH: RangeInclusive<u64> = 1..=10_000_000;

/// Shape of the network. Its layers are given by depth and fusion_layer, or by private_layers and
/// shared_layers; its widths by width, or by widths.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {"depth": 2, "fusion_layer": 2, "width": 100},
    {"private_layers": {"A": 1, "B": 2}, "shared_layers": 1, "widths": [50, 20]},
]))]
pub struct NetworkSection {
    /// Depth L: the number of layers from any input to the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(LAYERS))]
    pub depth: Option<usize>,
    /// Fusion layer Lf, from 1 (early fusion) to L (late fusion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(LAYERS))]
    pub fusion_layer: Option<usize>,
    /// Number of private layers of each modality, up to and including the fusion layer; in place of
    /// depth and fusion_layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(LAYERS))]
    pub private_layers: Option<ByModality<usize>>,
    /// Number of shared layers after the fusion; with private_layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::closed(0, *LAYERS.end())))]
    pub shared_layers: Option<usize>,
    /// Width of every hidden layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(WIDTH))]
    pub width: Option<usize>,
    /// Widths of the hidden layers, one number per layer, from the inputs to the output; in place of
    /// width. Private stacks of different depths are aligned at the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(WIDTH))]
    pub widths: Option<Vec<usize>>,
    /// What every hidden unit does to the sum of its inputs: linear, relu, {leaky_relu: 0.1},
    /// tanh or erf. All except linear need samples.
    #[serde(
        default,
        with = "crate::section::one_key",
        skip_serializing_if = "Activation::is_linear"
    )]
    #[schemars(with = "Activation", extend("default" = "linear"))]
    pub activation: Activation,
    /// Whether hidden units and outputs have biases, which start at 0. They need samples.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub biases: bool,
}

/// Numbers of layers and units that a section asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Number of private layers of each modality.
    pub private: Vec<usize>,
    /// Number of shared layers.
    pub shared: usize,
    /// Widths of the hidden spaces, from the inputs to the output.
    pub widths: Vec<usize>,
}

impl NetworkSection {
    /// Whether outputs are linear in the inputs, without an intercept.
    pub fn is_linear(&self) -> bool {
        self.activation.is_linear() && !self.biases
    }

    /// The same network of linear units.
    pub fn without_activation(&self) -> Self {
        Self {
            activation: Activation::Linear,
            biases: false,
            ..self.clone()
        }
    }

    /// What asks for more than moments, where something does.
    pub fn beyond_moments(&self) -> Option<String> {
        match (self.activation.is_linear(), self.biases) {
            (false, _) => Some(format!("the activation {}", self.activation.name())),
            (true, true) => Some("a network with biases".to_owned()),
            (true, false) => None,
        }
    }

    /// Checks the section; `modalities` are the names of the data's.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self, modalities: &[&str]) -> Result<()> {
        self.layout(modalities)?;
        self.activation.check()
    }

    /// The layers and units asked for; `modalities` are the names of the data's.
    ///
    /// # Errors
    /// An input error where keys are missing, contradict each other or the data, or are out of range.
    pub fn layout(&self, modalities: &[&str]) -> Result<Layout> {
        check_either_form(self)?;
        let (private, shared) = match &self.private_layers {
            Some(private) => private_depths(private, self.shared_layers, modalities)?,
            None => {
                let (depth, fusion) = depth_and_fusion(self.depth, self.fusion_layer)?;
                (vec![fusion; modalities.len()], depth - fusion)
            }
        };
        let depth = private.iter().max().copied().unwrap_or_default() + shared;
        let widths = hidden_widths(self, depth)?;
        Ok(Layout {
            private,
            shared,
            widths,
        })
    }
}

/// One of the two ways to say how deep the network is, not parts of both.
fn check_either_form(network: &NetworkSection) -> Result<()> {
    let first = [
        ("depth", network.depth.is_some()),
        ("fusion_layer", network.fusion_layer.is_some()),
    ];
    let second = [
        ("private_layers", network.private_layers.is_some()),
        ("shared_layers", network.shared_layers.is_some()),
    ];
    let given = |form: &[(&'static str, bool)]| form.iter().find(|(_, is)| *is).map(|f| f.0);
    if let (Some(a), Some(b)) = (given(&first), given(&second)) {
        return Err(InputError::at(
            format!("network.{b}"),
            format!("{b} and {a} are both given"),
            format!(
                "give either depth and fusion_layer, or private_layers and shared_layers; from \
                 the command line, --set network.{a}=null removes {a}"
            ),
        ));
    }
    if given(&first).is_none() && given(&second).is_none() {
        return Err(InputError::at(
            "network.depth",
            "depth and fusion_layer are missing",
            "give depth and fusion_layer, or private_layers and shared_layers",
        ));
    }
    let form = if given(&first).is_some() {
        first
    } else {
        second
    };
    match form {
        [(_, true), (_, true)] => Ok(()),
        [(missing, false), (other, _)] | [(other, _), (missing, _)] => Err(InputError::at(
            format!("network.{missing}"),
            format!("{missing} is missing, where {other} is given"),
            format!("add {missing}: {}", meaning(missing)),
        )),
    }
}

fn meaning(key: &str) -> &'static str {
    match key {
        "depth" => "the number of layers from input to output",
        "fusion_layer" => "1 for early fusion, up to the depth for late fusion",
        "private_layers" => "a number of layers for each modality",
        _ => "the number of layers after the fusion, 0 for late fusion",
    }
}

fn depth_and_fusion(depth: Option<usize>, fusion: Option<usize>) -> Result<(usize, usize)> {
    let (depth, fusion) = (depth.unwrap_or_default(), fusion.unwrap_or_default());
    check::count("network.depth", depth as u64, LAYERS)?;
    let key = "network.fusion_layer";
    if fusion > depth {
        return Err(InputError::at(
            key,
            format!("{fusion} is more than the depth, {depth}"),
            format!("give a whole number from 1 (early fusion) to {depth} (late fusion)"),
        ));
    }
    check::count(key, fusion as u64, 1..=depth as u64)?;
    Ok((depth, fusion))
}

/// Numbers of private layers in the order of the modalities, and of shared ones.
fn private_depths(
    private: &ByModality<usize>,
    shared: Option<usize>,
    modalities: &[&str],
) -> Result<(Vec<usize>, usize)> {
    let key = "network.private_layers";
    check::same_names(key, private.keys(), "data", modalities)?;
    for (name, &layers) in private {
        check::count(&format!("{key}.{name}"), layers as u64, LAYERS)?;
    }
    let shared = shared.unwrap_or_default();
    check::count("network.shared_layers", shared as u64, 0..=*LAYERS.end())?;
    let layers = modalities
        .iter()
        .filter_map(|name| private.get(*name).copied());
    Ok((layers.collect(), shared))
}

fn hidden_widths(network: &NetworkSection, depth: usize) -> Result<Vec<usize>> {
    let hidden = depth.saturating_sub(1);
    match (network.width, &network.widths) {
        (Some(_), Some(_)) => Err(InputError::at(
            "network.widths",
            "width and widths are both given",
            "give one width for all hidden layers, or widths, one for each; from the command \
             line, --set network.width=null removes width",
        )),
        (None, None) if hidden > 0 => Err(InputError::at(
            "network.width",
            "width is missing",
            "add width: 100, or widths: one number for each hidden layer",
        )),
        (None, None) => Ok(Vec::new()),
        (Some(width), None) => {
            check::count("network.width", width as u64, WIDTH)?;
            Ok(vec![width; hidden])
        }
        (None, Some(widths)) => {
            check_each(widths, hidden)?;
            Ok(widths.clone())
        }
    }
}

fn check_each(widths: &[usize], hidden: usize) -> Result<()> {
    if widths.len() != hidden {
        return Err(InputError::at(
            "network.widths",
            format!(
                "{} numbers, where the network has {hidden} hidden layers (depth {})",
                widths.len(),
                hidden + 1
            ),
            format!("give {hidden} numbers, or one width for all"),
        ));
    }
    for (i, &width) in widths.iter().enumerate() {
        check::count(&format!("network.widths.{i}"), width as u64, WIDTH)?;
    }
    Ok(())
}
