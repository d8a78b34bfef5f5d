//! Measured points with their spread, against theory's lines.

use super::aggregate::{Field, Sum};
use super::check::Place;
use super::series::{self, Measured, PAD, Series, names, numbers};
use super::{Kind, Request, labels};
use crate::error::Result;
use crate::plot::{Axis, Page, TickPlaces, range_widened, shows};
use crate::sweep::{Quantity, Table, TheoryLine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Measured points with their spread over all axes and repeats except x and series, and lines of
/// theory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"x": "data.toy.rho", "y": "ratio", "series": "network.width", "log_y": true}]))]
pub struct LinesFigure {
    /// Path of the horizontal axis; its values are numbers.
    pub x: String,
    /// Quantity that is shown.
    pub y: Quantity,
    /// Path of the axis of which each value is a series of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Whether x is logarithmic.
    #[serde(default)]
    pub log_x: bool,
    /// Whether y is logarithmic.
    #[serde(default)]
    pub log_y: bool,
}

/// The series of a figure, of which the lines are theory's.
#[derive(Default)]
struct Lines {
    series: Vec<Series>,
    /// Whether the line of each joins theory's (mean) values for the runs, rather than being dense.
    joined: Vec<bool>,
}

impl Kind for LinesFigure {
    fn check(&self, place: &Place<'_>) -> Result<()> {
        place.ensure_numbers("x", &self.x, self.log_x)?;
        place.ensure_series("series", self.series.as_deref(), &self.x)?;
        place.ensure_has("y", self.y)
    }

    fn page(&self, request: &Request<'_>, table: &mut Table<'_>) -> Result<Page> {
        let across = request.place(&self.x).unwrap_or_default();
        let up = self.series.as_ref().and_then(|path| request.place(path));
        let field = Field::of(request, table, self.y, (across, up))?;
        let xs = numbers(&request.columns[across].values);
        let line = self.theory_line(request, table, (across, up));
        let mut lines = Lines::default();
        for (row, label) in names(request, up).into_iter().enumerate() {
            let dense = line.as_ref().and_then(|line| line.points(row, &xs));
            lines.joined.push(dense.is_none());
            lines.series.push(series(label, &xs, &field, row, dense));
        }
        let (matched, measured) = field.share(|sums| sums.matched);
        let unmatched = (matched < measured && lines.joined().count() > 0).then(|| {
            format!("theory joined over {matched} of {measured} runs, those in the predicted order")
        });
        let notes = lines.meaning().into_iter().chain(unmatched);
        Ok(self.of(&lines, xs, notes.chain(field.aggregate.note()).collect()))
    }
}

impl LinesFigure {
    /// Theory between the cells; None where theory has no word on the quantity, or an axis apart from x and
    /// series varies: then the cells at one x are of several problems.
    fn theory_line<'t>(
        &self,
        request: &Request<'t>,
        table: &Table<'t>,
        (across, up): (usize, Option<usize>),
    ) -> Option<TheoryLine<'t>> {
        let grid = table.grid;
        let mut cells = (0..grid.len()).map(|index| grid.cell(index));
        let values = cells.find(|cell| request.selects(cell))?.values;
        // Linked columns move with x, and are free as well.
        let mut columns = request.columns.iter().enumerate();
        let has_free = columns.any(|(place, column)| {
            let is_fixed = Some(place) == up || place == across;
            !is_fixed && request.varies(column)
        });
        (self.y.is_predicted() && !has_free).then(|| TheoryLine {
            grid,
            quantity: self.y,
            values,
            across,
            series: up.map(|up| (up, &request.columns[up].values[..])),
            log: self.log_x,
        })
    }

    /// The page of the series, whose points stand at `xs`.
    fn of(&self, lines: &Lines, xs: Vec<f64>, notes: Vec<String>) -> Page {
        let axes = self.ranges(lines).map(|(x, y)| {
            let across = Axis {
                ticks: TickPlaces::At(xs),
                ..Axis::new(labels::axis(&self.x), x, self.log_x)
            };
            (across, Axis::new(self.y.label(), y, self.log_y))
        });
        series::page(&lines.series, axes, notes)
    }

    /// What the axes show. Predictions for the runs themselves are to be seen, as the runs are; a dense line
    /// may leave.
    fn ranges(&self, lines: &Lines) -> Option<((f64, f64), (f64, f64))> {
        let (log_x, log_y) = (self.log_x, self.log_y);
        let points = lines.series.iter().flat_map(|one| &one.points);
        let shown = points.filter(|point| shows(log_x, point.at.0) && shows(log_y, point.at.1));
        let bars = shown.clone().filter_map(|point| point.bar);
        let seen = shown.clone().map(|point| point.at.1);
        let seen = seen.chain(bars.flat_map(|(low, high)| [low, high]));
        let predictions = lines
            .joined()
            .flat_map(|one| &one.line)
            .map(|point| point.1);
        let theory = lines.series.iter().flat_map(|one| &one.line);
        let theory = theory.filter(|point| point.1.is_finite());
        let (xs, ys) = (theory.clone().map(|p| p.0), theory.map(|p| p.1));
        let x = range_widened(shown.map(|point| point.at.0), xs, log_x, PAD);
        x.zip(range_widened(seen.chain(predictions), ys, log_y, PAD))
    }
}

/// One series of the field, with theory's dense line where there is one.
fn series(
    label: String,
    xs: &[f64],
    field: &Field,
    row: usize,
    dense: Option<Vec<(f64, Option<f64>)>>,
) -> Series {
    let cells = field.cells[row * field.columns..].iter();
    let cells = xs.iter().copied().zip(cells);
    let measured = |(x, sum): (f64, Sum)| {
        let is_wide = |(low, high): &(f64, f64)| low < high && (high - low).is_finite();
        Some(Measured {
            at: (x, sum.mean()?),
            bar: sum.ends.filter(is_wide),
        })
    };
    let means = cells.clone().map(|(x, sums)| (x, sums.matched.mean()));
    let mut theory = dense.unwrap_or_else(|| means.collect());
    if theory.iter().all(|point| point.1.is_none()) {
        theory.clear();
    }
    let points = cells.map(|(x, sums)| (x, sums.measured));
    Series {
        label,
        points: points.filter_map(measured).collect(),
        line: theory
            .into_iter()
            .map(|(x, y)| (x, y.unwrap_or(f64::NAN)))
            .collect(),
    }
}

impl Lines {
    /// The series with a line of joined values.
    fn joined(&self) -> impl Iterator<Item = &Series> {
        let series = self.series.iter().zip(&self.joined);
        let joined = series.filter(|(one, joined)| **joined && !one.line.is_empty());
        joined.map(|(one, _)| one)
    }

    /// What points, bars and lines stand for, said once.
    fn meaning(&self) -> Option<String> {
        let mut points = self.series.iter().flat_map(|one| &one.points).peekable();
        let mut parts = Vec::new();
        if points.peek().is_some() {
            parts.push(match points.any(|point| point.bar.is_some()) {
                true => "points: measured, mean of the repeats; bars: least to greatest",
                false => "points: measured",
            });
        }
        let with_theory = self.series.iter().filter(|one| !one.line.is_empty());
        match (with_theory.count(), self.joined().count()) {
            (0, _) => {}
            (_, 0) => parts.push("lines: theory"),
            (all, joined) if joined == all => {
                parts.push("lines: theory for the runs' own data, joined")
            }
            _ => parts.push("lines: theory, for the runs' own data joined where those are drawn"),
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(log_y: bool) -> LinesFigure {
        LinesFigure {
            x: String::new(),
            y: Quantity::named("ratio").expect("a quantity"),
            series: None,
            log_x: false,
            log_y,
        }
    }

    /// Bars at 0, 1, 2, ..., and lines, of which some are joined.
    fn lines(bars: &[(f64, f64)], theory: &[(&[f64], bool)]) -> Lines {
        let series = |bars: &[(f64, f64)], line: &[f64]| Series {
            label: String::new(),
            points: (0..)
                .zip(bars)
                .map(|(x, (low, high))| Measured {
                    at: (f64::from(x), (low + high) / 2.0),
                    bar: (low < high).then_some((*low, *high)),
                })
                .collect(),
            line: (0..).zip(line).map(|(x, y)| (f64::from(x), *y)).collect(),
        };
        let measured = (series(bars, &[]), false);
        let theory = theory
            .iter()
            .map(|(line, joined)| (series(&[], line), *joined));
        let (series, joined) = [measured].into_iter().chain(theory).unzip();
        Lines { series, joined }
    }

    #[test]
    fn the_note_says_only_what_is_drawn() {
        let line: &[f64] = &[1.0, 2.0];
        let note = |bars: &[(f64, f64)], joined: &[bool]| {
            let theory: Vec<(&[f64], bool)> = joined.iter().map(|joined| (line, *joined)).collect();
            lines(bars, &theory).meaning().unwrap_or_default()
        };
        assert_eq!(note(&[], &[]), "");
        assert_eq!(note(&[(1.0, 1.0)], &[]), "points: measured");
        let both = note(&[(1.0, 1.0), (1.0, 2.0)], &[false]);
        assert!(both.contains("bars: ") && both.ends_with("lines: theory"));
        assert_eq!(note(&[], &[false]), "lines: theory");
        assert!(note(&[], &[true]).contains("own data, joined"));
        assert!(note(&[], &[true, false]).contains("joined where"));
    }

    #[test]
    fn what_a_log_axis_cannot_show_is_left_out_and_counted() {
        let lines = lines(&[(-1.0, 1.0), (1.0, 2.0)], &[]);
        let page = |log_y| figure(log_y).of(&lines, vec![0.0, 1.0], Vec::new());
        assert!(page(false).notes.is_empty());
        let notes = page(true).notes;
        assert!(notes.iter().any(|note| note.starts_with("not shown: 1")));
    }

    #[test]
    fn theory_that_runs_to_infinity_is_cut() {
        let lines = lines(&[(0.0, 1.0)], &[(&[1.0, 1e12, f64::INFINITY], false)]);
        assert!(figure(false).ranges(&lines).is_some_and(|(_, y)| y.1 < 2.0));
    }
}
