//! What axes are called in figures.

use crate::plot::literal;
use crate::report::format::number;
use crate::scenario::AxisValue;
use modalflow::network::Architecture;

/// The name of a scenario key along an axis.
pub(super) fn axis(path: &str) -> String {
    match path {
        "data.toy.rho" => "correlation ρ".into(),
        "network.depth" => "depth L".into(),
        "network.fusion_layer" => "fusion layer L_f".into(),
        "network.width" => "width".into(),
        "init.gaussian.std" => "standard deviation of the initial weights".into(),
        "init.gaussian_norm.norm" | "init.aligned.norm" => "norm u_0 of the initial layers".into(),
        "data.xor.sigma" => "standard deviation σ_A of input A".into(),
        "data.images.noise.std" => "standard deviation of the noise in place of images".into(),
        "data.images.noise.both" => "probability of both views showing the image".into(),
        "data.images.limit" => "number of images P".into(),
        "descent.learning_rate" => "learning rate η".into(),
        "flow.until.time" => "training time T (η × descent steps)".into(),
        _ if path.starts_with("network.private_layers.") => {
            format!("private layers {}", symbol(path))
        }
        _ => match path.strip_prefix("data.toy.sigma.") {
            Some(modality) => format!(
                "standard deviation σ_{{{modality}}} of input {}",
                literal(modality)
            ),
            None if path.ends_with(".samples") => "number of samples P".into(),
            None => symbol(path),
        },
    }
}

/// A saddle's name in the rich text of figures.
pub(super) fn saddle_label(architecture: &Architecture, learned: &[usize]) -> String {
    let name = architecture.saddle_name(Some(learned));
    format!("M_{{{}}}", name.trim_start_matches("M_"))
}

/// The symbol of a scenario key beside a value.
pub(super) fn symbol(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let of = |prefix: &str, symbol: &str| {
        let modality = path.strip_prefix(prefix)?;
        Some(format!("{symbol}_{{{modality}}}"))
    };
    match path {
        "data.toy.rho" => "ρ".into(),
        "network.depth" => "L".into(),
        "network.fusion_layer" => "L_f".into(),
        "network.activation" => "activation".into(),
        "descent.learning_rate" => "η".into(),
        "data.xor.sigma" => "σ_A".into(),
        "init.gaussian.std" => "initial std".into(),
        "init.gaussian_norm.norm" | "init.aligned.norm" => "u_0".into(),
        "flow.until.time" => "T".into(),
        "descent.batch" => "batch size".into(),
        "data.wishart.outputs" => "outputs".into(),
        _ if last == "samples" => "P".into(),
        _ => of("data.toy.sigma.", "σ")
            .or_else(|| of("data.toy.target.", "w"))
            .or_else(|| of("network.private_layers.", "L"))
            .unwrap_or_else(|| literal(path)),
    }
}

/// `σ_A = 2`.
pub(super) fn assignment(path: &str, value: &AxisValue) -> String {
    let shown = match value {
        AxisValue::Absent => "none".to_owned(),
        value => value
            .as_number()
            .map_or_else(|| literal(&value.to_string()), signed),
    };
    format!("{} = {shown}", symbol(path))
}

/// A number with the true minus sign.
fn signed(value: f64) -> String {
    let text = number(value);
    match text.strip_prefix('-') {
        Some(size) => format!("\u{2212}{size}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_shipped_sweeps_have_names() {
        assert_eq!(
            axis("flow.until.time"),
            "training time T (η × descent steps)"
        );
        assert_eq!(axis("network.private_layers.B"), "private layers L_{B}");
        assert_eq!(
            assignment("data.wishart.outputs", &AxisValue::Whole(2)),
            "outputs = 2"
        );
        assert_eq!(
            assignment("descent.batch", &AxisValue::Absent),
            "batch size = none"
        );
    }
}
