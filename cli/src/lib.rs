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
//! | [`commands`] | one file a command |
//! | [`args`], [`error`], [`progress`] | the command line, its errors, its progress |

pub mod args;
pub mod commands;
pub mod error;
pub mod figures;
mod machine;
mod names;
pub mod output;
pub mod plot;
pub mod progress;
pub mod report;
pub mod scenario;
pub mod sweep;
