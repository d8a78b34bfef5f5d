//! Rate, loss and Hessian products as functions of a weight vector.

use crate::run::named_weights;
use modalflow::experiment::problem;
use modalflow::flow::Flow;
use modalflow::network::Architecture;
use nalgebra::DVector;
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::PyValueError;
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
    /// Number of weights.
    len: usize,
}

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
        let owned = Owned { problem, plain };
        let workspace = Workspace::new(owned, |owned| Flows {
            flow: owned.problem.network(false).flow(&owned.problem.moments),
            plain: Flow::new(&owned.plain, &owned.problem.moments),
        });
        Self {
            workspace: Mutex::new(workspace),
            len,
        }
    }

    /// Calls `work` with the problem and its flows, the GIL released.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&problem::Problem, &mut Flows<'_>) -> T + Send,
    ) -> T {
        py.detach(|| {
            let mut workspace = self
                .workspace
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            workspace.with_dependent_mut(|owned, flows| work(&owned.problem, flows))
        })
    }

    fn check<'a>(&self, name: &str, vector: &'a In<'_>) -> PyResult<&'a [f64]> {
        let entries = vector.as_slice()?;
        match entries.len() == self.len {
            true => Ok(entries),
            false => Err(self.wrong_length(name, entries.len())),
        }
    }

    fn wrong_length(&self, name: &str, found: usize) -> PyErr {
        let wanted = self.len;
        PyValueError::new_err(format!(
            "{name} has {found} entries, the network {wanted} weights"
        ))
    }

    /// The array to write to: the one that is given, or a new one.
    fn output<'py>(
        &self,
        py: Python<'py>,
        given: Option<Bound<'py, PyArray1<f64>>>,
    ) -> (Bound<'py, PyArray1<f64>>, bool) {
        match given {
            Some(array) => (array, false),
            None => (PyArray1::zeros(py, self.len, false), true),
        }
    }
}

#[pymethods]
impl Problem {
    /// Number of weights.
    fn __len__(&self) -> usize {
        self.len
    }

    /// The initial weights, flat.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let weights = self.with(py, |problem, _| problem.weights.clone());
        PyArray1::from_slice(py, weights.as_slice())
    }

    /// dW/dt at the weights w, of a schedule that of its last stage.
    #[pyo3(signature = (w, /, out = None))]
    fn rate<'py>(
        &self,
        py: Python<'py>,
        w: In<'py>,
        out: Option<Bound<'py, PyArray1<f64>>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let state = self.check("w", &w)?;
        let (array, _) = self.output(py, out);
        let mut rate: Out<'py> = array.try_readwrite()?;
        let rate = rate.as_slice_mut()?;
        if rate.len() != self.len {
            return Err(self.wrong_length("out", rate.len()));
        }
        self.with(py, |_, flows| flows.flow.rate(state, rate));
        Ok(array)
    }

    /// The loss at the weights w, without weight decay.
    #[pyo3(signature = (w, /))]
    fn loss(&self, py: Python<'_>, w: In<'_>) -> PyResult<f64> {
        let state = self.check("w", &w)?;
        Ok(self.with(py, |_, flows| flows.plain.loss(state)))
    }

    /// H v: the Hessian of the loss, weight decay included, at the weights w in the direction v.
    #[pyo3(signature = (w, v, /, out = None))]
    fn hessian_product<'py>(
        &self,
        py: Python<'py>,
        w: In<'py>,
        v: In<'py>,
        out: Option<Bound<'py, PyArray1<f64>>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (state, direction) = (self.check("w", &w)?, self.check("v", &v)?);
        let (array, _) = self.output(py, out);
        let mut product: Out<'py> = array.try_readwrite()?;
        let product = product.as_slice_mut()?;
        if product.len() != self.len {
            return Err(self.wrong_length("out", product.len()));
        }
        self.with(py, |_, flows| {
            flows.plain.evaluate(state);
            flows.plain.linearise();
            flows.plain.jacobian_product(state, direction, product);
            product.iter_mut().for_each(|entry| *entry = -*entry);
        });
        Ok(array)
    }

    /// A flat vector as matrices of the layers, and vectors of biases, by name.
    #[pyo3(signature = (w, /))]
    fn layers<'py>(
        &self,
        py: Python<'py>,
        w: In<'py>,
    ) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
        let state = DVector::from_column_slice(self.check("w", &w)?);
        let workspace = self
            .workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        named_weights(py, &workspace.borrow_owner().problem, &state)
    }
}
