//! Against the real server. Skipped, and said so, where PostgreSQL is not installed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgkit::{Cluster, Mode, Options};

/// Tells the copy of this program that [`a_killed_process_leaves_neither_server_nor_files`] starts what it is.
const COPY: &str = "COUNTERFOIL_TEST_COPY";

#[test]
fn a_cluster_stops_and_starts_again_with_what_was_committed() {
    if !pgkit::available() {
        return;
    }
    let mut cluster = Options::durable().set("max_connections", "17").start().unwrap();
    let url = cluster.create_database("facts");
    assert_eq!(url, cluster.url("facts"));
    assert_eq!(cluster.query("facts", "SHOW fsync"), "on\n");
    assert_eq!(cluster.query("facts", "SHOW max_connections"), "17\n");
    assert_eq!(cluster.query("facts", "SHOW server_encoding"), "UTF8\n");
    cluster.query("facts", "CREATE TABLE fact (number INT); INSERT INTO fact VALUES (0)");
    for number in 1..4 {
        let (before, port) = (cluster.pid(), cluster.port());
        match number {
            1 => {
                cluster.stop(Mode::Fast);
                assert!(pgkit::query(&url, "SELECT 1").is_err(), "a stopped server answered");
                cluster.start_again();
            }
            2 => cluster.restart_immediate(),
            _ => {
                cluster.kill();
                cluster.start_again();
            }
        }
        assert_ne!(cluster.pid(), before);
        assert_eq!(cluster.port(), port);
        assert_eq!(cluster.query("facts", "SELECT count(*) FROM fact"), format!("{number}\n"));
        cluster.query("facts", &format!("INSERT INTO fact VALUES ({number})"));
    }
    let (data, url) = (cluster.data(), cluster.url("facts"));
    drop(cluster);
    assert!(!data.exists());
    assert!(pgkit::query(&url, "SELECT 1").is_err(), "a dropped cluster answered");
}

#[test]
fn each_fresh_database_is_new_and_empty() {
    if !pgkit::available() {
        return;
    }
    let (one, two) = (pgkit::fresh_database(), pgkit::fresh_database());
    assert_ne!(one, two);
    pgkit::query(&one, "CREATE TABLE fact (number INT)").unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(pgkit::query(&one, tables).unwrap(), "1\n");
    assert_eq!(pgkit::query(&two, tables).unwrap(), "0\n");
    let refused = pgkit::query(&two, "SELECT number FROM fact").unwrap_err().to_string();
    assert!(refused.contains("relation \"fact\" does not exist"), "{refused}");
}

#[test]
fn only_databases_of_processes_that_ended_are_dropped() {
    if !pgkit::available() {
        return;
    }
    let cluster = Cluster::fast();
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let (alive, dead) = (format!("test_{}_0", std::process::id()), format!("test_{}_0", ended.id()));
    for name in [&alive, &dead, "kept", "testing_1_0"] {
        cluster.create_database(name);
    }
    pgkit::drop_abandoned(&cluster.url("postgres")).unwrap();
    let left = cluster.query("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1");
    assert_eq!(left, format!("kept\npostgres\n{alive}\ntesting_1_0\n"));
}

#[test]
fn a_setting_that_postgresql_refuses_is_told_in_its_words() {
    if !pgkit::available() {
        return;
    }
    let refused = Options::fast().set("max_connections", "many").start().err().unwrap().to_string();
    assert!(refused.contains("max_connections"), "{refused}");
}

#[test]
fn a_killed_process_leaves_neither_server_nor_files() {
    if !pgkit::available() {
        return;
    }
    if std::env::var_os(COPY).is_some() {
        let cluster = Cluster::fast();
        println!("cluster {} {}", cluster.pid().as_raw_nonzero(), cluster.data().display());
        loop {
            std::thread::park();
        }
    }
    let name = "a_killed_process_leaves_neither_server_nor_files";
    let mut copy = Command::new(std::env::current_exe().unwrap());
    copy.args(["--exact", name, "--nocapture"]).env(COPY, "1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut copy = copy.spawn().unwrap();
    let lines = BufReader::new(copy.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.into_iter().find_map(|line| Some(line.split_once("cluster ")?.1.to_owned())).unwrap();
    let (pid, data) = told.split_once(' ').unwrap();
    assert!(Path::new(data).exists());
    copy.kill().unwrap();
    copy.wait().unwrap();
    let started = Instant::now();
    let left = || Path::new(data).parent().unwrap().exists() || Path::new("/proc").join(pid).exists();
    while left() {
        assert!(started.elapsed() < Duration::from_secs(30), "server {pid} or {data} is left");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
