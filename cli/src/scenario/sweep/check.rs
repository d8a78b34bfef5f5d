//! The sweep section.

use crate::scenario::events::leads_to;
use crate::scenario::{Axis, AxisValue, SweepSection};
use modalflow::error::{InputError, Remedy, Result};
use modalflow::section::check;
use modalflow::trajectory::Spacing;
use std::collections::HashSet;

/// Most cells of a grid, repeats included: their places in the journal still fit in memory.
pub(super) const MOST_CELLS: u64 = 10_000_000;

/// Most values of all axes together, linked ones included. They are all in memory.
const MOST_VALUES: u64 = 1_000_000;

/// Top-level keys that name, describe or write a run rather than define it.
const NOT_SWEPT: [&str; 5] = ["name", "description", "output", "sweep", "figure"];

pub(super) fn check(sweep: &SweepSection) -> Result<()> {
    check::count("sweep.repeats", sweep.repeats, 1..=MOST_CELLS)?;
    for (i, axis) in sweep.axes.iter().enumerate() {
        check_axis(&format!("sweep.axes.{i}"), axis)?;
    }
    check_values_fit(sweep)?;
    check_paths(sweep)?;
    let lengths = sweep.axes.iter().map(|axis| match &axis.linked {
        Some(linked) => length(&linked[0]),
        None => length(axis),
    });
    let cells = lengths.fold(sweep.repeats, u64::saturating_mul);
    if cells > MOST_CELLS {
        let problem = format!("the grid has {cells} cells, with {} repeats", sweep.repeats);
        let remedy = format!(
            "choose fewer values: at most {MOST_CELLS} cells, or split the sweep in several scenarios"
        );
        return invalid("sweep", problem, remedy);
    }
    Ok(())
}

fn invalid(
    key: impl Into<String>,
    problem: impl Into<String>,
    remedy: impl Into<Remedy>,
) -> Result<()> {
    Err(InputError::at(key, problem, remedy))
}

fn check_values_fit(sweep: &SweepSection) -> Result<()> {
    let parts = sweep.parts();
    let lengths = parts.iter().map(|(_, part)| length(part));
    let values = lengths.fold(0, u64::saturating_add);
    if values <= MOST_VALUES {
        return Ok(());
    }
    let problem = format!("the axes have {values} values together");
    let remedy =
        format!("choose fewer: at most {MOST_VALUES}; sweep.repeats runs every cell several times");
    invalid("sweep", problem, remedy)
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
    let alone = Axis {
        linked: axis.linked.clone(),
        ..Axis::default()
    };
    let all = format!("{key}.linked");
    if *axis != alone || linked.len() < 2 {
        let problem = "linked axes stand alone, two or more of them";
        let remedy = "write linked: [{path: ..., values: [...]}, {path: ..., values: [...]}]";
        return invalid(all, problem, remedy);
    }
    for (i, part) in linked.iter().enumerate() {
        let key = format!("{all}.{i}");
        if part.path.is_none() {
            let problem = "a linked axis has no path of its own";
            return invalid(key, problem, "give it a path with values or a range");
        }
        if part.linked.is_some() {
            let problem = "a linked axis cannot have linked ones";
            let remedy = "put all axes that move together in one list";
            return invalid(key, problem, remedy);
        }
        check_part(&key, part)?;
    }
    let lengths = || linked.iter().map(length);
    if lengths().any(|other| other != length(&linked[0])) {
        let lengths: Vec<String> = lengths().map(|length| length.to_string()).collect();
        let lengths = lengths.join(" and ");
        let problem = format!("the linked axes have {lengths} values, and cannot move together");
        return invalid(all, problem, "give them the same number of values");
    }
    Ok(())
}

/// Number of values of an axis without linked ones.
fn length(axis: &Axis) -> u64 {
    let count = axis.count.unwrap_or_default();
    axis.values
        .as_ref()
        .map_or(count, |values| values.len() as u64)
}

/// A path with a list or a range.
fn check_part(key: &str, axis: &Axis) -> Result<()> {
    let range = axis.from.is_some() || axis.to.is_some() || axis.count.is_some();
    let values = format!("{key}.values");
    let remedy = "give values: [...], or from, to and count";
    match &axis.values {
        Some(_) if range => invalid(values, "values and a range are both given", remedy),
        None if !range => invalid(values, "the axis has neither values nor a range", remedy),
        Some(given) => check_values(&values, given, axis),
        None => check_range(key, axis),
    }
}

fn check_values(key: &str, values: &[AxisValue], axis: &Axis) -> Result<()> {
    if axis.spacing.is_some() {
        let remedy = "take spacing away, or give from, to and count";
        return invalid(key, "a list of values has no spacing", remedy);
    }
    if values.is_empty() {
        return invalid(
            key,
            "the list of values is empty",
            "give at least one value",
        );
    }
    let mut seen = HashSet::new();
    for (i, value) in values.iter().enumerate() {
        let key = format!("{key}.{i}");
        check_finite(&key, value)?;
        if !seen.insert(value.key()) {
            let problem = format!("{value} stands twice in the list");
            let remedy = "keep one of the two; sweep.repeats runs every cell several times";
            return invalid(key, problem, remedy);
        }
    }
    Ok(())
}

fn check_finite(key: &str, value: &AxisValue) -> Result<()> {
    match value {
        AxisValue::List(all) => {
            let mut all = all.iter().enumerate();
            all.try_for_each(|(i, value)| check_finite(&format!("{key}.{i}"), value))
        }
        value => value
            .as_number()
            .map_or(Ok(()), |value| check::number(key, value, ..)),
    }
}

fn check_range(key: &str, axis: &Axis) -> Result<()> {
    let (Some(from), Some(to), Some(steps)) = (axis.from, axis.to, axis.count) else {
        let remedy = "give from, to and count, for example {from: -0.9, to: 0.9, count: 9}";
        return invalid(key, "the range is incomplete", remedy);
    };
    check::number(&format!("{key}.from"), from, ..)?;
    check::number(&format!("{key}.to"), to, ..)?;
    let count = format!("{key}.count");
    check::count(&count, steps, 1..=MOST_CELLS)?;
    if (steps > 1) == (from == to) {
        let problem =
            format!("a range from {from:?} to {to:?} cannot have {steps} different values");
        return invalid(
            count,
            problem,
            "give 1 for equal ends, and 2 or more for others",
        );
    }
    if axis.spacing == Some(Spacing::Log) && (from <= 0.0 || to <= 0.0) {
        let problem = "a logarithmic range needs ends above 0";
        let remedy = "change from and to, or take spacing: log away";
        return invalid(format!("{key}.spacing"), problem, remedy);
    }
    Ok(())
}

/// No path twice, none below another, and none that a sweep cannot vary.
fn check_paths(sweep: &SweepSection) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for (key, part) in sweep.parts() {
        let (path, key) = (part.path.as_deref().unwrap_or_default(), key + ".path");
        if path.split('.').any(str::is_empty) {
            let problem = format!("{path:?} is no path of a key");
            let remedy = "name the key by its dotted path, data.toy.rho for example";
            return invalid(key, problem, remedy);
        }
        let top = path.split('.').next().unwrap_or_default();
        if NOT_SWEPT.contains(&top) {
            let problem = format!("{path} does not define the run, and cannot vary");
            let remedy = "name a key of data, network, init, flow, descent or detector, or seed";
            return invalid(key, problem, remedy);
        }
        let overlaps =
            |other: &&&str| path == **other || leads_to(path, other) || leads_to(other, path);
        if let Some(other) = seen.iter().find(overlaps) {
            let problem = format!("{path} and {other} overlap");
            return invalid(key, problem, "vary every key on one axis only");
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
    let repeats = sweep.repeats;
    if repeats > 1 {
        let problem =
            format!("an axis of seeds leaves nothing to repeat, and repeats is {repeats}");
        let remedy = "take repeats away, or take the axis away: repeats have seeds of their own";
        return invalid(key, problem, remedy);
    }
    let whole = |value: &AxisValue| matches!(value, AxisValue::Whole(seed) if *seed >= 0);
    match axis.values().iter().find(|value| !whole(value)) {
        None => Ok(()),
        Some(value) => {
            let problem = format!("{value} is not a seed");
            invalid(key, problem, "give whole numbers, 0 or more")
        }
    }
}
