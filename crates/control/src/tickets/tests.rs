use base::{Span, TicketId, Time, UserId};

use super::{NewTicket, Purpose, TicketRow, issue, mailed, parse, redeem, text, used};
use crate::Control;

fn control() -> (Control, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (crate::tenants::tests::open(dir.path()), dir)
}

async fn issued(control: &Control, purpose: Purpose) -> TicketId {
    let id = TicketId::draw(control.chance());
    let new = NewTicket { id: id.clone(), purpose, person: None, email_key: "jo@example.com".to_owned(), tenant: None };
    control.run::<_, std::convert::Infallible, _>(move |tx| Ok(issue(tx, new.clone())?)).await.unwrap();
    id
}

async fn redeemed(control: &Control, id: &TicketId, purpose: Purpose, now: Time) -> Option<TicketRow> {
    let id = id.clone();
    control.run::<_, std::convert::Infallible, _>(move |tx| Ok(redeem(tx, &id, purpose, now)?)).await.unwrap()
}

#[tokio::test]
async fn a_ticket_is_good_once_for_its_purpose_until_its_time() {
    let (control, _dir) = control();
    let now = control.now();
    for (purpose, other, life) in
        [(Purpose::Verify, Purpose::Reset, Span::days(7)), (Purpose::Reset, Purpose::Verify, Span::seconds(1_800))]
    {
        let id = issued(&control, purpose).await;
        assert!(redeemed(&control, &id, other, now).await.is_none(), "for another purpose");
        assert!(redeemed(&control, &id, purpose, now.plus(life)).await.is_none(), "past");
        let last = Time(now.plus(life).0 - 1);
        assert_eq!(
            redeemed(&control, &id, purpose, last).await.map(|row| row.email_key).as_deref(),
            Some("jo@example.com")
        );
        assert!(redeemed(&control, &id, purpose, now).await.is_none(), "used");
    }
    let unknown = TicketId::draw(control.chance());
    assert!(redeemed(&control, &unknown, Purpose::Reset, now).await.is_none());
}

#[tokio::test]
async fn of_many_at_once_one_uses_a_ticket() {
    let (control, _dir) = control();
    let id = issued(&control, Purpose::Reset).await;
    let now = control.now();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (control, id) = (control.clone(), id.clone());
            tokio::spawn(async move { redeemed(&control, &id, Purpose::Reset, now).await.is_some() })
        })
        .collect();
    let mut good = 0;
    for task in tasks {
        good += usize::from(task.await.unwrap());
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn a_mailed_ticket_is_its_users_and_a_used_one_is_known_as_such() {
    let (control, _dir) = control();
    let (id, person) = (issued(&control, Purpose::Verify).await, UserId::draw(control.chance()));
    let ids = (id.clone(), person.clone());
    let before = control.run::<_, std::convert::Infallible, _>(move |tx| {
        let before = used(tx, &ids.0, Purpose::Verify)?;
        mailed(tx, &ids.0, &ids.1)?;
        Ok(before)
    });
    assert_eq!(before.await.unwrap(), None);
    let row = redeemed(&control, &id, Purpose::Verify, control.now()).await.unwrap();
    assert_eq!(row.person, Some(person));
    let again = control.run::<_, std::convert::Infallible, _>(move |tx| Ok(used(tx, &id, Purpose::Verify)?)).await;
    assert_eq!(again.unwrap().map(|row| row.used_at.is_some()), Some(true));
}

#[test]
fn a_text_is_read_back_only_whole_and_for_its_purpose() {
    let (control, _dir) = control();
    let id = TicketId::draw(control.chance());
    let text = text(&control, &id, Purpose::Verify);
    let text = text.expose().as_str();
    assert_eq!((text.len(), parse(&control, text, Purpose::Verify)), (40, Some(id)));
    assert_eq!(parse(&control, text, Purpose::Reset), None);
    for at in 0..text.len() {
        let mut other = text.as_bytes().to_vec();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        let other = String::from_utf8(other).unwrap();
        assert_eq!(parse(&control, &other, Purpose::Verify), None, "{at}");
    }
    for bad in ["", "tkt_", &text[..39], &format!("{text}0"), &format!("{text}\n"), "ééééééééééééééééééé"]
    {
        assert_eq!(parse(&control, bad, Purpose::Verify), None, "{bad:?}");
    }
}
