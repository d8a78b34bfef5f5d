//! The figures of a sweep.

use super::{check_file_name, count, exactly_one, wrong};
use crate::error::Result;
use crate::scenario::{Column, DataSection, FigureSection, Quantity, Scenario};

/// Curves that can still be told apart.
const MOST_CURVES: usize = 24;
/// Portraits that stand side by side.
const MOST_PORTRAITS: usize = 4;

pub(super) fn check(scenario: &Scenario) -> Result<()> {
    let figures = &scenario.figure[..];
    let Some(sweep) = &scenario.sweep else {
        return match figures {
            [] => Ok(()),
            _ => Err(wrong(
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
        exactly_one(&key, "a kind of figure", &given)?;
        let name = figure.file_stem();
        if figure.name.is_some() {
            check_file_name(&format!("{key}.name"), name)?;
        }
        if figures[..i].iter().any(|other| other.file_stem() == name) {
            return Err(wrong(
                format!("{key}.name"),
                format!("two figures are named {name}, and would overwrite each other"),
                "give each a name of its own",
            ));
        }
        let figure = Figure {
            key,
            section: figure,
            axes: &axes,
            data: &scenario.data,
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
    data: &'a DataSection,
}

impl Figure<'_> {
    fn check_select(&self) -> Result<()> {
        for (path, value) in &self.section.select {
            let key = format!("{}.select.{path}", self.key);
            let column = self.column(&key, path)?;
            if !column.values.iter().any(|known| known.is(value)) {
                let known: Vec<String> = column.values.iter().map(ToString::to_string).collect();
                return Err(wrong(
                    key,
                    format!("{value} is not a value of the axis {path}"),
                    format!(
                        "choose one of {}",
                        crate::names::listed(known.iter().map(String::as_str))
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
                return Err(wrong(
                    format!("{key}.scatter.value"),
                    "theory has no word on this quantity",
                    format!("choose one of {}", Quantity::predicted_names().join(", ")),
                ));
            }
        }
        if self.section.curves.is_some() {
            self.at_most(MOST_CURVES, &format!("{key}.curves"), "curves")?;
        }
        if let Some(portrait) = &self.section.portrait {
            let inputs = self.data.toy.as_ref().map(|toy| toy.sigma.len());
            if inputs != Some(2) {
                return Err(wrong(
                    format!("{key}.portrait"),
                    "a phase portrait is of the total maps of two scalar inputs",
                    "use data.toy with two modalities, or another kind of figure",
                ));
            }
            self.at_most(MOST_PORTRAITS, &format!("{key}.portrait"), "portraits")?;
            count(&format!("{key}.portrait.arrows"), portrait.arrows, 3..=60)?;
        }
        Ok(())
    }

    fn column(&self, key: &str, path: &str) -> Result<&Column> {
        let mut columns = self.axes.iter().flatten();
        columns.find(|column| column.path == path).ok_or_else(|| {
            let known: Vec<&str> = self
                .axes
                .iter()
                .flatten()
                .map(|c| c.path.as_str())
                .collect();
            wrong(
                key,
                format!("{path:?} is not an axis of the sweep"),
                format!("the axes are {}", crate::names::listed(known)),
            )
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
            None => Err(wrong(
                key,
                format!("the values of {path} are not all numbers"),
                "choose an axis of numbers, or use it as the series",
            )),
            Some(numbers) if log && numbers.iter().any(|value| *value <= 0.0) => Err(wrong(
                key,
                format!("the values of {path} are not all above 0"),
                "take log_x away",
            )),
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
            Some(_) => Err(wrong(
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
        Err(wrong(
            key,
            format!("{count} {what} are more than one figure can show"),
            format!(
                "select at most {most} of them: select: {{path of an axis: one of its values}}"
            ),
        ))
    }
}
