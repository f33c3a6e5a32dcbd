//! Challenges and what answers them: the half of the door in which a passkey is used.

use ::store::{Halt, Missing, Tx};
use base::{Fault, SessionId, Stop, TicketId, UserId};
use data_encoding::BASE64URL_NOPAD;

use super::said::{self, PublicKey};
use super::state::{self, Site};
use super::store::{CeremonyRow, PasskeyRow, all};
use crate::Control;
use crate::factors::Refusal;
use crate::proof::Permit;
use crate::tickets::{self, Purpose};

/// What a passkey is asked for.
pub struct Asked {
    /// In base64url.
    pub challenge: String,
    /// Ids of those that may answer.
    pub allowed: Vec<String>,
}

/// A passkey's answer, as its browser hands it over to `site`.
pub struct Assertion {
    pub site: Site,
    pub id: String,
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub signature: Vec<u8>,
}

/// What a challenge belongs to.
#[derive(Clone)]
pub(crate) enum For {
    Adding(SessionId),
    Proving(SessionId),
    SecondStep(TicketId),
}

/// Asks a passkey to prove a session's user again.
pub async fn ask_to_prove(control: &Control, permit: &Permit) -> Result<Asked, Stop<Refusal>> {
    let session = permit.session();
    asked(control, session.user().clone(), For::Proving(session.id().clone()), None).await
}

/// Asks a passkey for the second step of a login.
pub async fn ask_for_second_step(control: &Control, ticket: &str) -> Result<Asked, Stop<Refusal>> {
    let row = tickets::look(control, ticket, Purpose::SecondStep)?;
    let (ticket, person) =
        row.and_then(|row| Some((row.id, row.person?))).ok_or(Stop::Refused(Refusal::CodeInvalid))?;
    asked(control, person, For::SecondStep(ticket.clone()), Some(ticket)).await
}

async fn asked(control: &Control, person: UserId, of: For, ticket: Option<TicketId>) -> Result<Asked, Stop<Refusal>> {
    let challenge = draw(control);
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        if let Some(ticket) = &ticket {
            tickets::good(tx, ticket, Purpose::SecondStep, now)?.ok_or(Halt::Refused(Refusal::CodeInvalid))?;
        }
        let allowed = super::ids(all(tx, &person)?);
        if allowed.is_empty() {
            return Err(Halt::Refused(Refusal::NoFactor));
        }
        ask(tx, &of, &person, &challenge)?;
        Ok(Asked { challenge: challenge.clone(), allowed })
    };
    control.run(run).await
}

/// A passkey's answer, judged out of any operation against what was there then.
#[derive(Clone)]
pub(crate) struct Shown {
    of: For,
    judged: Option<Judged>,
}

/// A signature that was good.
#[derive(Clone)]
struct Judged {
    challenge: String,
    id: String,
    public_key: PublicKey,
    counter: u32,
}

/// Judges an answer. Whether it still counts is for [`Shown::use_up`].
pub(crate) fn shown(control: &Control, person: &UserId, of: For, answer: &Assertion) -> Result<Shown, Fault> {
    if !state::is_id(&answer.id) {
        return Ok(Shown { of, judged: None });
    }
    let found = control.store().read(|reader| {
        let ceremony = reader.get::<CeremonyRow>(&of.id())?;
        Ok(ceremony.zip(reader.get::<PasskeyRow>(&PasskeyRow::keyed(person, &answer.id))?))
    })?;
    let judged = found.and_then(|(ceremony, passkey)| answer.judge(ceremony.challenge, passkey));
    Ok(Shown { of, judged })
}

impl Shown {
    /// Uses the challenge up. False: it was not this one's or is past, or the answer is wrong, or the counter did not
    /// go on.
    pub(crate) fn use_up(&self, tx: &mut Tx<'_>, person: &UserId) -> Result<bool, Missing> {
        let now = tx.now();
        let challenge = answered(tx, &self.of, person)?;
        let Some(judged) = self.judged.as_ref().filter(|judged| Some(&judged.challenge) == challenge.as_ref()) else {
            return Ok(false);
        };
        let row = tx.get::<PasskeyRow>(&PasskeyRow::keyed(person, &judged.id))?;
        let same =
            |row: &PasskeyRow| row.public_key == judged.public_key && state::goes_on(row.counter, judged.counter);
        let Some(row) = row.filter(same) else { return Ok(false) };
        tx.put(PasskeyRow { counter: judged.counter, last_used_at: Some(now), ..row });
        Ok(true)
    }
}

impl Assertion {
    fn judge(&self, challenge: String, passkey: PasskeyRow) -> Option<Judged> {
        if !said::is_for(&self.client_data, said::GET, &challenge, &self.site) {
            return None;
        }
        let counter = said::Authenticated::read(&self.authenticator_data, &self.site)?.counter;
        let signed = said::signed(&self.authenticator_data, &self.client_data);
        let PasskeyRow { id, public_key, .. } = passkey;
        public_key.verifies(&signed, &self.signature).then_some(Judged { challenge, id, public_key, counter })
    }
}

impl For {
    /// One challenge for each at a time.
    fn id(&self) -> String {
        match self {
            For::Adding(session) => format!("adding:{session}"),
            For::Proving(session) => format!("proving:{session}"),
            For::SecondStep(ticket) => format!("second-step:{ticket}"),
        }
    }
}

pub(super) fn draw(control: &Control) -> String {
    let mut bytes = [0u8; state::CHALLENGE_BYTES];
    control.chance().fill(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}

pub(super) fn ask(tx: &mut Tx<'_>, of: &For, person: &UserId, challenge: &str) -> Result<(), Missing> {
    let (id, expires_at) = (of.id(), tx.now().plus(state::CHALLENGE_LIFE));
    tx.get::<CeremonyRow>(&id)?;
    tx.put(CeremonyRow { id, person: person.clone(), challenge: challenge.to_owned(), expires_at });
    Ok(())
}

/// Takes the challenge that waits, if it still does.
pub(super) fn answered(tx: &mut Tx<'_>, of: &For, person: &UserId) -> Result<Option<String>, Missing> {
    let (id, now) = (of.id(), tx.now());
    let Some(row) = tx.get::<CeremonyRow>(&id)? else { return Ok(None) };
    tx.remove::<CeremonyRow>(&id);
    Ok((row.person == *person && now < row.expires_at).then_some(row.challenge))
}
