use base::{Span, Time};

use super::{Scope, Throttled, forgive, spend, standing, state::after_one};
use crate::Control;
use crate::proof::Net;
use crate::tickets::Purpose;

const NOW: Time = Time(1_000_000_000);

#[test]
fn as_many_as_the_count_at_once_and_then_one_in_each_part_of_the_time() {
    let within = Span::seconds(100);
    let mut tat = None;
    for _ in 0..10 {
        tat = Some(after_one(tat, 10, within, NOW).unwrap());
    }
    assert_eq!(after_one(tat, 10, within, NOW), Err(Throttled { retry_after: Span::seconds(10) }));
    let later = NOW.plus(Span::seconds(10));
    assert!(after_one(tat, 10, within, Time(later.0 - 1)).is_err());
    tat = Some(after_one(tat, 10, within, later).unwrap());
    assert!(after_one(tat, 10, within, later).is_err());
    // After all of the time it is as at the beginning.
    assert_eq!(after_one(tat, 10, within, later.plus(within)), after_one(None, 10, within, later.plus(within)));
}

#[test]
fn a_count_that_does_not_divide_the_time_lets_no_more_through() {
    for count in 1..50 {
        let mut tat = None;
        let let_through = (0..100).filter(|_| match after_one(tat, count, Span(97), NOW) {
            Ok(next) => {
                tat = Some(next);
                true
            }
            Err(_) => false,
        });
        assert_eq!(let_through.count(), usize::try_from(count).unwrap(), "{count}");
    }
}

async fn taken(control: &Control, scopes: &[Scope]) -> Option<Throttled> {
    let scopes = scopes.to_vec();
    let run = move |tx: &mut ::store::Tx<'_>| Ok(spend(tx, &scopes, NOW)?);
    control.run::<_, std::convert::Infallible, _>(run).await.unwrap()
}

#[tokio::test]
async fn of_several_scopes_all_are_taken_from_or_none_and_the_longest_wait_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let net = |ip: [u8; 4]| Net::of(ip.into());
    let (near, far) = (net([203, 0, 113, 1]), net([198, 51, 100, 1]));
    let pair = |net| Scope::pair(&control, "jo@example.com", net);
    for _ in 0..10 {
        assert_eq!(taken(&control, &[pair(near), Scope::net(&control, near)]).await, None);
    }
    let stopped = taken(&control, &[Scope::net(&control, near), pair(near)]).await;
    assert_eq!(stopped, Some(Throttled { retry_after: Span::seconds(90) }));
    assert_eq!(standing(&control, &[pair(near)], NOW).unwrap(), stopped);
    // Twenty are left of the network's thirty: the refused one took nothing of them.
    for left in (0..20).rev() {
        assert_eq!(taken(&control, &[Scope::net(&control, near)]).await, None, "{left}");
    }
    assert!(taken(&control, &[Scope::net(&control, near)]).await.is_some());
    assert_eq!(standing(&control, &[pair(far), Scope::net(&control, far)], NOW).unwrap(), None);

    let scopes = [pair(near)];
    control.run::<_, std::convert::Infallible, _>(move |tx| Ok(forgive(tx, &scopes)?)).await.unwrap();
    assert_eq!(standing(&control, &[pair(near)], NOW).unwrap(), None);
}

#[test]
fn names_tell_neither_address_nor_network() {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let net = Net::of([203, 0, 113, 1].into());
    let scopes = [
        Scope::pair(&control, "jo@example.com", net),
        Scope::known(&control, "jo@example.com", net),
        Scope::address(&control, "jo@example.com"),
        Scope::mails_to(&control, "jo@example.com", Purpose::Verify),
        Scope::mails_to(&control, "jo@example.com", Purpose::Reset),
        Scope::mails_to(&control, "jo@example.com", Purpose::Invite),
        Scope::mails_from(&control, net),
        Scope::registrations(&control, net),
        Scope::net(&control, net),
    ];
    let names: std::collections::BTreeSet<_> = scopes.iter().map(|scope| scope.name.clone()).collect();
    assert_eq!(names.len(), scopes.len());
    assert!(names.iter().all(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())));
}
