//! The sweep section.

use crate::scenario::{Axis, AxisValue, SweepSection};
use crate::scenario::{load::json_schema, messages};
use modalflow::error::{InputError, Result};
use modalflow::section::check;
use modalflow::trajectory::Spacing;
use std::collections::HashSet;

/// Most cells of a grid, repeats included: their places in the journal still fit in memory.
pub(super) const MOST_CELLS: u64 = 10_000_000;

/// Top-level keys that name, describe or write a run rather than define it.
const NOT_SWEPT: [&str; 5] = ["name", "description", "output", "sweep", "figure"];

pub(super) fn check(sweep: &SweepSection) -> Result<()> {
    let key = "sweep.axes";
    check::count("sweep.repeats", sweep.repeats, 1..=MOST_CELLS)?;
    for (i, axis) in sweep.axes.iter().enumerate() {
        check_axis(&format!("{key}.{i}"), axis)?;
    }
    check_paths(sweep)?;
    let lengths = sweep
        .columns()
        .into_iter()
        .map(|axis| axis.first().map_or(0, |column| column.values.len()) as u64);
    let cells = lengths.fold(sweep.repeats, u64::saturating_mul);
    if cells > MOST_CELLS {
        return Err(InputError::at(
            "sweep",
            format!("the grid has {cells} cells, with {} repeats", sweep.repeats),
            format!(
                "choose fewer values: at most {MOST_CELLS} cells, or split the sweep in several scenarios"
            ),
        ));
    }
    Ok(())
}

fn check_axis(key: &str, axis: &Axis) -> Result<()> {
    let given = [
        ("path", axis.path.is_some()),
        ("linked", axis.linked.is_some()),
    ];
    check::exactly_one(key, "what varies", &given)?;
    let Some(linked) = &axis.linked else {
        return check_part(key, axis);
    };
    let mixed = axis.values.is_some()
        || axis.from.is_some()
        || axis.to.is_some()
        || axis.count.is_some()
        || axis.spacing.is_some();
    if mixed || linked.len() < 2 {
        return Err(InputError::at(
            format!("{key}.linked"),
            "linked axes stand alone, two or more of them",
            "write linked: [{path: ..., values: [...]}, {path: ..., values: [...]}]",
        ));
    }
    for (i, part) in linked.iter().enumerate() {
        let key = format!("{key}.linked.{i}");
        if part.path.is_none() {
            let remedy = "give it a path with values or a range";
            return Err(InputError::at(
                key,
                "a linked axis has no path of its own",
                remedy,
            ));
        }
        if part.linked.is_some() {
            let remedy = "put all axes that move together in one list";
            return Err(InputError::at(
                key,
                "a linked axis cannot have linked ones",
                remedy,
            ));
        }
        check_part(&key, part)?;
    }
    let lengths: Vec<usize> = linked.iter().map(length).collect();
    if lengths.iter().any(|length| *length != lengths[0]) {
        let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
        return Err(InputError::at(
            format!("{key}.linked"),
            format!(
                "the linked axes have {} values, and cannot move together",
                lengths.join(" and ")
            ),
            "give them the same number of values",
        ));
    }
    Ok(())
}

/// Number of values of an axis without linked ones.
fn length(axis: &Axis) -> usize {
    let count = axis.count.unwrap_or_default() as usize;
    axis.values.as_ref().map_or(count, Vec::len)
}

/// A path with a list or a range.
fn check_part(key: &str, axis: &Axis) -> Result<()> {
    let range = axis.from.is_some() || axis.to.is_some() || axis.count.is_some();
    if axis.values.is_some() == range {
        return Err(InputError::at(
            format!("{key}.values"),
            match range {
                true => "values and a range are both given",
                false => "the axis has neither values nor a range",
            },
            "give values: [...], or from, to and count",
        ));
    }
    match &axis.values {
        Some(values) => check_values(&format!("{key}.values"), values, axis),
        None => check_range(key, axis),
    }
}

fn check_values(key: &str, values: &[AxisValue], axis: &Axis) -> Result<()> {
    if axis.spacing.is_some() {
        let remedy = "take spacing away, or give from, to and count";
        return Err(InputError::at(
            key,
            "a list of values has no spacing",
            remedy,
        ));
    }
    if values.is_empty() {
        return Err(InputError::at(
            key,
            "the list of values is empty",
            "give at least one value",
        ));
    }
    let mut seen = HashSet::new();
    for (i, value) in values.iter().enumerate() {
        if let Some(value) = value.as_number() {
            check::number(&format!("{key}.{i}"), value, ..)?;
        }
        if !seen.insert(value.key()) {
            let problem = format!("{value} stands twice in the list");
            return Err(InputError::at(
                format!("{key}.{i}"),
                problem,
                "keep one of the two; sweep.repeats runs every cell several times",
            ));
        }
    }
    Ok(())
}

fn check_range(key: &str, axis: &Axis) -> Result<()> {
    let (Some(from), Some(to), Some(steps)) = (axis.from, axis.to, axis.count) else {
        return Err(InputError::at(
            key,
            "the range is incomplete",
            "give from, to and count, for example {from: -0.9, to: 0.9, count: 9}",
        ));
    };
    check::number(&format!("{key}.from"), from, ..)?;
    check::number(&format!("{key}.to"), to, ..)?;
    check::count(&format!("{key}.count"), steps, 1..=MOST_CELLS)?;
    if (steps > 1) == (from == to) {
        return Err(InputError::at(
            format!("{key}.count"),
            format!("a range from {from:?} to {to:?} cannot have {steps} different values"),
            "give 1 for equal ends, and 2 or more for others",
        ));
    }
    if axis.spacing == Some(Spacing::Log) && (from <= 0.0 || to <= 0.0) {
        return Err(InputError::at(
            format!("{key}.spacing"),
            "a logarithmic range needs ends above 0",
            "change from and to, or take spacing: log away",
        ));
    }
    Ok(())
}

/// No path twice, none below another, and none that a sweep cannot vary.
fn check_paths(sweep: &SweepSection) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for (part_key, part) in sweep.parts() {
        let path = part.path.as_deref().unwrap_or_default();
        let key = format!("{part_key}.path");
        if path.split('.').any(str::is_empty) {
            let problem = format!("{path:?} is no path of a key");
            let remedy = "name the key by its dotted path, data.toy.rho for example";
            return Err(InputError::at(key, problem, remedy));
        }
        let top = path.split('.').next().unwrap_or_default();
        if NOT_SWEPT.contains(&top) {
            let problem = format!("{path} does not define the run, and cannot vary");
            let remedy = "name a key of data, network, init, flow, descent or detector, or seed";
            return Err(InputError::at(key, problem, remedy));
        }
        if messages::names_file(json_schema(), path) {
            let problem = format!("{path} names a file, and files cannot vary");
            let remedy = "run one sweep for each file: --set changes its path";
            return Err(InputError::at(key, problem, remedy));
        }
        let is_below = |a: &str, b: &str| {
            a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(other) = seen
            .iter()
            .find(|other| is_below(path, other) || is_below(other, path))
        {
            let problem = format!("{path} and {other} overlap");
            return Err(InputError::at(
                key,
                problem,
                "vary every key on one axis only",
            ));
        }
        if path == "seed" {
            check_seeds(&key, sweep, part)?;
        }
        seen.push(path);
    }
    Ok(())
}

/// Seeds on an axis are taken as they are: repeats would be the same run again.
fn check_seeds(key: &str, sweep: &SweepSection, axis: &Axis) -> Result<()> {
    if sweep.repeats > 1 {
        return Err(InputError::at(
            key,
            format!(
                "an axis of seeds leaves nothing to repeat, and repeats is {}",
                sweep.repeats
            ),
            "take repeats away, or take the axis away: repeats have seeds of their own",
        ));
    }
    let whole = |value: &AxisValue| matches!(value, AxisValue::Whole(seed) if *seed >= 0);
    match axis.values().iter().find(|value| !whole(value)) {
        None => Ok(()),
        Some(value) => Err(InputError::at(
            key,
            format!("{value} is not a seed"),
            "give whole numbers, 0 or more",
        )),
    }
}
