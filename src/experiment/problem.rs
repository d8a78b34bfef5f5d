//! A scenario made ready to run: moments, architecture, initial weights, tolerances.

use super::stages::Stage;
use super::{Forecast, Outline, Scenario, cautions};
use crate::data::Moments;
use crate::error::Result;
use crate::flow::reduction::Reduction;
use crate::flow::{Flow, Modulation};
use crate::integrate::{Method, Pair, ReductionChoice, Tolerances, auto_method};
use crate::network::{self, Architecture};
use crate::trajectory::Observables;
use nalgebra::DVector;

/// Everything a run needs, nothing of it computed by integration.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The scenario with every default filled in.
    pub scenario: Scenario,
    /// The data's second moments; those of the last stage, where there is a schedule.
    pub moments: Moments,
    /// The network's shape.
    pub architecture: Architecture,
    /// The stages before the last one, in order of time.
    pub earlier_stages: Vec<Stage>,
    /// Initial weights, flat.
    pub weights: DVector<f64>,
    /// The smaller network with the same trajectory, where there is one and it is wanted.
    pub reduction: Option<Reduction>,
    /// The method of the integration.
    pub method: Method,
    /// Tolerances of the integration.
    pub tolerances: Tolerances,
    /// What was known of its cost before anything was decomposed.
    pub forecast: Forecast,
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
    /// What slows the stack that is ahead, if anything does.
    pub modulation: Option<Modulation>,
}

impl<'a> Network<'a> {
    /// The flow of this network; what is observed of it is the full network's.
    pub fn flow(&self, moments: &'a Moments) -> Flow<'a> {
        let constant_norms = self.reduction.map(Reduction::constant_norms_squared);
        Flow::new(self.architecture, moments)
            .with_constant_norms(constant_norms)
            .modulated(self.modulation)
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
        Outline::of(scenario, memory)?.prepare()
    }

    /// What an outline becomes with the moments of its data, once weights are drawn where they are not given.
    pub(super) fn of(
        outline: Outline,
        mut moments: Moments,
        weights: Option<DVector<f64>>,
    ) -> Result<Self> {
        let Outline {
            scenario,
            content,
            forecast,
            architecture,
        } = outline;
        drop(content);
        let scenario = &scenario;
        let names = scenario.data.get().about().modalities;
        let stages = scenario.remedy.earlier_stages(&names);
        let mut earlier_stages = Stage::all(&stages, &moments, &architecture);
        moments = moments.exposed(&scenario.remedy.exposure(&names));
        moments.ensure_learnable(scenario.network.is_linear())?;
        bound(&mut moments, &architecture, scenario);
        if let Some(penalty) = architecture.penalty().filter(|_| scenario.is_of_moments()) {
            moments.penalise(penalty);
        }
        cautions::ensure_loss_is_reached(scenario, &moments)?;
        let samples = moments.samples.as_ref().map_or(0, |s| s.len() as u64);
        cautions::ensure_batch_fits(samples, scenario.descent.as_ref().and_then(|d| d.batch))?;
        let weights = weights.map_or_else(
            || network::initial_weights(&scenario.init, scenario.seed, &moments, &architecture),
            Ok,
        )?;
        let smallest = network::smallest_layer_rms(&architecture, &weights);
        let last = (&architecture, &moments);
        let stages = earlier_stages.iter().map(|s| (&s.architecture, &s.moments));
        let rate = cautions::ensure_live_start(stages.chain([last]), &weights, smallest)?;
        let tolerances = Tolerances::of(&scenario.flow, architecture.activation, smallest);
        let parts = (&moments, &architecture, &weights);
        let mut method = auto_method::method(&scenario.flow, parts, smallest);
        let modes = modes_where_needed(scenario, parts, tolerances.rtol);
        let is_modulated = scenario.remedy.modulation().is_some();
        let is_explicit = matches!(method, Method::RungeKutta(_));
        if modes.is_some() && method == Method::Exponential || is_modulated && !is_explicit {
            // A Krylov space mixes the modes again; that of a modulated flow would need its Jacobian, not symmetric.
            method = Method::RungeKutta(Pair::Dopri5);
        }
        let reduction = modes.or_else(|| match scenario.flow.reduction {
            ReductionChoice::Auto if scenario.is_of_moments() => {
                Reduction::find(&architecture, &weights, tolerances.rtol)
            }
            _ => None,
        });
        for stage in &mut earlier_stages {
            stage.reduce(reduction.as_ref());
        }
        let mut problem = Self {
            forecast,
            earlier_stages,
            method,
            scenario: scenario.clone(),
            moments,
            architecture,
            weights,
            reduction,
            tolerances,
            warnings: Vec::new(),
        };
        problem.warnings = cautions::warnings(&problem, smallest, &rate);
        problem.scenario.flow.rtol = Some(tolerances.rtol);
        problem.scenario.flow.atol = Some(tolerances.atol);
        Ok(problem)
    }

    /// The network to integrate: the reduced one where there is one and `reduced` asks for it.
    pub fn network(&self, reduced: bool) -> Network<'_> {
        let modulation = self
            .scenario
            .remedy
            .modulation()
            .map(|m| Modulation::new(m.alpha));
        match self.reduction.as_ref().filter(|_| reduced) {
            None => Network {
                architecture: &self.architecture,
                weights: &self.weights,
                reduction: None,
                modulation,
            },
            Some(reduction) => Network {
                architecture: &reduction.architecture,
                weights: &reduction.weights,
                reduction: Some(reduction),
                modulation,
            },
        }
    }

    /// Whether no private stack ever comes back from a drive that turns round.
    pub(super) fn never_turns(&self) -> bool {
        self.scenario
            .init
            .never_turns(&self.architecture, &self.weights)
    }

    /// The loss gap that ends a run, its own or that of the loss that it asks for; None where it asks for neither.
    pub(super) fn asked_gap(&self) -> Option<f64> {
        let until = &self.scenario.flow.until;
        let of_loss = until.loss.map(|loss| self.observables().gap_of(loss));
        until.loss_gap.into_iter().chain(of_loss).reduce(f64::max)
    }

    /// Names and derived quantities of this problem's trajectories.
    pub fn observables(&self) -> Observables<'_> {
        Observables {
            architecture: &self.architecture,
            moments: &self.moments,
        }
    }
}

/// What the network can learn of the data.
fn bound(moments: &mut Moments, architecture: &Architecture, scenario: &Scenario) {
    if scenario.is_of_moments() {
        let bounds = architecture.rank_bounds();
        moments.bound_ranks(&match scenario.init.is_aligned() {
            true => bounds.of_aligned(),
            false => bounds,
        });
    } else {
        // That of a population is the error of a linear map, and that of classes is of another loss.
        let is_known = moments.held_out.is_some() && scenario.loss.is_squared();
        if !is_known {
            (moments.generalisation, moments.held_out) = (None, None);
        }
    }
}

/// The growing and decaying modes of two scalar layers, where what is to grow later fades first: a
/// learned modality must turn, or aligned weights have no mode that would come back. None where explicit
/// steps would take minutes.
fn modes_where_needed(
    scenario: &Scenario,
    parts: (&Moments, &Architecture, &DVector<f64>),
    rtol: f64,
) -> Option<Reduction> {
    let (moments, architecture, weights) = parts;
    if scenario.flow.reduction == ReductionChoice::Off || !scenario.is_of_moments() {
        return None;
    }
    let turns = !auto_method::learned_turns(moments, architecture).is_empty();
    let never = scenario.init.never_turns(architecture, weights)
        && auto_method::drive_turns_round(moments, architecture);
    let time = scenario.flow.until.time.unwrap_or(0.0);
    let evaluations = auto_method::explicit_evaluations((rtol, time), parts);
    if !(turns || never) || evaluations > auto_method::MOST_EVALUATIONS {
        return None;
    }
    Reduction::to_modes(architecture, weights)
}
