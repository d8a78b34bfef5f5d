//! The network section.

use super::{count, data, number, same_names, wrong};
use crate::error::Result;
use crate::scenario::{Activation, ByModality, DataSection, FlowSection, Method, NetworkSection};
use std::ops::RangeInclusive;

const LAYERS: RangeInclusive<u64> = 1..=64;
const WIDTH: RangeInclusive<u64> = 1..=10_000_000;

/// `modalities` are the names of the data's.
pub(super) fn check(network: &NetworkSection, modalities: &[&str]) -> Result<()> {
    check_either_form(network)?;
    let depth = match &network.private_layers {
        Some(private) => check_private(private, network.shared_layers, modalities)?,
        None => check_depth(network.depth, network.fusion_layer)?,
    };
    check_widths(network, depth)
}

/// What an activation or biases ask of data and integration.
pub(super) fn check_units(
    network: &NetworkSection,
    data: &DataSection,
    flow: &FlowSection,
) -> Result<()> {
    let activation = network.activation;
    if let Activation::LeakyRelu(slope) = activation {
        number("network.activation.leaky_relu", slope, 0.0..=1.0)?;
    }
    if !activation.is_smooth() && flow.method == Method::Exponential {
        return Err(wrong(
            "flow.method",
            format!(
                "exponential steps need a smooth activation, and {} has a kink",
                activation.name()
            ),
            "choose auto, dopri5 or dop853",
        ));
    }
    let cause = match (activation.is_linear(), network.biases) {
        (false, _) => format!("the activation {}", activation.name()),
        (true, true) => "a network with biases".to_owned(),
        (true, false) => return Ok(()),
    };
    match data::source_without_samples(data) {
        None => Ok(()),
        Some(source) => Err(wrong(
            format!("data.{source}.samples"),
            format!("this key is missing: {cause} needs samples, moments are not enough"),
            format!("add samples: 8192 under data.{source}, the number of samples to draw"),
        )),
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
        return Err(wrong(
            format!("network.{b}"),
            format!("{b} and {a} are both given"),
            format!(
                "give either depth and fusion_layer, or private_layers and shared_layers; from \
                 the command line, --set network.{a}=null removes {a}"
            ),
        ));
    }
    if given(&first).is_none() && given(&second).is_none() {
        return Err(wrong(
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
        [(missing, false), (other, _)] | [(other, _), (missing, _)] => Err(wrong(
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

fn check_depth(depth: Option<usize>, fusion: Option<usize>) -> Result<usize> {
    let (depth, fusion) = (depth.unwrap_or_default(), fusion.unwrap_or_default());
    count("network.depth", depth as u64, LAYERS)?;
    let key = "network.fusion_layer";
    if fusion > depth {
        return Err(wrong(
            key,
            format!("{fusion} is more than the depth, {depth}"),
            format!("give a whole number from 1 (early fusion) to {depth} (late fusion)"),
        ));
    }
    count(key, fusion as u64, 1..=depth as u64)?;
    Ok(depth)
}

/// The depth of the deepest path.
fn check_private(
    private: &ByModality<usize>,
    shared: Option<usize>,
    modalities: &[&str],
) -> Result<usize> {
    let key = "network.private_layers";
    same_names(key, private.keys(), "data", modalities)?;
    for (name, &layers) in private {
        count(&format!("{key}.{name}"), layers as u64, LAYERS)?;
    }
    let shared = shared.unwrap_or_default();
    count("network.shared_layers", shared as u64, 0..=*LAYERS.end())?;
    Ok(private.values().max().copied().unwrap_or_default() + shared)
}

fn check_widths(network: &NetworkSection, depth: usize) -> Result<()> {
    let hidden = depth.saturating_sub(1);
    match (network.width, &network.widths) {
        (Some(_), Some(_)) => Err(wrong(
            "network.widths",
            "width and widths are both given",
            "give one width for all hidden layers, or widths, one for each; from the command \
             line, --set network.width=null removes width",
        )),
        (None, None) if hidden > 0 => Err(wrong(
            "network.width",
            "width is missing",
            "add width: 100, or widths: one number for each hidden layer",
        )),
        (None, None) => Ok(()),
        (Some(width), None) => count("network.width", width as u64, WIDTH),
        (None, Some(widths)) => check_each(widths, hidden),
    }
}

fn check_each(widths: &[usize], hidden: usize) -> Result<()> {
    if widths.len() != hidden {
        return Err(wrong(
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
        count(&format!("network.widths.{i}"), width as u64, WIDTH)?;
    }
    Ok(())
}
