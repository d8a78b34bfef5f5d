//! One file a command.
//!
//! | file | what it has |
//! |---|---|
//! | `mod.rs` | which command is asked for; `schema`, `completions`; what commands share |
//! | `args.rs`, `progress.rs` | the command line, progress on standard error |
//! | `folder.rs` | what earlier calls left in an output folder |
//! | `interrupt.rs` | what signals do |
//! | `job.rs` | a scenario, and where its results go |
//! | `check.rs` | `check` |
//! | `theory.rs` | `theory` |
//! | `diagnose.rs` | `diagnose` |
//! | `explore.rs` | `explore` |
//! | `run.rs` | `run` |
//! | `sweep/` | `sweep`, `merge` |

pub mod args;
mod check;
mod diagnose;
mod explore;
mod folder;
mod interrupt;
mod job;
mod progress;
mod run;
mod sweep;
mod theory;

use crate::error::{Error, Result};
use crate::output;
use crate::plot::{self, Format, Page};
use crate::scenario;
use args::{Cli, Command, Options};
use clap::CommandFactory;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Exit code of an interrupted command.
const INTERRUPTED: u8 = 130;

/// Does what the command line asks for; gives back the exit code.
///
/// # Errors
/// Whatever kept the command from doing its work; see [`Error::exit_code`].
pub fn execute(Cli { command, options }: Cli) -> Result<u8> {
    interrupt::watch();
    let options = Options {
        out: scenario::expand_home(&options.out),
        ..options
    };
    match command {
        Command::Run(call) => run::run_scenarios(&call, &options.with(&call.scenarios)),
        Command::Sweep(call) => sweep::sweep_scenarios(&call, &options.with(&call.scenarios)),
        Command::Merge { folders, svg } => sweep::merge(&folders, svg, &options),
        Command::Check(call) => check::check(&call.scenarios, &options.with(&call)),
        Command::Theory(call) => theory::theory(&call.scenarios, &options.with(&call)),
        Command::Diagnose(call) => diagnose::diagnose(&call, &options),
        Command::Explore(call) => explore::explore(&call, &options),
        Command::Schema { markdown } => {
            let page = match markdown {
                true => scenario::reference(),
                false => scenario::schema(),
            };
            print(&page)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "modalflow", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// The exit code of a command, whose error, if there is one, is printed.
pub fn exit_code_of(result: Result<u8>) -> u8 {
    result.unwrap_or_else(|error| {
        warn(&format!("error: {error}"));
        error.exit_code()
    })
}

/// Writes to standard output. A reader that has gone away wants no more of it; anything else,
/// a full disk say, loses what was asked for.
fn print(text: &str) -> Result<u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(Error::Print { source }),
        _ => Ok(0),
    }
}

/// Writes results to standard output, as they are asked for: a line of JSON, a text, or nothing.
fn show(options: &Options, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    match options {
        // Plain data with text keys always serialises.
        Options { json: true, .. } => {
            let line = serde_json::to_string(json).unwrap_or_default();
            print(&(line + "\n")).map(drop)
        }
        Options { quiet: true, .. } => Ok(()),
        _ => print(&text()).map(drop),
    }
}

/// Writes a line to standard error. Unlike `eprintln!` it does not panic where nobody reads it.
pub fn warn(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Draws the pages of a scenario or sweep of this name, and warns of letters that its figures lack.
fn render(name: &str, pages: &[(String, Page)], svg: bool) -> Result<Vec<output::File>> {
    let drawn = plot::render(pages, formats(svg))?;
    if !drawn.missing.is_empty() {
        let letters: Vec<String> = drawn.missing.iter().take(10).map(char::to_string).collect();
        warn(&format!(
            "warning: {name}: the font of the figures lacks {} and draws boxes in place of what it lacks: write names \
             and titles in Latin, Greek or Cyrillic letters",
            letters.join(" ")
        ));
    }
    Ok(drawn.files)
}

/// The formats in which figures are written.
fn formats(svg: bool) -> &'static [Format] {
    match svg {
        true => &[Format::Png, Format::Svg],
        false => &[Format::Png],
    }
}

/// Results as `summary.json`.
fn summary_file(summary: &impl Serialize) -> output::File {
    // Plain data with text keys always serialises.
    let json = serde_json::to_string_pretty(summary).unwrap_or_default() + "\n";
    (folder::SUMMARY.to_owned(), json.into_bytes())
}

/// Names of files that were written, for the report.
fn listed(written: &[PathBuf]) -> String {
    let names = written.iter().filter_map(|path| path.file_name()?.to_str());
    names.collect::<Vec<_>>().join(", ")
}
