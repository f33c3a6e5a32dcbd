//! Thousands of random operations by several tenants at once, against a model of their money and the auditor's fold.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::collections::BTreeMap;

use base::{Amount, Chance, Environment, SeededChance, TenantId};
use kit::{House, ask, create, ok};
use plane::payouts::{self, Event, FailReason, Move, Refusal, State};
use plane::{Caller, Operator, Plane, books, sandbox};

/// A tenant's money as the test knows it, in cents.
struct Model {
    id: TenantId,
    caller: Caller,
    posted: i128,
    held: i128,
    overdraft: i128,
    next: u64,
    open: BTreeMap<u64, (i128, State)>,
}

impl Model {
    fn available(&self) -> i128 {
        self.posted - self.held + self.overdraft
    }
}

fn pick(chance: &SeededChance, most: u64) -> i64 {
    i64::try_from(chance.below(most)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn books_stay_right_through_thousands_of_random_operations() {
    let seed = kit::seed();
    let house = House::tuned(Environment::Sandbox, |config| {
        config.sandbox_start.balance = Amount::cents(50_000);
        config.sandbox_start.overdraft = Amount::cents(2_000);
    })
    .await;
    let mut tenants = Vec::new();
    for at in 0..4u64 {
        let id = kit::tenant(&house.plane, &format!("tnt_{at:016}")).await;
        let caller = kit::agent(&house.plane, &id, Default::default()).await;
        let (posted, held, overdraft) = (50_000, 0, 2_000);
        let model = Model { id, caller, posted, held, overdraft, next: 1, open: BTreeMap::new() };
        let (plane, chance) = (house.plane.clone(), SeededChance::new(seed.wrapping_add(at)));
        tenants.push(tokio::spawn(async move { live(plane, model, chance).await }));
    }
    let mut open = 0;
    for tenant in tenants {
        open += tenant.await.unwrap();
    }
    let audit = books::audit(&house.plane).unwrap();
    assert_eq!(audit.wrong, Vec::<String>::new(), "seed {seed}");
    assert!(audit.tenants == 5 && audit.entries > 3_000, "{audit:?}");
    assert!(books::trial_balance(&house.plane).unwrap().is_zero());
    assert_eq!(house.plane.work().open_count(), open, "seed {seed}");
    assert_eq!(kit::open_asks(&house.plane).len() as i64, open);
}

/// One tenant's operations, each compared with the model; answers how many of its transfers are open at the end.
async fn live(plane: Plane, mut model: Model, chance: SeededChance) -> i64 {
    for step in 0..1_200 {
        match chance.below(20) {
            0..9 => transfer(&plane, &mut model, &chance).await,
            9..16 => advance(&plane, &mut model, &chance).await,
            16..18 => fund_or_drain(&plane, &mut model, &chance).await,
            _ => overdraft(&plane, &mut model, &chance).await,
        }
        let balance = books::balance(&plane, model.caller.tenant()).unwrap();
        let found = (balance.posted.minor, balance.held.minor, balance.overdraft.minor, balance.spendable.minor);
        assert_eq!(found, (model.posted, model.held, model.overdraft, model.posted - model.held), "step {step}");
        assert!(model.available() >= 0, "below the floor");
    }
    model.open.len() as i64
}

async fn transfer(plane: &Plane, model: &mut Model, chance: &SeededChance) {
    let cents = 1 + pick(chance, 3_000);
    let id = model.next;
    let outcome = create(plane, &model.caller, ask(&id.to_string(), cents)).await;
    if i128::from(cents) > model.available() {
        assert_eq!(outcome, Err(Refusal::Funds));
        return;
    }
    assert!(outcome.is_ok(), "{outcome:?}");
    model.next += 1;
    model.held += i128::from(cents);
    model.open.insert(id, (i128::from(cents), State::Created));
}

/// Up to eight transfers, each by a random event; what is unlawful for one is not asked for.
async fn advance(plane: &Plane, model: &mut Model, chance: &SeededChance) {
    let mut moves = Vec::new();
    for (id, (cents, state)) in model.open.iter_mut().filter(|_| chance.below(3) == 0).take(8) {
        let reason = FailReason::ALL[usize::try_from(pick(chance, 4)).unwrap()];
        let events = [Event::Step, Event::Step, Event::Pay, Event::Retry, Event::RunShort, Event::Doubt, Event::Close];
        let event = match pick(chance, 8) {
            0 => Event::Fail(reason),
            at => events[usize::try_from(at).unwrap() - 1],
        };
        let Ok(after) = state.after(event) else { continue };
        let row = payouts::of_tenant(plane, model.caller.tenant(), &id.to_string()).unwrap().unwrap();
        assert_eq!(row.state, *state);
        moves.push(Move::new(row.seq, *state, event));
        match after {
            State::Paid => (model.posted, model.held) = (model.posted - *cents, model.held - *cents),
            State::Failed => model.held -= *cents,
            _ => {}
        }
        *state = after;
    }
    // Asked twice at once, as a worker that lost its answer would: the second finds nothing to move.
    let (one, two) = tokio::join!(
        payouts::advance(plane, model.caller.tenant(), moves.clone()),
        payouts::advance(plane, model.caller.tenant(), moves.clone())
    );
    assert_eq!((ok(one).len(), ok(two).len()), (moves.len(), moves.len()));
    model.open.retain(|_, (_, state)| !state.is_final());
}

async fn fund_or_drain(plane: &Plane, model: &mut Model, chance: &SeededChance) {
    let (witness, cents) = (plane.sandbox().unwrap(), 1 + pick(chance, 8_000));
    let amount = Amount::cents(cents);
    if chance.below(2) == 0 {
        ok(sandbox::fund(plane, witness, &model.caller, amount).await);
        model.posted += amount.minor;
        return;
    }
    let drained = sandbox::drain(plane, witness, &model.caller, amount).await.is_ok();
    assert_eq!(drained, amount.minor <= model.available());
    model.posted -= if drained { amount.minor } else { 0 };
}

async fn overdraft(plane: &Plane, model: &mut Model, chance: &SeededChance) {
    let to = Amount::cents(pick(chance, 5_000));
    let set = books::set_overdraft_by_operator(plane, &Operator::over_the_socket(), &model.id, to).await.is_ok();
    assert_eq!(set, model.posted - model.held + to.minor >= 0);
    model.overdraft = if set { to.minor } else { model.overdraft };
}
