//! All tests of the program, linked once.

mod cli;
mod descents;
mod explore;
mod figures;
mod reference;
mod scenario_errors;
mod shipped;
mod sweep;
