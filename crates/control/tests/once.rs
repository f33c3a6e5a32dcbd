//! What is good once is good once, also when it is shown many times at once: codes of an app, recovery codes, and the
//! ticket between the two steps of a login. 20 rounds, or 10,000 with `COUNTERFOIL_SOAK=1`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::Span;
use control::sessions::{LoggedIn, Proof, Refusal};
use kit::{app, desk, secret, verified};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";
const AT_ONCE: usize = 64;

/// Runs all of these at once, and answers how many were right. The others were told that the code is wrong.
async fn right(tries: impl Iterator<Item = impl Future<Output = Result<(), Refusal>> + Send + 'static>) -> usize {
    let mut right = 0;
    for tried in tries.map(tokio::spawn).collect::<Vec<_>>() {
        match tried.await.unwrap() {
            Ok(()) => right += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::CodeInvalid),
        }
    }
    right
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_uses_of_one_code_one_is_right() {
    let rounds = if kit::soak() { 10_000 } else { 20 };
    let house = kit::tuned(|settings| settings.session = Span::hours(rounds + 10));
    let control = &house.control;
    verified(control, JO, HOME).await;
    let token = desk::token(control, JO, HOME).await;
    let (seed, _) = app::added(control, &token).await;
    let (mut uses, mut taken) = (0, 0);
    for round in 0..rounds {
        // After an hour no throttle has anything left to say, so that the row alone decides.
        house.clock.advance(Span::hours(1));
        let shown = app::now(control, &seed);
        let tries = (0..AT_ONCE).map(|net| {
            let (control, token, shown) = (control.clone(), token.clone(), secret(&shown));
            async move { app::prove(&control, &token, &format!("10.1.{net}.1"), Proof::Code(shown)).await }
        });
        let times = right(tries).await;
        assert_eq!(times, 1, "round {round}");
        (uses, taken) = (uses + AT_ONCE, taken + times);
    }
    println!("figure: codes = {rounds}");
    println!("figure: uses = {uses}");
    println!("figure: taken = {taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_uses_of_one_recovery_code_one_is_right() {
    let house = kit::open();
    let control = &house.control;
    verified(control, JO, HOME).await;
    let token = desk::token(control, JO, HOME).await;
    let (_, codes) = app::added(control, &token).await;
    assert_eq!(codes.len(), 10);
    for code in codes {
        let tries = (0..AT_ONCE).map(|_| {
            let (control, token, code) = (control.clone(), token.clone(), secret(&code));
            async move { app::prove(&control, &token, HOME, Proof::Recovery(code)).await }
        });
        assert_eq!(right(tries).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_ticket_leads_to_one_session_and_one_code_through_one_ticket() {
    let house = kit::open();
    let control = &house.control;
    verified(control, JO, HOME).await;
    let (seed, codes) = app::added(control, &desk::token(control, JO, HOME).await).await;
    let second = |ticket: &str, proof: Proof| {
        let (control, ticket) = (control.clone(), ticket.to_owned());
        async move {
            let led = app::second(&control, HOME, &ticket, proof).await?;
            assert!(matches!(led, LoggedIn::In { .. }));
            Ok(())
        }
    };
    let ticket = app::half(control, JO, HOME).await.ticket;
    let by_codes = codes.iter().map(|code| second(ticket.expose(), Proof::Recovery(secret(code))));
    assert_eq!(right(by_codes).await, 1);

    house.clock.advance(Span::hours(1));
    let mut tickets = Vec::new();
    for _ in 0..9 {
        tickets.push(app::half(control, JO, HOME).await.ticket);
    }
    let shown = app::now(control, &seed);
    let through = tickets.iter().map(|ticket| second(ticket.expose(), Proof::Code(secret(&shown))));
    assert_eq!(right(through).await, 1);
}
