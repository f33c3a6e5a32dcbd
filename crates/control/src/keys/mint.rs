//! Minting and rotating: a secret reaches its caller, or what was minted is voided.
//!
//! Before the ask a wish is kept that voids what it mints; with the answer the wish is forgotten and the change is written
//! down. Whatever is cut off in between is the loop's: it revokes what nobody has seen. A request with an idempotency key has
//! one effect; its repetitions show the key without its secret.

use ::store::{Claim, Entry, Halt, Missing, Once, Tx};
use base::{Environment, Fault, KeyId, Stop, TenantId, mac};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{Refusal, Shown, ask, one_key, tell};
use crate::act::Act;
use crate::front::OFFICE;
use crate::planes::{Ask, KeyView, NotDone, PlaneRefusal, Planes, Reply};
use crate::proof::Permit;
use crate::wishes::{self, Ended, What, Wish};
use crate::{Control, audit, environments, mail};

/// Which door it came through, as a claim names it.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(crate) enum Route {
    Create = 1,
    Rotate = 2,
    CreatePayout = 3,
    RotatePayout = 4,
}

/// How a request is told from others: by its door and, where it has one, its own name.
pub(crate) struct Named {
    pub(crate) route: Route,
    pub(crate) once: Option<super::IdempotencyKey>,
}

/// What is minted, for whom.
pub(super) struct Minting {
    /// Judged again with each commit: nothing is handed out to who has lost session or seat meanwhile.
    pub(super) permit: Permit,
    pub(super) environment: Environment,
    pub(super) act: Act,
    pub(super) named: Named,
    /// What was asked for, in JSON: the same content is the same text.
    pub(super) content: String,
}

/// What is known of the request before the plane is asked.
enum Begun {
    Now,
    /// It had its effect: the key, and the one that it replaced.
    Before(KeyId, Option<KeyId>),
}

/// The wishes of one request. One that turned out to be voided is kept on until the request has ended, beside the one that
/// follows it, so that a repetition finds it and waits.
#[derive(Clone)]
struct Tried {
    wish: String,
    voided: Vec<String>,
}

/// A wish that lived on as voided is followed by a fresh one; more than a few in a row cannot be.
const WISHES_MOST: usize = 3;

/// `ask` says it to the plane, given a wish and the fingerprint of the content.
pub(super) async fn mint(
    control: &Control,
    planes: &dyn Planes,
    minting: Minting,
    said: impl Fn(String, String) -> Ask,
) -> Result<Shown, Stop<Refusal>> {
    let once = minting.named.once.as_ref().map(|once| minting.claim(control, once.as_str()));
    let wish = once.as_ref().map_or_else(|| draw(control), |once| once.key.2.to_string());
    let mut tried = Tried { wish, voided: Vec::new() };
    let fingerprint = HEXLOWER.encode(&minting.fingerprint(control));
    for _ in 0..WISHES_MOST {
        match begin(control, &minting, &tried.wish, once.clone()).await? {
            Begun::Before(key, replaced) => return again(planes, &minting, key, replaced).await,
            Begun::Now => {}
        }
        let answer = planes.ask(minting.environment, said(tried.wish.clone(), fingerprint.clone())).await;
        match answer {
            Ok(Reply::Minted { key, whole: Some(whole), replaced }) => {
                confirm(control, &minting, tried, once, &key, replaced.as_deref()).await?;
                return Ok(Shown { key, whole: Some(whole), replaced: replaced.map(|old| *old) });
            }
            // Minted once and never confirmed: nobody has its secret. The loop voids it.
            Ok(Reply::Minted { whole: None, .. }) => return Err(unreachable(minting.environment)),
            Ok(_) => return Err(Stop::Faulted(Fault::new("the plane answered something else than a key"))),
            Err(NotDone::Refused(PlaneRefusal::Voided)) => {
                tried.voided.push(std::mem::replace(&mut tried.wish, draw(control)));
            }
            Err(not_done) => return Err(give_up(control, &minting, tried, not_done).await?),
        }
    }
    Err(unreachable(minting.environment))
}

/// First of the two commits around an ask: its wish, or what an earlier one led to.
async fn begin(control: &Control, minting: &Minting, wish: &str, once: Option<Once>) -> Result<Begun, Stop<Refusal>> {
    let (of, environment) = (minting.of().clone(), minting.environment);
    let what = What::Void { wish: wish.to_owned() };
    let wish = Wish { id: wish.to_owned(), of: of.clone(), environment, what };
    let run = move |tx: &mut Tx<'_>| {
        if let Some(claim) = once.as_ref().map(|once| tx.get::<Claim>(&once.key)).transpose()?.flatten() {
            if once.as_ref().is_none_or(|once| once.fingerprint != claim.fingerprint) {
                return Err(Halt::Refused(Refusal::OtherContent));
            }
            let entry = tx.get::<Entry>(&(OFFICE, claim.seq))?;
            let (key, replaced) =
                entry.as_ref().and_then(keys_in).ok_or_else(|| Fault::new("reading a minted key's entry"))?;
            return Ok(Begun::Before(key, replaced));
        }
        if !environments::is_active(tx, &of, environment)? {
            return Err(Halt::Refused(Refusal::NotActive(environment)));
        }
        match wishes::keep(tx, &wish)? {
            true => Ok(Begun::Now),
            false => Err(Halt::Refused(Refusal::InProgress)),
        }
    };
    control.run_by(&minting.permit, Some(environment), run).await
}

/// Second of the two commits: the wishes are forgotten and the change is written down, or it came too late and counts as undone.
async fn confirm(
    control: &Control,
    minting: &Minting,
    tried: Tried,
    once: Option<Once>,
    key: &KeyView,
    replaced: Option<&KeyView>,
) -> Result<(), Stop<Refusal>> {
    let (of, environment) = (minting.of().clone(), minting.environment);
    let (act, user, letter) = (minting.act.clone(), minting.permit.session().user().clone(), mail::draw(control));
    let facts = facts(key, replaced);
    let kind = if replaced.is_some() { "key_rotated" } else { "key_created" };
    let run = move |tx: &mut Tx<'_>| {
        // A repetition was quicker. The wish stays, and the loop voids what was minted under it.
        if once.as_ref().map(|once| tx.get::<Claim>(&once.key)).transpose()?.flatten().is_some() {
            return Err(Halt::Refused(Refusal::InProgress));
        }
        if wishes::end(tx, &tried.wish)? == Ended::Overtaken {
            return Err(Halt::Refused(Refusal::Unreachable(environment)));
        }
        drop_all(tx, &tried.voided)?;
        let seq = tx.next_seq(OFFICE)?;
        if let Some(once) = &once {
            tx.claim(once, seq);
        }
        audit::append::<Refusal>(tx, &act, Some(&of), kind, facts.clone())?;
        Ok(tell(tx, &of, environment, &user, mail::Kind::KeyCreated, &letter, &facts)?)
    };
    control.run_by(&minting.permit, Some(environment), run).await
}

/// After an ask without a key: what it means, and whether the wish still has something to do.
async fn give_up(
    control: &Control,
    minting: &Minting,
    tried: Tried,
    not_done: NotDone,
) -> Result<Stop<Refusal>, Fault> {
    let may_live = match &not_done {
        NotDone::Unreachable { may_have_run, .. } => *may_have_run,
        // Something else was minted under this wish, and nobody was told.
        NotDone::Refused(refusal) => *refusal == PlaneRefusal::OtherContent,
    };
    if !may_live {
        let run = move |tx: &mut Tx<'_>| {
            wishes::drop_it(tx, &tried.wish)?;
            Ok(drop_all(tx, &tried.voided)?)
        };
        control.change(run).await?;
    }
    Ok(match not_done {
        NotDone::Refused(PlaneRefusal::TenantUnknown) => Stop::Refused(Refusal::NotActive(minting.environment)),
        not_done => super::stopped(minting.environment, not_done),
    })
}

fn drop_all(tx: &mut Tx<'_>, voided: &[String]) -> Result<(), Missing> {
    voided.iter().try_for_each(|wish| wishes::drop_it(tx, wish).map(|_| ()))
}

/// A repetition of what had its effect: the key as it is now, without its secret.
async fn again(
    planes: &dyn Planes,
    minting: &Minting,
    key: KeyId,
    replaced: Option<KeyId>,
) -> Result<Shown, Stop<Refusal>> {
    let view = async |key| {
        let asked = Ask::Key { tenant: minting.of().clone(), key };
        ask(planes, minting.environment, asked).await.and_then(one_key)
    };
    let key = view(key).await?;
    let replaced = match replaced {
        Some(replaced) => Some(view(replaced).await?),
        None => None,
    };
    Ok(Shown { key, whole: None, replaced })
}

impl Minting {
    fn of(&self) -> &TenantId {
        self.permit.session().tenant()
    }

    /// The request's identity, whose key is also its wish.
    fn claim(&self, control: &Control, once: &str) -> Once {
        let route = self.named.route as u16;
        let name = format!("{}\n{}\n{route}\n{once}", self.of(), self.environment);
        let key = HEXLOWER.encode(&mac::hmac(&control.secrets().wish, &[b"wish\n", name.as_bytes()])[..20]);
        Once { key: (OFFICE, route, key.into()), fingerprint: self.fingerprint(control) }
    }

    fn fingerprint(&self, control: &Control) -> [u8; 16] {
        let whole = mac::hmac(&control.secrets().wish, &[b"content\n", self.content.as_bytes()]);
        std::array::from_fn(|at| whole[at])
    }
}

/// A wish of a request that has no name of its own; as long as one that has.
fn draw(control: &Control) -> String {
    let mut bytes = [0u8; 20];
    control.chance().fill(&mut bytes);
    HEXLOWER.encode(&bytes)
}

fn facts(key: &KeyView, replaced: Option<&KeyView>) -> Value {
    json!({
        "key": key.id.to_string(),
        "kind": key.kind.word(),
        "name": key.name,
        "replaced": replaced.map(|old| old.id.to_string()),
    })
}

/// The reverse of [`facts`], from the entry that they went into.
fn keys_in(entry: &Entry) -> Option<(KeyId, Option<KeyId>)> {
    let facts = serde_json::from_str::<Value>(&entry.facts).ok()?;
    let id = |name: &str| facts["what"][name].as_str()?.parse().ok();
    Some((id("key")?, id("replaced")))
}

fn unreachable(environment: Environment) -> Stop<Refusal> {
    Stop::Refused(Refusal::Unreachable(environment))
}
