//! The checks of the figures of a sweep, and what several kinds ask of the scenario.

use super::FigureSection;
use crate::error::Result;
use crate::scenario::{AxisValue, Column, ScenarioFile};
use crate::sweep::{Need, Quantity};
use modalflow::data::Source;
use modalflow::error::listed;
use modalflow::error::{InputError, Remedy};
use modalflow::experiment::Scenario;
use modalflow::section::check;

/// Checks the figure section.
pub(crate) fn check(file: &ScenarioFile) -> Result<()> {
    let ScenarioFile {
        scenario,
        sweep,
        figure: figures,
    } = file;
    let Some(sweep) = sweep else {
        return ensure(
            figures.is_empty(),
            "figure",
            "there is no sweep to draw",
            "add a sweep section, or take the figures away: modalflow run draws its own",
        );
    };
    let axes = sweep.columns();
    for (i, section) in figures.iter().enumerate() {
        let key = format!("figure.{i}");
        let kinds = section.kinds();
        let given = kinds.map(|(name, kind)| (name, kind.is_some()));
        check::exactly_one(&key, "a kind of figure", &given)?;
        check_name(section, &key, &figures[..i])?;
        let mut place = Place {
            key,
            section,
            axes: &axes,
            scenario,
        };
        place.check_select()?;
        if let Some((name, kind)) = section.kind() {
            place.key = format!("{}.{name}", place.key);
            kind.check(&place)?;
        }
    }
    Ok(())
}

/// A figure's name can be a file's, and is not that of an earlier one.
fn check_name(section: &FigureSection, key: &str, earlier: &[FigureSection]) -> Result<()> {
    let name = section.file_stem();
    if section.name.is_some() {
        check::file_name(&format!("{key}.name"), name)?;
    }
    ensure(
        earlier.iter().all(|other| other.file_stem() != name),
        format!("{key}.name"),
        format!("two figures are named {name}, and would overwrite each other"),
        "give each a name of its own",
    )
}

/// What must hold of the value at `key`, else what is wrong with it and what to do.
pub(super) fn ensure(
    holds: bool,
    key: impl Into<String>,
    problem: impl Into<String>,
    remedy: impl Into<Remedy>,
) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(InputError::at(key, problem, remedy).into()),
    }
}

/// Where a figure stands, and the axes that it may speak of.
pub(super) struct Place<'a> {
    /// The path of what is checked.
    pub(super) key: String,
    pub(super) section: &'a FigureSection,
    axes: &'a [Vec<Column>],
    pub(super) scenario: &'a Scenario,
}

impl Place<'_> {
    /// The path of a key of the section that is checked.
    pub(super) fn of(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }

    fn check_select(&self) -> Result<()> {
        for (path, value) in &self.section.select {
            let key = self.of(&format!("select.{path}"));
            let column = self.column(&key, path)?;
            let known: Vec<String> = column.values.iter().map(ToString::to_string).collect();
            ensure(
                column.values.iter().any(|known| known.is(value)),
                key,
                format!("{value} is not a value of the axis {path}"),
                format!("choose one of {}", listed(known.iter().map(String::as_str))),
            )?;
        }
        Ok(())
    }

    /// All axes that the sweep varies, linked ones too.
    fn columns(&self) -> impl Iterator<Item = &Column> + Clone {
        self.axes.iter().flatten()
    }

    /// What is shown at `key` is of the generalisation error, which some cell must be able to have: where
    /// samples are drawn or rows held out.
    pub(super) fn ensure_generalisation(&self, key: &str) -> Result<()> {
        let data = &self.scenario.data;
        let varies = |end: &str| {
            let is_it = |path: &str| path.starts_with("data.") && path.ends_with(end);
            self.columns().any(|column| is_it(&column.path))
        };
        let about = data.get().about();
        let can_be = matches!(data, Source::Images(_))
            || about.holds_out
            || about.sampling.drawn().is_some()
            || [".holdout", ".folds", ".samples"].into_iter().any(varies);
        ensure(
            can_be,
            self.of(key),
            "there is no generalisation error: no samples are drawn and no rows held out",
            "give the data samples (a table or arrays: holdout or folds), or show another quantity",
        )
    }

    /// The data have a quantity that is shown at `key`.
    pub(super) fn ensure_has(&self, key: &str, quantity: Quantity) -> Result<()> {
        match quantity.needs(Need::Generalisation) {
            true => self.ensure_generalisation(key),
            false => Ok(()),
        }
    }

    /// The values that a key takes in the cells that are drawn; None where no axis varies it.
    pub(super) fn drawn_values(&self, path: &str) -> Option<Vec<&AxisValue>> {
        let column = self.columns().find(|column| column.path == path)?;
        let selected = self.section.select.get(path);
        let is_drawn = |value: &&AxisValue| selected.is_none_or(|wanted| value.is(wanted));
        Some(column.values.iter().filter(is_drawn).collect())
    }

    fn column(&self, key: &str, path: &str) -> Result<&Column> {
        let column = self.columns().find(|column| column.path == path);
        column.ok_or_else(|| {
            let remedy = match self.axes {
                [] => "the sweep has no axes: add one over this key".to_owned(),
                _ => {
                    let known = self.columns().map(|column| column.path.as_str());
                    format!("the axes are {}", listed(known))
                }
            };
            let problem = format!("{path:?} is not an axis of the sweep");
            InputError::at(key, problem, remedy).into()
        })
    }

    /// An axis of numbers, above 0 where it is logarithmic.
    pub(super) fn ensure_numbers(&self, key: &str, path: &str, log: bool) -> Result<()> {
        let key = self.of(key);
        let column = self.column(&key, path)?;
        let mut numbers = column.values.iter().map(AxisValue::as_number);
        ensure(
            numbers.clone().all(|number| number.is_some()),
            &key,
            format!("the values of {path} are not all numbers"),
            "choose an axis of numbers, or use it as the series",
        )?;
        ensure(
            !log || numbers.all(|number| number > Some(0.0)),
            key,
            format!("the values of {path} are not all above 0"),
            "take log_x away",
        )
    }

    /// The axis of the series is one, and another one than x.
    pub(super) fn ensure_series(&self, key: &str, path: Option<&str>, x: &str) -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        let key = self.of(key);
        self.column(&key, path)?;
        let together = |axis: &Vec<Column>| {
            let has = |path: &str| axis.iter().any(|column| column.path == path);
            has(path) && has(x)
        };
        ensure(
            !self.axes.iter().any(together),
            key,
            format!("{path} moves with x"),
            "choose another axis of the sweep",
        )
    }

    /// The selected cells, repeats apart, are few enough.
    pub(super) fn ensure_at_most(&self, most: usize, what: &str) -> Result<()> {
        let selects = |column: &Column| self.section.select.contains_key(&column.path);
        let cells = |axis: &Vec<Column>| match axis.iter().any(selects) {
            true => 1,
            false => axis.first().map_or(0, |column| column.values.len()),
        };
        let count: usize = self.axes.iter().map(cells).product();
        ensure(
            count <= most,
            &self.key,
            format!("{count} {what} are more than one figure can show"),
            format!(
                "select at most {most} of them: select: {{path of an axis: one of its values}}"
            ),
        )
    }
}
