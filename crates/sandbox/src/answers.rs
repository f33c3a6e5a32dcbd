//! What the controls answer. Amounts in cents, as `agent_balance` has them, but for a transfer's, which is dollars as
//! it was asked; times in ISO 8601.

use base::Time;
use plane::Phone;
use plane::books::AgentBalance;
use plane::kyc::Standing;
use plane::payouts::State;
use plane::sandbox::{Clock, Listed, Overview, StateCount, Weather, magic};
use serde_json::{Value, json};

pub(crate) fn overview(overview: &Overview) -> Value {
    json!({
        "tenant": overview.tenant.to_string(),
        "name": overview.name,
        "opened_at": iso(overview.opened_at),
        "balance": balance(&overview.balance),
        "clock": clock_value(&overview.conditions.clock),
        "weather": overview.conditions.weather,
        "settings": {"link_pay_ins": overview.conditions.link_pay_ins},
        "transfers": {
            "by_state": overview.transfers.iter().map(counted).collect::<Vec<_>>(),
            "complete": overview.counted_all,
        },
        "magic": {"receivers": receivers(), "amounts": amounts()},
        "links": links(),
    })
}

/// `i128` cents are kept below 2^53 by the controls, so that they are exact numbers in every client.
pub(crate) fn balance(balance: &AgentBalance) -> Value {
    let cents = |minor: i128| i64::try_from(minor).unwrap_or(i64::MAX);
    json!({
        "balance": cents(balance.spendable.minor),
        "overdraft": cents(balance.overdraft.minor),
        "available": cents(balance.spendable.minor + balance.overdraft.minor),
        "held": cents(balance.held.minor),
    })
}

/// As `/api/kyc` has them.
pub(crate) fn standing(phone: &Phone, standing: Standing) -> Value {
    json!({
        "account": phone.digits(),
        "kyc_verify": standing.verified,
        "money_limit": standing.limit_dollars.to_string(),
    })
}

pub(crate) fn forced(id: &str, state: State) -> Value {
    let (number, substate) = state.numbers();
    json!({"transfer": {"id": id, "state": number, "substate": substate, "final": u8::from(state.is_final())}})
}

/// `next` is null on the last page.
pub(crate) fn transfers(listed: &[Listed], limit: usize) -> Value {
    let next = listed.last().filter(|_| listed.len() == limit).map(|last| last.seq.to_string());
    json!({"transfers": listed.iter().map(transfer).collect::<Vec<_>>(), "next": next})
}

fn transfer(listed: &Listed) -> Value {
    let (state, substate) = listed.state.numbers();
    json!({
        "id": listed.id,
        "state": state,
        "substate": substate,
        "final": u8::from(listed.state.is_final()),
        "amount": listed.amount.to_string(),
        "receiver_phone": listed.receiver,
        "service": listed.service,
        "accepted_at": iso(listed.accepted_at),
        "changed_at": iso(listed.changed_at),
        "note": listed.note,
    })
}

pub(crate) fn weather(weather: &Weather) -> Value {
    json!({"weather": weather})
}

pub(crate) fn clock(clock: &Clock) -> Value {
    json!({"clock": clock_value(clock)})
}

fn clock_value(clock: &Clock) -> Value {
    json!({"now": iso(clock.now), "ahead_ms": clock.ahead.0 / 1_000})
}

pub(crate) fn settings(link_pay_ins: bool) -> Value {
    json!({"settings": {"link_pay_ins": link_pay_ins}})
}

fn counted(counted: &StateCount) -> Value {
    let (state, substate) = counted.state.numbers();
    let is_final = u8::from(counted.state.is_final());
    json!({"state": state, "substate": substate, "final": is_final, "count": counted.count})
}

fn receivers() -> Vec<Value> {
    let receiver =
        |(phone, stands_for): &(&str, magic::Receiver)| json!({"phone": phone, "meaning": stands_for.meaning()});
    magic::RECEIVERS.iter().map(receiver).collect()
}

fn amounts() -> Vec<Value> {
    let amount = |(cents, script): &(i64, magic::Script)| json!({"amount": base::Amount::cents(*cents).to_string(), "meaning": script.meaning()});
    magic::AMOUNTS.iter().map(amount).collect()
}

fn links() -> Value {
    json!({
        "fund": "POST /sandbox/fund",
        "drain": "POST /sandbox/drain",
        "overdraft": "PUT /sandbox/overdraft",
        "kyc": "PUT /sandbox/kyc/{phone}",
        "transfers": "GET /sandbox/transfers",
        "force": "POST /sandbox/transfers/{id}/force",
        "weather": "PUT /sandbox/weather",
        "clock": "POST /sandbox/clock/advance",
        "settings": "PUT /sandbox/settings",
        "reset": "POST /sandbox/reset",
    })
}

/// `2026-11-21T10:15:30.000000Z`; times beyond the calendar stop at its ends.
fn iso(time: Time) -> String {
    let ends = if time.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let timestamp = jiff::Timestamp::from_microsecond(time.0).unwrap_or(ends);
    format!("{timestamp:.6}")
}
