//! The input streams, and their places in the joined input.

use serde::Serialize;
use std::borrow::Borrow;
use std::ops::Range;

/// An input stream: its place, its name and its rows in the joined input. Results speak of it by its
/// name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Modality {
    /// Its place among the modalities, from 0.
    pub index: usize,
    /// Name, as in the scenario.
    pub name: String,
    /// Its entries in the joined input vector of length d.
    pub range: Range<usize>,
}

impl From<Modality> for String {
    fn from(modality: Modality) -> String {
        modality.name
    }
}

impl Modality {
    /// Input dimension d_m.
    pub fn dim(&self) -> usize {
        self.range.len()
    }
}

/// Modalities of these names and dimensions, in the order of the joined input.
pub fn layout<N: ToString, D: Borrow<usize>>(
    dims: impl IntoIterator<Item = (N, D)>,
) -> Vec<Modality> {
    let mut start = 0;
    let modalities = dims.into_iter().enumerate().map(|(index, (name, dim))| {
        let range = start..start + dim.borrow();
        start = range.end;
        let name = name.to_string();
        Modality { index, name, range }
    });
    modalities.collect()
}
