//! The audit log: who changed what, in a chain for each tenant and one for the operator. Every change of the front office is
//! one line of it and one entry of the journal, written by [`append`] alone.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Draft, Halt, Tx};
use base::TenantId;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::act::Act;
use crate::front::OFFICE;

pub use store::{AuditHeadRow, AuditRow};

/// Writes one line into the chain of `of`, or of the operator where it is about no tenant, and answers its number there.
/// `facts` hold no secret: no password, token, code or seed. E-mail addresses may be shown.
pub(crate) fn append<R>(
    tx: &mut Tx<'_>,
    act: &Act,
    of: Option<&TenantId>,
    kind: &'static str,
    facts: Value,
) -> Result<u64, Halt<R>> {
    let of = of.map_or_else(|| OPERATOR.to_owned(), TenantId::to_string);
    let head = tx.get::<AuditHeadRow>(&of)?;
    let (before, last) = head.map_or_else(|| (0, String::new()), |head| (head.n, head.hash));
    let facts = json!({"act": act.facts(), "of": of, "what": facts}).to_string();
    let (n, at) = (before + 1, tx.now());
    let hash = HEXLOWER.encode(&state::link(&last, &of, n, at, kind, &facts));
    let draft = Draft { kind, facts, postings: "[]".to_owned(), answer: None };
    let seq = tx.append::<R>(OFFICE, draft)?;
    tx.add(AuditRow { of: of.clone(), n, seq, at, hash: hash.clone() });
    tx.put(AuditHeadRow { of, n, hash });
    Ok(n)
}

/// The chain of what is about no tenant.
const OPERATOR: &str = "operator";
