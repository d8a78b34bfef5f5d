//! Initial weights, flow, descent, detector, output.

use super::data::{check_path, source_without_samples};
use super::{POSITIVE, count, exactly_one, number, wrong};
use crate::error::Result;
use crate::scenario::{
    DataSection, DescentSection, DetectorSection, FlowSection, InitSection, LearningRates,
    OutputSection,
};
use std::ops::Bound;

pub(super) fn check_init(init: &InitSection) -> Result<()> {
    let given = [
        ("gaussian", init.gaussian.is_some()),
        ("gaussian_norm", init.gaussian_norm.is_some()),
        ("aligned", init.aligned.is_some()),
        ("file", init.file.is_some()),
    ];
    exactly_one("init", "a scheme of initial weights", &given)?;
    if let Some(gaussian) = &init.gaussian {
        number("init.gaussian.std", gaussian.std, POSITIVE)?;
    }
    if let Some(gaussian) = &init.gaussian_norm {
        number("init.gaussian_norm.norm", gaussian.norm, POSITIVE)?;
    }
    if let Some(aligned) = &init.aligned {
        number("init.aligned.norm", aligned.norm, POSITIVE)?;
    }
    match &init.file {
        Some(file) => check_path("init.file.path", &file.path),
        None => Ok(()),
    }
}

pub(super) fn check_flow(flow: &FlowSection) -> Result<()> {
    if let Some(rtol) = flow.rtol {
        number("flow.rtol", rtol, 1e-13..=0.1)?;
    }
    if let Some(atol) = flow.atol {
        number("flow.atol", atol, POSITIVE)?;
    }
    count("flow.max_steps", flow.max_steps, 1..)?;
    if flow.until.time.is_none() && flow.until.loss_gap.is_none() {
        return Err(wrong(
            "flow.until",
            "neither time nor loss_gap is given: the run would have no end",
            "give time, loss_gap, or both, for example until: {time: 40.0, loss_gap: 1.0e-6}",
        ));
    }
    if let Some(time) = flow.until.time {
        number("flow.until.time", time, POSITIVE)?;
    }
    match flow.until.loss_gap {
        Some(gap) => number("flow.until.loss_gap", gap, between(0.0, 1.0)),
        None => Ok(()),
    }
}

/// What descent does beside plain steps on all samples.
pub(super) fn check_stepping(descent: &DescentSection, data: &DataSection) -> Result<()> {
    let below_1 = 0.0..1.0;
    if let Some(momentum) = descent.momentum {
        number("descent.momentum", momentum, below_1.clone())?;
    }
    if let Some(adam) = &descent.adam {
        number("descent.adam.beta1", adam.beta1, below_1.clone())?;
        number("descent.adam.beta2", adam.beta2, below_1)?;
        number("descent.adam.epsilon", adam.epsilon, POSITIVE)?;
        if descent.momentum.is_some() {
            return Err(wrong(
                "descent.adam",
                "momentum and adam are both given, of which only one can be",
                "keep one; beta1 is Adam's own momentum",
            ));
        }
    }
    let Some(batch) = descent.batch else {
        return Ok(());
    };
    count("descent.batch", batch, 1..)?;
    match source_without_samples(data) {
        None => Ok(()),
        Some(source) => Err(wrong(
            format!("data.{source}.samples"),
            "this key is missing: mini-batches (descent.batch) are taken from samples",
            format!("add samples: 8192 under data.{source}, the number of samples to draw"),
        )),
    }
}

/// `time` is the time at which the run ends; a descent has to take a step before it. With momentum a
/// step stands for 1/(1 - momentum) times its learning rate.
pub(super) fn check_descent(descent: &DescentSection, time: Option<f64>) -> Result<()> {
    let key = "descent.learning_rate";
    let stretch = 1.0 / (1.0 - descent.momentum.unwrap_or(0.0));
    let check = |key: &str, rate: f64| {
        number(key, rate, POSITIVE)?;
        let step = rate * stretch;
        match time {
            Some(time) if step > time * (1.0 + 1e-12) => Err(wrong(
                key,
                format!(
                    "a step of {step:?} is longer than the run, flow.until.time = {time:?}: none would be taken"
                ),
                "choose a smaller learning rate, or a later time",
            )),
            _ => Ok(()),
        }
    };
    let rates = match &descent.learning_rate {
        LearningRates::One(rate) => return check(key, *rate),
        LearningRates::Many(rates) => rates,
    };
    if rates.is_empty() {
        let remedy = "give at least one learning rate, or leave descent out";
        return Err(wrong(key, "the list of learning rates is empty", remedy));
    }
    for (i, &rate) in rates.iter().enumerate() {
        check(&format!("{key}.{i}"), rate)?;
    }
    match (1..rates.len()).find(|&i| rates[..i].contains(&rates[i])) {
        None => Ok(()),
        Some(i) => Err(wrong(
            format!("{key}.{i}"),
            format!("{:?} stands twice in the list", rates[i]),
            "keep one of the two",
        )),
    }
}

pub(super) fn check_detector(detector: &DetectorSection) -> Result<()> {
    number("detector.share", detector.share, between(0.0, 0.5))?;
    number("detector.dip", detector.dip, between(0.0, 1.0))?;
    number("detector.drop", detector.drop, between(0.0, 1.0))
}

pub(super) fn check_output(output: &OutputSection) -> Result<()> {
    count("output.samples", output.samples as u64, 2..=1_000_000)
}

fn between(low: f64, high: f64) -> (Bound<f64>, Bound<f64>) {
    (Bound::Excluded(low), Bound::Excluded(high))
}
