//! Somebody new: what is checked, hashed and drawn before the operation, and the rows that every new user has.

use ::store::{Halt, Tx};
use base::{Environment, Fault, Stop, TenantId, UserId};

use super::store::UserRow;
use super::{NewUser, Refusal, Registered, email_key, state};
use crate::access::Role;
use crate::act::Act;
use crate::hashing::{self, Password};
use crate::{Control, seats};

/// Somebody new: checked, hashed and drawn before the operation.
pub(super) struct Newcomer {
    pub(super) act: Act,
    pub(super) id: UserId,
    pub(super) email: String,
    pub(super) email_key: String,
    first: String,
    last: String,
    pub(super) company: String,
    password: Password,
}

impl Newcomer {
    pub(super) async fn draw(control: &Control, act: Act, new: NewUser) -> Result<Newcomer, Stop<Refusal>> {
        let NewUser { email, password, first, last, company } = new;
        let email_key = email_key(&email).ok_or(Stop::Refused(Refusal::EmailUnusable))?;
        state::check_password(&password, Some(&email)).map_err(Stop::Refused)?;
        state::check_names(&first, &last, &company).map_err(Stop::Refused)?;
        let password = hashing::hash(control, password).await?;
        Ok(Newcomer { act, id: UserId::draw(control.chance()), email, email_key, first, last, company, password })
    }

    /// The user and the owner's seat.
    pub(super) fn keep(&self, tx: &mut Tx<'_>, home: &TenantId, verified: bool) -> Result<(), Halt<Refusal>> {
        let now = tx.now();
        if tx.get::<UserRow>(&UserRow::keyed(&self.id))?.is_some() {
            return Err(Halt::Faulted(Fault::busy("drew a user id that is taken; try again")));
        }
        tx.put(UserRow {
            id: self.id.clone(),
            email: self.email.clone(),
            email_key: self.email_key.clone(),
            first: self.first.clone(),
            last: self.last.clone(),
            password: self.password.clone(),
            verified_at: verified.then_some(now),
            home: home.clone(),
            preferred: Environment::Sandbox,
            created_at: now,
            passwords_changed_at: now,
        });
        seats::give(tx, home, &self.id, Role::Owner, None)?;
        Ok(())
    }

    pub(super) fn registered(&self, tenant: &TenantId) -> Registered {
        Registered {
            user: self.id.clone(),
            tenant: tenant.clone(),
            email: self.email.clone(),
            first: self.first.clone(),
            last: self.last.clone(),
        }
    }
}
