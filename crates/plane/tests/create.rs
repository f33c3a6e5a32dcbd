//! Accepting transfers: once each, in a fixed order of refusals, never beyond the money.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Amount, Environment};
use kit::{House, ask, create, ok, refused};
use plane::grants::AgentPolicy;
use plane::payouts::{self, NewTransfer, PolicyRefusal, QuoteRefusal, Refusal};
use plane::{Corridors, KeyKind, Phone, books, sandbox};

/// Runs all of `asks` at once and answers the outcomes in their order.
async fn at_once(house: &House, asks: Vec<NewTransfer>) -> Vec<Result<plane::Saved, Refusal>> {
    let tasks: Vec<_> = asks
        .into_iter()
        .map(|ask| {
            let (plane, agent) = (house.plane.clone(), house.agent.clone());
            tokio::spawn(async move { create(&plane, &agent, ask).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

fn entries(house: &House) -> u64 {
    let audit = books::audit(&house.plane).unwrap();
    assert_eq!(audit.wrong, Vec::<String>::new());
    audit.entries
}

async fn with_money(cents: i64, overdraft: i64) -> House {
    House::tuned(Environment::Sandbox, |config| {
        config.sandbox_start.balance = Amount::cents(cents);
        config.sandbox_start.overdraft = Amount::cents(overdraft);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_ask_sent_64_times_at_once_has_one_effect_and_equal_answers() {
    let house = House::sandbox().await;
    let (money, before) = (house.spendable(), entries(&house));
    let outcomes = at_once(&house, vec![ask("1", 500); 64]).await;
    let first = outcomes[0].clone().unwrap();
    assert_eq!(first.body, "accepted 1");
    assert!(outcomes.iter().all(|outcome| outcome.as_ref() == Ok(&first)), "{outcomes:?}");
    assert_eq!(money - house.spendable(), 500);
    assert_eq!(entries(&house) - before, 1);
    assert_eq!(house.plane.work().open_count(), 1);
    assert_eq!(house.plane.work().take().len(), 1, "the worker is told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn funds_for_40_pay_for_exactly_40_of_64() {
    // 30 from the balance and 10 from the overdraft; one cent is missing for the 41st.
    let house = with_money(3_000, 1_099).await;
    let outcomes = at_once(&house, (1..=64).map(|id| ask(&id.to_string(), 100)).collect()).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 40);
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Refusal::Funds)));
    assert_eq!(house.spendable(), 3_000 - 4_000);
    assert_eq!(house.create(ask("65", 99)).await.map(|_| ()), Ok(()), "what is left can be spent to the cent");
    assert_eq!(house.create(ask("66", 1)).await, Err(Refusal::Funds));
    entries(&house);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_and_other_contents_of_one_id_at_once_leave_one_winner() {
    for round in 1..=20 {
        let house = House::sandbox().await;
        let asks = (0..16).map(|copy| ask("7", if copy % 2 == 0 { 100 } else { 200 })).collect();
        let outcomes = at_once(&house, asks).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 8, "round {round}: one of the two contents was accepted: {outcomes:?}");
        assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Refusal::OtherContent)));
        assert_eq!(house.plane.work().open_count(), 1);
    }
}

/// An ask that breaks every rule that can be broken at once, mended one rule at a time.
#[tokio::test]
async fn refusals_come_in_the_documented_order() {
    let house = with_money(10_000, 0).await;
    let policy = |services: &[&str], per_transfer, daily| AgentPolicy {
        per_transfer_cents: per_transfer,
        daily_cents: daily,
        services: services.iter().map(|service| (*service).to_owned()).collect(),
    };
    let standard = kit::key(&house.plane, &house.tenant, KeyKind::Standard, Default::default()).await;
    let standard = ok(plane::grants::authenticate(&house.plane, &standard, kit::IP));
    let elsewhere = kit::agent(&house.plane, &house.tenant, policy(&["1301"], Some(500_000), Some(400_000))).await;
    let small = kit::agent(&house.plane, &house.tenant, policy(&[], Some(500_000), Some(400_000))).await;
    let daily = kit::agent(&house.plane, &house.tenant, policy(&[], None, Some(400_000))).await;
    house.create(ask("1", 100)).await.unwrap();

    let mut wrong = ask("1", 2_000_000);
    wrong.receiver = Phone::from_digits("12025550103").unwrap();
    (wrong.service, wrong.country, wrong.currency) = ("9999".into(), "XX".into(), "XXX".into());
    let name = |name: &str| (name.to_owned(), "x".to_owned());
    wrong.attributes = vec![name("receiverName"), name("shoeSize"), name("receiverName")];
    let quote = |refusal| Err(Refusal::Quote(refusal));

    assert_eq!(create(&house.plane, &standard, wrong.clone()).await, Err(Refusal::KeyKind));
    let by = |ask: &NewTransfer| create(&house.plane, &elsewhere, ask.clone());
    assert_eq!(by(&wrong).await, Err(Refusal::OtherContent));
    wrong.id = "2".into();
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::ServiceUnknown));
    wrong.service = "1271".into();
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::CountryOtherThan { expected: "EG".into() }));
    wrong.country = "EG".into();
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::CurrencyOtherThan { expected: "EGP".into() }));
    wrong.currency = "EGP".into();
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::AttributeUnknown { name: "shoeSize".into() }));
    wrong.attributes.remove(1);
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::AttributeTwice { name: "receiverName".into() }));
    wrong.attributes.remove(1);
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::AttributeMissing { name: "receiverAccType".into() }));
    wrong.attributes = ask("2", 1).attributes;
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::AmountAbove { largest: Amount::cents(1_000_000) }));
    wrong.amount = Amount::cents(900_000);
    assert_eq!(by(&wrong).await, quote(QuoteRefusal::ReceiverNotOnTheNetwork));
    wrong.receiver = ask("2", 1).receiver;
    assert_eq!(by(&wrong).await, Err(Refusal::Policy(PolicyRefusal::Service)));
    let most = Amount::cents(500_000);
    assert_eq!(
        create(&house.plane, &small, wrong.clone()).await,
        Err(Refusal::Policy(PolicyRefusal::PerTransfer { most }))
    );
    let left = Amount::cents(400_000);
    assert_eq!(create(&house.plane, &daily, wrong.clone()).await, Err(Refusal::Policy(PolicyRefusal::Daily { left })));
    assert_eq!(house.create(wrong.clone()).await, Err(Refusal::ReceiverUnverified { limit_dollars: 600 }));
    wrong.amount = Amount::cents(60_000);
    assert_eq!(house.create(wrong.clone()).await, Err(Refusal::Funds));
    wrong.amount = Amount::cents(9_900);
    house.create(wrong).await.unwrap();
    assert_eq!(house.spendable(), 0);
}

#[tokio::test]
async fn amounts_and_values_at_the_edges() {
    let house = House::sandbox().await;
    for (cents, fits) in [(0, false), (-1, false), (1, true), (60_000, true), (60_001, false)] {
        let outcome = house.create(ask(&format!("1{}", i64::abs(cents)), cents)).await;
        assert_eq!(outcome.is_ok(), fits, "{cents}: {outcome:?}");
    }
    let mut empty = ask("2", 100);
    empty.attributes[0].1.clear();
    let missing = QuoteRefusal::AttributeMissing { name: "receiverName".into() };
    assert_eq!(house.create(empty).await, Err(Refusal::Quote(missing)), "an empty value is no value");
}

#[tokio::test]
async fn a_smallest_amount_of_nothing_lets_no_empty_transfer_through() {
    let house = House::tuned(Environment::Sandbox, |config| {
        let corridors = Corridors::standard();
        config.corridors = Corridors::new(corridors.iter().cloned().map(|mut corridor| {
            corridor.smallest = Amount::cents(-5);
            corridor
        }));
    })
    .await;
    for cents in [0, -1] {
        let outcome = house.create(ask("1", cents)).await;
        assert!(matches!(outcome, Err(Refusal::Quote(QuoteRefusal::AmountBelow { .. }))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_first_answer_stays_when_the_rules_change() {
    let house = House::sandbox().await;
    let first = house.create(ask("1", 500)).await.unwrap();
    let later = house.again(|config| config.corridors = Corridors::new([]));
    assert_eq!(later.create(ask("1", 500)).await, Ok(first));
    assert_eq!(later.create(ask("1", 501)).await, Err(Refusal::OtherContent));
    let gone = Err(Refusal::Quote(QuoteRefusal::ServiceUnknown));
    assert_eq!(later.create(ask("2", 500)).await, gone);
    assert_eq!(later.plane.work().open_count(), 1);
}

#[tokio::test]
async fn a_refused_transfer_leaves_no_trace() {
    let house = with_money(100, 0).await;
    let before = entries(&house);
    assert_eq!(house.create(ask("1", 101)).await, Err(Refusal::Funds));
    let status = payouts::status(&house.plane, &house.agent, "1").unwrap();
    assert_eq!((entries(&house), house.spendable(), status), (before, 100, None));
    assert_eq!(house.plane.work().open_count(), 0);
    // The same id with other content is not a conflict: nothing happened.
    assert_eq!(house.create(ask("1", 100)).await.unwrap().body, "accepted 1");
}

#[tokio::test]
async fn ids_are_texts() {
    let house = House::sandbox().await;
    let money = house.spendable();
    for id in ["7", "07", "007", "000000000000000007", "999999999999999999"] {
        assert_eq!(house.create(ask(id, 100)).await.unwrap().body, format!("accepted {id}"));
    }
    assert_eq!(money - house.spendable(), 500);
}

#[tokio::test]
async fn content_is_compared_as_it_was_understood() {
    let house = House::sandbox().await;
    let written = |amount: &str, sender: &str, receiver: &str| {
        let mut ask = ask("1", 1);
        ask.amount = Amount::parse(amount, base::Asset::USD).unwrap();
        ask.sender = Phone::from_e164(sender).unwrap();
        ask.receiver = Phone::from_e164(receiver).unwrap();
        ask
    };
    let first = house.create(written("5.0", "+15615019469", "201234567890")).await;
    for amount in ["5", "5.00", "05.0"] {
        let mut same = written(amount, "15615019469", "+201234567890");
        same.attributes.reverse();
        assert_eq!(house.create(same).await, first);
    }
    let mut other = vec![written("5.01", "15615019469", "201234567890"), written("5", "16175551212", "201234567890")];
    let mut same = written("5", "15615019469", "201234567890");
    same.attributes[0].1.push(' ');
    other.push(same.clone());
    same.attributes.pop();
    other.push(same.clone());
    same.attributes.push(("receiverIdType".into(), "2".into()));
    other.push(same);
    for ask in other {
        assert_eq!(house.create(ask.clone()).await, Err(Refusal::OtherContent), "{ask:?}");
    }
    assert_eq!(house.plane.work().open_count(), 1);
}

#[tokio::test]
async fn ids_belong_to_their_tenant() {
    let house = House::sandbox().await;
    let other = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let other = kit::agent(&house.plane, &other, AgentPolicy::default()).await;
    house.create(ask("1", 100)).await.unwrap();
    assert_eq!(payouts::status(&house.plane, &other, "1").unwrap(), None);
    create(&house.plane, &other, ask("1", 200)).await.unwrap();
    assert_eq!(house.plane.work().open_count(), 2);
}

#[tokio::test]
async fn a_check_quotes_and_changes_nothing() {
    let house = with_money(100, 0).await;
    let before = entries(&house);
    let quote = ok(payouts::check(&house.plane, &house.agent, ask("1", 500)).await);
    assert_eq!(
        (quote.fx_rate.as_str(), quote.received.as_str()),
        ("47.2945", "236.47"),
        "5 times 47.2945, rounded down"
    );
    assert_eq!((entries(&house), house.spendable()), (before, 100));
    let refusal = refused(payouts::check(&house.plane, &house.agent, ask("1", 60_001)).await);
    assert_eq!(refusal, Refusal::ReceiverUnverified { limit_dollars: 600 });
    house.create(ask("1", 100)).await.unwrap();
    assert_eq!(refused(payouts::check(&house.plane, &house.agent, ask("1", 99)).await), Refusal::OtherContent);
    ok(payouts::check(&house.plane, &house.agent, ask("1", 100)).await);
}

#[tokio::test]
async fn a_caller_from_before_a_reset_is_refused_and_gets_its_old_answers() {
    let house = House::sandbox().await;
    let first = house.create(ask("1", 100)).await.unwrap();
    let witness = house.plane.sandbox().unwrap();
    ok(sandbox::reset(&house.plane, witness, &house.agent).await);
    assert_eq!(house.create(ask("2", 100)).await, Err(Refusal::Reset));
    assert_eq!(house.create(ask("1", 100)).await, Ok(first));
}

#[tokio::test]
async fn a_transfer_without_its_pay_in_waits_where_pay_ins_are_linked() {
    let house = House::sandbox().await;
    let operator = plane::Operator::over_the_socket();
    ok(plane::grants::link_pay_ins(&house.plane, &operator, &house.tenant, true).await);
    let linked = |value: &str| {
        let mut ask = ask(&format!("1{}", value.len()), 100);
        ask.attributes.push(("approvelyId".into(), value.into()));
        ask
    };
    for (ask, state) in [
        (linked("46364493"), payouts::State::Created),
        (linked(""), payouts::State::AwaitingLink),
        (kit::ask("2", 100), payouts::State::AwaitingLink),
    ] {
        house.create(ask.clone()).await.unwrap();
        let view = payouts::status(&house.plane, &house.agent, &ask.id).unwrap().unwrap();
        assert_eq!(view.state, state, "{ask:?}");
    }
}

#[tokio::test]
async fn an_ask_whose_caller_went_away_is_kept_and_told() {
    let house = House::sandbox().await;
    let mut going = Box::pin(create(&house.plane, &house.agent, ask("1", 100)));
    // Polled once, so that it is queued, and dropped before it is answered (or after, which is no matter).
    let _ = polled_once(going.as_mut()).await;
    drop(going);
    for _ in 0..10_000 {
        if house.plane.work().open_count() == 1 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(house.create(ask("1", 100)).await.unwrap().body, "accepted 1");
    assert_eq!((house.plane.work().open_count(), house.plane.work().take().len()), (1, 1));
}

async fn polled_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
