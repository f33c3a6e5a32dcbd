//! `counterfoil admin`, against a running server.

mod kit;

use kit::{Connection, Server, admin, admin_json, admin_refused, transfer, until};
use serde_json::{Value, json};

fn id_of(key: &str) -> &str {
    key.split(['_', '.']).nth(2).expect("a whole key")
}

#[test]
fn tenants_are_made_with_keys_that_work_in_both_environments() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    // --data behind the subcommand, as in front of it.
    let mut command = kit::program();
    command.args(["admin", "tenant", "create", "--name", "Ünï & Co", "--json", "--data"]).arg(dir.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    for environment in ["sandbox", "live"] {
        for (kind, status) in [("standard", 200), ("agent", 200), ("payout", 401)] {
            let key = made["keys"][environment][kind].as_str().unwrap();
            assert_eq!(server.get(environment, "/api/agent_balance", Some(key)).status, status, "{environment} {kind}");
        }
    }
    let many = admin_json(dir.path(), &["tenant", "create", "--count", "20"]);
    assert_eq!(many.len(), 20);
    assert_eq!((many[0]["name"].as_str(), many[19]["name"].as_str()), (Some("Tenant 1"), Some("Tenant 20")));
    let listed = admin_json(dir.path(), &["tenant", "list"]);
    assert_eq!(listed.len(), 22);
    assert!(listed.iter().any(|row| row["tenant"] == made["tenant"] && row["name"] == "Ünï & Co"));
    // Their money is their own.
    let first = many[0]["keys"]["sandbox"]["agent"].as_str().unwrap();
    assert_eq!(server.post("sandbox", "/api/transfer", Some(first), &transfer("7", "9.00")).json()["success"], true);
    let other = many[1]["keys"]["sandbox"]["agent"].as_str().unwrap();
    assert_eq!(server.get("sandbox", "/api/status/7", Some(other)).status, 404);
    assert_eq!(server.get("sandbox", "/api/agent_balance", Some(other)).json()["balance"]["balance"], 100_000_000);
    let (code, said) = admin_refused(dir.path(), &["tenant", "create", "--name", ""]);
    assert_eq!((code, said.as_str()), (3, "error: name: give 1 to 100 characters, none of them a control character\n"));
}

#[test]
fn keys_are_made_changed_and_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let of = ["--tenant", server.tenant(), "--env", "sandbox"];
    let works = |key: &str| server.get("sandbox", "/api/agent_balance", Some(key)).status == 200;
    let make = |more: &[&str]| {
        let made = admin_json(dir.path(), &[&["key", "create", "--kind", "agent"], &of[..], more].concat()).remove(0);
        made["key"].as_str().unwrap().to_owned()
    };
    let change = |verb: &str, key: &str, more: &[&str]| {
        admin_json(dir.path(), &[&["key", verb, id_of(key)], &of[..], more].concat()).remove(0)
    };
    let key = make(&["--name", "till"]);
    assert!(works(&key));
    assert_eq!(change("disable", &key, &[])["state"], "disabled");
    assert!(!works(&key));
    assert_eq!(change("enable", &key, &[])["state"], "active");
    assert!(works(&key));
    assert_eq!(change("rename", &key, &["--name", "second till"])["name"], "second till");
    let next = change("rotate", &key, &["--overlap-hours", "24"])["key"].as_str().unwrap().to_owned();
    assert!(works(&key) && works(&next), "both work while they overlap");
    let last = change("rotate", &next, &["--overlap-hours", "0"])["key"].as_str().unwrap().to_owned();
    assert!(!works(&next) && works(&last), "no overlap: the old one is dead at once");
    assert_eq!(change("revoke", &last, &[])["state"], "revoked");
    assert!(!works(&last));
    let (code, said) = admin_refused(dir.path(), &[&["key", "enable", id_of(&last)], &of[..]].concat());
    assert_eq!((code, said.as_str()), (3, "error: the key is revoked; mint another\n"));

    let elsewhere = make(&["--ip", "192.0.2.0/24", "2001:db8::1"]);
    assert!(!works(&elsewhere), "this address is not on its list");
    let small = make(&["--per-transfer-cents", "500", "--daily-cents", "700", "--service", "1271"]);
    let send = |id, amount| server.post("sandbox", "/api/transfer", Some(&small), &transfer(id, amount)).json();
    assert_eq!(send("1", "5.01")["success"], "false");
    assert_eq!(send("2", "5.00")["success"], true);
    assert_eq!(send("3", "2.01")["success"], "false");
    assert_eq!(send("4", "2.00")["success"], true);

    let listed = admin_json(dir.path(), &[&["key", "list"], &of[..]].concat());
    let shown = listed.iter().find(|row| row["id"] == id_of(&key)).unwrap();
    assert_eq!((shown["name"].as_str(), shown["state"].as_str()), (Some("second till"), Some("active")));
    for (arguments, said) in [
        (&["key", "create", "--kind", "master"][..], "kind: give standard"),
        (&["key", "create", "--kind", "payout", "--expires-days", "366"], "at most 365 days"),
        (&["key", "create", "--kind", "agent", "--ip", "home"], "no address and no network"),
        (&["key", "create", "--kind", "agent", "--service", "9"], "no corridor"),
        (&["key", "create", "--kind", "agent", "--daily-cents", "0"], "above zero"),
        (&["key", "disable", "000000000000"], "no key has this id"),
    ] {
        let (code, found) = admin_refused(dir.path(), &[arguments, &of[..]].concat());
        assert!(code == 3 && found.contains(said), "{arguments:?}: {code} {found}");
    }
}

#[test]
fn money_and_receivers_on_live_are_the_operators_word() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let of = ["--tenant", server.tenant(), "--env", "live"];
    let agent = server.key("live", "agent");
    let send = |id: &str, amount: &str| server.post("live", "/api/transfer", Some(agent), &transfer(id, amount)).json();
    assert_eq!(send("1", "5.00")["error"]["code"], "insufficient_funds");
    let fund = |amount, reason| [&["fund", "--amount", amount, "--reason", reason], &of[..]].concat();
    let after = admin_json(dir.path(), &fund("1000.00", "bank statement 7")).remove(0);
    assert_eq!((after["spendable"].as_str(), after["posted"].as_str()), (Some("1000.00"), Some("1000.00")));
    for (amount, reason) in [("0", "x"), ("-5", "x"), ("1.001", "x"), ("1e3", "x"), ("5", " ")] {
        let amount = format!("--amount={amount}");
        let arguments = [&["fund", amount.as_str(), "--reason", reason], &of[..]].concat();
        assert_eq!(admin_refused(dir.path(), &arguments).0, 3, "{amount}");
    }
    let after = admin_json(dir.path(), &[&["overdraft", "--amount", "50"], &of[..]].concat()).remove(0);
    assert_eq!(after["overdraft"], "50.00");
    let balance = server.get("live", "/api/agent_balance", Some(agent)).json();
    assert_eq!(balance["balance"], json!({"balance": 100_000, "overdraft": 5000}));

    assert_eq!(send("1", "700.00")["error"]["code"], "kyc_not_verified");
    let set = ["kyc", "set", "--phone", "+201001234567", "--verified", "true", "--limit", "750"];
    admin_json(dir.path(), &[&set, &of[..]].concat());
    assert_eq!(send("1", "700.00")["success"], true);
    assert_eq!(send("2", "751.00")["error"]["code"], "invalid_request");
    let books = admin_json(dir.path(), &["books", "--env", "live"]).remove(0);
    assert_eq!((books["balanced"].as_bool(), books["debits_held"].as_str()), (Some(true), Some("700.00")));
}

#[test]
fn payouts_on_live_wait_for_the_operator() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let (tenant, agent) = (server.tenant(), server.key("live", "agent"));
    let fund = ["fund", "--amount", "100", "--reason", "wire", "--tenant", tenant, "--env", "live"];
    admin_json(dir.path(), &fund);
    let send = |id: &str| {
        let sent = server.post("live", "/api/transfer", Some(agent), &transfer(id, "10.00")).json();
        assert_eq!(sent["success"], true, "{sent}");
    };
    let status = |id: &str| {
        let status = server.get("live", &format!("/api/status/{id}"), Some(agent)).json();
        let result = &status["status"]["result"];
        [&result["state"], &result["substate"], &result["final"]].map(|number| number.as_i64().unwrap())
    };
    send("1");
    send("2");
    let waiting = until("both are handed to the operator", || {
        let rows = admin_json(dir.path(), &["payouts", "list", "--state", "40/0"]);
        (rows.len() == 2).then_some(rows)
    });
    let first = waiting.iter().find(|row| row["id"] == "1").unwrap();
    assert_eq!((&first["tenant"], &first["amount"]), (&json!(tenant), &json!("10.00")));
    assert_eq!((&first["receiver"], &first["service"]), (&json!("201001234567"), &json!("1271")));
    assert!(first["attributes"].to_string().contains("Mona Hassan"));

    admin_json(dir.path(), &["payouts", "paid", "1", "--trans", "BANK-77", "--amount", "472.94"]);
    assert_eq!(status("1"), [60, 0, 1]);
    let paid = server.get("live", "/api/status/1", Some(agent)).json();
    let result = &paid["status"]["result"];
    assert_eq!((&result["trans"], &result["sum_prov"]), (&json!("BANK-77"), &json!("472.94")));
    admin_json(dir.path(), &["payouts", "failed", "2", "--reason", "processing", "--tenant", tenant]);
    until("the money is given back", || (status("2") == [80, 0, 1]).then_some(()));
    let balance = server.get("live", "/api/agent_balance", Some(agent)).json();
    assert_eq!(balance["balance"]["balance"], 9_000);
    for (arguments, said) in [
        (&["payouts", "paid", "1", "--trans", "again"][..], "no open transfer has this id"),
        (&["payouts", "paid", "1", "--trans", "again", "--tenant", tenant], "not in a state"),
        (&["payouts", "paid", "9", "--trans", "x", "--tenant", tenant], "no transfer with this id"),
        (&["payouts", "failed", "1", "--reason", "mood"], "reason: give"),
        (&["payouts", "list", "--state", "soon"], "state: give a number"),
    ] {
        let (code, found) = admin_refused(dir.path(), arguments);
        assert!(code == 3 && found.contains(said), "{arguments:?}: {code} {found}");
    }

    // With linking on, a transfer without its pay-in waits in 0/9.
    let link = ["tenant", "link-pay-ins", "--tenant", tenant, "--env", "live", "--on", "true"];
    admin_json(dir.path(), &link);
    send("3");
    send("4");
    assert_eq!((status("3"), status("4")), ([0, 9, 0], [0, 9, 0]));
    admin_json(dir.path(), &["payouts", "link", "3", "--approvely-id", "46364493"]);
    admin_json(dir.path(), &["payouts", "confirm", "4"]);
    until("both go on", || (status("3")[0] == 40 && status("4")[0] == 40).then_some(()));
    let books = admin_json(dir.path(), &["books", "--env", "live"]).remove(0);
    assert_eq!((&books["balanced"], &books["debits_held"]), (&json!(true), &json!("20.00")));
}

#[test]
fn the_whole_sandbox_is_reset_and_live_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let agent = server.key("sandbox", "agent");
    let sent = server.post("sandbox", "/api/transfer", Some(agent), &transfer("5", "5.00")).json();
    assert_eq!(sent["success"], true);
    let (code, said) = admin_refused(dir.path(), &["sandbox", "reset"]);
    assert!(code == 2 && said.contains("--yes"), "{said}");
    assert_eq!(admin_json(dir.path(), &["sandbox", "reset", "--yes"]), [json!({"tenants": 1})]);
    assert_eq!(server.get("sandbox", "/api/status/5", Some(agent)).status, 404);
    assert_eq!(server.get("sandbox", "/api/agent_balance", Some(agent)).json()["balance"]["balance"], 100_000_000);
}

#[test]
fn tables_are_for_people_and_a_server_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let table = String::from_utf8(admin(dir.path(), &["tenant", "list"]).stdout).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("tenant  ") && lines[1].starts_with(server.tenant()), "{table}");
    assert_eq!(admin_json(dir.path(), &["logs", "level", "warn"]), [json!({"level": "warn"})]);
    assert_eq!(admin_refused(dir.path(), &["logs", "level", "loud"]).0, 3);
    drop(server);
    let (code, said) = admin_refused(dir.path(), &["tenant", "list"]);
    assert_eq!(code, 1);
    assert!(said.contains("no control server runs on") && said.contains("--data"), "{said}");
}

#[test]
fn the_audit_log_is_verified_and_exported_and_the_signer_is_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let [email, password] = ["email", "password"].map(|name| server.facts[name].clone());
    let body = json!({"email": email, "password": password}).to_string();
    let login = server.post("control", "/dashboard/auth/login", None, &body);
    assert_eq!(login.status, 200, "{}", login.body);

    let rotated = admin_json(dir.path(), &["signer", "rotate"]);
    assert_eq!(rotated, [json!({"epoch": 2})]);
    let keys = server.get("control", "/.well-known/jwks.json", None).json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2), "{keys}");
    let token = login.json()["data"]["token"].as_str().unwrap().to_owned();
    let me = || Connection::open(server.url("control")).send_as(&token, "GET", "/dashboard/auth/me", None);
    assert_eq!(me().status, 200, "the old signer's sessions go on");

    let (code, said) = admin_refused(dir.path(), &["user", "forget-factors", email.as_str().unwrap()]);
    assert!(code != 0 && said.contains("nothing of this kind is there"), "{said}");

    let verified = admin_json(dir.path(), &["audit", "verify"]).remove(0);
    let count = |name: &str| verified[name].as_u64().unwrap();
    assert!(count("lines") > 0 && count("lines") == count("entries") && verified["wrong"] == json!([]), "{verified}");
    let own = admin_json(dir.path(), &["audit", "export"]);
    let tenants = admin_json(dir.path(), &["audit", "export", "--tenant", server.tenant()]);
    assert!(own.iter().any(|line| line["kind"] == "signer_rotated" && line["of"] == "operator"), "{own:?}");
    for (at, line) in tenants.iter().enumerate() {
        let previous = at.checked_sub(1).map_or(json!(""), |before| tenants[before]["hash"].clone());
        assert_eq!((&line["of"], &line["previous"]), (&json!(server.tenant()), &previous), "{line}");
    }
    assert!(tenants.iter().any(|line| line["kind"] == "session_begun"), "{tenants:?}");
    let (code, said) = admin_refused(dir.path(), &["audit", "export", "--tenant", "tnt_0000000000000000"]);
    assert!(code == 3 && said.contains("no tenant"), "{code} {said}");
}
