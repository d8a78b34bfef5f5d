//! The figures of a sweep.

use crate::scenario::ScenarioFile;
use crate::scenario::{
    AxisValue, Column, CurvesFigure, FigureSection, PortraitFigure, Quantity, Trajectory,
};
use modalflow::data::Source;
use modalflow::error::{InputError, Result};
use modalflow::experiment::Scenario;
use modalflow::section::check;

/// Curves that can still be told apart.
const MOST_CURVES: usize = 24;
/// Portraits that stand side by side.
const MOST_PORTRAITS: usize = 4;

pub(super) fn check(file: &ScenarioFile) -> Result<()> {
    let ScenarioFile {
        scenario,
        sweep,
        figure: figures,
    } = file;
    let Some(sweep) = sweep else {
        return match &figures[..] {
            [] => Ok(()),
            _ => Err(InputError::at(
                "figure",
                "there is no sweep to draw",
                "add a sweep section, or take the figures away: modalflow run draws its own",
            )),
        };
    };
    let axes = sweep.columns();
    for (i, figure) in figures.iter().enumerate() {
        let key = format!("figure.{i}");
        let given = [
            ("lines", figure.lines.is_some()),
            ("heat", figure.heat.is_some()),
            ("scatter", figure.scatter.is_some()),
            ("curves", figure.curves.is_some()),
            ("portrait", figure.portrait.is_some()),
        ];
        check::exactly_one(&key, "a kind of figure", &given)?;
        let name = figure.file_stem();
        if figure.name.is_some() {
            check::file_name(&format!("{key}.name"), name)?;
        }
        if figures[..i].iter().any(|other| other.file_stem() == name) {
            return Err(InputError::at(
                format!("{key}.name"),
                format!("two figures are named {name}, and would overwrite each other"),
                "give each a name of its own",
            ));
        }
        let figure = Figure {
            key,
            section: figure,
            axes: &axes,
            scenario,
        };
        figure.check_select()?;
        figure.check_kind()?;
    }
    Ok(())
}

/// A figure, where it stands, and the axes that it may speak of.
struct Figure<'a> {
    key: String,
    section: &'a FigureSection,
    axes: &'a [Vec<Column>],
    scenario: &'a Scenario,
}

impl Figure<'_> {
    fn check_select(&self) -> Result<()> {
        for (path, value) in &self.section.select {
            let key = format!("{}.select.{path}", self.key);
            let column = self.column(&key, path)?;
            if !column.values.iter().any(|known| known.is(value)) {
                let known: Vec<String> = column.values.iter().map(ToString::to_string).collect();
                return Err(InputError::at(
                    key,
                    format!("{value} is not a value of the axis {path}"),
                    format!(
                        "choose one of {}",
                        modalflow::error::listed(known.iter().map(String::as_str))
                    ),
                ));
            }
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<()> {
        let key = &self.key;
        if let Some(lines) = &self.section.lines {
            self.number_axis(&format!("{key}.lines.x"), &lines.x, lines.log_x)?;
            self.series(
                &format!("{key}.lines.series"),
                lines.series.as_deref(),
                &lines.x,
            )?;
        }
        if let Some(heat) = &self.section.heat {
            self.number_axis(&format!("{key}.heat.x"), &heat.x, false)?;
            self.number_axis(&format!("{key}.heat.y"), &heat.y, false)?;
            self.series(&format!("{key}.heat.y"), Some(&heat.y), &heat.x)?;
        }
        if let Some(scatter) = &self.section.scatter {
            self.series(
                &format!("{key}.scatter.series"),
                scatter.series.as_deref(),
                "",
            )?;
            if !scatter.value.is_predicted() {
                return Err(InputError::at(
                    format!("{key}.scatter.value"),
                    "theory has no word on this quantity",
                    format!("choose one of {}", Quantity::predicted_names().join(", ")),
                ));
            }
        }
        self.check_generalisation()?;
        if self.section.curves.is_some() {
            self.at_most(MOST_CURVES, &format!("{key}.curves"), "curves")?;
        }
        match &self.section.portrait {
            Some(portrait) => self.check_portrait(&format!("{key}.portrait"), portrait),
            None => Ok(()),
        }
    }

    /// Generalisation is shown where some cell can have it: where samples are drawn or rows held
    /// out.
    fn check_generalisation(&self) -> Result<()> {
        let section = self.section;
        let quantities = [
            section.lines.as_ref().map(|lines| ("lines.y", lines.y)),
            section.heat.as_ref().map(|heat| ("heat.value", heat.value)),
        ];
        let mut quantities = quantities.into_iter().flatten();
        let shown = quantities.find(|(_, quantity)| quantity.is_of_generalisation());
        let of_time = |curves: &CurvesFigure| curves.value == Trajectory::Generalisation;
        let below = match shown {
            Some((below, _)) => below,
            None if section.curves.as_ref().is_some_and(of_time) => "curves.value",
            None => return Ok(()),
        };
        let data = &self.scenario.data;
        let varies = |key: &str| {
            let mut columns = self.axes.iter().flatten();
            columns.any(|column| column.path.starts_with("data.") && column.path.ends_with(key))
        };
        let can_be = match data {
            Source::Table(table) => table.holdout > 0.0 || varies(".holdout"),
            Source::Images(_) => true,
            _ => data.get().sampling().drawn().is_some() || varies(".samples"),
        };
        match can_be {
            true => Ok(()),
            false => Err(InputError::at(
                format!("{}.{below}", self.key),
                "there is no generalisation error: no samples are drawn and no rows held out",
                "give the data samples (a table: holdout), or show another quantity",
            )),
        }
    }

    /// Portraits show the flow of linear networks, whose private stacks are of one depth.
    fn check_portrait(&self, key: &str, portrait: &PortraitFigure) -> Result<()> {
        let Scenario { data, network, .. } = self.scenario;
        if !matches!(data, Source::Toy(toy) if toy.sigma.len() == 2) {
            return Err(InputError::at(
                key,
                "a phase portrait is of the total maps of two scalar inputs",
                "use data.toy with two modalities, or another kind of figure",
            ));
        }
        let linear = AxisValue::Word("linear".into());
        let units = self.drawn_values("network.activation");
        let is_linear = |value: &AxisValue| *value == linear || *value == AxisValue::Absent;
        if !units.map_or(network.activation.is_linear(), |units| {
            units.into_iter().all(is_linear)
        }) {
            return Err(InputError::at(
                key,
                "the flow in the plane of the maps is known of linear networks only",
                "select network.activation: linear, or draw another kind of figure",
            ));
        }
        let depths = network
            .private_layers
            .iter()
            .flat_map(|depths| depths.iter());
        let depths = depths.map(|(modality, &depth)| {
            let varied = self.drawn_values(&format!("network.private_layers.{modality}"));
            varied.map_or(vec![AxisValue::Whole(depth as i64)], |values| {
                values.into_iter().cloned().collect()
            })
        });
        let mut depths = depths.flatten();
        let first = depths.next();
        if depths.any(|depth| first.as_ref().is_some_and(|first| !first.is(&depth))) {
            return Err(InputError::at(
                key,
                "the flow in the plane of the maps is known of private stacks of one depth only",
                "select equal private_layers, or draw another kind of figure",
            ));
        }
        self.at_most(MOST_PORTRAITS, key, "portraits")?;
        check::count(&format!("{key}.arrows"), portrait.arrows, 3..=60)
    }

    /// The values that a key takes in the cells that are drawn; None where no axis varies it.
    fn drawn_values(&self, path: &str) -> Option<Vec<&AxisValue>> {
        let mut columns = self.axes.iter().flatten();
        let column = columns.find(|column| column.path == path)?;
        let selected = self.section.select.get(path);
        let is_drawn = |value: &&AxisValue| selected.is_none_or(|wanted| value.is(wanted));
        Some(column.values.iter().filter(is_drawn).collect())
    }

    fn column(&self, key: &str, path: &str) -> Result<&Column> {
        let mut columns = self.axes.iter().flatten();
        columns.find(|column| column.path == path).ok_or_else(|| {
            let known = self.axes.iter().flatten().map(|c| c.path.as_str());
            let remedy = match self.axes {
                [] => "the sweep has no axes: add one over this key".to_owned(),
                _ => format!("the axes are {}", modalflow::error::listed(known)),
            };
            let problem = format!("{path:?} is not an axis of the sweep");
            InputError::at(key, problem, remedy)
        })
    }

    fn number_axis(&self, key: &str, path: &str, log: bool) -> Result<()> {
        let column = self.column(key, path)?;
        let numbers: Option<Vec<f64>> = column
            .values
            .iter()
            .map(|value| value.as_number())
            .collect();
        match numbers {
            None => Err(InputError::at(
                key,
                format!("the values of {path} are not all numbers"),
                "choose an axis of numbers, or use it as the series",
            )),
            Some(numbers) if log && numbers.iter().any(|value| *value <= 0.0) => {
                Err(InputError::at(
                    key,
                    format!("the values of {path} are not all above 0"),
                    "take log_x away",
                ))
            }
            Some(_) => Ok(()),
        }
    }

    /// The axis of the series is one, and another one than x.
    fn series(&self, key: &str, path: Option<&str>, x: &str) -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        self.column(key, path)?;
        let together = |axis: &&Vec<Column>| {
            let has = |path: &str| axis.iter().any(|column| column.path == path);
            has(path) && has(x)
        };
        match self.axes.iter().find(together) {
            None => Ok(()),
            Some(_) => Err(InputError::at(
                key,
                format!("{path} moves with x"),
                "choose another axis of the sweep",
            )),
        }
    }

    /// The selected cells, repeats apart, are few enough.
    fn at_most(&self, most: usize, key: &str, what: &str) -> Result<()> {
        let count: usize = self
            .axes
            .iter()
            .map(|axis| {
                match axis
                    .iter()
                    .any(|column| self.section.select.contains_key(&column.path))
                {
                    true => 1,
                    false => axis.first().map_or(0, |column| column.values.len()),
                }
            })
            .product();
        if count <= most {
            return Ok(());
        }
        Err(InputError::at(
            key,
            format!("{count} {what} are more than one figure can show"),
            format!(
                "select at most {most} of them: select: {{path of an axis: one of its values}}"
            ),
        ))
    }
}
