//! The figures that a scenario asks for of its sweep.

use super::{families, graphs};
use crate::error::Result;
use crate::output::File;
use crate::plot::{Chart, Format, literal, render_chart};
use crate::scenario::{Cell, Column, FigureSection};
use crate::sweep::Table;
use modalflow::experiment::Scenario;

/// A figure and what it is drawn of.
pub(super) struct Request<'a> {
    pub(super) section: &'a FigureSection,
    pub(super) title: String,
    pub(super) columns: Vec<&'a Column>,
}

impl Request<'_> {
    /// The place of a column among a cell's values.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.path == path)
    }

    /// Whether a cell is drawn.
    pub(super) fn selects(&self, cell: &Cell) -> bool {
        self.section.selects(&self.columns, &cell.values)
    }
}

/// What one figure of a finished sweep shows.
///
/// # Errors
/// An input error where the cells cannot be read.
pub fn sweep_chart(
    scenario: &Scenario,
    section: &FigureSection,
    table: &mut Table<'_>,
) -> Result<Chart> {
    let grid = table.grid;
    let title = section.title.as_ref().or(scenario.description.as_ref());
    let name = scenario.name.as_deref().unwrap_or_default();
    let request = Request {
        section,
        title: title.cloned().unwrap_or_else(|| literal(name)),
        columns: grid.columns().collect(),
    };
    Ok(if let Some(lines) = &section.lines {
        Chart::Lines(graphs::lines(&request, lines, table)?)
    } else if let Some(heat) = &section.heat {
        Chart::Heat(graphs::heat(&request, heat, table)?)
    } else if let Some(scatter) = &section.scatter {
        Chart::Scatter(graphs::scatter(&request, scatter, table)?)
    } else if let Some(curves) = &section.curves {
        Chart::Curves(families::curves(&request, curves, table)?)
    } else {
        let arrows = section
            .portrait
            .as_ref()
            .map_or(0, |portrait| portrait.arrows);
        Chart::Portrait(families::portraits(&request, arrows, table)?)
    })
}

/// Draws one figure of a finished sweep, in every format.
///
/// # Errors
/// An input error where the cells cannot be read; a drawing error.
pub fn sweep_figure(
    scenario: &Scenario,
    section: &FigureSection,
    table: &mut Table<'_>,
    formats: &[Format],
) -> Result<Vec<File>> {
    let chart = sweep_chart(scenario, section, table)?;
    let file = |format: &Format| {
        let ending = match format {
            Format::Png => "png",
            Format::Svg => "svg",
        };
        let name = format!("{}.{ending}", section.file_stem());
        let bytes = render_chart(&name, &chart, *format)?;
        Ok((name, bytes))
    };
    formats.iter().map(file).collect()
}
