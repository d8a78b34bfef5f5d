//! Categories as targets: one output for each class.

use crate::error::{InputError, Result};
use crate::section::MOST_DIMENSIONS;
use nalgebra::DMatrix;
use std::collections::HashMap;

/// The class of every row. Each name is kept once.
#[derive(Debug, Clone, Default)]
pub(super) struct Classes {
    numbers: HashMap<String, usize>,
    of_row: Vec<usize>,
}

impl Classes {
    /// Adds the next row.
    pub fn push(&mut self, name: &str) {
        let next = self.numbers.len();
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => *self.numbers.entry(name.to_owned()).or_insert(next),
        };
        self.of_row.push(number);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.of_row.len()
    }

    /// One column for each class: 1 in the rows that have it, 0 in the others. Classes stand in the order
    /// of their names, whole numbers in that of their values, so that the order of the rows does not
    /// matter.
    ///
    /// # Errors
    /// An input error at `key` where there is one class only, and where there are more than outputs
    /// can be.
    pub fn one_hot(&self, key: &str) -> Result<DMatrix<f64>> {
        let mut names: Vec<&str> = self.numbers.keys().map(String::as_str).collect();
        let number = |name: &str| name.parse::<i128>().ok();
        if names.iter().all(|name| number(name).is_some()) {
            names.sort_unstable_by_key(|name| (number(name), *name));
        } else {
            names.sort_unstable();
        }
        if let [name] = names[..] {
            let problem = format!("every row has the label {name:?}");
            let remedy = "give labels of at least two classes";
            return Err(InputError::at(key, problem, remedy));
        }
        if names.len() as u64 > MOST_DIMENSIONS {
            let problem = format!(
                "the rows have {} different labels: each is an output, of which there can be {MOST_DIMENSIONS}",
                names.len()
            );
            let remedy = "check that the label is a category, not a measurement or a row's name";
            return Err(InputError::at(key, problem, remedy));
        }
        let mut columns = vec![0; names.len()];
        for (column, name) in names.iter().enumerate() {
            columns[self.numbers[*name]] = column;
        }
        let mut targets = DMatrix::zeros(self.len(), names.len());
        for (row, &number) in self.of_row.iter().enumerate() {
            targets[(row, columns[number])] = 1.0;
        }
        Ok(targets)
    }
}
