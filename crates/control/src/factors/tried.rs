//! One proof by a factor, whichever it is: judged, counted where it could be guessed, and used up.

use ::store::{Missing, Tx};
use base::{Fault, UserId};

use crate::proof::{From, ProofKind};
use crate::sessions::Proof;
use crate::throttle::{self, Scope, Throttled};
use crate::{Control, passkeys, recovery, totp};

/// A proof, judged as far as it can be out of an operation.
pub(super) struct Try {
    person: UserId,
    shown: Shown,
    /// For codes that can be guessed: of this network, and of all that never signed in to this address.
    scopes: Vec<Scope>,
}

#[derive(Clone)]
enum Shown {
    Totp(totp::Shown),
    Recovery(recovery::Shown),
    Passkey(passkeys::Shown),
}

impl Try {
    /// `None`: a password is no second factor.
    pub(super) fn of(
        control: &Control,
        from: &From,
        person: &UserId,
        email_key: &str,
        proof: Proof,
        of: passkeys::For,
    ) -> Result<Option<Try>, Fault> {
        let (shown, guessable) = match proof {
            Proof::Password(_) => return Ok(None),
            Proof::Code(code) => (Shown::Totp(totp::shown(control, person, &code)?), true),
            Proof::Recovery(code) => (Shown::Recovery(recovery::shown(control, person, &code)), false),
            Proof::Passkey(assertion) => (Shown::Passkey(passkeys::shown(control, person, of, &assertion)?), false),
        };
        let mut scopes = vec![];
        if guessable {
            scopes.push(Scope::codes(control, person, from.net));
            let known = [Scope::known(control, email_key, from.net)];
            let known = throttle::standing(control, &known, control.now())?.is_some();
            scopes.extend((!known).then(|| Scope::codes_from_anywhere(control, person)));
        }
        Ok(Some(Try { person: person.clone(), shown, scopes }))
    }

    pub(super) fn kind(&self) -> ProofKind {
        match &self.shown {
            Shown::Totp(_) => ProofKind::Totp,
            Shown::Recovery(_) => ProofKind::Recovery,
            Shown::Passkey(_) => ProofKind::Passkey,
        }
    }

    pub(super) fn spend(&self, tx: &mut Tx<'_>) -> Result<Option<Throttled>, Missing> {
        let now = tx.now();
        throttle::spend(tx, &self.scopes, now)
    }

    /// Uses the proof up; tries before a right one are forgiven.
    pub(super) fn use_up(&self, tx: &mut Tx<'_>) -> Result<bool, Missing> {
        let right = match &self.shown {
            Shown::Totp(shown) => shown.use_up(tx, &self.person)?,
            Shown::Recovery(shown) => shown.use_up(tx, &self.person)?,
            Shown::Passkey(shown) => shown.use_up(tx, &self.person)?,
        };
        if right {
            throttle::forgive(tx, &self.scopes)?;
        }
        Ok(right)
    }
}
