//! A sweep's cells by index: what each one changes, and the scenario it stands for.
//!
//! Nothing is kept of the cells: a grid of a million is a few numbers. The last axis varies
//! fastest, and the repeats of a combination follow each other.

use super::SweepSection;
use super::load::{Loaded, Source, split};
use super::overrides::Override;
use super::sweep::{AxisValue, Column};
use crate::error::{Error, InputError, Result};
use modalflow::experiment::Scenario;
use modalflow::linalg::random;
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
    /// Where each of them stands in its column.
    pub places: Vec<usize>,
    /// Its seed: that of an axis over seeds, or one derived from the scenario's and its number,
    /// below 2^53 so that every reader of CSV and JSON can hold it.
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
        let Some(section) = &loaded.file.sweep else {
            let problem = "the scenario has no sweep section";
            let remedy = "add sweep: {axes: [{path: data.toy.rho, from: -0.9, to: 0.9, count: 9}]}, or use modalflow run";
            return Err(locate(InputError::at("sweep", problem, remedy).into()));
        };
        let (base, _) = split(loaded.source.changed_value()?);
        let grid = Grid {
            source: loaded.source.clone(),
            base,
            axes: section.columns(),
            repeats: section.repeats,
            seed: loaded.file.scenario.seed,
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
        let values = self.values_at(&places);
        let columns = places.into_iter().zip(&self.axes);
        Cell {
            index,
            repeat: index % self.repeats,
            seed: self
                .given_seed(&values)
                .unwrap_or_else(|| random::cell_seed(self.seed, index)),
            values,
            places: columns
                .flat_map(|(place, axis)| vec![place; axis.len()])
                .collect(),
        }
    }

    /// Values of all columns at these places of the axes.
    fn values_at(&self, places: &[usize]) -> Vec<AxisValue> {
        let axes = self.axes.iter().zip(places);
        axes.flat_map(|(axis, &place)| axis.iter().map(move |column| column.values[place].clone()))
            .collect()
    }

    /// The seed on an axis over seeds.
    fn given_seed(&self, values: &[AxisValue]) -> Option<u64> {
        let mut columns = self.columns().zip(values);
        match columns.find(|(column, _)| column.path == SEED)?.1 {
            AxisValue::Whole(seed) => u64::try_from(*seed).ok(),
            _ => None,
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
        self.source
            .scenario_of(&self.with(self.columns().zip(values))?)
    }

    /// The scenario's value with columns at these values.
    fn with<'a>(
        &self,
        changes: impl Iterator<Item = (&'a Column, &'a AxisValue)>,
    ) -> Result<Value> {
        let mut value = self.base.clone();
        for (Column { path, .. }, to) in changes {
            Override::set(&mut value, path, &yaml(to)).map_err(|error| error.with_key(path))?;
        }
        Ok(value)
    }

    fn combinations(&self) -> u64 {
        self.axes.iter().map(|axis| axis_length(axis)).product()
    }

    /// That every value of an axis is of a kind that its key takes, and that the first cell is a
    /// scenario.
    fn check(&self, section: &SweepSection) -> Result<()> {
        let mut places: Vec<usize> = self.axes.iter().map(|axis| telling_place(axis)).collect();
        self.check_typed(section, &places)?;
        for (i, axis) in self.axes.iter().enumerate() {
            let telling = places[i];
            for place in 0..axis_length(axis).min(CHECKED) as usize {
                places[i] = place;
                self.check_typed(section, &places)?;
            }
            places[i] = telling;
        }
        let first = self.cell(0);
        let scenario = self.scenario(&first);
        scenario
            .map(drop)
            .map_err(|error| self.blame(section, &first.values, error))
    }

    /// That values at these places of the axes are of the right kinds.
    fn check_typed(&self, section: &SweepSection, places: &[usize]) -> Result<()> {
        let values = self.values_at(places);
        self.with(self.columns().zip(&values))
            .and_then(|value| Source::typed::<Scenario>(&value, "").map(drop))
            .map_err(|error| self.blame(section, &values, error))
    }

    /// Puts an error at the axis whose value is behind it: the one that varies the key, or one
    /// that alone spoils the scenario, which is valid without the sweep.
    fn blame(&self, section: &SweepSection, values: &[AxisValue], error: Error) -> Error {
        let Error::Input(error) = error else {
            return error;
        };
        let key = error.key.clone().unwrap_or_default();
        let columns = || self.columns().zip(values).enumerate();
        let parts = section.parts();
        let at = |place: usize, problem: &str, remedy: &str| {
            let (key, part) = &parts[place];
            let path = part.path.as_deref().unwrap_or_default();
            let problem = format!("{path} = {}: {problem}", values[place]);
            InputError::at(key, problem, remedy).into()
        };
        let varies_key = |path: &str| key == path || super::events::leads_to(path, &key);
        if let Some((place, _)) = columns().find(|(_, (column, _))| varies_key(&column.path)) {
            return at(place, &error.problem, &error.remedy.to_string());
        }
        let spoils = |pair| {
            let alone = self.with(std::iter::once(pair));
            alone
                .and_then(|alone| self.source.scenario_of(&alone))
                .is_err()
        };
        match columns().find(|(_, pair)| spoils(*pair)) {
            None => error.into(),
            Some((place, _)) => at(
                place,
                &format!("{key}: {}", error.problem),
                "vary a key that fits what the scenario says beside it",
            ),
        }
    }
}

/// A place of an axis where a value has a fraction, if there is one: it makes its whole column
/// real, and where the key takes whole numbers only it is the one to blame.
fn telling_place(axis: &[Column]) -> usize {
    let fraction =
        |value: &AxisValue| matches!(value, AxisValue::Real(real) if real.fract() != 0.0);
    let mut columns = axis.iter();
    let place = columns.find_map(|column| column.values.iter().position(fraction));
    place.unwrap_or_default()
}

fn axis_length(axis: &[Column]) -> u64 {
    axis.first().map_or(0, |column| column.values.len()) as u64
}
/// The value of an axis as what stands in a file.
fn yaml(value: &AxisValue) -> Value {
    match value {
        AxisValue::Absent => Value::Null,
        AxisValue::Flag(flag) => Value::from(*flag),
        AxisValue::Whole(whole) => Value::from(*whole),
        AxisValue::Real(real) => Value::from(*real),
        AxisValue::Word(word) => Value::from(word.as_str()),
        AxisValue::List(all) => Value::Sequence(all.iter().map(yaml).collect()),
    }
}
