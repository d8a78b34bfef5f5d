//! All tests of the public interface, linked once.

mod analytic;
mod architecture;
mod cli;
mod common;
mod convergence;
mod curvature;
mod data;
mod detector;
mod edge_cases;
mod exponential;
mod figures;
mod generalise;
mod golden;
mod images;
mod init;
mod invariants;
mod nonlinear;
mod phase_plane;
mod reduction;
mod scenario_errors;
mod stepping;
mod sweep;
mod theory_curve;
mod two_layer;
mod xor;
