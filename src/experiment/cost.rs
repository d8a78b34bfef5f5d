//! What a run will cost, estimated before anything is integrated.

use super::problem::Problem;
use crate::integrate::{Method, auto_method};
use serde::Serialize;

/// The size of a prepared problem, and an estimate of the work of its flow. Descents, curvature and pictures come on
/// top, each with about as much or less.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Number of weights of the network.
    pub weights: usize,
    /// Number of weights that are integrated: fewer where the network is reduced.
    pub integrated_weights: usize,
    /// Number of inputs of all modalities together.
    pub inputs: usize,
    /// Number of independent inputs.
    pub rank: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Memory while integrating.
    pub memory_bytes: u64,
    /// Multiplications that one evaluation of the right-hand side takes, about.
    pub multiplications: u64,
    /// Evaluations that the flow takes until its time, about; null where only a loss gap ends it.
    pub evaluations: Option<f64>,
}

impl Cost {
    /// The cost of a problem's flow.
    pub fn of(problem: &Problem) -> Self {
        let network = problem.network(true);
        let moments = &problem.moments;
        Self {
            weights: problem.architecture.len(),
            integrated_weights: network.architecture.len(),
            inputs: moments.inputs_len(),
            rank: moments.rank(),
            outputs: moments.outputs_len(),
            memory_bytes: problem.memory(),
            multiplications: network.flow(moments).work(),
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
        Method::RungeKutta(_) => {
            let parts = (&problem.moments, &problem.architecture, &problem.weights);
            auto_method::explicit_evaluations((rtol, time), parts)
        }
    })
}
