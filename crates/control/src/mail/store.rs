//! The row of a mail.

use base::{TicketId, Time, UserId};
use serde_json::Value;

use super::state::Kind;
use crate::json_row::json_row;

json_row! {
    /// One mail, without its ticket's text.
    #[derive(Clone, Debug, PartialEq)]
    MailRow, slot 9, "mail", keep 5_000,
    key { id: String, }
    body {
        kind: Kind,
        address: String,
        person: Option<UserId>,
        ticket: Option<TicketId>,
        facts: Value,
        put_at: Time,
        attempts: u32,
        last_error: Option<String>,
        taken_until: Option<Time>,
        sent_at: Option<Time>,
        /// Its place on the agenda; none when it is sent or given up.
        due_at: Option<Time>,
    }
}
