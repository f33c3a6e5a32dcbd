//! No token is worth anything that this installation's own secret did not sign, in the one form in which it signs.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Secret, Span, Stop, mac};
use control::{Control, Denied, Operator, Presented, sessions, signers};
use data_encoding::BASE64URL_NOPAD;
use kit::{House, desk, from, registered};
use ring::hmac;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";

/// What a bearer meets: nothing where it is let through.
fn denied(control: &Control, token: &str) -> Option<Denied> {
    match sessions::authenticate(control, Presented::Bearer(token), &from(HOME)) {
        Ok(_) => None,
        Err(Stop::Refused(denied)) => Some(denied),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

/// The installation's own key pair of an epoch, made from its secret as documented: what a forger would need.
fn pair(house: &House, epoch: &str) -> Ed25519KeyPair {
    let master: [u8; 32] = std::fs::read(house.dir.path().join("secret")).unwrap().try_into().unwrap();
    let signer = Secret::new(mac::hmac(&Secret::new(master), &[b"signer"]));
    Ed25519KeyPair::from_seed_unchecked(&mac::hmac(&signer, &[b"ed25519\n", epoch.as_bytes()])).unwrap()
}

fn encoded(text: &str) -> String {
    BASE64URL_NOPAD.encode(text.as_bytes())
}

/// A token of any header and claims, signed with the true key pair of the epoch.
fn signed(house: &House, epoch: &str, header: &str, claims: &str) -> String {
    let said = format!("{}.{}", encoded(header), encoded(claims));
    format!("{said}.{}", BASE64URL_NOPAD.encode(pair(house, epoch).sign(said.as_bytes()).as_ref()))
}

fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
    let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (json(), json())
}

const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT","kid":"1"}"#;

async fn house() -> (House, Secret<String>) {
    let house = kit::open();
    registered(&house.control, JO, HOME).await;
    let token = desk::token(&house.control, JO, HOME).await;
    (house, token)
}

#[tokio::test]
async fn a_token_in_another_form_is_worth_nothing_though_the_true_key_signed_it() {
    let (house, token) = house().await;
    let (header, claims) = parts(token.expose());
    assert_eq!(header, serde_json::from_str::<Value>(HEADER).unwrap());
    let text = claims.to_string();
    assert_eq!(denied(&house.control, &signed(&house, "1", HEADER, &text)), None, "the forger of this test can forge");
    let reordered = r#"{"kid":"1","typ":"JWT","alg":"EdDSA"}"#;
    assert_eq!(denied(&house.control, &signed(&house, "1", reordered, &text)), None);

    let headers = [
        r#"{"alg":"none","typ":"JWT","kid":"1"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"1"}"#,
        r#"{"alg":"RS256","typ":"JWT","kid":"1"}"#,
        r#"{"alg":"ES256","typ":"JWT","kid":"1"}"#,
        r#"{"alg":"eddsa","typ":"JWT","kid":"1"}"#,
        r#"{"alg":"EdDSA","typ":"jwt","kid":"1"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"1"}"#,
        r#"{"alg":"EdDSA","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"1"}"#,
        r#"{"typ":"JWT","kid":"1"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":1}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"01"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"+1"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":""}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"../1"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"1","jku":"https://example.com"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"1","crit":[]}"#,
        r#"{"alg":"EdDSA","alg":"EdDSA","typ":"JWT","kid":"1"}"#,
        r#"["EdDSA","JWT","1"] "#,
        "",
    ];
    for header in headers {
        let forged = signed(&house, "1", header, &text);
        assert_eq!(denied(&house.control, &forged), Some(Denied::Unauthenticated), "{header}");
    }
    // Epochs that never began, under the keys that they would have.
    for epoch in ["0", "2", "999999", "1000000", "1000000000"] {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": epoch}).to_string();
        assert_eq!(denied(&house.control, &signed(&house, epoch, &header, &text)), Some(Denied::Unauthenticated));
    }
}

#[tokio::test]
async fn claims_of_somebody_else_are_worth_nothing_though_the_true_key_signed_them() {
    let (house, token) = house().await;
    let (_, claims) = parts(token.expose());
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        signed(&house, "1", HEADER, &claims.to_string())
    };
    let forged = [
        with("iss", json!("somebody")),
        with("aud", json!("another/dashboard")),
        with("aud", json!([claims["aud"]])),
        with("aud", json!("dashboard")),
        with("sub", json!("usr_0000000000000000")),
        with("sid", json!("ses_0000000000000000")),
        with("sub", json!(claims["sid"])),
        with("role", json!("owner")),
        with("exp", json!("never")),
        with("exp", json!(1e300)),
        with("nbf", json!(null)),
        signed(&house, "1", HEADER, "{}"),
        signed(&house, "1", HEADER, ""),
    ];
    for (at, forged) in forged.iter().enumerate() {
        assert_eq!(denied(&house.control, forged), Some(Denied::Unauthenticated), "number {at}");
    }
    let now = claims["iat"].as_i64().unwrap();
    let edges = [
        ("nbf", 0, None),
        ("nbf", 1, Some(Denied::Unauthenticated)),
        ("exp", 1, None),
        ("exp", 0, Some(Denied::Expired)),
    ];
    for (name, after, expected) in edges {
        assert_eq!(denied(&house.control, &with(name, json!(now + after))), expected, "{name} {after}");
    }
}

#[tokio::test]
async fn a_signature_by_anything_but_the_true_key_is_worth_nothing() {
    let (house, token) = house().await;
    let token = token.expose().as_str();
    let (said, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = said.split_once('.').unwrap();
    // The public key, which everybody knows, as the secret of a keyed hash.
    let public = signers::list(&house.control).unwrap();
    let keyed = hmac::Key::new(hmac::HMAC_SHA256, &public[0].1);
    let confused = |header: &str| {
        let said = format!("{}.{claims}", encoded(header));
        format!("{said}.{}", BASE64URL_NOPAD.encode(hmac::sign(&keyed, said.as_bytes()).as_ref()))
    };
    let other = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let others = BASE64URL_NOPAD.encode(other.sign(said.as_bytes()).as_ref());
    let none = encoded(r#"{"alg":"none","typ":"JWT","kid":"1"}"#);
    let worthless = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        said.to_owned(),
        format!("{said}."),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        confused(r#"{"alg":"HS256","typ":"JWT","kid":"1"}"#),
        confused(HEADER),
        format!("{said}.{others}"),
        format!("{said}.{signature}.{signature}"),
        format!("{token}="),
        format!(" {token}"),
        format!("{header}.{claims} .{signature}"),
        format!("{said}.{}", BASE64URL_NOPAD.encode(&[0; 64])),
        "a".repeat(100_000),
        "pk_test_abc123def456.0123456789012345678901234567890123".to_owned(),
    ];
    for token in worthless {
        assert_eq!(denied(&house.control, &token), Some(Denied::Unauthenticated), "{token:.60}");
    }
    // One character changed, everywhere in it.
    for at in 0..token.len() {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(denied(&house.control, &changed), Some(Denied::Unauthenticated), "at {at}");
    }
    assert_eq!(denied(&house.control, token), None);
}

#[tokio::test]
async fn a_token_of_another_installation_is_worth_nothing_though_its_claims_are_ours() {
    let (house, token) = house().await;
    let (other, _) = self::house().await;
    let (_, claims) = parts(token.expose());
    assert_eq!(denied(&other.control, token.expose()), Some(Denied::Unauthenticated));
    let theirs = signed(&other, "1", HEADER, &claims.to_string());
    assert_eq!(denied(&house.control, &theirs), Some(Denied::Unauthenticated));
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_when_it_is_revoked() {
    let (house, token) = house().await;
    let other = desk::token(&house.control, JO, HOME).await;
    house.clock.advance(Span(Span::hours(8).0 - 1));
    assert_eq!(denied(&house.control, token.expose()), None);
    let permit = desk::permit(&house.control, &other, desk::OWN);
    sessions::log_out(&house.control, &permit).await.unwrap();
    assert_eq!(denied(&house.control, other.expose()), Some(Denied::Revoked));
    house.clock.advance(Span(1));
    assert_eq!(denied(&house.control, token.expose()), Some(Denied::Expired));
    // A token may not outlive its session either.
    let (_, mut claims) = parts(token.expose());
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 3600);
    assert_eq!(denied(&house.control, &signed(&house, "1", HEADER, &claims.to_string())), Some(Denied::Expired));
}

#[tokio::test]
async fn a_retired_epoch_verifies_for_eight_hours_more_and_signs_nothing_new() {
    let (house, old) = house().await;
    let operator = Operator::over_the_socket();
    assert_eq!(signers::rotate(&house.control, &operator).await.unwrap(), 2);
    assert_eq!(denied(&house.control, old.expose()), None);
    assert_eq!(signers::list(&house.control).unwrap().iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [1, 2]);

    house.clock.advance(Span::hours(1));
    let new = desk::token(&house.control, JO, HOME).await;
    let (header, claims) = parts(new.expose());
    assert_eq!(header["kid"], "2");
    // What the old key signs for the new session is good only as long as the old key is.
    let by_old = signed(&house, "1", HEADER, &claims.to_string());
    house.clock.advance(Span(Span::hours(7).0 - 1));
    assert_eq!([new.expose(), &by_old].map(|token| denied(&house.control, token)), [None, None]);
    house.clock.advance(Span(1));
    let after = [new.expose(), &by_old].map(|token| denied(&house.control, token));
    assert_eq!(after, [None, Some(Denied::Unauthenticated)]);
    let live = signers::list(&house.control).unwrap();
    assert_eq!(live.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [2]);
    let house = house.again();
    assert_eq!(denied(&house.control, new.expose()), None);
}
