//! What the page sends, and what it shows: the records between the two.

use super::controls::{Changes, Control};
use crate::error::Error;
use serde::{Deserialize, Serialize};

/// A state of the page: a text, and changes to it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The scenario as YAML.
    pub text: String,
    /// Other values at some of its keys.
    #[serde(default)]
    pub set: Changes,
}

/// What a page asks: what a state shows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Which page asks, by a number that it draws for itself: only its own questions overtake each other.
    pub page: u32,
    /// The state.
    pub state: State,
    /// Whether its window is too small for figures of the usual size.
    #[serde(default)]
    pub narrow: bool,
}

/// What the page shows of a state.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct View {
    /// The text with the changes; None where they do not fit.
    pub text: Option<String>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// Its controls; None where it is no scenario.
    pub controls: Option<Vec<Control>>,
    /// Its run; None where it cannot be run.
    pub shown: Option<Shown>,
}

/// What is wrong, and where.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fault {
    /// The line of the text, counted from 1.
    pub line: Option<usize>,
    /// The key.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// A run as the page shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Shown {
    /// The name of the scenario.
    pub name: String,
    /// What it shows, in one sentence.
    pub headline: String,
    /// Where the budget ended the run.
    pub cut: Option<String>,
    /// What to know before trusting it, and how it ended.
    pub notes: Vec<String>,
    /// What was measured, by the published formulas, and from the actual weights.
    pub numbers: Vec<[String; 4]>,
    /// The report of `modalflow run`.
    pub report: String,
    /// The pictures.
    pub pictures: Vec<Picture>,
}

/// A figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picture {
    /// Its name.
    pub stem: String,
    /// The figure as SVG.
    pub svg: String,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Input(error) => Self {
                line: error.line,
                key: error.key,
                problem: error.problem,
                remedy: error.remedy.to_string(),
            },
            Error::Usage { problem, remedy } => Self {
                problem,
                remedy,
                ..Self::default()
            },
            other => Self {
                problem: other.to_string(),
                ..Self::default()
            },
        }
    }
}
