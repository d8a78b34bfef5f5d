//! Where a column of numbers comes from, as errors name it.

use crate::error::{InputError, Remedy};
use std::fmt::{self, Display};
use std::path::PathBuf;

/// Where a column comes from, as errors name it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The file, or the array.
    pub place: Place,
    /// The column in it.
    pub column: String,
}

impl Origin {
    /// An error in this column.
    pub fn refuse(&self, problem: impl Display, remedy: impl Into<Remedy>) -> InputError {
        match &self.place {
            Place::File(file) => {
                InputError::in_file(file, None, problem.to_string(), remedy).with_key(&self.column)
            }
            Place::Memory(key) => {
                InputError::at(key, format!("{}: {problem}", self.column), remedy)
            }
        }
    }
}

/// What holds a column.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A file.
    File(PathBuf),
    /// An array in memory, by the key that names it.
    Memory(String),
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Memory(key) => key.fmt(f),
        }
    }
}
