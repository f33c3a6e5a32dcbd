//! Control, sandbox and live as three processes: each goes on while another is away, what was wanted meanwhile comes true, and
//! nobody speaks for one of them.

mod kit;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kit::intercom::{ASK, WAITING, Way, ask, proof};
use kit::person::{Person, entered, newcomer};
use kit::{BALANCE, Server, admin_json, serve_command, transfer, until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The three, and who owns the tenant that has both environments.
struct House {
    dir: TempDir,
    facts: Value,
}

impl House {
    /// `serve` sends no mail in this configuration, so that the owner comes from `dev`.
    fn new() -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let seeded = Server::dev(dir.path());
        let facts = seeded.facts.clone();
        assert_eq!(seeded.interrupt().status.code(), Some(0));
        House { dir, facts }
    }

    fn start(&self, role: &str) -> Server {
        let mut command = serve_command(role, self.dir.path());
        if role == "control" {
            // Whoever polls is one network.
            command.env("COUNTERFOIL_CONTROL__LIMITS__REQUESTS_PER_SECOND", "1000000");
            command.env("COUNTERFOIL_CONTROL__LIMITS__BURST", "1000000");
        }
        Server::serve(command)
    }

    fn of(&self, role: &str) -> std::path::PathBuf {
        self.dir.path().join(role)
    }
}

fn status(server: &Server, key: &str) -> u16 {
    server.get("listening", BALANCE, Some(key)).status
}

fn key_with(owner: &Person<'_>, environment: &str, limits: Value) -> String {
    let mut wish = json!({"name": "Limited", "environment": environment, "kind": "agent"});
    limits.as_object().expect("limits").iter().for_each(|(name, value)| wish[name] = value.clone());
    owner.done(201, "POST", "api-keys", wish)["fullKey"].as_str().expect("a key").to_owned()
}

#[test]
fn planes_go_on_without_control() {
    let house = House::new();
    let (control, sandbox, live) = (house.start("control"), house.start("sandbox"), house.start("live"));
    let (jo, _) = newcomer(control.url("listening"), "jo@example.com");
    let jos = jo.new_key("test").1;
    let owner = Person::owner(control.url("listening"), &house.facts);
    let (key, live_key) = (owner.new_key("test").1, owner.new_key("live").1);
    let here = key_with(&owner, "test", json!({"ipAllowlist": ["127.0.0.1"]}));
    let elsewhere = key_with(&owner, "test", json!({"ipAllowlist": ["192.0.2.0/24"]}));
    let small = key_with(&owner, "test", json!({"policy": {"dailyUsd": "7.00"}}));
    let away = jo.new_key("test").0;
    jo.revoked(&away);

    let send = |key: &str, id: &str, amount: &str| {
        let answer = sandbox.post("listening", "/api/transfer", Some(key), &transfer(id, amount));
        answer.json()["success"] == true
    };
    assert!(send(&small, "1", "5.00"));
    let token = jo.token;
    assert_eq!(control.terminate().status.code(), Some(0));
    for (server, key, expected) in [
        (&sandbox, &key, 200),
        (&live, &live_key, 200),
        (&live, &key, 401),
        (&sandbox, &live_key, 401),
        (&sandbox, &jos, 200),
        (&sandbox, &here, 200),
        (&sandbox, &elsewhere, 401),
    ] {
        assert_eq!(status(server, key), expected);
    }
    assert!(!send(&small, "2", "2.01"), "its day began with control");
    assert!(send(&small, "3", "2.00") && send(&jos, "1", "9.00"));
    for (key, id) in [(&small, "3"), (&jos, "1")] {
        until("the transfer is paid", || {
            let answer = sandbox.get("listening", &format!("/api/status/{id}"), Some(key)).json();
            (answer["status"]["result"]["state"] == 60).then_some(())
        });
    }
    // Restarted without control, they go by what they know.
    assert_eq!(sandbox.terminate().status.code(), Some(0));
    let sandbox = house.start("sandbox");
    assert_eq!([&key, &elsewhere].map(|key| status(&sandbox, key)), [200, 401]);

    // It catches up: the kept month is asked for, and what happened meanwhile is in it.
    let control = house.start("control");
    let jo = Person { control: control.url("listening"), token };
    let used = jo.get("billing/usage");
    assert_eq!(used["meters"], json!({"sandbox": {"transfers": 1}}), "{used}");
}

#[test]
fn what_is_wanted_of_a_plane_that_is_away_is_done_before_it_serves() {
    let house = House::new();
    let (control, sandbox, live) = (house.start("control"), house.start("sandbox"), house.start("live"));
    let owner = Person::owner(control.url("listening"), &house.facts);
    let keys: Vec<(String, String)> = (0..20).map(|_| owner.new_key("live")).collect();
    let (id, key) = owner.new_key("test");
    assert_eq!((status(&live, &keys[0].1), status(&sandbox, &key)), (200, 200));
    live.kill();
    let away = (503, "PLANE_UNREACHABLE".to_owned());
    for (id, _) in &keys[1..] {
        assert_eq!(owner.refused("DELETE", &format!("api-keys/{id}"), Value::Null), away);
    }
    owner.revoked(&id);
    assert_eq!(status(&sandbox, &key), 401, "one plane that is away holds up nothing of the other");
    // The first that each key hears of the plane is that it is dead.
    let live = house.start("live");
    assert!(keys[1..].iter().all(|(_, key)| status(&live, key) == 401));
    assert_eq!(status(&live, &keys[0].1), 200, "who was not revoked works");

    // A revocation is kept though control dies with it, and comes true though control is away when the plane starts.
    live.kill();
    assert_eq!(owner.refused("DELETE", &format!("api-keys/{}", keys[0].0), Value::Null), away);
    let token = owner.token;
    control.kill();
    let live = house.start("live");
    assert_eq!(status(&live, &keys[0].1), 200, "control is away, and nobody else knows");
    let control = house.start("control");
    until("the key is refused by itself", || {
        let status = status(&live, &keys[0].1);
        assert!([200, 401, 429].contains(&status), "{status}");
        (status == 401).then_some(())
    });
    let owner = Person { control: control.url("listening"), token };
    let listed = owner.get("api-keys");
    assert_eq!(listed["total"], 6, "the seeded keys: {listed}");
    owner.revoked(&keys[0].0);
}

#[test]
fn a_suspension_is_the_planes_own_to_keep() {
    let house = House::new();
    let (control, sandbox, live) = (house.start("control"), house.start("sandbox"), house.start("live"));
    let owner = Person::owner(control.url("listening"), &house.facts);
    let ((_, key), (_, live_key)) = (owner.new_key("test"), owner.new_key("live"));
    let tenant = house.facts["tenant"].as_str().expect("a tenant");
    let said = |verb: &str, environment: &str| {
        admin_json(house.dir.path(), &[verb, tenant, "--env", environment]).remove(0)["status"].clone()
    };
    let becomes = |server: &Server, key: &str, expected: u16| {
        until("the plane has heard of it", || (status(server, key) == expected).then_some(()));
    };
    assert_eq!(said("suspend", "sandbox"), "suspended");
    becomes(&sandbox, &key, 401);
    let refused = sandbox.get("listening", BALANCE, Some(&key));
    assert_eq!(refused.code(), "authentication_error");
    assert!(refused.body.contains("suspended"), "{}", refused.body);
    assert_eq!(status(&live, &live_key), 200, "the other environment is none of it");
    let wish = json!({"name": "More", "environment": "test"});
    assert_eq!(owner.refused("POST", "api-keys", wish), (409, "ENVIRONMENT_NOT_ACTIVE".to_owned()));

    // Live is away when it is said, and hears of it before its first call.
    live.kill();
    assert_eq!(said("suspend", "live"), "suspended");
    let live = house.start("live");
    assert_eq!(status(&live, &live_key), 401);
    // Without control, and over a restart, it stays.
    assert_eq!(control.terminate().status.code(), Some(0));
    assert_eq!(sandbox.terminate().status.code(), Some(0));
    let sandbox = house.start("sandbox");
    assert_eq!((status(&sandbox, &key), status(&live, &live_key)), (401, 401));
    let _control = house.start("control");
    for (environment, server, key) in [("sandbox", &sandbox, &key), ("live", &live, &live_key)] {
        said("resume", environment);
        becomes(server, key, 200);
    }
}

#[test]
fn an_environment_in_error_recovers_by_itself() {
    let house = House::new();
    let control = house.start("control");
    let (jo, tenant, _) = entered(control.url("listening"), "jo@example.com");
    let standing = |jo: &Person<'_>| jo.get(&format!("contracts/{tenant}/status"))["environments"][0].clone();
    let failed = until("its first try has failed", || Some(standing(&jo)).filter(|now| now["status"] == "error"));
    assert!(failed["reason"].is_string() && failed["provisionedAt"].is_null(), "{failed}");
    let (token, refused) = (jo.token.clone(), json!({"name": "Main"}));
    assert_eq!(jo.refused("POST", "api-keys", refused), (409, "ENVIRONMENT_NOT_ACTIVE".to_owned()));
    control.kill();
    let (sandbox, control) = (house.start("sandbox"), house.start("control"));
    let jo = Person { control: control.url("listening"), token };
    until("it is active", || (standing(&jo)["status"] == "active").then_some(()));
    assert_eq!(status(&sandbox, &jo.new_key("test").1), 200);
}

#[test]
fn the_intercom_believes_who_proves_himself_once() {
    let house = House::new();
    let _three = [house.start("control"), house.start("sandbox"), house.start("live")];
    let (control, sandbox, live) = (house.of("control"), house.of("sandbox"), house.of("live"));
    for (dir, files) in [(&control, &["intercom.sock"][..]), (&sandbox, &["intercom", "intercom.sock"])] {
        files.iter().for_each(|file| is_private(&dir.join(file)));
    }
    let to_sandbox = Way { from: "control", to: "sandbox/main", path: ASK };
    let keys = json!({"ask": "keys", "tenant": house.facts["tenant"]}).to_string();
    let good = proof(&sandbox, to_sandbox, 0, 1, &keys);
    let (code, answer) = ask(&sandbox, ASK, &good, &keys);
    assert!(code == 200 && answer.contains("\"reply\":\"keys\""), "{code} {answer}");
    assert_eq!(ask(&sandbox, ASK, &good, &keys), (401, String::new()), "a replay");

    let to_control = Way { from: "sandbox/main", to: "control", path: WAITING };
    let asking = json!({"plane": "sandbox/main", "after": null}).to_string();
    let good = proof(&sandbox, to_control, 0, 2, &asking);
    assert_eq!(ask(&control, WAITING, &good, &asking), (200, json!({"asks": [], "next": null}).to_string()));
    assert_eq!(ask(&control, WAITING, &good, &asking), (401, String::new()), "a replay");

    let mut nonce = 2;
    let mut refused = |what: &str, dir: &Path, secret: &Path, way: Way<'_>, seconds: i64, said: &str, body: &str| {
        nonce += 1;
        let proof = proof(secret, way, seconds, nonce, said);
        assert_eq!(ask(dir, way.path, &proof, body), (401, String::new()), "{what}");
    };
    refused("another pair's message", &live, &sandbox, to_sandbox, 0, &keys, &keys);
    refused("another pair's secret", &sandbox, &live, to_sandbox, 0, &keys, &keys);
    refused(
        "another direction",
        &sandbox,
        &sandbox,
        Way { from: "sandbox/main", to: "control", path: ASK },
        0,
        &keys,
        &keys,
    );
    refused("another body", &sandbox, &sandbox, to_sandbox, 0, "{}", &keys);
    refused("of two minutes ago", &sandbox, &sandbox, to_sandbox, -120, &keys, &keys);
    let as_live = json!({"plane": "live/main", "after": null}).to_string();
    let from_live = Way { from: "live/main", ..to_control };
    refused("the sandbox as live", &control, &sandbox, from_live, 0, &as_live, &as_live);
    refused("the sandbox asks for live", &control, &sandbox, to_control, 0, &as_live, &as_live);
    let nobody = json!({"plane": "live/second", "after": null}).to_string();
    refused("a plane that is not there", &control, &live, from_live, 0, &nobody, &nobody);
    for (dir, path, body) in [(&sandbox, ASK, &keys), (&control, WAITING, &asking)] {
        for bad in ["", "m=1", &format!("t=1 n={:032} m={:064}", 0, 0)] {
            assert_eq!(ask(dir, path, bad, body), (401, String::new()), "{bad:?}");
        }
    }
}

fn is_private(file: &Path) {
    let mode = std::fs::metadata(file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", file.display());
}
