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
//! the loss falls as a staircase of plateaus at saddles M_S, where the modalities S are learned and the
//! others are ignored. The theory is that of Y. Zhang, P. E. Latham & A. Saxe, "Understanding Unimodal
//! Bias in Multimodal Deep Linear Networks" (ICML 2024, arXiv 2312.00935).
//!
//! # Map
//!
//! Data flow one way, from the top of this list to its end; a room uses only rooms above it
//! (`tests/architecture.rs` checks that).
//!
//! | room | what it has |
//! |---|---|
//! | [`error`] | the one error type |
//! | [`section`] | what the sections of a scenario are made of: range checks, alternatives |
//! | [`linalg`] | thin products, Krylov bases, pseudo-inverse, streams of random numbers |
//! | [`data`] | sources of data as second moments, and as samples where networks ask for them |
//! | [`network`] | layers, activations, initial weights and their files |
//! | [`remedy`] | what is done against unimodal bias, as other moments and other rates |
//! | [`flow`] | loss, gradient, observation: the equations; a smaller network with the same flow |
//! | [`integrate`] | adaptive integration: exponential Rosenbrock, explicit Runge-Kutta |
//! | [`trajectory`] | dense output, and what is observed of it |
//! | [`theory`] | closed-form predictions, and the reduced equations in time; never sees runs |
//! | [`descent`] | discrete gradient descent: optimisers, mini-batches |
//! | [`analysis`] | plateaus, phase, curvature, generalisation, saddle visits; never sees theory |
//! | [`experiment`] | a scenario made ready, run, and set beside theory |
//! | [`diagnosis`] | what unimodal bias does to some data, and what would change it |
//!
//! # Example
//!
//! ```
//! use modalflow::experiment::{Scenario, problem::Problem, run::run};
//!
//! let text = r#"{
//!     "data": {"toy": {"sigma": {"A": 2.0, "B": 1.0}, "target": {"A": 1.0, "B": 1.0}}},
//!     "network": {"depth": 2, "fusion_layer": 2, "width": 100},
//!     "init": {"gaussian": {"std": 1e-6}},
//!     "flow": {"until": {"time": 20.0}}
//! }"#;
//! let scenario: Scenario = serde_json::from_str(text)?;
//! scenario.check()?;
//! let problem = Problem::prepare(&scenario)?;
//! let result = run(&problem, &mut |_progress| true);
//! let measured = result.flow.detection.phase.ratio.unwrap();
//! let predicted = result.theory.ratio.unwrap();
//! assert!((measured / predicted - 1.0).abs() < 0.05);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
pub mod data;
pub mod descent;
pub mod diagnosis;
pub mod error;
pub mod experiment;
pub mod flow;
pub mod integrate;
pub mod linalg;
pub mod network;
pub mod remedy;
pub mod section;
pub mod theory;
pub mod trajectory;
