//! Checks of what a scenario says: ranges beside the fields, one wording for all.

use super::ByModality;
use crate::error::{InputError, Result};
use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::path::Path;

/// Largest magnitude of a number that enters the moments or the weights: products of four of
/// them, as in the loss, stay finite.
pub const LARGEST: f64 = 1e50;

/// Of either sign, and with finite products.
pub const MAGNITUDE: (Bound<f64>, Bound<f64>) =
    (Bound::Included(-LARGEST), Bound::Included(LARGEST));

/// Longest name of a run: file systems allow 255 bytes, and suffixes are added.
const LONGEST_NAME: usize = 100;

/// Above 0, and with finite products.
pub const POSITIVE: (Bound<f64>, Bound<f64>) = (Bound::Excluded(0.0), Bound::Included(LARGEST));

/// 0 or more, and with finite products.
pub const NOT_NEGATIVE: (Bound<f64>, Bound<f64>) = (Bound::Included(0.0), Bound::Included(LARGEST));

/// A factor of 0 or more that leaves digits to what it is compared with.
pub const FACTOR: (Bound<f64>, Bound<f64>) = (Bound::Included(0.0), Bound::Included(1e12));

/// A probability that is not 0.
pub const PROBABILITY: (Bound<f64>, Bound<f64>) = (Bound::Excluded(0.0), Bound::Included(1.0));

/// Only modalities of the data are named.
pub fn known_modalities<T>(key: &str, values: &ByModality<T>, known: &[&str]) -> Result<()> {
    values
        .keys()
        .try_for_each(|name| known_modality(&format!("{key}.{name}"), name, known))
}

/// A name is that of a modality of the data.
pub fn known_modality(key: &str, name: &str, known: &[&str]) -> Result<()> {
    if known.contains(&name) {
        return Ok(());
    }
    Err(InputError::at(
        key,
        format!("the data have no modality {name:?}"),
        format!("name one of {}", known.join(", ")),
    ))
}

/// The name of a run becomes a folder.
pub fn run_name(name: &str) -> Result<()> {
    file_name("name", name)
}

/// A name that becomes a file or a folder: [A-Za-z0-9_-]+.
pub fn file_name(key: &str, name: &str) -> Result<()> {
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
    Err(InputError::at(key, problem, remedy))
}

/// A finite number in its range, or None.
pub fn number(
    key: &str,
    value: impl Into<Option<f64>>,
    range: impl RangeBounds<f64>,
) -> Result<()> {
    let Some(value) = value.into() else {
        return Ok(());
    };
    if !value.is_finite() {
        let problem = format!("{value:?} is not a finite number");
        let remedy = format!("give a number {}", range_words(&range));
        return Err(InputError::at(key, problem, remedy));
    }
    within(key, value, range, "a number")
}

/// A finite number in its range for each modality.
pub fn numbers(
    key: &str,
    values: &ByModality<f64>,
    range: impl RangeBounds<f64> + Copy,
) -> Result<()> {
    values
        .iter()
        .try_for_each(|(name, &value)| number(&format!("{key}.{name}"), value, range))
}

/// A count in its range, or None.
pub fn count(key: &str, value: impl Into<Option<u64>>, range: impl RangeBounds<u64>) -> Result<()> {
    let value = value.into();
    value.map_or(Ok(()), |value| within(key, value, range, "a whole number"))
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
    Err(InputError::at(key, problem, format!("give {kind} {words}")))
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
pub fn exactly_one(section: &str, what: &str, given: &[(&str, bool)]) -> Result<()> {
    let all: Vec<_> = given.iter().map(|(name, _)| *name).collect();
    let present: Vec<_> = given.iter().filter(|(_, is)| *is).map(|g| g.0).collect();
    match present.as_slice() {
        [_] => Ok(()),
        [] => Err(InputError::at(
            section,
            format!("{what} is missing"),
            format!("give one of {} under {section}", all.join(", ")),
        )),
        [.., last] => Err(InputError::at(
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
pub fn same_names<'n>(
    key: &str,
    given: impl Iterator<Item = &'n String> + Clone,
    other_key: &str,
    wanted: &[&str],
) -> Result<()> {
    let is_given = |name: &str| given.clone().any(|n| n == name);
    if let Some(name) = wanted.iter().find(|name| !is_given(name)) {
        return Err(InputError::at(
            format!("{key}.{name}"),
            format!("modality {name} of {other_key} is missing here"),
            format!("add {name} to {key}, or take it out of {other_key}"),
        ));
    }
    match given.clone().find(|name| !wanted.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(InputError::at(
            format!("{key}.{name}"),
            format!("there is no modality {name} in {other_key}"),
            format!("the modalities are {}", wanted.join(", ")),
        )),
    }
}

/// A path that names a file.
pub fn path(key: &str, path: &Path) -> Result<()> {
    if !path.as_os_str().is_empty() {
        return Ok(());
    }
    let remedy = "name a file, by its path from the scenario file's folder";
    Err(InputError::at(key, "the path is empty", remedy))
}

/// One modality (the classical single network) or more, whose names become parts of layer names (A.1)
/// and of column names.
pub fn modality_names<T>(key: &str, modalities: &ByModality<T>) -> Result<()> {
    if modalities.is_empty() {
        let remedy = "give one modality or more, for example A and B";
        return Err(InputError::at(key, "no modality is given", remedy));
    }
    for name in modalities.keys() {
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (problem, remedy) = if !(starts && fits) {
            (
                format!("{name:?} cannot be the name of a modality"),
                "use letters, digits and _, with a letter first",
            )
        } else if name == "shared" {
            (
                "\"shared\" is the name of the layers after the fusion".to_owned(),
                "give the modality another name",
            )
        } else {
            continue;
        };
        return Err(InputError::at(format!("{key}.{name}"), problem, remedy));
    }
    Ok(())
}

/// Names of modalities, each dimension and their sum, which is at most `most` and is returned.
pub fn dims(key: &str, modalities: &ByModality<usize>, most: u64) -> Result<usize> {
    modality_names(key, modalities)?;
    let mut total = 0usize;
    for (name, &dim) in modalities {
        let key = format!("{key}.{name}");
        count(&key, dim as u64, 1..=most)?;
        total = total.saturating_add(dim);
    }
    if total as u64 > most {
        return Err(InputError::at(
            key,
            format!("the modalities have {total} inputs together"),
            format!("choose dimensions that add up to at most {most}"),
        ));
    }
    Ok(total)
}

// Ranges as calls, for the attributes of fields, where `a..=b` only parses if another crate of the
// build happens to need all of Rust's grammar.

/// From one number to another, both included.
pub fn closed<T>(low: T, high: T) -> (Bound<T>, Bound<T>) {
    (Bound::Included(low), Bound::Included(high))
}

/// From one number, included, to another, excluded.
pub fn half_open<T>(low: T, high: T) -> (Bound<T>, Bound<T>) {
    (Bound::Included(low), Bound::Excluded(high))
}

/// One number or more.
pub fn at_least<T>(low: T) -> (Bound<T>, Bound<T>) {
    (Bound::Included(low), Bound::Unbounded)
}

/// Strictly between two numbers.
pub fn between(low: f64, high: f64) -> (Bound<f64>, Bound<f64>) {
    (Bound::Excluded(low), Bound::Excluded(high))
}
