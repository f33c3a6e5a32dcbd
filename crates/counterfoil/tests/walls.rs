//! One role alone, the walls between the environments, health and figures.

mod kit;

use kit::{Connection, Server, admin_json, serve_command};

#[test]
fn each_role_serves_alone() {
    let dir = tempfile::tempdir().unwrap();
    for role in ["control", "sandbox", "live"] {
        let server = Server::role(role, dir.path());
        assert_eq!(server.facts["role"], role);
        for listener in ["listening", "metrics"] {
            assert_eq!(server.get(listener, "/healthz", None).status, 200);
            assert_eq!(server.get(listener, "/readyz", None).status, 200);
        }
        let figures = server.get("metrics", "/metrics", None).body;
        assert!(figures.contains(&format!("counterfoil_commits_total{{plane=\"{role}\"}}")), "{figures}");
        let ended = server.terminate();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    }
}

#[test]
fn three_processes_are_one_platform() {
    let dir = tempfile::tempdir().unwrap();
    let _control = Server::role("control", dir.path());
    let (sandbox, live) = (Server::role("sandbox", dir.path()), Server::role("live", dir.path()));
    let made = admin_json(dir.path(), &["tenant", "create", "--name", "Three"]).remove(0);
    for (server, environment) in [(&sandbox, "sandbox"), (&live, "live")] {
        let key = made["keys"][environment]["agent"].as_str().unwrap();
        assert_eq!(server.get("listening", "/api/agent_balance", Some(key)).status, 200);
    }
    // A second process for one of them is refused where the store is a file.
    if !pgkit::wanted() {
        let second = serve_command("live", dir.path()).output().unwrap();
        assert_eq!(second.status.code(), Some(70));
    }
}

#[test]
fn live_has_no_sandbox_path_and_no_environment_takes_the_others_keys() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let routes = [
        ("GET", "/sandbox"),
        ("POST", "/sandbox/fund"),
        ("POST", "/sandbox/drain"),
        ("PUT", "/sandbox/overdraft"),
        ("PUT", "/sandbox/kyc/12025550101"),
        ("GET", "/sandbox/transfers"),
        ("POST", "/sandbox/transfers/1/force"),
        ("GET", "/sandbox/weather"),
        ("PUT", "/sandbox/weather"),
        ("GET", "/sandbox/clock"),
        ("POST", "/sandbox/clock/advance"),
        ("PUT", "/sandbox/settings"),
        ("POST", "/sandbox/reset"),
    ];
    for (method, path) in routes {
        for key in [server.key("live", "agent"), server.key("sandbox", "agent")] {
            let answer = Connection::open(server.url("live")).send(method, path, Some(key), Some("{}"));
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
        }
        let answer = Connection::open(server.url("sandbox")).send(method, path, None, Some("{}"));
        assert_eq!(answer.status, 401, "the sandbox has {method} {path}: {}", answer.body);
    }
    for (listener, other) in [("sandbox", "live"), ("live", "sandbox")] {
        for kind in ["standard", "payout", "agent"] {
            let answer = server.get(listener, "/api/agent_balance", Some(server.key(other, kind)));
            assert_eq!((answer.status, answer.code().as_str()), (401, "authentication_error"), "{}", answer.body);
            assert!(answer.json()["error"]["message"].as_str().unwrap().contains("other environment"));
        }
        assert_eq!(server.get(listener, "/metrics", None).status, 404);
    }
    assert_eq!(server.get("metrics", "/api/agent_balance", Some(server.key("live", "agent"))).status, 404);
    assert_eq!(server.get("control", "/api/agent_balance", Some(server.key("live", "agent"))).status, 404);
}

#[test]
fn the_figures_are_there_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let agent = server.key("sandbox", "agent");
    assert_eq!(server.post("sandbox", "/api/transfer", Some(agent), &kit::transfer("1", "1.00")).status, 200);
    let figures = server.get("metrics", "/metrics", None).body;
    let value = |series: &str| -> f64 {
        let line = figures.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("no {series} in\n{figures}")).trim().parse().unwrap()
    };
    for plane in ["sandbox", "live"] {
        for name in [
            "counterfoil_payouts_open",
            "counterfoil_committer_busy_us_total",
            "counterfoil_sync_us_total",
            "counterfoil_commits_total",
            "counterfoil_store_log_bytes",
            "counterfoil_store_read_only",
            "counterfoil_queue_depth",
        ] {
            value(&format!("{name}{{plane=\"{plane}\"}}"));
        }
        for lane in ["client", "worker"] {
            value(&format!("counterfoil_committed_operations_total{{plane=\"{plane}\",lane=\"{lane}\"}}"));
        }
    }
    assert!(value("counterfoil_committed_operations_total{plane=\"sandbox\",lane=\"client\"}") >= 5.0);
    assert!(value("counterfoil_commits_total{plane=\"sandbox\"}") >= 1.0);
    assert!(value("counterfoil_committer_busy_us_total{plane=\"sandbox\"}") > 0.0);
}

#[test]
fn a_bad_configuration_stops_a_start_and_names_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("counterfoil.toml");
    let whole = String::from_utf8(kit::program().args(["config", "print"]).output().unwrap().stdout).unwrap();
    std::fs::write(
        &file,
        whole.replace("stage_ms = 300", "stage_ms = \"soon\"").replace("[metrics]\n", "[metrics]\nx = 1\n"),
    )
    .unwrap();
    let mut start = serve_command("sandbox", dir.path());
    let ended = start.arg("--config").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("`sandbox.payouts.stage_ms` is a text: give a whole number, such as 300"), "{said}");
    assert!(said.contains("`metrics.x` is unknown"), "{said}");
    assert!(!dir.path().join("sandbox").exists(), "nothing was made");

    std::fs::write(&file, &whole).unwrap();
    let checked = kit::program().args(["config", "check", "--config"]).arg(&file).output().unwrap();
    assert_eq!((checked.status.code(), checked.stdout.as_slice()), (Some(0), &b"the configuration is good\n"[..]));
    let mut start = serve_command("sandbox", dir.path());
    start.arg("--config").arg(&file);
    assert_eq!(Server::serve(start).interrupt().status.code(), Some(0));
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for line in [&[][..], &["dance"], &["serve"], &["serve", "--role", "bank"], &["dev", "--sandbox", "here"]] {
        let ended = kit::program().args(line).output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{line:?}");
        assert!(!ended.stderr.is_empty());
    }
}
