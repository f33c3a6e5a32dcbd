//! How long signers sign and verify. What becomes of tokens meanwhile is in `control/tests/tokens.rs`.

use base::{Secret, Span, Time};

use super::state::{is_old, verifies};
use super::{SignerRow, list, rotate_in_time};
use crate::proof::{Carried, From};
use crate::sessions::log_in;
use crate::users::tests::{House, open};

const AT: Time = Time(1_750_000_000_400_000);

fn signer(retired_at: Option<Time>) -> SignerRow {
    SignerRow { epoch: 1, created_at: AT, retired_at }
}

#[test]
fn a_retired_signer_verifies_for_the_life_of_a_session() {
    let life = Span::hours(8);
    assert!(verifies(&signer(None), life, Time(i64::MAX)));
    assert!(verifies(&signer(Some(AT)), life, Time(AT.plus(life).0 - 1)));
    assert!(!verifies(&signer(Some(AT)), life, AT.plus(life)));
}

#[test]
fn a_signer_is_old_after_thirty_days() {
    let end = AT.plus(Span::days(30));
    assert!(!is_old(&signer(None), Time(end.0 - 1)) && is_old(&signer(None), end));
}

#[tokio::test]
async fn it_is_rotated_by_itself_once_a_month_and_not_before_there_is_one() {
    let house = open();
    let epochs = |house: &House| list(&house.control).unwrap().iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>();
    assert_eq!(rotate_in_time(&house.control).await.unwrap(), None);
    house.registers("jo@example.com").await.unwrap();
    let from = From::new([203, 0, 113, 7].into(), "req_1", "a test");
    let password = Secret::new("SecurePass1".to_owned());
    let logged_in = log_in(&house.control, &from, "jo@example.com", password, Carried::Bearer).await;
    assert!(logged_in.is_ok());
    house.clock.advance(Span(Span::days(30).0 - 1));
    assert_eq!(rotate_in_time(&house.control).await.unwrap(), None);
    assert_eq!(epochs(&house), [1]);
    house.clock.advance(Span(1));
    assert_eq!(rotate_in_time(&house.control).await.unwrap(), Some(2));
    assert_eq!(rotate_in_time(&house.control).await.unwrap(), None);
    assert_eq!(epochs(&house), [1, 2]);
    house.clock.advance(Span::hours(8));
    assert_eq!(epochs(&house), [2]);
}
