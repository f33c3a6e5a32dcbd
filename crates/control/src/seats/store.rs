//! The rows of seats: by tenant, and by user.

use base::{TenantId, Time, UserId};

use crate::access::Role;
use crate::json_row::json_row;

json_row! {
    /// One seat.
    #[derive(Clone, Debug, PartialEq)]
    SeatRow, slot 12, "seat", keep 5_000,
    key {
        of: TenantId,
        person: UserId,
    }
    body {
        role: Role,
        since: Time,
        invited_by: Option<UserId>,
    }
}

json_row! {
    /// In which tenants a user has a seat; written with the seat.
    #[derive(Clone, Debug, PartialEq)]
    SeatOfRow, slot 13, "seat_of", keep 5_000,
    key {
        person: UserId,
        of: TenantId,
    }
    body {}
}
