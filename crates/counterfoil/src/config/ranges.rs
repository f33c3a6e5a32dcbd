//! The least and the most of every number in the configuration.

use super::Problems;

/// (end of the key's path, least, most). A test holds this list against the defaults.
pub(super) const RANGES: &[(&str, i64, i64)] = &[
    ("limits.threads", 1, 256),
    ("limits.connections", 1, 1_000_000),
    ("limits.requests_per_second", 1, 10_000_000),
    ("limits.burst", 1, 10_000_000),
    ("limits.body_bytes", 1_024, 16_777_216),
    ("limits.denied_per_minute", 1, 10_000_000),
    ("limits.body_ms", 100, 600_000),
    ("limits.request_ms", 100, 600_000),
    ("limits.header_read_ms", 100, 600_000),
    ("limits.queued_per_tenant", 1, 1_000_000),
    ("limits.queued", 1, 10_000_000),
    ("kyc.unverified_dollars", 0, 1_000_000),
    ("kyc.verified_dollars", 0, 1_000_000),
    ("payouts.stage_ms", 0, 86_400_000),
    ("payouts.retry_first_ms", 10, 86_400_000),
    ("payouts.retry_most_ms", 10, 604_800_000),
    ("payouts.attempts_most", 1, 10_000),
    ("rail.request_ms", 100, 600_000),
    ("control.session_hours", 1, 720),
    ("limits.hashes_at_once", 0, 256),
    ("limits.failures_per_net", 1, 1_000_000),
    ("limits.failures_per_pair", 1, 1_000_000),
    ("limits.failures_per_address", 1, 1_000_000),
    ("limits.registrations_per_hour", 1, 1_000_000),
    ("limits.mails_per_hour", 1, 1_000_000),
    ("limits.mails_per_net", 1, 1_000_000),
    ("].invoice_fee_bps", 0, 10_000),
];

pub(super) fn check(path: &str, number: i64, problems: &mut Problems) {
    let Some((_, least, most)) = RANGES.iter().find(|(end, ..)| path.ends_with(end)) else { return };
    if !(*least..=*most).contains(&number) {
        problems.add(path, format!("is {number}: give a number from {least} to {most}"));
    }
}
