//! Images in the data section.

use super::data::check_path;
use super::{LARGEST, count, exactly_one, number, wrong};
use crate::error::Result;
use crate::scenario::{ImagesData, NoiseViews};

/// Probabilities that were meant to add up to 1 do so to this: a few roundings of decimal fractions.
const ROUND_OFF: f64 = 1e-9;

pub(super) fn check(images: &ImagesData) -> Result<()> {
    let files = [("idx", images.idx.is_some()), ("csv", images.csv.is_some())];
    exactly_one("data.images", "a source of images", &files)?;
    let views = [("halves", images.halves), ("noise", images.noise.is_some())];
    exactly_one("data.images", "the way to make two views", &views)?;
    if let Some(idx) = &images.idx {
        check_path("data.images.idx.images", &idx.images)?;
        check_path("data.images.idx.labels", &idx.labels)?;
    }
    if let Some(csv) = &images.csv {
        check_path("data.images.csv.path", &csv.path)?;
        if let Some(width) = csv.width {
            count("data.images.csv.width", width as u64, 1..)?;
        }
    }
    if let Some(limit) = images.limit {
        count("data.images.limit", limit, 1..)?;
    }
    images.noise.as_ref().map_or(Ok(()), check_noise)
}

fn check_noise(noise: &NoiseViews) -> Result<()> {
    let probabilities = [
        ("both", noise.both),
        ("only_A", noise.only_a),
        ("only_B", noise.only_b),
    ];
    for (name, probability) in probabilities {
        number(&format!("data.images.noise.{name}"), probability, 0.0..=1.0)?;
    }
    let sum: f64 = probabilities
        .iter()
        .map(|(_, probability)| probability)
        .sum();
    if (sum - 1.0).abs() > ROUND_OFF {
        return Err(wrong(
            "data.images.noise",
            format!("both, only_A and only_B add up to {sum}"),
            "give three probabilities that add up to 1, such as both: 0.5, only_A: 0.25, only_B: 0.25",
        ));
    }
    match noise.std {
        Some(std) => number("data.images.noise.std", std, 0.0..=LARGEST),
        None => Ok(()),
    }
}
