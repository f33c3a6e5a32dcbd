//! From a registration to a live key that works: the seven steps of going live over HTTP, and the guide's script as a reader runs
//! it.

mod kit;

use std::path::Path;
use std::process::Command;

use kit::person::registered;
use kit::{BALANCE, Server, admin_json, admin_refused};
use serde_json::{Value, json};

const JO: &str = "jo@example.com";

/// Whose keys the environments take: (status on the sandbox, status on live).
fn works(server: &Server, key: &str) -> (u16, u16) {
    let status = |environment: &str| server.get(environment, BALANCE, Some(key)).status;
    (status("sandbox"), status("live"))
}

#[test]
fn the_seven_steps_lead_to_a_live_key_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let control = server.url("control");
    let mainnet = || json!({"environment": "mainnet"});

    // 1 to 3: register, confirm, a sandbox key, and something built with it.
    let (jo, tenant) = registered(dir.path(), control, JO);
    let (_, test_key) = jo.new_key("test");
    assert_eq!(works(&server, &test_key), (200, 401));
    let early = jo.refused("POST", "api-keys", json!({"name": "Main", "environment": "live"}));
    assert_eq!(early, (409, "ENVIRONMENT_NOT_ACTIVE".to_owned()));
    assert_eq!(jo.refused("POST", "contracts/provision", mainnet()), (403, "PLAN_REQUIRED".to_owned()));
    let seen = jo.get("approval")["checklist"][0].clone();
    assert_eq!(seen, json!({"point": "endpoints", "status": "open", "seen": 1, "of": 5}));

    // 4: another plan, set by the operator here; and the approval that this installation asks for.
    let plan = admin_json(dir.path(), &["plan", &tenant, "pilot"]).remove(0);
    assert_eq!((&plan["tier"], &plan["product"]), (&json!("pilot"), &json!("pacspace")));
    assert_eq!(jo.get("billing/plan")["tier"], "pilot");
    assert_eq!(jo.refused("POST", "contracts/provision", mainnet()), (403, "APPROVAL_REQUIRED".to_owned()));
    let facts = json!({
        "legalName": "Acme Ltd", "country": "EG", "website": "https://acme.example", "useCase": "Payouts to drivers",
        "expectedMonthlyVolumeUsd": "25000.00", "contactName": "Jo Doe",
    });
    jo.done(201, "POST", "approval", json!({"businessFacts": facts, "attested": ["keyStorage"]}));
    let waiting = admin_json(dir.path(), &["approvals"]).remove(0);
    assert_eq!((&waiting["tenant"], &waiting["waits_for"]), (&json!(tenant), &json!("approval")));
    assert_eq!(waiting["facts"]["website"], "https://acme.example");
    let approved = admin_json(dir.path(), &["approve", &tenant, "--reason", "papers seen"]).remove(0);
    assert_eq!((&approved["approval"], &approved["reason"]), (&json!("approved"), &json!("papers seen")));
    assert!(admin_json(dir.path(), &["approvals"]).is_empty());
    assert_eq!(jo.get("approval")["status"], "approved");

    // 5: production, in the contract's own words; its address is handed over with it.
    let begun = jo.done(201, "POST", "contracts/provision", mainnet());
    assert_eq!(begun["status"], "provisioning");
    assert_eq!(jo.active_contracts().len(), 2);
    let status = jo.get(&format!("contracts/{tenant}/status"));
    let live = &status["environments"][1];
    assert_eq!((&live["environment"], live["baseUrl"].as_str()), (&json!("mainnet"), Some(server.url("live"))));

    // 6 and 7: a live key, and the dashboard turned to production.
    let (_, live_key) = jo.new_key("live");
    assert_eq!(works(&server, &live_key), (401, 200));
    let preferred = jo.done(200, "PATCH", "auth/preferences", json!({"preferredEnvironment": "production"}));
    assert_eq!(preferred, json!({"preferredEnvironment": "production"}));
    let organisation = jo.get("tenant");
    assert_eq!(organisation["environments"], json!({"sandbox": "provisioned", "production": "provisioned"}));
    assert_eq!(works(&server, &test_key), (200, 401), "the sandbox is what it was");

    // What the operator sees, and what he may take away again.
    let shown = admin_json(dir.path(), &["tenant", "show", &tenant]).remove(0);
    let line = |what: &str| -> Value {
        let lines = shown["lines"].as_array().expect("lines");
        lines.iter().find(|line| line["what"] == what).unwrap_or_else(|| panic!("no {what}: {shown}")).clone()
    };
    assert_eq!((&line("live")["is"], &line("plan of pacspace")["is"]), (&json!("active"), &json!("pilot")));
    assert_eq!((&line("approval")["is"], &line("application")["is"]), (&json!("approved"), &json!("Acme Ltd")));
    let suspended = admin_json(dir.path(), &["suspend", &tenant, "--reason", "a complaint"]).remove(0);
    assert_eq!((&suspended["environment"], &suspended["status"]), (&json!("live"), &json!("suspended")));
    kit::until("live refuses the key", || (works(&server, &live_key) == (401, 401)).then_some(()));
    assert_eq!(works(&server, &test_key), (200, 401));
    assert_eq!(jo.get("tenant")["status"], "suspended");
    admin_json(dir.path(), &["resume", &tenant]);
    kit::until("live takes the key again", || (works(&server, &live_key) == (401, 200)).then_some(()));
    assert_eq!(letters(dir.path()), ["confirm", "plan-changed", "live-approved", "live-active", "suspended"]);
}

/// The kinds of the mails to Jo that are not about keys, in order.
fn letters(data: &Path) -> Vec<String> {
    let mut names: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(data.join("mail")).expect("mails were sent") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        if std::fs::read_to_string(&path).expect("a mail").contains(&format!("To: <{JO}>\r\n")) {
            names.extend(name.split_once('-').map(|(number, kind)| (number.to_owned(), kind.to_owned())));
        }
    }
    names.sort();
    names.into_iter().map(|(_, kind)| kind).filter(|kind| !kind.starts_with("key-")).collect()
}

#[test]
fn the_operator_may_refuse_and_says_so_in_words_that_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let (jo, tenant) = registered(dir.path(), server.url("control"), JO);
    admin_json(dir.path(), &["plan", &tenant, "growth", "--product", "paychain"]);
    admin_json(dir.path(), &["reject", &tenant, "--reason", "no papers"]);
    let answer = jo.call("POST", "contracts/provision", json!({"environment": "mainnet"}));
    assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("APPROVAL_REQUIRED")));
    assert!(answer.json()["message"].as_str().is_some_and(|message| message.contains("no papers")), "{}", answer.body);
    let nobody = "tnt_0000000000000000";
    for (arguments, said) in [
        (&["approve", nobody][..], "no tenant has this id"),
        (&["approve", "nobody"], "no tenant has this id"),
        (&["plan", &tenant, "gold"], "no plan of this product has this tier"),
        (&["plan", &tenant, "pilot", "--product", "both"], "product: give pacspace or paychain"),
        (&["suspend", &tenant], "nobody has asked for this environment"),
        (&["tenant", "show", nobody], "no tenant has this id"),
        (&["reject", &tenant, "--reason", "two\nlines"], "reason: give 1 to 200 characters"),
    ] {
        let (code, found) = admin_refused(dir.path(), arguments);
        assert!(code == 3 && found.contains(said), "{arguments:?}: {code} {found}");
    }
}

/// The guide's first script, with this test's addresses in place of the usual ones.
#[test]
fn the_guides_script_runs_as_it_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::dev(&data);
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/front-office.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    let (_, rest) = guide.split_once("```sh\n").expect("a script");
    let (script, _) = rest.split_once("```").expect("its end");
    let usual = [("7000", "control"), ("7001", "sandbox"), ("7002", "live")];
    let script = usual.iter().fold(script.to_owned(), |script, (port, listener)| {
        script.replace(&format!("http://127.0.0.1:{port}"), server.url(listener))
    });
    let program = env!("CARGO_BIN_EXE_counterfoil");
    let script = format!("set -e\ncounterfoil() {{ {program:?} \"$@\"; }}\n{script}");
    let output = Command::new("bash").arg("-c").arg(script).current_dir(dir.path()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // Each key works where it belongs and is refused once it is revoked.
    assert_eq!(said.matches(r#""balance":{"#).count(), 2, "{said}");
    assert_eq!(said.matches("authentication_error").count(), 1, "{said}");
    assert!(said.contains(r#""preferredEnvironment":"production""#), "{said}");
}
