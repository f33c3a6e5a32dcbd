//! The audit log of an organisation: a page at a time, or whole in a form that can be verified without us.

use axum::response::Response;
use control::audit::{self, Line};
use gate::lines;
use gate::office::Signed;
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;

use crate::ask::{self, Invalid, invalid};
use crate::words::{data, time};

pub(crate) async fn list(signed: Signed, uri: Uri) -> Result<Response, Response> {
    let limit = ask::number(&uri, "limit", LINES, LINES_MOST)?;
    let before = cursor(&uri)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match audit::list(signed.passage.control(), &signed.permit, before, limit) {
        Ok(page) => {
            let next_cursor = page.before.map(|before| before.to_string());
            Ok(data(StatusCode::OK, &Page { items: page.lines.iter().map(Shown::of).collect(), next_cursor }))
        }
        Err(fault) => Err(signed.passage.read_faulted(&fault)),
    }
}

pub(crate) async fn export(signed: Signed) -> Response {
    match audit::export(signed.passage.control(), &signed.permit) {
        Ok(mut export) => lines(move || {
            let part = export.part()?;
            Ok((!part.is_empty()).then(|| part.iter().map(Line::exported).collect()))
        }),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

const LINES: u32 = 50;
const LINES_MOST: u32 = 200;

/// The number that the lines of the page are below.
fn cursor(uri: &Uri) -> Result<Option<u64>, Invalid> {
    let Some(text) = ask::parameter(uri, "cursor") else { return Ok(None) };
    let number = text.parse().map_err(|_| invalid("cursor: send the nextCursor of the page before."))?;
    Ok(Some(number))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Shown>,
    next_cursor: Option<String>,
}

/// One line. What nobody knew of it, such as the address of a loop, is null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    n: u64,
    at: String,
    kind: String,
    actor: Value,
    user: Value,
    session: Value,
    ip: Value,
    request_id: Value,
    proof: Value,
    environment: Value,
    what: Value,
    hash: String,
}

impl Shown {
    fn of(line: &Line) -> Shown {
        let mut facts: Value = serde_json::from_str(&line.facts).unwrap_or_default();
        let mut act = |name: &str| facts["act"][name].take();
        Shown {
            n: line.n,
            at: time(line.at),
            kind: line.kind.clone(),
            actor: act("actor"),
            user: act("user"),
            session: act("session"),
            ip: act("ip"),
            request_id: act("request"),
            proof: act("proof"),
            environment: act("environment"),
            what: facts["what"].take(),
            hash: line.hash.clone(),
        }
    }
}
