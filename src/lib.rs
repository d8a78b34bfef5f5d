//! Gradient flow of multimodal deep linear networks, and their unimodal bias.
//!
//! A network that learns from several input streams (*modalities*) often learns one of them first
//! and ignores the others for a long while: *unimodal bias*. In a deep **linear** network this can
//! be computed. With modalities m of inputs x_m, private layers up to the fusion layer Lf and
//! shared layers after it,
//!
//! ```text
//! total map        W_m = W^L ... W^{Lf+1} W_m^Lf ... W_m^1
//! prediction       y^  = sum_m W_m x_m
//! loss             Loss = 1/2 E|y - y^|^2 = Loss_min + 1/2 tr[(W - W*) S_xx (W - W*)^T]
//! gradient flow    dW^l/dt = -dLoss/dW^l      for every layer
//! ```
//!
//! the loss falls as a staircase whose treads are plateaus at saddles M_S, where the modalities S
//! are learned and the others are ignored. The theory is that of Y. Zhang, P. E. Latham & A. Saxe,
//! "Understanding Unimodal Bias in Multimodal Deep Linear Networks" (ICML 2024, arXiv 2312.00935).
//!
//! # Map
//!
//! Data flow one way, from the top of this list to its end; a module uses only modules above it
//! (`tests/architecture.rs` checks that).
//!
//! | module | what it does |
//! |---|---|
//! | [`error`], [`names`] | the one error type; names in messages |
//! | [`scenario`] | the YAML file: types, defaults, every range check |
//! | [`one_key`] | alternatives as a mapping with one key |
//! | [`random`] | a stream of random numbers for every purpose |
//! | [`data`] | a scenario's data as second moments, and as samples where networks ask for them |
//! | [`network`] | layers, shapes, offsets of the weights |
//! | [`weights_file`], [`init`] | initial weights |
//! | [`track`] | a trajectory of observables, as piecewise polynomials |
//! | [`lanczos`] | Krylov bases of a symmetric matrix |
//! | [`flow`] | loss, gradient, observables: the equations |
//! | [`reduction`] | a smaller network with the same trajectory |
//! | [`integrate`] | adaptive integration: exponential Rosenbrock, explicit Runge-Kutta |
//! | [`method`] | which method of integration `auto` stands for |
//! | [`invariants`] | conserved balancedness, a meter of the integrator's error |
//! | [`observe`] | what is seen of a trajectory, and its recording |
//! | [`curvature`] | eigenvalues of the Hessian along the flow |
//! | [`optimiser`], [`batches`] | steps with momentum and Adam, mini-batches |
//! | [`descent`] | discrete gradient descent, the baseline |
//! | [`visits`] | how near descent comes to each saddle, how often and for how long |
//! | [`detect`] | plateaus, half-height crossings, the unimodal phase; never sees theory |
//! | [`generalise`] | early stopping, shares of the map, permanent bias |
//! | [`parts`] | which parts of the target were learned, and when |
//! | [`theory`] | closed-form predictions, and the reduced equations in time; never sees runs |
//! | [`compare`] | joins them: measured against predicted, flow against descent |
//! | [`problem`] | a scenario made ready |
//! | [`ablation`] | the loss without each modality |
//! | [`run`] | its results |
//! | [`verify`] | a run repeated by another method |
//! | [`output`] | the only writer of files |
//! | [`sweep`] | a grid of runs: in parallel, resumable, in shards |
//! | [`report`], [`plot`], [`figures`] | results as bytes: JSON, CSV, tables, pictures |
//! | [`progress`], [`cli`], [`app`] | the command line |
//!
//! # Example
//!
//! ```
//! use modalflow::{problem::Problem, run::run, scenario::Loaded};
//!
//! let loaded = Loaded::read("scenarios/late_fusion.yaml".as_ref(), &["descent=null".into()])?;
//! let problem = Problem::prepare(&loaded.scenario)?;
//! let result = run(&problem, &mut |_progress| true);
//! let phase = &result.flow.detection.phase;
//! let (measured, predicted) = (phase.ratio().unwrap(), result.theory.ratio.unwrap());
//! assert!((measured / predicted - 1.0).abs() < 0.05);
//! # Ok::<(), modalflow::error::Error>(())
//! ```

pub mod ablation;
pub mod app;
pub mod batches;
pub mod cli;
pub mod compare;
pub mod curvature;
pub mod data;
pub mod descent;
pub mod detect;
pub mod error;
pub mod figures;
pub mod flow;
pub mod generalise;
pub mod init;
pub mod integrate;
pub mod invariants;
mod kernels;
pub mod lanczos;
pub mod memory;
pub mod method;
pub mod names;
pub mod network;
pub mod observe;
pub mod one_key;
pub mod optimiser;
pub mod output;
pub mod parts;
pub mod plot;
pub mod problem;
pub mod progress;
pub mod random;
pub mod reduction;
pub mod report;
pub mod run;
pub mod scenario;
pub mod sweep;
pub mod theory;
pub mod track;
pub mod verify;
pub mod visits;
pub mod weights_file;
