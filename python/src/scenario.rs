//! A scenario from a file or from Python's own objects, through the program's loader.

use crate::diagnosis::Diagnosis;
use crate::errors::to_python;
use crate::grid::Grid;
use crate::job::{self, Control};
use crate::problem::Problem;
use crate::run::Run;
use modalflow::data::{GivenArray, GivenArrays};
use modalflow::diagnosis::{self, DIVISIONS, Options, RESAMPLES, Subject};
use modalflow::error::InputError;
use modalflow::experiment::data_summary::DataSummary;
use modalflow::experiment::summary::TheorySummary;
use modalflow::experiment::{self, Outline, run};
use modalflow_cli::scenario::{Loaded, to_yaml};
use modalflow_cli::sweep::memory;
use nalgebra::{DMatrixView, Dyn};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A checked scenario. What it is made of is known to the Python around it.
#[pyclass(frozen, module = "modalflow._core")]
pub(crate) struct Scenario {
    loaded: Arc<Loaded>,
    /// Whether it came as a text: its path is made up.
    is_text: bool,
    /// Whether its width is a default that a diagnosis filled in.
    is_width_free: bool,
    arrays: Vec<(String, Array)>,
}

/// An array that Python holds.
#[derive(FromPyObject)]
enum Array {
    /// Two dimensions, by rows.
    Numbers(Py<PyArray2<f64>>),
    Labels(Vec<String>),
}

#[pymethods]
impl Scenario {
    /// With `to_diagnose` what is missing beside the data has the defaults of a diagnosis.
    #[new]
    fn new(
        path: PathBuf,
        text: Option<String>,
        changes: Vec<String>,
        arrays: Vec<(String, Array)>,
        to_diagnose: bool,
    ) -> PyResult<Self> {
        let is_text = text.is_some();
        let loaded = match (text, to_diagnose) {
            (Some(text), false) => Loaded::parse(&path, text, &changes).map(given),
            (None, false) => Loaded::read(&path, &changes).map(given),
            (Some(text), true) => Loaded::parse_to_diagnose(&path, text, &changes),
            (None, true) => Loaded::to_diagnose(Some(&path), &[], &changes),
        };
        let own = is_text.then_some(path.as_path());
        let (loaded, is_width_free) = loaded.map_err(|error| to_python(error, own))?;
        Ok(Self {
            loaded: Arc::new(loaded),
            is_text,
            is_width_free,
            arrays,
        })
    }

    /// The key of its source of data.
    fn source(&self) -> &'static str {
        self.loaded.file.scenario.data.get().about().key
    }

    /// The scenario with every default filled in, as YAML.
    fn to_yaml(&self) -> String {
        to_yaml(&self.loaded.file)
    }

    /// Runs it; `listener` is told of stage, time, steps and loss now and then.
    fn run(&self, py: Python<'_>, listener: Option<Py<PyAny>>) -> PyResult<Run> {
        let loaded = Arc::clone(&self.loaded);
        let outline = self.given_outline(py)?;
        let work = move |control: &Control<run::Progress>| {
            let problem = prepared(outline, &loaded.file.scenario)?;
            let result = run::run(&problem, &mut |progress| control.note(*progress));
            Ok(Run::new(loaded, problem, result))
        };
        job::interruptible(py, listener.as_ref(), work)?.map_err(|error| self.locate(error))
    }

    /// Diagnoses its data; `listener` is told of the parts done, and of all of them, now and then.
    fn diagnose(
        &self,
        py: Python<'_>,
        resamples: i64,
        divisions: Option<i64>,
        listener: Option<Py<PyAny>>,
    ) -> PyResult<Diagnosis> {
        ensure_within("resamples", resamples, &RESAMPLES)?;
        if let Some(divisions) = divisions {
            ensure_within("divisions", divisions, &DIVISIONS)?;
        }
        let options = Options {
            divisions: divisions.map(|count| count as usize),
            is_width_free: self.is_width_free,
            memory: memory(),
            ..Options::resampling(resamples as usize)
        };
        let loaded = Arc::clone(&self.loaded);
        let subject = self.given(py, Subject::of_arrays)?;
        let work = move |control: &Control<diagnosis::Progress>| {
            let subject = match subject {
                Some(subject) => subject,
                None => Subject::of(&loaded.file.scenario)?,
            };
            let found = subject.diagnose(&options, &|progress| control.note(progress))?;
            Ok(found.map(|found| Diagnosis::new(loaded, found)))
        };
        let found = job::interruptible(py, listener.as_ref(), work)?;
        let found = found.map_err(|error| self.locate(error))?;
        // Who interrupts it does not wait for it.
        found.ok_or_else(|| PyKeyboardInterrupt::new_err("the diagnosis was interrupted"))
    }

    /// What theory predicts, and what the data say before any training, as JSON.
    fn theory(&self, py: Python<'_>) -> PyResult<String> {
        let name = self.loaded.file.scenario.name.clone();
        self.prepare(py, move |problem| {
            let theory = problem.theory();
            serde_json::json!({
                "name": name,
                "data": DataSummary::of(&problem),
                "theory": TheorySummary::of(&problem, &theory, None, None),
            })
            .to_string()
        })
    }

    /// Rate, loss and Hessian products.
    fn problem(&self, py: Python<'_>) -> PyResult<Problem> {
        self.prepare(py, Problem::of)
    }

    /// The grid of its sweep.
    fn grid(&self) -> PyResult<Grid> {
        Grid::of(&self.loaded).map_err(|error| to_python(error, self.own_path()))
    }

    /// Runs cells of its sweep on so many threads; gives back their lines of the table.
    fn run_cells(
        &self,
        py: Python<'_>,
        grid: &Grid,
        indices: Vec<u64>,
        jobs: usize,
        listener: Option<Py<PyAny>>,
    ) -> PyResult<Vec<String>> {
        job::ensure_not_forked()?;
        let borrowed = self.borrowed(py)?;
        let given = views(&borrowed)?;
        py.detach(|| {
            let prepare = |scenario: &experiment::Scenario| match &given {
                None => experiment::problem::Problem::prepare_within(scenario, memory()),
                Some(given) => Outline::of_arrays(scenario, given, memory())?.prepare(),
            };
            grid.run(&indices, jobs, &prepare, listener.as_ref())
        })
    }
}

impl Scenario {
    /// Makes it ready with the GIL released, and gives that to `work`.
    fn prepare<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(experiment::problem::Problem) -> T + Send + 'static,
    ) -> PyResult<T> {
        let loaded = Arc::clone(&self.loaded);
        let outline = self.given_outline(py)?;
        let work =
            move |_: &Control<run::Progress>| Ok(work(prepared(outline, &loaded.file.scenario)?));
        job::interruptible(py, None, work)?.map_err(|error| self.locate(error))
    }

    fn given_outline(&self, py: Python<'_>) -> PyResult<Option<Outline>> {
        self.given(py, |scenario, given| {
            Outline::of_arrays(scenario, given, memory())
        })
    }

    /// What is read from arrays in memory, where there are any: the caller's thread must do it while it holds them.
    fn given<T: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&experiment::Scenario, &GivenArrays<'_>) -> Result<T, InputError> + Send,
    ) -> PyResult<Option<T>> {
        let borrowed = self.borrowed(py)?;
        let Some(given) = views(&borrowed)? else {
            return Ok(None);
        };
        let scenario = &self.loaded.file.scenario;
        let found = py.detach(|| read(scenario, &given));
        found.map(Some).map_err(|error| self.locate(error))
    }

    /// The arrays, each held so that nobody writes to it.
    fn borrowed<'py, 's>(&'s self, py: Python<'py>) -> PyResult<Vec<(&'s str, Borrowed<'py, 's>)>> {
        let arrays = self.arrays.iter();
        let borrowed = arrays.map(|(name, array)| Ok((name.as_str(), array.borrow(py)?)));
        borrowed.collect()
    }

    fn locate(&self, error: InputError) -> PyErr {
        to_python(self.loaded.source.locate(error.into()), self.own_path())
    }

    fn own_path(&self) -> Option<&Path> {
        self.is_text.then_some(self.loaded.source.path.as_path())
    }
}

impl Array {
    fn borrow<'py>(&self, py: Python<'py>) -> PyResult<Borrowed<'py, '_>> {
        Ok(match self {
            Array::Numbers(array) => Borrowed::Numbers(array.bind(py).try_readonly()?),
            Array::Labels(labels) => Borrowed::Labels(labels),
        })
    }
}

/// An array that is held.
enum Borrowed<'py, 's> {
    Numbers(PyReadonlyArray2<'py, f64>),
    Labels(&'s [String]),
}

/// The arrays as the library takes them, without a copy of their numbers; None where there are none.
fn views<'b>(arrays: &'b [(&str, Borrowed<'_, '_>)]) -> PyResult<Option<GivenArrays<'b>>> {
    let view = |(name, array): &'b (&str, Borrowed<'_, '_>)| -> PyResult<(String, GivenArray<'b>)> {
        let given = match array {
            Borrowed::Labels(labels) => GivenArray::Labels(labels.to_vec()),
            Borrowed::Numbers(array) => GivenArray::Numbers(by_rows(array)?),
        };
        Ok(((*name).to_owned(), given))
    };
    match arrays.is_empty() {
        true => Ok(None),
        false => arrays.iter().map(view).collect::<PyResult<_>>().map(Some),
    }
}

/// A view of an array that is stored by rows.
fn by_rows<'b>(array: &'b PyReadonlyArray2<'_, f64>) -> PyResult<DMatrixView<'b, f64, Dyn, Dyn>> {
    let [rows, columns] = [array.shape()[0], array.shape()[1]];
    let numbers = array.as_slice()?;
    if numbers.is_empty() {
        return Err(PyValueError::new_err("an array without numbers"));
    }
    let (shape, strides) = ((Dyn(rows), Dyn(columns)), (Dyn(columns), Dyn(1)));
    Ok(DMatrixView::from_slice_with_strides_generic(
        numbers, shape.0, shape.1, strides.0, strides.1,
    ))
}

/// A scenario that has all keys itself.
fn given(loaded: Loaded) -> (Loaded, bool) {
    (loaded, false)
}

/// # Errors
/// A ScenarioError where a keyword is out of its range.
fn ensure_within(key: &str, value: i64, range: &RangeInclusive<i64>) -> PyResult<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let remedy = format!("give {} to {}", range.start(), range.end());
    let error = InputError::at(key, format!("{value} is out of range"), remedy);
    Err(to_python(error.into(), None))
}

/// A scenario made ready, from the arrays in memory where there are any.
fn prepared(
    outline: Option<Outline>,
    scenario: &experiment::Scenario,
) -> Result<experiment::problem::Problem, InputError> {
    match outline {
        Some(outline) => outline.prepare(),
        None => experiment::problem::Problem::prepare_within(scenario, memory()),
    }
}
