//! Scenario texts with every key written out, and what the tests do with them: change one thing
//! at a time and read the error.

use modalflow_cli::scenario::{Loaded, ScenarioFile};
use std::path::Path;

/// Lines: name 1, data 3, network 12, init 16, flow 19, descent 25, detector 27, output 31.
pub const BASE: &str = "\
name: base
seed: 1
data:
  toy:
    rho: 0.5
    sigma:
      A: 2.0
      B: 1.0
    target: {A: 1.0, B: 1.0}
    noise: 0.0
    samples: 100
network:
  depth: 4
  fusion_layer: 3
  width: 100
init:
  gaussian:
    std: 1.0e-9
flow:
  method: dopri5
  rtol: 1.0e-8
  atol: 1.0e-17
  max_steps: 1000
  until: {time: 40.0, loss_gap: 1.0e-6}
descent:
  learning_rate: [0.08, 0.04]
detector:
  share: 0.05
  dip: 0.1
  drop: 1.0e-3
output:
  samples: 500
  spacing: linear
  weights: false
";

/// Starts on line 4 of the text.
pub const MOMENTS: &str = "  moments:
    modalities: {A: 2, B: 1}
    inputs:
      - [1.0, 0.5, 0.0]
      - [0.5, 2.0, 0.0]
      - [0.0, 0.0, 1.0]
    target_map: [[1, 0, 1]]
    noise: 0.1
    samples: 70
";

/// Starts on line 4 of the text.
pub const ISOTROPIC: &str = "  isotropic:
    modalities: {A: 10, B: 20}
    variance: {A: 3.0, B: 1.0}
    weight: {A: 0.1, B: -0.2}
    noise: 0.5
    samples: 70
";

/// Starts on line 4 of the text.
pub const WISHART: &str = "  wishart:
    modalities: {A: 10, B: 10}
    scale: {A: 2.0, B: 1.0}
    outputs: 2
    noise: 0.5
    samples: 50
";

/// Starts on line 4 of the text.
pub const TABLE: &str = "  table:
    path: data/x.csv
    modalities:
      A: [a, b]
      B: [c]
    targets: [y]
    standardise: true
    holdout: 0.25
";

/// Starts on line 13 of the text.
pub const PRIVATE: &str = "  private_layers: {A: 2, B: 3}
  shared_layers: 1
  widths: [5, 6, 7]
";

/// The text with its first `from` replaced; a test whose `from` is not there would test nothing.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the text");
    text.replacen(from, to, 1)
}

/// The base text with another source of data.
pub fn with_data(source: &str) -> String {
    between("data:\n", "network:\n", source)
}

/// The base text with another network.
pub fn with_network(network: &str) -> String {
    between("network:\n", "init:\n", network)
}

fn between(start: &str, end: &str, block: &str) -> String {
    let from = BASE.find(start).expect("the section") + start.len();
    let to = BASE.find(end).expect("the next section");
    format!("{}{block}{}", &BASE[..from], &BASE[to..])
}

/// The scenario, or the error as the user sees it.
pub fn load(text: &str, overrides: &[&str]) -> Result<ScenarioFile, String> {
    let overrides: Vec<_> = overrides.iter().map(|&o| o.to_owned()).collect();
    Loaded::parse(Path::new("base.yaml"), text.to_owned(), &overrides)
        .map(|loaded| loaded.file)
        .map_err(|error| {
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        })
}

/// One change to a text, and the error it must lead to.
pub struct Case {
    pub from: &'static str,
    pub to: &'static str,
    pub line: usize,
    pub key: &'static str,
    /// Words of problem and remedy.
    pub words: &'static [&'static str],
}

/// Rows of `from => to, line, key, [words];`.
macro_rules! cases {
    ($($from:literal => $to:literal, $line:literal, $key:literal, [$($word:literal),*];)*) => {
        &[$(Case {
            from: $from,
            to: $to,
            line: $line,
            key: $key,
            words: &[$($word),*],
        }),*]
    };
}
pub(crate) use cases;

/// All cases are tried before the test fails, so that one run shows every broken one.
pub fn check(text: &str, cases: &[Case]) {
    let wrong: Vec<_> = cases.iter().filter_map(|case| broken(text, case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn broken(text: &str, case: &Case) -> Option<String> {
    let name = format!("{:?} -> {:?}", case.from, case.to);
    let message = match load(&replaced(text, case.from, case.to), &[]) {
        Ok(_) => return Some(format!("{name}: loaded")),
        Err(message) => message,
    };
    let start = format!("base.yaml:{}: {}: ", case.line, case.key);
    let has_words = case.words.iter().all(|word| message.contains(word));
    let help = message.split_once("\n  help: ").map(|(_, help)| help);
    let fits =
        message.starts_with(&start) && has_words && help.is_some_and(|help| !help.is_empty());
    (!fits).then(|| {
        format!(
            "{name}:\n  wanted {start} {:?}\n  got {message}",
            case.words
        )
    })
}
