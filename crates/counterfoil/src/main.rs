//! The binary: configuration, wiring and commands. It holds no rule of the product.

mod admin;
mod backup;
mod checkout;
mod cli;
mod config;
mod configured;
mod copy;
mod dev;
mod failure;
mod house;
mod intercom;
mod listen;
mod logs;
mod metrics;
mod migrate;
mod reference;
mod serve;
mod signal;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Requests allocate on one thread and free on another; this allocator minds that least. Measured: `docs/figures.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Admin(admin) => admin::run(admin),
        Command::Bench(options) => return bench::run(options).unwrap_or_else(|error| Failure::Fault(error).end()),
        Command::BenchReference(reference) => reference::run(reference.kind),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Migrate(options) => migrate::run(&options),
        Command::Copy(options) => copy::run(&options),
        Command::Config(command) => configured::run(&command),
    };
    done.map_or_else(Failure::end, |()| ExitCode::SUCCESS)
}
