//! Measured points with their spread, against theory's lines.

use super::aggregate::{Field, Sums};
use super::check::Place;
use super::series::{Measured, PAD, Series, names, numbers, page};
use super::{Kind, Request, labels};
use crate::error::Result;
use crate::plot::{Axis, Page, TickPlaces, range, range_widened, shows};
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
        let labels = names(request, up).into_iter().enumerate();
        let series = labels.map(|(row, label)| {
            let dense = line.as_ref().and_then(|line| line.points(row, &xs));
            series(label, &xs, &field, row, dense)
        });
        let series: Vec<Series> = series.collect();
        let mut notes = Vec::from_iter(meaning(&series, self.y.origin()));
        let (matched, measured) = field.share(|sums| sums.matched);
        if matched < measured && joined(&series).count() > 0 {
            notes.push(format!(
                "theory joined over {matched} of {measured} runs, those in the predicted order"
            ));
        }
        notes.extend(field.aggregate.note());
        Ok(self.of(&series, xs, notes))
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
    fn of(&self, series: &[Series], xs: Vec<f64>, notes: Vec<String>) -> Page {
        let axes = self.ranges(series).map(|(x, y)| {
            let across = Axis {
                ticks: TickPlaces::At(xs),
                ..Axis::new(labels::axis(&self.x), x, self.log_x)
            };
            (across, Axis::new(self.y.label(), y, self.log_y))
        });
        page(series, axes, notes)
    }

    /// What the axes show: all values of x with a point or theory. Predictions for the runs themselves are to be
    /// seen, as the runs are; a dense line may leave at the top and at the bottom.
    fn ranges(&self, series: &[Series]) -> Option<((f64, f64), (f64, f64))> {
        let (log_x, log_y) = (self.log_x, self.log_y);
        let points = series.iter().flat_map(|one| &one.points);
        let shown = points.filter(|point| shows(log_x, point.at.0) && shows(log_y, point.at.1));
        let bars = shown.clone().filter_map(|point| point.bar);
        let seen = shown.clone().map(|point| point.at.1);
        let seen = seen.chain(bars.flat_map(|(low, high)| [low, high]));
        let seen = seen.chain(shown.clone().filter_map(|point| point.tick));
        let predictions = joined(series)
            .flat_map(|one| &one.line)
            .map(|point| point.1);
        let theory = series.iter().flat_map(|one| &one.line);
        let theory = theory.filter(|point| point.1.is_finite());
        let (xs, ys) = (theory.clone().map(|p| p.0), theory.map(|p| p.1));
        let x = range(shown.map(|point| point.at.0).chain(xs), log_x, PAD);
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
    let mut series = Series {
        label,
        joined: dense.is_none(),
        ..Series::default()
    };
    let cells = xs.iter().zip(&field.cells[row * field.columns..]);
    for (x, sums) in cells.clone() {
        let is_wide = |(low, high): &(f64, f64)| low < high && (high - low).is_finite();
        let bar = sums.measured.ends.filter(is_wide);
        let mean = sums.measured.mean();
        series.points.extend(mean.map(|mean| Measured {
            at: (*x, mean),
            bar,
            tick: sums.from_weights.mean(),
        }));
    }
    let means = cells.map(|(x, sums)| (*x, prediction(sums)));
    let theory = dense.unwrap_or_else(|| means.collect());
    if theory.iter().any(|point| point.1.is_some()) {
        let points = theory.into_iter().map(|(x, y)| (x, y.unwrap_or(f64::NAN)));
        series.line = points.collect();
    }
    series
}

/// What theory says of the runs of a cell: of those that were measured and are in its order; of all of
/// them where none was measured, since a prediction needs no measurement.
fn prediction(sums: &Sums) -> Option<f64> {
    match sums.measured.count {
        0 => sums.theory.mean(),
        _ => sums.matched.mean(),
    }
}

/// The series with a line of joined values.
fn joined(series: &[Series]) -> impl Iterator<Item = &Series> {
    series
        .iter()
        .filter(|one| one.joined && !one.line.is_empty())
}

/// What points, bars and lines stand for, said once.
fn meaning(series: &[Series], origin: &str) -> Option<String> {
    let mut points = series.iter().flat_map(|one| &one.points).peekable();
    let mut parts = Vec::new();
    if points.peek().is_some() {
        parts.push(match points.any(|point| point.bar.is_some()) {
            true => format!("points: {origin}, mean of the repeats; bars: least to greatest"),
            false => format!("points: {origin}"),
        });
    }
    let with_theory = series.iter().filter(|one| !one.line.is_empty()).count();
    match joined(series).count() {
        _ if with_theory == 0 => {}
        0 => parts.push("lines: theory".to_owned()),
        joined if joined == with_theory => {
            parts.push("lines: theory for the runs' own data, joined".to_owned());
        }
        _ => parts
            .push("lines: theory, for the runs' own data joined where those are drawn".to_owned()),
    }
    let mut points = series.iter().flat_map(|one| &one.points);
    if points.any(|point| point.tick.is_some()) {
        parts.push("black strokes: theory from the actual initial weights, mean".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::{Aggregate, Sum};
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

    /// Bars at 0, 1, 2, ... in a series, and lines of theory in others, of which some are joined.
    fn lines(bars: &[(f64, f64)], theory: &[(&[f64], bool)]) -> Vec<Series> {
        let mut measured = Series::default();
        for (x, (low, high)) in (0..).zip(bars) {
            let bar = (low < high).then_some((*low, *high));
            let at = (f64::from(x), (low + high) / 2.0);
            let tick = None;
            measured.points.push(Measured { at, bar, tick });
        }
        let theory = theory.iter().map(|(line, joined)| Series {
            line: (0..).map(f64::from).zip(line.iter().copied()).collect(),
            joined: *joined,
            ..Series::default()
        });
        [measured].into_iter().chain(theory).collect()
    }

    #[test]
    fn the_note_says_only_what_is_drawn() {
        let (dense, joined) = ((&[1.0, 2.0][..], false), (&[1.0, 2.0][..], true));
        let note = |bars: &[_], theory: &[_]| {
            meaning(&lines(bars, theory), "measured").unwrap_or_default()
        };
        assert_eq!(note(&[], &[]), "");
        assert_eq!(note(&[(1.0, 1.0)], &[]), "points: measured");
        let ratio = Quantity::named("weights_ratio").expect("a quantity");
        let points = lines(&[(1.0, 1.0)], &[]);
        let note_of_theory = meaning(&points, ratio.origin());
        assert_eq!(note_of_theory.as_deref(), Some("points: theory"));
        let both = note(&[(1.0, 1.0), (1.0, 2.0)], &[dense]);
        assert!(both.contains("bars: ") && both.ends_with("lines: theory"));
        assert_eq!(note(&[], &[dense]), "lines: theory");
        assert!(note(&[], &[joined]).contains("own data, joined"));
        assert!(note(&[], &[joined, dense]).contains("joined where"));
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
    fn theory_is_joined_over_cells_without_a_measurement_too() {
        let sum = Sum::of;
        let cells = [
            (sum(&[]), sum(&[4.0, 6.0]), sum(&[])),
            (sum(&[7.0]), sum(&[8.0, 100.0]), sum(&[8.0])),
            (sum(&[7.0]), sum(&[9.0]), sum(&[])),
        ];
        let cells = cells.map(|(measured, theory, matched)| Sums {
            measured,
            theory,
            matched,
            ..Sums::default()
        });
        let field = Field {
            columns: 3,
            cells: cells.to_vec(),
            aggregate: Aggregate::default(),
        };
        let series = [series(String::new(), &[1.0, 2.0, 3.0], &field, 0, None)];
        let (x, _) = figure(false).ranges(&series).expect("something to show");
        assert!(x.0 < 1.0 && x.1 > 3.0, "{x:?}");
        let [Series { line, .. }] = series;
        assert_eq!(line[..2], [(1.0, 5.0), (2.0, 8.0)]);
        assert!(line[2].1.is_nan(), "in another order than theory's");
    }

    #[test]
    fn theory_that_runs_to_infinity_is_cut() {
        let lines = lines(&[(0.0, 1.0)], &[(&[1.0, 1e12, f64::INFINITY], false)]);
        assert!(figure(false).ranges(&lines).is_some_and(|(_, y)| y.1 < 2.0));
    }
}
