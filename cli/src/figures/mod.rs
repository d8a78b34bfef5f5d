//! Results as figures: what is drawn, not how.
//!
//! A kind of figure is one file: its section in the scenario, the check of that section, and a
//! function from the cells of a sweep to a page. It is known to the rest by its line in
//! [`FigureSection`] and in `FigureSection::kinds`.
//!
//! | file | what it holds |
//! |---|---|
//! | `run/` | the figures of a run |
//! | `lines.rs` | of a sweep: points with their spread against theory's lines |
//! | `heat.rs` | of a sweep: heat maps of measurement, theory and gap |
//! | `scatter.rs` | of a sweep: measured against theory |
//! | `curves.rs` | of a sweep: curves in time |
//! | `portrait.rs` | of a sweep: phase portraits |
//! | `check.rs` | what several checks need to know of the scenario |
//! | `aggregate.rs` | runs summed up, and those left out |
//! | `series.rs` | the panel of series that lines, scatter and curves share |
//! | `labels.rs` | what axes and quantities are called |

mod aggregate;
mod check;
mod curves;
mod heat;
mod labels;
mod lines;
mod portrait;
mod run;
mod scatter;
mod series;

pub(crate) use check::check;
pub use curves::CurvesFigure;
pub use heat::HeatFigure;
pub use lines::LinesFigure;
pub use portrait::{PortraitFigure, run_portrait};
pub use run::{diagnosis_page, run_pages};
pub use scatter::ScatterFigure;

use crate::error::Result;
use crate::plot::{Page, literal};
use crate::scenario::{AxisValue, Cell, Column};
use crate::sweep::{DrawnTrajectory, Record, Table};
use aggregate::Aggregate;
use check::Place;
use indexmap::IndexMap;
use modalflow::experiment::Scenario;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One figure of a sweep: exactly one of lines, heat, scatter, curves, portrait.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FigureSection {
    /// Name of its file, [A-Za-z0-9_-]+. Default: the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What stands above it. Default: the scenario's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Only the cells where these axes have these values.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub select: IndexMap<String, AxisValue>,
    /// Measured points with their spread, against theory lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<LinesFigure>,
    /// Heat maps over two axes: measured, theory, gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat: Option<HeatFigure>,
    /// Measured against theory, a point a run, with the identity line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scatter: Option<ScatterFigure>,
    /// A family of curves against time, the first repeat of every cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<CurvesFigure>,
    /// Phase portraits of the two total maps of scalar inputs, one a cell, the first repeat's
    /// trajectory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portrait: Option<PortraitFigure>,
}

/// A kind of figure.
trait Kind {
    /// Whether the trajectories of the cells are drawn, and not their rows only.
    fn needs_trajectories(&self) -> bool {
        false
    }

    /// Checks the section against the scenario.
    fn check(&self, place: &Place<'_>) -> Result<()>;

    /// The page of a finished sweep, without its title.
    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page>;
}

/// The section of a kind, where it is given.
fn given<K: Kind>(section: &Option<K>) -> Option<&dyn Kind> {
    section.as_ref().map(|kind| kind as &dyn Kind)
}

impl FigureSection {
    /// Every kind by the name of its key, and its section where it is given.
    fn kinds(&self) -> [(&'static str, Option<&dyn Kind>); 5] {
        [
            ("lines", given(&self.lines)),
            ("heat", given(&self.heat)),
            ("scatter", given(&self.scatter)),
            ("curves", given(&self.curves)),
            ("portrait", given(&self.portrait)),
        ]
    }

    /// The one kind that is given.
    fn kind(&self) -> Option<(&'static str, &dyn Kind)> {
        let mut kinds = self.kinds().into_iter();
        kinds.find_map(|(name, kind)| Some((name, kind?)))
    }

    /// The name of its file without the ending.
    pub fn file_stem(&self) -> &str {
        let kind = self.kind().map_or("figure", |(name, _)| name);
        self.name.as_deref().unwrap_or(kind)
    }

    /// Whether the trajectories of its cells are drawn.
    pub fn needs_trajectories(&self) -> bool {
        self.kind()
            .is_some_and(|(_, kind)| kind.needs_trajectories())
    }

    /// Whether a cell with these values of the columns is drawn.
    pub fn selects(&self, columns: &[&Column], values: &[AxisValue]) -> bool {
        let matches = |(path, wanted): (&String, &AxisValue)| {
            let mut pairs = columns.iter().zip(values);
            pairs.any(|(column, value)| column.path == *path && value.is(wanted))
        };
        self.select.iter().all(matches)
    }
}

/// A figure and what it is drawn of.
struct Request<'a> {
    section: &'a FigureSection,
    columns: Vec<&'a Column>,
}

impl Request<'_> {
    /// The place of a column among a cell's values.
    fn place(&self, path: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.path == path)
    }

    /// Whether a cell is drawn.
    fn selects(&self, cell: &Cell) -> bool {
        self.section.selects(&self.columns, &cell.values)
    }

    /// Whether the drawn cells have several values of a column.
    fn varies(&self, column: &Column) -> bool {
        column.values.len() > 1 && !self.section.select.contains_key(&column.path)
    }

    /// What tells the drawn cells apart.
    fn label(&self, cell: &Cell) -> String {
        let parts = self.columns.iter().zip(&cell.values);
        let parts = parts.filter(|(column, _)| self.varies(column));
        let parts = parts.map(|(column, value)| labels::assignment(column, value));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Calls `take` with every selected run that can be shown as far as its end goes, and counts all of them.
    fn each(
        &self,
        table: &mut Table<'_>,
        aggregate: &mut Aggregate,
        mut take: impl FnMut(&Record, &mut Aggregate),
    ) -> Result<()> {
        table.each(&mut |record| {
            if self.selects(&record.cell) && aggregate.is_shown(record) {
                take(record, aggregate);
            }
        })
    }

    /// The first repeat of each selected cell.
    fn trajectories(&self, table: &mut Table<'_>) -> Result<Drawn> {
        let mut cells = Vec::new();
        let mut aggregate = Aggregate::default();
        let grid = table.grid;
        for index in (0..grid.len()).step_by(grid.repeats() as usize) {
            let Some(record) = table.record(index)? else {
                continue;
            };
            if self.selects(&record.cell) && aggregate.is_shown(&record) {
                match record.trajectory {
                    Some(trajectory) => cells.push((record.cell, trajectory)),
                    None => aggregate.missing += 1,
                }
            }
        }
        Ok(Drawn {
            cells,
            note: aggregate.note(),
        })
    }
}

/// The cells that are drawn, with their trajectories.
struct Drawn {
    cells: Vec<(Cell, DrawnTrajectory)>,
    /// Where some have none.
    note: Option<String>,
}

/// What one figure of a finished sweep shows.
///
/// # Errors
/// An input error where the cells cannot be read.
pub fn sweep_page(
    scenario: &Scenario,
    section: &FigureSection,
    table: &mut Table<'_>,
) -> Result<Page> {
    let grid = table.grid;
    let columns = grid.columns().collect();
    let Some((_, kind)) = section.kind() else {
        return Ok(Page::default());
    };
    let page = kind.page(&Request { section, columns }, table)?;
    let title = section.title.as_ref().or(scenario.description.as_ref());
    let name = scenario.name.as_deref().unwrap_or_default();
    let title = title.cloned().unwrap_or_else(|| literal(name));
    Ok(Page { title, ..page })
}
