//! The scenario: everything that defines a run, as plain data with its defaults.
//!
//! Each section stands beside the code that it configures. Alternatives (one source of data, one
//! scheme of initial weights) are sibling keys of which exactly one is given.

use crate::analysis::detector::DetectorSection;
use crate::data::{Loss, Sampling, Source};
use crate::descent::DescentSection;
use crate::error::{InputError, Result};
use crate::integrate::{FlowSection, MethodChoice};
use crate::network::{InitSection, NetworkSection};
use crate::remedy::RemedySection;
use crate::section::check;
use crate::trajectory::OutputSection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A gradient-flow scenario: data, network, initial weights, flow, and what to do with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name of the run and of its output folder: letters, digits, `_` and `-`. Default: the name of the
    /// file without its ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One line that says what the scenario shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seed of all random numbers; each purpose draws from a stream of its own.
    #[serde(default)]
    pub seed: u64,
    /// Source of the inputs and targets.
    #[serde(with = "crate::section::one_key")]
    #[schemars(with = "Source")]
    pub data: Source,
    /// What the network is trained on: squared or cross_entropy.
    #[serde(default, skip_serializing_if = "Loss::is_squared")]
    #[schemars(extend("default" = "squared"))]
    pub loss: Loss,
    /// Depth, fusion, widths and activation.
    pub network: NetworkSection,
    /// Scheme of the initial weights.
    pub init: InitSection,
    /// Integration of the gradient flow.
    pub flow: FlowSection,
    /// Discrete gradient descent, from the same initial weights and on the same data as the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descent: Option<DescentSection>,
    /// What is done against unimodal bias.
    #[serde(default, skip_serializing_if = "RemedySection::is_empty")]
    pub remedy: RemedySection,
    /// Thresholds of the plateau detector.
    #[serde(default)]
    pub detector: DetectorSection,
    /// What is written beside the report.
    #[serde(default)]
    pub output: OutputSection,
}

impl Scenario {
    /// Checks everything that can be checked without reading another file.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self) -> Result<()> {
        if let Some(name) = &self.name {
            check::run_name(name)?;
        }
        let data = self.data.get();
        data.check()?;
        let modalities = data.about().modalities;
        self.network.check(&modalities)?;
        self.init
            .check(&self.network.layout(&modalities)?, &modalities)?;
        self.flow.check(self.network.activation)?;
        self.ensure_loss_fits()?;
        if let Some(cause) = self.network.beyond_moments() {
            let problem = format!("{cause} needs samples, moments are not enough");
            self.ensure_samples(&problem)?;
        }
        if let Some(descent) = &self.descent {
            descent.check(self.flow.until.time)?;
            if descent.batch.is_some() {
                self.ensure_samples("mini-batches (descent.batch) are taken from samples")?;
            }
        }
        self.remedy.check(&self.network, &modalities)?;
        self.ensure_modulation_fits()?;
        self.remedy
            .check_schedule(&self.network, &modalities, self.flow.until.time)?;
        self.detector.check()?;
        self.output.check()
    }

    /// Whether the second moments of the data tell all of the flow.
    pub fn is_of_moments(&self) -> bool {
        self.network.is_linear() && self.loss.is_squared()
    }

    /// Makes sure that the loss has the targets that it needs, and that nothing is asked for which is not defined for it.
    fn ensure_loss_fits(&self) -> Result<()> {
        if self.loss.is_squared() {
            let Some(accuracy) = self.flow.until.accuracy else {
                return Ok(());
            };
            return Err(InputError::at(
                "flow.until.accuracy",
                format!("accuracy {accuracy} is known of classes, under cross-entropy"),
                "write loss: cross_entropy, or end the run by time, loss_gap or loss",
            ));
        }
        let about = self.data.get().about();
        if !about.has_classes {
            return Err(InputError::at(
                "loss",
                format!(
                    "cross-entropy needs a class as target, and data.{} has numbers",
                    about.key
                ),
                "give a label (data.table.label, data.arrays.label) or images (data.images), or take loss: squared",
            ));
        }
        if self.data.is_mirrored() {
            return Err(InputError::at(
                format!("data.{}.mirror", about.key),
                "the negative of a class is no class, which cross-entropy needs",
                "leave mirror out, or take loss: squared",
            ));
        }
        match self.remedy.beyond_rates() {
            None => Ok(()),
            Some(key) => Err(InputError::at(
                key,
                "this remedy is defined for squared loss, and the loss is cross_entropy",
                "leave it out, take remedy.rate, or loss: squared",
            )),
        }
    }

    /// Makes sure that the flow can be modulated where it is to be.
    fn ensure_modulation_fits(&self) -> Result<()> {
        if self.remedy.modulation().is_none() {
            return Ok(());
        }
        if self.flow.method == MethodChoice::Exponential {
            return Err(InputError::at(
                "flow.method",
                "exponential steps need a gradient flow, and factors that depend on the state (remedy.modulate) \
                 leave none",
                "choose auto, dopri5 or dop853",
            ));
        }
        if self.flow.weight_decay > 0.0 {
            return Err(InputError::at(
                "flow.weight_decay",
                "remedy.modulate slows the gradient of the loss, and what it does to weight decay is not defined",
                "leave one of the two out",
            ));
        }
        Ok(())
    }

    /// Makes sure that there are samples, not only a population's moments.
    fn ensure_samples(&self, cause: &str) -> Result<()> {
        let about = self.data.get().about();
        if about.sampling != Sampling::Population {
            return Ok(());
        }
        let key = format!("data.{}", about.key);
        Err(InputError::at(
            format!("{key}.samples"),
            format!("this key is missing: {cause}"),
            format!("add samples: 8192 under {key}, the number of samples to draw"),
        ))
    }

    /// Whether the samples behind the moments are kept: for networks that are not linear, for other losses than the
    /// squared one, and for mini-batches.
    pub fn keeps_samples(&self) -> bool {
        let batch = self.descent.as_ref().and_then(|descent| descent.batch);
        !self.is_of_moments() || batch.is_some()
    }

    /// The files that the scenario names, by key.
    pub fn files_mut(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut files = self.data.get_mut().files_mut();
        files.extend(self.init.files_mut());
        files
    }
}
