//! `modalflow diagnose`.

use super::args::{DiagnoseArgs, Options};
use super::job::Job;
use super::progress::Bar;
use super::{INTERRUPTED, interrupt, listed, render, show, warn};
use crate::error::{Error, Result};
use crate::figures;
use crate::output;
use crate::report::diagnosis::Page;
use crate::report::summary::{DiagnosisSummary, Provenance};
use crate::scenario::{self, Loaded, OptionKey, expand_home};
use crate::sweep::memory;
use modalflow::diagnosis::{self, Diagnosed, Subject};
use modalflow::error::{InputError, Word};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

/// The files of a diagnosis.
const FILES: [&str; 4] = [
    "diagnosis.json",
    "diagnosis.md",
    "diagnosis.png",
    "diagnosis.svg",
];

/// Diagnoses data, and writes what it found.
pub(super) fn diagnose(call: &DiagnoseArgs, options: &Options) -> Result<u8> {
    let set = [&options.set[..], &call.set[..]].concat();
    let path = call.scenario.as_deref();
    let keys = keys(call)?;
    let (loaded, is_width_free) = Loaded::to_diagnose(path, &keys, &set)?;
    let job = Job::of(loaded, &options.out);
    job.ensure_inputs_stay(&|name| FILES.contains(&name))?;
    output::ensure_possible(&job.folder)?;
    let (clock, started) = (Instant::now(), SystemTime::now());
    let bar = Mutex::new(Bar::of_diagnosis(&job.name, options.quiet));
    let scenario = &job.loaded.file.scenario;
    let settings = diagnosis::Options {
        divisions: call.divisions.map(|count| count as usize),
        is_width_free,
        memory: memory(),
        ..diagnosis::Options::resampling(call.resamples as usize)
    };
    let locate = |error: InputError| {
        let error = match path {
            Some(_) => error,
            None => by_options(error, &keys),
        };
        job.loaded.source.locate(error.into())
    };
    let subject = Subject::of(scenario).map_err(locate)?;
    let early = subject.warnings();
    let warn = |warning: &String| warn(&format!("warning: {}: {warning}", job.name));
    early.iter().for_each(warn);
    if let Some(cost) = subject.cost(&settings).map_err(locate)? {
        super::warn(&format!("note: {}: {cost}", job.name));
    }
    let nothing = format!("warning: {}: interrupted: nothing is written", job.name);
    interrupt::ask_first(nothing.clone());
    let found = subject.diagnose(&settings, &|progress| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.show_diagnosis(progress);
        !interrupt::is_asked()
    });
    drop(bar);
    let Some(found) = found.map_err(locate)? else {
        super::warn(&nothing);
        return Ok(INTERRUPTED);
    };
    let late = found.warnings.iter();
    late.filter(|warning| !early.contains(warning))
        .for_each(warn);
    output::prepare_folders(std::slice::from_ref(&job.folder))?;
    let seconds = clock.elapsed().as_secs_f64();
    let provenance = Provenance::new(started, 0.0, seconds);
    conclude(&job, &found, provenance, (call, options))
}

/// An error whose remedy speaks of options, where there is no scenario file.
fn by_options(mut error: InputError, keys: &[OptionKey]) -> InputError {
    error.remedy = error.remedy.reworded(|word| match word {
        Word::Text(_) => None,
        Word::Key(key) => Some(option_of(key, keys)),
        // Quotes of YAML are lost to a shell that they are not quoted from.
        Word::Set(key, value) if value.contains('"') => Some(format!("give --set '{key}={value}'")),
        Word::Set(key, value) => Some(format!("give --set {key}={value}")),
        Word::Folder => Some("the current folder".to_owned()),
    });
    error
}

/// The option that gives a key: as it was typed, or the one that would.
fn option_of(key: &str, keys: &[OptionKey]) -> String {
    let typed = keys.iter().find(|option| option.key == key);
    let last = key.rsplit('.').next();
    match (typed, last) {
        (Some(option), _) => option.typed.clone(),
        (None, Some("label")) => "--label".to_owned(),
        (None, Some("target" | "targets")) => "--target".to_owned(),
        _ => format!("--set {key}=VALUE"),
    }
}

/// Draws, writes and reports it.
fn conclude(
    job: &Job,
    found: &Diagnosed,
    provenance: Provenance,
    (call, options): (&DiagnoseArgs, &Options),
) -> Result<u8> {
    let resolved = job.file_in(&job.folder, found.scenario.clone());
    let written = DiagnosisSummary {
        name: &job.name,
        scenario: &resolved,
        diagnosis: &found.diagnosis,
        provenance: Some(provenance),
    };
    let page = Page::of(&job.name, &found.diagnosis, &found.scenario);
    // Plain data with text keys always serialises.
    let json = serde_json::to_string_pretty(&written).unwrap_or_default() + "\n";
    let markdown = page.markdown("diagnosis.png", &scenario::to_yaml(&resolved));
    let mut files = vec![
        (FILES[0].to_owned(), json.into_bytes()),
        (FILES[1].to_owned(), markdown.into_bytes()),
    ];
    let pages = [(
        "diagnosis".to_owned(),
        figures::diagnosis_page(&job.name, found),
    )];
    files.extend(render(&job.name, &pages, call.svg)?);
    let written_files = output::write_files(&job.folder, &files, &FILES)?;
    show(options, &written, || {
        let (folder, names) = (job.folder.display(), listed(&written_files));
        format!("{}\nwritten to {folder}:\n  {names}\n", page.text())
    })?;
    Ok(0)
}

/// The keys that the options give.
fn keys(call: &DiagnoseArgs) -> Result<Vec<OptionKey>> {
    let mut keys = match &call.scenario {
        Some(_) => Vec::new(),
        None => data_keys(call)?,
    };
    let source = match (&call.scenario, &call.table) {
        (None, None) => "data.arrays".to_owned(),
        (None, Some(_)) => "data.table".to_owned(),
        (Some(path), _) => source_of(path, call)?,
    };
    let number = |value: Option<f64>| value.map(Value::from);
    let count = |value: Option<u64>| value.map(Value::from);
    let options = [
        (
            "--name",
            "name".to_owned(),
            call.name.clone().map(Value::from),
        ),
        ("--seed", "seed".to_owned(), count(call.seed)),
        ("--depth", "network.depth".to_owned(), count(call.depth)),
        (
            "--depth",
            "network.fusion_layer".to_owned(),
            count(call.depth),
        ),
        ("--width", "network.width".to_owned(), count(call.width)),
        (
            "--activation",
            "network.activation".to_owned(),
            call.activation.clone().map(Value::from),
        ),
        (
            "--init-std",
            "init".to_owned(),
            call.init_std.map(|std| json!({"gaussian": {"std": std}})),
        ),
        (
            "--learning-rate",
            "descent.learning_rate".to_owned(),
            number(call.learning_rate),
        ),
        ("--batch", "descent.batch".to_owned(), count(call.batch)),
        (
            "--holdout",
            format!("{source}.holdout"),
            number(call.holdout),
        ),
        (
            "--components",
            format!("{source}.components"),
            number(call.components),
        ),
    ];
    for (option, key, value) in options {
        keys.extend(value.map(|value| OptionKey {
            typed: match &value {
                Value::Object(_) => format!("{option} {}", call.init_std.unwrap_or_default()),
                Value::String(text) => format!("{option} {text}"),
                other => format!("{option} {other}"),
            },
            key,
            value,
        }));
    }
    Ok(keys)
}

/// The key of the data section in a scenario, where an option asks for it.
fn source_of(path: &std::path::Path, call: &DiagnoseArgs) -> Result<String> {
    if call.holdout.or(call.components).is_none() {
        return Ok(String::new());
    }
    if path == std::path::Path::new("-") {
        return Err(Error::usage(
            "--holdout and --components do not go with a scenario from standard input",
            "give the key in the scenario, or with --set",
        ));
    }
    let (loaded, _) = Loaded::to_diagnose(Some(path), &[], &call.set)?;
    Ok(format!(
        "data.{}",
        loaded.file.scenario.data.get().about().key
    ))
}

/// The data section that the options make up.
fn data_keys(call: &DiagnoseArgs) -> Result<Vec<OptionKey>> {
    if call.modality.is_empty() {
        return Err(Error::usage(
            "neither a scenario nor the option --modality is given: there is nothing to diagnose",
            "give a scenario file, or data: --modality audio=audio.npy --modality video=video.npy --target y.npy",
        ));
    }
    let source = match call.table {
        Some(_) => "data.table",
        None => "data.arrays",
    };
    let key = |key: &str, value: Value, typed: String| OptionKey {
        key: format!("{source}.{key}"),
        value,
        typed,
    };
    let mut keys = vec![OptionKey {
        key: "name".to_owned(),
        value: "diagnosis".into(),
        typed: "--name diagnosis".to_owned(),
    }];
    if let Some(path) = &call.table {
        let value = expand_home(path).to_string_lossy().into_owned().into();
        keys.push(key("path", value, format!("--table {}", path.display())));
    }
    let mut names = Vec::new();
    for typed in &call.modality {
        let (name, inputs) = modality(typed)?;
        if names.contains(&name) {
            return Err(Error::usage(
                format!("--modality {typed}: {name} is given twice"),
                "give another name, or all inputs of a modality at once: --modality NAME='column,column'",
            ));
        }
        names.push(name);
        let value = inputs_of(inputs, call);
        let typed = format!("--modality {typed}");
        keys.push(key(&format!("modalities.{name}"), value, typed));
    }
    let (name, value, typed) = target(call)?;
    keys.push(key(name, value, typed));
    Ok(keys)
}

/// The key of the target, its value, and the option as it was typed.
fn target(call: &DiagnoseArgs) -> Result<(&'static str, Value, String)> {
    match (&call.target, &call.label, &call.table) {
        (Some(target), _, table) => {
            let (key, value) = match table {
                None => ("target", target.as_str().into()),
                Some(_) => ("targets", columns(target)),
            };
            Ok((key, value, format!("--target {target}")))
        }
        (None, Some(label), _) => Ok(("label", label.as_str().into(), format!("--label {label}"))),
        (None, None, _) => Err(Error::usage(
            "the target is missing: neither --target nor --label is given",
            "give --target for numbers, or --label for classes",
        )),
    }
}

/// Name and inputs of a modality.
fn modality(typed: &str) -> Result<(&str, &str)> {
    let parts = typed.split_once('=');
    let parts = parts.map(|(name, inputs)| (name.trim(), inputs.trim()));
    let is_fit = |(name, inputs): &(&str, &str)| {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
        starts && name.chars().all(is_fit) && !inputs.is_empty()
    };
    parts.filter(is_fit).ok_or_else(|| {
        Error::usage(
            format!("--modality {typed}: this is not a name and inputs"),
            "write NAME=FILE, or with --table NAME='column,column': letters, digits and _ in the name, a letter first",
        )
    })
}

/// The inputs of a modality as the scenario has them.
fn inputs_of(inputs: &str, call: &DiagnoseArgs) -> Value {
    match (&call.table, inputs) {
        (None, _) => expand_home(std::path::Path::new(inputs))
            .to_string_lossy()
            .into_owned()
            .into(),
        (Some(_), "rest") => "rest".into(),
        (Some(_), _) => columns(inputs),
    }
}

/// A list of columns.
fn columns(listed: &str) -> Value {
    listed
        .split(',')
        .map(|column| column.trim().to_owned())
        .collect::<Vec<_>>()
        .into()
}
