//! The cells of a sweep.

use crate::job::{Control, Told};
use modalflow::error::InputError;
use modalflow::experiment;
use modalflow::experiment::problem::Problem;
use modalflow_cli::error::Result;
use modalflow_cli::scenario::{self, Cell, Loaded};
use modalflow_cli::sweep::{self, Finished};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The grid of a scenario's sweep.
#[pyclass(frozen, module = "modalflow._core")]
#[derive(Clone)]
pub(crate) struct Grid(Arc<scenario::Grid>);

/// Makes a cell's scenario ready.
type Prepare<'p> = dyn Fn(&experiment::Scenario) -> Result<Problem, InputError> + Sync + 'p;

/// Number of cells that are finished.
pub(crate) struct CellsDone(usize);

impl Told for CellsDone {
    fn tell(self, py: Python<'_>, listener: &Py<PyAny>) -> PyResult<()> {
        listener.call1(py, (self.0,)).map(drop)
    }
}

impl Grid {
    /// The grid of a loaded scenario.
    pub fn of(loaded: &Loaded) -> Result<Self> {
        Ok(Self(Arc::new(scenario::Grid::of(loaded)?)))
    }

    /// # Errors
    /// An IndexError where there is no such cell.
    pub fn ensure_has(&self, index: u64) -> PyResult<()> {
        if index < self.0.len() {
            return Ok(());
        }
        let problem = format!("cell {index} of a sweep of {}", self.0.len());
        Err(PyIndexError::new_err(problem))
    }

    /// Runs cells on so many threads; gives back their lines of the table, in the order asked for. None where it was told
    /// to stop.
    pub fn run(
        &self,
        indices: &[u64],
        jobs: usize,
        prepare: &Prepare<'_>,
        control: &Control<CellsDone>,
    ) -> Option<Vec<String>> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut lines = Vec::new();
        lines.resize_with(indices.len(), OnceLock::new);
        let work = || {
            while control.go_on() {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let (Some(&index), Some(slot)) = (indices.get(place), lines.get(place)) else {
                    return;
                };
                let Some(line) = self.line(index, prepare, &|| control.go_on()) else {
                    return;
                };
                slot.get_or_init(|| line);
                control.note(CellsDone(done.fetch_add(1, Ordering::Relaxed) + 1));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..jobs.min(indices.len()) {
                scope.spawn(work);
            }
        });
        // Threads may have noted it in another order.
        control.note(CellsDone(done.into_inner()));
        lines.into_iter().map(OnceLock::into_inner).collect()
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

    /// What a cell changes, each path with its value as text.
    ///
    /// # Errors
    /// An IndexError where there is no such cell.
    fn cell(&self, index: u64) -> PyResult<Vec<(String, String)>> {
        self.ensure_has(index)?;
        let paths = self.0.columns().map(|column| column.path.clone());
        let values = self.0.cell(index).values;
        Ok(paths.zip(values.iter().map(ToString::to_string)).collect())
    }
}
