//! The sweep section: a grid of scenarios.

mod check;
mod value;

use super::load::json_schema;
use super::messages;
use modalflow::error::Result;
pub use value::AxisValue;

use modalflow::section::within;
use modalflow::trajectory::Spacing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A grid over the scenario: every combination of the values of the axes, each repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "axes": [
        {"path": "data.toy.rho", "from": -0.5, "to": 0.5, "count": 5},
        {"path": "network.width", "values": [50, 100]},
    ],
    "repeats": 3,
}]))]
pub struct SweepSection {
    /// The axes of the grid; the last one varies fastest. Without axes, the scenario itself is
    /// repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<Axis>,
    /// Number of runs of every combination, each with a seed of its own.
    #[serde(default = "default_repeats")]
    #[schemars(transform = within(1..=check::MOST_CELLS))]
    pub repeats: u64,
}

fn default_repeats() -> u64 {
    1
}

/// One axis: a path with values or a range, or several linked axes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Dotted path of the key that varies, for example data.toy.rho.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The values of the key, one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<AxisValue>>,
    /// First value of a range; in place of values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// Last value of the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Number of values in the range, both ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(1..=check::MOST_CELLS))]
    pub count: Option<u64>,
    /// Spacing of the range: equal differences (linear, the default) or equal ratios (log).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Spacing>,
    /// Axes of equal length that move together and count as one; in place of path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<Vec<Axis>>,
}

/// A path and the values it takes along an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Dotted path of the scenario key.
    pub path: String,
    /// Its values, in order.
    pub values: Vec<AxisValue>,
}

impl SweepSection {
    /// Checks the axes.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self) -> Result<()> {
        check::check(self)
    }

    /// The files among the values of the axes, each with its key; as they stand in the file, relative to its folder.
    pub(crate) fn files_mut(&mut self) -> Vec<(String, &mut String)> {
        let mut files = Vec::new();
        for (i, axis) in self.axes.iter_mut().enumerate() {
            let key = format!("sweep.axes.{i}");
            if axis.linked.is_none() {
                axis.add_files(&key, &mut files);
                continue;
            }
            for (j, axis) in axis.linked.iter_mut().flatten().enumerate() {
                axis.add_files(&format!("{key}.linked.{j}"), &mut files);
            }
        }
        files
    }

    /// The columns of each axis: one, or those of its linked axes, all of one length.
    pub fn columns(&self) -> Vec<Vec<Column>> {
        self.axes.iter().map(Axis::columns).collect()
    }

    /// The axes with a path, linked ones side by side, each with its own key.
    pub fn parts(&self) -> Vec<(String, &Axis)> {
        let axes = self.axes.iter().enumerate();
        axes.flat_map(|(i, axis)| {
            let parts = axis.parts().into_iter();
            parts.map(move |(below, part)| (format!("sweep.axes.{i}{below}"), part))
        })
        .collect()
    }
}

impl Axis {
    /// The parts of the axis with its place below it: itself, or the linked ones.
    fn parts(&self) -> Vec<(String, &Axis)> {
        let Some(linked) = &self.linked else {
            return vec![(String::new(), self)];
        };
        let linked = linked.iter().enumerate();
        linked
            .map(|(i, axis)| (format!(".linked.{i}"), axis))
            .collect()
    }

    /// Its values, where they name files.
    fn add_files<'a>(&'a mut self, key: &str, files: &mut Vec<(String, &'a mut String)>) {
        let path = self.path.as_deref().unwrap_or_default();
        if !messages::names_file(json_schema(), path) {
            return;
        }
        for (i, value) in self.values.iter_mut().flatten().enumerate() {
            if let AxisValue::Word(file) = value {
                files.push((format!("{key}.values.{i}"), file));
            }
        }
    }

    fn columns(&self) -> Vec<Column> {
        let column = |(_, axis): (String, &Axis)| Column {
            path: axis.path.clone().unwrap_or_default(),
            values: axis.values(),
        };
        self.parts().into_iter().map(column).collect()
    }

    /// The values of an axis without linked ones. Its numbers are all whole, or where one has a
    /// fraction none is: readers of the table tell a column's type by its first rows.
    pub(super) fn values(&self) -> Vec<AxisValue> {
        let whole = |value| match value {
            AxisValue::Real(real) => AxisValue::number(real),
            other => other,
        };
        let real = |value| match value {
            AxisValue::Whole(whole) => AxisValue::Real(whole as f64),
            other => other,
        };
        let values: Vec<AxisValue> = self.given().into_iter().map(whole).collect();
        let is_real = |value: &AxisValue| matches!(value, AxisValue::Real(_));
        match values.iter().any(is_real) {
            true => values.into_iter().map(real).collect(),
            false => values,
        }
    }

    fn given(&self) -> Vec<AxisValue> {
        if let Some(values) = &self.values {
            return values.clone();
        }
        let (from, to) = (self.from.unwrap_or_default(), self.to.unwrap_or_default());
        let count = self.count.unwrap_or_default();
        let log = self.spacing == Some(Spacing::Log);
        (0..count)
            .map(|i| AxisValue::number(step((from, to), (i, count), log)))
            .collect()
    }
}

/// Value `i` of `count` between the ends. The ends are met exactly; values between them are
/// rounded to 14 digits, so that 0.1 + 0.2 reads 0.3.
fn step((from, to): (f64, f64), (i, count): (u64, u64), log: bool) -> f64 {
    if i == 0 {
        return from;
    }
    if i + 1 == count {
        return to;
    }
    let share = i as f64 / (count - 1) as f64;
    let value = if log {
        // The exponents, whose difference is finite where the ends' quotient is not.
        10f64.powf(from.log10() + share * (to.log10() - from.log10()))
    } else {
        from + (to - from) * share
    };
    // What is left of a difference that should be zero is none.
    if !log && value.abs() < 1e-14 * from.abs().max(to.abs()) {
        return 0.0;
    }
    format!("{value:.13e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: f64, to: f64, count: u64, log: bool) -> Vec<f64> {
        let axis = Axis {
            from: Some(from),
            to: Some(to),
            count: Some(count),
            spacing: log.then_some(Spacing::Log),
            ..Axis::default()
        };
        axis.values()
            .iter()
            .filter_map(AxisValue::as_number)
            .collect()
    }

    #[test]
    fn ranges_read_as_one_would_write_them() {
        assert_eq!(
            range(-0.9, 0.9, 9, false),
            [-0.9, -0.675, -0.45, -0.225, 0.0, 0.225, 0.45, 0.675, 0.9]
        );
        assert_eq!(range(1e-9, 1e-1, 5, true), [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]);
        assert_eq!(range(1e-50, 1e-2, 3, true), [1e-50, 1e-26, 1e-2]);
        assert_eq!(range(0.1, 0.3, 3, false), [0.1, 0.2, 0.3]);
        assert_eq!(range(2.5, 9.0, 1, false), [2.5]);
        // Ends whose quotient overflows.
        assert_eq!(range(1e-200, 1e150, 3, true), [1e-200, 1e-25, 1e150]);
    }

    #[test]
    fn a_column_of_numbers_has_one_type() {
        let axis = |values: &[f64]| Axis {
            values: Some(values.iter().copied().map(AxisValue::number).collect()),
            ..Axis::default()
        };
        let shown = |axis: Axis| {
            axis.values()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(axis(&[1.0, 1.5, 2.0])), ["1.0", "1.5", "2.0"]);
        assert_eq!(shown(axis(&[1.0, 2.0])), ["1", "2"]);
        let mixed = Axis {
            values: Some(vec![AxisValue::Whole(10), AxisValue::Real(1e2)]),
            ..Axis::default()
        };
        assert_eq!(shown(mixed), ["10", "100"]);
    }
}
