//! `counterfoil migrate`, on both engines, and `dev` on databases.

mod kit;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use kit::{Server, program, transfer};
use serde_json::{Value, json};

fn on_files(data: &Path) -> Server {
    Server::dev_with(kit::dev_on_files(data), data)
}

fn migrate(arguments: &[&str]) -> Output {
    program().arg("migrate").args(arguments).arg("--json").output().expect("the program runs")
}

fn done(arguments: &[&str]) -> Vec<Value> {
    let output = migrate(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn refused(arguments: &[&str]) -> (i32, String) {
    let output = migrate(arguments);
    assert!(!output.status.success(), "{arguments:?} was done");
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A stopped installation on SQLite with one transfer.
fn stopped(data: &Path) {
    let server = on_files(data);
    let sent = server.post("sandbox", "/api/transfer", Some(server.key("sandbox", "agent")), &transfer("1", "1.00"));
    assert_eq!(sent.json()["success"], true, "{}", sent.body);
    assert!(server.terminate().status.success());
}

#[test]
fn what_a_server_made_has_every_step_and_every_row_reads() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_files(dir.path());
    let data = dir.path().to_str().unwrap();
    // A running server is in nobody's way.
    for row in done(&["plan", "--data", data]) {
        assert_eq!(row["missing"], json!([]), "{row}");
    }
    assert_eq!(done(&["apply", "--data", data]).len(), 3);
    let rows = done(&["verify", "--data", data]);
    let heads = rows.iter().find(|row| row["environment"] == "live" && row["table"] == "head").unwrap();
    assert_eq!(heads["digest"].as_str().map(str::len), Some(64));
    drop(server);
    let (code, said) = refused(&["plan", "--data", "nowhere"]);
    assert!(code == 3 && said.contains("no store is in nowhere"), "{code} {said}");
    let (code, said) = refused(&["plan", "--store", "postgres://me:hush@localhost/x"]);
    assert!(code == 2 && said.contains("--env") && !said.contains("hush"), "{code} {said}");
}

#[test]
fn an_old_program_refuses_a_newer_store_and_changes_nothing() {
    if pgkit::wanted() {
        // What is changed here is the file; the database's version has a test of the store's.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    stopped(dir.path());
    let file = dir.path().join("live/store.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // In SQLite's header: the version that the application gave, big-endian.
    bytes[60..64].copy_from_slice(&9u32.to_be_bytes());
    std::fs::write(&file, &bytes).unwrap();
    let data = dir.path().to_str().unwrap();
    for step in ["plan", "apply", "verify"] {
        let (code, said) = refused(&[step, "--data", data]);
        assert!(code == 70 && said.contains("has version 9"), "{step}: {code} {said}");
        assert!(said.contains("use a newer program"), "{said}");
    }
    let started = kit::serve_command("live", dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr);
    assert!(started.status.code() == Some(70) && said.contains("use a newer program"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(done(&["verify", "--data", data, "--env", "sandbox"])[0]["environment"], "sandbox");
}

#[test]
fn verify_finds_a_damaged_row() {
    let dir = tempfile::tempdir().unwrap();
    stopped(dir.path());
    let file = dir.path().join("sandbox/store.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"Example Tenant")).collect();
    places.iter().for_each(|at| bytes[*at] ^= 1);
    std::fs::write(&file, bytes).unwrap();
    let (code, said) = refused(&["verify", "--data", dir.path().to_str().unwrap()]);
    assert!(code == 70 && said.contains("`tenant`") && said.contains("checksum"), "{code} {said}");
}

#[test]
fn an_empty_database_is_migrated_over_kills_and_belongs_to_one_role() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let of = ["--store", url.as_str(), "--env", "sandbox"];
    let with = |step: &'static str| [&[step][..], &of[..]].concat();
    let plan = done(&with("plan")).remove(0);
    assert_eq!((plan["version"].as_u64(), plan["missing"][0].as_u64()), (Some(0), Some(1)), "{plan}");
    let (code, said) = refused(&with("verify"));
    assert!(code == 3 && said.contains("migrate apply"), "{code} {said}");
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..10 {
        let mut command = program();
        command.arg("migrate").args(with("apply")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + Duration::from_millis(random.u64(1..60));
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert_eq!(done(&with("apply"))[0]["missing"], json!([]));
    assert!(done(&with("verify")).iter().all(|row| row["rows"] == 0));
    let (code, said) = refused(&["plan", "--store", &url, "--env", "live"]);
    assert!(code == 3 && said.contains("`plane/sandbox/main`"), "{code} {said}");
}

#[test]
fn dev_makes_a_database_for_each_role_and_keeps_everything_there() {
    if !pgkit::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let url = pgkit::fresh_database();
    let start = || {
        let mut command = kit::dev_on_files(dir.path());
        command.args(["--store", &url]);
        Server::dev_with(command, dir.path())
    };
    let server = start();
    let agent = server.key("sandbox", "agent").to_owned();
    let sent = server.post("sandbox", "/api/transfer", Some(&agent), &transfer("1", "1.00"));
    assert_eq!(sent.json()["success"], true, "{}", sent.body);
    let ended = server.terminate();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(!dir.path().join("sandbox/store.db").exists());
    let server = start();
    assert_eq!(server.get("sandbox", "/api/status/1", Some(&agent)).status, 200);
    // There is no file to back up.
    let mut command = program();
    command.arg("backup").arg("--data").arg(dir.path()).arg("--to").arg(dir.path().join("backup"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    for role in ["control", "sandbox", "live"] {
        let of = format!("{url}_{role}");
        let rows = done(&["verify", "--store", &of, "--env", role]);
        assert!(rows.iter().any(|row| row["table"] == "tenant" && row["rows"] == 1), "{role}: {rows:?}");
    }
}

#[test]
fn a_database_that_cannot_be_had_is_said_plainly() {
    if !pgkit::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let try_store = |store: &str| {
        let mut command = kit::dev_on_files(dir.path());
        let output = command.args(["--store", store]).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = try_store("mysql://me:hush@localhost/x");
    assert!(code == 2 && said.contains("postgres://") && !said.contains("hush"), "{code} {said}");
    let (code, said) = try_store("postgres://me:hush@127.0.0.1:1/x");
    assert!(code == 70 && said.contains("127.0.0.1/x_control") && !said.contains("hush"), "{code} {said}");
    let url = pgkit::fresh_database();
    let role = format!("poor_{}", std::process::id());
    pgkit::query(&url, &format!("CREATE ROLE {role} LOGIN")).unwrap();
    let (code, said) = try_store(&url.replace("counterfoil@", &format!("{role}@")));
    assert!(code == 70 && said.contains("cannot be made") && said.contains("permission denied"), "{code} {said}");
}
