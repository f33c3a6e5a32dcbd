//! `counterfoil backup` and `counterfoil restore`: while serving, when stopped, after a kill, and with everything wrong
//! that can be.

mod kit;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kit::{Connection, Server, admin_json, files, program, transfer};
use serde_json::Value;

fn on_files(data: &Path) -> Server {
    Server::dev_with(kit::dev_on_files(data), data)
}

fn backup(data: &Path, to: &Path, more: &[&str]) -> Output {
    let mut command = program();
    command.arg("backup").arg("--data").arg(data).arg("--to").arg(to).arg("--json").args(more);
    command.output().expect("the program runs")
}

fn restore(from: &Path, data: &Path, more: &[&str]) -> Output {
    let mut command = program();
    command.arg("restore").arg("--from").arg(from).arg("--data").arg(data).arg("--json").args(more);
    command.output().expect("the program runs")
}

/// The JSON lines of what has to succeed.
fn done(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// The exit code and stderr of what has to fail.
fn refused(output: &Output) -> (i32, String) {
    assert!(!output.status.success(), "it was done: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The first row of an environment's name.
fn row<'a>(rows: &'a [Value], environment: &str) -> &'a Value {
    rows.iter().find(|row| row["environment"] == environment).unwrap_or_else(|| panic!("no {environment} in {rows:?}"))
}

fn sent(server: &Server, id: &str) {
    let answer = server.post("sandbox", "/api/transfer", Some(server.key("sandbox", "agent")), &transfer(id, "1.00"));
    assert_eq!(answer.json()["success"], true, "{}", answer.body);
}

fn known(server: &Server, key: &str, id: &str) -> bool {
    server.get("sandbox", &format!("/api/status/{id}"), Some(key)).status == 200
}

/// A stopped installation with a tenant, keys and ten transfers, and its sandbox's agent key.
fn stopped(data: &Path) -> String {
    let server = on_files(data);
    (0..10).for_each(|id| sent(&server, &id.to_string()));
    let key = server.key("sandbox", "agent").to_owned();
    assert!(server.terminate().status.success());
    key
}

#[test]
fn a_backup_under_load_has_all_that_was_answered_before_it_began() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to, second) = (dir.path().join("data"), dir.path().join("backup"), dir.path().join("second"));
    let server = on_files(&data);
    let (agent, sandbox) = (server.key("sandbox", "agent").to_owned(), server.url("sandbox").to_owned());
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let (before, saved) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = Connection::open(&sandbox);
            for id in 1u64.. {
                let answer =
                    connection.send("POST", "/api/transfer", Some(&agent), Some(&transfer(&id.to_string(), "1.00")));
                assert_eq!(answer.json()["success"], true, "{}", answer.body);
                acknowledged.store(id, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        kit::until("a hundred transfers", || (acknowledged.load(Ordering::SeqCst) >= 100).then_some(()));
        let before = acknowledged.load(Ordering::SeqCst);
        let rows = done(&backup(&data, &to, &[]));
        stop.store(true, Ordering::SeqCst);
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert_eq!(row(&rows, "sandbox")["identity"], "plane/sandbox/main");
        assert!(row(&rows, "sandbox")["entries"].as_u64().unwrap() > before);
        (before, rows)
    });
    for path in files(&to) {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    let names = ["manifest.json", "secret", "store.db"].map(|name| to.join("live").join(name));
    assert!(names.iter().all(|name| name.exists()), "{:?}", files(&to));
    assert!(server.terminate().status.success());

    let rows = done(&restore(&to, &second, &[]));
    assert_eq!(row(&rows, "sandbox")["tenants"], 1);
    // Control's audit log is proved with it.
    let entries = |rows: &[Value]| row(rows, "control")["entries"].as_u64().unwrap();
    assert!(entries(&rows) > 0 && entries(&rows) == entries(&saved), "{rows:?} {saved:?}");
    assert!(row(&rows, "sandbox")["entries"].as_u64().unwrap() > before);
    let again = on_files(&second);
    // The secret came along: keys of the first installation are keys of the second.
    for id in 1..=before {
        assert!(known(&again, &agent, &id.to_string()), "{id} was answered before the backup began");
    }
    sent(&again, "900001");
    assert_eq!(admin_json(&second, &["books", "--env", "sandbox"])[0]["balanced"], true);
}

#[test]
fn a_stopped_and_a_killed_installation_are_backed_up_too() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = on_files(&data);
    (0..10).for_each(|id| sent(&server, &id.to_string()));
    let agent = server.key("sandbox", "agent").to_owned();
    server.kill();
    // Everything is still in the log.
    let rows = done(&backup(&data, &dir.path().join("first"), &["--env", "sandbox"]));
    assert_eq!(rows.len(), 1);
    let server = on_files(&data);
    sent(&server, "10");
    assert!(server.terminate().status.success());
    done(&backup(&data, &dir.path().join("second"), &[]));
    for (name, last) in [("first", 9), ("second", 10)] {
        let restored = dir.path().join(format!("{name}-restored"));
        done(&restore(&dir.path().join(name), &restored, &["--env", "sandbox"]));
        let server = on_files(&restored);
        for id in 0..=10 {
            assert_eq!(known(&server, &agent, &id.to_string()), id <= last, "{name}: {id}");
        }
    }
}

#[test]
fn what_is_in_the_way_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to) = (dir.path().join("data"), dir.path().join("backup"));
    let (code, said) = refused(&backup(&data, &to, &[]));
    assert!(code == 3 && said.contains("no store is in"), "{code} {said}");
    let key = stopped(&data);
    done(&backup(&data, &to, &["--env", "sandbox"]));
    let (code, said) = refused(&backup(&data, &to, &["--env", "sandbox"]));
    assert!(code == 3 && said.contains("is there already"), "{code} {said}");
    let (code, said) = refused(&backup(&data.join("control"), &to, &["--env", "live"]));
    assert!(code == 3 && said.contains("has no SQLite store"), "{code} {said}");
    let (code, said) = refused(&restore(&to, &data, &["--env", "live"]));
    assert!(code == 3 && said.contains("name the directory of a backup"), "{code} {said}");

    let server = on_files(&data);
    sent(&server, "900002");
    let (code, said) = refused(&restore(&to, &data, &["--replace"]));
    assert!(code == 70 && said.contains("stop it first"), "{code} {said}");
    assert!(server.terminate().status.success());
    let (code, said) = refused(&restore(&to, &data, &[]));
    assert!(code == 3 && said.contains("--replace"), "{code} {said}");

    let rows = done(&restore(&to, &data, &["--replace"]));
    let aside = Path::new(rows[0]["replaced"].as_str().unwrap()).to_owned();
    let server = on_files(&data);
    assert!(known(&server, &key, "9") && !known(&server, &key, "900002"));
    assert!(server.terminate().status.success());
    // What was replaced is whole: put back, it knows what came after the backup.
    std::fs::rename(data.join("sandbox"), dir.path().join("restored")).unwrap();
    std::fs::rename(aside, data.join("sandbox")).unwrap();
    assert!(known(&on_files(&data), &key, "900002"));
}

#[test]
fn a_damaged_backup_is_never_put_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to) = (dir.path().join("data"), dir.path().join("backup"));
    stopped(&data);
    done(&backup(&data, &to, &[]));
    let sandbox = to.join("sandbox");
    let whole: Vec<Vec<u8>> = NAMES.map(|name| std::fs::read(sandbox.join(name)).unwrap()).into();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..12 {
        let hurt = [0, 1, 2][round % 3];
        let mut bytes = whole[hurt].clone();
        match round % 2 {
            0 => bytes.truncate(random.usize(..bytes.len())),
            _ => {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u32(..8);
            }
        }
        std::fs::write(sandbox.join(NAMES[hurt]), &bytes).unwrap();
        let output = restore(&to, &dir.path().join("new"), &["--env", "sandbox"]);
        // A flipped bit in a word that nobody compares, such as the program's version, harms nothing.
        if hurt == 2 && output.status.success() {
            std::fs::remove_dir_all(dir.path().join("new")).unwrap();
        } else {
            let (code, said) = refused(&output);
            assert!(code == 70 || (code == 3 && hurt == 2), "{}: {code} {said}", NAMES[hurt]);
            assert_eq!(files(&dir.path().join("new")), Vec::<std::path::PathBuf>::new(), "{said}");
        }
        std::fs::write(sandbox.join(NAMES[hurt]), &whole[hurt]).unwrap();
    }
    done(&restore(&to, &dir.path().join("new"), &[]));
}

const NAMES: [&str; 3] = ["store.db", "secret", "manifest.json"];

#[test]
fn a_damaged_row_is_found_although_the_file_is_as_it_was_backed_up() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to) = (dir.path().join("data"), dir.path().join("backup"));
    stopped(&data);
    let file = data.join("sandbox/store.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // Space that is not in use any more may hold the name too.
    let found = |at: &usize| bytes[*at..].starts_with(b"Example Tenant");
    let places: Vec<usize> = (0..bytes.len()).filter(found).collect();
    assert!(!places.is_empty(), "the tenant's name is stored");
    places.iter().for_each(|at| bytes[*at] ^= 1);
    std::fs::write(&file, bytes).unwrap();
    done(&backup(&data, &to, &["--env", "sandbox"]));
    let (code, said) = refused(&restore(&to, &dir.path().join("new"), &["--env", "sandbox"]));
    assert!(code == 70 && said.contains("checksum"), "{code} {said}");
    assert_eq!(files(&dir.path().join("new")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_backup_of_another_store_and_of_a_newer_program_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to) = (dir.path().join("data"), dir.path().join("backup"));
    stopped(&data);
    done(&backup(&data, &to, &[]));
    std::fs::rename(to.join("sandbox"), to.join("kept")).unwrap();
    std::fs::rename(to.join("live"), to.join("sandbox")).unwrap();
    let (code, said) = refused(&restore(&to, &dir.path().join("new"), &["--env", "sandbox"]));
    assert!(code == 3 && said.contains("a backup of `plane/live/main`, not of `plane/sandbox/main`"), "{code} {said}");

    let manifest = to.join("kept/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"version\": 1", "\"version\": 7")).unwrap();
    std::fs::remove_dir_all(to.join("sandbox")).unwrap();
    std::fs::rename(to.join("kept"), to.join("sandbox")).unwrap();
    let (code, said) = refused(&restore(&to, &dir.path().join("new"), &["--env", "sandbox"]));
    assert!(code == 70 && said.contains("version 7") && said.contains("use a newer program"), "{code} {said}");
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_store_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (data, to) = (dir.path().join("data"), dir.path().join("backup"));
    let key = stopped(&data);
    done(&backup(&data, &to, &["--env", "sandbox"]));
    let server = on_files(&data);
    sent(&server, "900003");
    assert!(server.terminate().status.success());
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let began = Instant::now();
    done(&restore(&to, &dir.path().join("timed"), &["--env", "sandbox"]));
    let usual = began.elapsed();
    for _ in 0..12 {
        let mut command = program();
        command.arg("restore").arg("--from").arg(&to).arg("--data").arg(&data).args(["--env", "sandbox", "--replace"]);
        let mut child =
            command.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
        let end = Instant::now() + usual.mul_f32(random.f32() * 1.2) + Duration::from_millis(1);
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().unwrap();
        assert!(data.join("sandbox/store.db").exists() && data.join("sandbox/secret").exists(), "nothing is there");
    }
    // The one with the later transfer is there still, in its place or under another name, and no other is half.
    let mut stores: Vec<_> = files(&data).into_iter().filter(|file| file.ends_with("store.db")).collect();
    stores.retain(|file| {
        let name = file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        name == "sandbox" || name.starts_with("sandbox.replaced-")
    });
    let mut later = 0;
    for (at, store) in stores.iter().enumerate() {
        let alone = dir.path().join(format!("alone-{at}"));
        std::fs::create_dir_all(&alone).unwrap();
        std::fs::rename(store.parent().unwrap(), alone.join("sandbox")).unwrap();
        let server = on_files(&alone);
        assert!(known(&server, &key, "9"), "{}", store.display());
        later += usize::from(known(&server, &key, "900003"));
    }
    assert_eq!(later, 1, "{stores:?}");
}
