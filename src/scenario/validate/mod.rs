//! Every range check of a scenario: one function a section, the range beside the field.
//!
//! | file | sections |
//! |---|---|
//! | `data.rs` | data |
//! | `images.rs` | data.images |
//! | `matrix.rs` | the matrices of data.moments |
//! | `network.rs` | network |
//! | `run.rs` | init, flow, descent, detector, output |
//! | `sweep.rs` | sweep |

mod data;
mod images;
mod matrix;
mod network;
mod run;
mod sweep;

pub(crate) use data::MOST_DIMENSIONS;

use super::Scenario;
use crate::error::{InputError, Result};
use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};

/// Largest magnitude of a number that enters the moments or the weights: products of four of
/// them, as in the loss, stay finite.
const LARGEST: f64 = 1e50;

/// Longest name of a run: file systems allow 255 bytes, and suffixes are added.
const LONGEST_NAME: usize = 100;

/// Above 0, and with finite products.
const POSITIVE: (Bound<f64>, Bound<f64>) = (Bound::Excluded(0.0), Bound::Included(LARGEST));

/// Checks everything that can be checked without reading another file.
pub(super) fn validate(scenario: &Scenario) -> Result<()> {
    if let Some(name) = &scenario.name {
        check_name(name)?;
    }
    data::check(&scenario.data)?;
    network::check(&scenario.network, &data::modality_names(&scenario.data))?;
    run::check_init(&scenario.init)?;
    run::check_flow(&scenario.flow)?;
    network::check_units(&scenario.network, &scenario.data, &scenario.flow)?;
    if let Some(descent) = &scenario.descent {
        run::check_stepping(descent, &scenario.data)?;
        run::check_descent(descent, scenario.flow.until.time)?;
    }
    run::check_detector(&scenario.detector)?;
    run::check_output(&scenario.output)?;
    if let Some(section) = &scenario.sweep {
        sweep::check(section)?;
    }
    crate::figures::check(scenario)
}

/// The name of a run becomes a folder.
pub(super) fn check_name(name: &str) -> Result<()> {
    check_file_name("name", name)
}

/// A name that becomes a file or a folder: [A-Za-z0-9_-]+.
pub(crate) fn check_file_name(key: &str, name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let problem = if name.is_empty() {
        "the name is empty".to_owned()
    } else if !name.chars().all(fits) {
        format!("{name:?} cannot be a name")
    } else if name.len() > LONGEST_NAME {
        format!("the name has {} characters", name.len())
    } else {
        return Ok(());
    };
    let remedy = format!("use letters, digits, _ and -, at most {LONGEST_NAME} of them");
    Err(wrong(key, problem, remedy))
}

pub(crate) fn wrong(
    key: impl Into<String>,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> crate::error::Error {
    InputError::at(key, problem, remedy).into()
}

/// A finite number in its range.
fn number(key: &str, value: f64, range: impl RangeBounds<f64>) -> Result<()> {
    if !value.is_finite() {
        let problem = format!("{value:?} is not a finite number");
        let remedy = format!("give a number {}", range_words(&range));
        return Err(wrong(key, problem, remedy));
    }
    within(key, value, range, "a number")
}

/// A count in its range.
pub(crate) fn count(key: &str, value: u64, range: impl RangeBounds<u64>) -> Result<()> {
    within(key, value, range, "a whole number")
}

fn within<T: PartialOrd + Debug>(
    key: &str,
    value: T,
    range: impl RangeBounds<T>,
    kind: &str,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let words = range_words(&range);
    let problem = format!("{value:?} is out of range");
    Err(wrong(key, problem, format!("give {kind} {words}")))
}

fn range_words<T: Debug>(range: &impl RangeBounds<T>) -> String {
    match (range.start_bound(), range.end_bound()) {
        (Bound::Included(low), Bound::Included(high)) => format!("from {low:?} to {high:?}"),
        (Bound::Included(low), Bound::Excluded(high)) => {
            format!("from {low:?} to less than {high:?}")
        }
        (Bound::Included(low), Bound::Unbounded) => format!("of {low:?} or more"),
        (Bound::Excluded(low), Bound::Included(high)) => format!("above {low:?}, up to {high:?}"),
        (Bound::Excluded(low), Bound::Excluded(high)) => {
            format!("above {low:?} and below {high:?}")
        }
        (Bound::Excluded(low), Bound::Unbounded) => format!("above {low:?}"),
        (Bound::Unbounded, Bound::Included(high)) => format!("up to {high:?}"),
        (Bound::Unbounded, Bound::Excluded(high)) => format!("below {high:?}"),
        (Bound::Unbounded, Bound::Unbounded) => "of any size".to_owned(),
    }
}

/// Exactly one of the alternatives of a section is given.
pub(crate) fn exactly_one(section: &str, what: &str, given: &[(&str, bool)]) -> Result<()> {
    let all: Vec<_> = given.iter().map(|(name, _)| *name).collect();
    let present: Vec<_> = given.iter().filter(|(_, is)| *is).map(|g| g.0).collect();
    match present.as_slice() {
        [_] => Ok(()),
        [] => Err(wrong(
            section,
            format!("{what} is missing"),
            format!("give one of {} under {section}", all.join(", ")),
        )),
        [.., last] => Err(wrong(
            section,
            format!(
                "{} are given, of which only one can be",
                present.join(" and ")
            ),
            format!("keep one; from the command line, --set {section}.{last}=null removes {last}"),
        )),
    }
}

/// The keys of one mapping are those of another.
fn same_names<'n>(
    key: &str,
    given: impl Iterator<Item = &'n String> + Clone,
    other_key: &str,
    wanted: &[&str],
) -> Result<()> {
    let is_given = |name: &str| given.clone().any(|n| n == name);
    if let Some(name) = wanted.iter().find(|name| !is_given(name)) {
        return Err(wrong(
            format!("{key}.{name}"),
            format!("modality {name} of {other_key} is missing here"),
            format!("add {name} to {key}, or take it out of {other_key}"),
        ));
    }
    match given.clone().find(|name| !wanted.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(wrong(
            format!("{key}.{name}"),
            format!("there is no modality {name} in {other_key}"),
            format!("the modalities are {}", wanted.join(", ")),
        )),
    }
}
