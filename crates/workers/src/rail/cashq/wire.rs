//! What an HTTP outcome means. Pure, and suspicious: only what the contract says in full is taken as said; everything
//! else is unknown.

use serde_json::Value;

/// How one request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// No connection: the peer cannot have seen it.
    NotSent(String),
    /// The peer may have seen it: a time-out, a connection that broke, an answer that was too long.
    Lost(String),
    Answered {
        status: u16,
        body: Vec<u8>,
    },
}

/// What a submission came to. Each carries words for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Submission {
    Accepted,
    /// The peer will not take this transfer as it is.
    Refused(String),
    /// Our account at the peer lacks funds.
    Short(String),
    /// The peer does not accept our key.
    BadKey(String),
    /// Not run, and may be sent again.
    NotRun(String),
    /// Nobody knows whether it was run.
    Unknown(String),
}

/// What the peer says of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Underway,
    Paid {
        trans: Option<String>,
        sum_prov: Option<String>,
    },
    Failed(String),
    /// The peer says that it knows no such transfer.
    NotKnown,
    BadKey(String),
    /// It said nothing that we can rely on.
    Trouble(String),
}

pub(super) fn submission(wire: &Wire, id: &str) -> Submission {
    let (status, body) = match wire {
        Wire::NotSent(why) => return Submission::NotRun(why.clone()),
        Wire::Lost(why) => return Submission::Unknown(why.clone()),
        Wire::Answered { status, body } => (*status, parsed(body)),
    };
    let refusal = refusal(&body);
    let words = words(status, refusal);
    match (status, refusal.map(|(code, _)| code)) {
        (429, _) => Submission::NotRun(words),
        (401 | 403, _) | (200 | 400, Some("authentication_error")) => Submission::BadKey(words),
        (200 | 400, Some("insufficient_funds")) => Submission::Short(words),
        (200 | 400, Some("invalid_request" | "invalid_phone_number" | "kyc_not_verified")) => {
            Submission::Refused(words)
        }
        (200, None) if accepts(&body, id) => Submission::Accepted,
        _ => Submission::Unknown(words),
    }
}

pub(super) fn standing(wire: &Wire, id: &str) -> Standing {
    let (status, body) = match wire {
        Wire::NotSent(why) | Wire::Lost(why) => return Standing::Trouble(why.clone()),
        Wire::Answered { status, body } => (*status, parsed(body)),
    };
    let refusal = refusal(&body);
    let words = words(status, refusal);
    let result = body.get("status").and_then(|status| status.get("result"));
    match (status, refusal.map(|(code, _)| code), result) {
        (401 | 403, _, _) | (200, Some("authentication_error"), _) => Standing::BadKey(words),
        (200 | 404, Some("transfer_not_found"), _) => Standing::NotKnown,
        (200 | 404, None, Some(result)) if names(result, id) => of_result(status, result, words),
        _ => Standing::Trouble(words),
    }
}

fn of_result(status: u16, result: &Value, words: String) -> Standing {
    let number = |name: &str| result.get(name).and_then(whole);
    match (status, number("state"), number("final")) {
        (200 | 404, Some(-2), Some(1)) => Standing::NotKnown,
        (200, Some(60), Some(1)) => Standing::Paid { trans: told(result, "trans"), sum_prov: told(result, "sum_prov") },
        (200, Some(80), Some(1)) => {
            Standing::Failed(format!("the peer failed it in 80/{}", number("substate").unwrap_or(0)))
        }
        (200, Some(state), Some(0)) if state != -2 => Standing::Underway,
        _ => Standing::Trouble(words),
    }
}

/// A success that says so, has no error, and is about our transfer.
fn accepts(body: &Value, id: &str) -> bool {
    let success = body.get("success");
    let said = success == Some(&Value::Bool(true)) || success.and_then(Value::as_str) == Some("true");
    let clean = body.get("error").is_none_or(|error| error.is_null() || error.as_str() == Some(""));
    said && clean && body.get("payment_response").is_some_and(|response| names(response, id))
}

/// The code and the message of the contract's error body.
fn refusal(body: &Value) -> Option<(&str, &str)> {
    let error = body.get("error")?;
    let denied = body.get("success").is_some_and(|success| *success == Value::Bool(false) || success == "false");
    let code = error.get("code")?.as_str()?;
    denied.then(|| (code, error.get("message").and_then(Value::as_str).unwrap_or_default()))
}

fn names(object: &Value, id: &str) -> bool {
    match object.get("id") {
        Some(Value::String(text)) => text == id,
        Some(Value::Number(number)) => number.to_string() == id,
        _ => false,
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn told(result: &Value, name: &str) -> Option<String> {
    let text = match result.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(plain(&text)).filter(|text| !text.is_empty())
}

fn words(status: u16, refusal: Option<(&str, &str)>) -> String {
    match refusal {
        Some((code, message)) => plain(&format!("the peer says {code} (HTTP {status}): {message}")),
        None => format!("the peer answered HTTP {status} without a word of the contract"),
    }
}

/// A peer's text as we keep it: short, and without anything that moves a cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// `Null` for what is no JSON: it then says nothing.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}
