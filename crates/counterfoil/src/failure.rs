//! How a command ends when it does not end well. Exit codes are part of the command line's contract
//! (`docs/operations.md`).

use std::process::ExitCode;

use base::Fault;

use crate::config::Problems;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// 2: the command line or the configuration is wrong.
    Usage(String),
    /// 3: the server said no, by the rules.
    Refused(String),
    /// 70: a store could not be opened, or cannot be trusted.
    Store(Fault),
    /// 1: anything else that broke.
    Fault(anyhow::Error),
}

impl Failure {
    /// Says what is wrong on stderr and answers the exit code.
    pub fn end(self) -> ExitCode {
        let (code, text) = match self {
            Failure::Usage(text) => (2, text),
            Failure::Refused(text) => (3, text),
            Failure::Store(fault) => (70, fault.chain()),
            Failure::Fault(error) => (1, format!("{error:#}")),
        };
        eprintln!("error: {text}");
        ExitCode::from(code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Fault(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Fault(error.into())
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        let count = problems.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        Failure::Usage(format!(
            "the configuration has {count} {noun}; nothing was started\n  {}",
            problems.0.join("\n  ")
        ))
    }
}
