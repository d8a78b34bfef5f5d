//! The command `modalflow`: parse, execute, print the error, exit.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = modalflow_cli::commands::args::Cli::parse();
    let result = modalflow_cli::commands::execute(cli);
    ExitCode::from(modalflow_cli::commands::exit_code_of(result))
}
