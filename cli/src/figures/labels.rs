//! What axes and quantities are called in figures.

use crate::plot::literal;
use crate::report::format::number;
use crate::scenario::AxisValue;
use modalflow::network::Architecture;

/// Keys of the scenario, with `*` for a modality or the source of data; the symbol beside a value, and the name
/// along an axis. The key stands for a missing symbol, and the symbol for a missing name.
const KEYS: &str = "
data.toy.rho             | ρ           | correlation ρ
data.toy.sigma.*         | σ_{*}       | standard deviation σ_{*} of input *
data.toy.target.*        | w_{*}       |
data.xor.sigma           | σ_A         | standard deviation σ_A of input A
data.images.noise.std    |             | standard deviation of the noise in place of images
data.images.noise.both   |             | probability of both views showing the image
data.images.limit        |             | number of images P
data.wishart.outputs     | outputs     |
data.*.samples           | P           | number of samples P
network.depth            | L           | depth L
network.fusion_layer     | L_f         | fusion layer L_f
network.private_layers.* | L_{*}       | private layers L_{*}
network.activation       | activation  |
network.width            |             | width
init.gaussian.std        | initial std | standard deviation of the initial weights
init.gaussian_norm.norm  | u_0         | norm u_0 of the initial layers
init.aligned.norm        | u_0         | norm u_0 of the initial layers
descent.learning_rate    | η           | learning rate η
descent.batch            | batch size  |
flow.until.time          | T           | training time T (η × descent steps)
";

/// The symbol of a scenario key and its name.
fn names(path: &str) -> [String; 2] {
    let mut names = [String::new(), String::new()];
    for row in KEYS.lines() {
        let mut columns = row.split('|').map(str::trim);
        let (before, after) = columns.next().unwrap_or_default().split_once('*').unzip();
        let pattern = before.or_else(|| row.split_whitespace().next());
        let rest = pattern.and_then(|before| path.strip_prefix(before));
        let part = rest.and_then(|rest| rest.strip_suffix(after.unwrap_or_default()));
        if let Some(part) = part.filter(|part| before.is_some() || part.is_empty()) {
            // Braces hold a script together; elsewhere underscores are shown.
            let script = format!("{{{part}}}");
            let fill = |text: &str| text.replace("{*}", &script).replace('*', &literal(part));
            names = [(); 2].map(|()| fill(columns.next().unwrap_or_default()));
        }
    }
    if names[0].is_empty() {
        names[0] = literal(path);
    }
    if names[1].is_empty() {
        names[1] = names[0].clone();
    }
    names
}

/// The name of a scenario key along an axis.
pub(super) fn axis(path: &str) -> String {
    let [_, name] = names(path);
    name
}

/// `σ_A = 2`.
pub(super) fn assignment(path: &str, value: &AxisValue) -> String {
    let [symbol, _] = names(path);
    let shown = match (value, value.as_number()) {
        (AxisValue::Absent, _) => "none".to_owned(),
        (_, Some(number)) => signed(number),
        (word, None) => literal(&word.to_string()),
    };
    format!("{symbol} = {shown}")
}

/// A number with the true minus sign.
fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    format!("{sign}{}", number(value.abs()))
}

/// A saddle's name in the rich text of figures.
pub(super) fn saddle_label(architecture: &Architecture, learned: &[usize]) -> String {
    let name = architecture.saddle_name(Some(learned));
    format!("M_{{{}}}", name.trim_start_matches("M_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_shipped_sweeps_have_names() {
        let named = |path: &str| (axis(path), assignment(path, &AxisValue::Whole(-2)));
        let expected = |name: &str, shown: &str| (name.to_owned(), shown.to_owned());
        let time = "training time T (η × descent steps)";
        assert_eq!(named("flow.until.time"), expected(time, "T = \u{2212}2"));
        let stack = expected("private layers L_{B}", "L_{B} = \u{2212}2");
        assert_eq!(named("network.private_layers.B"), stack);
        let sigma = "standard deviation σ_{a_b} of input a\\_b";
        let sigma = expected(sigma, "σ_{a_b} = \u{2212}2");
        assert_eq!(named("data.toy.sigma.a_b"), sigma);
        let samples = expected("number of samples P", "P = \u{2212}2");
        assert_eq!(named("data.toy.samples"), samples);
        assert_eq!(named("a_b"), expected("a\\_b", "a\\_b = \u{2212}2"));
        let batch = assignment("descent.batch", &AxisValue::Absent);
        assert_eq!(batch, "batch size = none");
    }
}
