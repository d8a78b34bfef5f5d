//! Arrays in memory, in place of the files that a scenario names.

use super::classes::Classes;
use super::files::array_file::ArrayFile;
use super::origin::Place;
use crate::error::{InputError, Remedy, Result};
use nalgebra::{DMatrix, DMatrixView, Dyn};
use std::collections::BTreeMap;

/// Arrays in memory by the names that a scenario has for them: `audio` stands for `arrays.npz#audio`,
/// whatever the file.
pub type GivenArrays<'a> = BTreeMap<String, GivenArray<'a>>;

/// An array in memory.
#[derive(Debug, Clone)]
pub enum GivenArray<'a> {
    /// Numbers, a row each a sample, with any strides.
    Numbers(DMatrixView<'a, f64, Dyn, Dyn>),
    /// The class of each row.
    Labels(Vec<String>),
}

/// Where the arrays of a scenario come from.
pub(super) trait Arrays {
    /// Appends the numbers of an array by columns; gives back its rows and columns.
    ///
    /// # Errors
    /// An input error where the array cannot be read or used.
    fn append(&self, key: &str, file: &ArrayFile, to: &mut Vec<f64>) -> Result<[usize; 2]>;

    /// The numbers, a row each a sample.
    ///
    /// # Errors
    /// As for [`Arrays::append`].
    fn numbers(&self, key: &str, file: &ArrayFile) -> Result<DMatrix<f64>> {
        let mut values = Vec::new();
        let [rows, columns] = self.append(key, file, &mut values)?;
        Ok(DMatrix::from_vec(rows, columns, values))
    }

    /// The class of each row.
    ///
    /// # Errors
    /// An input error where the array cannot be read, or has no classes.
    fn labels(&self, key: &str, file: &ArrayFile) -> Result<Classes>;

    /// An error in an array.
    fn refuse(&self, key: &str, file: &ArrayFile, problem: String, remedy: &str) -> InputError;

    /// What errors in the columns of an array name, and how they begin to name a column.
    fn place(&self, key: &str, file: &ArrayFile) -> (Place, String);
}

/// The files themselves.
pub(super) struct Files;

impl Arrays for Files {
    fn append(&self, key: &str, file: &ArrayFile, to: &mut Vec<f64>) -> Result<[usize; 2]> {
        let values = file.numbers(key)?;
        to.extend_from_slice(values.as_slice());
        Ok([values.nrows(), values.ncols()])
    }

    fn numbers(&self, key: &str, file: &ArrayFile) -> Result<DMatrix<f64>> {
        file.numbers(key)
    }

    fn labels(&self, key: &str, file: &ArrayFile) -> Result<Classes> {
        file.labels(key)
    }

    fn refuse(&self, _: &str, file: &ArrayFile, problem: String, remedy: &str) -> InputError {
        file.refuse(problem, remedy)
    }

    fn place(&self, _: &str, file: &ArrayFile) -> (Place, String) {
        let array = file.array.iter().map(|array| format!("array {array}, "));
        (Place::File(file.path.clone()), array.collect())
    }
}

impl Arrays for GivenArrays<'_> {
    fn append(&self, key: &str, file: &ArrayFile, to: &mut Vec<f64>) -> Result<[usize; 2]> {
        let GivenArray::Numbers(values) = find(self, key, file)? else {
            let remedy = Remedy::from("classes can be labels (")
                .key("data.arrays.label")
                .text("), inputs and targets are numbers");
            return Err(InputError::at(key, "the array holds classes", remedy));
        };
        file.ensure_rows(&[values.nrows() as u64, values.ncols() as u64])
            .and_then(|()| file.ensure_finite(values.iter().copied(), values.nrows()))
            .map_err(|error| in_memory(key, error))?;
        to.extend(values.iter().copied());
        Ok([values.nrows(), values.ncols()])
    }

    fn labels(&self, key: &str, file: &ArrayFile) -> Result<Classes> {
        let GivenArray::Labels(labels) = find(self, key, file)? else {
            let remedy = Remedy::from("numbers can be targets (")
                .key("data.arrays.target")
                .text(")");
            return Err(InputError::at(key, "the array holds numbers", remedy));
        };
        file.ensure_rows(&[labels.len() as u64])
            .map_err(|error| in_memory(key, error))?;
        let mut classes = Classes::default();
        labels.iter().for_each(|label| classes.push(label));
        Ok(classes)
    }

    fn refuse(&self, key: &str, _: &ArrayFile, problem: String, remedy: &str) -> InputError {
        InputError::at(key, problem, remedy)
    }

    fn place(&self, key: &str, _: &ArrayFile) -> (Place, String) {
        (Place::Memory(key.to_owned()), String::new())
    }
}

/// An error of an array, which is in no file.
fn in_memory(key: &str, error: InputError) -> InputError {
    InputError::at(key, error.problem, error.remedy)
}

fn find<'g, 'a>(
    given: &'g GivenArrays<'a>,
    key: &str,
    file: &ArrayFile,
) -> Result<&'g GivenArray<'a>> {
    let name = file.array.as_deref().unwrap_or_default();
    given.get(name).ok_or_else(|| {
        let problem = format!("no array {name:?} was given");
        let error = InputError::at(key, problem, "name one of the arrays that are given");
        error.with_unknown(name, given.keys().map(String::as_str))
    })
}
