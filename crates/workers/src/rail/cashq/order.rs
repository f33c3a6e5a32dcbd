//! What the peer is asked to do: the transfer's own facts under an id of ours.

use base::{Amount, Asset};
use plane::TenantNo;
use serde_json::{Value, json};

/// The id under which the peer knows a transfer: tenant number and sequence in one number of at most 18 digits. Tenant
/// numbers stay below 2^19 and sequences below 2^40, and neither is ever given twice by one store.
pub fn submission_id(tenant: TenantNo, seq: u64) -> String {
    (u64::from(tenant) << 40 | seq).to_string()
}

/// The body of `POST /api/transfer` from what the journal kept of the accepted transfer. The same on every try. `None`
/// when the entry is not one of an accepted transfer.
pub(super) fn body(facts: &str, id: &str) -> Option<Vec<u8>> {
    let facts: Value = serde_json::from_str(facts).ok()?;
    let text = |name: &str| facts.get(name)?.as_str();
    let cents: i128 = text("cents")?.parse().ok()?;
    let pairs = facts.get("attributes")?.as_array()?;
    let attributes: Option<Vec<Value>> = pairs
        .iter()
        .map(|pair| Some(json!({"name": pair.get(0)?.as_str()?, "value": pair.get(1)?.as_str()?})))
        .collect();
    let body = json!({
        "id": id,
        "sender_phone": format!("+{}", text("sender")?),
        "receiver_phone": format!("+{}", text("receiver")?),
        "amount": Amount::new(cents, Asset::USD).to_string(),
        "service": text("service")?,
        "receiver_country": text("country")?,
        "receiver_currency": text("currency")?,
        "attribute": attributes?,
    });
    Some(body.to_string().into_bytes())
}
