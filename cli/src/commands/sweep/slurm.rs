//! `modalflow sweep --slurm`.

use super::{INTERRUPTED, Sweep};
use crate::commands::args::{Options, SweepArgs};
use crate::commands::{interrupt, print};
use crate::error::{Error, Result};
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// How long a task is to take, in seconds.
const AIM: f64 = 3600.0;
/// The most tasks that are chosen: Slurm's own limit, MaxArraySize, is 1001, one above the largest number.
const MOST_TASKS: u64 = 1000;
/// Processors of a task where the call names none, and its cells keep them busy.
const PROCESSORS: u64 = 8;
/// The shortest time limit, in hours: twice the time aimed at.
const LEAST_HOURS: u64 = 2;

/// How a grid is divided into tasks.
#[derive(Debug, PartialEq, Eq)]
struct Division {
    tasks: u64,
    processors: u64,
    hours: u64,
}

impl Division {
    /// Into as many tasks as are asked for, or as take about an hour each, if a cell takes so many seconds.
    fn of(cells: u64, tasks: Option<u64>, processors: Option<u64>, seconds: Option<f64>) -> Self {
        let busy = processors.unwrap_or(PROCESSORS);
        let tasks = tasks.unwrap_or_else(|| {
            let all = seconds.unwrap_or(0.0) * cells as f64;
            let hourly = (all / busy as f64 / AIM).ceil() as u64;
            hourly.clamp(1, cells.clamp(1, MOST_TASKS))
        });
        let in_task = cells.div_ceil(tasks);
        let processors = processors.unwrap_or_else(|| in_task.clamp(1, PROCESSORS));
        let rounds = in_task.div_ceil(processors) as f64;
        let hours = (2.0 * seconds.unwrap_or(0.0) * rounds / AIM).ceil() as u64;
        Self {
            tasks,
            processors,
            hours: hours.max(LEAST_HOURS),
        }
    }
}

/// Prints the job script of a sweep.
pub(super) fn print_script(
    sweeps: &[Sweep],
    count: Option<u32>,
    call: &SweepArgs,
    options: &Options,
) -> Result<u8> {
    let (sweep, path) = match (sweeps, &call.scenarios.scenarios[..]) {
        ([sweep], [path]) if path != Path::new("-") => (sweep, path),
        _ => {
            return Err(Error::usage(
                "--slurm prints the script of one scenario, which every task reads from its file",
                "name one file, and make one call for each",
            ));
        }
    };
    let cells = sweep.grid.len();
    if let Some(count) = count.filter(|&count| u64::from(count) > cells) {
        return Err(Error::usage(
            format!("--slurm {count} is more than the {cells} cells of the sweep"),
            format!("write a number from 1 to {cells}, or --slurm without a number"),
        ));
    }
    let measured = match count {
        Some(_) => None,
        None => match measure(sweep) {
            Some(measured) => Some(measured),
            None => return Ok(INTERRUPTED),
        },
    };
    let division = Division::of(
        cells,
        count.map(u64::from),
        call.jobs.map(u64::from),
        measured.map(|(_, seconds)| seconds),
    );
    print(&script(sweep, path, &division, measured, options)?)
}

/// A cell from the middle of the grid, and how many seconds it takes; None where it is interrupted.
fn measure(sweep: &Sweep) -> Option<(u64, f64)> {
    let cell = sweep.grid.cell(sweep.grid.len() / 2);
    let clock = Instant::now();
    sweep.run(&cell, &|| !interrupt::is_asked())?;
    Some((cell.index, clock.elapsed().as_secs_f64()))
}

fn script(
    sweep: &Sweep,
    path: &Path,
    division: &Division,
    measured: Option<(u64, f64)>,
    options: &Options,
) -> Result<String> {
    let Division {
        tasks,
        processors,
        hours,
    } = division;
    let (name, cells) = (&sweep.job.name, sweep.grid.len());
    let mut changes = String::new();
    for change in &options.set {
        let _ = write!(changes, " --set {}", quoted(change)?);
    }
    let (file, out) = (path_quoted(path)?, path_quoted(&options.out)?);
    let folder = path_quoted(&sweep.job.folder)?;
    let chosen = match measured {
        None => format!(
            "The number of tasks was given, and no cell was run: set --time to what a task takes.\n\
             # The {LEAST_HOURS} hours below are a guess."
        ),
        Some((cell, seconds)) => format!(
            "Cell {cell} took {seconds:.3} s on the machine that printed this. So all cells take about {} h on one\n\
             # processor, and with {tasks} of {processors} processors a task takes about an hour or less, or one cell.\n\
             # --time is at least twice that. Cells of other values may take longer.",
            hours_of(seconds * cells as f64),
        ),
    };
    Ok(format!(
        r#"#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=1-{tasks}
#SBATCH --cpus-per-task={processors}
#SBATCH --time={hours:02}:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# {name}: {cells} cells in {tasks} tasks, printed by modalflow sweep --slurm.
#
# {chosen}
#
# Submit it in the folder where the call was made, with modalflow in the PATH: sbatch JOB
# A task that was stopped or cancelled goes on where it was: sbatch --array=3,7 JOB, or scontrol requeue.
# {tasks} stays in the last line then, as it says which cells a task has. When all tasks are done:
#   modalflow merge {folder} --out {out}
# It names the tasks that are not finished, as a list for --array.
#
# The largest number in --array is below MaxArraySize (scontrol show config | grep MaxArraySize). Where {tasks}
# is too large, print a script with fewer tasks (--slurm N), or submit this one in pieces. For a limit of 1001:
#   sbatch --array=1-1000 JOB
#   SHARD_OFFSET=1000 sbatch --array=1-... JOB     # task 1 is then shard 1001, and so on up to {tasks}
exec modalflow sweep {file}{changes} --out {out} --quiet --jobs "$SLURM_CPUS_PER_TASK" \
    --shard "$((SLURM_ARRAY_TASK_ID + ${{SHARD_OFFSET:-0}}))/{tasks}"
"#
    ))
}

/// Hours with two digits behind the point, or as many as it takes to see something.
fn hours_of(seconds: f64) -> String {
    match seconds / 3600.0 {
        hours if hours < 0.01 => format!("{hours:.1e}"),
        hours => format!("{hours:.2}"),
    }
}

fn path_quoted(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(path) => quoted(path),
        None => Err(Error::usage(
            format!(
                "{} is not UTF-8, and cannot stand in a script",
                path.display()
            ),
            "give the file or folder another name",
        )),
    }
}

/// As a word of the shell.
fn quoted(word: &str) -> Result<String> {
    match shlex::try_quote(word) {
        Ok(word) => Ok(word.into_owned()),
        Err(_) => Err(Error::usage(
            format!("{word:?} cannot stand in a script"),
            "leave the zero byte out",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(cells: u64, processors: Option<u64>, seconds: f64) -> (u64, u64, u64) {
        let division = Division::of(cells, None, processors, Some(seconds));
        (division.tasks, division.processors, division.hours)
    }

    /// 8 processors work 28,800 s in an hour.
    #[test]
    fn a_task_takes_about_an_hour() {
        assert_eq!(tasks(28_800, None, 10.0), (10, 8, 2));
        assert_eq!(tasks(28_800, Some(1), 10.0), (80, 1, 2));
        assert_eq!(tasks(180, None, 0.005), (1, 8, 2));
    }

    /// Not more tasks than cells or than Slurm takes, and no processor without a cell.
    #[test]
    fn limits_hold() {
        assert_eq!(tasks(3, None, 36_000.0), (3, 1, 20));
        assert_eq!(tasks(10, None, 7200.0), (3, 4, 4));
        assert_eq!(tasks(8_000_000, None, 36.0), (1000, 8, 20));
        let given = Division::of(24, Some(6), None, None);
        assert_eq!((given.tasks, given.processors, given.hours), (6, 4, 2));
    }
}
