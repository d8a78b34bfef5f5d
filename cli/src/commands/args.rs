//! Arguments of the command line.

use crate::sweep::Shard;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Gradient-flow simulator for unimodal bias in multimodal deep linear networks.
#[derive(Debug, Parser)]
#[command(name = "modalflow", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
}

const EXAMPLES: &str = "\
Examples:
  modalflow run scenarios/late_fusion.yaml
  modalflow run scenarios/*.yaml --out results --svg
  modalflow run scenarios/late_fusion.yaml --set data.toy.rho=-0.5 --set name=negative
  modalflow run scenarios/depth4_fusion4.yaml --verify
  modalflow run scenarios/late_fusion.yaml --json | jq .phase.ratio
  modalflow theory scenarios/late_fusion.yaml
  modalflow sweep scenarios/paper/two_layer.yaml --jobs 4

Exit codes: 0 done; 1 a file could not be written; 2 bad usage or scenario (nothing is written);
3 the integration or a descent failed (what was computed is written and marked so); 4 cells of a
sweep failed (the others are written); 5 with --verify, the two integrations disagree by more than
their tolerances allow (the results are written); 130 interrupted (what was finished is kept).";

const SWEEP_EXAMPLES: &str = "\
Examples:
  modalflow sweep scenarios/paper/depth4_over_rho.yaml
  modalflow sweep scenarios/paper/depth4_over_rho.yaml --set network.width=1000 --dry-run
  modalflow sweep grid.yaml --shard 3/8     # on eight machines, then:
  modalflow merge outputs/grid
  modalflow sweep grid.yaml --slurm > grid.sh && sbatch grid.sh

Every finished cell is kept at once in OUT/NAME/cells; the same call goes on where it was killed.";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Integrate, detect, compare, write OUT/NAME/ and print the report
    Run(RunArgs),
    /// Run the grid of a scenario's sweep section in parallel; go on where an earlier call ended
    #[command(after_help = SWEEP_EXAMPLES)]
    #[command(mut_arg("scenarios", |arg| arg.help("Scenario files with a sweep section; - reads one from standard input")))]
    Sweep(SweepArgs),
    /// Join the shards of a sweep: the same files as without shards
    Merge {
        /// Output folders of modalflow sweep --shard
        #[arg(required = true, value_name = "DIR")]
        folders: Vec<PathBuf>,
        /// Write the figures as SVG too
        #[arg(long)]
        svg: bool,
    },
    /// Validate only; print the resolved scenario and the problem's size
    Check(Scenarios),
    /// Print the predictions only, without integration
    Theory(Scenarios),
    /// Print the JSON Schema of scenarios, for editors
    Schema {
        /// Print the reference of all keys in Markdown, docs/scenario.md, instead
        #[arg(long)]
        markdown: bool,
    },
    /// Print a completion script
    Completions {
        /// The shell to complete in
        shell: Shell,
    },
}

/// What `run` does beside its main job.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Write the figures as SVG too
    #[arg(long)]
    pub svg: bool,
    /// Integrate once more with another method; exit code 5 where the two disagree by more than they may
    #[arg(long)]
    pub verify: bool,
    /// The scenarios.
    #[command(flatten)]
    pub scenarios: Scenarios,
}

/// How `sweep` runs, and which cells.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Cells that run at a time [default: the processor's cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Only the i-th of n equal parts of the cells, for job arrays; see modalflow merge
    #[arg(long, value_name = "i/n", default_value_t = Shard::WHOLE)]
    pub shard: Shard,
    /// Stop at the first cell that fails; those that failed in earlier calls are left as they are
    #[arg(long)]
    pub fail_fast: bool,
    /// Print the number of cells, how many are done, and the first few; run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print a job script for Slurm with N shards; without N, as many as take about an hour each, by one cell that
    /// is run for its time. --jobs is the processors of a task [default: up to 8]. Nothing is written
    // The merge draws; a task that fails fast would leave cells that no list of tasks names.
    #[arg(long, value_name = "N", num_args = 0..=1, value_parser = shard_count)]
    #[arg(conflicts_with_all = ["shard", "dry_run", "fail_fast", "svg", "json"])]
    pub slurm: Option<Option<u32>>,
    /// Write the figures as SVG too
    #[arg(long)]
    pub svg: bool,
    /// The scenarios.
    #[command(flatten)]
    pub scenarios: Scenarios,
}

/// A number of shards.
fn shard_count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok();
    count
        .filter(|count| (1..=Shard::MOST).contains(count))
        .ok_or_else(|| {
            format!(
                "write a number of shards from 1 to {}; without one, write the scenario before --slurm",
                Shard::MOST
            )
        })
}

/// The scenarios of a command, and what is changed in all of them.
#[derive(Debug, Args)]
pub struct Scenarios {
    /// Scenario files; - reads one from standard input, whose paths start at the current folder
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    /// Set a scenario key, as in --set data.toy.rho=0.5; repeatable; null removes a key
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Folder of the outputs
    #[arg(long, global = true, value_name = "DIR", default_value = "outputs")]
    pub out: PathBuf,
    /// Set a scenario key, as in --set data.toy.rho=0.5; repeatable; null removes a key
    // Not global, but repeated for the commands that use it: of a global option given on both
    // sides of the command, clap drops those before it.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Print errors and warnings only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print results as JSON, one line a scenario, instead of tables
    #[arg(long, global = true)]
    pub json: bool,
}

impl Options {
    /// With what is changed after the command too.
    pub(super) fn with(mut self, scenarios: &Scenarios) -> Self {
        self.set.extend_from_slice(&scenarios.set);
        self
    }
}
