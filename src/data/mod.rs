//! Data: where they come from, and the second moments that a linear network's flow depends on.
//!
//! Source: Zhang, Latham & Saxe, "Understanding Unimodal Bias in Multimodal Deep Linear
//! Networks" (ICML 2024), the sections on the setup and on the two-layer networks.
//!
//! | file | what it has |
//! |---|---|
//! | `mod.rs` | the data section, and what every source promises |
//! | `modality.rs` | the input streams, and their places in the joined input |
//! | `second_moments.rs` | second moments: all that a linear network's flow depends on |
//! | `toy.rs` | one scalar input a modality |
//! | `moments.rs` | a given covariance and map |
//! | `isotropic.rs` | independent inputs, one variance and one true weight of each modality |
//! | `wishart.rs` | a random covariance and map |
//! | `table.rs` | columns of a table |
//! | `columns.rs` | names, patterns and ranges of columns |
//! | `arrays.rs` | arrays in files |
//! | `given.rs` | arrays in memory in their place |
//! | `files/` | the formats of files: tables as text, arrays, images |
//! | `classes.rs` | categories as targets |
//! | `origin.rs` | where a column comes from, as errors name it |
//! | `preparation.rs` | hold-out, standardisation and whitening of samples from files |
//! | `doubtful.rs` | samples that cannot be used, or may not be what they seem |
//! | `standardise.rs`, `components.rs` | columns of variance 1; principal components |
//! | `constant.rs` | input columns that do not vary |
//! | `extent.rs` | how large data are, before anything is decomposed |
//! | `images.rs` | two views of labelled images |
//! | `xor.rs` | a linear part and the exclusive or of two inputs |
//! | `additive.rs` | a sum over the modalities, of which a linear map can learn a part |
//! | `constant_drive.rs` | moments whose residual correlation never changes |
//! | `quadratic.rs` | losses as functions of the total map |
//! | `by_products.rs` | products of a map with second moments that are kept beside it |
//! | `loss.rs` | how outputs are compared with targets |
//! | `joint_maps.rs` | least-squares maps of some modalities alone, each solved for once |
//! | `reduced_rank.rs` | the least loss where widths bound the rank of the maps |
//! | `decay.rs` | where weights that decay come to rest |
//! | `rows.rs` | moments and samples of data that are given row by row |
//! | `sampling.rs` | empirical moments of Gaussian samples from a population |
//! | `views.rs` | losses that see some modalities alone |
//! | `samples.rs` | the samples themselves, which all other networks than linear ones need |

mod additive;
mod arrays;
mod by_products;
mod classes;
mod columns;
mod components;
mod constant;
mod constant_drive;
mod decay;
mod doubtful;
mod extent;
pub(crate) mod files;
mod given;
mod images;
mod isotropic;
mod joint_maps;
mod loss;
mod modality;
mod moments;
mod origin;
mod preparation;
mod quadratic;
mod reduced_rank;
mod rows;
mod samples;
mod sampling;
mod second_moments;
mod standardise;
mod table;
mod toy;
mod views;
mod wishart;
mod xor;

pub use additive::{AdditiveData, AdditivePart};
pub use arrays::ArraysData;
pub use by_products::{ByProducts, Places};
pub use columns::{ColumnName, Columns};
pub use constant::Constant;
pub use decay::{Held, Penalty, ShrunkMap};
pub use extent::Extent;
pub use files::array_file::ArrayFile;
pub use files::csv_format::{Decimal, Missing, Separator};
pub use files::reading::Reading;
pub use given::{GivenArray, GivenArrays};
pub use images::{IdxFiles, ImagesData, NoiseViews, PixelTable};
pub use isotropic::IsotropicData;
pub use loss::Loss;
pub use modality::{Modality, layout};
pub use moments::MomentsData;
pub(crate) use quadratic::along_product;
pub use quadratic::{Generalisation, Quadratic};
pub use reduced_rank::{Least, RankBounds};
pub use rows::Rows;
pub use samples::{BLOCK, Block, Parts, Samples};
pub use sampling::Population;
pub use second_moments::{Moments, Solutions};
pub(crate) use standardise::{centre, standardise};
pub use table::TableData;
pub use toy::ToyData;
pub use views::{Exposed, Exposure, View};
pub use wishart::WishartData;
pub use xor::XorData;

use crate::error::{InputError, Result};
use crate::linalg::thin_rank;
use crate::section::{ByModality, MOST_DIMENSIONS, MOST_INPUTS, check};
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
    /// Columns of a table.
    Table(TableData),
    /// Arrays in files, one for each modality.
    Arrays(ArraysData),
    /// A linear part in A and the exclusive or of two inputs in B.
    Xor(XorData),
    /// A sum over two modalities, of which a linear map can learn a part.
    Additive(AdditiveData),
    /// Two views of labelled images.
    Images(ImagesData),
}

/// The section of a source, whichever it is.
macro_rules! section {
    ($source:expr) => {
        match $source {
            Source::Toy(section) => section,
            Source::Moments(section) => section,
            Source::Isotropic(section) => section,
            Source::Wishart(section) => section,
            Source::Table(section) => section,
            Source::Arrays(section) => section,
            Source::Xor(section) => section,
            Source::Additive(section) => section,
            Source::Images(section) => section,
        }
    };
}

impl Source {
    /// What every source promises.
    pub fn get(&self) -> &dyn DataSource {
        section!(self)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self) -> &mut dyn DataSource {
        section!(self)
    }

    /// Whether every row that is trained on comes with its negative, which is no row of its own and stands in the second
    /// half.
    pub fn is_mirrored(&self) -> bool {
        match self {
            Source::Toy(toy) => toy.mirror,
            Source::Moments(moments) => moments.mirror,
            Source::Isotropic(isotropic) => isotropic.mirror,
            Source::Wishart(wishart) => wishart.mirror,
            Source::Table(table) => table.mirror,
            Source::Arrays(arrays) => arrays.mirror,
            // The negative of a target that is not odd is none.
            Source::Xor(_) | Source::Additive(_) | Source::Images(_) => false,
        }
    }

    /// The data where arrays in memory take the place of the files of `data.arrays`; `seed` is that of the scenario.
    ///
    /// # Errors
    /// An input error where the data are no arrays, and where one of them is not given or cannot be used.
    pub fn content_of(&self, arrays: &GivenArrays<'_>, seed: u64) -> Result<Content> {
        match self {
            Source::Arrays(section) => section.content_of(arrays, seed),
            other => Err(InputError::at(
                format!("data.{}", other.get().about().key),
                "arrays are given, but the data come from elsewhere",
                "write data.arrays",
            )),
        }
    }
}

/// What every source promises.
pub trait DataSource {
    /// What the section tells of its data.
    fn about(&self) -> About<'_>;

    /// Checks everything that can be checked without reading a file.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    fn check(&self) -> Result<()>;

    /// The files that it names, by key.
    fn files_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        Vec::new()
    }

    /// Fills in what the section leaves to its files, so that it says how they were read.
    ///
    /// # Errors
    /// An input error where a file cannot be read or does not tell.
    fn resolve(&mut self) -> Result<()> {
        Ok(())
    }

    /// The data; `seed` is that of the scenario.
    ///
    /// # Errors
    /// An input error where a file cannot be used, and where what is drawn cannot be.
    fn content(&self, seed: u64) -> Result<Content>;
}

/// What a section tells of its data before they are drawn or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About<'s> {
    /// The key under `data`.
    pub key: &'static str,
    /// Names of the modalities, in order.
    pub modalities: Vec<&'s str>,
    /// Numbers of inputs and outputs, where the section itself has them.
    pub shape: Option<[usize; 2]>,
    /// How samples come about.
    pub sampling: Sampling,
    /// Whether the data depend on the seed.
    pub depends_on_seed: bool,
    /// Whether all samples are in memory at once, even where only their moments are asked for.
    pub holds_samples: bool,
    /// Whether a part of the samples is kept out of training.
    pub holds_out: bool,
    /// Whether the target is a class.
    pub has_classes: bool,
}

impl<'s> About<'s> {
    /// A population of these numbers of inputs and outputs, or `samples` that are drawn from it.
    fn population<T>(
        key: &'static str,
        modalities: &'s ByModality<T>,
        shape: [usize; 2],
        samples: Option<u64>,
    ) -> Self {
        let names = modalities.keys().map(String::as_str).collect();
        let sampling = samples.map_or(Sampling::Population, Sampling::Drawn);
        Self {
            shape: Some(shape),
            ..Self::of(key, names, sampling)
        }
    }

    /// Samples that are not held in memory, nor held out, and depend on the seed where they are drawn.
    fn of(key: &'static str, modalities: Vec<&'s str>, sampling: Sampling) -> Self {
        Self {
            key,
            modalities,
            shape: None,
            depends_on_seed: sampling.drawn().is_some(),
            sampling,
            holds_samples: false,
            holds_out: false,
            has_classes: false,
        }
    }
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

    /// The same with targets for a loss; cross-entropy asks for classes.
    ///
    /// # Errors
    /// An input error where all samples trained on are of one class.
    pub fn compared_by(self, loss: Loss) -> Result<Self> {
        match self {
            Content::Rows { training, holdout } if loss == Loss::CrossEntropy => {
                if training.targets.amax() == 0.0 {
                    let remedy = "give samples of at least two classes";
                    return Err(InputError::at(
                        "data",
                        "every sample that is trained on has the same class",
                        remedy,
                    ));
                }
                let holdout = holdout.map(|rows| rows.of_classes());
                Ok(Self::of_rows(training.of_classes(), holdout))
            }
            other => Ok(other),
        }
    }
}

/// For keys that are on unless they are switched off.
fn default_true() -> bool {
    true
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

/// Most samples of so many inputs: where the inputs are more than can be decomposed as a whole, as few as are
/// kept themselves.
fn most_samples(inputs: usize) -> u64 {
    match inputs as u64 {
        inputs if inputs <= MOST_DIMENSIONS => MOST_SAMPLES,
        inputs if inputs <= MOST_INPUTS => thin_rank(inputs as usize) as u64,
        _ => 0,
    }
}

/// Noise, number of samples and whether they are mirrored, alike in every source that can be sampled.
fn check_draws(
    section: &str,
    noise: f64,
    (samples, is_mirrored): (Option<u64>, bool),
) -> Result<()> {
    check::number(&format!("{section}.noise"), noise, 0.0..=check::LARGEST)?;
    check::count(&format!("{section}.samples"), samples, 1..=MOST_SAMPLES)?;
    match (is_mirrored, samples) {
        (true, None) => Err(InputError::at(
            format!("{section}.mirror"),
            "no samples are drawn that could have negatives",
            format!("add samples: 8192 under {section}, or leave mirror out"),
        )),
        (true, Some(samples)) if !samples.is_multiple_of(2) => Err(InputError::at(
            format!("{section}.samples"),
            format!("{samples} is odd, and each sample comes with its negative (mirror)"),
            "give an even number, or leave mirror out",
        )),
        _ => Ok(()),
    }
}
