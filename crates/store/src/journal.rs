//! The store's own tables. `journal` is the one row of truth: what happened, its postings and the answer that was
//! given, appended once. `claim` is the idempotency index into it. `head` is a tenant's lock and order.

use base::Time;
use bytes::Bytes;

use crate::row::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};
use crate::tx::{Halt, Missing, Tx};

/// A tenant's last sequence (gapless from 1) and the time of its last entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub tenant: TenantNo,
    pub seq: u64,
    pub at: Time,
}

/// (tenant, seq): the logical key of everything that happened.
pub type EntryKey = (TenantNo, u64);

/// What happened, in one appended row.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub tenant: TenantNo,
    pub seq: u64,
    pub at: Time,
    /// Noun and past participle: `transfer_accepted`.
    pub kind: String,
    /// JSON: what was asked and what follows from it.
    pub facts: String,
    /// JSON: the movements that were posted, empty when none.
    pub postings: String,
    pub answer: Option<Saved>,
}

/// An answer as it was sent: the same bytes are sent again for the same request.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    pub status: u16,
    pub body: Bytes,
}

/// A journal row before it has its place.
pub struct Draft {
    pub kind: &'static str,
    pub facts: String,
    pub postings: String,
    pub answer: Option<Saved>,
}

/// Tenant, route code and the caller's key.
pub type ClaimKey = (TenantNo, u16, Box<str>);

/// This key has had its effect: where, and for which content.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub key: ClaimKey,
    pub seq: u64,
    pub fingerprint: [u8; 16],
}

/// A request's identity: who, which route, which key, and the keyed hash of its canonical content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    pub key: ClaimKey,
    pub fingerprint: [u8; 16],
}

/// What is known of a request's key.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    Free,
    /// It had its effect: this was the answer.
    Before(EntryKey, Saved),
    /// The key was used with other content.
    Otherwise,
}

impl Tx<'_> {
    /// Whether this request had its effect before.
    pub fn claimed(&mut self, once: &Once) -> Result<Claimed, Missing> {
        let Some(claim) = self.get::<Claim>(&once.key)? else { return Ok(Claimed::Free) };
        if claim.fingerprint != once.fingerprint {
            return Ok(Claimed::Otherwise);
        }
        let at = (once.key.0, claim.seq);
        let entry = self.get::<Entry>(&at)?;
        let saved = entry.and_then(|entry| entry.answer).unwrap_or(Saved { status: 500, body: Bytes::new() });
        Ok(Claimed::Before(at, saved))
    }

    /// The sequence that the tenant's next entry will have.
    pub fn next_seq(&mut self, tenant: TenantNo) -> Result<u64, Missing> {
        Ok(self.get::<Head>(&tenant)?.map_or(0, |head| head.seq) + 1)
    }

    /// Appends to the tenant's journal and answers the entry's sequence.
    pub fn append<R>(&mut self, tenant: TenantNo, draft: Draft) -> Result<u64, Halt<R>> {
        let seq = self.next_seq(tenant)?;
        let at = self.now();
        self.put(Head { tenant, seq, at });
        let Draft { kind, facts, postings, answer } = draft;
        self.add(Entry { tenant, seq, at, kind: kind.to_owned(), facts, postings, answer });
        Ok(seq)
    }

    /// Records that this request has had its effect at `seq`.
    pub fn claim(&mut self, once: &Once, seq: u64) {
        self.put(Claim { key: once.key.clone(), seq, fingerprint: once.fingerprint });
    }
}

impl Row for Head {
    type Key = TenantNo;
    const SLOT: usize = 0;
    const SPEC: Spec = Spec {
        name: "head",
        columns: &[Column::new("tenant", Kind::Int), Column::new("seq", Kind::Int), Column::new("at", Kind::Int)],
        key: KeyShape::First(1),
        keep: 20_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> TenantNo {
        self.tenant
    }

    fn write_key(key: &TenantNo, out: &mut dyn Bind) {
        out.int(i64::from(*key));
    }

    fn write(&self, out: &mut dyn Bind) {
        out.int(i64::from(self.tenant));
        out.int(self.seq.cast_signed());
        out.int(self.at.0);
    }

    fn read(from: &mut dyn Take) -> Result<Head, Corrupt> {
        Ok(Head { tenant: tenant(from)?, seq: from.int()?.cast_unsigned(), at: Time(from.int()?) })
    }
}

/// Reads a tenant number.
pub fn tenant(from: &mut dyn Take) -> Result<TenantNo, Corrupt> {
    TenantNo::try_from(from.int()?).map_err(|_| from.corrupt("tenant number out of range"))
}

impl Row for Entry {
    type Key = EntryKey;
    const SLOT: usize = 1;
    const SPEC: Spec = Spec {
        name: "journal",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("seq", Kind::Int),
            Column::new("at", Kind::Int),
            Column::new("kind", Kind::Text),
            Column::new("facts", Kind::Text),
            Column::new("postings", Kind::Text),
            Column::new("status", Kind::Int),
            Column::new("answer", Kind::Blob),
        ],
        key: KeyShape::TenantSeq,
        keep: 0,
        locked: Locked::ByHead,
    };

    fn key(&self) -> EntryKey {
        (self.tenant, self.seq)
    }

    fn write_key(key: &EntryKey, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(key.1.cast_signed());
    }

    fn write(&self, out: &mut dyn Bind) {
        Entry::write_key(&self.key(), out);
        out.int(self.at.0);
        out.text(&self.kind);
        out.text(&self.facts);
        out.text(&self.postings);
        out.opt_int(self.answer.as_ref().map(|answer| i64::from(answer.status)));
        out.opt_blob(self.answer.as_ref().map(|answer| answer.body.as_ref()));
    }

    fn read(from: &mut dyn Take) -> Result<Entry, Corrupt> {
        let (tenant, seq, at) = (tenant(from)?, from.int()?.cast_unsigned(), Time(from.int()?));
        let (kind, facts, postings) = (from.text()?.to_owned(), from.text()?.to_owned(), from.text()?.to_owned());
        let status = from.opt_int()?.map(u16::try_from).transpose().map_err(|_| from.corrupt("status"))?;
        let body = from.opt_blob()?.map(Bytes::copy_from_slice);
        let answer = status.zip(body).map(|(status, body)| Saved { status, body });
        Ok(Entry { tenant, seq, at, kind, facts, postings, answer })
    }
}

impl Row for Claim {
    type Key = ClaimKey;
    const SLOT: usize = 2;
    const SPEC: Spec = Spec {
        name: "claim",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("route", Kind::Int),
            Column::new("key", Kind::Text),
            Column::new("seq", Kind::Int),
            Column::new("fingerprint", Kind::Blob),
        ],
        key: KeyShape::First(3),
        keep: 0,
        locked: Locked::ByHead,
    };

    fn key(&self) -> ClaimKey {
        self.key.clone()
    }

    fn write_key(key: &ClaimKey, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(i64::from(key.1));
        out.text(&key.2);
    }

    fn write(&self, out: &mut dyn Bind) {
        Claim::write_key(&self.key, out);
        out.int(self.seq.cast_signed());
        out.blob(&self.fingerprint);
    }

    fn read(from: &mut dyn Take) -> Result<Claim, Corrupt> {
        let tenant = tenant(from)?;
        let route = u16::try_from(from.int()?).map_err(|_| from.corrupt("route"))?;
        let key = from.text()?.into();
        let seq = from.int()?.cast_unsigned();
        let fingerprint: Result<[u8; 16], _> = from.blob()?.try_into();
        let fingerprint = fingerprint.map_err(|_| from.corrupt("fingerprint length"))?;
        Ok(Claim { key: (tenant, route, key), seq, fingerprint })
    }
}
