//! Stages in time: what is done against unimodal bias changes while the network learns.
//!
//! A stage names what it changes of the section's own values; the last one lasts to the end of the run. Missing data
//! are stages with absent modalities, unimodal pre-training and alternating training stages with frozen ones.

use super::{RemedySection, check_auxiliary, check_values};
use crate::data::Exposure;
use crate::error::{InputError, Result};
use crate::network::NetworkSection;
use crate::section::{ByModality, check, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage in time; what it leaves out is as in the section itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageSection {
    /// Flow time at which it ends. The last stage has none: it lasts to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = within(check::POSITIVE))]
    pub until: Option<f64>,
    /// Modalities whose inputs are 0 in this stage; none in the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// Factor on the learning rate of a modality's private layers; 0 freezes them.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::FACTOR))]
    pub rate: ByModality<f64>,
    /// Weight of a loss on a modality's own output.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::FACTOR))]
    pub auxiliary: ByModality<f64>,
    /// Probability that a modality is kept in a sample.
    #[serde(default, skip_serializing_if = "ByModality::is_empty")]
    #[schemars(transform = within(check::PROBABILITY))]
    pub keep: ByModality<f64>,
}

/// What holds in a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Flow time at which it ends.
    pub until: f64,
    /// The factor on each modality's learning rate, by place.
    pub rate_factors: Vec<f64>,
    /// What each modality's part in the loss is.
    pub exposure: Exposure,
}

impl RemedySection {
    /// The same without a schedule that has one stage only: its values are the section's.
    pub fn without_single_stage(&self) -> Self {
        match &self.schedule[..] {
            [_] => self.in_last_stage(),
            _ => self.clone(),
        }
    }

    /// What holds in the last stage, which is everything where there is no schedule.
    pub(super) fn in_last_stage(&self) -> Self {
        self.schedule.last().map_or_else(
            || self.clone(),
            |stage| {
                let completed = |own: &ByModality<f64>, stage: &ByModality<f64>| {
                    let mut values = own.clone();
                    values.extend(stage.iter().map(|(name, value)| (name.clone(), *value)));
                    values
                };
                Self {
                    rate: completed(&self.rate, &stage.rate),
                    auxiliary: completed(&self.auxiliary, &stage.auxiliary),
                    keep: completed(&self.keep, &stage.keep),
                    modulate: self.modulate,
                    schedule: Vec::new(),
                }
            },
        )
    }

    /// The stages before the last one, in order of time; none without a schedule.
    pub fn earlier_stages(&self, modalities: &[&str]) -> Vec<Stage> {
        let earlier = 0..self.schedule.len().saturating_sub(1);
        let stage = |k: usize| {
            let section = &self.schedule[k];
            let values = Self {
                schedule: vec![section.clone()],
                ..self.clone()
            };
            let mut exposure = values.exposure(modalities);
            for (keep, name) in exposure.keep.iter_mut().zip(modalities) {
                if section.absent.iter().any(|absent| absent == name) {
                    *keep = 0.0;
                }
            }
            Some(Stage {
                until: section.until?,
                rate_factors: values.rate_factors(modalities),
                exposure,
            })
        };
        let last = Stage {
            until: f64::INFINITY,
            rate_factors: self.rate_factors(modalities),
            exposure: self.exposure(modalities),
        };
        let mut stages: Vec<Stage> = earlier.filter_map(stage).chain([last]).collect();
        // A joint at which nothing changes is none.
        stages.dedup_by(|next, stage| {
            let is_same =
                (&next.rate_factors, &next.exposure) == (&stage.rate_factors, &stage.exposure);
            if is_same {
                stage.until = next.until;
            }
            is_same
        });
        stages.pop();
        stages
    }

    /// Checks the stages, for a network of these modalities and a run until `end`, where that is known.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    pub fn check_schedule(
        &self,
        network: &NetworkSection,
        modalities: &[&str],
        end: Option<f64>,
    ) -> Result<()> {
        if !self.schedule.is_empty()
            && let Some(cause) = network.beyond_moments()
        {
            return Err(InputError::at(
                "remedy.schedule",
                format!(
                    "{cause} has no schedule: its loss in the last stage is not known in the others"
                ),
                "choose a linear network without biases, or leave the schedule out",
            ));
        }
        let mut before = 0.0;
        for (k, stage) in self.schedule.iter().enumerate() {
            let key = format!("remedy.schedule.{k}");
            let is_last = k + 1 == self.schedule.len();
            stage.check_until(&key, is_last, (before, end))?;
            before = stage.until.unwrap_or(before);
            stage.check_absent(&key, is_last, modalities)?;
            check_values(
                &key,
                (&stage.rate, &stage.auxiliary, &stage.keep),
                modalities,
            )?;
            check_auxiliary(&key, &stage.auxiliary, network, modalities)?;
        }
        Ok(())
    }
}

impl StageSection {
    /// Checks its end, given that of the stage before it and of the run.
    fn check_until(
        &self,
        key: &str,
        is_last: bool,
        (before, end): (f64, Option<f64>),
    ) -> Result<()> {
        let key = format!("{key}.until");
        let refuse = |problem: String, remedy: &str| Err(InputError::at(&key, problem, remedy));
        match (self.until, is_last) {
            (None, true) => return Ok(()),
            (None, false) => {
                let problem = "this key is missing: another stage follows".to_owned();
                return refuse(problem, "give the flow time at which the stage ends");
            }
            (Some(_), true) => {
                let problem = "the last stage lasts to the end of the run".to_owned();
                return refuse(problem, "leave it out, or add a stage after it, as {}");
            }
            (Some(_), false) => {}
        }
        check::number(&key, self.until, check::POSITIVE)?;
        let until = self.until.unwrap_or(before);
        if until <= before {
            let problem = format!("{until:?} is not after the end of the stage before, {before:?}");
            return refuse(problem, "give the stages in order of time");
        }
        match end {
            Some(end) if until >= end => refuse(
                format!("{until:?} is not before the end of the run, {end:?}"),
                "choose an earlier time, or a later flow.until.time",
            ),
            _ => Ok(()),
        }
    }

    fn check_absent(&self, key: &str, is_last: bool, modalities: &[&str]) -> Result<()> {
        let key = format!("{key}.absent");
        for (i, name) in self.absent.iter().enumerate() {
            check::known_modality(&format!("{key}.{i}"), name, modalities)?;
            if self.absent[..i].contains(name) {
                return Err(InputError::at(
                    format!("{key}.{i}"),
                    format!("{name:?} stands in the list already"),
                    "name each absent modality once",
                ));
            }
        }
        let is_absent = |name: &&str| self.absent.iter().any(|absent| absent == name);
        let (problem, remedy) = if self.absent.is_empty() {
            return Ok(());
        } else if is_last {
            (
                "the last stage says what the network is to learn, and every modality is part of that",
                "add a stage after it, as {}",
            )
        } else if modalities.iter().all(is_absent) {
            ("no modality is left", "leave one out of the list")
        } else {
            return Ok(());
        };
        Err(InputError::at(key, problem, remedy))
    }
}
