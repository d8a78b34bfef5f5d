//! Curves of several cells in time, and phase portraits.

use super::sweep::Request;
use super::tally::Tally;
use super::words;
use crate::error::Result;
use crate::plot::{AxisLabel, CriticalPoint, CurvesChart, FamilyCurve, Portrait, Portraits};
use crate::report::fusion_name;
use crate::scenario::{Cell, CurvesFigure, Trajectory as Shown};
use crate::sweep::{Table, Trajectory};
use modalflow::experiment::problem::Problem;
use modalflow::network::Architecture;
use modalflow::theory;

/// The cells that are drawn, with their trajectories.
struct Drawn {
    cells: Vec<(Cell, Trajectory)>,
    /// Where some cannot be.
    note: Option<String>,
}

/// The first repeat of each selected cell.
fn trajectories(request: &Request<'_>, table: &mut Table<'_>) -> Result<Drawn> {
    let mut cells = Vec::new();
    let mut tally = Tally::default();
    let grid = table.grid;
    for index in (0..grid.len()).step_by(grid.repeats() as usize) {
        let Some(record) = table.record(index)? else {
            continue;
        };
        if request.selects(&record.cell) && tally.is_shown(&record) {
            match record.trajectory {
                Some(trajectory) => cells.push((record.cell, trajectory)),
                None => tally.miss(),
            }
        }
    }
    Ok(Drawn {
        cells,
        note: tally.note(),
    })
}

/// What tells the drawn cells apart.
fn label(request: &Request<'_>, cell: &Cell) -> String {
    let selected = &request.section.select;
    let parts = request.columns.iter().zip(&cell.values);
    let parts =
        parts.filter(|(column, _)| column.values.len() > 1 && !selected.contains_key(&column.path));
    let parts: Vec<String> = parts
        .map(|(column, value)| words::assignment(&column.path, value))
        .collect();
    parts.join(", ")
}

/// A family of curves.
pub(super) fn curves(
    request: &Request<'_>,
    figure: &CurvesFigure,
    table: &mut Table<'_>,
) -> Result<CurvesChart> {
    let Drawn { cells, note } = trajectories(request, table)?;
    let curve = |(cell, trajectory): &(Cell, Trajectory)| {
        let values = match figure.value {
            Shown::Loss => &trajectory.losses,
            Shown::Generalisation => &trajectory.generalisation,
        };
        FamilyCurve {
            label: label(request, cell),
            points: trajectory
                .times
                .iter()
                .copied()
                .zip(values.iter().copied())
                .collect(),
        }
    };
    let mut curves: Vec<FamilyCurve> = cells.iter().map(curve).collect();
    if figure.log_x {
        let start = first_event(&curves).map_or(0.0, |event| event / 10.0);
        for curve in &mut curves {
            curve.points.retain(|point| point.0 >= start);
        }
    }
    let name = match figure.value {
        Shown::Loss => "loss (units of y²)",
        Shown::Generalisation => "generalisation error (units of y²)",
    };
    Ok(CurvesChart {
        title: request.title.clone(),
        x: AxisLabel::new("time t (in units of η × descent steps)", figure.log_x),
        y: AxisLabel::new(name, figure.log_y),
        curves,
        levels: Vec::new(),
        marks: Vec::new(),
        notes: note.into_iter().collect(),
    })
}

/// When the first of the curves has gone a hundredth of its way: a logarithmic axis starts a
/// decade before, or it would be empty for the most part.
fn first_event(curves: &[FamilyCurve]) -> Option<f64> {
    let event = |curve: &FamilyCurve| {
        let values = curve.points.iter().map(|point| point.1);
        let start = curve.points.first()?.1;
        let way = values.fold(0.0, |most: f64, value| most.max((value - start).abs()));
        let mut points = curve.points.iter();
        let first = points.find(|point| (point.1 - start).abs() > 0.01 * way)?;
        Some(first.0)
    };
    curves.iter().filter_map(event).min_by(f64::total_cmp)
}

/// Phase portraits: the flow of balanced weights, the measured trajectory, critical points.
pub(super) fn portraits(
    request: &Request<'_>,
    arrows: u64,
    table: &mut Table<'_>,
) -> Result<Portraits> {
    let Drawn { cells, note } = trajectories(request, table)?;
    let mut problems = Vec::new();
    for (cell, _) in &cells {
        problems.push(Problem::prepare(&table.grid.scenario(cell)?)?);
    }
    let paths: Vec<Vec<(f64, f64)>> = cells
        .iter()
        .map(|(_, trajectory)| path(trajectory))
        .collect();
    let points: Vec<Vec<CriticalPoint>> = problems.iter().map(critical_points).collect();
    let shown = paths.iter().flatten().copied();
    let shown = shown.chain(points.iter().flatten().map(|point| (point.x, point.y)));
    let (x_range, y_range) = ranges(shown);
    let places = |(low, high): (f64, f64)| {
        let step = (high - low) / arrows as f64;
        (0..arrows).map(move |i| low + step * (i as f64 + 0.5))
    };
    let panels = cells.iter().zip(&problems).zip(paths).zip(points);
    let panels = panels.map(|((((cell, _), problem), path), points)| {
        let field = places(x_range).flat_map(|x| places(y_range).map(move |y| (x, y)));
        let field = field.filter_map(|(x, y)| {
            let rate = theory::map_rate(&problem.moments, &problem.architecture, &[x, y])?;
            Some((x, y, rate[0], rate[1]))
        });
        Portrait {
            title: panel_title(&problem.architecture, &label(request, cell)),
            field: field.collect(),
            trajectories: vec![path],
            points,
        }
    });
    let names: Vec<String> = problems.first().map_or_else(Vec::new, |problem| {
        let names = problem.moments.modalities.iter();
        names
            .map(|modality| format!("W_{{{}}}^tot (units of y/x)", modality.name))
            .collect()
    });
    let name = |m: usize| names.get(m).cloned().unwrap_or_default();
    Ok(Portraits {
        title: request.title.clone(),
        x: name(0),
        y: name(1),
        x_range,
        y_range,
        panels: panels.collect(),
        notes: note.into_iter().collect(),
    })
}

fn panel_title(architecture: &Architecture, label: &str) -> String {
    let fusion = fusion_name(architecture);
    match label {
        "" => fusion,
        label => format!("{fusion}, {label}"),
    }
}

fn path(trajectory: &Trajectory) -> Vec<(f64, f64)> {
    let pair = |map: &Vec<f64>| Some((*map.first()?, *map.get(1)?));
    trajectory.maps.iter().filter_map(pair).collect()
}

/// M_0, the unimodal saddles that the architecture has, and M_*.
fn critical_points(problem: &Problem) -> Vec<CriticalPoint> {
    let count = problem.moments.modalities.len();
    let all: Vec<usize> = (0..count).collect();
    let mut sets = vec![Vec::new(), all];
    sets.extend((0..count).map(|m| vec![m]));
    sets.retain(|learned| problem.architecture.has_saddle(learned));
    let point = |learned: Vec<usize>| {
        let map = problem.moments.critical_map(&learned);
        let name = problem.architecture.saddle_name(Some(&learned));
        CriticalPoint {
            label: format!("M_{{{}}}", name.trim_start_matches("M_")),
            x: map[0],
            y: map[1],
            minimum: learned.len() == count,
        }
    };
    sets.into_iter().map(point).collect()
}

/// Ranges with a margin around the points.
fn ranges(points: impl Iterator<Item = (f64, f64)>) -> ((f64, f64), (f64, f64)) {
    const MARGIN: f64 = 0.2;
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (x, y) = points.fold((none, none), |(x, y), point| {
        let grown = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        (grown(x, point.0), grown(y, point.1))
    });
    let widened = |(low, high): (f64, f64)| {
        let margin = MARGIN * (high - low).max(f64::MIN_POSITIVE);
        if low <= high {
            (low - margin, high + margin)
        } else {
            (0.0, 1.0)
        }
    };
    (widened(x), widened(y))
}
