//! The row of an invitation.

use base::{TenantId, TicketId, Time, UserId};

use crate::access::Role;
use crate::json_row::json_row;

json_row! {
    /// One invitation that is open. What is accepted or withdrawn is in the audit log alone.
    #[derive(Clone, Debug, PartialEq)]
    InvitationRow, slot 26, "invitation", keep 5_000,
    key {
        of: TenantId,
        /// `inv_…`.
        id: String,
    }
    body {
        /// As it was typed.
        email: String,
        email_key: String,
        role: Role,
        ticket: TicketId,
        by: UserId,
        created_at: Time,
        expires_at: Time,
    }
}
