//! Text to checked scenario, one way only: bytes, text, YAML value, `--set`, types, ranges.

use super::locate::{self, Flaw, leads_to, line_of};
use super::overrides::Override;
use super::validate::validate;
use super::{ScenarioFile, explain};
use crate::error::{Error, InputError, Result};
use modalflow::experiment::Scenario;
use modalflow::section::check;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_yaml::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A scenario that passed every check, and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What stands in the file: the name is set, file paths are joined to the scenario's folder.
    pub file: ScenarioFile,
    /// The file behind it, to give later errors their line.
    pub source: Source,
}

/// A scenario file and the `--set` changes to it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    text: String,
    overrides: Vec<Override>,
}

impl Loaded {
    /// Reads, changes and checks the scenario file `path`.
    ///
    /// # Errors
    /// An input error with file, line and key where the file cannot be used; a usage error
    /// where a `--set` is malformed or does not fit the file.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Loaded> {
        Self::parse(path, read_text(path)?, overrides)
    }

    /// The same from the text of the file, without reading it again.
    ///
    /// # Errors
    /// As for [`Loaded::read`].
    pub fn parse(path: &Path, text: String, overrides: &[String]) -> Result<Loaded> {
        let overrides = overrides.iter().map(|typed| Override::parse(typed));
        let source = Source {
            path: path.to_owned(),
            text,
            overrides: overrides.collect::<Result<_>>()?,
        };
        match source.file() {
            Ok(file) => Ok(Loaded { file, source }),
            Err(error) => Err(source.locate(error)),
        }
    }
}

impl Source {
    /// Adds file and line to an error that knows only its key. Where the key came from a
    /// `--set`, the message says so and names no line.
    pub fn locate(&self, error: Error) -> Error {
        let Error::Input(mut error) = error else {
            return error;
        };
        if error.file.is_some() {
            return error.into();
        }
        let key = error.key.clone().unwrap_or_default();
        // The last of several is the one that counts.
        let mut changes = self.overrides.iter().rev();
        if let Some(change) = changes.find(|o| o.path == key || leads_to(&o.path, &key)) {
            error.problem = format!("from --set {}: {}", change.typed, error.problem);
            return error.into();
        }
        let concerned = self.overrides.iter().filter(|o| concerns(o, &error));
        let notes: String = concerned
            .map(|change| format!(" (with --set {})", change.typed))
            .collect();
        error.problem += &notes;
        error.file = Some(self.path.clone());
        if error.line.is_none() {
            error.line = line_of(&self.text, &key);
        }
        error.into()
    }

    fn file(&self) -> Result<ScenarioFile> {
        let value = self.changed_value()?;
        let empty = key_without_value(&value);
        let file = self.file_of(value)?;
        match empty {
            None => Ok(file),
            Some(key) => {
                let remedy = "give it one ({} stands for the defaults), or take the key out";
                Err(InputError::at(key, "this key has no value", remedy).into())
            }
        }
    }

    /// The file's value with the `--set` changes.
    pub(super) fn changed_value(&self) -> Result<Value> {
        let mut value = self.value()?;
        for change in &self.overrides {
            change.apply(&mut value)?;
        }
        Ok(value)
    }

    /// A value as a scenario, ranges unchecked.
    pub(super) fn typed(value: Value) -> Result<Scenario> {
        Ok(
            serde_path_to_error::deserialize(value)
                .map_err(|error| explain::explain(&error, ""))?,
        )
    }

    /// A value as a checked scenario of this file, with its sweep and figures.
    fn file_of(&self, mut value: Value) -> Result<ScenarioFile> {
        let sweep = take_key(&mut value, "sweep")?;
        let figure = take_key(&mut value, "figure")?.unwrap_or_default();
        let mut file = ScenarioFile {
            scenario: Self::typed(value)?,
            sweep,
            figure,
        };
        validate(&file)?;
        self.complete(&mut file.scenario)?;
        Ok(file)
    }

    /// A value as a checked scenario of this file.
    pub(super) fn scenario_of(&self, value: Value) -> Result<Scenario> {
        let mut scenario = Self::typed(value)?;
        scenario.check()?;
        self.complete(&mut scenario)?;
        Ok(scenario)
    }

    /// Fills in the name, and joins paths to the file's folder.
    fn complete(&self, scenario: &mut Scenario) -> Result<()> {
        if scenario.name.is_none() {
            scenario.name = Some(self.default_name()?);
        }
        self.join_paths(scenario);
        Ok(())
    }

    fn value(&self) -> Result<Value> {
        let flawed = |flaw: Flaw| InputError {
            file: Some(self.path.clone()),
            line: flaw.line,
            key: flaw.key,
            problem: flaw.problem,
            remedy: flaw.remedy,
            unknown: None,
        };
        locate::survey(&self.text).map_err(flawed)?;
        let value: Value = serde_yaml::from_str(&self.text)
            .map_err(|error| flawed(locate::syntax(&self.text, &error)))?;
        match value {
            Value::Mapping(_) => Ok(value),
            Value::Null => Err(self.unusable("the file is empty", EXAMPLE).into()),
            _ => Err(self
                .unusable("the file is not a mapping (key: value)", EXAMPLE)
                .into()),
        }
    }

    fn unusable(&self, problem: &str, remedy: &str) -> InputError {
        InputError::in_file(&self.path, None, problem, remedy)
    }

    fn default_name(&self) -> Result<String> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        if check::run_name(&stem).is_ok() {
            return Ok(stem.into_owned());
        }
        let fit: String = stem
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .take(40)
            .collect();
        let fit = if fit.is_empty() { "scenario" } else { &fit };
        Err(InputError::at(
            "name",
            format!("this key is missing, and the file's name {stem:?} cannot stand in for it"),
            format!("add `name: {fit}`: letters, digits, _ and - only"),
        )
        .into())
    }

    fn join_paths(&self, scenario: &mut Scenario) {
        let Some(folder) = self.path.parent() else {
            return;
        };
        for (_, path) in scenario.files_mut() {
            *path = folder.join(&*path);
        }
    }
}

/// Takes a key out of a mapping, typed; None where it is not there.
fn take_key<T: DeserializeOwned>(value: &mut Value, key: &str) -> Result<Option<T>> {
    let taken = value.as_mapping_mut().and_then(|map| map.shift_remove(key));
    let Some(taken) = taken.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let typed = serde_path_to_error::deserialize(taken);
    Ok(Some(typed.map_err(|error| explain::explain(&error, key))?))
}

/// The first key that stands without a value. It would be taken for one that is not there, which is
/// not what who writes `adam:` means. In sweep and figure a null has a meaning.
fn key_without_value(value: &Value) -> Option<String> {
    let Value::Mapping(map) = value else {
        return None;
    };
    map.iter().find_map(|(key, value)| {
        let key = key.as_str()?;
        if value.is_null() {
            return Some(key.to_owned());
        }
        let inside = match key {
            "sweep" | "figure" => None,
            _ => key_without_value(value),
        };
        inside.map(|inside| format!("{key}.{inside}"))
    })
}

const EXAMPLE: &str =
    "give at least data, network, init and flow; the folder scenarios/ has examples";

/// Whether a `--set` has a part in an error at another key: it changed something below that
/// key, or a key that the error names.
fn concerns(change: &Override, error: &InputError) -> bool {
    let key = error.key.as_deref().unwrap_or_default();
    let name = change.path.rsplit('.').next().unwrap_or_default();
    // A list index is not a name: every small number in a message would match it.
    let is_name = name.starts_with(|c: char| !c.is_ascii_digit());
    let mut words = error
        .problem
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    leads_to(key, &change.path) || is_name && words.any(|word| word == name)
}

fn read_text(path: &Path) -> Result<String> {
    let unusable = |problem: &str, remedy: &str| InputError::in_file(path, None, problem, remedy);
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => unusable("there is no such file", "check the path and its spelling"),
        ErrorKind::IsADirectory => unusable(
            "this is a folder, not a scenario file",
            "name a YAML file in it",
        ),
        _ => unusable(
            &format!("the file cannot be read: {error}"),
            "check the file and its permissions",
        ),
    })?;
    let text = String::from_utf8(bytes).ok().filter(|t| !t.contains('\0'));
    let text = text.ok_or_else(|| {
        unusable(
            "the file is not UTF-8 text",
            "give a scenario in YAML, saved as UTF-8",
        )
    })?;
    // The byte-order mark some editors put first would become part of the first key.
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// JSON Schema of the scenario file, for editors.
pub fn schema() -> String {
    let mut schema = json_schema();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "modalflow scenario".into());
    }
    format!("{schema:#}\n")
}

pub(super) fn json_schema() -> Json {
    schemars::schema_for!(ScenarioFile).to_value()
}

/// The scenario as YAML; reading it gives the same scenario.
pub fn to_yaml(scenario: &ScenarioFile) -> String {
    match serde_yaml::to_string(scenario) {
        Ok(text) => text,
        // Only a path that is not UTF-8: a scenario whose folder has such a name.
        Err(error) => format!("# cannot be written as YAML: {error}\n"),
    }
}
