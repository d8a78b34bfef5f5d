//! `--set path=value` of the command line, and keywords in its place: changes to the keys of a scenario.

use super::events::below;
use super::load::json_schema;
use super::messages::child;
use super::{events, messages};
use crate::error::{Error, InputError, Result};
use serde_yaml::{Mapping, Value};

/// A change to a key: a `--set`, or another option or a keyword that stands for one.
#[derive(Debug, Clone)]
pub struct Override {
    /// Dotted path of the key; list indices are numbers counted from 0.
    pub(super) path: String,
    /// As typed, `--set data.toy.rho=0.5`; of a long value the beginning.
    pub(super) typed: String,
    pub(super) value: Value,
}

impl Override {
    /// A change that no command line has: a keyword of a program that calls this one, its value as YAML.
    ///
    /// # Errors
    /// A usage error where the path or the value cannot be read.
    pub fn keyword(path: &str, value: &str) -> Result<Override> {
        let typed = shortened(format!("{path}={value}"));
        if !is_path(path) {
            let remedy = "name a key by its dotted path, for example data.toy.rho";
            return Err(refused(&typed, BAD_PATH, remedy));
        }
        let value = events::parse_at(value, path)
            .map_err(|error| refused(&typed, &error.problem, &error.remedy.to_string()))?;
        Ok(Override {
            path: path.to_owned(),
            typed,
            value,
        })
    }

    /// Reads `path=value`; the value is YAML.
    ///
    /// # Errors
    /// A usage error where the path or the value cannot be read.
    pub fn parse(typed: &str) -> Result<Override> {
        let Some((path, value)) = typed.split_once('=') else {
            return Err(usage(
                typed,
                "there is no '=' in it",
                "write --set path=value, for example --set data.toy.rho=0.5",
            ));
        };
        let path = path.trim();
        if !is_path(path) {
            return Err(usage(
                typed,
                BAD_PATH,
                "name the key by its dotted path, for example --set data.toy.rho=0.5",
            ));
        }
        if value.trim().is_empty() {
            return Err(usage(
                typed,
                "there is no value after '='",
                &format!("give a value, or --set {path}=null to remove the key"),
            ));
        }
        let unreadable = |problem: &str| {
            usage(
                typed,
                &format!("the value cannot be read: {problem}"),
                "write the value as in the scenario file, and all of it in single quotes for the shell: \
                 --set 'network.widths=[10, 20]', --set 'data.table.separator=\",\"'",
            )
        };
        let value = events::parse_at(value, path).map_err(|error| unreadable(&error.problem))?;
        Ok(Override {
            path: path.to_owned(),
            typed: shortened(format!("--set {typed}")),
            value,
        })
    }

    /// Sets the value, making the mappings on the way; a null removes the key.
    pub(super) fn apply(&self, scenario: &mut Value) -> Result<()> {
        Self::set(scenario, &self.path, &self.value)
            .map_err(|error| refused(&self.typed, &error.problem, &error.remedy.to_string()))
    }

    /// Sets the key `path` of a scenario.
    pub(super) fn set(scenario: &mut Value, path: &str, value: &Value) -> Result<(), InputError> {
        let mut steps = path.split('.');
        if steps.clone().count() > events::DEEPEST {
            // Every step would be a level of calls.
            return Err(too_deep());
        }
        let is_absent = || steps.clone().try_fold(&*scenario, child).is_none();
        if value.is_null() && is_absent() {
            return nothing_to_remove(path);
        }
        let last = steps.next_back().unwrap_or_default();
        let mut node = scenario;
        let mut done = String::new();
        for step in steps {
            node = entry(node, step, &done)?;
            done = below(&done, step);
        }
        match node {
            Value::Mapping(map) if value.is_null() => drop(map.shift_remove(last)),
            _ => *entry(node, last, &done)? = value.clone(),
        }
        Ok(())
    }
}

const BAD_PATH: &str = "the path before '=' is empty or has an empty part";

fn is_path(path: &str) -> bool {
    !path.split('.').any(str::is_empty)
}

/// A change as messages show it: who gave a long value knows it by its beginning.
fn shortened(typed: String) -> String {
    match typed.char_indices().nth(100) {
        None => typed,
        Some((end, _)) => format!("{} ...", &typed[..end]),
    }
}

/// The value of a key of `place`, made where it is not there.
fn entry<'v>(node: &'v mut Value, step: &str, place: &str) -> Result<&'v mut Value, InputError> {
    if node.is_null() {
        *node = Value::Mapping(Mapping::new());
    }
    match node {
        Value::Mapping(map) => Ok(map.entry(step.into()).or_insert(Value::Null)),
        Value::Sequence(list) => element(list, step, place),
        _ => Err(through_scalar(place)),
    }
}

/// Removing what is not there does no harm where the key could have been there.
fn nothing_to_remove(path: &str) -> Result<(), InputError> {
    if messages::is_known(json_schema(), path) {
        return Ok(());
    }
    let remedy = "check the spelling of the path";
    Err(InputError::at(
        path,
        "there is no such key to remove",
        remedy,
    ))
}

fn element<'v>(
    list: &'v mut [Value],
    step: &str,
    place: &str,
) -> Result<&'v mut Value, InputError> {
    let problem = format!(
        "{place} is a list of {}, and has no element {step}",
        list.len()
    );
    let remedy = format!("count its elements from 0, or set the whole list: --set '{place}=[...]'");
    let index = step.parse::<usize>().ok();
    let element = index.and_then(|index| list.get_mut(index));
    element.ok_or_else(|| InputError::at(place, problem, remedy))
}

fn too_deep() -> InputError {
    let problem = format!("a path of more than {} keys", events::DEEPEST);
    InputError::at("", problem, "check the path; no key is that deep")
}

fn through_scalar(place: &str) -> InputError {
    let shown = if place.is_empty() {
        "the scenario"
    } else {
        place
    };
    let problem = format!("{shown} is a single value, there is nothing below it to set");
    InputError::at(place, problem, "set the key itself, or check the path")
}

fn usage(typed: &str, problem: &str, remedy: &str) -> Error {
    refused(&shortened(format!("--set {typed}")), problem, remedy)
}

fn refused(option: &str, problem: &str, remedy: &str) -> Error {
    Error::usage(format!("{option}: {problem}"), remedy)
}
