//! The operation that the house runs most: claim a key, move a balance, append to the journal.

use bytes::Bytes;
use store::{Claimed, Draft, Halt, Once, Saved, TenantNo, Tx};

use super::tables::{Account, Progress};

/// Why a transfer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Insufficient,
    KeyUsed,
}

/// What a caller is told: the entry's sequence, and the bytes that were saved with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub seq: u64,
    pub body: Bytes,
}

/// A transfer of `amount` out of the tenant's account `hot`, under the caller's key.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub once: Once,
    pub amount: i128,
    /// Bytes of facts, postings and answer together.
    pub width: usize,
}

impl Transfer {
    /// Two transfers are the same request when key and amount agree.
    pub fn new(tenant: TenantNo, key: impl Into<Box<str>>, amount: i128) -> Transfer {
        let fingerprint = amount.to_be_bytes();
        Transfer { once: Once { key: (tenant, 1, key.into()), fingerprint }, amount, width: 500 }
    }

    pub fn run(&self, tx: &mut Tx<'_>) -> Result<Accepted, Halt<Refusal>> {
        let tenant = self.once.key.0;
        let hot = (tenant, Box::from("hot"));
        tx.want::<Account>(&hot);
        tx.want::<store::Head>(&tenant);
        match tx.claimed(&self.once)? {
            Claimed::Free => {}
            Claimed::Before((_, seq), saved) => return Ok(Accepted { seq, body: saved.body }),
            Claimed::Otherwise => return Err(Halt::Refused(Refusal::KeyUsed)),
        }
        let account = tx.get::<Account>(&hot)?;
        let Some(account) = account.filter(|account| account.balance >= self.amount) else {
            return Err(Halt::Refused(Refusal::Insufficient));
        };
        let next = tx.next_seq(tenant)?;
        let body = Bytes::from(format!("{{\"seq\":{next},\"pad\":\"{}\"}}", "a".repeat(self.width / 3)));
        let draft = Draft {
            kind: "transfer_accepted",
            facts: "f".repeat(self.width / 3),
            postings: "p".repeat(self.width / 3),
            answer: Some(Saved { status: 200, body: body.clone() }),
        };
        let seq = tx.append(tenant, draft)?;
        tx.put(Account { balance: account.balance - self.amount, moves: account.moves + 1, ..account });
        tx.add(Progress { tenant, seq, state: 0, next: 0 });
        tx.claim(&self.once, seq);
        Ok(Accepted { seq, body })
    }
}

/// Puts `amount` into the tenant's account `hot`.
pub fn fund(tx: &mut Tx<'_>, tenant: TenantNo, amount: i128) -> Result<(), Halt<Refusal>> {
    let key = (tenant, Box::from("hot"));
    let had = tx.get::<Account>(&key)?.map_or(0, |account| account.balance);
    tx.put(Account { tenant, name: key.1, balance: had + amount, moves: 0 });
    Ok(())
}
