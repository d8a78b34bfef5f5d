//! What reading a file of samples told.

use crate::section::ByModality;
use serde::Serialize;

/// Rows used and left out, and what the user should know about the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reading {
    /// Number of rows used, those held out included.
    pub used: usize,
    /// Number of rows left out because of missing cells.
    pub dropped: usize,
    /// Inputs left out because they do not vary, by modality.
    #[serde(skip_serializing_if = "ByModality::is_empty")]
    pub constant: ByModality<Vec<String>>,
    /// Names of the inputs that are left, as the source has them; none where they were turned to other directions.
    #[serde(skip)]
    pub inputs: Vec<String>,
    /// How the file was read, where that may surprise.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// What looks wrong in the file without being refused.
    #[serde(skip)]
    pub warnings: Vec<String>,
}
