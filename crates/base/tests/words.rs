//! Ids, environments, time, faults: the words that appear in paths, logs and on the wire.

use std::error::Error;

use base::{
    Clock, Environment, Fault, KeyId, PlaneName, SeededChance, Span, Stop, SystemClock, TenantId, TestClock, Time,
};

#[test]
fn one_tenant_has_three_spellings() {
    let spellings = ["tnt_", "biz_", "bill_"].map(|prefix| format!("{prefix}0123456789abcdez"));
    let [tenant, business, bill] = spellings.each_ref().map(|text| text.parse::<TenantId>());
    assert_eq!(tenant, business);
    assert_eq!(tenant, bill);
    let tenant = tenant.expect("a well-formed id");
    assert_eq!(tenant.to_string(), spellings[0]);
    assert_eq!(tenant.business(), spellings[1]);
    assert_eq!(tenant.body(), "0123456789abcdez");
}

#[test]
fn other_texts_are_no_tenant() {
    let texts = [
        "",
        "tnt_",
        "tnt_0123456789abcde",
        "tnt_0123456789abcdez0",
        "tnt_0123456789ABCDEZ",
        "tnt_0123456789abcde_",
        "TNT_0123456789abcdez",
        "cus_0123456789abcdez",
        "0123456789abcdez",
        " tnt_0123456789abcdez",
        "tnt_0123456789abcdez\n",
        "tnt_tnt_0123456789ab",
        "tnt_0123456789abcd\u{e9}",
        "tnt_０１２３４",
        "tnt_0123456789abcd%0",
        "tnt_../../../../../",
    ];
    for text in texts {
        assert!(text.parse::<TenantId>().is_err(), "{text:?}");
    }
}

#[test]
fn key_ids_are_twelve_lower_case_alphanumerics() {
    let id: KeyId = "0a1b2c3d4e5f".parse().expect("a well-formed id");
    assert_eq!(
        (id.as_str(), id.to_string(), format!("{id:?}")),
        ("0a1b2c3d4e5f", "0a1b2c3d4e5f".into(), "0a1b2c3d4e5f".into())
    );
    for text in ["", "0a1b2c3d4e5", "0a1b2c3d4e5f0", "0A1b2c3d4e5f", "0a1b2c3d4e5.", "0a1b2c3d4eé", "0a1b2c3d4e5\0"] {
        assert!(text.parse::<KeyId>().is_err(), "{text:?}");
    }
}

#[test]
fn drawn_ids_parse_and_differ() {
    let chance = SeededChance::new(7);
    for _ in 0..1_000 {
        let (a, b) = (TenantId::draw(&chance), TenantId::draw(&chance));
        assert_eq!(a.to_string().parse(), Ok(a.clone()));
        assert_ne!(a, b);
        let (a, b) = (KeyId::draw(&chance), KeyId::draw(&chance));
        assert_eq!(a.as_str().parse(), Ok(a));
        assert_ne!(a, b);
    }
}

#[test]
fn environments_have_one_word_each_and_another_in_keys() {
    assert_eq!(Environment::ALL.map(Environment::word), ["sandbox", "live"]);
    assert_eq!(Environment::ALL.map(Environment::key_word), ["test", "live"]);
    for environment in Environment::ALL {
        assert_eq!(Environment::from_word(&environment.to_string()), Some(environment));
        assert_eq!(PlaneName::main(environment), PlaneName { environment, name: "main".to_owned() });
    }
    for word in ["", "test", "Sandbox", "LIVE", "production", "live "] {
        assert_eq!(Environment::from_word(word), None, "{word:?}");
    }
}

#[test]
fn spans_are_microseconds() {
    assert_eq!(Span::millis(-3), Span(-3_000));
    assert_eq!(Span::seconds(2), Span(2_000_000));
    assert_eq!(Span::hours(1), Span::seconds(3_600));
    assert_eq!(Span::days(365), Span::hours(8_760));
}

#[test]
fn time_stops_at_the_ends_of_its_range() {
    assert_eq!(Span::days(i64::MAX), Span(i64::MAX));
    assert_eq!(Span::days(i64::MIN), Span(i64::MIN));
    assert_eq!(Time(i64::MAX).plus(Span(1)), Time(i64::MAX));
    assert_eq!(Time(i64::MIN).plus(Span(-1)), Time(i64::MIN));
    assert_eq!(Time(i64::MIN).since(Time(1)), Span(i64::MIN));
    let clock = TestClock::at(Time(i64::MAX - 1));
    assert_eq!(clock.advance(Span(5)), Time(i64::MAX));
    assert_eq!(clock.now(), Time(i64::MAX));
}

#[test]
fn time_adds_subtracts_and_rounds_down_to_seconds() {
    let noon = Time(43_200_000_000);
    assert_eq!(noon.plus(Span::hours(-12)), Time(0));
    assert_eq!(noon.plus(Span::seconds(1)).since(noon), Span::seconds(1));
    assert_eq!(noon.since(noon.plus(Span::seconds(1))), Span::seconds(-1));
    assert_eq!([1_999_999, 0, -1].map(|micros| Time(micros).unix_seconds()), [1, 0, -1]);
}

#[test]
fn the_test_clock_moves_only_when_told() {
    let clock = TestClock::at(Time(10));
    assert_eq!((clock.now(), clock.now()), (Time(10), Time(10)));
    assert_eq!(clock.advance(Span(5)), Time(15));
    assert_eq!(clock.advance(Span(-20)), Time(-5));
    assert_eq!(clock.now(), Time(-5));
}

#[test]
fn the_system_clock_is_in_microseconds_of_this_century() {
    let now = SystemClock.now();
    assert!(now > Time(1_600_000_000_000_000) && now < Time(4_102_444_800_000_000), "{now:?}");
}

#[test]
fn a_fault_shows_one_level_and_chains_them_all() {
    let disk = std::io::Error::other("disk is gone");
    let write = Fault::because("appending the batch", disk);
    let fault = Fault::because("taking a transfer", write);
    assert_eq!(fault.to_string(), "taking a transfer");
    assert_eq!(fault.chain(), "taking a transfer: appending the batch: disk is gone");
    assert_eq!(fault.source().map(ToString::to_string), Some("appending the batch".to_owned()));
    assert!(!fault.busy);
    assert_eq!(Fault::new("alone").chain(), "alone");
}

#[test]
fn a_busy_fault_says_that_the_same_may_be_sent_again() {
    let stop: Stop<&str> = Fault::busy("the queue is full").into();
    assert!(matches!(stop, Stop::Faulted(fault) if fault.busy && fault.source().is_none()));
}
