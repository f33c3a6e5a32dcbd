//! The form of keys, and the memory of them under a race.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Environment, KeyId, OsChance, Secret, SeededChance, Time};

use super::KeyKind;
use super::cache::{Found, Grants};
use super::key::{PlainKey, parse, secret_mac};
use super::state::{Denied, KeyLimits, NewKey, may_be_used};
use super::store::KeyRow;

fn drawn(environment: Environment) -> (KeyId, String) {
    let plain = PlainKey::draw(environment, &OsChance);
    (plain.id, plain.reveal().expose().clone())
}

fn row(name: &str, limits: KeyLimits) -> KeyRow {
    let tenant = "tnt_0123456789abcdef".parse().unwrap();
    let new = NewKey { tenant, kind: KeyKind::Agent, name: name.to_owned(), limits };
    KeyRow::minted("abcdefghijkl".parse().unwrap(), &new, [7; 32], Time(0))
}

#[test]
fn a_key_is_the_prefix_a_public_id_and_a_long_secret() {
    for environment in Environment::ALL {
        let (id, key) = drawn(environment);
        let (front, secret) = key.split_once('.').unwrap();
        assert_eq!(front, format!("pk_{}_{id}", environment.key_word()));
        assert_eq!(id.as_str().len(), 12);
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
        assert_eq!(secret.len(), 36, "30 random characters (178 bits) and a checksum of 6");
        assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(parse(&key, environment), Ok((id, secret)));
    }
}

#[test]
fn the_checksum_finds_every_single_changed_character() {
    let (_, key) = drawn(Environment::Sandbox);
    let characters = (b' '..=b'~').map(char::from);
    let mut tried = 0;
    for (at, other) in (0..key.len()).flat_map(|at| characters.clone().map(move |other| (at, other))) {
        let mut changed = key.clone();
        changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
        if changed != key {
            tried += 1;
            assert!(parse(&changed, Environment::Sandbox).is_err(), "a change at {at} to `{other}`");
        }
    }
    assert!(tried > 5_000);
}

#[test]
fn what_is_not_a_key_is_unknown() {
    let (_, key) = drawn(Environment::Sandbox);
    let (short, twice) = (&key[..key.len() - 1], format!("{key}{key}"));
    let padded = [format!(" {key}"), format!("{key} "), format!("{key}\n"), key.replace('.', "_"), key.to_uppercase()];
    let others = ["", "pk_", "pk_test_", "pk_test_.", "pk_test_abcdefghijkl.", "sk_test_abcdefghijkl.x", "ключ", short];
    for text in others.into_iter().chain(padded.iter().map(String::as_str)).chain([twice.as_str()]) {
        assert_eq!(parse(text, Environment::Sandbox), Err(Denied::Unknown), "{text}");
    }
}

#[test]
fn the_prefix_alone_tells_the_environment() {
    // Nothing behind the prefix is a key: it is not looked at.
    for rest in ["", "x", "abcdefghijkl.secret", "....", "ключ"] {
        assert_eq!(parse(&format!("pk_live_{rest}"), Environment::Sandbox), Err(Denied::OtherEnvironment));
        assert_eq!(parse(&format!("pk_test_{rest}"), Environment::Live), Err(Denied::OtherEnvironment));
    }
    let (_, key) = drawn(Environment::Live);
    assert_eq!(parse(&key, Environment::Sandbox), Err(Denied::OtherEnvironment));
    assert_eq!(parse(&key.replace("pk_live_", "pk_test_"), Environment::Sandbox), Err(Denied::Unknown));
}

#[test]
fn the_same_secret_is_kept_differently_by_every_plane_and_key() {
    let (one, two) = (Secret::new([1; 32]), Secret::new([2; 32]));
    let id = "abcdefghijkl".parse().unwrap();
    assert_ne!(secret_mac(&one, id, "secret"), secret_mac(&two, id, "secret"));
    assert_ne!(secret_mac(&one, id, "secret"), secret_mac(&one, "abcdefghijkm".parse().unwrap(), "secret"));
}

#[test]
fn drawn_secrets_use_the_whole_alphabet() {
    let chance = SeededChance::new(1);
    let drawn: String =
        (0..200).map(|_| PlainKey::draw(Environment::Sandbox, &chance).reveal().expose()[21..51].to_owned()).collect();
    let used: std::collections::BTreeSet<char> = drawn.chars().collect();
    assert_eq!(used.len(), 62);
}

#[test]
fn an_expiry_is_exact() {
    let row = row("one", KeyLimits { expires_at: Some(1_000), ..KeyLimits::default() });
    let ip = IpAddr::from([127, 0, 0, 1]);
    assert_eq!(may_be_used(&row, ip, Time(999)), Ok(()));
    assert_eq!(may_be_used(&row, ip, Time(1_000)), Err(Denied::Expired));
}

#[test]
fn addresses_are_matched_however_they_are_written() {
    let allowed = |nets: &[&str], ip: &str| {
        let ips = nets.iter().map(|net| net.parse().unwrap()).collect();
        may_be_used(&row("one", KeyLimits { ips, ..KeyLimits::default() }), ip.parse().unwrap(), Time(0)).is_ok()
    };
    assert!(allowed(&[], "203.0.113.9") && allowed(&[], "2001:db8::1"), "no list means every address");
    for four in ["10.1.2.3", "::ffff:10.1.2.3"] {
        assert!(allowed(&["10.0.0.0/8"], four) && allowed(&["10.1.2.3/32"], four), "{four}");
        assert!(allowed(&["::ffff:10.0.0.0/104"], four) && allowed(&["2001:db8::/32", "10.1.2.0/24"], four), "{four}");
        assert!(!allowed(&["10.1.2.4/32"], four) && !allowed(&["2001:db8::/32"], four) && !allowed(&["::/0"], four));
    }
    assert!(allowed(&["2001:db8::/32"], "2001:db8:1::1") && !allowed(&["2001:db8::/32"], "2001:db9::1"));
    assert!(!allowed(&["0.0.0.0/0"], "2001:db8::1"));
}

#[test]
fn what_was_read_before_a_change_is_not_learnt_after_it() {
    let (grants, stored) = (Arc::new(Grants::default()), Arc::new(AtomicU64::new(0)));
    let id = row("0", KeyLimits::default()).id;
    let done = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while done.load(Ordering::SeqCst) == 0 {
                    let ticket = grants.ticket();
                    let version = stored.load(Ordering::SeqCst);
                    std::thread::yield_now();
                    let row = row(&version.to_string(), KeyLimits::default());
                    grants.learn(ticket, Found { row, tenant: 1, suspended: false });
                }
            });
        }
        for _ in 0..20_000 {
            let version = stored.fetch_add(1, Ordering::SeqCst) + 1;
            grants.forget(&id);
            // From here on nobody may meet an older row.
            let known = grants.get(&id).map(|known| known.row.name.parse::<u64>().unwrap());
            assert!(known.is_none_or(|known| known >= version), "{known:?} after {version}");
        }
        done.store(1, Ordering::SeqCst);
    });
}
