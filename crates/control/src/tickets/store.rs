//! The row of a ticket.

use base::{TenantId, TicketId, Time, UserId};

use super::state::Purpose;
use crate::json_row::json_row;

json_row! {
    /// One ticket, without the part that proves it.
    #[derive(Clone, Debug, PartialEq)]
    TicketRow, slot 8, "ticket", keep 5_000,
    key { id: TicketId, }
    body {
        purpose: Purpose,
        person: Option<UserId>,
        email_key: String,
        tenant: Option<TenantId>,
        issued_at: Time,
        expires_at: Time,
        used_at: Option<Time>,
        /// Wrong answers that came with it, where it takes several.
        wrong: u32,
    }
}
