//! What the texts of a configuration mean, and which of them go together.

use std::net::SocketAddr;
use std::time::Duration;

use base::{Amount, Asset, Environment, PlaneName, Span};
use gate::Rate;
use hosted::ProviderUrl;
use plane::config::{KycLimits, PayoutSettings, SandboxStart};
use plane::{Corridors, PlaneConfig};
use workers::CashQRail;

use super::secrets::secret;
use super::{Config, ControlRole, Intercom, Limits, Log, LogFormat, Metrics, PlaneRole, Problems, Rail, Role};
use super::{Sources, file};

pub(super) fn checked(file: file::File, sources: &Sources<'_>) -> Result<Config, Problems> {
    let mut check = Check { sources, problems: Problems::default() };
    let corridors = check.corridors(&file.corridors);
    let config = Config {
        sandbox: check.sandbox(&file.sandbox, &corridors),
        live: check.live(&file.live, &corridors),
        control: check.control(&file.control),
        metrics: Metrics {
            control: check.address("metrics.control", &file.metrics.control),
            sandbox: check.address("metrics.sandbox", &file.metrics.sandbox),
            live: check.address("metrics.live", &file.metrics.live),
        },
        log: check.log(&file.log),
    };
    check.databases_of_their_own(&config);
    check.problems.none_or(config)
}

/// Goes through a file and collects what is wrong. What it answers after a complaint is never used.
pub(super) struct Check<'a> {
    pub(super) sources: &'a Sources<'a>,
    pub(super) problems: Problems,
}

impl Check<'_> {
    fn control(&mut self, from: &file::Control) -> ControlRole {
        let data: std::path::PathBuf = self.text("control.data", &from.data).into();
        let beside = Intercom::beside(&data);
        let dir = |text: &str, beside| if text.is_empty() { beside } else { text.into() };
        let limits = &from.limits;
        let public_url = self.url("control.public_url", &from.public_url);
        ControlRole {
            listen: self.address("control.listen", &from.listen),
            database: self.database("control", &from.store),
            mail: self.mail(&from.mail, public_url.as_deref()),
            public_url,
            trusted_proxies: self.networks("control.trusted_proxies", &from.trusted_proxies),
            checkout: self.checkout(&from.checkout),
            rate: Rate::new(limits.requests_per_second, limits.burst),
            settings: control::Settings {
                session: Span::hours(from.session_hours),
                approval: self.approval(&from.approval),
                plans: self.plans(from),
                limits: control::Limits {
                    hashes_at_once: limits.hashes_at_once,
                    failures_per_net: limits.failures_per_net,
                    failures_per_pair: limits.failures_per_pair,
                    failures_per_address: limits.failures_per_address,
                    registrations_per_hour: limits.registrations_per_hour,
                    mails_per_hour: limits.mails_per_hour,
                    mails_per_net: limits.mails_per_net,
                },
                ..control::Settings::default()
            },
            intercom: Intercom {
                sandbox: dir(&from.intercom.sandbox, beside.sandbox),
                live: dir(&from.intercom.live, beside.live),
            },
            data,
        }
    }

    fn approval(&mut self, text: &str) -> control::Approval {
        self.want(["required", "off"].contains(&text), "control.approval", text, "\"required\" or \"off\"");
        if text == "off" { control::Approval::Off } else { control::Approval::Required }
    }

    fn sandbox(&mut self, from: &file::Sandbox, corridors: &Corridors) -> PlaneRole {
        let mut plane = PlaneConfig::new(PlaneName::main(Environment::Sandbox), self.text("sandbox.data", &from.data));
        plane.corridors = corridors.clone();
        plane.database = self.database("sandbox", &from.store);
        plane.sandbox_start = SandboxStart {
            balance: self.dollars("sandbox.start.balance", &from.start.balance),
            overdraft: self.dollars("sandbox.start.overdraft", &from.start.overdraft),
        };
        let public_url = self.url("sandbox.public_url", &from.public_url);
        let listen = self.address("sandbox.listen", &from.listen);
        self.reachable("sandbox", listen, public_url.as_ref());
        plane.kyc = self.kyc_limits("sandbox", from.kyc.unverified_dollars, from.kyc.verified_dollars);
        PlaneRole {
            listen,
            trusted_proxies: self.networks("sandbox.trusted_proxies", &from.trusted_proxies),
            limits: limits(&from.limits, &mut plane),
            pages: hosted::Options {
                provider: None,
                callback_secret: self.secret(
                    "sandbox.kyc.callback_secret_file",
                    &from.kyc.callback_secret_file,
                    "SANDBOX_KYC_CALLBACK",
                ),
                public_url: public_url.clone(),
            },
            public_url,
            rail: Rail::Simulated,
            control: control_of(&from.control, &plane),
            plane: self.payouts("sandbox", &from.payouts, plane),
        }
    }

    fn live(&mut self, from: &file::Live, corridors: &Corridors) -> PlaneRole {
        let mut plane = PlaneConfig::new(PlaneName::main(Environment::Live), self.text("live.data", &from.data));
        plane.corridors = corridors.clone();
        plane.database = self.database("live", &from.store);
        let public_url = self.url("live.public_url", &from.public_url);
        let listen = self.address("live.listen", &from.listen);
        self.reachable("live", listen, public_url.as_ref());
        plane.kyc = self.kyc_limits("live", from.kyc.unverified_dollars, from.kyc.verified_dollars);
        PlaneRole {
            listen,
            trusted_proxies: self.networks("live.trusted_proxies", &from.trusted_proxies),
            limits: limits(&from.limits, &mut plane),
            pages: hosted::Options {
                provider: self.provider("live.kyc.provider_url", &from.kyc.provider_url),
                callback_secret: self.secret(
                    "live.kyc.callback_secret_file",
                    &from.kyc.callback_secret_file,
                    "LIVE_KYC_CALLBACK",
                ),
                public_url: public_url.clone(),
            },
            public_url,
            rail: self.rail(&from.rail),
            control: control_of(&from.control, &plane),
            plane: self.payouts("live", &from.payouts, plane),
        }
    }

    fn rail(&mut self, from: &file::Rail) -> Rail {
        match from.kind.as_str() {
            "manual" => {
                for (key, text) in [("base_url", &from.base_url), ("key_file", &from.key_file)] {
                    if !text.is_empty() {
                        let path = format!("live.rail.{key}");
                        self.problems.add(&path, "is for kind = \"cashq\" alone: empty it, or change `live.rail.kind`");
                    }
                }
                Rail::Manual
            }
            "cashq" => self.cashq_rail(from),
            "simulated" => {
                self.problems
                    .add("live.rail.kind", "is \"simulated\": live moves real money; give \"manual\" or \"cashq\"");
                Rail::Manual
            }
            other => {
                self.problems.add("live.rail.kind", format!("is {other:?}: give \"manual\" or \"cashq\""));
                Rail::Manual
            }
        }
    }

    fn cashq_rail(&mut self, from: &file::Rail) -> Rail {
        let base_url = self.url("live.rail.base_url", &from.base_url);
        let key = self.secret("live.rail.key_file", &from.key_file, "LIVE_RAIL_KEY");
        if base_url.is_none() {
            let remedy = "is empty: with kind = \"cashq\" give the address of the server that pays";
            self.problems.add("live.rail.base_url", remedy);
        }
        if key.is_none() && from.key_file.is_empty() {
            let remedy = "is empty: with kind = \"cashq\" name the file that holds our agent key there";
            self.problems.add("live.rail.key_file", remedy);
        }
        let (Some(base_url), Some(key)) = (base_url, key) else { return Rail::Manual };
        match CashQRail::new(&base_url, &key, Some(Duration::from_millis(from.request_ms))) {
            Ok(rail) => Rail::CashQ(rail),
            Err(fault) => {
                self.problems.add("live.rail", format!("cannot be used: {}", fault.chain()));
                Rail::Manual
            }
        }
    }

    fn kyc_limits(&mut self, role: &str, unverified_dollars: u32, verified_dollars: u32) -> KycLimits {
        if verified_dollars < unverified_dollars {
            let remedy = format!("is {verified_dollars}: give at least `{role}.kyc.unverified_dollars`");
            self.problems.add(&format!("{role}.kyc.verified_dollars"), remedy);
        }
        KycLimits { unverified_dollars, verified_dollars }
    }

    fn provider(&mut self, path: &str, text: &str) -> Option<ProviderUrl> {
        if text.is_empty() {
            return None;
        }
        match ProviderUrl::parse(text) {
            Ok(provider) => Some(provider),
            Err(error) => {
                self.problems.add(path, format!("is {text:?}: it {error}"));
                None
            }
        }
    }

    fn payouts(&mut self, role: &str, from: &file::Payouts, mut plane: PlaneConfig) -> PlaneConfig {
        if from.retry_most_ms < from.retry_first_ms {
            let remedy = format!("is {}: give at least `{role}.payouts.retry_first_ms`", from.retry_most_ms);
            self.problems.add(&format!("{role}.payouts.retry_most_ms"), remedy);
        }
        plane.payouts = PayoutSettings {
            stage: Span::millis(from.stage_ms),
            retry_first: Span::millis(from.retry_first_ms),
            retry_most: Span::millis(from.retry_most_ms),
            attempts_most: from.attempts_most,
        };
        plane
    }

    fn log(&mut self, from: &file::Log) -> Log {
        let format = match from.format.as_str() {
            "auto" => LogFormat::Auto,
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                self.problems.add("log.format", format!("is {other:?}: give \"auto\", \"text\" or \"json\""));
                LogFormat::Auto
            }
        };
        let level = crate::logs::level(&from.level).unwrap_or_else(|| {
            let remedy = "give \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
            self.problems.add("log.level", format!("is {:?}: {remedy}", from.level));
            tracing::Level::INFO
        });
        Log { format, level }
    }

    pub(super) fn want(&mut self, holds: bool, path: &str, found: &str, remedy: &str) {
        if !holds {
            self.problems.add(path, format!("is {found:?}: give {remedy}"));
        }
    }

    fn text(&mut self, path: &str, text: &str) -> String {
        self.want(!text.trim().is_empty(), path, text, "a directory, such as \"data/sandbox\"");
        text.to_owned()
    }

    fn address(&mut self, path: &str, text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|_| {
            self.want(false, path, text, "an IP address and a port, such as \"127.0.0.1:7001\"");
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// Whoever listens on every address has to be told by which the outside knows it.
    fn reachable(&mut self, role: &str, listen: SocketAddr, public_url: Option<&String>) {
        if listen.ip().is_unspecified() && public_url.is_none() {
            let remedy = format!("is empty while `{role}.listen` is every address: say how callers reach it");
            self.problems.add(&format!("{role}.public_url"), remedy);
        }
    }

    /// Empty is `None`; else an address without a trailing slash.
    pub(super) fn url(&mut self, path: &str, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let fits =
            rest.is_some_and(|rest| !rest.is_empty() && !rest.ends_with('/') && !rest.contains([' ', '#', '"', '<']));
        self.want(fits, path, text, "an http:// or https:// address without a slash at its end");
        Some(text.to_owned())
    }

    fn networks(&mut self, path: &str, texts: &[String]) -> Vec<ipnet::IpNet> {
        let mut networks = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            match crate::admin::network(text) {
                Some(network) => networks.push(network),
                None => {
                    self.want(false, &format!("{path}[{at}]"), text, "an address or a network, such as \"10.0.0.0/8\"")
                }
            }
        }
        networks
    }

    pub(super) fn dollars(&mut self, path: &str, text: &str) -> Amount {
        let amount = Amount::parse(text, Asset::USD).ok().filter(|amount| amount.minor <= 1_000_000_000_000_000);
        amount.unwrap_or_else(|| {
            self.want(false, path, text, "dollars with at most two decimals, such as \"20.00\"");
            Amount::cents(1)
        })
    }

    pub(super) fn secret(&mut self, path: &str, file: &str, variable: &str) -> Option<base::Secret<String>> {
        secret(path, file, variable, &self.sources.variables, &mut self.problems)
    }
}

/// Control's directory, which is beside the plane's own unless it is named.
fn control_of(text: &str, plane: &PlaneConfig) -> std::path::PathBuf {
    let beside = || plane.dir.parent().unwrap_or(std::path::Path::new("")).join(Role::Control.word());
    if text.is_empty() { beside() } else { text.into() }
}

fn limits(from: &file::Limits, plane: &mut PlaneConfig) -> Limits {
    plane.store_limits.queued_per_tenant = from.queued_per_tenant;
    plane.store_limits.queued = from.queued;
    Limits {
        threads: from.threads,
        connections: from.connections,
        requests_per_second: from.requests_per_second,
        burst: from.burst,
        denied_per_minute: from.denied_per_minute,
        body_bytes: from.body_bytes,
        body: Duration::from_millis(from.body_ms),
        request: Duration::from_millis(from.request_ms),
        header_read: Duration::from_millis(from.header_read_ms),
    }
}
