//! The rows of users and of who has which address.

use ::store::{Missing, Tx};
use base::{Environment, TenantId, Time, UserId};

use crate::access::Role;
use crate::hashing::Password;
use crate::json_row::json_row;

json_row! {
    /// One dashboard user. Not `Debug`: it holds a password's hash.
    #[derive(Clone, PartialEq)]
    UserRow, slot 4, "dashboard_user", keep 5_000,
    key { id: UserId, }
    body {
        /// As it was typed.
        email: String,
        email_key: String,
        first: String,
        last: String,
        password: Password,
        verified_at: Option<Time>,
        /// The tenant that a login leads to.
        home: TenantId,
        preferred: Environment,
        created_at: Time,
        passwords_changed_at: Time,
    }
}

json_row! {
    /// Who has proved an address: the unique place of it.
    #[derive(Clone, Debug, PartialEq)]
    EmailRow, slot 5, "email", keep 5_000,
    key { email_key: String, }
    body { person: UserId, }
}

json_row! {
    /// Who registered last with an address and has not proved it.
    #[derive(Clone, Debug, PartialEq)]
    PendingEmailRow, slot 6, "pending_email", keep 5_000,
    key { email_key: String, }
    body { person: UserId, }
}

/// A user as the dashboard shows it, in the tenant of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserView {
    pub id: UserId,
    pub email: String,
    pub first: String,
    pub last: String,
    pub tenant: TenantId,
    pub role: Role,
    pub verified: bool,
    pub preferred: Environment,
}

impl UserRow {
    /// As a session in this tenant shows it.
    pub(crate) fn view(&self, tenant: &TenantId, role: Role) -> UserView {
        UserView {
            id: self.id.clone(),
            email: self.email.clone(),
            first: self.first.clone(),
            last: self.last.clone(),
            tenant: tenant.clone(),
            role,
            verified: self.verified_at.is_some(),
            preferred: self.preferred,
        }
    }
}

/// Who has an address: who proved it, and who registered last with it and has not.
pub(crate) struct Holders {
    pub(crate) proved: Option<UserId>,
    pub(crate) pending: Option<UserId>,
}

/// Who has this address now. The same rows are read for every address, also for one that nobody has.
pub(crate) fn holders(tx: &mut Tx<'_>, email_key: &str) -> Result<Holders, Missing> {
    let key = email_key.to_owned();
    tx.want::<EmailRow>(&key);
    tx.want::<PendingEmailRow>(&key);
    let proved = tx.get::<EmailRow>(&key)?.map(|row| row.person);
    let pending = tx.get::<PendingEmailRow>(&key)?.map(|row| row.person);
    Ok(Holders { proved, pending })
}
