//! Labelled images as data: where they are, and how two views are made of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Two views, modalities A and B, of labelled images; the target has one output a label, 1 for the
/// image's own and 0 for the others. Pixels are scaled to 0 to 1: bytes of an IDX file by 255, numbers of
/// a CSV file by the largest one of the rows read. The images come from exactly one of
/// idx and csv, the views from exactly one of halves and noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagesData {
    /// A pair of IDX files, as MNIST has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idx: Option<IdxFiles>,
    /// A CSV file with a row an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<PixelTable>,
    /// Whether A sees the left half of the image and B the right half (with the middle column, where
    /// their number is odd).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub halves: bool,
    /// Each view is the whole image, or noise in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseViews>,
    /// Number of images used, from the first on; without it all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Whether the mean over the images is taken from every pixel and every output. Networks
    /// without biases learn the means first where it is not.
    #[serde(default = "default_centre")]
    pub centre: bool,
}

impl ImagesData {
    /// The files, by key.
    pub(super) fn files_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let csv = self.csv.as_mut();
        let csv = csv.map(|table| ("data.images.csv.path", &mut table.path));
        let idx = self.idx.iter_mut().flat_map(|files| {
            [
                ("data.images.idx.images", &mut files.images),
                ("data.images.idx.labels", &mut files.labels),
            ]
        });
        idx.chain(csv).collect()
    }
}

/// Images and labels in the IDX format of MNIST, as they are or compressed by gzip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdxFiles {
    /// The images, such as train-images-idx3-ubyte.gz, relative to the scenario file.
    pub images: PathBuf,
    /// Their labels, such as train-labels-idx1-ubyte.gz, relative to the scenario file.
    pub labels: PathBuf,
}

/// Images as rows of a CSV file with a header: a label, and pixels row after row of the image in
/// all other columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PixelTable {
    /// The file, relative to the scenario file.
    pub path: PathBuf,
    /// Name of the column with the label, a whole number.
    #[serde(default = "default_label")]
    pub label: String,
    /// Pixels in a row of the image; without it images are square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
}

/// Which views show the image, drawn for every image by itself; the three probabilities add up to 1.
/// A view that does not show it is Gaussian noise of mean 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoiseViews {
    /// Probability that both views show the image, 0 to 1.
    #[serde(default)]
    pub both: f64,
    /// Probability that A shows it and B is noise, 0 to 1.
    #[serde(default, rename = "only_A")]
    pub only_a: f64,
    /// Probability that B shows it and A is noise, 0 to 1.
    #[serde(default, rename = "only_B")]
    pub only_b: f64,
    /// Standard deviation of the noise of every pixel; without it the root mean square of the pixels
    /// as the network sees them, so that noise is as strong as an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
}

fn default_centre() -> bool {
    true
}

fn default_label() -> String {
    "label".to_owned()
}
