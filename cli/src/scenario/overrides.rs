//! `--set path=value`: changes to a scenario from the command line.

use super::explain;
use super::locate::survey;
use crate::error::{Error, Result};
use serde_yaml::{Mapping, Value};

/// One `--set`.
#[derive(Debug, Clone)]
pub(super) struct Override {
    /// Dotted path of the key; list indices are numbers counted from 0.
    pub path: String,
    /// As typed: `data.toy.rho=0.5`.
    pub typed: String,
    value: Value,
}

impl Override {
    /// Reads `path=value`; the value is YAML.
    pub fn parse(typed: &str) -> Result<Override> {
        let Some((path, value)) = typed.split_once('=') else {
            return Err(usage(
                typed,
                "there is no '=' in it",
                "write --set path=value, for example --set data.toy.rho=0.5",
            ));
        };
        let path = path.trim();
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(usage(
                typed,
                "the path before '=' is empty or has an empty part",
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
                "write the value as in the scenario file, in quotes for the shell: \
                 --set 'network.widths=[10, 20]'",
            )
        };
        survey(value).map_err(|flaw| unreadable(&flaw.problem))?;
        let value = serde_yaml::from_str(value).map_err(|error| unreadable(&error.to_string()))?;
        Ok(Override {
            path: path.to_owned(),
            typed: typed.to_owned(),
            value,
        })
    }

    /// Sets the value, making the mappings on the way; a null removes the key.
    pub fn apply(&self, scenario: &mut Value) -> Result<()> {
        Self::set(scenario, &self.path, &self.value)
            .map_err(|misfit| usage(&self.typed, &misfit.problem, &misfit.remedy))
    }

    /// Sets the key `path` of a scenario.
    pub fn set(scenario: &mut Value, path: &str, value: &Value) -> Result<(), Misfit> {
        if value.is_null() && is_absent(scenario, path) {
            return nothing_to_remove(path);
        }
        let mut node = scenario;
        let mut steps = path.split('.').peekable();
        let mut done = Vec::new();
        while let Some(step) = steps.next() {
            let last = steps.peek().is_none();
            if node.is_null() {
                *node = Value::Mapping(Mapping::new());
            }
            node = match node {
                Value::Mapping(map) if last && value.is_null() => {
                    map.shift_remove(step);
                    return Ok(());
                }
                Value::Mapping(map) => map.entry(step.into()).or_insert(Value::Null),
                Value::Sequence(list) => element(list, step, &done)?,
                _ => return Err(through_scalar(&done)),
            };
            done.push(step);
        }
        *node = value.clone();
        Ok(())
    }
}

/// Why a path does not fit a scenario.
#[derive(Debug)]
pub(super) struct Misfit {
    pub problem: String,
    pub remedy: String,
}

impl Misfit {
    fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

fn is_absent(scenario: &Value, path: &str) -> bool {
    let end = path.split('.').try_fold(scenario, |node, step| {
        let index = step.parse::<usize>().ok();
        node.get(step).or_else(|| node.get(index?))
    });
    end.is_none()
}

/// Removing what is not there does no harm where the key could have been there.
fn nothing_to_remove(path: &str) -> Result<(), Misfit> {
    if explain::is_known(path) {
        return Ok(());
    }
    Err(Misfit::new(
        "there is no such key to remove",
        "check the spelling of the path",
    ))
}

fn element<'v>(list: &'v mut [Value], step: &str, done: &[&str]) -> Result<&'v mut Value, Misfit> {
    let length = list.len();
    let index = step.parse::<usize>().ok();
    index.and_then(|index| list.get_mut(index)).ok_or_else(|| {
        let place = done.join(".");
        Misfit::new(
            format!("{place} is a list of {length}, and has no element {step}"),
            format!("count its elements from 0, or set the whole list: --set '{place}=[...]'"),
        )
    })
}

fn through_scalar(done: &[&str]) -> Misfit {
    let place = done.join(".");
    let place = if place.is_empty() {
        "the scenario".to_owned()
    } else {
        place
    };
    Misfit::new(
        format!("{place} is a single value, there is nothing below it to set"),
        "set the key itself, or check the path",
    )
}

fn usage(typed: &str, problem: &str, remedy: &str) -> Error {
    Error::Usage {
        problem: format!("--set {typed}: {problem}"),
        remedy: remedy.to_owned(),
    }
}
