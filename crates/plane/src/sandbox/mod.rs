//! Controls that exist only in a sandbox. Every door takes a [`Sandbox`] witness, which a live plane cannot make, and
//! touches the calling tenant alone.
//!
//! In the order of a test's life: money and overdraft → receivers → transfers forced on → weather → clock → settings →
//! reset. Whoever was authenticated before a reset is refused with [`Refusal::Reset`].

pub mod magic;
mod state;
mod store;
mod weather;

use std::sync::Arc;

use ::store::{Draft, Halt, Lane, TenantNo, Tx};
use base::{Amount, Deed, Fault, Span, Stop, Time};

use crate::grants::TenantRow;
use crate::kyc::{self, Standing, Verdict};
use crate::payouts::{self, WordRefusal};
use crate::{Caller, Phone, Plane, books, deeds, grants, members};

pub use crate::resets::{Swept, reset, reset_all, reset_for, sweep};
pub use state::{CLOCK_MOST, FUNDS_MOST, LIMIT_DOLLARS_MOST, Refusal, Wish};
pub use store::{Conditions, LISTED_MOST, Listed, Overview, StateCount, conditions, overview, transfers};
pub(crate) use weather::Skies;
pub use weather::{ERROR_CODES, Gust, LATENCY_MS_MOST, Weather, WeatherRefusal};

/// Proof that the plane at hand is a sandbox. Only [`crate::Plane::sandbox`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox {
    _made_by_the_plane: (),
}

impl Sandbox {
    pub(crate) fn witness(environment: base::Environment) -> Option<Sandbox> {
        (environment == base::Environment::Sandbox).then_some(Sandbox { _made_by_the_plane: () })
    }

    /// A witness is a word without a plane in it: used on a live plane, it opens nothing there.
    pub(crate) fn opens(self, plane: &Plane) -> Result<(), Fault> {
        match plane.sandbox() {
            Some(_) => Ok(()),
            None => Err(Fault::new("a sandbox control was used on a live plane")),
        }
    }
}

/// What this call is to meet before it is looked at.
pub fn gust(plane: &Plane, _sandbox: Sandbox, caller: &Caller) -> Gust {
    let (skies, tenant) = (plane.skies(), caller.tenant());
    if plane.members().trusted() {
        return skies.gust(tenant);
    }
    // The call itself meets the same trouble and answers it; weather that cannot be read is as it was.
    let row = plane.store().read(|reader| reader.get::<TenantRow>(&tenant)).ok().flatten();
    row.map_or_else(|| skies.gust(tenant), |row| skies.gust_under(tenant, Weather::from_stored(&row.weather)))
}

/// Takes tenants' clocks and weather as they are stored now, whichever process set them.
pub(crate) fn recall(plane: &Plane) -> Result<(), Fault> {
    while plane.sandbox().is_some() {
        let ticket = plane.skies().ticket();
        let (set, retired) = plane.store().read(|reader| {
            let set =
                reader.select::<TenantRow>("retired = 0 AND (clock_ahead > 0 OR weather <> '{}') ORDER BY tenant")?;
            Ok((set, reader.select::<TenantRow>("retired = 1 ORDER BY tenant")?))
        })?;
        set.iter().for_each(|row| plane.work().set_ahead(row.tenant, Span(row.clock_ahead)));
        retired.iter().for_each(|row| plane.work().forget(row.tenant));
        let weather = set.into_iter().map(|row| (row.tenant, Weather::from_stored(&row.weather))).collect();
        if plane.skies().replace(ticket, weather) {
            break;
        }
    }
    Ok(())
}

/// Puts money into the agent account, out of nowhere.
pub async fn fund(plane: &Plane, sandbox: Sandbox, caller: &Caller, amount: Amount) -> Result<(), Stop<Refusal>> {
    state::fits(amount)?;
    let tenant = caller.tenant();
    let put = move |tx: &mut Tx<'_>, _: TenantRow| {
        let account = books::account(tx, tenant, books::AccountName::Agent)?;
        if account.posted().saturating_add(amount.minor) > FUNDS_MOST.minor {
            return Err(Halt::Refused(Refusal::TooMuchMoney));
        }
        books::deposit(tx, tenant, amount, "sandbox control").map_err(|halt| state::ledger(halt, |_| None))
    };
    run(plane, sandbox, caller, put).await
}

/// Takes money out of the agent account. Refuses more than is available, overdraft included.
pub async fn drain(plane: &Plane, sandbox: Sandbox, caller: &Caller, amount: Amount) -> Result<(), Stop<Refusal>> {
    state::fits(amount)?;
    let tenant = caller.tenant();
    let take = move |tx: &mut Tx<'_>, _: TenantRow| {
        books::withdraw(tx, tenant, amount, "sandbox control").map_err(|halt| {
            let available = |short_by| Amount::new(amount.minor - short_by, amount.asset);
            state::ledger(halt, |short_by| Some(Refusal::MoreThanAvailable { available: available(short_by) }))
        })
    };
    run(plane, sandbox, caller, take).await
}

/// Sets how far the agent account may go below zero. Refuses less than is in use.
pub async fn set_overdraft(plane: &Plane, sandbox: Sandbox, caller: &Caller, to: Amount) -> Result<(), Stop<Refusal>> {
    if to.minor < 0 || to.minor > FUNDS_MOST.minor {
        return Err(Stop::Refused(Refusal::OverdraftUnusable));
    }
    let tenant = caller.tenant();
    let set = move |tx: &mut Tx<'_>, _: TenantRow| {
        books::set_overdraft(tx, tenant, to).map_err(|halt| {
            let used = |short_by| Amount::new(to.minor + short_by, to.asset);
            state::ledger(halt, |short_by| Some(Refusal::OverdraftInUse { used: used(short_by) }))
        })?;
        let cents = to.minor.to_string();
        keep(tx, tenant, "overdraft_set", &serde_json::json!({"cents": cents}))
    };
    run(plane, sandbox, caller, set).await
}

/// Says how a receiver stands with the calling tenant, and how it stands then.
pub async fn judge(
    plane: &Plane,
    sandbox: Sandbox,
    caller: &Caller,
    phone: &Phone,
    verdict: Verdict,
) -> Result<Standing, Stop<Refusal>> {
    sandbox.opens(plane)?;
    let (Verdict::Verified { dollars } | Verdict::Unverified { dollars }) = verdict;
    if dollars.is_some_and(|dollars| dollars > LIMIT_DOLLARS_MOST) {
        return Err(Stop::Refused(Refusal::LimitTooLarge));
    }
    kyc::decide_in_sandbox(plane, sandbox, caller.tenant(), phone, verdict).await.map_err(|stop| match stop {
        Stop::Refused(_) => Stop::Refused(Refusal::Reset),
        Stop::Faulted(fault) => Stop::Faulted(fault),
    })?;
    Ok(kyc::standing(plane, caller, phone)?)
}

/// The payout worker moves transfers too: how often a plan is made anew because of that.
const FORCE_TRIES: usize = 5;

/// Moves one transfer as `wish` says, by the steps that the table allows, and answers where it is then. Money follows the
/// same rules as always: settled at 60, given back at 80.
pub async fn force(
    plane: &Plane,
    sandbox: Sandbox,
    caller: &Caller,
    id: &str,
    wish: Wish,
) -> Result<payouts::State, Stop<Refusal>> {
    sandbox.opens(plane)?;
    for _ in 0..FORCE_TRIES {
        let row = payouts::of_tenant(plane, caller.tenant(), id)?;
        let row = row.ok_or(Stop::Refused(Refusal::TransferUnknown))?;
        let Some(plan) = state::plan(row.state, wish) else {
            return Err(Stop::Refused(Refusal::NotFromHere { from: row.state, possible: state::possible(row.state) }));
        };
        let Some(goal) = plan.last().map(|step| step.to) else { return Ok(row.state) };
        let moves = plan.iter().map(|step| step.of(row.seq)).collect();
        let moved = payouts::walk(plane, caller.tenant(), moves).await.map_err(|stop| match stop {
            Stop::Refused(WordRefusal::Illegal) => Stop::Faulted(Fault::new("a planned step was not lawful")),
            Stop::Refused(WordRefusal::TenantUnknown | WordRefusal::TransferUnknown) => Stop::Refused(Refusal::Reset),
            Stop::Faulted(fault) => Stop::Faulted(fault),
        })?;
        if moved.state == goal {
            deeds::note(plane, caller, Deed::Forced);
            return Ok(moved.state);
        }
    }
    Err(Stop::Faulted(Fault::busy("the transfer was moved by the payout worker meanwhile; ask again")))
}

/// Sets what every contract call of the tenant meets from now on. In force when this returns.
pub async fn set_weather(
    plane: &Plane,
    sandbox: Sandbox,
    caller: &Caller,
    weather: Weather,
) -> Result<Weather, Stop<Refusal>> {
    weather.check().map_err(|why| Stop::Refused(Refusal::Weather(why)))?;
    sandbox.opens(plane)?;
    let (tenant, skies, shared) = (caller.tenant(), Arc::clone(plane.skies()), plane.shared());
    let stored: Arc<str> = weather.stored().into();
    let kept = Arc::clone(&stored);
    let set = move |tx: &mut Tx<'_>| {
        members::want(tx, shared);
        let row = owner(tx, tenant)?;
        keep(tx, tenant, "weather_set", &serde_json::json!({"weather": &*kept}))?;
        tx.put(TenantRow { weather: Arc::clone(&kept), ..row });
        Ok(members::changed(tx, shared)?)
    };
    let told = move |_: &members::Change| skies.set(tenant, &stored);
    let change = plane.store().submit_then(Lane::Client(tenant), set, told).await?;
    members::settled(plane, change).await?;
    deeds::note(plane, caller, Deed::Weather);
    Ok(weather)
}

/// A tenant's clock: its own time, and how far that is ahead of the plane's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    pub now: Time,
    pub ahead: Span,
}

/// Moves the tenant's clock forward by `by`, at most [`CLOCK_MOST`] at a time. Whatever is due then is due at once.
pub async fn advance_clock(plane: &Plane, sandbox: Sandbox, caller: &Caller, by: Span) -> Result<Clock, Stop<Refusal>> {
    state::forward(by)?;
    sandbox.opens(plane)?;
    let (tenant, work, shared) = (caller.tenant(), plane.work_told(), plane.shared());
    let moved = move |tx: &mut Tx<'_>| {
        members::want(tx, shared);
        let row = owner(tx, tenant)?;
        let clock_ahead = state::ahead(row.clock_ahead, by)?;
        keep(tx, tenant, "clock_advanced", &serde_json::json!({"by_us": by.0, "ahead_us": clock_ahead}))?;
        let row = TenantRow { clock_ahead, ..row };
        let clock = Clock { now: row.time(tx.now()), ahead: Span(clock_ahead) };
        tx.put(row);
        Ok((clock, members::changed(tx, shared)?))
    };
    let told = move |(clock, _): &(Clock, members::Change)| work.set_ahead(tenant, clock.ahead);
    let (clock, change) = plane.store().submit_then(Lane::Client(tenant), moved, told).await?;
    members::settled(plane, change).await?;
    Ok(clock)
}

/// Whether transfers without an `approvelyId` wait in 0/9 until they are linked. Those accepted before stay as they are.
pub async fn set_link_pay_ins(plane: &Plane, sandbox: Sandbox, caller: &Caller, on: bool) -> Result<(), Stop<Refusal>> {
    let tenant = caller.tenant();
    let set = move |tx: &mut Tx<'_>, row: TenantRow| {
        keep(tx, tenant, "settings_changed", &serde_json::json!({"link_pay_ins": on}))?;
        tx.put(TenantRow { link_pay_ins: on, ..row });
        Ok(())
    };
    run(plane, sandbox, caller, set).await
}

/// One control: refused for a tenant that was reset meanwhile.
async fn run<T, F>(plane: &Plane, sandbox: Sandbox, caller: &Caller, control: F) -> Result<T, Stop<Refusal>>
where
    F: Fn(&mut Tx<'_>, TenantRow) -> Result<T, Halt<Refusal>> + Send + 'static,
    T: Send + 'static,
{
    sandbox.opens(plane)?;
    let tenant = caller.tenant();
    let run = move |tx: &mut Tx<'_>| {
        let row = owner(tx, tenant)?;
        control(tx, row)
    };
    plane.store().submit(Lane::Client(tenant), run).await
}

fn owner(tx: &mut Tx<'_>, tenant: TenantNo) -> Result<TenantRow, Halt<Refusal>> {
    tx.want::<::store::Head>(&tenant);
    books::want(tx, tenant);
    grants::current(tx, tenant)?.ok_or(Halt::Refused(Refusal::Reset))
}

fn keep(tx: &mut Tx<'_>, tenant: TenantNo, kind: &'static str, facts: &serde_json::Value) -> Result<(), Halt<Refusal>> {
    let draft = Draft { kind, facts: facts.to_string(), postings: "[]".to_owned(), answer: None };
    tx.append::<Refusal>(tenant, draft).map(|_| ())
}
