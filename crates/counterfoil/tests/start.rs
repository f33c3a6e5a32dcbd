//! `counterfoil dev` as a newcomer meets it.

mod kit;

use std::os::unix::fs::PermissionsExt;

use kit::{Connection, Server, dev_command, transfer, until};

#[test]
fn dev_starts_everything_and_a_restart_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("deep/data");
    let first = Server::dev(&data);
    let mode = std::fs::metadata(data.join("dev.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for name in ["control", "sandbox", "live", "metrics"] {
        let url = first.url(name);
        assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with('/'), "{url}");
        assert_eq!(first.get(name, "/healthz", None).body, "{\"status\":\"alive\"}\n");
        assert_eq!(first.get(name, "/readyz", None).body, "{\"status\":\"ready\"}\n");
        let landing = first.get(name, "/", None);
        assert_eq!(landing.status, 200);
        assert!(landing.body.contains("<h1>Counterfoil: "), "{}", landing.body);
    }
    let business = first.facts["business"].as_str().unwrap();
    assert_eq!(first.tenant().strip_prefix("tnt_"), business.strip_prefix("biz_"));
    for (environment, prefix) in [("sandbox", "pk_test_"), ("live", "pk_live_")] {
        for kind in ["standard", "payout", "agent"] {
            assert!(first.key(environment, kind).starts_with(prefix));
        }
    }

    let agent = first.key("sandbox", "agent").to_owned();
    let start = first.get("sandbox", "/api/agent_balance", Some(&agent)).json();
    assert_eq!(start["balance"], serde_json::json!({"balance": 100_000_000, "overdraft": 2000}));
    let live = first.get("live", "/api/agent_balance", Some(first.key("live", "agent"))).json();
    assert_eq!(live["balance"], serde_json::json!({"balance": 0, "overdraft": 0}));

    let sent = first.post("sandbox", "/api/transfer", Some(&agent), &transfer("42", "5.00"));
    assert_eq!((sent.status, sent.json()["success"].as_bool()), (200, Some(true)), "{}", sent.body);
    let (keys, tenant) = (first.facts["keys"].clone(), first.facts["tenant"].clone());
    let ended = first.interrupt();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(!data.join("sandbox/admin.sock").exists(), "the socket is taken away");

    let second = Server::dev(&data);
    assert_eq!((&second.facts["keys"], &second.facts["tenant"]), (&keys, &tenant));
    let balance = second.get("sandbox", "/api/agent_balance", Some(&agent)).json();
    assert_eq!(balance["balance"]["balance"], 100_000_000 - 500);
    until("the transfer is paid", || {
        let status = second.get("sandbox", "/api/status/42", Some(&agent)).json();
        let result = &status["status"]["result"];
        (result["final"] == 1).then(|| assert_eq!(result["state"], 60, "{status}"))
    });
    let again = second.post("sandbox", "/api/transfer", Some(&agent), &transfer("42", "5.0"));
    assert_eq!(again.body, sent.body);
    assert_eq!(second.terminate().status.code(), Some(0));
}

#[test]
fn keys_that_no_longer_work_are_minted_anew() {
    let dir = tempfile::tempdir().unwrap();
    let first = Server::dev(dir.path());
    let (agent, payout) = (first.key("sandbox", "agent").to_owned(), first.key("sandbox", "payout").to_owned());
    let id = agent.split(['_', '.']).nth(2).unwrap().to_owned();
    let tenant = first.tenant().to_owned();
    kit::admin_json(dir.path(), &["key", "revoke", &id, "--tenant", &tenant, "--env", "sandbox"]);
    assert_eq!(first.interrupt().status.code(), Some(0));

    let second = Server::dev(dir.path());
    assert_eq!(second.tenant(), tenant);
    assert_eq!(second.key("sandbox", "payout"), payout);
    assert_ne!(second.key("sandbox", "agent"), agent);
    let new = second.key("sandbox", "agent");
    assert_eq!(second.get("sandbox", "/api/agent_balance", Some(new)).status, 200);
    assert_eq!(second.get("sandbox", "/api/agent_balance", Some(&agent)).status, 401);
    assert_eq!(second.interrupt().status.code(), Some(0));

    // Without the file the tenant is found again and all keys are new.
    std::fs::remove_file(dir.path().join("dev.json")).unwrap();
    let third = Server::dev(dir.path());
    assert_eq!(third.tenant(), tenant);
    assert_ne!(third.key("sandbox", "payout"), payout);
}

#[test]
fn a_second_dev_on_the_same_directory_is_refused_and_changes_nothing() {
    if pgkit::wanted() {
        // Stores in a database are there for several processes.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let first = Server::dev(dir.path());
    let before = std::fs::read(dir.path().join("dev.json")).unwrap();
    let second = dev_command(dir.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(70));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another process has the store"), "{said}");
    assert_eq!(std::fs::read(dir.path().join("dev.json")).unwrap(), before);
    let agent = first.key("sandbox", "agent");
    assert_eq!(first.get("sandbox", "/api/agent_balance", Some(agent)).status, 200);
    assert_eq!(kit::admin_json(dir.path(), &["tenant", "list"]).len(), 1, "its socket still answers");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let mut command = kit::program();
    command.args(["dev", "--control", "127.0.0.1:0", "--sandbox", &address, "--data"]).arg(dir.path());
    let ended = command.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("sandbox cannot listen on {address}: choose another")), "{said}");
    assert!(!dir.path().join("dev.json").exists());
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let agent = server.key("sandbox", "agent").to_owned();
    let weather = Connection::open(server.url("sandbox")).send(
        "PUT",
        "/sandbox/weather",
        Some(&agent),
        Some(r#"{"latency_ms": 1500}"#),
    );
    assert_eq!(weather.status, 200, "{}", weather.body);
    let tenant = server.tenant().to_owned();
    let create = ["key", "create", "--kind", "agent", "--tenant", &tenant, "--env", "sandbox"];
    let slow_key = kit::admin_json(dir.path(), &create).remove(0);
    let mut slow = Connection::open(server.url("sandbox"));
    let key = slow_key["key"].as_str().unwrap();
    let request = format!("GET /api/agent_balance HTTP/1.1\r\nhost: x\r\napi-key: {key}\r\n\r\n");
    slow.write(request.as_bytes()).unwrap();
    // Its request is in when its key, which nothing else uses, was used.
    until("the slow request is under way", || {
        let keys = kit::admin_json(dir.path(), &["key", "list", "--tenant", &tenant, "--env", "sandbox"]);
        keys.into_iter().find(|row| row["id"] == slow_key["id"] && !row["last_used_at"].is_null())
    });
    let url = server.url("sandbox").to_owned();
    let ending = std::thread::spawn(move || server.interrupt());
    assert_eq!(slow.read().unwrap().status, 200);
    assert_eq!(ending.join().unwrap().status.code(), Some(0));
    assert!(Connection::try_open(&url).is_err(), "nobody listens any more");
}

#[test]
fn the_printed_calls_work_when_pasted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let said = server.interrupt().stdout;
    let calls: Vec<&str> = said.lines().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(calls.len(), 5, "{said}");
    // A shell expands them as it would for a reader; `curl` is replaced by something that shows its arguments.
    let server = Server::dev(dir.path());
    let agent = server.key("sandbox", "agent").to_owned();
    let old = said.lines().find_map(|line| line.strip_prefix("sandbox   ")).unwrap();
    for (call, field) in calls.iter().zip(["balance", "kyc_verify", "attribute", "payment_response", "status"]) {
        let script = format!("curl() {{ for one; do printf '%s\\0' \"$one\"; done; }}\n{call}");
        let shown = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let arguments: Vec<&str> = shown.split_terminator('\0').collect();
        assert!(arguments.contains(&format!("API-KEY: {agent}").as_str()), "{arguments:?}");
        let path = arguments.last().unwrap().strip_prefix(old).unwrap();
        let body = arguments.iter().position(|argument| *argument == "-d").map(|at| arguments[at + 1]);
        let method = if body.is_some() { "POST" } else { "GET" };
        let answer = Connection::open(server.url("sandbox")).send(method, path, Some(&agent), body);
        assert_eq!(answer.json()["success"], true, "{call}: {}", answer.body);
        assert!(answer.json().get(field).is_some(), "{call}: {}", answer.body);
    }
}
