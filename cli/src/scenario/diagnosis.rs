//! A data section, or options alone, as a scenario to diagnose: what is missing has a default.
//!
//! | key | default | why |
//! |---|---|---|
//! | `network` | depth 4, late fusion, width 100, less where the network would be large | deep enough for early, two intermediate and late fusion |
//! | `init` | `gaussian_norm: {norm: 0.1}` | small layers, as the theory asks for; intermediate fusion depends on the norm |
//! | `flow.until` | `loss_gap: 1e-3` | what is left then is below what any hold-out sees; a diagnosis adds a time by theory |
//! | `flow.rtol` | 1e-4 | times to four digits |
//! | `data.table`, `data.arrays` | `holdout: 0.2` | an error to stop early by |

use super::Loaded;
use super::overrides::Override;
use crate::error::Result;
use serde_json::Value as Json;
use serde_yaml::{Mapping, Value};
use std::path::Path;

/// A key that an option of the command line gives.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionKey {
    /// Dotted path of the key.
    pub key: String,
    /// Its value.
    pub value: Json,
    /// The option as typed, `--depth 5`.
    pub typed: String,
}

impl Loaded {
    /// A scenario to diagnose: a file that has a data section at least, or options alone, with the values of options and
    /// then those of `--set` in place of its own; and whether the width is a default.
    ///
    /// # Errors
    /// An input error where the scenario cannot be used, which names the option that is to blame; a usage error where a
    /// `--set` does not fit.
    pub fn to_diagnose(
        path: Option<&Path>,
        options: &[OptionKey],
        set: &[String],
    ) -> Result<(Loaded, bool)> {
        let options = options.iter().map(|option| {
            Ok(Override {
                path: option.key.clone(),
                typed: option.typed.clone(),
                // Plain data always becomes YAML.
                value: serde_yaml::to_value(&option.value).unwrap_or_default(),
            })
        });
        let set = set.iter().map(|typed| Override::parse(typed));
        let overrides: Vec<Override> = options.chain(set).collect::<Result<_>>()?;
        Self::with_defaults(Self::text(path)?, overrides)
    }

    /// The same from the text of the file `path`, with changes that are read already.
    ///
    /// # Errors
    /// As for [`Loaded::to_diagnose`].
    pub fn changed_to_diagnose(
        path: &Path,
        text: String,
        overrides: Vec<Override>,
    ) -> Result<(Loaded, bool)> {
        Self::with_defaults((path, text), overrides)
    }

    fn with_defaults(text: (&Path, String), overrides: Vec<Override>) -> Result<(Loaded, bool)> {
        let loaded = Loaded::filled_in(text, overrides, fill_in)?;
        let given = loaded.source.changed_value()?;
        let network = given.get("network").and_then(Value::as_mapping);
        let is_width_free = network.is_none_or(|network| !has_any(network, &["width", "widths"]));
        Ok((loaded, is_width_free))
    }
}

/// Fills in what may be missing.
fn fill_in(scenario: &mut Value) {
    let Value::Mapping(scenario) = scenario else {
        return;
    };
    if let Some(network) = section(scenario, "network") {
        if !has_any(network, &["private_layers", "shared_layers"]) {
            default(network, "depth", 4u64);
            let depth = network.get("depth").cloned().unwrap_or_default();
            default(network, "fusion_layer", depth);
        }
        if !has_any(network, &["widths"]) {
            default(network, "width", 100u64);
        }
    }
    if let Some(init) = section(scenario, "init") {
        let scheme = [
            "gaussian",
            "gaussian_norm",
            "aligned",
            "lambda_balanced",
            "file",
        ];
        if !has_any(init, &scheme) {
            default(init, "gaussian_norm", mapping("norm", 0.1));
        }
    }
    if let Some(flow) = section(scenario, "flow") {
        default(flow, "rtol", 1e-4);
        default(flow, "until", mapping("loss_gap", 1e-3));
    }
    let data = scenario.get_mut("data").and_then(Value::as_mapping_mut);
    for (source, data) in data.into_iter().flatten() {
        let has_rows = matches!(source.as_str(), Some("table" | "arrays"));
        if let Some(data) = data.as_mapping_mut().filter(|_| has_rows) {
            default(data, "constant", "drop");
            if !has_any(data, &["holdout", "folds"]) {
                default(data, "holdout", 0.2);
            }
        }
    }
}

/// A section, made where it is missing; None where something else stands there.
fn section<'v>(scenario: &'v mut Mapping, name: &str) -> Option<&'v mut Mapping> {
    let empty = || Value::Mapping(Mapping::new());
    let section = scenario.entry(name.into()).or_insert_with(empty);
    section.as_mapping_mut()
}

fn has_any(section: &Mapping, keys: &[&str]) -> bool {
    keys.iter().any(|key| section.contains_key(*key))
}

fn default(section: &mut Mapping, key: &str, value: impl Into<Value>) {
    section.entry(key.into()).or_insert_with(|| value.into());
}

fn mapping(key: &str, value: f64) -> Value {
    Value::Mapping(Mapping::from_iter([(key.into(), value.into())]))
}
