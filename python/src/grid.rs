//! The cells of a sweep.

use crate::job::{Control, TICK};
use modalflow::error::InputError;
use modalflow::experiment;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::Progress;
use modalflow_cli::error::Result;
use modalflow_cli::scenario::{self, Cell, Loaded};
use modalflow_cli::sweep::{self, Finished};
use pyo3::exceptions::{PyIndexError, PyRuntimeError};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};

/// The grid of a scenario's sweep.
#[pyclass(frozen, module = "modalflow._core")]
pub(crate) struct Grid(scenario::Grid);

/// Makes a cell's scenario ready.
type Prepare<'p> = dyn Fn(&experiment::Scenario) -> Result<Problem, InputError> + Sync + 'p;

/// What a cell changes, each path with its value as text; its repeat, and its seed.
type CellValues = (Vec<(String, String)>, u64, u64);

impl Grid {
    /// The grid of a loaded scenario.
    pub fn of(loaded: &Loaded) -> Result<Self> {
        scenario::Grid::of(loaded).map(Self)
    }

    /// Runs cells on so many threads; gives back their lines of the table, in the order asked for. `listener` is
    /// told of the number of finished cells.
    pub fn run(
        &self,
        indices: &[u64],
        jobs: usize,
        prepare: &Prepare<'_>,
        listener: Option<&Py<PyAny>>,
    ) -> PyResult<Vec<String>> {
        let (control, next) = (Control::<Progress>::default(), AtomicUsize::new(0));
        let (sender, receiver) = channel();
        let work = |sender: std::sync::mpsc::Sender<(usize, String)>| {
            while control.go_on() {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(&index) = indices.get(place) else {
                    return;
                };
                let line = self.line(index, prepare, &|| control.go_on());
                let Some(line) = line.filter(|line| sender.send((place, line.clone())).is_ok())
                else {
                    return;
                };
                drop(line);
            }
        };
        let mut lines = vec![String::new(); indices.len()];
        let mut finished = 0;
        std::thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, indices.len().max(1)) {
                let sender = sender.clone();
                let work = &work;
                scope.spawn(move || work(sender));
            }
            drop(sender);
            loop {
                match receiver.recv_timeout(TICK) {
                    Ok((place, line)) => {
                        lines[place] = line;
                        finished += 1;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                let told = Python::attach(|py| tell(py, listener, finished));
                if let Err(error) = told {
                    control.stop();
                    return Err(error);
                }
            }
            match finished == indices.len() {
                true => Python::attach(|py| tell(py, listener, finished)),
                false => Err(PyRuntimeError::new_err("cells of the sweep are missing")),
            }
        })?;
        Ok(lines)
    }

    /// A cell's line of the table; None where it was told to stop.
    fn line(&self, index: u64, prepare: &Prepare<'_>, go_on: &dyn Fn() -> bool) -> Option<String> {
        let cell = self.0.cell(index);
        let work = |cell: &Cell, go_on: &dyn Fn() -> bool| -> Option<Finished> {
            match self.0.scenario(cell) {
                Ok(scenario) => sweep::run_problem(prepare(&scenario), false, go_on),
                Err(error) => Some(sweep::invalid(&error)),
            }
        };
        let finished = sweep::finish(&cell, &work, go_on)?;
        Some(sweep::csv_line(&cell, &finished.row))
    }
}

fn tell(py: Python<'_>, listener: Option<&Py<PyAny>>, finished: usize) -> PyResult<()> {
    py.check_signals()?;
    match listener {
        Some(listener) => listener.call1(py, (finished,)).map(drop),
        None => Ok(()),
    }
}

#[pymethods]
impl Grid {
    /// Number of cells.
    fn __len__(&self) -> usize {
        self.0.len() as usize
    }

    /// The header of the table, with its line end.
    fn header(&self) -> String {
        sweep::header(&self.0)
    }

    /// What a cell changes, each path with its value as text; its repeat, and its seed.
    fn cell(&self, index: u64) -> PyResult<CellValues> {
        if index >= self.0.len() {
            let problem = format!("cell {index} of a sweep of {}", self.0.len());
            return Err(PyIndexError::new_err(problem));
        }
        let cell = self.0.cell(index);
        let paths = self.0.columns().map(|column| column.path.clone());
        let values = cell.values.iter().map(ToString::to_string);
        Ok((paths.zip(values).collect(), cell.repeat, cell.seed))
    }
}
