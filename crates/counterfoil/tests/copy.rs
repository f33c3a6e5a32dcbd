//! `counterfoil copy`: an environment moves engines and is the same there.

mod kit;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use kit::{Server, admin_json, program, transfer};
use serde_json::Value;

fn copy(from: &str, to: &str) -> Output {
    program().args(["copy", "--json", "--from", from, "--to", to]).output().expect("the program runs")
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a JSON line")
}

fn refused(output: &Output) -> (i32, String) {
    assert!(!output.status.success(), "it was done: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn on_files(data: &Path) -> Server {
    Server::dev_with(kit::dev_on_files(data), data)
}

fn send(server: &Server, key: &str, id: u64) {
    let sent = server.post("sandbox", "/api/transfer", Some(key), &transfer(&id.to_string(), "1.25"));
    assert_eq!(sent.json()["success"], true, "{}", sent.body);
}

fn balance(server: &Server, key: &str) -> Value {
    server.get("sandbox", "/api/agent_balance", Some(key)).json()["balance"].clone()
}

/// A stopped installation with transfers, some of them on their way; its sandbox's agent key.
fn stopped(data: &Path) -> String {
    let server = on_files(data);
    let key = server.key("sandbox", "agent").to_owned();
    (1..=60).for_each(|id| send(&server, &key, id));
    assert!(server.terminate().status.success());
    key
}

/// Three databases for an installation, by the name that `dev --store` takes.
fn databases() -> String {
    let url = pgkit::fresh_database();
    for role in ["control", "sandbox", "live"] {
        let name = url.rsplit('/').next().and_then(|name| name.split('?').next()).expect("a name");
        pgkit::query(&url, &format!("CREATE DATABASE {name}_{role}")).expect("a database");
    }
    url
}

#[test]
fn an_installation_moves_to_databases_and_back_with_all_that_it_knows() {
    if !pgkit::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (data, url) = (dir.path().join("data"), databases());
    let key = stopped(&data);
    let file = |role: &str| format!("sqlite:{}", data.join(role).display());
    for role in ["control", "sandbox", "live"] {
        let row = done(&copy(&file(role), &format!("{url}_{role}")));
        assert_eq!(row["environment"], role);
    }
    // The files are gone, so that nothing can come from them.
    for role in ["control", "sandbox", "live"] {
        std::fs::remove_file(data.join(role).join("store.db")).unwrap();
    }
    let mut command = kit::dev_on_files(&data);
    command.args(["--store", &url]);
    let server = Server::dev_with(command, &data);
    assert_eq!(server.key("sandbox", "agent"), key, "the key is known there");
    (1..=60).for_each(|id| {
        assert_eq!(server.get("sandbox", &format!("/api/status/{id}"), Some(&key)).status, 200, "{id}");
    });
    (61..=70).for_each(|id| send(&server, &key, id));
    assert_eq!(admin_json(&data, &["books", "--env", "sandbox"])[0]["balanced"], true);
    let spent = balance(&server, &key);

    // A source that is served is refused, on this engine too.
    let (code, said) = refused(&copy(&format!("{url}_sandbox"), &file("sandbox")));
    assert!(code == 70 && said.contains("stop it first"), "{code} {said}");
    assert!(server.terminate().status.success());
    for role in ["control", "sandbox", "live"] {
        done(&copy(&format!("{url}_{role}"), &file(role)));
    }
    let server = on_files(&data);
    assert_eq!(balance(&server, &key), spent);
    assert_eq!(server.get("sandbox", "/api/status/70", Some(&key)).status, 200);
    send(&server, &key, 71);
    assert_eq!(admin_json(&data, &["books", "--env", "sandbox"])[0]["balanced"], true);
}

#[test]
fn what_is_used_full_or_of_another_kind_is_refused() {
    if !pgkit::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (data, url) = (dir.path().join("data"), databases());
    stopped(&data);
    let sandbox = format!("sqlite:{}", data.join("sandbox").display());
    let target = format!("{url}_sandbox");
    let server = on_files(&data);
    let (code, said) = refused(&copy(&sandbox, &target));
    assert!(code == 70 && said.contains("stop it first"), "{code} {said}");
    assert!(server.terminate().status.success());

    for (from, to, wanted, word) in [
        (sandbox.as_str(), sandbox.as_str(), 2, "one end is"),
        ("mysql://me:hush@x/y", target.as_str(), 2, "--from"),
        ("sqlite:nowhere", target.as_str(), 3, "holds no store"),
    ] {
        let (code, said) = refused(&copy(from, to));
        assert!(code == wanted && said.contains(word) && !said.contains("hush"), "{from} → {to}: {code} {said}");
    }
    let control = format!("sqlite:{}", data.join("control").display());
    done(&copy(&control, &target));
    let (code, said) = refused(&copy(&sandbox, &target));
    assert!(code == 3 && said.contains("not empty") && said.contains("`control/control/main`"), "{code} {said}");
    let (code, said) = refused(&copy(&control, &target));
    assert!(code == 3 && said.contains("not empty"), "{code} {said}");
    // Another program's tables are nobody's to remove.
    let theirs = pgkit::fresh_database();
    pgkit::query(&theirs, "CREATE TABLE precious (a INT)").unwrap();
    let (code, said) = refused(&copy(&sandbox, &theirs));
    assert!(code == 70 && said.contains("another program"), "{code} {said}");
    // A plane without its secret would know no key.
    let bare = dir.path().join("bare");
    std::fs::create_dir(&bare).unwrap();
    let full = format!("{url}_live");
    done(&copy(&format!("sqlite:{}", data.join("live").display()), &full));
    let (code, said) = refused(&copy(&full, &format!("sqlite:{}", bare.display())));
    assert!(code == 3 && said.contains("secret"), "{code} {said}");
}

#[test]
fn a_copy_that_is_killed_is_never_served_and_is_made_again() {
    if !pgkit::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (data, url) = (dir.path().join("data"), databases());
    stopped(&data);
    let (from, to) = (format!("sqlite:{}", data.join("sandbox").display()), format!("{url}_sandbox"));
    let timed = Instant::now();
    done(&copy(&format!("sqlite:{}", data.join("live").display()), &format!("{url}_live")));
    let usual = timed.elapsed();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut unfinished = 0;
    for _ in 0..8 {
        let mut command = program();
        command.args(["copy", "--from", &from, "--to", &to]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + usual * random.u32(10..80) / 100;
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().unwrap();
        let mut serve = kit::serve_command("sandbox", &data);
        serve.env("COUNTERFOIL_SANDBOX__STORE", &to);
        if pgkit::query(&to, "SELECT name FROM identity").unwrap_or_default().contains("unfinished") {
            unfinished += 1;
            let output = serve.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(70) && said.contains("unfinished"), "{said}");
        }
    }
    println!("{unfinished} kills left an unfinished copy");
    let output = copy(&from, &to);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || said.contains("is not empty: it is the store of `plane/sandbox/main`"),
        "{said}"
    );
    let verify = program().args(["migrate", "verify", "--env", "sandbox", "--store", &to]).output().unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}
