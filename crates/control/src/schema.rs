//! Control's tables, in slot order: head 0, journal 1, claim 2 are the store's own.

use store::{Migration, Schema};

use crate::Tenant;
use crate::agenda::AgendaRow;
use crate::approvals::ApprovalRow;
use crate::audit::{AuditHeadRow, AuditRow};
use crate::billing::{CheckoutRow, ProviderEventRow};
use crate::environments::EnvironmentRow;
use crate::invitations::InvitationRow;
use crate::mail::MailRow;
use crate::notifications::NotificationRow;
use crate::passkeys::{CeremonyRow, PasskeyRow};
use crate::plans::PlanRow;
use crate::recovery::RecoveryRow;
use crate::seats::{SeatOfRow, SeatRow};
use crate::sessions::{InstallationRow, SessionRow};
use crate::signers::SignerRow;
use crate::throttle::ThrottleRow;
use crate::tickets::TicketRow;
use crate::totp::TotpRow;
use crate::usage::UsageRow;
use crate::users::{EmailRow, PendingEmailRow, UserRow};
use crate::wishes::WishRow;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: concat!(store::own_tables!(), include_str!("../migrations/sqlite/0001.sql")),
    postgres: concat!(store::own_tables_postgres!(), include_str!("../migrations/postgres/0001.sql")),
}];

/// For commands that look at a store without opening control.
pub fn schema() -> Schema {
    Schema::new("control", MIGRATIONS)
        .with::<Tenant>()
        .with::<UserRow>()
        .with::<EmailRow>()
        .with::<PendingEmailRow>()
        .with::<SessionRow>()
        .with::<TicketRow>()
        .with::<MailRow>()
        .with::<AgendaRow>()
        .with::<ThrottleRow>()
        .with::<SeatRow>()
        .with::<SeatOfRow>()
        .with::<EnvironmentRow>()
        .with::<WishRow>()
        .with::<AuditRow>()
        .with::<AuditHeadRow>()
        .with::<SignerRow>()
        .with::<InstallationRow>()
        .with::<PlanRow>()
        .with::<ApprovalRow>()
        .with::<TotpRow>()
        .with::<RecoveryRow>()
        .with::<PasskeyRow>()
        .with::<CeremonyRow>()
        .with::<InvitationRow>()
        .with::<CheckoutRow>()
        .with::<ProviderEventRow>()
        .with::<UsageRow>()
        .with::<NotificationRow>()
}
