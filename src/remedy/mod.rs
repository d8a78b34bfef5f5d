//! Remedies: what is done against unimodal bias, as other moments and other rates.
//!
//! | remedy | what it changes |
//! |---|---|
//! | rate | learning rates of private layers (`crate::network`, factors c) |
//! | auxiliary, keep | the moments that the flow sees (`crate::data::Exposure`) |

use crate::data::Exposure;
use crate::error::{InputError, Result};
use crate::network::{Activation, Layout, NetworkSection};
use crate::section::{ByModality, check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done against unimodal bias. Modalities that are not named are left as they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"rate": {"B": 4.0}}, {"keep": {"A": 0.5}}]))]
pub struct RemedySection {
    /// Factor on the learning rate of a modality's private layers; 0 freezes them.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::NOT_NEGATIVE))]
    pub rate: ByModality<f64>,
    /// Weight of a loss on a modality's own output, 1/2 E|y - W_m x_m|^2, beside that of all together. Late fusion
    /// without biases only: elsewhere a modality has no output of its own.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::NOT_NEGATIVE))]
    pub auxiliary: ByModality<f64>,
    /// Probability that a modality is kept in a sample (modality dropout); one that is dropped is 0. The flow and
    /// descents on all samples follow the expectation; descents by mini-batches draw what is dropped.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::PROBABILITY))]
    pub keep: ByModality<f64>,
}

/// Most modalities of which samples are dropped, one pass over the samples for each combination.
const MOST_DROPPED: usize = 8;

impl RemedySection {
    /// Checks the section, for a network of these modalities.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self, network: &NetworkSection, modalities: &[&str]) -> Result<()> {
        let numbers = [
            ("rate", &self.rate, check::NOT_NEGATIVE),
            ("auxiliary", &self.auxiliary, check::NOT_NEGATIVE),
            ("keep", &self.keep, check::PROBABILITY),
        ];
        for (key, values, range) in numbers {
            let key = format!("remedy.{key}");
            check::known_modalities(&key, values, modalities)?;
            check::numbers(&key, values, range)?;
        }
        let Layout { shared, .. } = network.layout(modalities)?;
        if self.auxiliary.values().any(|weight| *weight > 0.0) {
            let problem = if shared > 0 {
                "an auxiliary loss needs an output of each modality's own, which only late fusion has"
            } else if network.biases {
                "an auxiliary loss is not defined where the modalities share a bias of the outputs"
            } else {
                ""
            };
            if !problem.is_empty() {
                let remedy = "choose late fusion (network.fusion_layer equal to network.depth) without biases, or \
                              remedy.keep in place of it";
                return Err(InputError::at("remedy.auxiliary", problem, remedy));
            }
        }
        if network.activation != Activation::Linear && modalities.len() > MOST_DROPPED {
            let drops = self.keep.values().any(|q| *q < 1.0);
            if drops {
                return Err(InputError::at(
                    "remedy.keep",
                    format!(
                        "a network that is not linear drops at most {MOST_DROPPED} modalities, and there are {}",
                        modalities.len()
                    ),
                    "join some modalities",
                ));
            }
        }
        Ok(())
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The factor on each modality's learning rate.
    pub fn rate_factors(&self, modalities: &[&str]) -> Vec<f64> {
        by_place(&self.rate, modalities, 1.0)
    }

    /// What each modality's part in the loss is.
    pub fn exposure(&self, modalities: &[&str]) -> Exposure {
        Exposure {
            keep: by_place(&self.keep, modalities, 1.0),
            auxiliary: by_place(&self.auxiliary, modalities, 0.0),
        }
    }
}

fn by_place(values: &ByModality<f64>, modalities: &[&str], default: f64) -> Vec<f64> {
    let value = |name: &&str| values.get(*name).copied().unwrap_or(default);
    modalities.iter().map(value).collect()
}
