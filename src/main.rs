//! The command `modalflow`: parse, execute, print the error, exit.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = modalflow::cli::Cli::parse();
    match modalflow::app::execute(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            modalflow::app::say(&format!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}
