//! What a run will cost, estimated before anything is integrated.

use super::problem::Problem;
use super::{Scenario, memory};
use crate::analysis::curvature;
use crate::data::Extent;
use crate::descent::{DescentSection, steps_until};
use crate::flow::{linear_work, sampled_work};
use crate::integrate::{Method, auto_method};
use crate::linalg::Size;
use crate::network::Architecture;
use serde::Serialize;

/// What is known by sizes alone, before anything is decomposed. Pictures come on top.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Number of weights of the network.
    pub weights: usize,
    /// Number of inputs of all modalities together.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Samples that are trained on; null for a population.
    pub samples: Option<u64>,
    /// Samples that stay in memory.
    #[serde(skip)]
    pub kept_samples: u64,
    /// Multiplications that the second moments and their inverses take, about.
    pub moments_multiplications: u64,
    /// Memory while integrating, about: the state, the moments, and the samples that are kept.
    pub memory_bytes: u64,
    /// What trajectories add to it where they have as many knots as they may.
    pub trajectory_bytes: u64,
    /// The descents.
    pub descents: Vec<DescentCost>,
    /// The curvature.
    pub curvature: CurvatureCost,
}

/// What a descent will cost, unless a loss gap ends it before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DescentCost {
    /// Its learning rate.
    pub learning_rate: f64,
    /// Its steps; null where only a loss gap ends it.
    pub steps: Option<u64>,
    /// Multiplications of a step of the full network, about: its gradient, with which it is looked at, without what is
    /// kept beside a map of dear moments.
    pub multiplications: u64,
}

/// What the eigenvalues of the Hessian will cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CurvatureCost {
    /// Products of the Hessian with a vector on each plateau, at most.
    pub products_a_plateau: usize,
    /// Multiplications of such a product of the full network, about.
    pub multiplications: u64,
}

/// From so many multiplications on, moments take some seconds.
const LONG: u64 = 20_000_000_000;

impl Forecast {
    /// That of a scenario with data of this size, and the network for them.
    pub(super) fn of(scenario: &Scenario, extent: &Extent, architecture: &Architecture) -> Self {
        let kept_samples = match scenario.keeps_samples() {
            true => extent.samples.unwrap_or(0),
            false => 0,
        };
        let section = scenario.descent.as_ref();
        let rates = section.map_or(&[][..], |section| section.learning_rate.as_slice());
        let is_of_moments = scenario.is_of_moments();
        let trajectory_bytes =
            memory::of_trajectories(architecture, extent, rates.len() as u64, is_of_moments);
        let gradient = gradient_work(architecture, extent.inputs, extent.samples, is_of_moments);
        Self {
            weights: architecture.len(),
            inputs: extent.inputs.dim(),
            outputs: extent.outputs,
            samples: extent.samples,
            kept_samples,
            moments_multiplications: extent.moments_work(),
            memory_bytes: memory::of_run(architecture, extent, kept_samples, is_of_moments),
            trajectory_bytes,
            descents: section.map_or_else(Vec::new, |section| {
                descents(scenario, section, extent, architecture)
            }),
            curvature: CurvatureCost {
                products_a_plateau: curvature::most_products(architecture.len()),
                // Forward-mode differentiation costs about two evaluations.
                multiplications: 2 * gradient,
            },
        }
    }

    /// Whether the moments alone take long, what to know before that begins.
    pub fn caution(&self) -> Option<String> {
        (self.moments_multiplications >= LONG).then(|| {
            format!(
                "the second moments of {} inputs take about {:.0e} multiplications before anything is integrated, \
                 seconds to minutes; fewer inputs, or no more samples than half of them, take far less",
                self.inputs, self.moments_multiplications as f64
            )
        })
    }
}

/// Multiplications of one gradient of all data, by the size of their second moment or the number of samples.
fn gradient_work(
    architecture: &Architecture,
    inputs: Size,
    samples: Option<u64>,
    is_of_moments: bool,
) -> u64 {
    match is_of_moments {
        true => linear_work(architecture, inputs.product_work()),
        false => sampled_work(architecture.len(), samples.unwrap_or(0)),
    }
}

fn descents(
    scenario: &Scenario,
    section: &DescentSection,
    extent: &Extent,
    architecture: &Architecture,
) -> Vec<DescentCost> {
    let rule = section.rule();
    // With mini-batches moments serve for the look at each step; looks that take all samples are few.
    let is_of_moments = scenario.is_of_moments();
    let look = match (is_of_moments, section.batch) {
        (false, Some(_)) => 0,
        _ => gradient_work(architecture, extent.inputs, extent.samples, is_of_moments),
    };
    let batch = section
        .batch
        .map_or(0, |batch| sampled_work(architecture.len(), batch));
    let of_rate = |&learning_rate: &f64| DescentCost {
        learning_rate,
        steps: scenario.flow.until.time.map(|time| {
            steps_until(time, rule.time_step(learning_rate)).min(scenario.flow.max_steps)
        }),
        multiplications: look + batch,
    };
    section
        .learning_rate
        .as_slice()
        .iter()
        .map(of_rate)
        .collect()
}

/// The size of a prepared problem, and an estimate of its work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// What was known beforehand.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// Number of weights that are integrated: fewer where the network is reduced.
    pub integrated_weights: usize,
    /// Number of independent inputs.
    pub rank: usize,
    /// Multiplications that one evaluation of the right-hand side takes, about.
    pub multiplications: u64,
    /// Evaluations that the flow takes until its time, about; null where only a loss gap ends it.
    pub evaluations: Option<f64>,
}

impl Cost {
    /// The cost of a problem.
    pub fn of(problem: &Problem) -> Self {
        let network = problem.network(true);
        let moments = &problem.moments;
        let samples = moments.samples.as_ref().map(|all| all.len() as u64);
        Self {
            forecast: problem.forecast.clone(),
            integrated_weights: network.architecture.len(),
            rank: moments.rank(),
            multiplications: gradient_work(
                network.architecture,
                moments.inputs.size(),
                samples,
                problem.scenario.is_of_moments(),
            ),
            evaluations: evaluations(problem),
        }
    }
}

/// By the estimates that the choice of a method is made by.
fn evaluations(problem: &Problem) -> Option<f64> {
    let time = problem.scenario.flow.until.time?;
    let rtol = problem.tolerances.step_rtol;
    Some(match problem.method {
        Method::Exponential => auto_method::exponential_evaluations(rtol),
        // Of Chebyshev steps that is a bound.
        Method::RungeKutta(_) | Method::Chebyshev => {
            let parts = (&problem.moments, &problem.architecture, &problem.weights);
            auto_method::explicit_evaluations((rtol, time), parts)
        }
    })
}
