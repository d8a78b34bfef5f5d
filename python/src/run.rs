//! A finished run: summary, tables, weights, figures.

use crate::errors::to_python;
use crate::job::ensure_not_forked;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::network::Architecture;
use modalflow_cli::figures;
use modalflow_cli::plot::{self, Format};
use modalflow_cli::report::summary::RunSummary;
use modalflow_cli::report::{self, csv, text};
use modalflow_cli::scenario::{Loaded, ScenarioFile};
use nalgebra::DVector;
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use std::sync::Arc;

/// A run that has ended.
#[pyclass(frozen, module = "modalflow._core")]
pub(crate) struct Run {
    loaded: Arc<Loaded>,
    problem: Problem,
    result: RunResult,
}

impl Run {
    pub fn new(loaded: Arc<Loaded>, problem: Problem, result: RunResult) -> Self {
        Self {
            loaded,
            problem,
            result,
        }
    }

    fn name(&self) -> &str {
        let name = self.loaded.file.scenario.name.as_deref();
        name.unwrap_or_default()
    }

    /// What `summary.json` has but for its provenance.
    fn summary(&self) -> RunSummary<'_> {
        let scenario = ScenarioFile {
            scenario: self.problem.scenario.clone(),
            ..self.loaded.file.clone()
        };
        RunSummary::of(self.name(), scenario, &self.problem, &self.result)
    }
}

#[pymethods]
impl Run {
    /// The summary as JSON.
    fn summary_json(&self) -> String {
        // Plain data with text keys always serialises.
        serde_json::to_string(&self.summary()).unwrap_or_default()
    }

    /// The report that the program prints.
    fn report(&self) -> String {
        text::report(&self.problem, &self.summary())
    }

    /// What to know before trusting the run, known before it began.
    fn warnings(&self) -> Vec<String> {
        self.problem.warnings.clone()
    }

    /// In what it failed; None where it did not.
    fn failure(&self) -> Option<String> {
        report::failure(&self.problem, &self.result)
    }

    /// `trajectory.csv`.
    fn trajectory_csv(&self, py: Python<'_>) -> Vec<u8> {
        py.detach(|| csv::trajectory(&self.problem, &self.result))
    }

    /// `descent.csv`; a header alone where there is no descent.
    fn descent_csv(&self, py: Python<'_>) -> Vec<u8> {
        py.detach(|| csv::descents(&self.problem, &self.result))
    }

    /// Initial or final weights by the names of layers and biases, with the shape of each.
    fn weights<'py>(
        &self,
        py: Python<'py>,
        which: &str,
    ) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
        match which {
            "initial" => named_weights(py, &self.problem.architecture, &self.problem.weights),
            "final" => {
                let last = self.result.flow.final_weights(&self.problem);
                named_weights(py, &self.problem.architecture, &last)
            }
            other => Err(PyKeyError::new_err(format!(
                "{other:?}: weights are initial or final"
            ))),
        }
    }

    /// A figure in the format png or svg.
    fn figure(&self, py: Python<'_>, name: &str, format: &str) -> PyResult<Vec<u8>> {
        let format = format_of(format)?;
        ensure_not_forked()?;
        py.detach(|| {
            let (page, others): (Vec<_>, Vec<_>) =
                self.pages().into_iter().partition(|(stem, _)| stem == name);
            draw(&page, format)?.ok_or_else(|| {
                let known: Vec<String> = others.into_iter().map(|(stem, _)| stem).collect();
                let known = known.join(", ");
                PyKeyError::new_err(format!("{name:?}: the figures of this run are {known}"))
            })
        })
    }
}

impl Run {
    fn pages(&self) -> Vec<(String, plot::Page)> {
        let Self {
            problem, result, ..
        } = self;
        figures::run_pages(
            self.name(),
            &problem.scenario,
            problem.observables(),
            result,
        )
    }
}

/// The format of a figure by its name.
///
/// # Errors
/// A KeyError that names the formats.
pub(crate) fn format_of(name: &str) -> PyResult<Format> {
    match name {
        "png" => Ok(Format::Png),
        "svg" => Ok(Format::Svg),
        other => Err(PyKeyError::new_err(format!(
            "{other:?}: formats are png and svg"
        ))),
    }
}

/// The first of these pages as a picture; None where there is none.
///
/// # Errors
/// A RuntimeError where it cannot be drawn.
pub(crate) fn draw(pages: &[(String, plot::Page)], format: Format) -> PyResult<Option<Vec<u8>>> {
    let drawn = plot::render(pages, &[format]);
    let files = drawn.map_err(|error| to_python(error, None))?.files;
    Ok(files.into_iter().next().map(|(_, bytes)| bytes))
}

/// A flat state as arrays by the names of layers, (rows, columns), and of biases, (units,).
pub(crate) fn named_weights<'py>(
    py: Python<'py>,
    architecture: &Architecture,
    state: &DVector<f64>,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let part =
        |range: &std::ops::Range<usize>| PyArray1::from_slice(py, &state.as_slice()[range.clone()]);
    let layers = architecture.layers.iter().map(|layer| {
        // By columns, as the state is.
        let shape = [layer.rows, layer.cols];
        let array = part(&layer.range);
        let array = array.reshape_with_order(shape, numpy::npyffi::NPY_ORDER::NPY_FORTRANORDER)?;
        Ok((layer.name.clone(), array.into_any()))
    });
    let biases = architecture.biases.iter();
    let biases = biases.map(|bias| Ok((bias.name.clone(), part(&bias.range).into_any())));
    layers.chain(biases).collect()
}
