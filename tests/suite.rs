//! All tests of the library, linked once.

mod analytic;
mod architecture;
mod common;
mod convergence;
mod curvature;
mod data;
mod detector;
mod edge_cases;
mod exponential;
mod generalise;
mod golden;
mod images;
mod init;
mod invariants;
mod modes;
mod nonlinear;
mod order;
mod phase_plane;
mod reachable;
mod reduction;
mod stepping;
mod theory_curve;
mod two_layer;
mod verdicts;
mod verification;
mod xor;
