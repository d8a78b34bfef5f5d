//! Text to checked scenario, one way only: bytes, text, YAML value, `--set`, types, ranges.

use super::events::{self, below, leads_to, line_of};
use super::overrides::Override;
use super::{ScenarioFile, SweepSection, messages};
use crate::error::{Error, InputError, Result};
use modalflow::data::ArrayFile;
use modalflow::experiment::Scenario;
use modalflow::section::check;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_yaml::{Mapping, Value};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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
    /// What fills in the keys that may be missing, where some may.
    fill_in: Option<fn(&mut Value)>,
}

impl Loaded {
    /// Reads, changes and checks the scenario file `path`, or for `-` standard input.
    ///
    /// # Errors
    /// An input error with file, line and key where the file cannot be used; a usage error
    /// where a `--set` is malformed or does not fit the file.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Loaded> {
        let (path, text) = Self::text(Some(path))?;
        Self::parse(path, text, overrides)
    }

    /// The same from the text of the file, without reading it again.
    ///
    /// # Errors
    /// As for [`Loaded::read`].
    pub fn parse(path: &Path, text: String, overrides: &[String]) -> Result<Loaded> {
        let overrides = overrides.iter().map(|typed| Override::parse(typed));
        Self::changed(path, text, overrides.collect::<Result<_>>()?)
    }

    /// The same with changes that are read already.
    ///
    /// # Errors
    /// As for [`Loaded::read`].
    pub fn changed(path: &Path, text: String, overrides: Vec<Override>) -> Result<Loaded> {
        Self::of(Source {
            path: path.to_owned(),
            text,
            overrides,
            fill_in: None,
        })
    }

    /// The path and the text of a file, of standard input for `-`, or what stands for them where there are options alone.
    ///
    /// # Errors
    /// An input error where they cannot be read.
    pub fn text(path: Option<&Path>) -> Result<(&Path, String)> {
        Ok(match path {
            None => (Path::new(OPTIONS), "{}".to_owned()),
            Some(path) if path == Path::new("-") => {
                let path = Path::new(STANDARD_INPUT);
                (path, read_standard_input(path)?)
            }
            Some(path) => (path, read_text(path)?),
        })
    }

    /// The text of a data section, from a file or from options alone, and what `fill_in` makes of it.
    ///
    /// # Errors
    /// As for [`Loaded::read`]; what comes from an option names it.
    pub(super) fn filled_in(
        (path, text): (&Path, String),
        overrides: Vec<Override>,
        fill_in: fn(&mut Value),
    ) -> Result<Loaded> {
        Self::of(Source {
            path: path.to_owned(),
            text,
            overrides,
            fill_in: Some(fill_in),
        })
    }

    fn of(source: Source) -> Result<Loaded> {
        match source.file() {
            Ok(file) => Ok(Loaded { file, source }),
            Err(error) => Err(source.locate(error)),
        }
    }
}

impl Loaded {
    /// The files that the scenario and the axes of its sweep name, each with its key.
    pub fn files(&self) -> Vec<(String, PathBuf)> {
        let ScenarioFile {
            scenario, sweep, ..
        } = &mut self.elsewhere();
        let own = scenario.files_mut().into_iter();
        let own = own.map(|(key, path)| (key.to_owned(), path.clone()));
        let axes = sweep.iter_mut().flat_map(SweepSection::files_mut);
        // Of an array in a file, the file.
        let axes = axes.map(|(key, file)| (key, ArrayFile::from(file.as_str()).path));
        own.chain(axes).collect()
    }

    /// What stands in the file, for a file in another folder: paths in the axes are joined to the scenario's folder too.
    pub fn elsewhere(&self) -> ScenarioFile {
        let mut file = self.file.clone();
        for (_, value) in file.sweep.iter_mut().flat_map(SweepSection::files_mut) {
            let ArrayFile { path, array } = ArrayFile::from(value.as_str());
            let path = self.source.folder().join(expand_home(&path));
            *value = ArrayFile { path, array }.to_string();
        }
        file
    }
}

impl Source {
    /// The folder that paths in the file are relative to.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The text of the file, without the `--set` changes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with the `--set` changes: the file's own where there are none.
    ///
    /// # Errors
    /// As for [`Loaded::read`].
    pub fn changed_text(&self) -> Result<String> {
        match self.overrides.is_empty() {
            true => Ok(self.text.clone()),
            false => Ok(serde_yaml::to_string(&self.changed_value()?).unwrap_or_default()),
        }
    }

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
            error.problem = format!("from {}: {}", change.typed, error.problem);
            return error.into();
        }
        let concerned = self.overrides.iter().filter(|o| concerns(o, &error));
        let notes: String = concerned
            .map(|change| format!(" (with {})", change.typed))
            .collect();
        error.problem += &notes;
        error.file = Some(self.path.clone());
        if error.line.is_none() {
            error.line = line_of(&self.text, &key);
        }
        error.into()
    }

    fn file(&self) -> Result<ScenarioFile> {
        let mut value = self.changed_value()?;
        self.fill_in.iter().for_each(|fill_in| fill_in(&mut value));
        let empty = key_without_value(&value);
        let (scenario, [sweep, figure]) = split(value);
        let mut file = ScenarioFile {
            scenario: Self::typed(&scenario, "")?,
            sweep: Self::typed(&sweep, "sweep")?,
            figure: Self::typed::<Option<_>>(&figure, "figure")?.unwrap_or_default(),
        };
        file.check()?;
        self.complete(&mut file.scenario)?;
        match empty {
            None => Ok(file),
            Some(key) => Err(messages::without_value(key).into()),
        }
    }

    /// The file's value with the `--set` changes.
    pub(super) fn changed_value(&self) -> Result<Value> {
        let mut value = self.value()?;
        let mut changes = self.overrides.iter();
        changes.try_for_each(|change| change.apply(&mut value))?;
        Ok(value)
    }

    /// The value at a key of the file, or the whole file, as what belongs there; ranges unchecked.
    pub(super) fn typed<T: DeserializeOwned>(value: &Value, key: &str) -> Result<T> {
        serde_path_to_error::deserialize(value)
            .map_err(|error| messages::explain(value, (json_schema(), key), &error).into())
    }

    /// A value as a checked scenario of this file.
    pub(super) fn scenario_of(&self, value: &Value) -> Result<Scenario> {
        let mut scenario: Scenario = Self::typed(value, "")?;
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
        let value = events::parse(&self.text).map_err(|error| InputError {
            file: Some(self.path.clone()),
            ..error
        })?;
        let problem = match value {
            Value::Mapping(map) => return Ok(Value::Mapping(without_extensions(map))),
            Value::Null => "the file is empty",
            _ => "the file is not a mapping (key: value)",
        };
        Err(InputError::in_file(&self.path, None, problem, EXAMPLE).into())
    }

    fn default_name(&self) -> Result<String> {
        if self.path == Path::new(STANDARD_INPUT) {
            return Ok("stdin".to_owned());
        }
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        if check::run_name(&stem).is_ok() {
            return Ok(stem.into_owned());
        }
        let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let fit: String = stem.chars().map(fits).take(40).collect();
        let fit = if fit.is_empty() { "scenario" } else { &fit };
        let problem =
            format!("this key is missing, and the file's name {stem:?} cannot stand in for it");
        let remedy = format!("add `name: {fit}`: letters, digits, _ and - only");
        Err(InputError::at("name", problem, remedy).into())
    }

    fn join_paths(&self, scenario: &mut Scenario) {
        for (_, path) in scenario.files_mut() {
            *path = self.folder().join(expand_home(path));
        }
    }
}

/// A file's keys without those that begin with `x-`: they are the author's own, to hang anchors on.
fn without_extensions(mut map: Mapping) -> Mapping {
    map.retain(|key, _| !key.as_str().is_some_and(|key| key.starts_with("x-")));
    map
}

/// The scenario in a file's value, and what stands beside it: sweep and figures, null where there
/// are none.
pub(super) fn split(mut value: Value) -> (Value, [Value; 2]) {
    let mut map = value.as_mapping_mut();
    let beside = ["sweep", "figure"].map(|key| map.as_mut()?.shift_remove(key));
    (value, beside.map(Option::unwrap_or_default))
}

/// The first key that stands without a value. It would be taken for one that is not there, which is
/// not what who writes `adam:` means. In sweep and figure a null has a meaning.
fn key_without_value(value: &Value) -> Option<String> {
    let mut entries = value.as_mapping()?.iter();
    entries.find_map(|(key, value)| match key.as_str()? {
        key if value.is_null() => Some(key.to_owned()),
        "sweep" | "figure" => None,
        key => Some(below(key, key_without_value(value)?)),
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

/// What options alone are called where a file would be named.
const OPTIONS: &str = "<options>";

/// What standard input is called where a file would be named.
const STANDARD_INPUT: &str = "<stdin>";

fn read_standard_input(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| {
        let problem = format!("standard input cannot be read: {error}");
        InputError::in_file(path, None, problem, "check what stands before the pipe")
    })?;
    text_of(path, bytes)
}

/// A path whose first part is `~`, with the home folder in its place, as a shell has it; others as
/// they are.
pub fn expand_home(path: &Path) -> PathBuf {
    let home = |rest: &Path| Some(std::env::home_dir()?.join(rest));
    let expanded = path.strip_prefix("~").ok().and_then(home);
    expanded.unwrap_or_else(|| path.to_owned())
}

fn read_text(path: &Path) -> Result<String> {
    let unusable = |problem: &str, remedy: &str| InputError::in_file(path, None, problem, remedy);
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => unusable("there is no such file", "check the path and its spelling"),
        ErrorKind::IsADirectory => {
            let problem = "this is a folder, not a scenario file";
            unusable(problem, "name a YAML file in it")
        }
        _ => {
            let problem = format!("the file cannot be read: {error}");
            unusable(&problem, "check the file and its permissions")
        }
    })?;
    text_of(path, bytes)
}

/// The text of a scenario file.
fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).ok().filter(|t| !t.contains('\0'));
    let text = text.ok_or_else(|| {
        let remedy = "give a scenario in YAML, saved as UTF-8";
        InputError::in_file(path, None, "the file is not UTF-8 text", remedy)
    })?;
    // The byte-order mark some editors put first would become part of the first key.
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// JSON Schema of the scenario file, for editors.
pub fn schema() -> String {
    format!("{:#}\n", json_schema())
}

/// The schema of every key of the file.
pub(super) fn json_schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = schemars::schema_for!(ScenarioFile);
        schema.insert("title".to_owned(), "modalflow scenario".into());
        schema.to_value()
    })
}

/// The scenario as YAML; reading it gives the same scenario.
pub fn to_yaml(scenario: &ScenarioFile) -> String {
    match serde_yaml::to_string(scenario) {
        Ok(text) => text,
        // Only a path that is not UTF-8: a scenario whose folder has such a name.
        Err(error) => format!("# cannot be written as YAML: {error}\n"),
    }
}
