use base::{Fault, Span, Stop};
use serde_json::json;

use super::{Kind, Letter, MailRow, Outgoing, draw, failed, put, sent, state, take};
use crate::users::tests::{House, open};

async fn letter(house: &House, kind: Kind, address: &str) -> String {
    let id = draw(&house.control);
    let (address, kept) = (address.to_owned(), id.clone());
    let letter = Letter { id: kept, kind, address, person: None, ticket: None, facts: json!({"url": "https://x"}) };
    let put = house.control.run::<(), std::convert::Infallible, _>(move |tx| Ok(put(tx, letter.clone())?)).await;
    assert!(!matches!(put, Err(Stop::Faulted(Fault { .. }))));
    id
}

async fn taken(house: &House) -> Option<Outgoing> {
    take(&house.control).await.unwrap()
}

fn row(house: &House, id: &str) -> MailRow {
    house.control.store().read(|reader| reader.get::<MailRow>(&id.to_owned())).unwrap().unwrap()
}

#[tokio::test]
async fn a_mail_is_its_takers_for_a_minute_and_goes_once() {
    let house = open();
    let id = letter(&house, Kind::LiveActive, "jo@example.com").await;
    let mail = taken(&house).await.unwrap();
    assert_eq!((mail.id.as_str(), mail.kind, mail.address.as_str()), (id.as_str(), Kind::LiveActive, "jo@example.com"));
    assert!(mail.token.is_none() && mail.facts == json!({"url": "https://x"}));
    assert!(taken(&house).await.is_none());
    // Its taker died.
    house.clock.advance(Span::seconds(60));
    assert_eq!(taken(&house).await.map(|mail| mail.id), Some(id.clone()));
    sent(&house.control, &id).await.unwrap();
    failed(&house.control, &id, "too late to say so").await.unwrap();
    house.clock.advance(Span::days(1));
    assert!(taken(&house).await.is_none());
    assert_eq!((row(&house, &id).attempts, row(&house, &id).last_error), (2, None));
    assert!(row(&house, &id).sent_at.is_some());
}

#[tokio::test]
async fn a_mail_that_fails_is_tried_again_later_and_later_and_given_up_at_last() {
    let house = open();
    let id = letter(&house, Kind::PasswordChanged, "jo@example.com").await;
    let mut pauses = Vec::new();
    for tries in 1..=state::TRIES_MOST {
        assert_eq!(taken(&house).await.map(|mail| mail.id), Some(id.clone()), "{tries}");
        failed(&house.control, &id, "451 later\r\nplease").await.unwrap();
        assert_eq!(row(&house, &id).last_error.as_deref(), Some("451 laterplease"));
        assert!(taken(&house).await.is_none());
        if let Some(due) = row(&house, &id).due_at {
            let pause = due.since(house.control.now());
            house.clock.advance(Span(pause.0 - 1));
            assert!(taken(&house).await.is_none());
            house.clock.advance(Span(1));
            pauses.push(pause.0 / 1_000_000);
        }
    }
    assert_eq!(pauses[..12], [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
    assert_eq!(pauses.len(), 39);
    house.clock.advance(Span::days(30));
    assert!(taken(&house).await.is_none() && row(&house, &id).sent_at.is_none());
}

#[tokio::test]
async fn the_earliest_goes_first_and_what_is_for_nobody_is_settled_on_the_way() {
    let house = open();
    let nobodys = letter(&house, Kind::Reset, "nobody@example.com").await;
    house.clock.advance(Span::seconds(1));
    let second = letter(&house, Kind::KeyCreated, "jo@example.com").await;
    house.clock.advance(Span::seconds(1));
    let third = letter(&house, Kind::KeyRevoked, "jo@example.com").await;
    assert_eq!(taken(&house).await.map(|mail| mail.id), Some(second));
    assert_eq!(taken(&house).await.map(|mail| mail.id), Some(third));
    assert!(taken(&house).await.is_none());
    let settled = row(&house, &nobodys);
    assert_eq!((settled.due_at, settled.sent_at, settled.attempts), (None, None, 0));
}

#[tokio::test]
async fn a_reset_reaches_a_user_who_has_not_proved_the_address_yet() {
    let house = open();
    house.registers("jo@example.com").await.unwrap();
    house.mails().await;
    crate::users::forgot(&house.control, &crate::proof::From::new([127, 0, 0, 1].into(), "", ""), "jo@example.com")
        .await
        .unwrap();
    let mails = house.mails().await;
    assert_eq!(mails.iter().map(|mail| (mail.0, mail.2.is_some())).collect::<Vec<_>>(), [(Kind::Reset, true)]);
}
