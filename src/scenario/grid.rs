//! A sweep's cells by index: what each one changes, and the scenario it stands for.
//!
//! Nothing is kept of the cells: a grid of a million is a few numbers. The last axis varies
//! fastest, and the repeats of a combination follow each other.

use super::load::{Loaded, Source};
use super::overrides::Override;
use super::sweep::{AxisValue, Column};
use super::{Scenario, SweepSection};
use crate::error::{Error, InputError, Result};
use crate::random;
use serde_yaml::Value;

/// Values of an axis whose kind is checked before anything runs; a cell further on that is of the
/// wrong kind fails like one that is out of range.
const CHECKED: u64 = 1000;

/// The key whose axis takes the place of derived seeds.
const SEED: &str = "seed";

/// The grid of a scenario's sweep section.
#[derive(Debug, Clone)]
pub struct Grid {
    source: Source,
    /// The scenario without its sweep.
    base: Value,
    /// Axes in order; each has one column, or several that are linked.
    axes: Vec<Vec<Column>>,
    repeats: u64,
    seed: u64,
}

/// One run of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its number, from 0.
    pub index: u64,
    /// Which repeat of its combination it is, from 0.
    pub repeat: u64,
    /// Values of all columns, in their order.
    pub values: Vec<AxisValue>,
    /// Its seed: derived from the scenario's and its number, below 2^53 so that every reader
    /// of CSV and JSON can hold it.
    pub seed: u64,
}

impl Grid {
    /// The grid of a loaded scenario.
    ///
    /// # Errors
    /// An input error where the scenario has no sweep, where an axis has a path that no scenario
    /// has or a value of the wrong kind, and where the first cell is not a valid scenario. Other
    /// cells may still be out of range, as in a triangle of depths and fusion layers.
    pub fn of(loaded: &Loaded) -> Result<Grid> {
        let locate = |error| loaded.source.locate(error);
        let Some(section) = &loaded.scenario.sweep else {
            let problem = "the scenario has no sweep section";
            let remedy = "add sweep: {axes: [{path: data.toy.rho, from: -0.9, to: 0.9, count: 9}]}, or use modalflow run";
            return Err(locate(InputError::at("sweep", problem, remedy).into()));
        };
        let mut base = loaded.source.changed_value()?;
        if let Value::Mapping(map) = &mut base {
            map.shift_remove("sweep");
            map.shift_remove("figure");
        }
        let grid = Grid {
            source: loaded.source.clone(),
            base,
            axes: section.columns(),
            repeats: section.repeats,
            seed: loaded.scenario.seed,
        };
        grid.check(section).map_err(locate)?;
        Ok(grid)
    }

    /// Number of cells, repeats included.
    pub fn len(&self) -> u64 {
        self.combinations() * self.repeats
    }

    /// Whether there is no cell; a valid section has at least one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs of every combination.
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// All columns, those of linked axes side by side.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.axes.iter().flatten()
    }

    /// The cell of an index below [`Grid::len`].
    pub fn cell(&self, index: u64) -> Cell {
        let mut rest = index / self.repeats;
        let mut places = vec![0; self.axes.len()];
        for (place, axis) in places.iter_mut().zip(&self.axes).rev() {
            let length = axis_length(axis);
            (*place, rest) = ((rest % length) as usize, rest / length);
        }
        let values: Vec<AxisValue> = places
            .iter()
            .zip(&self.axes)
            .flat_map(|(&place, axis)| axis.iter().map(move |column| column.values[place].clone()))
            .collect();
        let given = self
            .columns()
            .position(|column| column.path == SEED)
            .and_then(|place| values[place].as_number());
        Cell {
            index,
            repeat: index % self.repeats,
            seed: given.map_or_else(|| random::cell_seed(self.seed, index), |seed| seed as u64),
            values,
        }
    }

    /// The scenario of a cell.
    ///
    /// # Errors
    /// An input error where the cell's values are out of range together.
    pub fn scenario(&self, cell: &Cell) -> Result<Scenario> {
        let mut scenario = self.scenario_with(&cell.values)?;
        scenario.seed = cell.seed;
        Ok(scenario)
    }

    /// The scenario with these values of the columns, and the sweep's own seed: values need not be
    /// any of the grid's.
    ///
    /// # Errors
    /// An input error where the values are out of range, or of the wrong kind.
    pub fn scenario_with(&self, values: &[AxisValue]) -> Result<Scenario> {
        let mut value = self.base.clone();
        for (column, to) in self.columns().zip(values) {
            set(&mut value, &column.path, to)?;
        }
        self.source.scenario_of(value)
    }

    fn combinations(&self) -> u64 {
        self.axes.iter().map(|axis| axis_length(axis)).product()
    }

    /// That the first cell is a scenario, and that every other value of an axis is of a kind that
    /// its key takes.
    fn check(&self, section: &SweepSection) -> Result<()> {
        let first = self.cell(0);
        self.scenario(&first)
            .map_err(|error| self.blame(section, &first.values, error))?;
        let mut before = 0;
        for axis in &self.axes {
            for place in 1..axis_length(axis).min(CHECKED) as usize {
                let mut values = first.values.clone();
                for (column, value) in axis.iter().zip(&mut values[before..]) {
                    *value = column.values[place].clone();
                }
                self.typed(&values)
                    .map_err(|error| self.blame(section, &values, error))?;
            }
            before += axis.len();
        }
        Ok(())
    }

    fn typed(&self, values: &[AxisValue]) -> Result<()> {
        let mut value = self.base.clone();
        for (column, to) in self.columns().zip(values) {
            set(&mut value, &column.path, to)?;
        }
        Source::typed(value).map(drop)
    }

    /// Puts an error at the axis whose value is behind it.
    fn blame(&self, section: &SweepSection, values: &[AxisValue], error: Error) -> Error {
        let Error::Input(error) = error else {
            return error;
        };
        let key = error.key.clone().unwrap_or_default();
        let parts = section.axes.iter().enumerate().flat_map(|(i, axis)| {
            let parts = axis.parts().into_iter();
            parts.map(move |(below, _)| format!("sweep.axes.{i}{below}"))
        });
        let mut columns = self.columns().zip(values).zip(parts);
        match columns.find(|((column, _), _)| {
            let path = &column.path;
            key == *path || super::locate::leads_to(path, &key)
        }) {
            None => error.into(),
            Some(((column, value), part)) => {
                let problem = format!("{} = {value}: {}", column.path, error.problem);
                InputError::at(part, problem, error.remedy).into()
            }
        }
    }
}

fn axis_length(axis: &[Column]) -> u64 {
    axis.first().map_or(0, |column| column.values.len()) as u64
}

fn set(scenario: &mut Value, path: &str, value: &AxisValue) -> Result<()> {
    let value = match value {
        AxisValue::Absent => Value::Null,
        AxisValue::Flag(flag) => Value::from(*flag),
        AxisValue::Whole(whole) => Value::from(*whole),
        AxisValue::Real(real) => Value::from(*real),
        AxisValue::Word(word) => Value::from(word.as_str()),
    };
    Override::set(scenario, path, &value)
        .map_err(|misfit| InputError::at(path, misfit.problem, misfit.remedy).into())
}
