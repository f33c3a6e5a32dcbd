//! Transfers: money to a phone through a corridor (facts: cashq 4.3 to 4.5, 6; contracts section 4).
//!
//! Refuses, in this order: a key that may not move funds; an id used for other content (the same content gets the first
//! answer again); a tenant reset meanwhile; the corridor, its attributes and amounts; the key's policy, its 24 hours
//! last; the receiver's limit; funds. Life: accepted → ready to be debited → verified → processing → paid, or failed with the money back.

mod advance;
mod quote;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{ClaimKey, Claimed, Draft, Halt, Lane, Once, Saved, TenantNo, Tx};
use base::{Amount, Deed, Fault, Stop, Time, mac};

use crate::sandbox::magic;
use crate::{Caller, Phone, Plane, books, deeds, grants, kyc, spending};

pub(crate) use advance::walk;
pub use advance::{Move, Moved, Rest, WordRefusal, advance, of_tenant, on_operators_word, rest, submission};
pub use quote::Quote;
pub use state::{Event, FailReason, Illegal, RetryStep, State};
pub use store::{DueRow, Found, TransferRow, Wanted, due, first_due, open_asks};
pub(crate) use store::{by_key, each_open};

/// The claims of transfers: a CashQ `id` is claimed for ever, per tenant.
pub(crate) const ROUTE_TRANSFER: u16 = 1;

/// A transfer that is asked for. The surface has checked shapes; nothing here is decided yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransfer {
    /// The caller's own id: 1 to 18 digits, kept as written.
    pub id: String,
    pub sender: Phone,
    pub receiver: Phone,
    pub amount: Amount,
    pub service: String,
    pub country: String,
    pub currency: String,
    /// (name, value) in the order in which they were written.
    pub attributes: Vec<(String, String)>,
}

/// What was accepted, for the surface to render before it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub id: String,
}

/// Why a transfer was not accepted. Nothing was changed and its id may be used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key's kind may not move funds.
    KeyKind,
    /// The id was used with other content.
    OtherContent,
    /// The tenant's data was reset while the call was under way.
    Reset,
    Quote(quote::Refusal),
    Policy(spending::Refusal),
    /// Above what an unverified receiver may get in one transfer.
    ReceiverUnverified {
        limit_dollars: u32,
    },
    /// Above what this verified receiver may get in one transfer.
    AboveReceiverLimit {
        limit_dollars: u32,
    },
    Funds,
}

pub use crate::spending::{Refusal as PolicyRefusal, SpendRow, WindowRow};
pub use quote::Refusal as QuoteRefusal;

impl From<Refusal> for Halt<Refusal> {
    fn from(refusal: Refusal) -> Halt<Refusal> {
        Halt::Refused(refusal)
    }
}

/// Accepts a transfer once: its money is reserved, and the answer that `render` gives is kept with it. The same ask
/// again gets the same answer and has no effect.
pub async fn create(
    plane: &Plane,
    caller: &Caller,
    ask: NewTransfer,
    render: fn(&Accepted) -> Saved,
) -> Result<Saved, Stop<Refusal>> {
    if caller.kind() != crate::KeyKind::Agent {
        return Err(Stop::Refused(Refusal::KeyKind));
    }
    let creation = Creation::prepare(plane, caller, ask, render);
    let work = plane.work_told();
    let told = move |created: &Created| {
        if let Created::First { due, .. } = created {
            work.opened(1);
            work.ring(due);
        }
    };
    creation.note_magic(plane);
    let created = plane.store().submit_then(Lane::Client(caller.tenant()), move |tx| creation.run(tx), told);
    Ok(match created.await? {
        Created::First { answer, .. } => answer,
        Created::Before(answer) => {
            deeds::note(plane, caller, Deed::Replay);
            answer
        }
    })
}

/// Judges a transfer as [`create`] would, money and daily sums left out, and quotes its rate. Changes nothing.
pub async fn check(plane: &Plane, caller: &Caller, ask: NewTransfer) -> Result<Quote, Stop<Refusal>> {
    let creation = Creation::prepare(plane, caller, ask, |_| Saved { status: 200, body: bytes::Bytes::new() });
    creation.note_magic(plane);
    let judge = move |tx: &mut Tx<'_>| {
        creation.want(tx);
        if let Claimed::Otherwise = tx.claimed(&creation.once)? {
            return Err(Refusal::OtherContent.into());
        }
        let (_, quote) = creation.may(tx)?;
        creation.receiver_may(tx)?;
        Ok(quote.clone())
    };
    plane.store().submit(Lane::Client(caller.tenant()), judge).await
}

/// A transfer as its tenant may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub state: State,
    /// When it became final, in the tenant's time.
    pub finished_at: Option<base::Time>,
    /// The rail's reference, once paid.
    pub trans: Option<String>,
    /// What the provider paid out, in the receiver's currency, once paid.
    pub sum_prov: Option<String>,
}

/// The calling tenant's transfer with this id, as committed.
pub fn status(plane: &Plane, caller: &Caller, id: &str) -> Result<Option<View>, Fault> {
    let row = of_tenant(plane, caller.tenant(), id)?;
    Ok(row.map(|row| View {
        state: row.state,
        finished_at: row.state.is_final().then_some(row.changed_at),
        trans: row.trans.filter(|_| row.state == State::Paid),
        sum_prov: row.sum_prov.filter(|_| row.state == State::Paid),
    }))
}

/// Everything that can be known before the queue: texts are built and hashed here, not on the committer.
struct Creation {
    plane: Plane,
    tenant: TenantNo,
    caller: Caller,
    once: Once,
    ask: NewTransfer,
    quoted: Result<Quote, quote::Refusal>,
    allowed: Result<(), spending::Refusal>,
    receiver: (TenantNo, Box<str>),
    reservation: books::Written,
    facts: String,
    answer: Saved,
    script: magic::Script,
}

enum Created {
    First { answer: Saved, due: DueRow },
    Before(Saved),
}

impl Creation {
    fn prepare(plane: &Plane, caller: &Caller, ask: NewTransfer, render: fn(&Accepted) -> Saved) -> Creation {
        let key: ClaimKey = (caller.tenant(), ROUTE_TRANSFER, ask.id.as_str().into());
        let canonical = quote::canonical(&ask);
        let hash = mac::hmac(plane.fingerprint_key(), &[canonical.as_bytes()]);
        let mut fingerprint = [0u8; 16];
        fingerprint.copy_from_slice(&hash[..16]);
        let quoted = quote::quote(plane, &ask);
        let script = plane.sandbox().map(|_| magic::script(ask.amount)).unwrap_or_default();
        Creation {
            plane: plane.clone(),
            tenant: caller.tenant(),
            caller: caller.clone(),
            once: Once { key, fingerprint },
            quoted,
            allowed: spending::allows(caller.policy(), &ask.service, ask.amount),
            receiver: (caller.tenant(), ask.receiver.digits().into()),
            reservation: books::Written::new(vec![books::reserve(ask.amount)]),
            facts: quote::facts(&ask, caller),
            answer: render(&Accepted { id: ask.id.clone() }),
            script,
            ask,
        }
    }

    /// To try a case is a deed, whatever comes of it.
    fn note_magic(&self, plane: &Plane) {
        if self.script != magic::Script::Pays || magic::receiver(&self.ask.receiver).is_some() {
            deeds::note(plane, &self.caller, Deed::Magic);
        }
    }

    /// Whether this may be asked at all, by whom and with this key.
    fn may(&self, tx: &mut Tx<'_>) -> Result<(grants::TenantRow, &Quote), Halt<Refusal>> {
        let tenant = grants::current(tx, self.tenant)?.ok_or(Halt::Refused(Refusal::Reset))?;
        let quote = self.quoted.as_ref().map_err(|refusal| Halt::Refused(Refusal::Quote(refusal.clone())))?;
        self.allowed.as_ref().map_err(|refusal| Halt::Refused(Refusal::Policy(refusal.clone())))?;
        Ok((tenant, quote))
    }

    /// Whether the receiver may get so much in one transfer.
    fn receiver_may(&self, tx: &mut Tx<'_>) -> Result<(), Halt<Refusal>> {
        let subject = tx.get::<kyc::SubjectRow>(&self.receiver)?;
        let standing = crate::kyc::standing_of(&self.plane, &self.ask.receiver, subject.as_ref());
        let limit_dollars = standing.limit_dollars;
        if self.ask.amount.minor <= i128::from(limit_dollars) * 100 {
            return Ok(());
        }
        Err(Halt::Refused(match standing.verified {
            true => Refusal::AboveReceiverLimit { limit_dollars },
            false => Refusal::ReceiverUnverified { limit_dollars },
        }))
    }

    fn run(&self, tx: &mut Tx<'_>) -> Result<Created, Halt<Refusal>> {
        self.want(tx);
        match tx.claimed(&self.once)? {
            Claimed::Free => {}
            Claimed::Before(_, answer) => return Ok(Created::Before(answer)),
            Claimed::Otherwise => return Err(Refusal::OtherContent.into()),
        }
        let (tenant, quote) = self.may(tx)?;
        spending::spend(tx, &self.caller, self.ask.amount).map_err(no_allowance)?;
        self.receiver_may(tx)?;
        let postings = books::post_written(tx, self.tenant, &self.reservation).map_err(no_funds)?;
        let draft =
            Draft { kind: "transfer_accepted", facts: self.facts.clone(), postings, answer: Some(self.answer.clone()) };
        let seq = tx.append::<Refusal>(self.tenant, draft)?;
        let row = self.first_row(&tenant, tx.now(), seq, quote);
        let due = row.due().ok_or_else(|| Halt::Faulted(Fault::new("a new transfer is final")))?;
        tx.add(due);
        tx.add(row);
        tx.claim(&self.once, seq);
        Ok(Created::First { answer: self.answer.clone(), due })
    }

    fn want(&self, tx: &mut Tx<'_>) {
        tx.want::<::store::Head>(&self.tenant);
        tx.want::<grants::TenantRow>(&self.tenant);
        tx.want::<kyc::SubjectRow>(&self.receiver);
        books::want(tx, self.tenant);
        spending::want(tx, &self.caller);
    }

    fn first_row(&self, tenant: &grants::TenantRow, accepted_at: Time, seq: u64, quote: &Quote) -> TransferRow {
        let now = tenant.time(accepted_at);
        let linked = self.ask.attributes.iter().any(|(name, value)| name == "approvelyId" && !value.is_empty());
        let waits = !linked && tenant.link_pay_ins;
        let state =
            if waits || self.script == magic::Script::AwaitsLink { State::AwaitingLink } else { State::Created };
        TransferRow {
            tenant: self.tenant,
            seq,
            state,
            due_at: state.due(now, self.plane.config().payouts.stage),
            accepted_at,
            changed_at: now,
            attempts: 0,
            amount: self.ask.amount,
            script: self.script,
            spender: self.caller.policy().daily_cents.map(|_| self.caller.key()),
            trans: None,
            sum_prov: Some(quote.received.clone()),
            note: None,
        }
    }
}

fn no_allowance(halt: Halt<spending::Refusal>) -> Halt<Refusal> {
    match halt {
        Halt::NotLoaded => Halt::NotLoaded,
        Halt::Refused(refusal) => Halt::Refused(Refusal::Policy(refusal)),
        Halt::Faulted(fault) => Halt::Faulted(fault),
    }
}

/// The only refusal of the ledger that a valid reservation can meet is a lack of funds; any other is our fault.
fn no_funds(halt: Halt<ledger::Refusal>) -> Halt<Refusal> {
    match halt {
        Halt::NotLoaded => Halt::NotLoaded,
        Halt::Refused(ledger::Refusal::Insufficient { .. }) => Halt::Refused(Refusal::Funds),
        Halt::Refused(other) => Halt::Faulted(Fault::because("reserving the money of a transfer", other)),
        Halt::Faulted(fault) => Halt::Faulted(fault),
    }
}
