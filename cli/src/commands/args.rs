//! Arguments of the command line.

use crate::sweep::Shard;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use modalflow::diagnosis::{DIVISIONS, RESAMPLES};
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
    /// What unimodal bias does to some data, and what to do about it; write OUT/NAME/diagnosis.*
    #[command(after_help = DIAGNOSE_EXAMPLES)]
    Diagnose(Box<DiagnoseArgs>),
    /// Change a scenario by hand on a page of your browser, and see what becomes of it at once
    #[command(after_help = EXPLORE_EXAMPLES)]
    Explore(ExploreArgs),
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

const DIAGNOSE_EXAMPLES: &str = "\
Examples:
  modalflow diagnose scenarios/diabetes.yaml
  modalflow diagnose --modality audio=audio.npy --modality video=video.npy --label animals.npy
  modalflow diagnose --table cohort.csv --modality body='age,bmi' \\
    --modality serum='s*' --target progression

A scenario needs a data section only. What is missing is depth 4, width 100,
initial layers of norm 0.1, and a fifth of the rows held out. Every fusion layer
is tried. The exit code is 0 whatever the verdict.";

/// What is diagnosed: a scenario, or data that options name.
#[derive(Debug, Args)]
pub struct DiagnoseArgs {
    /// A scenario with a data section at least; - reads one from standard input
    #[arg(value_name = "SCENARIO", conflicts_with_all = ["modality", "table", "target", "label"])]
    pub scenario: Option<PathBuf>,
    /// Inputs of a modality: an array in a file (.npy, .npz#name, .safetensors#name), or with --table columns of it,
    /// separated by commas: names, patterns (gene_*), ranges (s1..s6), or the word rest; repeatable
    #[arg(long, value_name = "NAME=INPUTS")]
    pub modality: Vec<String>,
    /// A table, CSV or TSV, as it is or compressed by gzip
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Targets: an array in a file, or with --table columns of it, separated by commas
    #[arg(long, value_name = "TARGETS", conflicts_with = "label")]
    pub target: Option<String>,
    /// Classes as target: an array in a file, or with --table a column of it
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Name of the folder of the results [default: the scenario's, or diagnosis]
    #[arg(long)]
    pub name: Option<String>,
    /// Number of layers L; every fusion layer from 1 to L is tried [default: 4]
    #[arg(long, value_name = "L")]
    pub depth: Option<u64>,
    /// Width of the hidden layers [default: 100, or where the network would be large twice the outputs, 20 at least]
    #[arg(long)]
    pub width: Option<u64>,
    /// Learning rate of your descent, which times are told in steps of
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub learning_rate: Option<f64>,
    /// Rows of a mini-batch of your descent, which times are told in epochs by [default: all rows]
    #[arg(long, value_name = "ROWS", requires = "learning_rate")]
    pub batch: Option<u64>,
    /// Standard deviation of all initial weights [default: layers of Frobenius norm 0.1]
    #[arg(long, value_name = "STD", allow_negative_numbers = true)]
    pub init_std: Option<f64>,
    /// Fraction of the rows that is held out of training [default: 0.2]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    pub holdout: Option<f64>,
    /// Keep the principal components of each modality that explain this fraction of its variance
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    pub components: Option<f64>,
    /// Units of the hidden layers, relu say: times by samples beside those of linear units [default: linear]
    #[arg(long)]
    pub activation: Option<String>,
    /// Seed of all random numbers [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Halves of the rows that confidence is told by
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(RESAMPLES))]
    pub resamples: u32,
    /// Divisions of the rows on which every fusion layer is trained [default: as many as the size of the flows allows, 10
    /// at most]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(DIVISIONS))]
    pub divisions: Option<u32>,
    /// Write the figure as SVG too
    #[arg(long)]
    pub svg: bool,
    /// Set a scenario key, as in --set data.table.whiten=true; repeatable; null removes a key
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

const EXPLORE_EXAMPLES: &str = "\
Examples:
  modalflow explore
  modalflow explore scenarios/depth4_fusion3.yaml --open

The page is served to this machine only, at the address that is printed, until Ctrl-C.";

/// What is explored, and where.
#[derive(Debug, Args)]
pub struct ExploreArgs {
    /// The scenario to start with; without one a lesson; - reads one from standard input
    pub scenario: Option<PathBuf>,
    /// Port of this machine; 0 for any free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
    /// How long a run may take before it is cut short
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = budget)]
    pub budget: f64,
    /// Set a scenario key, as in --set data.toy.rho=0.5; repeatable; null removes a key
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// A time for a run.
fn budget(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds| (0.01..=600.0).contains(seconds))
        .ok_or_else(|| "write a number of seconds from 0.01 to 600".to_owned())
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
