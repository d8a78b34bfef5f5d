//! Categories as targets: one output for each class.

use crate::error::{InputError, Result, listed};
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

    /// What looks wrong with the classes of some rows that are trained on, given by their places.
    pub fn warnings(&self, key: &str, trained: &[usize]) -> Vec<String> {
        let mut counts = vec![0_usize; self.numbers.len()];
        trained
            .iter()
            .for_each(|&row| counts[self.of_row[row]] += 1);
        let mut absent: Vec<&str> = self
            .numbers
            .iter()
            .filter(|(_, number)| counts[**number] == 0)
            .map(|(name, _)| name.as_str())
            .collect();
        absent.sort_unstable();
        let mut warnings = Vec::new();
        if !absent.is_empty() {
            let (have, outputs) = match absent.len() {
                1 => ("has", "its output"),
                _ => ("have", "their outputs"),
            };
            warnings.push(format!(
                "{key}: {} {have} no row that is trained on, only rows held out: {outputs} cannot be learned",
                listed(absent)
            ));
        }
        // In categories a class has one row and a half on average, and more.
        if 3 * self.numbers.len() > 2 * self.len() {
            warnings.push(format!(
                "{key}: {} rows have {} different labels: check that the column is a category, not the name of each \
                 row or a measurement",
                self.len(),
                self.numbers.len()
            ));
        }
        warnings
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
