//! `admin audit` and `admin signer`: what the front office did, and what it signs with.

use base::Fault;
use clap::Subcommand;
use serde_json::{Value, json};

use super::commands::Call;
use super::print::{self, Column};
use super::wire;
use crate::failure::Failure;

#[derive(Subcommand)]
pub enum Audit {
    /// Read every line of every chain, and say what does not fit together.
    Verify,
    /// Print one chain as JSON lines, the oldest first: a tenant's, or that of what is about no tenant.
    Export {
        #[arg(long)]
        tenant: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum Signer {
    /// Sign sessions with a new key pair from now on. Sessions that the old one signed go on until they expire.
    Rotate,
}

impl Audit {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        match self {
            Audit::Verify => {
                let found = call.control().get("/audit", &json!({})).await?;
                let columns: &[Column] = &[("chains", "chains"), ("lines", "lines"), ("entries", "entries")];
                call.print_rows(&found, columns)?;
                let wrong: Vec<&str> =
                    found["wrong"].as_array().into_iter().flatten().flat_map(Value::as_str).collect();
                match wrong.is_empty() {
                    true => Ok(()),
                    false => Err(Failure::Store(Fault::new(format!("the audit log is broken: {}", wrong.join("; "))))),
                }
            }
            Audit::Export { tenant } => {
                let mut printed = Ok(());
                let mut print = |line: Value| {
                    if printed.is_ok() {
                        printed = print::rows(&line, &[], true);
                    }
                };
                call.control().post_lines("/audit/export", &wire::OfAudit { tenant }, &mut print).await?;
                printed
            }
        }
    }
}

impl Signer {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let Signer::Rotate = self;
        call.print_rows(&call.control().post("/signer/rotate", &json!({})).await?, &[("epoch", "epoch")])
    }
}
