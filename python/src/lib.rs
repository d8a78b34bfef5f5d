//! The core of the Python package `modalflow`, behind the Python in `modalflow/`.
//!
//! | file | what it does |
//! |---|---|
//! | `errors.rs` | the program's errors as Python exceptions |
//! | `job.rs` | work on threads, with the GIL released and signals looked at |
//! | `arrays.rs` | arrays that Python holds, read where they stand |
//! | `scenario.rs` | a scenario from a file or from Python's own objects, through the program's loader |
//! | `run.rs` | a finished run: summary, tables, weights, figures |
//! | `diagnosis.rs` | a finished diagnosis: numbers, page, figure |
//! | `problem.rs` | rate, loss and Hessian products as functions of a weight vector |
//! | `grid.rs` | the cells of a sweep |

mod arrays;
mod diagnosis;
mod errors;
mod grid;
mod job;
mod problem;
mod run;
mod scenario;

use clap::Parser;
use modalflow_cli::commands;
use modalflow_cli::commands::args::Cli;
use pyo3::prelude::*;

/// The program `modalflow` with these words on its command line; gives back the exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<String>) -> u8 {
    py.detach(|| commands::exit_code_of(commands::execute(Cli::parse_from(arguments))))
}

/// The JSON Schema of scenarios.
#[pyfunction]
fn schema() -> String {
    modalflow_cli::scenario::schema()
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<scenario::Scenario>()?;
    module.add_class::<run::Run>()?;
    module.add_class::<diagnosis::Diagnosis>()?;
    module.add_class::<problem::Problem>()?;
    module.add_class::<grid::Grid>()?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(schema, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
