//! The command `modalflow`: parse, execute, print the error, exit.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = modalflow_cli::commands::args::Cli::parse();
    match modalflow_cli::commands::execute(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            modalflow_cli::commands::warn(&format!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}
