//! A scenario made ready to run: moments, architecture, initial weights, tolerances.

use crate::data::Moments;
use crate::error::{InputError, Result};
use crate::flow::{self, Flow};
use crate::init;
use crate::network::Architecture;
use crate::observe::Lens;
use crate::optimiser::Rule;
use crate::reduction::Reduction;
use crate::scenario::{ReductionChoice, Scenario};
use crate::theory::{self, Curve, InitialScale, Theory};
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

/// Vectors of the length of the state that a run holds at its peak: ode_solvers' stages,
/// continuous output and temporaries, the segment's states, and the initial weights.
const STATE_VECTORS: u64 = 40;

impl Problem {
    /// Draws data and weights and fills in the defaults that depend on them.
    ///
    /// # Errors
    /// An input error where the data cannot be used, the network contradicts the data, the
    /// weights would not fit in memory, or the initial weights cannot be read.
    pub fn prepare(scenario: &Scenario) -> Result<Self> {
        let mut moments = Moments::of(scenario)?;
        let architecture = Architecture::of(
            &scenario.network,
            &moments.modalities,
            moments.outputs_len(),
        )?;
        let samples = scenario.data.samples().unwrap_or(0);
        refuse_too_large(&architecture, samples)?;
        if !architecture.is_linear() {
            // That of moments is the error of a linear map.
            moments.generalisation = None;
        }
        let batch = scenario.descent.as_ref().and_then(|d| d.batch);
        if !architecture.is_linear() || batch.is_some() {
            moments.keep_samples(scenario)?;
        }
        if let (None, Some(samples)) = (scenario.data.samples(), &moments.samples) {
            // Files tell their number when they are read.
            refuse_too_large(&architecture, samples.len() as u64)?;
        }
        refuse_large_batch(&moments, batch)?;
        let weights = init::initial_weights(scenario, &moments, &architecture)?;
        refuse_dead_start(&architecture, &moments, &weights)?;
        let mut warnings = doubts(scenario, &moments);
        let atol = absolute_tolerance(scenario, &architecture, &weights, &mut warnings);
        let reduction = match scenario.flow.reduction {
            ReductionChoice::Auto if architecture.is_linear() => {
                Reduction::find(&architecture, &weights, scenario.flow.rtol)
            }
            _ => None,
        };
        let mut scenario = scenario.clone();
        scenario.flow.atol = Some(atol);
        Ok(Self {
            scenario,
            moments,
            architecture,
            weights,
            reduction,
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

    /// Names and derived quantities of this problem's trajectories.
    pub fn lens(&self) -> Lens<'_> {
        Lens {
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
        // The formulas are those of plain steps on all samples.
        let section = self.scenario.descent.as_ref();
        if section.is_some_and(|d| d.batch.is_some() || Rule::of(d) != Rule::Plain) {
            return (None, None);
        }
        let ratio = theory
            .ratio
            .and_then(|_| theory::descent_ratio(moments, architecture, learning_rate));
        let t_first = theory.t_first.zip(theory.first).and_then(|(_, first)| {
            let weights = &self.weights;
            theory::descent_first_time(moments, architecture, weights, first, learning_rate)
        });
        (t_first, ratio)
    }

    /// Theory's solution in time, from t = 0 to `t_end`, where there is one.
    pub fn theory_curve(&self, t_end: f64) -> Option<Curve> {
        let (moments, architecture) = (&self.moments, &self.architecture);
        let scale = self.initial_scale();
        // Finer than the run where that is coarser than 1e-8, so that their difference is not the
        // curve's error.
        let rtol = (0.1 * self.scenario.flow.rtol).max(1e-9);
        theory::curve(moments, architecture, scale, &self.weights, (rtol, t_end))
    }

    fn initial_scale(&self) -> InitialScale {
        let init = &self.scenario.init;
        let norm = init.aligned.as_ref().or(init.gaussian_norm.as_ref());
        InitialScale {
            norm: norm.map(|init| init.norm),
            aligned: init.aligned.is_some(),
        }
    }

    /// Estimated memory of a run, in bytes.
    pub fn memory(&self) -> u64 {
        let samples = self.moments.samples.as_ref();
        memory(&self.architecture, samples.map_or(0, |s| s.len() as u64))
    }
}

/// A mini-batch is less than all samples.
fn refuse_large_batch(moments: &Moments, batch: Option<u64>) -> Result<()> {
    let samples = moments.samples.as_ref().map_or(0, |s| s.len());
    match batch {
        Some(batch) if batch > samples as u64 => Err(InputError::at(
            "descent.batch",
            format!("{batch} is more than the {samples} samples there are"),
            "choose a smaller batch, or leave it out for all samples at each step",
        )
        .into()),
        _ => Ok(()),
    }
}

/// Products of tiny weights underflow to zero, and the flow would never leave the origin.
fn refuse_dead_start(
    architecture: &Architecture,
    moments: &Moments,
    weights: &DVector<f64>,
) -> Result<()> {
    let mut rate = vec![0.0; weights.len()];
    Flow::new(architecture, moments).rate(weights.as_slice(), &mut rate);
    let problem = if rate.iter().any(|entry| !entry.is_finite()) {
        "the initial weights are so large that the gradient overflows"
    } else if rate.iter().all(|entry| entry.abs() < f64::MIN_POSITIVE) {
        "the initial weights are so small that the gradient underflows to zero"
    } else {
        return Ok(());
    };
    let remedy = "choose a scale whose product over the layers is between 1e-300 and 1e150";
    Err(InputError::at("init", problem, remedy).into())
}

/// Above this tolerance steps on a plateau are as rough as the minima of the speed that the
/// detector looks for.
const COARSEST: f64 = 1e-3;

/// What the user should know before trusting the run.
fn doubts(scenario: &Scenario, moments: &Moments) -> Vec<String> {
    let mut doubts = Vec::new();
    let rank = moments.rank();
    if rank < moments.inputs_len() {
        doubts.push(format!(
            "the inputs are linearly dependent ({rank} of {} are independent): many maps have the least loss, and \
             final norms and crossings are told by the one of least norm",
            moments.inputs_len()
        ));
    }
    let (rtol, until) = (scenario.flow.rtol, &scenario.flow.until);
    if rtol > COARSEST {
        doubts.push(format!(
            "flow.rtol = {rtol:e} is coarse: the integrator's own errors may show as treads of the loss"
        ));
    }
    if until.time.is_none() && until.loss_gap.is_some_and(|gap| gap < rtol * rtol) {
        doubts.push(format!(
            "flow.until.loss_gap is below what rtol = {rtol:e} resolves and may never be met: give \
             until.time as well"
        ));
    }
    doubts
}

fn memory(architecture: &Architecture, samples: u64) -> u64 {
    /// Flows of one run: integrated, recorded, and two watched for their curvature.
    const FLOWS: u64 = 4;
    /// A sample while it is drawn: its row, and its place in a block.
    const COPIES: u64 = 2;
    let number = size_of::<f64>() as u64;
    let states = (architecture.len() as u64).saturating_mul(STATE_VECTORS * number);
    if architecture.is_linear() {
        return states;
    }
    let sample = (architecture.inputs() + architecture.outputs) as u64 * COPIES * number;
    let flow = flow::sampled_memory(architecture, samples);
    states
        .saturating_add(samples.saturating_mul(sample))
        .saturating_add(flow.saturating_mul(FLOWS))
}

fn refuse_too_large(architecture: &Architecture, samples: u64) -> Result<()> {
    const GIB: f64 = (1u64 << 30) as f64;
    let needed = memory(architecture, samples);
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let available = system.total_memory();
    if needed <= available {
        return Ok(());
    }
    let (samples, remedy) = match architecture.is_linear() {
        true => (String::new(), "choose smaller widths"),
        false => (
            format!(" and {samples} samples"),
            "choose smaller widths or fewer samples",
        ),
    };
    let problem = format!(
        "{} weights{samples} need about {:.1} GiB to integrate, and this machine has {:.1} GiB",
        architecture.len(),
        needed as f64 / GIB,
        available as f64 / GIB
    );
    Err(InputError::at("network", problem, remedy).into())
}

/// The tolerance asked for, or the default: rtol times the smallest root-mean-square of an initial
/// layer. A tolerance above the initial weights lets the integrator ignore their growth.
fn absolute_tolerance(
    scenario: &Scenario,
    architecture: &Architecture,
    weights: &DVector<f64>,
    warnings: &mut Vec<String>,
) -> f64 {
    let smallest = init::smallest_layer_rms(architecture, weights);
    let default = scenario.flow.rtol * smallest;
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
