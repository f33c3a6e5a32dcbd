//! A tenant's way to live: plans, the operator's approval, and what a payment provider says. Its gate names what is missing.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Amount, Environment, Secret, Span, Stop, TenantId, signature};
use control::approvals::{self, Facts, Point, Standing, Status, Verdict};
use control::billing::{self, Checkout, Choice, NotOpened, NotTaken, Page, Provider};
use control::environments::{self, Refusal};
use control::planes::BoxFuture;
use control::plans::{self, PRICE, Product};
use control::{Approval, Control, Operator, audit, tenants};
use kit::planes::{FakePlanes, Fate};
use kit::{desk, mails, registered, verified};
use parking_lot::Mutex;
use serde_json::json;

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";
const LIVE: Environment = Environment::Live;

fn operator() -> Operator {
    Operator::over_the_socket()
}

async fn set(control: &Control, tenant: &TenantId, tier: &str) {
    let set = plans::set(control, &operator(), tenant, Product::Pacspace, tier).await;
    assert_eq!(set.map_err(|_| "refused").unwrap().tier, tier);
}

async fn decide(control: &Control, tenant: &TenantId, verdict: Verdict, reason: Option<&str>) {
    let decided = approvals::decide(control, &operator(), tenant, verdict, reason.map(str::to_owned)).await;
    assert_eq!(decided.map_err(|_| "refused").unwrap().decision.verdict, verdict);
}

/// What the gate says of a wish for live.
async fn wished(control: &Control, email: &str) -> Result<bool, Refusal> {
    let token = desk::token(control, email, HOME).await;
    match environments::provision(control, &desk::placed(control, &token, desk::KEYS, LIVE)).await {
        Ok(provisioned) => Ok(provisioned.fresh),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

fn facts() -> Facts {
    Facts {
        legal_name: "Acme Ltd".to_owned(),
        country: "EG".to_owned(),
        website: "https://acme.example".to_owned(),
        use_case: "Payouts".to_owned(),
        monthly_volume: "25000".to_owned(),
        contact_name: "Jo Doe".to_owned(),
    }
}

async fn kinds(control: &Control) -> Vec<&'static str> {
    mails(control).await.into_iter().map(|(kind, ..)| kind.word()).collect()
}

#[tokio::test]
async fn live_names_its_gates_in_order_and_opens_when_all_are_passed() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = registered(control, JO, HOME).await.tenant;
    desk::provision(control, &planes).await;
    // The last gates being open opens none before them.
    decide(control, &tenant, Verdict::Approved, None).await;
    set(control, &tenant, "pilot").await;
    assert_eq!(wished(control, JO).await, Err(Refusal::EmailNotVerified));

    let mo = verified(control, "mo@example.com", HOME).await.tenant;
    let gate = async || wished(control, "mo@example.com").await;
    assert_eq!(gate().await, Err(Refusal::PlanRequired));
    decide(control, &mo, Verdict::Approved, None).await;
    assert_eq!(gate().await, Err(Refusal::PlanRequired));
    decide(control, &mo, Verdict::Rejected, Some("no papers")).await;
    set(control, &mo, "pilot").await;
    assert_eq!(gate().await, Err(Refusal::Rejected { reason: Some("no papers".to_owned()) }));
    decide(control, &mo, Verdict::Approved, None).await;
    assert_eq!(gate().await, Ok(true));
    mails(control).await;
    desk::provision(control, &planes).await;
    assert_eq!(kinds(control).await, ["live-active"]);
    // What is live stays so, whatever becomes of plan and approval.
    set(control, &mo, "free").await;
    decide(control, &mo, Verdict::Rejected, None).await;
    assert_eq!(gate().await, Ok(false));
}

#[tokio::test]
async fn the_other_products_plan_opens_live_too_and_approval_can_be_off() {
    let house = kit::tuned(|settings| settings.approval = Approval::Off);
    let control = &house.control;
    let tenant = verified(control, JO, HOME).await.tenant;
    assert_eq!(wished(control, JO).await, Err(Refusal::PlanRequired));
    let set = plans::set(control, &operator(), &tenant, Product::Paychain, "startup").await;
    assert!(set.is_ok());
    assert_eq!(wished(control, JO).await, Ok(true));
}

#[tokio::test]
async fn an_operators_tenant_is_approved_and_passes_no_gate() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = tenants::create(control, &operator(), "Acme").await.unwrap().id;
    let view = approvals::look(control, &planes, &operator(), &tenant).await.unwrap();
    assert_eq!((view.status, view.application), (Status::Approved, None));
    let [pacspace, paychain] = plans::show(control, &operator(), &tenant).unwrap();
    assert_eq!((pacspace.tier.as_str(), paychain.tier.as_str()), ("free", "free"));
}

#[tokio::test]
async fn an_application_waits_is_answered_and_may_be_made_again() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = verified(control, JO, HOME).await.tenant;
    desk::provision(control, &planes).await;
    let token = desk::token(control, JO, HOME).await;
    let permit = desk::permit(control, &token, desk::OWN);
    let status = async || approvals::show(control, &planes, &permit).await.unwrap().status;
    assert_eq!(status().await, Status::None);
    let apply = async |facts| approvals::apply(control, &permit, facts, vec![Point::KeyStorage, Point::Logging]).await;
    let nameless = Facts { legal_name: String::new(), ..facts() };
    let lines = || audit::list(control, &permit, None, 100).unwrap().lines.len();
    let before = lines();
    assert!(matches!(apply(nameless).await, Err(Stop::Refused(approvals::Refusal::FactUnusable { .. }))));
    assert_eq!(lines(), before, "what is refused leaves no line");
    assert!(apply(facts()).await.is_ok());
    house.clock.advance(Span::seconds(1));
    assert!(apply(Facts { country: "DE".to_owned(), ..facts() }).await.is_ok());
    assert_eq!(lines(), before + 2);
    let waiting = approvals::waiting(control, &operator()).unwrap();
    assert_eq!((waiting.len(), waiting[0].application.facts.country.as_str()), (1, "DE"), "the newer one counts");

    mails(control).await;
    decide(control, &tenant, Verdict::Rejected, Some("which drivers?")).await;
    assert_eq!((kinds(control).await, status().await), (vec!["live-rejected"], Status::Rejected));
    assert!(approvals::waiting(control, &operator()).unwrap().is_empty());
    assert!(apply(facts()).await.is_ok());
    assert_eq!(status().await, Status::Open);
    decide(control, &tenant, Verdict::Approved, None).await;
    assert_eq!((kinds(control).await, status().await), (vec!["live-approved"], Status::Approved));
    // Said again it is nothing new.
    let before = lines();
    decide(control, &tenant, Verdict::Approved, None).await;
    assert_eq!((kinds(control).await, lines()), (vec![], before));
    assert!(matches!(apply(facts()).await, Err(Stop::Refused(approvals::Refusal::Approved))));
    let nobody = "tnt_0000000000000000".parse().unwrap();
    let unknown = approvals::decide(control, &operator(), &nobody, Verdict::Approved, None).await;
    assert!(matches!(unknown, Err(Stop::Refused(approvals::Refusal::Unknown))));
}

#[tokio::test]
async fn the_checklist_shows_what_the_sandbox_saw_and_does_without_it() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    verified(control, JO, HOME).await;
    desk::provision(control, &planes).await;
    let permit = desk::permit(control, &desk::token(control, JO, HOME).await, desk::OWN);
    assert!(approvals::apply(control, &permit, facts(), vec![Point::KeyStorage]).await.is_ok());
    let seen = approvals::show(control, &planes, &permit).await.unwrap().checklist;
    assert_eq!((seen[0].standing, seen[0].seen), (Standing::Open, Some((0, 5))));
    assert_eq!((seen[5].standing, seen[5].seen), (Standing::Attested, None));
    planes.script([Fate::Down]);
    let unseen = approvals::show(control, &planes, &permit).await.unwrap().checklist;
    assert_eq!((unseen[0].seen, unseen[5].standing), (None, Standing::Attested));
}

/// A provider that opens what it is asked for, unless it is away.
struct PayDesk {
    secret: Secret<String>,
    away: bool,
    opened: Mutex<Vec<Checkout>>,
}

impl PayDesk {
    fn new() -> PayDesk {
        PayDesk { secret: Secret::new("whsec_test".to_owned()), away: false, opened: Mutex::default() }
    }
}

impl Provider for PayDesk {
    fn open(&self, checkout: Checkout) -> BoxFuture<'_, Result<Page, NotOpened>> {
        Box::pin(async move {
            if self.away {
                return Err(NotOpened { why: "away".to_owned() });
            }
            let page = Page { url: format!("https://pay.example/{}", checkout.id), reference: "cs_1".to_owned() };
            self.opened.lock().push(checkout);
            Ok(page)
        })
    }

    fn events_secret(&self) -> &Secret<String> {
        &self.secret
    }
}

async fn choose(
    control: &Control,
    provider: Option<&PayDesk>,
    email: &str,
    tier: &str,
) -> Result<Choice, billing::Refusal> {
    let token = desk::token(control, email, HOME).await;
    let (permit, step_up) = (desk::permit(control, &token, desk::OWN), desk::proof(control, &token));
    let provider = provider.map(|provider| provider as &dyn Provider);
    match billing::choose(control, provider, &permit, &step_up, Product::Pacspace, tier).await {
        Ok(choice) => Ok(choice),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

fn tier(control: &Control, tenant: &TenantId) -> (String, bool) {
    let [plan, _] = plans::show(control, &operator(), tenant).unwrap();
    (plan.tier, plan.requested.is_some())
}

#[tokio::test]
async fn without_a_provider_a_plan_is_asked_for_and_the_operator_answers() {
    let house = kit::open();
    let control = &house.control;
    let tenant = verified(control, JO, HOME).await.tenant;
    assert_eq!(choose(control, None, JO, "free").await, Err(billing::Refusal::Same));
    assert_eq!(choose(control, None, JO, "gold").await, Err(billing::Refusal::TierUnknown));
    assert_eq!(choose(control, None, JO, "pilot").await, Ok(Choice::Requested));
    assert_eq!(tier(control, &tenant), ("free".to_owned(), true));
    let [asked] = &plans::requests(control, &operator()).unwrap()[..] else { panic!("one request") };
    assert_eq!((&asked.of, asked.requested.as_ref().map(|asked| asked.tier.as_str())), (&tenant, Some("pilot")));
    mails(control).await;
    set(control, &tenant, "pilot").await;
    assert_eq!((tier(control, &tenant), kinds(control).await), (("pilot".to_owned(), false), vec!["plan-changed"]));
    set(control, &tenant, "pilot").await;
    assert!(kinds(control).await.is_empty(), "said again it is nothing new");
    let gold = plans::set(control, &operator(), &tenant, Product::Pacspace, "gold").await;
    assert!(matches!(gold, Err(Stop::Refused(plans::Refusal::TierUnknown))));
    let nobody = "tnt_0000000000000000".parse().unwrap();
    let unknown = plans::set(control, &operator(), &nobody, Product::Pacspace, "pilot").await;
    assert!(matches!(unknown, Err(Stop::Refused(plans::Refusal::Unknown))));
}

#[tokio::test]
async fn a_checkout_is_paid_by_signed_events_each_taken_once() {
    let house = kit::open();
    let (control, desk) = (&house.control, PayDesk::new());
    let tenant = verified(control, JO, HOME).await.tenant;
    let chosen = choose(control, Some(&desk), JO, "pilot").await;
    let [checkout] = &desk.opened.lock().clone()[..] else { panic!("one checkout") };
    assert_eq!(chosen, Ok(Choice::Pay { url: format!("https://pay.example/{}", checkout.id) }));
    assert_eq!((checkout.price, checkout.email.as_str()), (Amount::parse("1000", PRICE).unwrap(), JO));
    assert_eq!(tier(control, &tenant), ("free".to_owned(), false), "nothing is paid yet");

    let paid = json!({
        "id": "evt_1", "created": 1_800_000_000, "type": "checkout.session.completed",
        "data": {"object": {
            "id": "cs_1", "client_reference_id": checkout.id, "payment_status": "paid", "subscription": "sub_1",
            "amount_total": 1, "tier": "scale", "metadata": {"tier": "scale"},
        }},
    });
    let paid = paid.to_string();
    let sign =
        |body: &str, off: i64| signature::sign(&desk.secret, body.as_bytes(), control.now().plus(Span::seconds(off)));
    let tell = async |signature: &str, body: &str| billing::heard(control, &desk.secret, signature, body).await;
    for (signature, body) in [
        (sign(&paid, -301), paid.as_str()),
        (sign(&paid, 301), &paid),
        (sign("{}", 0), &paid),
        (String::new(), &paid),
        (sign(&paid, 0).replace("v1=", "v0="), &paid),
    ] {
        let refused = tell(&signature, body).await;
        assert!(matches!(refused, Err(Stop::Refused(NotTaken::NotSigned(_)))), "{signature}");
    }
    assert!(matches!(tell(&sign("{}", 0), "{}").await, Err(Stop::Refused(NotTaken::Malformed(_)))));
    assert_eq!(tier(control, &tenant), ("free".to_owned(), false));

    mails(control).await;
    for _ in 0..3 {
        assert!(tell(&sign(&paid, 0), &paid).await.is_ok());
    }
    assert_eq!(tier(control, &tenant), ("pilot".to_owned(), false), "the checkout's tier, whatever an event says");
    assert_eq!(kinds(control).await, ["plan-changed"], "once");
    // A second subscription would be paid twice.
    assert_eq!(choose(control, Some(&desk), JO, "starter").await, Ok(Choice::Requested));
    let ended = json!({
        "id": "evt_2", "created": 1_800_000_100, "type": "customer.subscription.deleted",
        "data": {"object": {"id": "sub_1", "metadata": {"checkout": checkout.id}}},
    });
    let ended = ended.to_string();
    assert!(tell(&sign(&ended, 0), &ended).await.is_ok());
    assert_eq!(tier(control, &tenant).0, "free");
    // The first event once more, under another id: what is over is not paid again.
    let late = paid.replace("evt_1", "evt_3");
    assert!(tell(&sign(&late, 0), &late).await.is_ok());
    assert_eq!(tier(control, &tenant).0, "free");
    // Somebody else's checkout is nothing of ours, and no error: the provider would send it again for days.
    let foreign = paid.replace("evt_1", "evt_4").replace(&checkout.id, "chk_0000000000000000");
    assert!(tell(&sign(&foreign, 0), &foreign).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_is_away_leaves_nothing_behind() {
    let house = kit::open();
    let control = &house.control;
    let tenant = verified(control, JO, HOME).await.tenant;
    let away = PayDesk { away: true, ..PayDesk::new() };
    let permit = desk::permit(control, &desk::token(control, JO, HOME).await, desk::OWN);
    let lines = || {
        let lines = audit::list(control, &permit, None, 100).unwrap().lines;
        lines.iter().filter(|line| line.kind != "session_begun").count()
    };
    let before = lines();
    assert_eq!(choose(control, Some(&away), JO, "pilot").await, Err(billing::Refusal::ProviderDown));
    assert_eq!(choose(control, Some(&away), JO, "enterprise").await, Ok(Choice::Requested), "no price, no page");
    assert_eq!((tier(control, &tenant), lines()), (("free".to_owned(), true), before + 1));
}
