//! What was used in a month, and what it comes to.

use std::collections::BTreeMap;

use axum::response::Response;
use base::{Month, Time};
use control::usage;
use gate::office::Signed;
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::ask::{invalid, parameter};
use crate::billing::number;
use crate::words::{data, preference, time};

pub(crate) async fn usage(signed: Signed, uri: Uri) -> Result<Response, Response> {
    let Signed { permit, passage } = signed;
    let period = match parameter(&uri, "period") {
        Some(text) => text.parse().map_err(|_| invalid("period: send a month such as 2026-01."))?,
        None => Month::of(passage.control().now()),
    };
    let usage = usage::of(passage.control(), passage.planes(), &permit, period).await;
    let usage = usage.map_err(|fault| passage.read_faulted(&fault))?;
    Ok(data(StatusCode::OK, &Used::of(&usage)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Used<'a> {
    period: String,
    consumed_deltas: u64,
    overage_count: Option<u64>,
    overage_charges_usd: Option<Box<RawValue>>,
    remaining_deltas: Option<u64>,
    /// By environment, in the words of preferences.
    meters: BTreeMap<&'static str, &'a BTreeMap<String, u64>>,
    /// When the oldest of these was counted. Absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
}

impl Used<'_> {
    fn of(usage: &usage::Usage) -> Used<'_> {
        let oldest: Option<Time> = usage.counted.iter().map(|(_, counted)| counted.as_of).min();
        Used {
            period: usage.period.to_string(),
            consumed_deltas: usage.deltas,
            overage_count: usage.charges.map(|charges| charges.overage),
            overage_charges_usd: usage.charges.and_then(|charges| number(charges.charge)),
            remaining_deltas: usage.charges.and_then(|charges| charges.remaining),
            meters: usage.counted.iter().map(|(side, counted)| (preference(*side), &counted.meters)).collect(),
            as_of: oldest.map(time),
        }
    }
}
