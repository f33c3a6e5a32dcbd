//! Who may say how a receiver stands: the page of a sandbox, the provider's callback, the operator.

mod kit;

use base::{Environment, Secret, mac};
use data_encoding::HEXLOWER;
use kit::{House, ok, refused};
use plane::kyc::{self, Opened, Refusal, SignedCallback, Standing, Verdict};
use plane::{Operator, Phone, Plane};

fn phone() -> Phone {
    Phone::from_digits("201234567890").expect("a phone")
}

fn opened(house: &House) -> Opened {
    let token = kyc::link(&house.plane, &house.agent, &phone());
    kyc::open_link(&house.plane, token.as_str()).expect("a read").expect("a page")
}

fn standing(house: &House) -> Standing {
    kyc::standing(&house.plane, &house.agent, &phone()).expect("a read")
}

fn callback(plane: &Plane, body: &str) -> SignedCallback {
    let secret = Secret::new("agreed".to_owned());
    let t = plane.now().unix_seconds().to_string();
    let v1 = HEXLOWER.encode(&mac::hmac_of(&secret, &[t.as_bytes(), b".", body.as_bytes()]));
    SignedCallback::open(&secret, &format!("t={t},v1={v1}"), body.as_bytes(), plane.now()).expect("a good signature")
}

#[tokio::test]
async fn a_callback_has_its_effect_once_and_cannot_undo_what_came_after_it() {
    let house = House::tuned(Environment::Live, |_| ()).await;
    let (plane, page) = (&house.plane, opened(&house));
    let word = callback(plane, "{}");
    ok(kyc::decide_by_callback(plane, &word, &page, Verdict::Verified { dollars: Some(1_000) }).await);
    assert_eq!(standing(&house), Standing { verified: true, limit_dollars: 1_000 });
    let operator = Operator::over_the_socket();
    ok(kyc::decide_for(plane, &operator, &house.tenant, &phone(), Verdict::Unverified { dollars: Some(0) }).await);
    // Delivered again, by the provider or by somebody who kept it.
    ok(kyc::decide_by_callback(plane, &word, &page, Verdict::Verified { dollars: Some(1_000) }).await);
    assert_eq!(standing(&house), Standing { verified: false, limit_dollars: 0 });
    let newer = callback(plane, "{ }");
    ok(kyc::decide_by_callback(plane, &newer, &page, Verdict::Verified { dollars: None }).await);
    assert_eq!(standing(&house), Standing { verified: true, limit_dollars: 8_990 });
}

#[tokio::test]
async fn the_page_decides_in_a_sandbox_and_not_on_live() {
    let sandbox = House::sandbox().await;
    let witness = sandbox.plane.sandbox().expect("a sandbox");
    let page = opened(&sandbox);
    assert_eq!((page.phone(), page.standing().verified), (&phone(), false));
    ok(kyc::judge_on_page(&sandbox.plane, witness, &page, Verdict::Verified { dollars: None }).await);
    assert!(opened(&sandbox).standing().verified);

    let live = House::tuned(Environment::Live, |_| ()).await;
    let page = opened(&live);
    let judged = kyc::judge_on_page(&live.plane, witness, &page, Verdict::Verified { dollars: None }).await;
    assert!(matches!(judged, Err(base::Stop::Faulted(_))));
    assert!(!standing(&live).verified);
}

#[tokio::test]
async fn a_link_of_one_plane_opens_nothing_on_another() {
    let (one, two) = (House::sandbox().await, House::sandbox().await);
    let token = kyc::link(&one.plane, &one.agent, &phone());
    assert!(kyc::open_link(&two.plane, token.as_str()).unwrap().is_none());
}

#[tokio::test]
async fn a_page_of_data_that_was_reset_decides_nothing() {
    let house = House::sandbox().await;
    let witness = house.plane.sandbox().expect("a sandbox");
    let page = opened(&house);
    ok(plane::sandbox::reset(&house.plane, witness, &house.agent).await);
    let (plane, verdict) = (&house.plane, Verdict::Verified { dollars: None });
    assert_eq!(refused(kyc::judge_on_page(plane, witness, &page, verdict).await), Refusal::Reset);
    let word = callback(plane, "{}");
    assert_eq!(refused(kyc::decide_by_callback(plane, &word, &page, verdict).await), Refusal::Reset);
    let (operator, nobody) = (Operator::over_the_socket(), "tnt_zzzzzzzzzzzzzzzz".parse().unwrap());
    let judged = kyc::decide_for(plane, &operator, &nobody, &phone(), verdict).await;
    assert_eq!(refused(judged), Refusal::TenantUnknown);
}
