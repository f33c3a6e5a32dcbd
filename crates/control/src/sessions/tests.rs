//! The edges of freshness and of life, and the form of tokens. What foreign tokens meet is in `control/tests/tokens.rs`, what
//! the doors do in `control/tests/sessions.rs`.

use base::{Secret, Span, Time};
use data_encoding::BASE64URL_NOPAD;

use super::state::fresh;
use super::{ProofKind, Proved};
use crate::tokens::{Claims, Standing, public, read, sign};

const AT: Time = Time(1_750_000_000_400_000);

fn claims() -> Claims {
    let (user, session) = ("usr_0000000000000001".parse().unwrap(), "ses_0000000000000002".parse().unwrap());
    Claims::new("abcd", user, session, AT, AT.plus(Span::hours(8)))
}

#[test]
fn a_proof_is_fresh_for_less_than_ten_minutes() {
    let proved = Some(Proved { kind: ProofKind::Password, at: AT });
    let after = |span: i64| AT.plus(Span(span));
    let ten = Span::seconds(600).0;
    assert_eq!([0, ten - 1].map(|span| fresh(proved, after(span))), [proved, proved]);
    assert_eq!([ten, ten + 1].map(|span| fresh(proved, after(span))), [None, None]);
    assert_eq!(fresh(None, AT), None);
}

#[test]
fn a_token_is_good_from_its_second_on_and_until_its_last_is_over() {
    let (claims, second) = (claims(), |seconds: i64| Time((1_750_000_000 + seconds) * 1_000_000));
    let standing = |seconds| claims.standing("abcd", second(seconds));
    assert_eq!([-1, 0, 1].map(standing), [Standing::Foreign, Standing::Good, Standing::Good]);
    let end = 8 * 3600;
    assert_eq!([end - 1, end, end + 1].map(standing), [Standing::Good, Standing::Past, Standing::Past]);
    assert_eq!(claims.standing("abce", second(1)), Standing::Foreign);
}

#[test]
fn a_token_is_read_under_its_own_secret_and_epoch_alone() {
    let (ours, theirs) = (Secret::new([7; 32]), Secret::new([8; 32]));
    let token = sign(&ours, 3, &claims());
    assert_eq!(read(&ours, token.expose()), Some((3, claims())));
    assert_eq!(read(&theirs, token.expose()), None);
    assert_ne!(public(&ours, 3), public(&ours, 4));
    assert_ne!(public(&ours, 3), public(&theirs, 3));
    let header = token.expose().split('.').next().unwrap();
    let header = String::from_utf8(BASE64URL_NOPAD.decode(header.as_bytes()).unwrap()).unwrap();
    assert_eq!(header, r#"{"alg":"EdDSA","typ":"JWT","kid":"3"}"#);
}
