//! What axes and quantities are called in figures.

use crate::plot::literal;
use crate::report::format::number;
use crate::scenario::{AxisValue, Column};
use modalflow::network::Architecture;
use std::collections::HashSet;

/// Keys of the scenario, with `*` for a modality or the source of data; the symbol beside a value, and the name
/// along an axis. The key stands for a missing symbol, and the symbol for a missing name.
const KEYS: &str = "
data.toy.rho             | ρ           | correlation ρ
data.toy.sigma.*         | σ_{*}       | standard deviation σ_{*} of input *
data.toy.target.*        | w_{*}       |
data.xor.sigma           | σ_A         | standard deviation σ_A of input A
data.additive.rho        | ρ           | correlation ρ
data.additive.*.linear   | linear share of * | share of the target's part of * that a linear map explains
data.additive.*.bits     | bits of *   | inputs of two values in *
data.additive.product    | p           | weight p of the product of both modalities
data.additive.*.size     | size of *   | size of the target's part of *
data.images.noise.std    |             | standard deviation of the noise in place of images
data.images.noise.both   |             | probability of both views showing the image
data.images.limit        |             | number of images P
data.wishart.outputs     | outputs     |
data.table.path          | table       |
data.arrays.modalities.* | *           | arrays of *
data.arrays.target       | target      |
data.*.samples           | P           | number of samples P
network.depth            | L           | depth L
network.fusion_layer     | L_f         | fusion layer L_f
network.private_layers.* | L_{*}       | private layers L_{*}
network.activation       | activation  |
network.width            |             | width
init.gaussian.std        | initial std | standard deviation of the initial weights
init.gaussian_norm.norm  | u_0         | norm u_0 of the initial layers
init.aligned.norm        | u_0         | norm u_0 of the initial layers
init.lambda_balanced.norm | u_0        | norm u_0 of the balanced part of the initial layers
init.lambda_balanced.lambda.* | λ_{*}  | imbalance λ_{*} of the initial layers of *
init.scale.*             |             | factor on the initial layers of *
descent.learning_rate    | η           | learning rate η
descent.batch            | batch size  |
remedy.rate.*            | c_{*}       | factor c_{*} on the learning rate of *
remedy.auxiliary.*       | λ_{*}       | weight λ_{*} of the loss on the output of * alone
remedy.keep.*            | q_{*}       | probability q_{*} that * is kept
remedy.schedule.0.until  | T_1         | time T_1 at which the first stage ends (η × descent steps)
remedy.modulate.alpha    | α           | strength α of the modulation
flow.weight_decay        | μ           | weight decay μ
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

/// `σ_A = 2`, of one of the values of a column.
pub(super) fn assignment(column: &Column, value: &AxisValue) -> String {
    let [symbol, _] = names(&column.path);
    let shown = match (value, value.as_number()) {
        (AxisValue::Absent, _) => "none".to_owned(),
        (AxisValue::Word(word), _) => literal(ending(word, &column.values)),
        (_, Some(number)) => signed(number),
        (other, None) => literal(&other.to_string()),
    };
    format!("{symbol} = {shown}")
}

/// Of a path the last parts, as many as tell all paths of the column apart; other words have one part.
fn ending<'w>(word: &'w str, values: &[AxisValue]) -> &'w str {
    let words = values.iter().filter_map(|value| match value {
        AxisValue::Word(word) => Some(word.as_str()),
        _ => None,
    });
    let most = words.clone().map(|word| word.split('/').count()).max();
    let tells_apart = |parts: &usize| {
        let mut seen = HashSet::new();
        words
            .clone()
            .all(|word| seen.insert(last_parts(word, *parts)))
    };
    let parts = (1..most.unwrap_or(1)).find(tells_apart);
    parts.map_or(word, |parts| last_parts(word, parts))
}

/// The last parts of a path; all where it has no more.
fn last_parts(path: &str, parts: usize) -> &str {
    let start = path.rmatch_indices('/').nth(parts.saturating_sub(1));
    start.map_or(path, |(slash, _)| &path[slash + 1..])
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
        let column = |path: &str| Column {
            path: path.to_owned(),
            values: Vec::new(),
        };
        let named = |path: &str| (axis(path), assignment(&column(path), &AxisValue::Whole(-2)));
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
        let batch = assignment(&column("descent.batch"), &AxisValue::Absent);
        assert_eq!(batch, "batch size = none");
    }
    #[test]
    fn paths_are_shown_by_as_many_last_parts_as_tell_all_of_them_apart() {
        let shown = |paths: &[&str]| -> Vec<String> {
            let values: Vec<AxisValue> =
                paths.iter().map(|p| AxisValue::Word((*p).into())).collect();
            let path = "data.table.path".to_owned();
            let column = Column { path, values };
            let shown = column.values.iter().map(|value| assignment(&column, value));
            shown.collect()
        };
        assert_eq!(
            shown(&["data/2024/a.csv", "b.csv"]),
            ["table = a.csv", "table = b.csv"]
        );
        assert_eq!(
            shown(&["d/one/a.csv", "d/two/a.csv", "d/two/b.csv"]),
            [
                "table = one/a.csv",
                "table = two/a.csv",
                "table = two/b.csv"
            ]
        );
        assert_eq!(
            shown(&["x/a.csv", "a.csv"]),
            ["table = x/a.csv", "table = a.csv"]
        );
        assert_eq!(
            shown(&["a.csv", "a.csv"]),
            ["table = a.csv", "table = a.csv"]
        );
    }
}
