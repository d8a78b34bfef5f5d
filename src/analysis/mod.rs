//! What happened in a trajectory: measurements, blind to theory.
//!
//! | file | what it measures |
//! |---|---|
//! | `detector/` | plateaus, half-height crossings, the unimodal phase |
//! | `curvature/` | eigenvalues of the Hessian along the flow |
//! | `generalisation/` | early stopping, shares of the map, permanent bias |
//! | `saddle_visits.rs` | how near descent comes to each saddle, how often and for how long |
//! | `target_components.rs` | which parts of the target were learned, and when |
//! | `ablation.rs` | the loss without each modality |
//! | `balancedness.rs` | conserved matrices, a meter of the integrator's error |
//! | `rest/` | whether the flow rests at a critical point |

pub mod ablation;
pub mod balancedness;
pub mod curvature;
pub mod detector;
pub mod generalisation;
pub mod rest;
pub mod saddle_visits;
pub mod target_components;
