//! Somebody new: what is checked, hashed and drawn before the operation, and the rows that every new user has.

use ::store::{Halt, Tx};
use base::{Environment, Fault, Stop, TenantId, UserId};

use super::store::{EmailRow, UserRow};
use super::{NewUser, Refusal, Registered, email_key, state};
use crate::access::Role;
use crate::act::Act;
use crate::hashing::{self, Password};
use crate::{Control, seats};

/// Somebody new: checked, hashed and drawn before the operation.
pub(crate) struct Newcomer {
    pub(super) act: Act,
    pub(crate) id: UserId,
    pub(super) email: String,
    pub(super) email_key: String,
    first: String,
    last: String,
    pub(super) company: String,
    password: Password,
}

impl Newcomer {
    pub(crate) async fn draw(control: &Control, act: Act, new: NewUser) -> Result<Newcomer, Stop<Refusal>> {
        let NewUser { email, password, first, last, company } = new;
        let email_key = email_key(&email).ok_or(Stop::Refused(Refusal::EmailUnusable))?;
        state::check_password(&password, Some(&email)).map_err(Stop::Refused)?;
        state::check_names(&first, &last, &company).map_err(Stop::Refused)?;
        let password = hashing::hash(control, password).await?;
        Ok(Newcomer { act, id: UserId::draw(control.chance()), email, email_key, first, last, company, password })
    }

    /// The user with his first seat, and his address where it is `verified`, which nobody may have then.
    pub(crate) fn keep<R>(
        &self,
        tx: &mut Tx<'_>,
        home: &TenantId,
        verified: bool,
        role: Role,
        invited_by: Option<UserId>,
    ) -> Result<UserRow, Halt<R>> {
        let now = tx.now();
        if tx.get::<UserRow>(&UserRow::keyed(&self.id))?.is_some() {
            return Err(Halt::Faulted(Fault::busy("drew a user id that is taken; try again")));
        }
        let user = UserRow {
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
        };
        tx.put(user.clone());
        if verified {
            tx.put(EmailRow { email_key: self.email_key.clone(), person: self.id.clone() });
        }
        seats::give(tx, home, &self.id, role, invited_by)?;
        Ok(user)
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
