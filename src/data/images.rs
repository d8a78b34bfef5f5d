//! Two views of labelled images.
//!
//! Both views have the same image behind them: halves of it, so that each tells a part, or the whole of
//! it where noise has not taken its place, so that they agree as often as the probabilities say.

use super::files::pixels::{self, Pixels};
use super::files::reading::Reading;
use super::modality::layout;
use super::rows::Rows;
use super::{About, Content, DataSource, Loss, Sampling, most_samples};
use crate::error::{InputError, Result};
use crate::linalg::random::{Purpose, stream};
use crate::section::{MOST_DIMENSIONS, check, within};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Two views, modalities A and B, of labelled images. The target has one output for each label: 1 for
/// the label of the image and 0 for the others. Pixels are scaled to the range from 0 to 1: those of an
/// IDX file are divided by 255, those of a CSV file by the largest number in the rows that are read.
/// The images come from exactly one of idx and csv, the views from exactly one of halves and noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {
        "idx": {"images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz"},
        "halves": true,
        "limit": 10000,
    },
    {"csv": {"path": "digits.csv"}, "noise": {"both": 0.8, "only_A": 0.1, "only_B": 0.1}},
]))]
pub struct ImagesData {
    /// A pair of IDX files, as MNIST has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idx: Option<IdxFiles>,
    /// A CSV file with one row for each image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<PixelTable>,
    /// Whether A sees the left half of the image and B the right half. Where the number of columns is
    /// odd, B sees the middle one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub halves: bool,
    /// Probabilities with which a view shows the whole image, and not noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseViews>,
    /// Number of images that are used, from the first on. Without it all are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::at_least(1)))]
    pub limit: Option<u64>,
    /// Whether the mean over the images is subtracted from every pixel and every output. Without
    /// this, networks without biases learn the means first.
    #[serde(default = "default_centre")]
    pub centre: bool,
}

/// Images and labels in the IDX format of MNIST, as they are or compressed by gzip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdxFiles {
    /// The images, such as train-images-idx3-ubyte.gz, relative to the scenario file.
    #[schemars(title = "the path of a file")]
    pub images: PathBuf,
    /// Their labels, such as train-labels-idx1-ubyte.gz, relative to the scenario file.
    #[schemars(title = "the path of a file")]
    pub labels: PathBuf,
}

/// Images as rows of a CSV file with a header: one column has the label, all others have the pixels,
/// row after row of the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PixelTable {
    /// The file, relative to the scenario file.
    #[schemars(title = "the path of a file")]
    pub path: PathBuf,
    /// Name of the column with the label, a whole number.
    #[serde(default = "default_label")]
    pub label: String,
    /// Number of pixels in a row of the image. Without it images are square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::at_least(1)))]
    pub width: Option<usize>,
}

/// Which views show the image; this is drawn for every image by itself. The three probabilities add up
/// to 1. A view that does not show the image is Gaussian noise of mean 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoiseViews {
    /// Probability that both views show the image.
    #[serde(default)]
    #[schemars(transform = within(check::closed(0.0, 1.0)))]
    pub both: f64,
    /// Probability that A shows the image and B is noise.
    #[serde(default, rename = "only_A")]
    #[schemars(transform = within(check::closed(0.0, 1.0)))]
    pub only_a: f64,
    /// Probability that B shows the image and A is noise.
    #[serde(default, rename = "only_B")]
    #[schemars(transform = within(check::closed(0.0, 1.0)))]
    pub only_b: f64,
    /// Standard deviation of the noise of every pixel. Without it, it is the root mean square of the
    /// pixels as the network sees them, so that noise is as strong as an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::closed(0.0, check::LARGEST)))]
    pub std: Option<f64>,
}

fn default_centre() -> bool {
    true
}

fn default_label() -> String {
    "label".to_owned()
}

impl DataSource for ImagesData {
    fn about(&self) -> About<'_> {
        About {
            depends_on_seed: self.noise.is_some(),
            has_classes: true,
            ..About::of("images", vec!["A", "B"], Sampling::File)
        }
    }

    fn check(&self) -> Result<()> {
        let files = [("idx", self.idx.is_some()), ("csv", self.csv.is_some())];
        check::exactly_one("data.images", "a source of images", &files)?;
        let views = [("halves", self.halves), ("noise", self.noise.is_some())];
        check::exactly_one("data.images", "the way to make two views", &views)?;
        if let Some(idx) = &self.idx {
            check::path("data.images.idx.images", &idx.images)?;
            check::path("data.images.idx.labels", &idx.labels)?;
        }
        if let Some(csv) = &self.csv {
            check::path("data.images.csv.path", &csv.path)?;
            let width = csv.width.map(|width| width as u64);
            check::count("data.images.csv.width", width, 1..)?;
        }
        check::count("data.images.limit", self.limit, 1..)?;
        self.noise.as_ref().map_or(Ok(()), check_noise)
    }

    fn files_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let csv = self.csv.as_mut();
        let csv = csv.map(|table| ("data.images.csv.path".to_owned(), &mut table.path));
        let idx = self.idx.iter_mut().flat_map(|files| {
            [
                ("data.images.idx.images".to_owned(), &mut files.images),
                ("data.images.idx.labels".to_owned(), &mut files.labels),
            ]
        });
        idx.chain(csv).collect()
    }

    fn content(&self, seed: u64) -> Result<Content> {
        Ok(Content::of_rows(rows(self, seed)?, None))
    }
}

/// Probabilities that were meant to add up to 1 do so to this: a few roundings of decimal fractions.
const ROUND_OFF: f64 = 1e-9;

fn check_noise(noise: &NoiseViews) -> Result<()> {
    let probabilities = [
        ("both", noise.both),
        ("only_A", noise.only_a),
        ("only_B", noise.only_b),
    ];
    for (name, probability) in probabilities {
        check::number(&format!("data.images.noise.{name}"), probability, 0.0..=1.0)?;
    }
    let sum: f64 = probabilities
        .iter()
        .map(|(_, probability)| probability)
        .sum();
    if (sum - 1.0).abs() > ROUND_OFF {
        return Err(InputError::at(
            "data.images.noise",
            format!("both, only_A and only_B add up to {sum}"),
            "give three probabilities that add up to 1, such as both: 0.5, only_A: 0.25, only_B: 0.25",
        ));
    }
    check::number("data.images.noise.std", noise.std, 0.0..=check::LARGEST)
}

/// The views as rows.
///
/// # Errors
/// An input error where the files cannot be used (`files/pixels.rs`), the images are too large
/// or too narrow for two views, and where they have one label only.
fn rows(images: &ImagesData, seed: u64) -> Result<Rows> {
    let Pixels {
        mut values,
        width,
        labels,
    } = pixels::read(images)?;
    let inputs = values.ncols() * if images.halves { 1 } else { 2 };
    if values.nrows() as u64 > most_samples(inputs) {
        let problem = format!("the two views have {inputs} pixels together");
        let remedy = format!("scale the images down to at most {MOST_DIMENSIONS}");
        return Err(InputError::at("data.images", problem, remedy));
    }
    let mut targets = one_hot(&labels)?;
    if images.centre {
        let first = values.row(0).clone_owned();
        if values.row_iter().all(|row| row == first) {
            let problem = "all images are alike: nothing remains after subtracting their mean";
            let remedy = "give images that differ";
            return Err(InputError::at("data.images", problem, remedy));
        }
        centre(&mut values);
        centre(&mut targets);
    }
    let [a, b] = match &images.noise {
        Some(noise) => replaced(&values, noise, seed),
        None => halves(&values, width)?,
    };
    let columns = a.column_iter().chain(b.column_iter());
    let reading = Reading {
        used: a.nrows(),
        ..Reading::default()
    };
    Ok(Rows {
        modalities: layout([("A", a.ncols()), ("B", b.ncols())]),
        inputs: DMatrix::from_columns(&columns.collect::<Vec<_>>()),
        targets,
        parts: None,
        reading: Some(reading),
        loss: Loss::Squared,
    })
}

/// One column for each label there is, in ascending order: 1 for the images that have it.
fn one_hot(labels: &[u64]) -> Result<DMatrix<f64>> {
    let mut kinds = labels.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let refuse = |problem: &str, remedy: &str| {
        let problem = format!(
            "the images have {} different labels: {problem}",
            kinds.len()
        );
        Err(InputError::at("data.images", problem, remedy))
    };
    if kinds.len() < 2 {
        return refuse(
            "all images have the same label",
            "give images of at least two labels (data.images.limit takes the first ones)",
        );
    }
    if kinds.len() as u64 > MOST_DIMENSIONS {
        let most = format!("each is an output, of which there can be {MOST_DIMENSIONS}");
        return refuse(&most, "check that the label is not a number of the image");
    }
    Ok(DMatrix::from_fn(labels.len(), kinds.len(), |row, kind| {
        f64::from(u8::from(labels[row] == kinds[kind]))
    }))
}

/// Takes the mean from every column.
fn centre(rows: &mut DMatrix<f64>) {
    for mut column in rows.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
}

/// The left and the right half of images of a width.
fn halves(values: &DMatrix<f64>, width: usize) -> Result<[DMatrix<f64>; 2]> {
    if width < 2 {
        let problem = "the images are one pixel wide";
        let remedy = "give wider images (data.images.csv.width), or use noise";
        return Err(InputError::at("data.images.halves", problem, remedy));
    }
    let (left, right): (Vec<usize>, Vec<usize>) =
        (0..values.ncols()).partition(|pixel| pixel % width < width / 2);
    Ok([values.select_columns(&left), values.select_columns(&right)])
}

/// The whole image on either side, or noise in its place.
fn replaced(values: &DMatrix<f64>, noise: &NoiseViews, seed: u64) -> [DMatrix<f64>; 2] {
    let root_mean_square = values.norm() / (values.len() as f64).sqrt();
    let std = noise.std.unwrap_or(root_mean_square);
    let mut sides = [values.clone(), values.clone()];
    let mut choices = stream(seed, Purpose::Views);
    let mut normal = stream(seed, Purpose::Noise);
    for row in 0..values.nrows() {
        let choice: f64 = choices.random();
        let hidden = if choice < noise.only_a {
            1
        } else if choice < noise.only_a + noise.only_b {
            0
        } else {
            continue;
        };
        for pixel in &mut sides[hidden].row_mut(row) {
            *pixel = std * normal.sample::<f64, _>(StandardNormal);
        }
    }
    sides
}
