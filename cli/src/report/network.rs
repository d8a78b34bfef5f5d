//! A network in words.

use super::format::number;
use modalflow::network::{Activation, Architecture, Stack};

/// One line on the network: fusion, depth, widths, number of weights.
pub fn network_line(architecture: &Architecture) -> String {
    let depth = match architecture.fusion() {
        Some(fusion) => format!("L = {}, Lf = {}", fusion.depth, fusion.layer),
        None => {
            let depths = architecture.modalities.iter().enumerate();
            let depths = depths
                .map(|(m, modality)| format!("{} {}", modality.name, architecture.fusion_layer(m)));
            format!(
                "private layers {}, {} shared",
                depths.collect::<Vec<_>>().join(", "),
                architecture.shared.len()
            )
        }
    };
    let weights = architecture.len();
    format!(
        "{}, {depth}{}{}, {weights} weights",
        fusion_name(architecture),
        widths(architecture),
        units(architecture)
    )
}

/// Activation and biases, where there are any.
fn units(architecture: &Architecture) -> String {
    let activation = match architecture.activation {
        Activation::Linear => String::new(),
        Activation::LeakyRelu(slope) => format!(", leaky_relu of slope {}", number(slope)),
        other => format!(", {}", other.name()),
    };
    let biases = match architecture.biases.is_empty() {
        true => "",
        false => ", with biases",
    };
    activation + biases
}

fn widths(architecture: &Architecture) -> String {
    let is_hidden = |l: usize| match architecture.layers[l].stack {
        Stack::Private(m) => l + 1 < architecture.private[m].end || !architecture.shared.is_empty(),
        Stack::Shared => l + 1 < architecture.shared.end,
    };
    let mut widths: Vec<usize> = (0..architecture.layers.len())
        .filter(|&l| is_hidden(l))
        .map(|l| architecture.layers[l].rows)
        .collect();
    widths.sort_unstable();
    match (widths.first(), widths.last()) {
        (Some(least), Some(most)) if least == most => format!(", width {least}"),
        (Some(least), Some(most)) => format!(", widths {least} to {most}"),
        _ => String::new(),
    }
}

/// The kind of fusion in words.
pub fn fusion_name(architecture: &Architecture) -> String {
    match architecture.fusion() {
        Some(fusion) if fusion.depth == 1 => "linear regression".into(),
        Some(fusion) if fusion.is_early() => "early fusion".into(),
        Some(fusion) if fusion.is_late() => "late fusion".into(),
        Some(fusion) => format!("fusion at layer {}", fusion.layer),
        None => "fusion at unequal depths".into(),
    }
}
