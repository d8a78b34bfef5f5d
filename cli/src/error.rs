//! The program's errors, and the exit code of each.

pub use modalflow::error::InputError;
use std::io;
use std::path::{Path, PathBuf};

/// The program's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whatever can keep a command from doing its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A scenario, a data table or a weights file that cannot be used as it is.
    #[error(transparent)]
    Input(InputError),
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
    /// An output folder that is, or lies below, a link to what is not there.
    #[error("cannot write to {}: it is a link to {}, which does not exist\n  help: make that folder, remove the link, or choose another folder with --out DIR", path.display(), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
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

impl From<InputError> for Error {
    /// Adds the name that was meant, where one was not found and another one is close.
    fn from(mut error: InputError) -> Self {
        if let Some(unknown) = error.unknown.take() {
            let known = unknown.known.iter().map(String::as_str);
            error.problem += &did_you_mean(&unknown.name, known);
        }
        Error::Input(error)
    }
}

impl Error {
    /// A command line that asks for something impossible.
    pub fn usage(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Error::Usage {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// A file that could not be written, by what the operating system says.
    pub fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Error::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// The exit code of a command that ends with this error: 2 where the user can mend the
    /// call or the scenario (nothing was written), 1 where writing or drawing failed, or what is
    /// read changed meanwhile.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Input(_)
            | Error::Usage { .. }
            | Error::OutputFolder { .. }
            | Error::DanglingLink { .. } => 2,
            Error::Write { .. }
            | Error::Changed { .. }
            | Error::Print { .. }
            | Error::Draw { .. } => 1,
        }
    }
}

/// The name among `known` that `name` was meant for, if any is close.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Half of the letters right: enough for typing errors, too much for unrelated words.
    const LEAST_SIMILARITY: f64 = 0.5;
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let similarity = strsim::normalized_damerau_levenshtein(&lower, &known.to_lowercase());
            (similarity, known)
        })
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// `, did you mean NAME?` to be put behind a problem; empty where no name is close.
pub fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map_or(String::new(), |near| format!(", did you mean {near}?"))
}
