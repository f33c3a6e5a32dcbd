//! `admin user`: people who sign in at the front office.

use clap::Subcommand;

use super::commands::Call;
use super::wire;
use crate::failure::Failure;

#[derive(Subcommand)]
pub enum User {
    /// Take away every second factor of a user who has lost them. The password alone signs in again: make sure of the person first.
    ForgetFactors {
        email: String,
        /// For the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

impl User {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let User::ForgetFactors { email, reason } = self;
        let ask = wire::ForgetFactors { email, reason };
        call.print_rows(&call.control().post("/users/forget-factors", &ask).await?, &[("user", "user")])
    }
}
