//! Links, seals and signatures: what is believed, and that a changed bit of it is not.

use base::{Secret, Span, Time, mac};
use data_encoding::HEXLOWER;

use super::callback::{NotSigned, SignedCallback};
use super::link::{self, Link};
use crate::Phone;

const NOW: Time = Time(1_800_000_000_000_000);

fn phone() -> Phone {
    Phone::from_digits("201234567890").unwrap()
}

fn secret() -> Secret<String> {
    Secret::new("agreed with the provider".to_owned())
}

fn signed(at: Time, body: &[u8]) -> String {
    let t = at.unix_seconds().to_string();
    let v1 = HEXLOWER.encode(&mac::hmac_of(&secret(), &[t.as_bytes(), b".", body]));
    format!("t={t},v1={v1}")
}

#[test]
fn a_link_opens_for_its_plane_and_in_its_one_spelling() {
    let (key, other) = (Secret::new([7; 32]), Secret::new([8; 32]));
    let link = Link::sign(&key, 5, &phone());
    assert_eq!(Link::open(&key, link.as_str()), Some((5, phone())));
    assert_eq!(Link::open(&other, link.as_str()), None);
    assert_eq!(Link::open(&key, &link.as_str().to_ascii_uppercase()), None);
    for at in 0..link.as_str().len() {
        let mut text = link.as_str().to_owned().into_bytes();
        text[at] = if text[at] == b'a' { b'b' } else { b'a' };
        assert_eq!(Link::open(&key, std::str::from_utf8(&text).unwrap()), None, "letter {at}");
    }
    for text in ["", "a", "é", &"a".repeat(4_000), &format!("{}a", link.as_str())] {
        assert_eq!(Link::open(&key, text), None, "{text:?}");
    }
}

#[test]
fn a_seal_is_good_for_its_page_in_its_hour_and_the_next() {
    let key = Secret::new([7; 32]);
    let seal = link::seal(&key, 5, &phone(), 100);
    let good = |tenant, hour| link::is_seal(&key, tenant, &phone(), hour, &seal);
    assert!(good(5, 100) && good(5, 101));
    assert!(!good(5, 99) && !good(5, 102) && !good(6, 100));
    assert!(!link::is_seal(&key, 5, &phone(), 100, ""));
}

#[test]
fn a_callback_is_believed_when_its_signature_is_right_and_recent() {
    let open = |header: &str, body: &[u8]| SignedCallback::open(&secret(), header, body, NOW).map(|_| ());
    let header = signed(NOW, b"{}");
    assert_eq!(open(&header, b"{}"), Ok(()));
    assert_eq!(open(&header, b"{ }"), Err(NotSigned::Wrong));
    assert_eq!(open(&header.replace("v1=", "v2=x, v1="), b"{}"), Ok(()), "another scheme beside it");
    let changing = format!("{header},v1={}", "0".repeat(64));
    assert_eq!(open(&changing, b"{}"), Ok(()), "one of two secrets");
    for (off, judged) in [(300, Ok(())), (-300, Ok(())), (301, Err(NotSigned::Stale)), (-301, Err(NotSigned::Stale))] {
        assert_eq!(open(&signed(NOW.plus(Span::seconds(off)), b"{}"), b"{}"), judged, "{off} s off");
    }
    let wrong = SignedCallback::open(&Secret::new("another".to_owned()), &header, b"{}", NOW).map(|_| ());
    assert_eq!(wrong, Err(NotSigned::Wrong));
}

#[test]
fn what_is_no_signature_is_said_to_be_none() {
    let zeros = "0".repeat(64);
    for header in [
        "",
        "t=1",
        "v1=00",
        &format!("v1={zeros}"),
        &format!("t=,v1={zeros}"),
        &format!("t=-1,v1={zeros}"),
        &format!("t=1e3,v1={zeros}"),
        &format!("t=1,t=2,v1={zeros}"),
        &format!("t=1,v1={zeros}00"),
        &format!("t=1,v1=g{}", "0".repeat(63)),
        &format!("t=9999999999999,v1={zeros}"),
        &format!("t=1{}", format!(",v1={zeros}").repeat(5)),
        "t=1,v1",
    ] {
        let judged = SignedCallback::open(&secret(), header, b"{}", NOW).map(|_| ());
        assert_eq!(judged, Err(NotSigned::Malformed), "{header:?}");
    }
}
