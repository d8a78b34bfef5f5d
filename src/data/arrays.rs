//! Data from arrays in files: one for each modality, a row each a sample.

use super::constant::Constant;
use super::files::array_file::ArrayFile;
use super::files::reading::Reading;
use super::given::{Arrays, Files, GivenArrays};
use super::modality::layout;
use super::origin::{Origin, Place};
use super::preparation::{COMPONENTS, FOLD, FOLDS, Folds, HOLDOUT, Preparation, Raw, Targets};
use super::{About, Content, DataSource, Sampling, default_true};
use crate::error::{InputError, Result};
use crate::section::{ByModality, check, within};
use nalgebra::DMatrix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const KEY: &str = "data.arrays";

/// Arrays of numbers of any type, in files as NumPy (.npy, .npz#name) and safetensors
/// (.safetensors#name) write them. Rows are samples; an array of one dimension is one column. The target
/// is exactly one of target and label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {
        "modalities": {"audio": "audio.npy", "video": "features.npz#video"},
        "target": "y.npy",
        "components": 0.99,
        "holdout": 0.2,
    },
    {
        "modalities": {"text": "model.safetensors#text", "image": "model.safetensors#image"},
        "label": "labels.npy",
        "whiten": true,
        "folds": 5,
        "fold": 2,
    },
]))]
pub struct ArraysData {
    /// The inputs of each modality: a file, relative to the scenario file, and after a # the name of the array
    /// where the file has several.
    pub modalities: ByModality<ArrayFile>,
    /// The targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ArrayFile>,
    /// Classes as target, whole numbers or texts: one output for each, in the order of their names, which is
    /// 1 in the rows that have it and 0 in the others, less its mean over the rows that are trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<ArrayFile>,
    /// Whether every column of numbers is shifted to mean 0 and scaled to variance 1, both taken over the
    /// rows that are trained on.
    #[serde(default = "default_true")]
    pub standardise: bool,
    /// What happens to an input that does not vary over the rows that are trained on.
    #[serde(default, skip_serializing_if = "Constant::is_default")]
    pub constant: Constant,
    /// Whether the inputs of each modality are rotated to their principal components and scaled to
    /// variance 1, over the rows that are trained on and after standardise. Directions without variance are
    /// left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub whiten: bool,
    /// Fraction of the variance of each modality that is kept: its inputs become the fewest principal
    /// components that explain it, the one of the largest variance first. Without it all inputs are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(COMPONENTS))]
    pub components: Option<f64>,
    /// Fraction of the rows, drawn at random, that is kept out of training and gives the
    /// generalisation error.
    #[serde(default)]
    #[schemars(transform = within(HOLDOUT))]
    pub holdout: f64,
    /// Number of folds, parts of about equal size, into which the rows are divided at random; one of them is kept
    /// out of training and gives the generalisation error. In place of holdout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(FOLDS))]
    pub folds: Option<u64>,
    /// The fold that is kept out of training, from 1 (the default) to folds: an axis over it is a
    /// cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(FOLD))]
    pub fold: Option<u64>,
    /// Seed of the division, 0 by default; not that of the scenario, so that all cells of a sweep divide the
    /// rows alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold_seed: Option<u64>,
    /// Whether each row that is trained on comes with its negative, inputs and targets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub mirror: bool,
}

impl DataSource for ArraysData {
    fn about(&self) -> About<'_> {
        let names = self.modalities.keys().map(String::as_str);
        About {
            depends_on_seed: self.holdout > 0.0,
            holds_out: self.holdout > 0.0 || self.folds.is_some(),
            has_classes: self.label.is_some(),
            ..About::of("arrays", names.collect(), Sampling::File)
        }
    }

    fn check(&self) -> Result<()> {
        check::modality_names("data.arrays.modalities", &self.modalities)?;
        let targets = [
            ("target", self.target.is_some()),
            ("label", self.label.is_some()),
        ];
        check::exactly_one(KEY, "the target", &targets)?;
        for (key, file) in self.files() {
            check::path(&key, &file.path)?;
            file.check(&key)?;
        }
        self.preparation().check()
    }

    fn files_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let inputs = self.modalities.iter_mut();
        let inputs = inputs.map(|(name, file)| (of_modality(name), &mut file.path));
        let target = self
            .target
            .iter_mut()
            .map(|file| (TARGET.to_owned(), &mut file.path));
        let label = self
            .label
            .iter_mut()
            .map(|file| (LABEL.to_owned(), &mut file.path));
        inputs.chain(target).chain(label).collect()
    }

    fn content(&self, seed: u64) -> Result<Content> {
        self.preparation().content(self.read(&Files)?, seed)
    }
}

const TARGET: &str = "data.arrays.target";
const LABEL: &str = "data.arrays.label";

fn of_modality(name: &str) -> String {
    format!("data.arrays.modalities.{name}")
}

impl ArraysData {
    /// As [`super::Source::content_of`].
    pub(super) fn content_of(&self, arrays: &GivenArrays<'_>, seed: u64) -> Result<Content> {
        self.preparation().content(self.read(arrays)?, seed)
    }

    fn preparation(&self) -> Preparation {
        Preparation {
            key: KEY,
            standardise: self.standardise,
            constant: self.constant,
            whiten: self.whiten,
            components: self.components,
            holdout: self.holdout,
            folds: Folds {
                count: self.folds,
                fold: self.fold,
                seed: self.fold_seed,
            },
            mirror: self.mirror,
        }
    }

    /// The arrays by key.
    fn files(&self) -> impl Iterator<Item = (String, &ArrayFile)> {
        let inputs = self
            .modalities
            .iter()
            .map(|(name, file)| (of_modality(name), file));
        let target = self.target.iter().map(|file| (TARGET.to_owned(), file));
        let label = self.label.iter().map(|file| (LABEL.to_owned(), file));
        inputs.chain(target).chain(label)
    }

    /// The arrays side by side.
    ///
    /// # Errors
    /// An input error where an array cannot be used, and where two have different numbers of rows.
    fn read(&self, arrays: &dyn Arrays) -> Result<Raw> {
        let mut first = None;
        let (mut dims, mut origins, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
        for (name, file) in &self.modalities {
            let at = Named {
                arrays,
                key: of_modality(name),
                file,
            };
            let [rows, dim] = arrays.append(&at.key, file, &mut inputs)?;
            origins.extend(at.columns(dim));
            dims.push((name, dim));
            match &first {
                Some(first) => at.ensure_same(first, rows)?,
                None => first = Some((at, rows)),
            }
        }
        let rows = first.as_ref().map_or(0, |(_, rows)| *rows);
        let (targets, at, found) = match (&self.target, &self.label) {
            (Some(file), _) => {
                let at = Named {
                    arrays,
                    key: TARGET.to_owned(),
                    file,
                };
                let values = arrays.numbers(TARGET, file)?;
                origins.extend(at.columns(values.ncols()));
                let found = values.nrows();
                (Targets::Numbers(values), at, found)
            }
            (None, Some(file)) => {
                let at = Named {
                    arrays,
                    key: LABEL.to_owned(),
                    file,
                };
                let classes = arrays.labels(LABEL, file)?;
                let found = classes.len();
                (Targets::Classes(classes), at, found)
            }
            (None, None) => {
                let remedy = "give target or label";
                return Err(InputError::at(KEY, "the target is missing", remedy));
            }
        };
        first.map_or(Ok(()), |first| at.ensure_same(&first, found))?;
        let columns = inputs.len() / rows.max(1);
        Ok(Raw {
            modalities: layout(dims),
            inputs: DMatrix::from_vec(rows, columns, inputs),
            targets,
            origins,
            reading: Reading {
                used: rows,
                ..Reading::default()
            },
        })
    }
}

/// An array as a scenario names it.
struct Named<'a> {
    arrays: &'a dyn Arrays,
    key: String,
    file: &'a ArrayFile,
}

impl Named<'_> {
    /// Where its columns come from.
    fn columns(&self, count: usize) -> impl Iterator<Item = Origin> + use<> {
        let (place, prefix) = self.arrays.place(&self.key, self.file);
        (0..count).map(move |column| Origin {
            place: place.clone(),
            column: format!("{prefix}column {column}"),
        })
    }

    /// Makes sure that it has as many rows as the first array.
    fn ensure_same(&self, (first, wanted): &(Named<'_>, usize), rows: usize) -> Result<()> {
        if rows == *wanted {
            return Ok(());
        }
        let problem = match self.arrays.place(&first.key, first.file).0 {
            Place::File(_) => format!("{rows} rows, where {} has {wanted}", first.file),
            Place::Memory(key) => format!("{rows} rows, where {key} has {wanted}"),
        };
        let remedy = "give arrays with one row for each sample, in the same order";
        Err(self.arrays.refuse(&self.key, self.file, problem, remedy))
    }
}
