//! How keys and requests are named. What the doors do is in `control/tests/keys.rs`.

use base::Environment;

use super::{IdempotencyKey, key_of, state, wire_id};

#[test]
fn a_key_id_names_its_environment_and_is_read_in_one_way_only() {
    for environment in Environment::ALL {
        let id = wire_id(environment, "abc123def456".parse().unwrap());
        assert_eq!(id, format!("key_{}_abc123def456", environment.key_word()));
        assert_eq!(key_of(&id), Some((environment, "abc123def456".parse().unwrap())));
    }
    for foreign in [
        "",
        "abc123def456",
        "key_",
        "key_test_",
        "key_test",
        "key_sandbox_abc123def456",
        "key_test_abc123def45",
        "key_test_abc123def4567",
        "key_test_ABC123def456",
        "key_test_abc123def456 ",
        "key_test_live_abc123def456",
        "pk_test_abc123def456",
        "KEY_test_abc123def456",
    ] {
        assert_eq!(key_of(foreign), None, "{foreign:?}");
    }
}

#[test]
fn a_requests_own_name_is_visible_and_not_too_long() {
    let longest = "~".repeat(255);
    for good in ["a", "550e8400-e29b-41d4-a716-446655440000", &longest] {
        assert_eq!(IdempotencyKey::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", " ", "a b", "a\n", "é", &"~".repeat(256)] {
        assert!(IdempotencyKey::parse(bad).is_none(), "{bad:?}");
    }
}

#[test]
fn a_page_has_at_least_one_place_and_at_most_a_hundred() {
    assert_eq!([0, 1, 20, 100, 101, u32::MAX].map(state::per_page), [1, 1, 20, 100, 100, 100]);
}
