//! The one error type of the crate.
//!
//! Everything a user can get wrong in a file ends in [`InputError`]: where it stands, what is
//! wrong with it, and what to do about it. The other variants carry the values they speak of.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whatever can keep a command from doing its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A scenario, a data table or a weights file that cannot be used as it is.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A command line that asks for something impossible.
    #[error("{problem}\n  help: {remedy}")]
    Usage {
        /// What is wrong with the call.
        problem: String,
        /// What to type instead.
        remedy: String,
    },
    /// The output folder cannot be written to; found out before anything is computed.
    #[error("cannot write to the folder {}: {source}\n  help: choose another folder with --out DIR", path.display())]
    OutputFolder {
        /// The folder asked for.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A result that could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Files that were not what they had been, or could not be read, while they were worked on.
    #[error("{problem}\n  help: {remedy}")]
    Changed {
        /// Which files, and what became of them.
        problem: String,
        /// How to go on.
        remedy: String,
    },
    /// Standard output that could not be written to, by other cause than a reader that has gone.
    #[error("cannot write to standard output: {source}")]
    Print {
        /// What the operating system said.
        source: io::Error,
    },
    /// A figure that could not be drawn.
    #[error("cannot draw {figure}: {problem}")]
    Draw {
        /// The figure's file name.
        figure: String,
        /// What the drawing library said.
        problem: String,
    },
}

/// One thing wrong with what the user wrote: file, line, key, problem, remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The file it stands in; filled in by the loader where the place that found the error
    /// knows only the key.
    pub file: Option<PathBuf>,
    /// The line in that file, counted from 1, where it is known.
    pub line: Option<usize>,
    /// Dotted path of the key, `data.toy.rho`, or an array's or a column's name.
    pub key: Option<String>,
    /// What is wrong, with the offending value.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl InputError {
    /// An error at a scenario key; the loader adds file and line.
    pub fn at(
        key: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: None,
            line: None,
            key: Some(key.into()),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// An error in a file, at a line where it is known.
    pub fn in_file(
        file: impl Into<PathBuf>,
        line: Option<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: Some(file.into()),
            line,
            key: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// A file, named by the scenario's `key`, that cannot be read.
    pub fn unreadable(file: &Path, key: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => {
                format!("check {key}: it is relative to the scenario file's folder")
            }
            io::ErrorKind::IsADirectory => format!("give a file in {key}, not a folder"),
            _ => "check the file and its permissions".to_owned(),
        };
        let problem = format!("cannot read the file: {error}");
        Self::in_file(file, None, problem, remedy)
    }

    /// The same error at a key, an array or a column.
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            write!(f, ": ")?;
        }
        if let Some(key) = self.key.as_deref().filter(|key| !key.is_empty()) {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}\n  help: {}", self.problem, self.remedy)
    }
}

impl std::error::Error for InputError {}

impl Error {
    /// The exit code of a command that ends with this error: 2 where the user can mend the
    /// call or the scenario (nothing was written), 1 where writing or drawing failed, or what is
    /// read changed meanwhile.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Input(_) | Error::Usage { .. } | Error::OutputFolder { .. } => 2,
            Error::Write { .. }
            | Error::Changed { .. }
            | Error::Print { .. }
            | Error::Draw { .. } => 1,
        }
    }
}
