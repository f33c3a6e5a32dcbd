//! What must not be readable anywhere: keys and the owner's password outside `dev.json`, what keys are hashed under, and what
//! control and planes prove themselves with.

mod kit;

use std::path::Path;

use kit::person::Person;
use kit::{Server, admin_json, files, transfer};

#[test]
fn no_secret_is_in_the_output_or_in_a_file_but_dev_json() {
    let dir = tempfile::tempdir().unwrap();
    let mut secrets: Vec<String> = Vec::new();
    let mut said = String::new();
    // The owner's password, and what proves each session's token.
    let mut of_the_owner: Vec<Vec<u8>> = Vec::new();
    // Twice, so that what a restart writes is looked at too.
    for round in ["1", "2"] {
        let server = Server::dev(dir.path());
        admin_json(dir.path(), &["logs", "level", "trace"]);
        secrets.extend(keys(&server.facts["keys"]));
        let owner = Person::owner(server.url("control"), &server.facts);
        of_the_owner.push(server.facts["password"].as_str().expect("it is there").as_bytes().to_vec());
        of_the_owner.push(owner.token.rsplit('.').next().expect("a signature").as_bytes().to_vec());
        secrets.push(owner.new_key("test").1);
        for made in admin_json(dir.path(), &["tenant", "create", "--count", "2"]) {
            secrets.extend(keys(&made["keys"]));
        }
        for environment in ["sandbox", "live"] {
            let (agent, payout) = (server.key(environment, "agent"), server.key(environment, "payout"));
            server.post(environment, "/api/transfer", Some(agent), &transfer(round, "5.00"));
            server.post(environment, "/api/transfer", Some(agent), &transfer(round, "6.00"));
            server.post(environment, "/api/transfer", Some(payout), "{");
            server.get(environment, "/api/status/0", Some(&format!("{agent}x")));
            server.get(environment, "/api/kyc/201001234567", Some(agent));
        }
        let ended = server.interrupt();
        assert_eq!(ended.status.code(), Some(0));
        assert!(ended.stderr.contains("\"level\":\"INFO\""), "{}", ended.stderr);
        said.push_str(&ended.stdout);
        said.push_str(&ended.stderr);
    }
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 6 + 4 * 6 + 2, "the seeded tenant's keys are kept, the others are new");
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    for key in &secrets {
        let (_, secret) = key.split_once('.').unwrap();
        assert!(secret.len() >= 30);
        patterns.push(secret.as_bytes().to_vec());
    }
    let of_roles = [("control", "secret"), ("sandbox", "secret"), ("live", "secret")];
    for (role, file) in of_roles.into_iter().chain([("sandbox", "intercom"), ("live", "intercom")]) {
        let master = std::fs::read(dir.path().join(role).join(file)).unwrap();
        assert_eq!(master.len(), 32);
        let hex: String = master.iter().map(|byte| format!("{byte:02x}")).collect();
        patterns.extend([hex.to_uppercase().into_bytes(), hex.into_bytes(), master]);
    }
    of_the_owner.sort();
    of_the_owner.dedup();
    assert_eq!(of_the_owner.len(), 1 + 2, "the password is kept, each session has its token");
    patterns.extend(of_the_owner);
    for pattern in &patterns {
        assert!(!contains(said.as_bytes(), pattern), "a secret was printed");
    }
    let all = files(dir.path());
    let in_files = all.iter().any(|file| file.ends_with("sandbox/store.db"));
    assert!(in_files || pgkit::wanted(), "{all:?}");
    let mut in_dev_json = 0;
    for file in &all {
        let bytes = std::fs::read(file).unwrap();
        let found = patterns.iter().filter(|pattern| contains(&bytes, pattern)).count();
        if file.ends_with("dev.json") {
            in_dev_json = found;
        } else if !is_a_roles_own_secret(file) {
            assert_eq!(found, 0, "{}", file.display());
        }
    }
    assert_eq!(in_dev_json, 6 + 1, "the search finds what is there: keys and the owner's password");
}

fn is_a_roles_own_secret(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "secret" || name == "intercom")
}

fn keys(keys: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    for environment in ["sandbox", "live"] {
        for kind in ["standard", "payout", "agent"] {
            found.push(keys[environment][kind].as_str().expect("a key of each kind").to_owned());
        }
    }
    found
}

fn contains(bytes: &[u8], pattern: &[u8]) -> bool {
    let Some(first) = pattern.first() else { return false };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        if left[at..].starts_with(pattern) {
            return true;
        }
        left = &left[at + 1..];
    }
    false
}
