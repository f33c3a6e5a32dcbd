//! Success bodies, written out: the key order is the contract's own.

use axum::body::Body;
use axum::response::Response;
use base::Time;
use bytes::Bytes;
use http::StatusCode;
use plane::Saved;
use plane::books::AgentBalance;
use plane::kyc::Standing;
use plane::payouts::{Accepted, Quote, View};

use crate::words::{json, push_string};

const SUCCESS: &str = r#""error":"","success":true}"#;

/// Cents: what can be spent without the overdraft, and the overdraft.
pub(crate) fn balance(balance: &AgentBalance) -> Response {
    let (spendable, overdraft) = (balance.spendable.minor, balance.overdraft.minor);
    ok(format!(r#"{{"balance":{{"balance":{spendable},"overdraft":{overdraft}}},{SUCCESS}"#))
}

/// The limit is whole dollars, as a string.
pub(crate) fn verified(standing: &Standing) -> Response {
    let limit = standing.limit_dollars;
    ok(format!(r#"{{"kyc_verify":true,"money_limit":"{limit}","kyc_url":"",{SUCCESS}"#))
}

pub(crate) fn unverified(standing: &Standing, kyc_base: &str, token: &str) -> Response {
    let mut body = format!(r#"{{"kyc_verify":false,"money_limit":"{}","kyc_url":"#, standing.limit_dollars);
    push_string(&mut body, &format!("{kyc_base}/kyc/{token}"));
    body.push(',');
    body.push_str(SUCCESS);
    ok(body)
}

pub(crate) fn quoted(quote: &Quote) -> Response {
    let mut body = String::from(r#"{"error":"","success":true,"attribute":[{"name":"fx_rate","value":"#);
    push_string(&mut body, &quote.fx_rate);
    body.push_str("}]}");
    ok(body)
}

/// What is kept with an accepted transfer and sent for it now and ever again. Its state is `-2`, the pair that means
/// "not found" elsewhere: the contract's own sample, which clients must not read as an outcome.
pub(crate) fn accepted(accepted: &Accepted) -> Saved {
    const BEFORE: &str = r#"{"payment_response":{"payment_id":null,"state":"-2","substate":"0","code":"0","id":""#;
    const AFTER: &str = r#""},"error":"","success":true}"#;
    let mut body = String::with_capacity(BEFORE.len() + accepted.id.len() + AFTER.len());
    body.push_str(BEFORE);
    // Digits: nothing to escape.
    body.push_str(&accepted.id);
    body.push_str(AFTER);
    Saved { status: 200, body: Bytes::from(body) }
}

/// A kept answer, as it was sent the first time.
pub(crate) fn saved(saved: Saved) -> Response {
    let status = StatusCode::from_u16(saved.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, Body::from(saved.body))
}

pub(crate) fn status(id: &str, view: &View) -> Response {
    let (state, substate) = view.state.numbers();
    let result = StatusResult {
        server_time: view.finished_at.map(rfc3339),
        substate,
        id,
        state,
        trans: view.trans.as_deref(),
        sum_prov: view.sum_prov.as_deref(),
        is_final: view.state.is_final(),
    };
    let mut body = String::with_capacity(256);
    body.push('{');
    result.push(&mut body);
    body.push(',');
    body.push_str(SUCCESS);
    ok(body)
}

/// `status.result`, for transfers that exist and for those that do not.
pub(crate) struct StatusResult<'a> {
    pub(crate) server_time: Option<String>,
    pub(crate) substate: i64,
    pub(crate) id: &'a str,
    pub(crate) state: i64,
    pub(crate) trans: Option<&'a str>,
    pub(crate) sum_prov: Option<&'a str>,
    pub(crate) is_final: bool,
}

impl StatusResult<'_> {
    pub(crate) fn push(&self, body: &mut String) {
        body.push_str(r#""status":{"result":{"server_time":"#);
        push_or_null(body, self.server_time.as_deref());
        body.push_str(&format!(r#","code":0,"substate":{},"id":"#, self.substate));
        push_string(body, self.id);
        body.push_str(&format!(r#","state":{},"attribute":[],"trans":"#, self.state));
        push_or_null(body, self.trans);
        body.push_str(r#","sum_prov":"#);
        push_or_null(body, self.sum_prov);
        body.push_str(&format!(r#","final":{}}}}}"#, u8::from(self.is_final)));
    }
}

fn push_or_null(body: &mut String, text: Option<&str>) {
    match text {
        Some(text) => push_string(body, text),
        None => body.push_str("null"),
    }
}

/// UTC with milliseconds: `2026-01-31T23:59:59.123Z`.
fn rfc3339(time: Time) -> String {
    let stamp = jiff::Timestamp::from_microsecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{stamp:.3}")
}

fn ok(body: String) -> Response {
    json(StatusCode::OK, Body::from(body))
}

#[cfg(test)]
mod tests {
    use base::Time;

    use super::rfc3339;

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(rfc3339(Time(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Time(1_769_903_999_123_999)), "2026-01-31T23:59:59.123Z");
    }
}
