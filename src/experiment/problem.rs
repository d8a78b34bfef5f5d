//! A scenario made ready to run: moments, architecture, initial weights, tolerances.

use super::Scenario;
use super::memory;
use crate::data::Moments;
use crate::descent::optimiser::Rule;
use crate::error::{InputError, Result};
use crate::flow::Flow;
use crate::flow::reduction::Reduction;
use crate::integrate::auto_method;
use crate::integrate::{Method, ReductionChoice};
use crate::network::{self, Architecture};
use crate::theory::{self, Curve, InitialScale, Theory};
use crate::trajectory::Observables;
use nalgebra::DVector;

/// Everything a run needs, nothing of it computed by integration.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The scenario with every default filled in.
    pub scenario: Scenario,
    /// The data's second moments.
    pub moments: Moments,
    /// The network's shape.
    pub architecture: Architecture,
    /// Initial weights, flat.
    pub weights: DVector<f64>,
    /// The smaller network with the same trajectory, where there is one and it is wanted.
    pub reduction: Option<Reduction>,
    /// The method of the integration.
    pub method: Method,
    /// Absolute tolerance of the integration.
    pub atol: f64,
    /// What the user should know before trusting the run.
    pub warnings: Vec<String>,
}

/// The network that is integrated: the full one, or its reduction.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// Its shape.
    pub architecture: &'a Architecture,
    /// Its initial weights, flat.
    pub weights: &'a DVector<f64>,
    /// The reduction it comes from.
    pub reduction: Option<&'a Reduction>,
}

impl<'a> Network<'a> {
    /// The flow of this network; what is observed of it is the full network's.
    pub fn flow(&self, moments: &'a Moments) -> Flow<'a> {
        let constant_norms = self.reduction.map(Reduction::constant_norms_squared);
        Flow::new(self.architecture, moments).with_constant_norms(constant_norms)
    }
}

impl Problem {
    /// Draws data and weights and fills in the defaults that depend on them.
    ///
    /// # Errors
    /// An input error where the data cannot be used, the network contradicts the data, the
    /// weights would not fit in memory, or the initial weights cannot be read.
    pub fn prepare(scenario: &Scenario) -> Result<Self> {
        Self::prepare_within(scenario, u64::MAX)
    }

    /// The same where `memory` bytes are there.
    ///
    /// # Errors
    /// As for [`Problem::prepare`], and where the run needs more memory.
    pub fn prepare_within(scenario: &Scenario, memory: u64) -> Result<Self> {
        memory::ensure_samples_fit(scenario, memory)?;
        let mut moments = Moments::of(&scenario.data, scenario.seed, scenario.keeps_samples())?;
        moments.ensure_learnable(scenario.network.is_linear())?;
        let architecture = Architecture::of(
            &scenario.network,
            &moments.modalities,
            moments.outputs_len(),
        )?;
        if !architecture.is_linear() {
            // That of moments is the error of a linear map.
            moments.generalisation = None;
        }
        memory::ensure_fits(&architecture, kept(&moments), memory)?;
        let batch = scenario.descent.as_ref().and_then(|d| d.batch);
        ensure_batch_fits(&moments, batch)?;
        let weights =
            network::initial_weights(&scenario.init, scenario.seed, &moments, &architecture)?;
        ensure_live_start(&architecture, &moments, &weights)?;
        let mut warnings = warnings(scenario, &moments);
        let method = auto_method::method(&scenario.flow, &moments, &architecture, &weights);
        if method == Method::Exponential && auto_method::drive_turns_round(&moments, &architecture)
        {
            warnings.push(
                "what drives a modality turns round when another one is learned, where exponential steps may \
                 lose what grows later: compare with flow.method: dopri5 (--verify)"
                    .to_owned(),
            );
        }
        let atol = absolute_tolerance(scenario, &architecture, &weights, &mut warnings);
        let reduction = match scenario.flow.reduction {
            ReductionChoice::Auto if architecture.is_linear() => {
                Reduction::find(&architecture, &weights, scenario.rtol())
            }
            _ => None,
        };
        let mut scenario = scenario.clone();
        scenario.flow.rtol = Some(scenario.rtol());
        scenario.flow.atol = Some(atol);
        Ok(Self {
            scenario,
            moments,
            architecture,
            weights,
            reduction,
            method,
            atol,
            warnings,
        })
    }

    /// The network to integrate: the reduced one where there is one and `reduced` asks for it.
    pub fn network(&self, reduced: bool) -> Network<'_> {
        match self.reduction.as_ref().filter(|_| reduced) {
            None => Network {
                architecture: &self.architecture,
                weights: &self.weights,
                reduction: None,
            },
            Some(reduction) => Network {
                architecture: &reduction.architecture,
                weights: &reduction.weights,
                reduction: Some(reduction),
            },
        }
    }

    /// The relative tolerance that the error estimates of steps are kept to.
    pub fn step_rtol(&self) -> f64 {
        step_rtol(&self.scenario)
    }

    /// Names and derived quantities of this problem's trajectories.
    pub fn observables(&self) -> Observables<'_> {
        Observables {
            architecture: &self.architecture,
            moments: &self.moments,
        }
    }

    /// Theory's predictions.
    pub fn theory(&self) -> Theory {
        let scale = self.initial_scale();
        theory::predict(&self.moments, &self.architecture, scale, &self.weights)
    }

    /// Theory's first crossing and time ratio by descent of a learning rate, where it has the
    /// flow's.
    pub fn descent_theory(
        &self,
        theory: &Theory,
        learning_rate: f64,
    ) -> (Option<f64>, Option<f64>) {
        let (moments, architecture) = (&self.moments, &self.architecture);
        // The formulas are those of plain steps of a linear network on all samples: half of the units
        // of a rectified one are active, so that a step multiplies a mode by another factor.
        let section = self.scenario.descent.as_ref();
        let is_plain = section.is_none_or(|d| d.batch.is_none() && Rule::of(d) == Rule::Plain);
        if !is_plain || !architecture.is_linear() {
            return (None, None);
        }
        let ratio = theory
            .ratio
            .and_then(|_| theory::descent_ratio(moments, architecture, learning_rate));
        let first = theory.first.as_ref().filter(|_| theory.t_first.is_some());
        let t_first = first.and_then(|first| {
            let weights = &self.weights;
            theory::descent_first_time(moments, architecture, weights, first.index, learning_rate)
        });
        (t_first, ratio)
    }

    /// Theory's solution in time, from t = 0 to `t_end`, where there is one.
    pub fn theory_curve(&self, t_end: f64) -> Option<Curve> {
        let (moments, architecture) = (&self.moments, &self.architecture);
        let scale = self.initial_scale();
        // Finer than the run where that is coarser than 1e-8, so that their difference is not the
        // curve's error.
        let rtol = (0.1 * self.scenario.rtol()).max(1e-9);
        theory::curve(moments, architecture, scale, &self.weights, (rtol, t_end))
    }

    fn initial_scale(&self) -> InitialScale {
        InitialScale {
            norm: self.scenario.init.norm(),
            aligned: self.scenario.init.is_aligned(),
        }
    }

    /// Estimated memory of a run, in bytes.
    pub fn memory(&self) -> u64 {
        memory::of_run(&self.architecture, kept(&self.moments))
    }
}

fn step_rtol(scenario: &Scenario) -> f64 {
    auto_method::step_tolerance(scenario.network.activation, scenario.rtol())
}

/// Number of samples kept.
fn kept(moments: &Moments) -> u64 {
    moments.samples.as_ref().map_or(0, |s| s.len() as u64)
}

/// A mini-batch is less than all samples.
fn ensure_batch_fits(moments: &Moments, batch: Option<u64>) -> Result<()> {
    let samples = kept(moments);
    match batch {
        Some(batch) if batch > samples => Err(InputError::at(
            "descent.batch",
            format!("{batch} is more than the {samples} samples there are"),
            "choose a smaller batch, or leave it out for all samples at each step",
        )),
        _ => Ok(()),
    }
}

/// Products of tiny weights underflow to zero, and the flow would never leave the origin.
fn ensure_live_start(
    architecture: &Architecture,
    moments: &Moments,
    weights: &DVector<f64>,
) -> Result<()> {
    let mut rate = vec![0.0; weights.len()];
    Flow::new(architecture, moments).rate(weights.as_slice(), &mut rate);
    const SCALE: &str = "choose a scale whose product over the layers is between 1e-300 and 1e150";
    let is_dead = rate.iter().all(|entry| entry.abs() < f64::MIN_POSITIVE);
    // The gradient is at least of the order of the layers' product where a unit is active.
    let depth = (0..architecture.modalities.len())
        .map(|m| architecture.depth(m))
        .max();
    let smallest = network::smallest_layer_rms(architecture, weights);
    let product = smallest.powi(depth.unwrap_or(1) as i32);
    let (problem, remedy) = if rate.iter().any(|entry| !entry.is_finite()) {
        (
            "the initial weights are so large that the gradient overflows",
            SCALE,
        )
    } else if is_dead && !architecture.is_linear() && product > 1e-150 {
        (
            "no hidden unit is active on any sample, so that the gradient is zero",
            "choose a larger width or another seed",
        )
    } else if is_dead {
        (
            "the initial weights are so small that the gradient underflows to zero",
            SCALE,
        )
    } else {
        return Ok(());
    };
    Err(InputError::at("init", problem, remedy))
}

/// Above this tolerance steps on a plateau are as rough as the minima of the speed that the
/// detector looks for.
const COARSEST: f64 = 1e-3;

/// From this tolerance on the steps of networks with kinks become a burden: their number grows as its
/// inverse where samples stay at a kink.
const TIGHT: f64 = 1e-5;

/// What the user should know before trusting the run.
fn warnings(scenario: &Scenario, moments: &Moments) -> Vec<String> {
    let mut warnings = Vec::new();
    let rank = moments.rank();
    if rank < moments.inputs_len() {
        warnings.push(format!(
            "the inputs are linearly dependent ({rank} of {} are independent): many maps have the least loss, and \
             final norms and crossings are told by the one of least norm",
            moments.inputs_len()
        ));
    }
    if !scenario.network.is_linear() && scenario.data.get().holds_out() {
        warnings.push(
            "the rows held out are not used: the generalisation error is computed for linear networks only"
                .to_owned(),
        );
    }
    let (rtol, until) = (scenario.rtol(), &scenario.flow.until);
    if step_rtol(scenario) > COARSEST {
        warnings.push(format!(
            "flow.rtol = {rtol:e} is coarse: the integrator's own errors may show as plateaus of the loss"
        ));
    }
    if !scenario.network.activation.is_smooth() && rtol <= TIGHT {
        warnings.push(format!(
            "flow.rtol = {rtol:e} is tight for units with a kink, where the rate jumps: steps may become very \
             many; 1e-4 serves most purposes"
        ));
    }
    if until.time.is_none() && until.loss_gap.is_some_and(|gap| gap < rtol * rtol) {
        warnings.push(format!(
            "flow.until.loss_gap is below what rtol = {rtol:e} resolves and may never be met: give \
             until.time as well"
        ));
    }
    warnings
}

/// The tolerance asked for, or the default: rtol times the smallest root-mean-square of an initial
/// layer. A tolerance above the initial weights lets the integrator ignore their growth.
fn absolute_tolerance(
    scenario: &Scenario,
    architecture: &Architecture,
    weights: &DVector<f64>,
    warnings: &mut Vec<String>,
) -> f64 {
    let smallest = network::smallest_layer_rms(architecture, weights);
    let default = step_rtol(scenario) * smallest;
    let Some(atol) = scenario.flow.atol else {
        return default;
    };
    if atol > smallest {
        warnings.push(format!(
            "flow.atol = {atol:e} is above the initial weights (root-mean-square {smallest:.1e}): times may \
             be wrong; leave it out for the default of {default:.1e}"
        ));
    }
    atol
}
