//! Data: where they come from, and the second moments that a linear network's flow depends on.
//!
//! Source: Zhang, Latham & Saxe, "Understanding Unimodal Bias in Multimodal Deep Linear
//! Networks" (ICML 2024), the sections on the setup and on the two-layer networks.
//!
//! | file | what it has |
//! |---|---|
//! | `mod.rs` | the data section, and what every source promises |
//! | `second_moments.rs` | second moments: all that a linear network's flow depends on |
//! | `toy.rs` | one scalar input a modality |
//! | `moments.rs` | a given covariance and map |
//! | `isotropic.rs` | independent inputs, one variance and one true weight of each modality |
//! | `wishart.rs` | a random covariance and map |
//! | `table.rs` | columns of a CSV file |
//! | `csv_file.rs` | CSV files, for the sources that read one |
//! | `images.rs` | two views of labelled images |
//! | `pixels.rs`, `idx.rs` | images and labels as they are in their files |
//! | `xor.rs` | a linear part and the exclusive or of two inputs |
//! | `quadratic.rs` | losses as functions of the total map |
//! | `rows.rs` | moments and samples of data that are given row by row |
//! | `sampling.rs` | empirical moments of Gaussian samples from a population |
//! | `samples.rs` | the samples themselves, which all other networks than linear ones need |

mod csv_file;
mod idx;
mod images;
mod isotropic;
mod moments;
mod pixels;
mod quadratic;
mod rows;
mod samples;
mod sampling;
mod second_moments;
mod table;
mod toy;
mod wishart;
mod xor;

pub use images::{IdxFiles, ImagesData, NoiseViews, PixelTable};
pub use isotropic::IsotropicData;
pub use moments::MomentsData;
pub use quadratic::{Generalisation, Quadratic};
pub use rows::Rows;
pub use samples::{BLOCK, Block, Parts, Samples};
pub use sampling::Population;
pub use second_moments::{Modality, Moments, Solutions};
pub use table::TableData;
pub use toy::ToyData;
pub use wishart::WishartData;
pub use xor::XorData;

use crate::error::{InputError, Result};
use crate::section::{ByModality, check};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Most samples that can be drawn.
const MOST_SAMPLES: u64 = 1_000_000_000;

/// Source of data: exactly one of the keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "a source of data")]
pub enum Source {
    /// One scalar input of each modality, one scalar target.
    Toy(ToyData),
    /// A given input covariance and a given target map.
    Moments(MomentsData),
    /// Independent inputs, with one variance and one true weight of each modality.
    Isotropic(IsotropicData),
    /// A random input covariance (inverse Wishart) and a random target map.
    Wishart(WishartData),
    /// Columns of a CSV file.
    Table(TableData),
    /// A linear part in A and the exclusive or of two inputs in B.
    Xor(XorData),
    /// Two views of labelled images.
    Images(ImagesData),
}

impl Source {
    /// What every source promises.
    pub fn get(&self) -> &dyn DataSource {
        match self {
            Source::Toy(source) => source,
            Source::Moments(source) => source,
            Source::Isotropic(source) => source,
            Source::Wishart(source) => source,
            Source::Table(source) => source,
            Source::Xor(source) => source,
            Source::Images(source) => source,
        }
    }

    /// The same, to change it.
    pub fn get_mut(&mut self) -> &mut dyn DataSource {
        match self {
            Source::Toy(source) => source,
            Source::Moments(source) => source,
            Source::Isotropic(source) => source,
            Source::Wishart(source) => source,
            Source::Table(source) => source,
            Source::Xor(source) => source,
            Source::Images(source) => source,
        }
    }
}

/// What every source promises.
pub trait DataSource {
    /// Its key under `data`.
    fn key(&self) -> &'static str;

    /// Checks everything that can be checked without reading a file.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    fn check(&self) -> Result<()>;

    /// Names of its modalities, in order.
    fn modalities(&self) -> Vec<&str>;

    /// Numbers of inputs and outputs, as far as the section itself tells them.
    fn shape(&self) -> Option<[usize; 2]> {
        None
    }

    /// How samples come about.
    fn sampling(&self) -> Sampling;

    /// Whether the data depend on the seed.
    fn depends_on_seed(&self) -> bool {
        matches!(self.sampling(), Sampling::Drawn(_))
    }

    /// Whether all samples are in memory at once, even where only their moments are asked for.
    fn holds_samples(&self) -> bool {
        false
    }

    /// Whether a part of the samples is kept out of training.
    fn holds_out(&self) -> bool {
        false
    }

    /// The files that it names, by key.
    fn files_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        Vec::new()
    }

    /// The data; `seed` is that of the scenario.
    ///
    /// # Errors
    /// An input error where a file cannot be used, and where what is drawn cannot be.
    fn content(&self, seed: u64) -> Result<Content>;
}

/// How samples come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// There are none: the moments are those of the population.
    Population,
    /// So many are drawn.
    Drawn(u64),
    /// A file has them.
    File,
}

impl Sampling {
    /// From a key `samples`, without which the population's moments are used.
    pub fn of(samples: Option<u64>) -> Self {
        samples.map_or(Sampling::Population, Sampling::Drawn)
    }

    /// Number of samples drawn from a population; None for population moments and files.
    pub fn drawn(self) -> Option<u64> {
        match self {
            Sampling::Drawn(samples) => Some(samples),
            Sampling::Population | Sampling::File => None,
        }
    }
}

/// The data of a source.
pub enum Content {
    /// A population, of which moments are taken or samples drawn.
    Population(Population),
    /// Samples as they are.
    Rows {
        /// Those trained on.
        training: Box<Rows>,
        /// Those kept out of training, where there are any.
        holdout: Option<Box<Rows>>,
    },
}

impl Content {
    /// Samples trained on, and those held out.
    fn of_rows(training: Rows, holdout: Option<Rows>) -> Self {
        Content::Rows {
            training: Box::new(training),
            holdout: holdout.map(Box::new),
        }
    }
}

/// One true weight of each modality, not all of them 0; `what` is their name in messages.
fn check_true_weights(key: &str, weights: &ByModality<f64>, what: &str) -> Result<()> {
    check::numbers(key, weights, check::MAGNITUDE)?;
    if weights.values().all(|&weight| weight == 0.0) {
        return Err(InputError::at(
            key,
            format!("every {what} is 0: there is nothing to learn"),
            format!("give at least one modality a {what} other than 0"),
        ));
    }
    Ok(())
}

/// Noise and number of samples, alike in every source that can be sampled.
fn check_draws(section: &str, noise: f64, samples: Option<u64>) -> Result<()> {
    check::number(&format!("{section}.noise"), noise, 0.0..=check::LARGEST)?;
    match samples {
        None => Ok(()),
        Some(samples) => check::count(&format!("{section}.samples"), samples, 1..=MOST_SAMPLES),
    }
}
