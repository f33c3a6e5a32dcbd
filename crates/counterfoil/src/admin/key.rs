//! `admin key`: minted, listed, changed, rotated. A whole key is shown once, by the command that mints it.

use clap::{Args, Subcommand};

use super::commands::{Call, Env};
use super::print::Column;
use super::wire::{self, KeyWish};
use crate::failure::Failure;

#[derive(Subcommand)]
pub enum Key {
    /// Mint a key.
    Create(Create),
    /// Every key of a tenant, nothing secret in it.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Refuse the key until it is enabled again.
    Disable(One),
    Enable(One),
    /// Refuse the key for good.
    Revoke(One),
    /// Mint a key with the same limits; the old one dies after the overlap.
    Rotate {
        #[command(flatten)]
        one: One,
        #[arg(long, default_value_t = 24)]
        overlap_hours: u32,
    },
    Rename {
        #[command(flatten)]
        one: One,
        #[arg(long)]
        name: String,
    },
}

/// Whose keys, and where.
#[derive(Args)]
pub struct Of {
    #[arg(long)]
    tenant: String,
    #[arg(long, value_enum)]
    env: Env,
}

#[derive(Args)]
pub struct One {
    #[command(flatten)]
    of: Of,
    /// The key's public id: the twelve characters before the dot.
    id: String,
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    of: Of,
    /// standard, payout or agent.
    #[arg(long)]
    kind: String,
    #[arg(long, default_value = "key")]
    name: String,
    /// Days until the key dies. Payout keys: at most 365, which is their default.
    #[arg(long)]
    expires_days: Option<u32>,
    /// Addresses or networks that may use the key. Default: all.
    #[arg(long, value_name = "CIDR", num_args = 1..)]
    ip: Vec<String>,
    /// Agent keys: most in one transfer.
    #[arg(long)]
    per_transfer_cents: Option<i64>,
    /// Agent keys: most in any 24 hours.
    #[arg(long)]
    daily_cents: Option<i64>,
    /// Agent keys: corridors, by service id. Default: all.
    #[arg(long, num_args = 1..)]
    service: Vec<String>,
}

const MINTED: &[Column] = &[("id", "id"), ("kind", "kind"), ("key (shown once)", "key")];
const LISTED: &[Column] = &[
    ("id", "id"),
    ("kind", "kind"),
    ("name", "name"),
    ("state", "state"),
    ("created at", "created_at"),
    ("expires at", "expires_at"),
    ("last used at", "last_used_at"),
];

impl Key {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let (one, change) = match self {
            Key::Create(create) => return create.run(call).await,
            Key::List { of } => {
                let answer = call.plane(of.env).get("/keys", &wire::OfTenant { tenant: of.tenant }).await?;
                return call.print_rows(&answer, LISTED);
            }
            Key::Disable(one) => (one, KeyWish::Disable),
            Key::Enable(one) => (one, KeyWish::Enable),
            Key::Revoke(one) => (one, KeyWish::Revoke),
            Key::Rotate { one, overlap_hours } => (one, KeyWish::Rotate { overlap_hours }),
            Key::Rename { one, name } => (one, KeyWish::Rename(name)),
        };
        let columns = if matches!(change, KeyWish::Rotate { .. }) { MINTED } else { LISTED };
        let ask = wire::ChangeKey { tenant: one.of.tenant, id: one.id, change };
        call.print_rows(&call.plane(one.of.env).post("/keys/change", &ask).await?, columns)
    }
}

impl Create {
    async fn run(self, call: &Call) -> Result<(), Failure> {
        let ask = wire::NewKey {
            tenant: self.of.tenant,
            kind: self.kind,
            name: self.name,
            expires_days: self.expires_days,
            ips: self.ip,
            per_transfer_cents: self.per_transfer_cents,
            daily_cents: self.daily_cents,
            services: self.service,
        };
        call.print_rows(&call.plane(self.of.env).post("/keys", &ask).await?, MINTED)
    }
}
