//! What a request showed, and whose session that is: everything that can be judged without a row is judged before one is read.

use ::store::Reader;
use base::{Fault, SessionId, Time, UserId};

use super::begin;
use super::state;
use super::store::{INSTALLATION, InstallationRow, SessionRow};
use crate::proof::{Carried, Denied, From, Presented, Session};
use crate::signers::{self, SignerRow};
use crate::tokens::{self, Claims, Standing};
use crate::users::UserRow;
use crate::{Control, seats};

/// What a request showed, as far as it can be judged without a row.
pub(super) enum Shown {
    Token { epoch: u64, claims: Claims },
    Cookie { person: UserId, id: SessionId, mac: String },
}

impl Shown {
    pub(super) fn of(control: &Control, presented: Presented<'_>) -> Option<Shown> {
        match presented {
            Presented::Bearer(text) => {
                let (epoch, claims) = tokens::read(&control.secrets().signer, text)?;
                Some(Shown::Token { epoch, claims })
            }
            Presented::Cookie(text) => {
                let (person, rest) = text.split_once('.')?;
                let (id, _) = rest.split_once('.')?;
                let mac = begin::mac_of(control, text);
                Some(Shown::Cookie { person: person.parse().ok()?, id: id.parse().ok()?, mac })
            }
        }
    }

    pub(super) fn session(
        &self,
        control: &Control,
        reader: &Reader<'_>,
        from: &From,
        now: Time,
    ) -> Result<Result<Session, Denied>, Fault> {
        if let Err(denied) = self.stands(control, reader, now)? {
            return Ok(Err(denied));
        }
        let (person, id) = match self {
            Shown::Token { claims, .. } => (&claims.sub, &claims.sid),
            Shown::Cookie { person, id, .. } => (person, id),
        };
        let row = reader.get::<SessionRow>(&SessionRow::keyed(person, id))?.filter(|row| self.carries(row));
        let Some(row) = row else { return Ok(Err(Denied::Unauthenticated)) };
        if let Err(denied) = state::live(&row, now) {
            return Ok(Err(denied));
        }
        let user = reader.get::<UserRow>(&UserRow::keyed(person))?;
        let Some((user, role)) = user.zip(seats::role_of(reader, &row.tenant, person)?) else {
            return Ok(Err(Denied::Revoked));
        };
        Ok(Ok(Session {
            user: user.id,
            id: row.id,
            tenant: row.tenant,
            role,
            verified: user.verified_at.is_some(),
            preferred: user.preferred,
            carried: row.carried,
            proved: row.proved,
            from: from.clone(),
        }))
    }

    /// Whether a token's epoch, installation and time are good. A cookie has none of them.
    fn stands(&self, control: &Control, reader: &Reader<'_>, now: Time) -> Result<Result<(), Denied>, Fault> {
        let Shown::Token { epoch, claims } = self else { return Ok(Ok(())) };
        let installation = reader.get::<InstallationRow>(&INSTALLATION.to_owned())?;
        let signer = reader.get::<SignerRow>(&SignerRow::keyed(epoch))?;
        let good = signer.is_some_and(|signer| signers::verifies(&signer, control.settings().session, now));
        let standing = installation.filter(|_| good).map(|installation| claims.standing(&installation.id, now));
        Ok(match standing {
            Some(Standing::Good) => Ok(()),
            Some(Standing::Past) => Err(Denied::Expired),
            Some(Standing::Foreign) | None => Err(Denied::Unauthenticated),
        })
    }

    /// Whether the session is carried in this way, and by this cookie.
    fn carries(&self, row: &SessionRow) -> bool {
        match self {
            Shown::Token { .. } => row.carried == Carried::Bearer,
            Shown::Cookie { mac, .. } => {
                let kept = row.cookie_mac.as_deref().unwrap_or_default();
                row.carried == Carried::Cookie && base::mac::equal(kept.as_bytes(), mac.as_bytes())
            }
        }
    }
}
