//! The program itself, called as a user calls it: files, exit codes, what is printed.

mod diagnose;
mod exit_codes;
mod files;
mod folders;
#[cfg(unix)]
mod interrupts;
mod networks;
mod own_data;
mod printing;
mod reproducible;
mod support;
mod sweep;
mod tables;
mod theory;
