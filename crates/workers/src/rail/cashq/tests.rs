use base::{Secret, Span, Time};
use plane::payouts::FailReason;
use serde_json::json;

use super::client::CashQRail;
use super::dossier::{Dossier, Heard, Patience, Stage, Verdict, wait};
use super::order::{body, submission_id};
use super::wire::{Standing, Submission, Wire, standing, submission};
use crate::payouts::next::Answer;

const ID: &str = "1099511627777";

fn answered(status: u16, body: serde_json::Value) -> Wire {
    Wire::Answered { status, body: body.to_string().into_bytes() }
}

fn refused(status: u16, code: &str) -> Wire {
    answered(status, json!({"error": {"message": "no", "code": code}, "success": "false"}))
}

fn accepted(id: &str) -> serde_json::Value {
    json!({"payment_response": {"payment_id": null, "state": "-2", "substate": "0", "code": "0", "id": id},
        "error": "", "success": true})
}

/// A submission's kind, its words left out.
fn kind(wire: &Wire) -> &'static str {
    match submission(wire, ID) {
        Submission::Accepted => "accepted",
        Submission::Refused(_) => "refused",
        Submission::Short(_) => "short",
        Submission::BadKey(_) => "bad key",
        Submission::NotRun(_) => "not run",
        Submission::Unknown(_) => "unknown",
    }
}

#[test]
fn only_what_the_contract_says_in_full_is_taken_as_said() {
    let text = |status, body: &[u8]| Wire::Answered { status, body: body.to_vec() };
    let table = [
        (answered(200, accepted(ID)), "accepted"),
        (answered(200, json!({"payment_response": {"id": ID}, "success": "true"})), "accepted"),
        (answered(200, accepted("7")), "unknown"),
        (answered(201, accepted(ID)), "unknown"),
        (answered(500, accepted(ID)), "unknown"),
        (answered(200, json!({"payment_response": {"id": ID}, "error": "", "success": false})), "unknown"),
        (answered(200, json!({"payment_response": {"id": ID}, "error": "late", "success": true})), "unknown"),
        (answered(200, json!({"error": "", "success": true})), "unknown"),
        (refused(400, "invalid_request"), "refused"),
        (refused(200, "invalid_request"), "refused"),
        (refused(400, "invalid_phone_number"), "refused"),
        (refused(200, "kyc_not_verified"), "refused"),
        (refused(200, "insufficient_funds"), "short"),
        (refused(400, "insufficient_funds"), "short"),
        (refused(401, "authentication_error"), "bad key"),
        (refused(200, "authentication_error"), "bad key"),
        (text(403, b"<html>"), "bad key"),
        (refused(429, "service_unavailable"), "not run"),
        (refused(408, "invalid_request"), "unknown"),
        (refused(413, "invalid_request"), "unknown"),
        (refused(415, "invalid_request"), "unknown"),
        (refused(404, "transfer_not_found"), "unknown"),
        (refused(503, "service_unavailable"), "unknown"),
        (refused(500, "internal_server_error"), "unknown"),
        (refused(502, "invalid_request"), "unknown"),
        (refused(200, "another_code"), "unknown"),
        (answered(400, json!({"error": {"code": "invalid_request"}, "success": true})), "unknown"),
        (text(200, b""), "unknown"),
        (text(200, b"{\"success\":tr"), "unknown"),
        (text(302, b""), "unknown"),
        (text(400, b"Bad Request"), "unknown"),
        (Wire::Lost("time-out".to_owned()), "unknown"),
        (Wire::NotSent("refused".to_owned()), "not run"),
    ];
    for (wire, expected) in table {
        assert_eq!(kind(&wire), expected, "{wire:?}");
    }
}

fn result(status: u16, state: i64, last: i64) -> Wire {
    let result = json!({"server_time": null, "code": 0, "substate": 5, "id": ID, "state": state, "attribute": [],
        "trans": "T-1", "sum_prov": "94.58", "final": last});
    answered(status, json!({"status": {"result": result}}))
}

fn how(wire: &Wire) -> &'static str {
    match standing(wire, ID) {
        Standing::Underway => "underway",
        Standing::Paid { .. } => "paid",
        Standing::Failed(_) => "failed",
        Standing::NotKnown => "not known",
        Standing::BadKey(_) => "bad key",
        Standing::Trouble(_) => "trouble",
    }
}

#[test]
fn a_standing_is_read_by_its_final_flag_and_for_our_transfer_alone() {
    let both = json!({"error": {"message": "no", "code": "transfer_not_found"}, "success": "false",
        "status": {"result": {"id": ID, "state": -2, "substate": 0, "final": 1}}});
    let other = json!({"status": {"result": {"id": "7", "state": 60, "final": 1}}});
    let strings = json!({"status": {"result": {"id": ID, "state": "60", "final": "1"}}});
    let table = [
        (result(200, 0, 0), "underway"),
        (result(200, 40, 0), "underway"),
        (result(200, -1, 0), "underway"),
        (result(200, 80, 0), "underway"),
        (result(200, 60, 0), "underway"),
        (result(200, 60, 1), "paid"),
        (answered(200, strings), "paid"),
        (result(200, 80, 1), "failed"),
        (result(200, -2, 1), "not known"),
        (result(404, -2, 1), "not known"),
        (answered(404, both), "not known"),
        (refused(404, "transfer_not_found"), "not known"),
        (result(404, 60, 1), "trouble"),
        (result(200, 40, 1), "trouble"),
        (result(500, 60, 1), "trouble"),
        (answered(200, other), "trouble"),
        (answered(404, json!({"message": "no route"})), "trouble"),
        (Wire::Answered { status: 404, body: b"<html>".to_vec() }, "trouble"),
        (refused(401, "authentication_error"), "bad key"),
        (refused(503, "service_unavailable"), "trouble"),
        (Wire::Lost("time-out".to_owned()), "trouble"),
        (Wire::NotSent("refused".to_owned()), "trouble"),
    ];
    for (wire, expected) in table {
        assert_eq!(how(&wire), expected, "{wire:?}");
    }
    let paid = Standing::Paid { trans: Some("T-1".to_owned()), sum_prov: Some("94.58".to_owned()) };
    assert_eq!(standing(&result(200, 60, 1), ID), paid);
}

const PATIENCE: Patience = Patience { quiet: Span::seconds(600), shortages_most: 2 };
const NOW: Time = Time(1_000_000_000);
const LATER: Time = Time(NOW.0 + 600_000_000);

fn why() -> String {
    "why".to_owned()
}

fn troubled() -> Verdict {
    Verdict::Answer(Answer::Trouble { note: Some(why()) }, Span(0))
}

fn failed(reason: FailReason) -> Verdict {
    Verdict::Answer(Answer::Failed { reason, note: Some(why()) }, Span(0))
}

fn submitted(dossier: &mut Dossier, submission: Submission, now: Time) -> Verdict {
    dossier.follow(Heard::Submitted(submission), now, PATIENCE)
}

fn looked(dossier: &mut Dossier, standing: Standing, now: Time) -> Verdict {
    dossier.follow(Heard::Looked(standing), now, PATIENCE)
}

#[test]
fn a_refusal_is_a_failure_only_when_the_peer_does_not_know_the_id() {
    let mut dossier = Dossier::fresh();
    assert_eq!(submitted(&mut dossier, Submission::Refused(why()), NOW), Verdict::GoOn);
    assert_eq!(dossier.stage, Stage::Confirm(FailReason::Processing, why()));
    assert_eq!(looked(&mut dossier, Standing::Trouble(why()), NOW), troubled());
    assert_eq!(looked(&mut dossier, Standing::NotKnown, NOW), failed(FailReason::Processing));
}

#[test]
fn a_refusal_after_an_unknown_outcome_waits_until_the_earlier_try_cannot_arrive_any_more() {
    let mut dossier = Dossier::fresh();
    assert_eq!(submitted(&mut dossier, Submission::Unknown(why()), NOW), troubled());
    assert_eq!(submitted(&mut dossier, Submission::Refused(why()), NOW), Verdict::GoOn);
    assert_eq!(looked(&mut dossier, Standing::NotKnown, NOW), troubled());
    assert_eq!(dossier.stage, Stage::Submit);
    assert_eq!(submitted(&mut dossier, Submission::Refused(why()), LATER), Verdict::GoOn);
    assert_eq!(looked(&mut dossier, Standing::NotKnown, LATER), failed(FailReason::Processing));
}

#[test]
fn a_refusal_of_what_was_accepted_before_is_no_refusal() {
    let mut dossier = Dossier::found(LATER);
    assert_eq!(submitted(&mut dossier, Submission::Refused(why()), NOW), Verdict::GoOn);
    let verdict = looked(&mut dossier, Standing::Underway, NOW);
    assert!(matches!(verdict, Verdict::Answer(Answer::Underway, _)), "{verdict:?}");
    let paid = looked(&mut dossier, Standing::Paid { trans: Some("T".to_owned()), sum_prov: None }, NOW);
    assert_eq!(paid, Verdict::Answer(Answer::Paid { trans: "T".to_owned(), sum_prov: None }, Span(0)));
}

#[test]
fn another_transfer_under_our_id_is_neither_our_payment_nor_our_failure() {
    for theirs in [Standing::Paid { trans: None, sum_prov: None }, Standing::Failed(why()), Standing::Underway] {
        let mut dossier = Dossier::fresh();
        assert_eq!(submitted(&mut dossier, Submission::Refused(why()), NOW), Verdict::GoOn);
        let verdict = looked(&mut dossier, theirs, NOW);
        assert!(matches!(verdict, Verdict::Answer(Answer::Trouble { .. }, _)), "{verdict:?}");
        assert_eq!(dossier.stage, Stage::Submit);
    }
}

#[test]
fn troubles_of_our_own_account_never_fail_a_transfer_at_once() {
    for trouble in [Submission::BadKey(why()), Submission::NotRun(why()), Submission::Unknown(why())] {
        let mut dossier = Dossier::fresh();
        for _ in 0..100 {
            assert_eq!(submitted(&mut dossier, trouble.clone(), NOW), troubled(), "{trouble:?}");
            assert_eq!(dossier.stage, Stage::Submit);
        }
    }
    let mut dossier = Dossier::fresh();
    for _ in 0..PATIENCE.shortages_most {
        assert_eq!(submitted(&mut dossier, Submission::Short(why()), NOW), troubled());
    }
    assert_eq!(submitted(&mut dossier, Submission::Short(why()), NOW), Verdict::GoOn);
    assert_eq!(looked(&mut dossier, Standing::NotKnown, NOW), failed(FailReason::Funds));
}

#[test]
fn what_the_peer_lost_is_submitted_again() {
    let mut dossier = Dossier::fresh();
    assert_eq!(submitted(&mut dossier, Submission::Accepted, NOW), Verdict::Answer(Answer::Underway, wait(0)));
    assert_eq!(looked(&mut dossier, Standing::Trouble(why()), NOW), troubled());
    assert_eq!(dossier.stage, Stage::Look);
    assert!(matches!(looked(&mut dossier, Standing::NotKnown, NOW), Verdict::Answer(Answer::Trouble { .. }, _)));
    assert_eq!(dossier.stage, Stage::Submit);
    assert_eq!(submitted(&mut dossier, Submission::Refused(why()), NOW), Verdict::GoOn);
    assert_eq!(looked(&mut dossier, Standing::NotKnown, NOW), troubled());
}

#[test]
fn the_peers_failure_is_final() {
    let mut dossier = Dossier::fresh();
    submitted(&mut dossier, Submission::Accepted, NOW);
    assert_eq!(looked(&mut dossier, Standing::Failed(why()), NOW), failed(FailReason::Processing));
}

#[test]
fn looks_are_as_far_apart_as_the_contract_advises() {
    let waits: Vec<i64> = (0..8).map(|looks| wait(looks).0 / 1_000).collect();
    assert_eq!(waits, [1_000, 1_500, 2_250, 3_375, 5_062, 7_593, 10_000, 10_000]);
    assert_eq!(wait(u32::MAX), Span::seconds(10));
}

#[test]
fn ids_are_digits_that_fit_and_never_meet() {
    assert_eq!(submission_id(1, 1), ID);
    assert_eq!(submission_id((1 << 19) - 1, (1 << 40) - 1).len(), 18);
    assert_ne!(submission_id(1, 0), submission_id(0, (1 << 40) - 1));
}

#[test]
fn the_body_is_the_transfer_as_it_was_asked() {
    let facts = json!({"id": "42", "sender": "15615019469", "receiver": "201234567890", "cents": "50007",
        "service": "1271", "country": "EG", "currency": "EGP", "attributes": [["receiverName", "A \"B\""]], "key": "k"});
    let sent = body(&facts.to_string(), ID).expect("a body");
    let sent: serde_json::Value = serde_json::from_slice(&sent).expect("JSON");
    let expected = json!({"id": ID, "sender_phone": "+15615019469", "receiver_phone": "+201234567890",
        "amount": "500.07", "service": "1271", "receiver_country": "EG", "receiver_currency": "EGP",
        "attribute": [{"name": "receiverName", "value": "A \"B\""}]});
    assert_eq!(sent, expected);
    assert_eq!(body("{}", ID), None);
    assert_eq!(body("not JSON", ID), None);
}

#[test]
fn a_key_is_never_sent_in_clear_to_another_machine() {
    let rail = |base: &str| CashQRail::new(base, &Secret::new("key".to_owned()), None).is_ok();
    assert!(rail("https://peer.example/") && rail("http://127.0.0.1:1") && rail("http://[::1]:1"));
    for bad in ["http://peer.example", "peer.example", "ftp://127.0.0.1", "http://127.0.0.1.example", ""] {
        assert!(!rail(bad), "{bad}");
    }
    assert!(CashQRail::new("https://peer.example", &Secret::new("a\nb".to_owned()), None).is_err());
}
