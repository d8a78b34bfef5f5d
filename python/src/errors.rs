//! The program's errors as Python exceptions.

use modalflow_cli::error::{Error, InputError};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use std::path::Path;

/// What Python raises for an error of the program; `own` is the path that stands for a scenario that is in no file.
pub(crate) fn to_python(error: Error, own: Option<&Path>) -> PyErr {
    match error {
        Error::Input(error) => of_input(error, own),
        Error::Usage { problem, remedy } => of_input(InputError::at("", problem, remedy), own),
        error @ Error::Draw { .. } => PyRuntimeError::new_err(error.to_string()),
        error => PyOSError::new_err(error.to_string()),
    }
}

/// `modalflow.ScenarioError`, without file and line where the scenario is in no file.
fn of_input(mut error: InputError, own: Option<&Path>) -> PyErr {
    if own.is_some() && error.file.as_deref() == own {
        (error.file, error.line) = (None, None);
    }
    let message = error.to_string();
    let InputError {
        file,
        line,
        key,
        remedy,
        ..
    } = error;
    let key = key.filter(|key| !key.is_empty());
    let file = file.map(|file| file.display().to_string());
    Python::attach(|py| {
        let exception = py
            .import("modalflow._errors")
            .and_then(|module| module.getattr("ScenarioError"))
            .and_then(|class| class.call1((message, key, remedy.to_string(), file, line)));
        match exception {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        }
    })
}

/// What Python raises where the program fails: the words of a panic.
pub(crate) fn of_panic(panic: &(dyn std::any::Any + Send)) -> PyErr {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    let words = words.unwrap_or("no words");
    PyRuntimeError::new_err(format!("modalflow failed, which it should not: {words}"))
}
