//! The gradient flow of a multimodal network: dW/dt = -dLoss/dW. With factors c on the learning rates of layers and a
//! weight decay mu it is dW/dt = -c (dLoss/dW + mu W).
//!
//! A linear network's flow under squared loss depends on the data by their second moments alone; that of any other
//! takes a pass over the samples. [`Flow`] is either, and whoever integrates, descends or observes
//! need not know which. Flow and descent share this folder, so that they can differ by their
//! discretisation of time alone.
//!
//! | folder | what it computes |
//! |---|---|
//! | `linear/` | loss, gradient, Hessian products, observation from second moments |
//! | `sampled/` | the same from samples, for any activation, with or without biases |
//! | `modulation.rs` | factors on the gradients of two stacks, by which of them is ahead |

mod linear;
mod modulation;
pub mod reduction;
mod sampled;

pub use linear::linear_work;
pub use modulation::{Branch, Modulation};
pub use sampled::{SampledFlow, sampled_memory, sampled_work};

use crate::data::{Loss, Moments};
use crate::network::Architecture;
use linear::MomentFlow;
use modulation::Standing;
use std::ops::Range;

/// Right-hand side and observation of one problem, with its workspace.
#[derive(Debug, Clone)]
pub struct Flow<'a> {
    architecture: &'a Architecture,
    moments: &'a Moments,
    kind: Kind<'a>,
    /// Where learning rates have a factor other than 1: its square root, by entries of the state.
    roots: Vec<(Range<usize>, f64)>,
    /// A direction of the weights, scaled by them.
    scaled: Vec<f64>,
    /// Factors on the learning rates at the state last evaluated, of each layer and then of the biases of each space.
    factors: Vec<f64>,
    /// The rate of the weights of a flow on samples, where it is observed.
    rate: Vec<f64>,
    modulation: Option<Modulation>,
    /// The part in the factors that modulation has, of each stack.
    slowed: [f64; 2],
}

#[derive(Debug, Clone)]
enum Kind<'a> {
    Moments(Box<MomentFlow<'a>>),
    Samples(Box<SampledFlow<'a>>),
}

/// The same call for a flow of either kind.
macro_rules! either {
    ($kind:expr, $flow:ident => $call:expr) => {
        match $kind {
            Kind::Moments($flow) => $call,
            Kind::Samples($flow) => $call,
        }
    };
}

/// What is observed of a state: total map, layer norms and, of networks that are not linear, what
/// the total map does not tell; with their time derivatives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// Total map W (o x d, by columns), then the squared Frobenius norm of every layer; of linear networks the
    /// by-products that are worth keeping ([`crate::data::ByProducts`]); from a pass over samples
    /// also the loss, the mean power E|y^|^2 of the outputs, and how much of each known
    /// part f of the target is in them: the regression E[y^ f^T] E[f f^T]^+ (o x K); where samples are held out their loss;
    /// where targets are classes last the fraction of the samples whose class has the largest output, with a rate of 0.
    pub values: Vec<f64>,
    /// Their derivatives along the flow.
    pub rates: Vec<f64>,
}

/// Whether the second moments of the data tell all of a network's flow: it is linear, without biases, and its loss is the
/// squared one.
pub fn moments_suffice(architecture: &Architecture, moments: &Moments) -> bool {
    architecture.is_linear() && moments.compared_by() == Loss::Squared
}

impl<'a> Flow<'a> {
    /// Prepares the workspace for an architecture and its data: from the moments of the data for
    /// a linear network under squared loss, from their samples for any other.
    pub fn new(architecture: &'a Architecture, moments: &'a Moments) -> Self {
        if !moments_suffice(architecture, moments) {
            return Self::on_samples(architecture, moments);
        }
        let flow = MomentFlow::new(architecture, moments);
        Self::of(architecture, moments, Kind::Moments(Box::new(flow)))
    }

    /// The flow by a pass over the samples, whatever the network. Without samples
    /// ([`Moments::samples`]) no rate of it is finite.
    pub fn on_samples(architecture: &'a Architecture, moments: &'a Moments) -> Self {
        let flow = SampledFlow::new(architecture, moments);
        Self::of(architecture, moments, Kind::Samples(Box::new(flow)))
    }

    /// The same where only some units are active ([`SampledFlow::with_active`]), for flows on samples.
    pub fn with_active(self, units: &[bool]) -> Self {
        let kind = match self.kind {
            Kind::Samples(flow) => Kind::Samples(Box::new(flow.with_active(units))),
            moments @ Kind::Moments(_) => moments,
        };
        Self { kind, ..self }
    }

    fn of(architecture: &'a Architecture, moments: &'a Moments, kind: Kind<'a>) -> Self {
        let factors = architecture.rate_factors();
        let roots: Vec<_> = factors
            .filter(|(_, factor)| *factor != 1.0)
            .map(|(range, factor)| (range.clone(), factor.sqrt()))
            .collect();
        let scaled = if roots.is_empty() {
            0
        } else {
            architecture.len()
        };
        Self {
            architecture,
            moments,
            kind,
            roots,
            scaled: vec![0.0; scaled],
            factors: architecture.rate_factors().map(|(_, c)| c).collect(),
            rate: Vec::new(),
            modulation: None,
            slowed: [1.0; 2],
        }
    }

    /// The same for a reduced network, which is linear: observed layer norms are those of the full
    /// network, whose layers have a constant part of these squared norms beside the reduced ones.
    pub fn with_constant_norms(mut self, constant_norms: Option<&'a [f64]>) -> Self {
        if let Kind::Moments(flow) = &mut self.kind {
            flow.constant_norms = constant_norms;
        }
        self
    }

    /// The same with the gradient of the stack that is ahead slowed, for two modalities and late fusion without biases.
    pub fn modulated(mut self, modulation: Option<Modulation>) -> Self {
        self.modulation = modulation;
        self
    }

    /// The same observed by the moments of another loss of the same data than drives it; for linear networks.
    pub fn observed_by(mut self, moments: &'a Moments) -> Self {
        if let Kind::Moments(flow) = &mut self.kind {
            flow.observe_by(moments);
            self.moments = moments;
        }
        self
    }

    /// Whether it is computed from second moments, not from samples.
    pub fn is_of_moments(&self) -> bool {
        matches!(self.kind, Kind::Moments(_))
    }

    /// The architecture whose weights flow.
    pub fn architecture(&self) -> &'a Architecture {
        self.architecture
    }

    /// The data that it is observed by: those that drive it, unless [`Flow::observed_by`] names others.
    pub fn moments(&self) -> &'a Moments {
        self.moments
    }

    /// dW/dt at the state `weights`, written to `rate` (both of length [`Architecture::len`]).
    pub fn rate(&mut self, weights: &[f64], rate: &mut [f64]) {
        self.evaluate(weights);
        self.write_rate(weights, rate);
    }

    /// The same in the coordinates w/sqrt(c), in which the flow is the gradient flow of a function: sqrt(c) times
    /// minus the gradient. Frozen layers have none.
    pub fn gradient_rate(&mut self, weights: &[f64], rate: &mut [f64]) {
        self.evaluate(weights);
        self.write_negative_gradient(weights, rate);
        self.scale_by_roots(rate);
    }

    /// Fills the workspace for the state `weights`: all products, nothing written out. Serves
    /// both rate and observation of one state.
    pub fn evaluate(&mut self, weights: &[f64]) {
        either!(&mut self.kind, flow => flow.evaluate(weights));
        let Some(modulation) = self.modulation else {
            return;
        };
        let Standing { lead, .. } = self.standing(weights);
        self.slowed = match modulation.branch {
            None => modulation.factors(lead),
            Some(branch) => modulation.factors_on(branch, lead, || self.falls(weights)),
        };
        for (stack, slowed) in self.architecture.private.iter().zip(self.slowed) {
            let layers = &self.architecture.layers[stack.clone()];
            for (factor, layer) in self.factors[stack.clone()].iter_mut().zip(layers) {
                *factor = layer.rate_factor * slowed;
            }
        }
    }

    /// How far the first modality is ahead at the state last evaluated.
    fn standing(&mut self, weights: &[f64]) -> Standing {
        let excess = |m| either!(&mut self.kind, flow => flow.own_excess(m, weights));
        Standing::of([0, 1].map(excess))
    }

    /// The rates at which the losses of the first two modalities' own outputs fall there, without modulation.
    fn falls(&mut self, weights: &[f64]) -> [f64; 2] {
        [0, 1].map(|m| either!(&mut self.kind, flow => flow.own_fall(m, weights)))
    }

    /// The branch of a modulated flow that is held; None where nothing is, and where each state has its own.
    pub fn branch(&self) -> Option<Branch> {
        self.modulation.and_then(|modulation| modulation.branch)
    }

    /// Holds a branch of a modulated flow, or none.
    pub fn hold(&mut self, branch: Option<Branch>) {
        if let Some(modulation) = &mut self.modulation {
            modulation.branch = branch;
        }
    }

    /// Whether the branch that is held has ended at a state.
    pub fn has_branch_ended(&mut self, weights: &[f64]) -> bool {
        let Some(modulation) = self.modulation.filter(|m| m.branch.is_some()) else {
            return false;
        };
        either!(&mut self.kind, flow => flow.evaluate(weights));
        let standing = self.standing(weights);
        modulation.has_ended(standing, || self.falls(weights))
    }

    /// Holds the branch that leads on from a state, where the one that was held has ended, or none was.
    pub fn take_branch(&mut self, weights: &[f64]) {
        if let Some(mut modulation) = self.modulation {
            either!(&mut self.kind, flow => flow.evaluate(weights));
            modulation.take_branch(self.standing(weights), self.falls(weights));
            self.modulation = Some(modulation);
        }
    }

    /// Slows minus the gradient at the state last evaluated as modulation does.
    pub fn modulate(&self, gradient: &mut [f64]) {
        if self.modulation.is_some() {
            self.architecture.scale_stacks(&self.slowed, gradient);
        }
    }

    /// The rate dW/dt at the state last evaluated, which the caller hands over again.
    pub fn write_rate(&self, weights: &[f64], rate: &mut [f64]) {
        self.write_negative_gradient(weights, rate);
        for (range, factor) in self.architecture.ranges().zip(&self.factors) {
            if *factor != 1.0 {
                scale(*factor, &mut rate[range.clone()]);
            }
        }
    }

    /// Minus the gradient at the state last evaluated, which the caller hands over again: -dLoss/dW - mu W.
    pub fn write_negative_gradient(&self, weights: &[f64], out: &mut [f64]) {
        either!(&self.kind, flow => flow.write_negative_gradient(out));
        self.architecture.add_decay(weights, out);
    }

    fn scale_by_roots(&self, vector: &mut [f64]) {
        for (range, root) in &self.roots {
            scale(*root, &mut vector[range.clone()]);
        }
    }

    /// Whether the residual of the last evaluation was finite. Every weight that is not makes it
    /// so.
    pub fn is_finite(&self) -> bool {
        either!(&self.kind, flow => flow.is_finite())
    }

    /// The loss at the state `weights`.
    pub fn loss(&mut self, weights: &[f64]) -> f64 {
        either!(&mut self.kind, flow => flow.loss(weights))
    }

    /// The observation at the state `weights`, with their derivatives along the flow.
    pub fn observe(&mut self, weights: &[f64], observation: &mut Observation) {
        self.evaluate(weights);
        self.write_observation(weights, observation);
    }

    /// The same where nobody asks for the rates of the by-products, which are left at 0: they take products with
    /// the second moments of their own.
    pub fn observe_values(&mut self, weights: &[f64], observation: &mut Observation) {
        self.evaluate(weights);
        self.write_values(weights, observation);
    }

    fn write_values(&mut self, weights: &[f64], observation: &mut Observation) {
        let mut rate = std::mem::take(&mut self.rate);
        if let Kind::Samples(_) = self.kind {
            rate.resize(self.architecture.len(), 0.0);
            self.write_rate(weights, &mut rate);
        }
        match &mut self.kind {
            Kind::Moments(flow) => flow.write_observation(weights, &self.factors, observation),
            Kind::Samples(flow) => flow.write_observation(weights, &rate, observation),
        }
        self.rate = rate;
    }

    /// The observation at the state last evaluated, which the caller hands over again.
    pub fn write_observation(&mut self, weights: &[f64], observation: &mut Observation) {
        self.write_values(weights, observation);
        if let Kind::Moments(flow) = &mut self.kind {
            flow.write_by_product_rates(observation);
        }
    }

    /// Makes the state last evaluated the point of [`Flow::jacobian_product`].
    pub fn linearise(&mut self) {
        if let Kind::Moments(flow) = &mut self.kind {
            flow.linearise();
        }
    }

    /// J V = -H V: the derivative of the rate in the direction V at the point set by
    /// [`Flow::linearise`], which the caller hands over again (all of length
    /// [`Architecture::len`]). H is the Hessian of the loss, so J is symmetric. Of an activation
    /// with a kink it is the derivative almost everywhere.
    ///
    /// With factors c on the learning rates, V and J V are in the coordinates w/sqrt(c) of [`Flow::gradient_rate`],
    /// where J = -sqrt(c) H sqrt(c) is symmetric too and has the eigenvalues of -c H.
    pub fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        if self.roots.is_empty() {
            either!(&mut self.kind, flow => flow.jacobian_product(point, direction, product));
            self.architecture.add_decay(direction, product);
            return;
        }
        let mut scaled = std::mem::take(&mut self.scaled);
        scaled.copy_from_slice(direction);
        self.scale_by_roots(&mut scaled);
        either!(&mut self.kind, flow => flow.jacobian_product(point, &scaled, product));
        self.architecture.add_decay(&scaled, product);
        self.scale_by_roots(product);
        self.scaled = scaled;
    }
}

fn scale(factor: f64, entries: &mut [f64]) {
    for entry in entries {
        *entry *= factor;
    }
}
