//! The whole command with a stand-in for the product. This test is its own product: started as a child with `dev`,
//! `admin` or `bench-reference` it plays that part, as the real binary does; hence a harness of its own.

#![allow(clippy::unwrap_used, clippy::float_arithmetic, reason = "in a test a failure is a panic; ratios are compared")]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SEEDED_KEY: &str = "pk_test_seeded000000.secret";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("dev") => run_dev(Path::new(&arguments[3])),
        Some("admin") => create_tenants(&arguments),
        Some("bench-reference") => run_reference(&arguments[1..]),
        Some("bench") => return bench::run(parse::<bench::Options>("bench", &arguments[1..])).unwrap(),
        _ if arguments.iter().any(|argument| argument == "--list") => {
            if !arguments.iter().any(|argument| argument == "--ignored") {
                println!("whole_run: test");
            }
        }
        _ => {
            // At once, because they mostly wait and none of them asserts a rate.
            std::thread::scope(|scope| {
                scope.spawn(transfers_are_measured_and_judged);
                scope.spawn(a_slow_reference_is_not_judged_by);
                scope.spawn(refused_requests_are_an_exit_code_of_their_own);
                scope.spawn(the_table_is_readable_and_the_constant_is_used);
                scope.spawn(what_is_not_measured_beside_postgres_is_refused);
                if pgkit::available() {
                    scope.spawn(beside_postgres_each_round_has_databases_of_its_own);
                    scope.spawn(a_server_that_does_not_sync_is_not_judged_by);
                }
            });
            println!("test whole_run ... ok");
        }
    }
    ExitCode::SUCCESS
}

fn transfers_are_measured_and_judged() {
    let (code, lines, log) = measure("--scenario transfer --connections 2,4 --tenants 1,3 --preload 0,500 --floor 1");
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(lines.len(), 8, "{lines:?}");
    for line in &lines {
        assert_eq!(line["scenario"], "transfer");
        assert_eq!(line["errors"], 0, "{log}");
        assert!(line.get("judged").is_none());
        let (rps, reference) = (line["rps"].as_f64().unwrap(), line["reference_rps"].as_f64().unwrap());
        assert!(is_ratio(line, rps, reference), "{line}");
        assert!(line["p99_ms"].as_f64().unwrap() >= line["p50_ms"].as_f64().unwrap());
        assert!(line["server_cpu_us"].as_f64().unwrap() > 0.0);
        assert!(line["backlog"].as_u64().unwrap() > 0);
        assert!(line["drain_s"].as_f64().unwrap() > 0.0);
        // The stand-in publishes these two in fixed proportion, and no figure about syncs.
        assert_eq!(line["committer_us"], 7.0);
        assert!(line["sync_ms"].is_null());
    }
    let settings = |line: &Value| (line["tenants"].clone(), line["preloaded"].clone(), line["connections"].clone());
    assert_eq!(settings(&lines[0]), (json!(1), json!(0), json!(2)));
    assert_eq!(settings(&lines[7]), (json!(3), json!(500), json!(4)));
}

fn a_slow_reference_is_not_judged_by() {
    let (code, lines, log) = measure("--scenario replay --connections 2 --tenants 1 --preload 0 --floor 100000000");
    assert_eq!(code, Some(3), "{log}");
    assert_eq!((lines[0]["scenario"].as_str(), lines[0]["judged"].as_bool()), (Some("replay"), Some(false)));
    assert!(lines[0]["rps"].as_f64().unwrap() > 0.0);
    assert!(log.contains("not judged") && log.contains("one sync takes") && log.contains("load average"), "{log}");
}

fn refused_requests_are_an_exit_code_of_their_own() {
    let (code, lines, log) = measure("--scenario balance --connections 2 --tenants 1 --preload 0 --floor 1 --seed 13");
    // The stand-in refuses reads while its environment says so: see `run_dev`.
    assert_eq!(code, Some(4), "{log}");
    assert!(lines[0]["errors"].as_u64().unwrap() > 0);
    assert!(log.contains("503 closed"), "{log}");
}

fn the_table_is_readable_and_the_constant_is_used() {
    let line = "bench --scenario balance --connections 3 --tenants 1 --preload 0 --floor 1 --seconds 1 --rounds 1";
    let output = program().args(line.split(' ')).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert_eq!(rows[1][..4], ["balance", "3", "1", "0"]);
    assert!(rows[1][5].parse::<f64>().unwrap() > 0.0, "the constant was measured: {text}");
}

fn beside_postgres_each_round_has_databases_of_its_own() {
    let cluster = pgkit::Cluster::start();
    // As if of another run, and of somebody else.
    let others = ["counterfoil_bench_older_1", "counterfoil", "other"];
    others.iter().for_each(|name| drop(cluster.create_database(name)));
    let (code, lines, log) = measure(&format!("--store {} --connections 1,4 --tenants 1,3", cluster.url("postgres")));
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in &lines {
        assert_eq!((line["engine"].as_str(), line["scenario"].as_str()), (Some("postgres"), Some("transfer")));
        assert_eq!(line["errors"], 0, "{log}");
        assert!(line.get("judged").is_none(), "{line}");
        let (rps, tps) = (line["rps"].as_f64().unwrap(), line["pgbench_tps"].as_f64().unwrap());
        assert!(is_ratio(line, rps, tps), "{line}");
        assert!(line["p99_ms"].as_f64().unwrap() >= line["p50_ms"].as_f64().unwrap());
        assert!(line["pgbench_p99_ms"].as_f64().unwrap() >= line["pgbench_p50_ms"].as_f64().unwrap());
        assert!(line["pgbench_p50_ms"].as_f64().unwrap() > 0.0, "{line}");
        assert_eq!(line["settings"]["fsync"], "on");
    }
    assert_eq!((&lines[3]["tenants"], &lines[3]["connections"]), (&json!(3), &json!(4)));
    // The stand-in makes a database beside the one it is given; both are gone, and nobody else's.
    let left = cluster.query("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1");
    assert_eq!(
        left.split_whitespace().collect::<Vec<_>>(),
        ["counterfoil", "counterfoil_bench_older_1", "other", "postgres"]
    );
    assert!(log.contains("fsync=on") && log.contains("synchronous_commit=on"), "{log}");
}

fn a_server_that_does_not_sync_is_not_judged_by() {
    let cluster = pgkit::Cluster::fast();
    let (code, lines, log) = measure(&format!("--store {} --connections 1 --tenants 1", cluster.url("postgres")));
    assert_eq!(code, Some(3), "{log}");
    assert_eq!((lines[0]["judged"].as_bool(), lines[0]["settings"]["fsync"].as_str()), (Some(false), Some("off")));
    assert!(log.contains("not judged") && log.contains("fsync=off, full_page_writes=off"), "{log}");
}

fn what_is_not_measured_beside_postgres_is_refused() {
    let (code, lines, log) = measure("--store postgres://127.0.0.1:1/none --scenario balance");
    assert_eq!((code, lines.len()), (Some(2), 0), "{log}");
    assert!(log.contains("--scenario transfer"), "{log}");
}

/// All three are rounded, each for itself.
fn is_ratio(line: &Value, above: f64, below: f64) -> bool {
    (line["ratio"].as_f64().unwrap() * below / above - 1.0).abs() < 0.02
}

/// Runs the bench for a second a round and reads its lines.
fn measure(options: &str) -> (Option<i32>, Vec<Value>, String) {
    let mut command = program();
    command.arg("bench").args(options.split(' ')).args(["--seconds", "1", "--rounds", "1", "--json"]);
    if options.contains("--seed 13") {
        command.env("STAND_IN_CLOSED", "1");
    }
    let output = command.output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), log)
}

fn program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

fn parse<A: clap::Args>(name: &'static str, arguments: &[String]) -> A {
    let command = A::augment_args(clap::Command::new(name));
    A::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
}

/// Where a store is named, an environment's database is made beside it, as the product does.
fn make_environments_database() {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(at) = arguments.iter().position(|argument| argument == "--store") else { return };
    let name = arguments[at + 1].rsplit('/').next().unwrap();
    pgkit::query(&arguments[at + 1], &format!("CREATE DATABASE {name}_sandbox")).unwrap();
}

fn serve(run: impl AsyncFnOnce()) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run());
}

fn run_reference(arguments: &[String]) {
    if arguments[1] != "constant" {
        bench::run_reference(parse::<bench::ReferenceOptions>("bench-reference", arguments)).unwrap();
    }
    serve(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        println!("{}", json!({ "listening": base, "path": "/constant", "key": "the-constant's" }));
        let answer = async |headers: HeaderMap| match headers.get("api-key") {
            Some(key) if key == "the-constant's" => (StatusCode::OK, r#"{"success":true}"#),
            _ => (StatusCode::UNAUTHORIZED, ""),
        };
        axum::serve(listener, Router::new().route("/constant", get(answer))).await.unwrap();
    });
}

fn create_tenants(arguments: &[String]) {
    let count: usize =
        arguments[arguments.iter().position(|argument| argument == "--count").unwrap() + 1].parse().unwrap();
    for number in 0..count {
        let agent = format!("pk_test_made{number:08}.secret");
        println!("{}", json!({ "tenant": format!("tnt_{number}"), "keys": { "sandbox": { "agent": agent } } }));
    }
}

/// Accepts transfers of known keys, counts them as open, and finishes most of the open ones whenever it is asked.
fn run_dev(dir: &Path) {
    make_environments_database();
    serve(async || {
        let (open, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let metrics = Router::new().route(
            "/metrics",
            get({
                let (open, done) = (open.clone(), done.clone());
                async move || {
                    let now =
                        open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| Some(open / 32)).unwrap_or(0);
                    let done = done.load(Ordering::Relaxed);
                    format!(
                        "counterfoil_payouts_open{{plane=\"sandbox\"}} {now}\n\
                     counterfoil_committer_busy_us_total{{plane=\"sandbox\"}} {}\n\
                     counterfoil_committed_operations_total{{plane=\"sandbox\",lane=\"client\"}} {done}\n",
                        done * 7
                    )
                }
            }),
        );
        let transfer = async move |headers: HeaderMap| {
            let key = headers.get("api-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
            if key != SEEDED_KEY && !key.starts_with("pk_test_made") {
                return (StatusCode::UNAUTHORIZED, "unknown key");
            }
            open.fetch_add(1, Ordering::Relaxed);
            done.fetch_add(1, Ordering::Relaxed);
            (StatusCode::OK, r#"{"error":"","success":true}"#)
        };
        let balance = async || match std::env::var_os("STAND_IN_CLOSED") {
            Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "closed"),
            None => (StatusCode::OK, r#"{"error":"","success":true}"#),
        };
        let sandbox = Router::new().route("/api/transfer", post(transfer)).route("/api/agent_balance", get(balance));
        let listeners =
            [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
        let url = |at: usize| format!("http://{}", listeners[at].local_addr().unwrap());
        let dev = json!({ "pid": std::process::id(), "sandbox": url(0), "metrics": url(1),
                          "keys": { "sandbox": { "agent": SEEDED_KEY, "standard": "x" }, "live": {} } });
        std::fs::write(dir.join("dev.part"), dev.to_string()).unwrap();
        std::fs::rename(dir.join("dev.part"), dir.join("dev.json")).unwrap();
        let [first, second] = listeners;
        let (one, two) = tokio::join!(axum::serve(first, sandbox), axum::serve(second, metrics));
        one.and(two).unwrap();
    });
}
