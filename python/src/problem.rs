//! Rate, loss and Hessian products as functions of a weight vector.

use crate::job::ensure_not_forked;
use crate::run::named_weights;
use modalflow::experiment::problem;
use modalflow::flow::Flow;
use modalflow::network::Architecture;
use nalgebra::DVector;
use numpy::{
    BorrowError, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadwriteArray1,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use self_cell::self_cell;
use std::sync::{Mutex, PoisonError};

/// What the flows of a problem refer to.
struct Owned {
    problem: problem::Problem,
    /// The network with all factors on learning rates 1, whose Jacobian is minus the Hessian.
    plain: Architecture,
}

/// The workspaces of a problem.
struct Flows<'a> {
    flow: Flow<'a>,
    plain: Flow<'a>,
}

self_cell!(
    struct Workspace {
        owner: Owned,
        #[covariant]
        dependent: Flows,
    }
);

/// A scenario made ready, of which other solvers take the right-hand side.
#[pyclass(frozen, module = "modalflow._core")]
pub(crate) struct Problem {
    workspace: Mutex<Workspace>,
    /// Outside of the lock: who makes arrays under it may be called again by a finaliser.
    architecture: Architecture,
    warnings: Vec<String>,
    /// Number of weights.
    len: usize,
}

/// Up to so many weights a call takes less than to release the GIL and to take it back, at which a thread of an interpreter
/// that ends is aborted.
const SMALL: usize = 10_000;

/// A vector from Python, and one to write to.
type In<'py> = PyReadonlyArray1<'py, f64>;
type Out<'py> = PyReadwriteArray1<'py, f64>;

impl Problem {
    pub fn of(problem: problem::Problem) -> Self {
        let mut plain = problem.architecture.clone();
        plain
            .layers
            .iter_mut()
            .for_each(|layer| layer.rate_factor = 1.0);
        plain
            .biases
            .iter_mut()
            .for_each(|bias| bias.rate_factor = 1.0);
        let len = problem.architecture.len();
        let (architecture, warnings) = (problem.architecture.clone(), problem.warnings.clone());
        let owned = Owned { problem, plain };
        let workspace = Workspace::new(owned, |owned| Flows {
            flow: owned.problem.network(false).flow(&owned.problem.moments),
            plain: Flow::new(&owned.plain, &owned.problem.moments),
        });
        Self {
            workspace: Mutex::new(workspace),
            architecture,
            warnings,
            len,
        }
    }

    /// Calls `work` with the problem and its flows, of a large network with the GIL released.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&problem::Problem, &mut Flows<'_>) -> T + Send,
    ) -> PyResult<T> {
        // Another thread may have held the lock when this process was forked.
        ensure_not_forked()?;
        let locked = || {
            let workspace = self.workspace.lock();
            let mut workspace = workspace.unwrap_or_else(PoisonError::into_inner);
            workspace.with_dependent_mut(|owned, flows| work(&owned.problem, flows))
        };
        Ok(match self.len > SMALL {
            true => py.detach(locked),
            false => locked(),
        })
    }

    /// A vector that Python gives.
    fn input<'py>(&self, name: &str, given: &Bound<'py, PyAny>) -> PyResult<In<'py>> {
        let array = vector(name, given)?
            .try_readonly()
            .map_err(|_| in_use(name))?;
        self.ensure_fits(name, array.len())?;
        Ok(array)
    }

    /// The vector to write to: the one that Python gives, or a new one.
    fn output<'py>(
        &self,
        py: Python<'py>,
        given: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Out<'py>> {
        let Some(given) = given else {
            return Ok(PyArray1::zeros(py, self.len, false).readwrite());
        };
        let array = vector("out", given)?
            .try_readwrite()
            .map_err(|error| match error {
                BorrowError::NotWriteable => PyValueError::new_err("out cannot be written to"),
                _ => in_use("out"),
            })?;
        self.ensure_fits("out", array.len())?;
        Ok(array)
    }

    fn ensure_fits(&self, name: &str, found: usize) -> PyResult<()> {
        match found == self.len {
            true => Ok(()),
            false => Err(self.wrong_length(name, found)),
        }
    }

    fn wrong_length(&self, name: &str, found: usize) -> PyErr {
        let wanted = self.len;
        PyValueError::new_err(format!(
            "{name} has {found} entries, the network {wanted} weights"
        ))
    }
}

/// A contiguous vector of 64-bit floats.
fn vector<'py>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let array = given.cast::<PyArray1<f64>>();
    let array = array.ok().filter(|array| array.is_contiguous());
    array.cloned().ok_or_else(|| {
        let kind = given.get_type();
        let kind = kind.name().map_or_else(|_| String::new(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "{name} is no contiguous vector of 64-bit floats but a {kind}: write numpy.ravel({name}).astype(float)"
        ))
    })
}

fn in_use(name: &str) -> PyErr {
    PyValueError::new_err(format!(
        "{name} is being written to: give an array of its own"
    ))
}

#[pymethods]
impl Problem {
    /// Number of weights.
    fn __len__(&self) -> usize {
        self.len
    }

    /// What to know before trusting it.
    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// The initial weights, flat.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let weights = self.with(py, |problem, _| problem.weights.clone())?;
        Ok(PyArray1::from_slice(py, weights.as_slice()))
    }

    /// dW/dt at the weights w, of a schedule that of its last stage.
    #[pyo3(signature = (w, /, out = None))]
    fn rate<'py>(
        &self,
        py: Python<'py>,
        w: &Bound<'py, PyAny>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (w, mut out) = (self.input("w", w)?, self.output(py, out)?);
        let (state, rate) = (w.as_slice()?, out.as_slice_mut()?);
        self.with(py, |_, flows| flows.flow.rate(state, rate))?;
        Ok((**out).clone())
    }

    /// The loss at the weights w, without weight decay.
    #[pyo3(signature = (w, /))]
    fn loss(&self, py: Python<'_>, w: &Bound<'_, PyAny>) -> PyResult<f64> {
        let w = self.input("w", w)?;
        let state = w.as_slice()?;
        self.with(py, |_, flows| flows.plain.loss(state))
    }

    /// H v: the Hessian of the loss, weight decay included, at the weights w in the direction v.
    #[pyo3(signature = (w, v, /, out = None))]
    fn hessian_product<'py>(
        &self,
        py: Python<'py>,
        w: &Bound<'py, PyAny>,
        v: &Bound<'py, PyAny>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (w, v, mut out) = (
            self.input("w", w)?,
            self.input("v", v)?,
            self.output(py, out)?,
        );
        let (state, direction, product) = (w.as_slice()?, v.as_slice()?, out.as_slice_mut()?);
        self.with(py, |_, flows| {
            flows.plain.evaluate(state);
            flows.plain.linearise();
            flows.plain.jacobian_product(state, direction, product);
            product.iter_mut().for_each(|entry| *entry = -*entry);
        })?;
        Ok((**out).clone())
    }

    /// A flat vector as matrices of the layers, and vectors of biases, by name.
    #[pyo3(signature = (w, /))]
    fn layers<'py>(
        &self,
        py: Python<'py>,
        w: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
        let state = DVector::from_column_slice(self.input("w", w)?.as_slice()?);
        named_weights(py, &self.architecture, &state)
    }
}
