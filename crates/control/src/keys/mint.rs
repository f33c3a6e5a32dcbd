//! Minting and rotating: a secret reaches its caller, or what was minted is voided.
//!
//! Before the ask a wish is kept that voids what it mints; with the answer the wish is forgotten and the change is written
//! down. Whatever is cut off in between is the loop's: it revokes what nobody has seen. A request with an idempotency key has
//! one effect; its repetitions show the key without its secret.

use ::store::{Claim, Entry, Halt, Once, Tx};
use base::{Environment, Fault, KeyId, Stop, TenantId, UserId, mac};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{Refusal, Shown, ask, one_key, tell};
use crate::act::Act;
use crate::front::OFFICE;
use crate::planes::{Ask, KeyView, NotDone, PlaneRefusal, Planes, Reply};
use crate::wishes::{self, Ended, What, Wish};
use crate::{Control, audit, environments, mail};

/// Which door it came through, as a claim names it.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(super) enum Route {
    Create = 1,
    Rotate = 2,
}

/// What is minted, for whom.
pub(super) struct Minting {
    pub(super) of: TenantId,
    pub(super) environment: Environment,
    pub(super) user: UserId,
    pub(super) act: Act,
    pub(super) route: Route,
    pub(super) once: Option<super::IdempotencyKey>,
    /// What was asked for, in JSON: the same content is the same text.
    pub(super) content: String,
}

/// What is known of the request before the plane is asked.
enum Begun {
    Now,
    /// It had its effect: the key, and the one that it replaced.
    Before(KeyId, Option<KeyId>),
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
    let once = minting.once.as_ref().map(|once| minting.claim(control, once.as_str()));
    let mut wish = once.as_ref().map_or_else(|| draw(control), |once| once.key.2.to_string());
    let fingerprint = HEXLOWER.encode(&minting.fingerprint(control));
    let mut voided = None;
    for _ in 0..WISHES_MOST {
        match begin(control, &minting, &wish, voided.take(), once.clone()).await? {
            Begun::Before(key, replaced) => return again(planes, &minting, key, replaced).await,
            Begun::Now => {}
        }
        let answer = planes.ask(minting.environment, said(wish.clone(), fingerprint.clone())).await;
        match answer {
            Ok(Reply::Minted { key, whole: Some(whole), replaced }) => {
                confirm(control, &minting, &wish, once, &key, replaced.as_ref()).await?;
                return Ok(Shown { key, whole: Some(whole), replaced });
            }
            // Minted once and never confirmed: nobody has its secret. The loop voids it.
            Ok(Reply::Minted { whole: None, .. }) => return Err(unreachable(minting.environment)),
            Ok(_) => return Err(Stop::Faulted(Fault::new("the plane answered something else than a key"))),
            Err(NotDone::Refused(PlaneRefusal::Voided)) => voided = Some(std::mem::replace(&mut wish, draw(control))),
            Err(not_done) => return Err(give_up(control, &minting, wish, not_done).await?),
        }
    }
    Err(unreachable(minting.environment))
}

/// First of the two commits around an ask: its wish, or what an earlier one led to.
async fn begin(
    control: &Control,
    minting: &Minting,
    wish: &str,
    voided: Option<String>,
    once: Option<Once>,
) -> Result<Begun, Stop<Refusal>> {
    let (of, environment) = (minting.of.clone(), minting.environment);
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
        if let Some(voided) = &voided {
            wishes::drop_it(tx, voided)?;
        }
        match wishes::keep(tx, &wish)? {
            true => Ok(Begun::Now),
            false => Err(Halt::Faulted(Fault::busy("the same request is being worked on; try again"))),
        }
    };
    control.run(run).await
}

/// Second of the two commits: the wish is forgotten and the change is written down, or it came too late and counts as undone.
async fn confirm(
    control: &Control,
    minting: &Minting,
    wish: &str,
    once: Option<Once>,
    key: &KeyView,
    replaced: Option<&KeyView>,
) -> Result<(), Stop<Refusal>> {
    let (wish, of, environment) = (wish.to_owned(), minting.of.clone(), minting.environment);
    let (act, user, letter) = (minting.act.clone(), minting.user.clone(), mail::draw(control));
    let facts = facts(key, replaced);
    let kind = if replaced.is_some() { "key_rotated" } else { "key_created" };
    let run = move |tx: &mut Tx<'_>| {
        if wishes::end(tx, &wish)? == Ended::Overtaken {
            return Err(Halt::Refused(Refusal::Unreachable(environment)));
        }
        let seq = tx.next_seq(OFFICE)?;
        if let Some(once) = &once {
            tx.get::<Claim>(&once.key)?;
            tx.claim(once, seq);
        }
        audit::append::<Refusal>(tx, &act, Some(&of), kind, facts.clone())?;
        Ok(tell(tx, environment, &user, mail::Kind::KeyCreated, &letter, &facts)?)
    };
    control.run(run).await
}

/// After an ask without a key: what it means, and whether the wish still has something to do.
async fn give_up(
    control: &Control,
    minting: &Minting,
    wish: String,
    not_done: NotDone,
) -> Result<Stop<Refusal>, Fault> {
    let may_live = match &not_done {
        NotDone::Unreachable { may_have_run, .. } => *may_have_run,
        // Something else was minted under this wish, and nobody was told.
        NotDone::Refused(refusal) => *refusal == PlaneRefusal::OtherContent,
    };
    if !may_live {
        control.change(move |tx: &mut Tx<'_>| Ok(wishes::drop_it(tx, &wish).map(|_| ())?)).await?;
    }
    Ok(match not_done {
        NotDone::Refused(PlaneRefusal::TenantUnknown) => Stop::Refused(Refusal::NotActive(minting.environment)),
        not_done => super::stopped(minting.environment, not_done),
    })
}

/// A repetition of what had its effect: the key as it is now, without its secret.
async fn again(
    planes: &dyn Planes,
    minting: &Minting,
    key: KeyId,
    replaced: Option<KeyId>,
) -> Result<Shown, Stop<Refusal>> {
    let view = async |key| {
        let asked = Ask::Key { tenant: minting.of.clone(), key };
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
    /// The request's identity, whose key is also its wish.
    fn claim(&self, control: &Control, once: &str) -> Once {
        let route = self.route as u16;
        let name = format!("{}\n{}\n{route}\n{once}", self.of, self.environment);
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
