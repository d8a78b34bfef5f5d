//! Remedies: what is done against unimodal bias, as other moments and other rates.
//!
//! | remedy | what it changes |
//! |---|---|
//! | rate | learning rates of private layers (`crate::network`, factors c) |
//! | auxiliary, keep | the moments that the flow sees (`crate::data::Exposure`) |
//! | modulate | the gradient of the stack that is ahead (`crate::flow::Modulation`) |
//! | schedule | all of these, from stage to stage in time (`schedule.rs`) |

mod schedule;

pub use schedule::{Stage, StageSection};

use crate::data::Exposure;
use crate::error::{InputError, Result};
use crate::network::{Layout, NetworkSection};
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
    #[schemars(transform = within(check::FACTOR))]
    pub rate: ByModality<f64>,
    /// Weight of a loss on a modality's own output, 1/2 E|y - W_m x_m|^2, beside that of all together. Late fusion
    /// without biases only: elsewhere a modality has no output of its own.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::FACTOR))]
    pub auxiliary: ByModality<f64>,
    /// Probability that a modality is kept in a sample (modality dropout); one that is dropped is 0. The flow and
    /// descents on all samples follow the expectation; descents by mini-batches draw what is dropped.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::PROBABILITY))]
    pub keep: ByModality<f64>,
    /// Gradient modulation (OGM): slows the stack that is ahead. Two modalities, late fusion without biases, and neither
    /// auxiliary nor keep beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulate: Option<ModulateSection>,
    /// Stages in time, for linear networks; what a stage gives takes the place of the values above. Loss, critical
    /// points, levels and the phase are measured by the loss of the last stage all along the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [[{"until": 3.0, "absent": ["B"]}, {"until": 6.0, "rate": {"A": 0.0}}, {}]]))]
    pub schedule: Vec<StageSection>,
}

/// Gradient modulation: the gradient of modality m's private layers is multiplied by 1 - tanh(alpha rho) where
/// rho = score_m/score_other is above 1, with score_m = exp(-1/2 E|y - W_m x_m|^2) of its own output. The flow and
/// descents on all samples score all of them, mini-batches their own. The factor is on the gradient, where rate is a
/// factor on the step: Adam cancels it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"alpha": 0.3}]))]
pub struct ModulateSection {
    /// Strength alpha; 0 is no modulation.
    #[schemars(transform = within(check::NOT_NEGATIVE))]
    pub alpha: f64,
}

/// Most modalities of which samples are dropped, one pass over the samples for each combination.
const MOST_DROPPED: usize = 8;

impl RemedySection {
    /// Checks the section, for a network of these modalities.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check(&self, network: &NetworkSection, modalities: &[&str]) -> Result<()> {
        check_values(
            "remedy",
            (&self.rate, &self.auxiliary, &self.keep),
            modalities,
        )?;
        check_auxiliary("remedy", &self.auxiliary, network, modalities)?;
        let Layout { shared, .. } = network.layout(modalities)?;
        let last = self.in_last_stage().rate_factors(modalities);
        if shared == 0 && last.iter().all(|factor| *factor == 0.0) {
            let key = match self.schedule.last().filter(|stage| !stage.rate.is_empty()) {
                Some(_) => format!("remedy.schedule.{}.rate", self.schedule.len() - 1),
                None => "remedy.rate".to_owned(),
            };
            return Err(InputError::at(
                key,
                "every modality is frozen, and there is no shared layer that could learn",
                "give one modality a factor above 0",
            ));
        }
        self.check_modulation(network, shared, modalities.len())?;
        let dropped = self.exposure(modalities).dropped().count();
        if network.is_linear() || dropped <= MOST_DROPPED {
            return Ok(());
        }
        Err(InputError::at(
            "remedy.keep",
            format!(
                "a network that is not linear drops at most {MOST_DROPPED} modalities, and here are {dropped}"
            ),
            "keep some modalities always, or join some",
        ))
    }

    /// The key of a remedy that changes more than learning rates, if there is one.
    pub fn beyond_rates(&self) -> Option<&'static str> {
        let given = [
            ("remedy.auxiliary", !self.auxiliary.is_empty()),
            ("remedy.keep", !self.keep.is_empty()),
            ("remedy.modulate", self.modulation().is_some()),
            ("remedy.schedule", !self.schedule.is_empty()),
        ];
        given
            .into_iter()
            .find(|(_, is_given)| *is_given)
            .map(|(key, _)| key)
    }

    /// Each modality has a score, and there is one other to compare it with.
    fn check_modulation(
        &self,
        network: &NetworkSection,
        shared: usize,
        modalities: usize,
    ) -> Result<()> {
        if let Some(ModulateSection { alpha }) = self.modulate {
            check::number("remedy.modulate.alpha", alpha, check::NOT_NEGATIVE)?;
        }
        if self.modulation().is_none() {
            return Ok(());
        }
        let has = |values: &ByModality<f64>, neutral: f64| values.values().any(|v| *v != neutral);
        let (problem, remedy) = if modalities != 2 {
            (
                format!("modulation compares two modalities, and there are {modalities}"),
                "choose remedy.rate, or join modalities",
            )
        } else if shared > 0 {
            (
                "modulation compares outputs of each modality's own, which only late fusion has"
                    .to_owned(),
                "choose late fusion (network.fusion_layer equal to network.depth), or remedy.rate",
            )
        } else if network.biases {
            (
                "modulation is not defined where the modalities share a bias of the outputs"
                    .to_owned(),
                "leave network.biases out",
            )
        } else if has(&self.auxiliary, 0.0) || has(&self.keep, 1.0) {
            (
                "modulation is not defined beside remedy.auxiliary or remedy.keep, which change the scores".to_owned(),
                "leave remedy.modulate or the other one out",
            )
        } else if !self.schedule.is_empty() {
            (
                "modulation is not defined beside remedy.schedule".to_owned(),
                "leave one of the two out",
            )
        } else {
            return Ok(());
        };
        Err(InputError::at("remedy.modulate", problem, remedy))
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Gradient modulation, where it does something.
    pub fn modulation(&self) -> Option<ModulateSection> {
        self.modulate.filter(|modulate| modulate.alpha > 0.0)
    }

    /// The factor on each modality's learning rate, in the last stage.
    pub fn rate_factors(&self, modalities: &[&str]) -> Vec<f64> {
        by_place(&self.in_last_stage().rate, modalities, 1.0)
    }

    /// What each modality's part in the loss of the last stage is.
    pub fn exposure(&self, modalities: &[&str]) -> Exposure {
        let last = self.in_last_stage();
        Exposure {
            keep: by_place(&last.keep, modalities, 1.0),
            auxiliary: by_place(&last.auxiliary, modalities, 0.0),
        }
    }
}

/// Checks names and numbers of rates, auxiliary weights and probabilities under a key.
fn check_values(
    key: &str,
    (rate, auxiliary, keep): (&ByModality<f64>, &ByModality<f64>, &ByModality<f64>),
    modalities: &[&str],
) -> Result<()> {
    let numbers = [
        ("rate", rate, check::FACTOR),
        ("auxiliary", auxiliary, check::FACTOR),
        ("keep", keep, check::PROBABILITY),
    ];
    numbers.into_iter().try_for_each(|(name, values, range)| {
        let key = format!("{key}.{name}");
        check::known_modalities(&key, values, modalities)?;
        check::numbers(&key, values, range)
    })
}

/// An auxiliary loss under a key is defined for the network.
fn check_auxiliary(
    key: &str,
    auxiliary: &ByModality<f64>,
    network: &NetworkSection,
    modalities: &[&str],
) -> Result<()> {
    if auxiliary.values().all(|weight| *weight == 0.0) {
        return Ok(());
    }
    let Layout { shared, .. } = network.layout(modalities)?;
    let problem = if shared > 0 {
        "an auxiliary loss needs an output of each modality's own, which only late fusion has"
    } else if network.biases {
        "an auxiliary loss is not defined where the modalities share a bias of the outputs"
    } else {
        return Ok(());
    };
    let remedy = "choose late fusion (network.fusion_layer equal to network.depth) without biases, or \
                  remedy.keep in place of it";
    Err(InputError::at(format!("{key}.auxiliary"), problem, remedy))
}

fn by_place(values: &ByModality<f64>, modalities: &[&str], default: f64) -> Vec<f64> {
    let value = |name: &&str| values.get(*name).copied().unwrap_or(default);
    modalities.iter().map(value).collect()
}
