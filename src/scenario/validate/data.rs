//! The data section.

use super::{LARGEST, POSITIVE, count, exactly_one, images, matrix, number, same_names, wrong};
use crate::error::Result;
use crate::scenario::{
    ByModality, DataSection, IsotropicData, TableData, ToyData, WishartData, XorData,
};
use std::path::Path;

/// Most inputs of all modalities together, and most outputs: an eigendecomposition of this size
/// still takes seconds.
pub(crate) const MOST_DIMENSIONS: u64 = 2000;

const MOST_SAMPLES: u64 = 1_000_000_000;

pub(super) fn check(data: &DataSection) -> Result<()> {
    let given = [
        ("toy", data.toy.is_some()),
        ("moments", data.moments.is_some()),
        ("isotropic", data.isotropic.is_some()),
        ("wishart", data.wishart.is_some()),
        ("table", data.table.is_some()),
        ("xor", data.xor.is_some()),
        ("images", data.images.is_some()),
    ];
    exactly_one("data", "a source of data", &given)?;
    if let Some(toy) = &data.toy {
        check_toy(toy)?;
    }
    if let Some(moments) = &data.moments {
        check_names("data.moments.modalities", &moments.modalities)?;
        let dims = check_dims("data.moments.modalities", &moments.modalities)?;
        matrix::check(moments, dims)?;
        check_draws("data.moments", moments.noise, moments.samples)?;
    }
    if let Some(isotropic) = &data.isotropic {
        check_isotropic(isotropic)?;
    }
    if let Some(wishart) = &data.wishart {
        check_wishart(wishart)?;
    }
    if let Some(table) = &data.table {
        check_table(table)?;
    }
    if let Some(xor) = &data.xor {
        check_xor(xor)?;
    }
    if let Some(images) = &data.images {
        images::check(images)?;
    }
    Ok(())
}

/// Names of the modalities of whichever source is given.
pub(super) fn modality_names(data: &DataSection) -> Vec<&str> {
    fn names<T>(of: &ByModality<T>) -> Vec<&str> {
        of.keys().map(String::as_str).collect()
    }
    let toy = data.toy.as_ref().map(|toy| names(&toy.sigma));
    let moments = data.moments.as_ref().map(|m| names(&m.modalities));
    let isotropic = data.isotropic.as_ref().map(|i| names(&i.modalities));
    let wishart = data.wishart.as_ref().map(|w| names(&w.modalities));
    let table = data.table.as_ref().map(|t| names(&t.modalities));
    let fixed = data.xor.is_some() || data.images.is_some();
    let fixed = fixed.then(|| vec!["A", "B"]);
    let names = toy.or(moments).or(isotropic).or(wishart).or(table);
    names.or(fixed).unwrap_or_default()
}

/// The source of data, where it gives its moments without samples.
pub(super) fn source_without_samples(data: &DataSection) -> Option<&'static str> {
    let sources = [
        ("toy", data.toy.as_ref().map(|toy| toy.samples)),
        ("moments", data.moments.as_ref().map(|m| m.samples)),
        ("isotropic", data.isotropic.as_ref().map(|i| i.samples)),
        ("wishart", data.wishart.as_ref().map(|w| w.samples)),
    ];
    let without = sources.iter().find(|(_, samples)| *samples == Some(None));
    without.map(|(source, _)| *source)
}

fn check_toy(toy: &ToyData) -> Result<()> {
    check_names("data.toy.sigma", &toy.sigma)?;
    let names: Vec<_> = toy.sigma.keys().map(String::as_str).collect();
    same_names(
        "data.toy.target",
        toy.target.keys(),
        "data.toy.sigma",
        &names,
    )?;
    for (name, &sigma) in &toy.sigma {
        number(&format!("data.toy.sigma.{name}"), sigma, POSITIVE)?;
    }
    check_true_weights("data.toy.target", &toy.target, "target")?;
    // Below it the covariance has a negative eigenvalue.
    let lowest = -1.0 / (names.len() as f64 - 1.0);
    number("data.toy.rho", toy.rho, lowest..=1.0)?;
    check_draws("data.toy", toy.noise, toy.samples)
}

/// One true weight a modality, not all of them 0; `what` is their name in messages.
fn check_true_weights(key: &str, weights: &ByModality<f64>, what: &str) -> Result<()> {
    for (name, &weight) in weights {
        number(&format!("{key}.{name}"), weight, -LARGEST..=LARGEST)?;
    }
    if weights.values().all(|&weight| weight == 0.0) {
        return Err(wrong(
            key,
            format!("every {what} is 0: there is nothing to learn"),
            format!("give at least one modality a {what} other than 0"),
        ));
    }
    Ok(())
}

fn check_isotropic(isotropic: &IsotropicData) -> Result<()> {
    let key = "data.isotropic.modalities";
    check_names(key, &isotropic.modalities)?;
    check_dims(key, &isotropic.modalities)?;
    let names: Vec<_> = isotropic.modalities.keys().map(String::as_str).collect();
    let (variance, weight) = ("data.isotropic.variance", "data.isotropic.weight");
    same_names(variance, isotropic.variance.keys(), key, &names)?;
    same_names(weight, isotropic.weight.keys(), key, &names)?;
    for (name, &value) in &isotropic.variance {
        number(&format!("{variance}.{name}"), value, POSITIVE)?;
    }
    check_true_weights(weight, &isotropic.weight, "weight")?;
    check_draws("data.isotropic", isotropic.noise, isotropic.samples)
}

fn check_wishart(wishart: &WishartData) -> Result<()> {
    let key = "data.wishart.modalities";
    check_names(key, &wishart.modalities)?;
    check_dims(key, &wishart.modalities)?;
    let names: Vec<_> = wishart.modalities.keys().map(String::as_str).collect();
    same_names("data.wishart.scale", wishart.scale.keys(), key, &names)?;
    for (name, &scale) in &wishart.scale {
        number(&format!("data.wishart.scale.{name}"), scale, POSITIVE)?;
    }
    let outputs = wishart.outputs as u64;
    count("data.wishart.outputs", outputs, 1..=MOST_DIMENSIONS)?;
    check_draws("data.wishart", wishart.noise, wishart.samples)
}

fn check_xor(xor: &XorData) -> Result<()> {
    number("data.xor.sigma", xor.sigma, POSITIVE)?;
    count("data.xor.samples", xor.samples, 4..=MOST_SAMPLES)?;
    match xor.samples % 4 {
        0 => Ok(()),
        _ => Err(wrong(
            "data.xor.samples",
            format!("{} is not a multiple of 4", xor.samples),
            "every x_A is paired with the four x_B: give a multiple of 4, for example 8192",
        )),
    }
}

/// Noise and number of samples, alike in every source that can be sampled.
fn check_draws(section: &str, noise: f64, samples: Option<u64>) -> Result<()> {
    number(&format!("{section}.noise"), noise, 0.0..=LARGEST)?;
    match samples {
        None => Ok(()),
        Some(samples) => count(&format!("{section}.samples"), samples, 1..=MOST_SAMPLES),
    }
}

fn check_table(table: &TableData) -> Result<()> {
    check_path("data.table.path", &table.path)?;
    check_names("data.table.modalities", &table.modalities)?;
    number("data.table.holdout", table.holdout, 0.0..=0.9)?;
    let mut seen = Vec::new();
    for (name, columns) in &table.modalities {
        let key = format!("data.table.modalities.{name}");
        check_columns(&key, columns, &mut seen)?;
    }
    check_columns("data.table.targets", &table.targets, &mut seen)
}

pub(super) fn check_path(key: &str, path: &Path) -> Result<()> {
    if !path.as_os_str().is_empty() {
        return Ok(());
    }
    let remedy = "name a file, relative to the scenario file";
    Err(wrong(key, "the path is empty", remedy))
}

/// `seen` holds the columns of the lists before this one, with their keys.
fn check_columns<'t>(
    key: &str,
    columns: &'t [String],
    seen: &mut Vec<(&'t str, String)>,
) -> Result<()> {
    if columns.is_empty() {
        let remedy = "name at least one column of the table";
        return Err(wrong(key, "the list of columns is empty", remedy));
    }
    for (i, column) in columns.iter().enumerate() {
        let key = format!("{key}.{i}");
        if column.trim().is_empty() {
            let remedy = "give the column's name as in the table's first line";
            return Err(wrong(key, "the name of the column is empty", remedy));
        }
        if let Some((_, first)) = seen.iter().find(|(name, _)| name == column) {
            return Err(wrong(
                key,
                format!("the column {column:?} already stands at {first}"),
                "use each column once, either as an input of one modality or as a target",
            ));
        }
        seen.push((column, key));
    }
    Ok(())
}

/// Modality names become parts of layer names (A.1) and of column names.
fn check_names<T>(key: &str, modalities: &ByModality<T>) -> Result<()> {
    if modalities.len() < 2 {
        let problem = match modalities.len() {
            0 => "no modality is given",
            _ => "only one modality is given",
        };
        let remedy = "give at least two modalities, for example A and B";
        return Err(wrong(key, problem, remedy));
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
        return Err(wrong(format!("{key}.{name}"), problem, remedy));
    }
    Ok(())
}

/// Each dimension and their sum, which is returned.
fn check_dims(key: &str, modalities: &ByModality<usize>) -> Result<usize> {
    let mut total = 0usize;
    for (name, &dim) in modalities {
        let key = format!("{key}.{name}");
        count(&key, dim as u64, 1..=MOST_DIMENSIONS)?;
        total = total.saturating_add(dim);
    }
    if total as u64 > MOST_DIMENSIONS {
        return Err(wrong(
            key,
            format!("the modalities have {total} inputs together"),
            format!("choose dimensions that add up to at most {MOST_DIMENSIONS}"),
        ));
    }
    Ok(total)
}
