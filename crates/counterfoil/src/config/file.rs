//! The file as it is written. Types and ranges were compared with the defaults before this is read; what the texts mean
//! is `check`'s.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) control: Control,
    pub(super) sandbox: Sandbox,
    pub(super) live: Live,
    pub(super) metrics: Metrics,
    pub(super) log: Log,
    pub(super) corridors: Vec<Corridor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Control {
    pub(super) listen: String,
    pub(super) data: String,
    pub(super) store: String,
    pub(super) public_url: String,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) session_hours: i64,
    pub(super) approval: String,
    pub(super) intercom: Intercom,
    pub(super) limits: ControlLimits,
    pub(super) mail: Mail,
    pub(super) checkout: Checkout,
    pub(super) pacspace_plans: Vec<PacspacePlan>,
    pub(super) paychain_plans: Vec<PaychainPlan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) smtp_url: String,
    pub(super) smtp_user: String,
    pub(super) smtp_password_file: String,
    pub(super) smtp_ca_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkout {
    pub(super) provider: String,
    pub(super) base_url: String,
    pub(super) api_secret_file: String,
    pub(super) events_secret_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PacspacePlan {
    pub(super) tier: String,
    pub(super) price_usd: String,
    pub(super) deltas: String,
    pub(super) deltas_per: String,
    pub(super) overage_usd: String,
    pub(super) live: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaychainPlan {
    pub(super) tier: String,
    pub(super) price_usd: String,
    pub(super) invoice_fee_bps: u32,
    pub(super) minimum_fee_usd: String,
    pub(super) gas_usd: String,
    pub(super) payout_withdrawals: String,
    pub(super) live: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intercom {
    pub(super) sandbox: String,
    pub(super) live: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlLimits {
    pub(super) requests_per_second: u32,
    pub(super) burst: u32,
    pub(super) hashes_at_once: u32,
    pub(super) failures_per_net: u32,
    pub(super) failures_per_pair: u32,
    pub(super) failures_per_address: u32,
    pub(super) registrations_per_hour: u32,
    pub(super) mails_per_hour: u32,
    pub(super) mails_per_net: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sandbox {
    pub(super) listen: String,
    pub(super) data: String,
    pub(super) store: String,
    pub(super) control: String,
    pub(super) public_url: String,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) limits: Limits,
    pub(super) kyc: SandboxKyc,
    pub(super) payouts: Payouts,
    pub(super) start: Start,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Live {
    pub(super) listen: String,
    pub(super) data: String,
    pub(super) store: String,
    pub(super) control: String,
    pub(super) public_url: String,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) limits: Limits,
    pub(super) kyc: LiveKyc,
    pub(super) payouts: Payouts,
    pub(super) rail: Rail,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) threads: usize,
    pub(super) connections: usize,
    pub(super) requests_per_second: u32,
    pub(super) burst: u32,
    pub(super) body_bytes: usize,
    pub(super) denied_per_minute: u32,
    pub(super) body_ms: u64,
    pub(super) request_ms: u64,
    pub(super) header_read_ms: u64,
    pub(super) queued_per_tenant: usize,
    pub(super) queued: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SandboxKyc {
    pub(super) unverified_dollars: u32,
    pub(super) verified_dollars: u32,
    pub(super) callback_secret_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiveKyc {
    pub(super) unverified_dollars: u32,
    pub(super) verified_dollars: u32,
    pub(super) provider_url: String,
    pub(super) callback_secret_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payouts {
    pub(super) stage_ms: i64,
    pub(super) retry_first_ms: i64,
    pub(super) retry_most_ms: i64,
    pub(super) attempts_most: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    pub(super) balance: String,
    pub(super) overdraft: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rail {
    pub(super) kind: String,
    pub(super) base_url: String,
    pub(super) key_file: String,
    pub(super) request_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) control: String,
    pub(super) sandbox: String,
    pub(super) live: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) format: String,
    pub(super) level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Corridor {
    pub(super) service: String,
    pub(super) country: String,
    pub(super) currency: String,
    pub(super) rate: String,
    pub(super) required: Vec<String>,
    pub(super) smallest: String,
    pub(super) largest: String,
}
