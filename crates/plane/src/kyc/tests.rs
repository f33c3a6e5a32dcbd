//! Links and seals: what is believed, and that a changed bit of it is not.

use base::Secret;

use super::link::{self, Link};
use crate::Phone;

fn phone() -> Phone {
    Phone::from_digits("201234567890").unwrap()
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
