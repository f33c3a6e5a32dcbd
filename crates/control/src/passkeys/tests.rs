//! Bytes of authenticators, with signatures that OpenSSL has made. What the doors do is in
//! `pacspace/tests/passkeys.rs`, over the whole wire.

use data_encoding::BASE64URL_NOPAD;

use super::said::{Authenticated, GET, PublicKey, is_for, signed};
use super::state::{Site, goes_on, is_id, is_name};

const ES256: &str = "\
    pQECAyYgASFYIEIwBXM73-vz84kw90A13HWKGpCS4p_AIKRJBC1fGqwqIlggT9B6wXaeM-QdJmSQM81wqTU1xiYn6He-fECktXE23nQ";
const ES256_SIGNATURE: &str = "\
    MEYCIQDzfv9Nb83dzia3bLiKniyr16x6hlGOKbRtvyHgRoOEbgIhAII5BFTVrH1LMktWQm9zsNncPAEgtyNOfLq56OyOLyBX";
const RS256: &str = "\
    pAEDAzkBACBZAQCoNmR44wyh787ZGtOOsFfEl89HXDTR9xDoEMCvrXxDwzln31l-OCJT3A1PF4lMqPzXaYt1xaS63JKWzwAfw2j6ZCyQyQNjI3\
    bT3B86m8IouJ0I0pkeVH3qQ6d9FAxJfnwp_Eck3odcCBWugZYt_tJH45lZUAdWxnE2zfsm0SAACqOqMZAYXY89uxcgHAJo2A-946PuQvr1hz7a\
    oMIYYeXTZ3tvUQYhoWlbRR08V-0S1kfvvKyii_UDhLRzH4CJU03n647IKcebuxBzvjPNKLKT-SOIzg8a_2ln_qXj0B1HJ9DQH3b20cm20SjCr9\
    M-JbN4jikp1jE1uigtzZCU9uSVIUMBAAE";
const RS256_SIGNATURE: &str = "\
    dFSznKwrt3cBthaAArzOyzu5bQTzBys4yuNrxiAbxXpnLaZIMNpZgDVpV5HqKE1TiuCCSmy1tgQAXVflT597xxFRdo30FBZkaajpsSvGLlrZBF\
    lx7A7SCh7T7yT_wJWT5OA5RgHFs_GSmClxWRax4Vs5AkebxBSPwSVExIXJPzEkrI2RNODa7aWyLXWBkjs9lG52wazZmcsy5A46LXVDLjB-fdqo\
    HodPaUlndV_ru3E-Xnt1Jzk7UXDMdAQ79kjDAEBXxpcfusHnJUm-e8jEuPaSN7zHCDQrq036XOq4F9qPiRDCXziu_QYGjOxm2qVgyYJB2H7nc-\
    ni_tq333wnOg";
const AUTHENTICATOR_DATA: &str = "mAKhcxWvWQ19jLkspcvkJ5gGGnccnZbOTJTZ0HzRSQ4FAAAABw";
const CLIENT_DATA: &str = "\
    eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiWTJoaGJHeGxibWRsIiwib3JpZ2luIjoiaHR0cHM6Ly9wYXkuZXhhbXBsZSIsIm\
    Nyb3NzT3JpZ2luIjpmYWxzZX0";
const CHALLENGE: &str = "Y2hhbGxlbmdl";

fn bytes(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

fn site() -> Site {
    Site::at("https://pay.example")
}

#[test]
fn a_signature_of_another_make_is_verified_and_each_changed_byte_of_it_is_not() {
    let said = signed(&bytes(AUTHENTICATOR_DATA), &bytes(CLIENT_DATA));
    for (key, signature) in [(ES256, ES256_SIGNATURE), (RS256, RS256_SIGNATURE)] {
        let (key, signature) = (bytes(key), bytes(signature));
        let (public, rest) = PublicKey::read(&key).unwrap();
        assert!(rest.is_empty() && public.verifies(&said, &signature));
        let changed = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        assert!((0..said.len()).all(|at| !public.verifies(&changed(&said, at), &signature)));
        assert!((0..signature.len()).all(|at| !public.verifies(&said, &changed(&signature, at))));
        assert!(!public.verifies(&said, &[]) && !public.verifies(&said, &signature[..signature.len() - 1]));
        // Any other byte in its frame is another layout, any in its numbers another key.
        for at in 0..key.len() {
            let key = changed(&key, at);
            let read = PublicKey::read(&key);
            assert!(read.is_none_or(|(other, _)| !other.verifies(&said, &signature)), "{at}");
        }
        assert!((0..key.len()).all(|length| PublicKey::read(&key[..length]).is_none()));
    }
    assert!(PublicKey::read(&bytes(ES256)).unwrap().0 != PublicKey::read(&bytes(RS256)).unwrap().0);
}

#[test]
fn what_an_authenticator_says_is_for_one_site_with_its_user_there_and_verified() {
    let data = bytes(AUTHENTICATOR_DATA);
    assert_eq!(Authenticated::read(&data, &site()).map(|said| said.counter), Some(7));
    assert!(Authenticated::read(&data, &Site::at("https://example")).is_none());
    for (flags, good) in [(0, false), (1, false), (4, false), (5, true), (0x1d, true), (0xfa, false)] {
        let mut data = data.clone();
        data[32] = flags;
        assert_eq!(Authenticated::read(&data, &site()).is_some(), good, "{flags:#x}");
    }
    assert!((0..data.len()).all(|length| Authenticated::read(&data[..length], &site()).is_none()));
}

#[test]
fn a_new_credential_is_read_whole_and_nothing_beside_it() {
    let said = |flags: u8, id: &[u8], key: &str, after: &[u8]| {
        let mut data = bytes(AUTHENTICATOR_DATA);
        data[32] = flags;
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        let data = [&data[..], &[9; 16], &length, id, &bytes(key), after].concat();
        let found = Authenticated::read(&data, &site()).unwrap();
        found.credential().map(|(id, key)| (id.to_vec(), key))
    };
    let key = PublicKey::read(&bytes(ES256)).unwrap().0;
    assert_eq!(said(0x45, &[1, 2], ES256, &[]), Some((vec![1, 2], key.clone())));
    assert_eq!(said(0xc5, &[1, 2], ES256, b"\xa0"), Some((vec![1, 2], key)));
    assert!(said(0x45, &[7; 1_023], RS256, &[]).is_some());
    assert_eq!(said(0x05, &[1, 2], ES256, &[]), None, "it says that none follows");
    assert_eq!(said(0x45, &[1, 2], ES256, b"\xa0"), None, "something follows that it does not speak of");
    assert_eq!(said(0xc5, &[1, 2], ES256, &[]), None, "it speaks of something that does not follow");
    assert_eq!(said(0x45, &[], ES256, &[]), None);
    assert_eq!(said(0x45, &[7; 1_024], ES256, &[]), None);
}

#[test]
fn a_page_of_this_site_answers_this_challenge() {
    assert!(is_for(&bytes(CLIENT_DATA), GET, CHALLENGE, &site()));
    let said = |text: &str| is_for(text.as_bytes(), GET, CHALLENGE, &site());
    let good = r#"{"challenge":"Y2hhbGxlbmdl","type":"webauthn.get","origin":"https://pay.example"}"#;
    assert!(said(good) && said(&good.replace('}', r#","tokenBinding":{"status":"x"},"crossOrigin":false}"#)));
    for (part, other) in [
        ("webauthn.get", "webauthn.create"),
        ("Y2hhbGxlbmdl", "Y2hhbGxlbmdm"),
        ("https://pay.example", "http://pay.example"),
        ("https://pay.example", "https://pay.example:8443"),
        ("https://pay.example", "https://a.pay.example"),
        ("https://pay.example", "https://pay.example/"),
        ("\"}", "\",\"crossOrigin\":true}"),
        ("\"}", "\",\"type\":\"webauthn.get\"}"),
        ("{", "[{"),
        ("}", "} x"),
    ] {
        assert!(!said(&good.replacen(part, other, 1)), "{other}");
    }
    assert!(!said(r#"["webauthn.get","Y2hhbGxlbmdl","https://pay.example",false]"#) && !said(""));
}

#[test]
fn a_site_is_its_host() {
    for (origin, host) in [
        ("https://pay.example", "pay.example"),
        ("https://pay.example:8443", "pay.example"),
        ("http://localhost:7000", "localhost"),
        ("http://[::1]:7000", "[::1]"),
        ("http://[::1]", "[::1]"),
    ] {
        assert_eq!(Site::at(origin), Site { id: host.to_owned(), origin: origin.to_owned() });
    }
}

#[test]
fn a_counter_goes_up_or_is_none() {
    assert!(goes_on(0, 0) && goes_on(0, 1) && goes_on(7, 8) && goes_on(7, 900));
    assert!(!goes_on(7, 7) && !goes_on(7, 6) && !goes_on(7, 0) && !goes_on(1, 0));
}

#[test]
fn names_can_be_shown_and_ids_looked_for() {
    assert!(is_name("Laptop") && is_name("Ünïcode 🔑") && is_name(&"x".repeat(100)));
    assert!(!is_name("") && !is_name("  ") && !is_name("a\nb") && !is_name(&"x".repeat(101)));
    assert!(is_id("AAAA") && is_id("_-8"));
    for bad in ["", "A", "AAA=", "AAA+", "a/b", "\0", &"A".repeat(1_368)] {
        assert!(!is_id(bad), "{bad:?}");
    }
}
