//! The series of one panel: their names, and what is not shown of them.

use super::{Request, labels};
use crate::plot::Key;
use crate::scenario::AxisValue;

/// Most entries of a legend; of more series some are named.
const MOST_KEYS: usize = 12;
/// How many are named then.
const NAMED: usize = 8;

/// What the series of a figure are called; one without a name where no axis has series.
pub(super) fn labels(request: &Request<'_>, up: Option<usize>) -> Vec<String> {
    let Some(column) = up.map(|up| request.columns[up]) else {
        return vec![String::new()];
    };
    let label = |value| labels::assignment(&column.path, value);
    column.values.iter().map(label).collect()
}

/// The values of an axis as numbers.
pub(super) fn numbers(values: &[AxisValue]) -> Vec<f64> {
    values.iter().filter_map(AxisValue::as_number).collect()
}

/// Some of the entries where there are too many, and a note that says so.
pub(super) fn thinned(keys: Vec<Key>) -> (Vec<Key>, Option<String>) {
    let count = keys.len();
    if count <= MOST_KEYS {
        return (keys, None);
    }
    let named: Vec<usize> = (0..NAMED).map(|i| i * (count - 1) / (NAMED - 1)).collect();
    let some = keys
        .into_iter()
        .enumerate()
        .filter_map(|(i, key)| named.contains(&i).then_some(key))
        .collect();
    let note = format!("the legend names {NAMED} of {count} series; colours follow their order");
    (some, Some(note))
}

/// A note about values that a logarithmic axis cannot show, where there are any.
pub(super) fn left_out(log: bool, values: impl Iterator<Item = f64>) -> Option<String> {
    let count = values.filter(|v| log && v.is_finite() && *v <= 0.0).count();
    (count > 0).then(|| format!("not shown: {count} not above zero, on a logarithmic axis"))
}
