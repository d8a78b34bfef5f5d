//! Arrays that Python holds, read where they stand.

use modalflow::data::{GivenArray, GivenArrays};
use nalgebra::{DMatrixView, Dyn};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::hash::{Hash, Hasher};

/// Arrays by the names that a scenario has for them.
pub(crate) struct Arrays(Vec<(String, Array)>);

/// An array that Python holds.
#[derive(FromPyObject)]
pub(crate) enum Array {
    /// Two dimensions, by rows.
    Numbers(Py<PyArray2<f64>>),
    Labels(Vec<String>),
}

impl Arrays {
    pub fn new(arrays: Vec<(String, Array)>) -> Self {
        Self(arrays)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Calls `work` with views of them, without a copy of their numbers, and with None where there are none: with the GIL
    /// released, on a thread that need not have it. Meanwhile nobody of this package writes to them.
    ///
    /// # Errors
    /// A TypeError where one is being written to, and a ValueError where one has no numbers.
    pub fn with<T: Send>(
        &self,
        work: impl FnOnce(Option<&GivenArrays<'_>>) -> T + Send,
    ) -> PyResult<T> {
        if self.is_empty() {
            return Ok(work(None));
        }
        Python::attach(|py| {
            let arrays = self.0.iter();
            let held = arrays.map(|(name, array)| Ok((name, array.hold(py)?)));
            let held = held.collect::<PyResult<Vec<_>>>()?;
            let views = held
                .iter()
                .map(|(name, held)| Ok(((*name).clone(), held.view()?)));
            let views: GivenArrays<'_> = views.collect::<PyResult<_>>()?;
            Ok(py.detach(|| work(Some(&views))))
        })
    }
}

impl Array {
    fn hold<'py>(&self, py: Python<'py>) -> PyResult<Held<'py, '_>> {
        Ok(match self {
            Array::Numbers(array) => Held::Numbers(array.bind(py).try_readonly()?),
            Array::Labels(labels) => Held::Labels(labels),
        })
    }
}

/// An array that nobody writes to.
enum Held<'py, 's> {
    Numbers(PyReadonlyArray2<'py, f64>),
    Labels(&'s [String]),
}

impl Held<'_, '_> {
    /// As the library takes it.
    fn view(&self) -> PyResult<GivenArray<'_>> {
        Ok(match self {
            Held::Labels(labels) => GivenArray::Labels(labels.to_vec()),
            Held::Numbers(array) => GivenArray::Numbers(by_rows(array)?),
        })
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

/// Adds the contents of arrays to a digest.
pub(crate) fn digest(arrays: &GivenArrays<'_>, hasher: &mut impl Hasher) {
    for (name, array) in arrays {
        name.hash(hasher);
        match array {
            GivenArray::Labels(labels) => labels.hash(hasher),
            GivenArray::Numbers(numbers) => {
                numbers.shape().hash(hasher);
                numbers.iter().for_each(|x| hasher.write_u64(x.to_bits()));
            }
        }
    }
}
