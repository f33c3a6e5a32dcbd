//! Two planes in memory, which do what they are asked and come to grief as a test says: down, an answer lost, slow.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::{Environment, KeyId, KeyKind, PayoutPolicy, Secret, Span, TenantId, TestClock};
use control::planes::{Ask, BoxFuture, KeyChange, KeyLimits, KeyView, NotDone, PlaneRefusal, Planes, Reply, Standing};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What happens to one ask. Those after the last that was scripted go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Well,
    /// It never gets there.
    Down,
    /// It is done, and nobody hears of it.
    Lost,
    /// It is done after so long.
    Slow(Span),
    /// It is done, and the answer is on its way until the test lets it go.
    Held,
}

/// Both planes.
pub struct FakePlanes {
    clock: Arc<TestClock>,
    state: Mutex<State>,
    held: Notify,
    let_go: Notify,
}

#[derive(Default)]
struct State {
    sides: BTreeMap<&'static str, Side>,
    fates: VecDeque<Fate>,
    asked: Vec<(Environment, Ask)>,
    minted: u32,
}

#[derive(Default)]
struct Side {
    tenants: BTreeMap<TenantId, (String, Standing)>,
    keys: BTreeMap<KeyId, (TenantId, KeyView)>,
    wishes: BTreeMap<(TenantId, String), Mark>,
}

#[derive(Clone)]
enum Mark {
    Minted { fingerprint: String, key: KeyId, replaced: Option<KeyId> },
    Voided,
}

impl FakePlanes {
    pub fn new(clock: &Arc<TestClock>) -> FakePlanes {
        FakePlanes { clock: Arc::clone(clock), state: Mutex::default(), held: Notify::new(), let_go: Notify::new() }
    }

    /// What happens to the next asks, in order.
    pub fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.state.lock().fates = fates.into_iter().collect();
    }

    /// Waits until an answer is held.
    pub async fn held(&self) {
        self.held.notified().await;
    }

    /// The answer that is held arrives.
    pub fn let_go(&self) {
        self.let_go.notify_one();
    }

    /// What was asked since the last look.
    pub fn asked(&self) -> Vec<(Environment, Ask)> {
        std::mem::take(&mut self.state.lock().asked)
    }

    /// Every key of a side that would be accepted.
    pub fn alive(&self, environment: Environment) -> Vec<KeyId> {
        self.with(environment, |side| {
            let alive = side.keys.values().filter(|(_, key)| !key.revoked && key.active);
            alive.map(|(_, key)| key.id).collect()
        })
    }

    /// A tenant's name and standing, if that side knows it.
    pub fn tenant(&self, environment: Environment, tenant: &TenantId) -> Option<(String, Standing)> {
        self.with(environment, |side| side.tenants.get(tenant).cloned())
    }

    fn with<T>(&self, environment: Environment, look: impl FnOnce(&mut Side) -> T) -> T {
        look(self.state.lock().sides.entry(environment.word()).or_default())
    }

    async fn answer(&self, environment: Environment, ask: Ask) -> Result<Reply, NotDone> {
        let unreachable = |may_have_run| NotDone::Unreachable { may_have_run, why: "as scripted".to_owned() };
        let (fate, number) = {
            let mut state = self.state.lock();
            state.asked.push((environment, ask.clone()));
            state.minted += 1;
            (state.fates.pop_front().unwrap_or(Fate::Well), state.minted)
        };
        match fate {
            Fate::Down => return Err(unreachable(false)),
            Fate::Slow(span) => drop(self.clock.advance(span)),
            Fate::Well | Fate::Lost | Fate::Held => {}
        }
        let now = base::Clock::now(self.clock.as_ref());
        let fresh = format!("{number:012}").parse::<KeyId>().unwrap();
        let answer = self.with(environment, |side| side.answer(ask, environment, fresh, now));
        if fate == Fate::Held {
            self.held.notify_one();
            self.let_go.notified().await;
        }
        if fate == Fate::Lost { Err(unreachable(true)) } else { answer.map_err(NotDone::Refused) }
    }
}

impl Planes for FakePlanes {
    fn ask<'a>(&'a self, environment: Environment, ask: Ask) -> BoxFuture<'a, Result<Reply, NotDone>> {
        Box::pin(self.answer(environment, ask))
    }

    fn base_url(&self, _: Environment) -> Option<String> {
        None
    }
}

impl Side {
    fn answer(
        &mut self,
        ask: Ask,
        environment: Environment,
        fresh: KeyId,
        now: base::Time,
    ) -> Result<Reply, PlaneRefusal> {
        let new = |kind, name, limits| KeyView {
            environment,
            id: fresh,
            kind,
            name,
            active: true,
            revoked: false,
            limits,
            created_at: now,
            last_used_at: None,
        };
        match ask {
            Ask::Admit { tenant, name, standing } => {
                self.tenants.insert(tenant, (name, standing));
            }
            Ask::Stand { tenant, standing } => {
                self.tenants.get_mut(&tenant).ok_or(PlaneRefusal::TenantUnknown)?.1 = standing;
            }
            Ask::Mint { wish, fingerprint, tenant, kind, name, limits } => {
                let kept = (tenant.clone(), wish);
                self.wished(&kept, &fingerprint)?;
                return Ok(self.minted(kept, fingerprint, new(kind, name, limits), None));
            }
            Ask::Rotate { wish, fingerprint, tenant, key, overlap } => {
                let kept = (tenant.clone(), wish);
                self.wished(&kept, &fingerprint)?;
                let mut old = self.key(&tenant, key)?.clone();
                let successor = new(old.kind, old.name.clone(), old.limits.clone());
                old.limits.expires_at = Some(now.plus(overlap));
                return Ok(self.minted(kept, fingerprint, successor, Some(old)));
            }
            Ask::Change { tenant, key, change } => return self.change(&tenant, key, change),
            Ask::Key { tenant, key } => return self.key(&tenant, key).map(|key| Reply::Key(key.clone())),
            Ask::Keys { tenant } => {
                let own = self.keys.values().filter(|(of, _)| *of == tenant);
                return Ok(Reply::Keys(own.map(|(_, key)| key.clone()).collect()));
            }
            Ask::Reset { tenant } => {
                self.tenants.get(&tenant).ok_or(PlaneRefusal::TenantUnknown)?;
            }
            Ask::Deeds { .. } => return Ok(Reply::Deeds(0)),
            Ask::Usage { .. } => return Ok(Reply::Usage(Vec::new())),
            Ask::Void { tenant, wish } => {
                if let Some(Mark::Minted { key, .. }) = self.wishes.insert((tenant, wish), Mark::Voided) {
                    self.keys.get_mut(&key).unwrap().1.revoked = true;
                }
            }
        }
        Ok(Reply::Done)
    }

    fn wished(&self, wish: &(TenantId, String), fingerprint: &str) -> Result<(), PlaneRefusal> {
        if !self.tenants.contains_key(&wish.0) {
            return Err(PlaneRefusal::TenantUnknown);
        }
        match self.wishes.get(wish) {
            Some(Mark::Voided) => Err(PlaneRefusal::Voided),
            Some(Mark::Minted { fingerprint: kept, .. }) if kept != fingerprint => Err(PlaneRefusal::OtherContent),
            Some(Mark::Minted { .. }) | None => Ok(()),
        }
    }

    fn minted(
        &mut self,
        wish: (TenantId, String),
        fingerprint: String,
        new: KeyView,
        replaced: Option<KeyView>,
    ) -> Reply {
        if let Some(Mark::Minted { key, replaced, .. }) = self.wishes.get(&wish) {
            let view = |key: &KeyId| self.keys[key].1.clone();
            return Reply::Minted { key: view(key), whole: None, replaced: replaced.as_ref().map(view).map(Box::new) };
        }
        if let Some(old) = &replaced {
            self.keys.insert(old.id, (wish.0.clone(), old.clone()));
        }
        self.keys.insert(new.id, (wish.0.clone(), new.clone()));
        let mark = Mark::Minted { fingerprint, key: new.id, replaced: replaced.as_ref().map(|old| old.id) };
        self.wishes.insert(wish, mark);
        let whole = format!("pk_{}_{}.secret{}", new.environment.key_word(), new.id, new.id);
        Reply::Minted { key: new, whole: Some(Secret::new(whole)), replaced: replaced.map(Box::new) }
    }

    fn key(&mut self, tenant: &TenantId, key: KeyId) -> Result<&mut KeyView, PlaneRefusal> {
        let found = self.keys.get_mut(&key).filter(|(of, _)| of == tenant);
        found.map(|(_, key)| key).ok_or(PlaneRefusal::KeyUnknown)
    }

    fn change(&mut self, tenant: &TenantId, key: KeyId, change: KeyChange) -> Result<Reply, PlaneRefusal> {
        let key = self.key(tenant, key)?;
        if key.revoked {
            return Err(PlaneRefusal::KeyRevoked);
        }
        match change {
            KeyChange::Rename(name) if name.is_empty() => return Err(PlaneRefusal::NameUnusable),
            KeyChange::Rename(name) => key.name = name,
            KeyChange::Disable => key.active = false,
            KeyChange::Enable => key.active = true,
            KeyChange::Policy(_) if key.kind != KeyKind::Payout => return Err(PlaneRefusal::PolicyElsewhere),
            KeyChange::Policy(change) => {
                let mut policy = key.limits.payout.take().map_or_else(PayoutPolicy::nothing, |policy| *policy);
                policy.limits = change.limits.unwrap_or(policy.limits);
                key.limits.payout = Some(Box::new(policy));
            }
            KeyChange::Revoke => key.revoked = true,
        }
        Ok(Reply::Key(key.clone()))
    }
}

/// What an ordinary key is asked for with.
pub fn ordinary(name: &str) -> control::keys::NewKey {
    control::keys::NewKey {
        name: name.to_owned(),
        kind: KeyKind::Standard,
        expires_in_days: None,
        ips: KeyLimits::default().ips,
        policy: KeyLimits::default().policy,
        once: None,
    }
}
