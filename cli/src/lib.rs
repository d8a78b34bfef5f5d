//! The program `modalflow`: scenario files, sweeps, reports, figures, commands.
//!
//! | module | what it does |
//! |---|---|
//! | [`scenario`] | the YAML file: reading, positions of mistakes, overrides |
//! | [`sweep`] | a grid of runs: in parallel, resumable, in shards |
//! | [`report`] | results as text, JSON and CSV |
//! | [`figures`] | what is drawn |
//! | [`plot`] | how it is drawn |
//! | [`output`] | the only writer of files |
//! | [`explore`] | the page on which a scenario is changed by hand: server, controls, answers |
//! | [`commands`] | one file a command |
//! | [`error`] | the program's errors, and the exit code of each |

pub mod commands;
pub mod error;
pub mod explore;
pub mod figures;
pub mod output;
pub mod plot;
pub mod report;
pub mod scenario;
pub mod sweep;
