//! A scenario from a file or from Python's own objects, through the program's loader.

use crate::arrays::{Array, Arrays, digest};
use crate::diagnosis::Diagnosis;
use crate::errors::to_python;
use crate::grid::{CellsDone, Grid};
use crate::job::{self, Control};
use crate::problem::Problem;
use crate::run::Run;
use modalflow::data::GivenArrays;
use modalflow::diagnosis::{self, DIVISIONS, Options, RESAMPLES, Subject};
use modalflow::error::InputError;
use modalflow::experiment::data_summary::DataSummary;
use modalflow::experiment::summary::TheorySummary;
use modalflow::experiment::{self, Outline, run};
use modalflow_cli::scenario::{Loaded, Override, to_yaml};
use modalflow_cli::sweep::{ensure_files, identity_with, memory};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

/// A checked scenario. What it is made of is known to the Python around it.
#[pyclass(frozen, module = "modalflow._core")]
pub(crate) struct Scenario(Arc<Checked>);

/// A checked scenario with the arrays in memory that take the place of its files.
struct Checked {
    loaded: Arc<Loaded>,
    /// Whether its path is that of a file, and not made up.
    is_in_file: bool,
    /// Whether its width is a default that a diagnosis filled in.
    is_width_free: bool,
    arrays: Arrays,
}

/// Threads of a sweep.
const JOBS: RangeInclusive<i64> = 1..=4096;

#[pymethods]
impl Scenario {
    /// Without a text that of the file `path` is read. `changes` are paths and values as YAML; with `to_diagnose` what is
    /// missing beside the data has the defaults of a diagnosis.
    #[new]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        text: Option<String>,
        is_in_file: bool,
        changes: Vec<(String, String)>,
        arrays: Vec<(String, Array)>,
        to_diagnose: bool,
    ) -> PyResult<Self> {
        let load = || {
            let changes = changes
                .iter()
                .map(|(path, value)| Override::keyword(path, value));
            let changes = changes.collect::<Result<_, _>>()?;
            let text = match text {
                Some(text) => text,
                None => Loaded::text(Some(&path))?.1,
            };
            match to_diagnose {
                false => Ok((Loaded::changed(&path, text, changes)?, false)),
                true => Loaded::changed_to_diagnose(&path, text, changes),
            }
        };
        let own = (!is_in_file).then_some(path.as_path());
        // Reading may take its time, on a network say.
        let loaded = py.detach(load);
        let (mut loaded, is_width_free) = loaded.map_err(|error| to_python(error, own))?;
        let data = &mut loaded.file.scenario.data;
        // Another source may have taken the place of the arrays.
        let arrays = match data.get().about().key {
            "arrays" => arrays,
            _ => Vec::new(),
        };
        if !arrays.is_empty() {
            for (_, path) in data.get_mut().files_mut() {
                *path = path.file_name().map(PathBuf::from).unwrap_or_default();
            }
        }
        Ok(Self(Arc::new(Checked {
            loaded: Arc::new(loaded),
            is_in_file,
            is_width_free,
            arrays: Arrays::new(arrays),
        })))
    }

    /// The text that it was read from, without the changes.
    fn text(&self) -> &str {
        self.0.loaded.source.text()
    }

    /// The key of its source of data.
    fn source(&self) -> &'static str {
        self.0.scenario().data.get().about().key
    }

    /// The scenario with every default filled in, as YAML: for a file in any folder.
    fn to_yaml(&self) -> String {
        to_yaml(&self.0.loaded.elsewhere())
    }

    /// Runs it; `listener` is told of stage, time, steps and loss now and then.
    fn run(&self, py: Python<'_>, listener: Option<Py<PyAny>>) -> PyResult<Run> {
        self.interruptible(py, listener, |checked, control: &Control<run::Progress>| {
            let problem = checked.prepared()?;
            let result = run::run(&problem, &mut |progress| control.note(*progress));
            Ok(Run::new(Arc::clone(&checked.loaded), problem, result))
        })
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
            is_width_free: self.0.is_width_free,
            memory: memory(),
            ..Options::resampling(resamples as usize)
        };
        let work = move |checked: &Checked, control: &Control<diagnosis::Progress>| {
            let subject = checked.read(Subject::of, Subject::of_arrays)?;
            let found = subject.diagnose(&options, &|progress| control.note(progress));
            let found = found.map_err(|error| checked.locate(error))?;
            // Who interrupts it does not wait for it.
            let found = found.ok_or_else(|| PyKeyboardInterrupt::new_err("interrupted"))?;
            Ok(Diagnosis::new(Arc::clone(&checked.loaded), found))
        };
        self.interruptible(py, listener, work)
    }

    /// What theory predicts, and what the data say before any training, as JSON; and warnings.
    fn theory(&self, py: Python<'_>) -> PyResult<(String, Vec<String>)> {
        self.interruptible(py, None, |checked, control: &Control<run::Progress>| {
            let problem = checked.prepared()?;
            let theory = problem.theory_while(&|| control.go_on());
            let told = serde_json::json!({
                "name": checked.scenario().name,
                "data": DataSummary::of(&problem),
                "theory": TheorySummary::of(&problem, &theory, None, None),
            });
            Ok((told.to_string(), problem.warnings))
        })
    }

    /// Rate, loss and Hessian products.
    fn problem(&self, py: Python<'_>) -> PyResult<Problem> {
        self.interruptible(py, None, |checked, _: &Control<run::Progress>| {
            Ok(Problem::of(checked.prepared()?))
        })
    }

    /// The grid of its sweep, whose files are there.
    fn grid(&self) -> PyResult<Grid> {
        let loaded = &self.0.loaded;
        let are_there = match self.0.arrays.is_empty() {
            true => ensure_files(loaded),
            false => Ok(()),
        };
        let grid = are_there.and_then(|()| Grid::of(loaded));
        grid.map_err(|error| self.0.told(error))
    }

    /// Tells its sweep from others: a digest of all that its cells depend on, of files and arrays their contents.
    fn identity(&self, py: Python<'_>) -> PyResult<String> {
        self.interruptible(py, None, |checked, _: &Control<run::Progress>| {
            let identity = checked.arrays.with(|given| match given {
                None => modalflow_cli::sweep::identity(&checked.loaded),
                Some(given) => identity_with(&checked.loaded, |hasher| {
                    digest(given, hasher);
                    Ok(())
                }),
            });
            identity?.map_err(|error| checked.told(error))
        })
    }

    /// Runs cells of its sweep on so many threads; gives back their lines of the table. `listener` is told of the number of
    /// finished cells now and then.
    fn run_cells(
        &self,
        py: Python<'_>,
        grid: &Grid,
        indices: Vec<u64>,
        jobs: i64,
        listener: Option<Py<PyAny>>,
    ) -> PyResult<Vec<String>> {
        ensure_within("jobs", jobs, &JOBS)?;
        indices
            .iter()
            .try_for_each(|&index| grid.ensure_has(index))?;
        let grid = grid.clone();
        let work = move |checked: &Checked, control: &Control<CellsDone>| {
            let lines = checked.arrays.with(|given| {
                let prepare = |scenario: &experiment::Scenario| prepared(scenario, given);
                grid.run(&indices, jobs as usize, &prepare, control)
            });
            lines?.ok_or_else(|| PyRuntimeError::new_err("cells of the sweep are missing"))
        };
        self.interruptible(py, listener, work)
    }
}

impl Scenario {
    /// Does `work` with it on a thread of its own, so that Ctrl-C is answered at once.
    fn interruptible<P: job::Told + 'static, T: Send + 'static>(
        &self,
        py: Python<'_>,
        listener: Option<Py<PyAny>>,
        work: impl FnOnce(&Checked, &Control<P>) -> PyResult<T> + Send + 'static,
    ) -> PyResult<T> {
        let checked = Arc::clone(&self.0);
        job::interruptible(py, listener.as_ref(), move |control| {
            work(&checked, control)
        })?
    }
}

impl Checked {
    fn scenario(&self) -> &experiment::Scenario {
        &self.loaded.file.scenario
    }

    /// Reads its data: by `of` from where the scenario says, by `of_arrays` from arrays in memory.
    fn read<T: Send>(
        &self,
        of: impl FnOnce(&experiment::Scenario) -> Result<T, InputError> + Send,
        of_arrays: impl FnOnce(&experiment::Scenario, &GivenArrays<'_>) -> Result<T, InputError> + Send,
    ) -> PyResult<T> {
        let read = self.arrays.with(|given| match given {
            None => of(self.scenario()),
            Some(given) => of_arrays(self.scenario(), given),
        });
        read?.map_err(|error| self.locate(error))
    }

    fn prepared(&self) -> PyResult<experiment::problem::Problem> {
        let problem = self.arrays.with(|given| prepared(self.scenario(), given));
        problem?.map_err(|error| self.locate(error))
    }

    /// An error of what the scenario says, with its file and line; of an array in memory, with its key alone.
    fn locate(&self, error: InputError) -> PyErr {
        let key = error.key.as_deref().unwrap_or_default();
        match !self.arrays.is_empty() && key.starts_with("data.arrays.") {
            true => self.told(error.into()),
            false => self.told(self.loaded.source.locate(error.into())),
        }
    }

    fn told(&self, error: modalflow_cli::error::Error) -> PyErr {
        let path = self.loaded.source.path.as_path();
        to_python(error, (!self.is_in_file).then_some(path))
    }
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
    scenario: &experiment::Scenario,
    given: Option<&GivenArrays<'_>>,
) -> Result<experiment::problem::Problem, InputError> {
    match given {
        Some(given) => Outline::of_arrays(scenario, given, memory())?.prepare(),
        None => experiment::problem::Problem::prepare_within(scenario, memory()),
    }
}
