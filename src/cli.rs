//! Arguments of the command line.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Gradient-flow simulator for unimodal bias in multimodal deep linear networks.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
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

Exit codes: 0 done; 1 a file could not be written; 2 bad usage or scenario (nothing is written);
3 the integration or a descent failed (what was computed is written and marked so); 130 interrupted.";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Integrate, detect, compare, write OUT/NAME/ and print the report
    Run {
        /// Scenario files
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<PathBuf>,
        /// Write the figures as SVG too
        #[arg(long)]
        svg: bool,
        /// Integrate once more with another method and report the largest disagreement
        #[arg(long)]
        verify: bool,
        /// Changes to the scenarios.
        #[command(flatten)]
        changes: Changes,
    },
    /// Validate only; print the resolved scenario and the problem's size
    Check {
        /// Scenario files
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<PathBuf>,
        /// Changes to the scenarios.
        #[command(flatten)]
        changes: Changes,
    },
    /// Print the predictions only, without integration
    Theory {
        /// Scenario files
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<PathBuf>,
        /// Changes to the scenarios.
        #[command(flatten)]
        changes: Changes,
    },
    /// Print the JSON Schema of scenarios, for editors
    Schema,
    /// Print a completion script
    Completions {
        /// The shell to complete in
        shell: Shell,
    },
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

/// Changes to scenarios, after the command.
#[derive(Debug, Clone, Args)]
pub struct Changes {
    /// Set a scenario key, as in --set data.toy.rho=0.5; repeatable; null removes a key
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}
