//! One file a command.
//!
//! | file | what it has |
//! |---|---|
//! | `mod.rs` | which command is asked for; `schema`, `completions`; what commands share |
//! | `args.rs`, `progress.rs` | the command line, progress on standard error |
//! | `check.rs` | `check` |
//! | `theory.rs` | `theory` |
//! | `run.rs` | `run` |
//! | `sweep/` | `sweep`, `merge` |

pub mod args;
mod check;
mod progress;
mod run;
mod sweep;
mod theory;

use crate::error::{Error, Result};
use crate::scenario::{self, Loaded};
use crate::sweep::{Plan, memory};
use args::{Cli, Command, Options};
use clap::CommandFactory;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use std::collections::HashSet;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Does what the command line asks for; gives back the exit code.
///
/// # Errors
/// Whatever kept the command from doing its work; see [`Error::exit_code`].
pub fn execute(cli: Cli) -> Result<u8> {
    let Cli {
        command,
        mut options,
    } = cli;
    match command {
        Command::Run {
            scenarios,
            svg,
            verify,
            changes,
        } => {
            options.set.extend(changes.set);
            run::run_scenarios(&scenarios, run::RunOptions { svg, verify }, &options)
        }
        Command::Sweep {
            scenarios,
            jobs,
            shard,
            fail_fast,
            dry_run,
            svg,
            changes,
        } => {
            options.set.extend(changes.set);
            let jobs = jobs.map_or_else(sweep::all_cores, usize::from);
            let plan = Plan { jobs, fail_fast };
            let call = sweep::SweepOptions { plan, shard, svg };
            if dry_run {
                sweep::dry_run(&scenarios, &call, &options)
            } else {
                sweep::sweep_scenarios(&scenarios, &call, &options)
            }
        }
        Command::Merge { folders, svg } => sweep::merge(&folders, svg, &options),
        Command::Check { scenarios, changes } => {
            options.set.extend(changes.set);
            check::check(&scenarios, &options)
        }
        Command::Theory { scenarios, changes } => {
            options.set.extend(changes.set);
            theory::theory(&scenarios, &options)
        }
        Command::Schema { markdown } => {
            let page = match markdown {
                true => scenario::reference(),
                false => scenario::schema(),
            };
            print(&page)?;
            Ok(0)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "modalflow", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(0)
        }
    }
}

/// Writes to standard output. A reader that has gone away wants no more of it; anything else,
/// a full disk warn, loses what was asked for.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(Error::Print { source }),
        _ => Ok(()),
    }
}

fn print_json<T: serde::Serialize>(value: &T) -> Result<()> {
    // Plain data with text keys always serialises.
    let line = serde_json::to_string(value).unwrap_or_default();
    print(&(line + "\n"))
}

/// Writes a line to standard error. Unlike `eprintln!` it does not panic where nobody reads it.
pub fn warn(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A scenario ready to run, and what its errors and paths refer to.
struct Prepared {
    name: String,
    loaded: Loaded,
    problem: Problem,
    /// How long drawing, reading and reducing took.
    prepare_seconds: f64,
}

/// Loads and prepares every scenario before any is run, so that a mistake in the last one shows
/// before anything is computed or written.
fn prepare_all(paths: &[PathBuf], options: &Options) -> Result<Vec<Prepared>> {
    let prepared: Vec<Prepared> = paths
        .iter()
        .map(|path| {
            let clock = Instant::now();
            let loaded = Loaded::read(path, &options.set)?;
            let problem = Problem::prepare_within(&loaded.file.scenario, memory())
                .map_err(|error| loaded.source.locate(error.into()))?;
            let name = loaded.file.scenario.name.clone().unwrap_or_default();
            for warning in &problem.warnings {
                warn(&format!("warning: {name}: {warning}"));
            }
            Ok(Prepared {
                name,
                loaded,
                problem,
                prepare_seconds: clock.elapsed().as_secs_f64(),
            })
        })
        .collect::<Result<_>>()?;
    let mut names = HashSet::new();
    match prepared
        .iter()
        .find(|prepared| !names.insert(&prepared.name))
    {
        None => Ok(prepared),
        Some(twice) => Err(named_twice(&twice.name)),
    }
}

/// A command writes or removes files of some names in its folder: none may be what it starts from.
fn ensure_inputs_stay(
    folder: &Path,
    scenario: &Scenario,
    is_written: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let mut scenario = scenario.clone();
    let Ok(folder) = folder.canonicalize() else {
        return Ok(());
    };
    let own = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(is_written)
            && path
                .canonicalize()
                .is_ok_and(|p| p.parent() == Some(&folder))
    };
    let files = scenario.files_mut();
    match files.iter().map(|(_, path)| path).find(|path| own(path)) {
        None => Ok(()),
        Some(path) => Err(Error::Usage {
            problem: format!(
                "the call would replace or remove {}, which it starts from",
                path.display()
            ),
            remedy: "give the scenario another name, or choose another folder with --out".into(),
        }),
    }
}

fn named_twice(name: &str) -> Error {
    Error::Usage {
        problem: format!("two scenarios are named {name}, and would overwrite each other"),
        remedy: "give them different names, or run them with different --out folders".into(),
    }
}
