//! The one error type of the library.
//!
//! Everything a user can get wrong ends in [`InputError`]: where it stands, what is wrong with it, and
//! what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The library's result.
pub type Result<T, E = InputError> = std::result::Result<T, E>;

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
    pub remedy: Remedy,
    /// The name that was not found, where one was looked for.
    pub unknown: Option<Box<Unknown>>,
}

/// A name that was not found among those there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// Names that could have been meant.
    pub known: Vec<String>,
}

/// What to do about an error. Keys stand apart from the text, so that whoever gives them otherwise than in a file, by options,
/// can name them so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remedy(Vec<Word>);

/// A part of a remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// As it stands.
    Text(String),
    /// A key by its dotted path.
    Key(String),
    /// That a key be given a value, as YAML.
    Set(String, String),
    /// The folder that paths of a scenario are relative to.
    Folder,
}

impl Remedy {
    /// Goes on with text.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with(Word::Text(text.into()))
    }

    /// Goes on with a key by its dotted path.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(Word::Key(key.into()))
    }

    /// Goes on with `set key: value`.
    pub fn set(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(Word::Set(key.into(), value.into()))
    }

    /// Goes on with the folder that paths of a scenario are relative to.
    pub fn folder(self) -> Self {
        self.with(Word::Folder)
    }

    /// The same with other words for those that `other` knows any for.
    pub fn reworded(&self, other: impl Fn(&Word) -> Option<String>) -> Self {
        let words = self.0.iter();
        let reworded = words.map(|word| other(word).map_or(word.clone(), Word::Text));
        Self(reworded.collect())
    }

    fn with(mut self, word: Word) -> Self {
        self.0.push(word);
        self
    }
}

impl<T: Into<String>> From<T> for Remedy {
    fn from(text: T) -> Self {
        Self::default().text(text)
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| word.fmt(f))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Text(text) => f.write_str(text),
            Word::Key(key) => f.write_str(key),
            Word::Set(key, value) => write!(f, "set {key}: {value}"),
            Word::Folder => f.write_str(
                "the scenario file's folder, in a scenario from standard input to the current folder",
            ),
        }
    }
}

impl InputError {
    /// An error at a scenario key; the loader adds file and line.
    pub fn at(
        key: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) -> Self {
        Self {
            file: None,
            line: None,
            key: Some(key.into()),
            problem: problem.into(),
            remedy: remedy.into(),
            unknown: None,
        }
    }

    /// An error in a file, at a line where it is known.
    pub fn in_file(
        file: impl Into<PathBuf>,
        line: Option<usize>,
        problem: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) -> Self {
        Self {
            file: Some(file.into()),
            line,
            key: None,
            problem: problem.into(),
            remedy: remedy.into(),
            unknown: None,
        }
    }

    /// A file, named by the scenario's `key`, that cannot be read.
    pub fn unreadable(file: &Path, key: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => Remedy::from("check ")
                .key(key)
                .text(": it is relative to ")
                .folder(),
            io::ErrorKind::IsADirectory => Remedy::from("give a file in ")
                .key(key)
                .text(", not a folder"),
            _ => "check the file and its permissions".into(),
        };
        let problem = format!("cannot read the file: {error}");
        Self::in_file(file, None, problem, remedy)
    }

    /// The same error where `name` was looked for among `known`.
    pub fn with_unknown<'k>(self, name: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        let unknown = Unknown {
            name: name.to_owned(),
            known: known.into_iter().map(str::to_owned).collect(),
        };
        Self {
            unknown: Some(Box::new(unknown)),
            ..self
        }
    }

    /// The same error in a file.
    pub fn with_file(self, file: impl Into<PathBuf>) -> Self {
        Self {
            file: Some(file.into()),
            ..self
        }
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

/// Names for a message, the first twenty of a long list.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let names: Vec<&str> = names.into_iter().collect();
    match names.get(..MOST) {
        Some(first) if names.len() > MOST => {
            format!("{}, ... ({} in all)", first.join(", "), names.len())
        }
        _ if names.is_empty() => "none".to_owned(),
        _ => names.join(", "),
    }
}
