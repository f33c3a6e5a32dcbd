//! `counterfoil config`: shown and checked without starting anything.

use std::io::Write;

use serde_json::json;

use crate::cli::{ConfigCommand, From};
use crate::config::{self, Problems, Role, Sources, Variables};
use crate::failure::Failure;

pub fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Print { from, json } => print(from, *json),
        ConfigCommand::Check { from, role, json } => check(from, *role, *json),
    }
}

fn print(from: &From, json: bool) -> Result<(), Failure> {
    let variables = Variables::of_the_process();
    let untouched = from.config.is_none() && !variables.override_something();
    let mut tree = Sources { file: from.config.as_deref(), variables, needed: &[] }.tree()?;
    config::veil(&mut tree);
    let text = match (json, untouched) {
        (true, _) => format!("{}\n", json!(tree)),
        (false, true) => config::DEFAULT.to_owned(),
        (false, false) => toml::to_string(&tree).map_err(|error| Failure::Fault(error.into()))?,
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn check(from: &From, role: Option<Role>, json: bool) -> Result<(), Failure> {
    let one = role.map(|role| [role]);
    let needed = one.as_ref().map_or(&Role::ALL[..], |one| &one[..]);
    let sources = Sources { file: from.config.as_deref(), variables: Variables::of_the_process(), needed };
    match sources.config() {
        Ok(_) => {
            let text = if json { "{\"ok\":true}\n" } else { "the configuration is good\n" };
            Ok(std::io::stdout().write_all(text.as_bytes())?)
        }
        Err(Problems(problems)) => {
            if json {
                let lines: String =
                    problems.iter().map(|problem| format!("{}\n", json!({"problem": problem}))).collect();
                std::io::stdout().write_all(lines.as_bytes())?;
            }
            Err(Problems(problems).into())
        }
    }
}
