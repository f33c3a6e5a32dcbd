//! The row of an environment's choice.

use base::{Environment, TenantId, UserId};

use super::state::Events;
use crate::json_row::json_row;

json_row! {
    /// What is told of one environment, and to whom. Without a row it is as usual.
    #[derive(Clone, Debug, PartialEq)]
    NotificationRow, slot 30, "notification", keep 5_000,
    key {
        of: TenantId,
        environment: Environment,
    }
    body {
        /// In the order in which they were named. Of whom none has a seat any more: the owners.
        people: Vec<UserId>,
        events: Events,
    }
}
